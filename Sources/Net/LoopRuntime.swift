package import NIOCore
package import Transport
import Wire

/// Everything one event loop owns: executor, actor, timers, buffers, upstream connections.
///
/// Confined to that loop.
package final class LoopRuntime: LoopTransport {
    package let eventLoop: any EventLoop
    package let loopIndex: Int
    let executor: LoopExecutor
    let actor: LoopActor
    let wheel: TimerWheel
    let dialer: Dialer
    let pool: UpstreamPool
    let figures: UpstreamFigures
    /// How upstream connections are kept from now on.
    var options: UpstreamOptions
    /// Spreads the lives of connections; below 21.
    var dialCount = 0
    let connections = OpenConnections()
    private var scratch: [ByteBuffer] = []
    private var dateSecond = -1
    private var dateLine = ByteBuffer()

    private static let scratchMax = 64
    private static let scratchBytesMax = 64 << 10

    init(eventLoop: any EventLoop, index: Int, dialer: Dialer, options: UpstreamOptions, load: ServerLoad?) {
        self.eventLoop = eventLoop
        self.loopIndex = index
        self.executor = LoopExecutor(loop: eventLoop)
        self.actor = LoopActor(executor: self.executor)
        self.wheel = TimerWheel(executor: self.executor, load: load)
        self.dialer = dialer
        self.figures = dialer.counters.makeFigures()
        self.pool = UpstreamPool(figures: self.figures)
        self.options = options
    }

    package func sleep(for duration: TimeAmount) async throws {
        let sleeper = LoopSleeper(runtime: self)
        try await sleeper.sleep(until: .now() + duration)
    }

    package func makeWait() -> any LoopWait { LoopAlarm(runtime: self) }

    package func takeBuffer() -> ByteBuffer {
        guard var buffer = self.scratch.popLast() else { return ByteBufferAllocator().buffer(capacity: 4096) }
        buffer.clear()
        return buffer
    }

    package func giveBuffer(_ buffer: inout ByteBuffer) {
        if buffer.capacity > 0, buffer.capacity <= Self.scratchBytesMax, self.scratch.count < Self.scratchMax {
            self.scratch.append(buffer)
        }
        buffer = ByteBuffer()
    }

    /// Appends the `date` line of now; rendered once a second.
    func writeDate(into buffer: inout ByteBuffer, now second: Int) {
        if second != self.dateSecond {
            self.dateSecond = second
            self.dateLine.clear()
            self.dateLine.writeStaticString("date: ")
            HTTPDate.write(unixSeconds: second, into: &self.dateLine)
            self.dateLine.writeStaticString("\r\n")
        }
        buffer.writeImmutableBuffer(self.dateLine)
    }
}

/// A wait on the wheel that is nobody's connection.
private final class LoopSleeper: WheelTimerOwner {
    private let waiter: LoopWaiter
    private let timer: WheelTimer
    private var isOver = false

    init(runtime: LoopRuntime) {
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
    }

    func sleep(until deadline: NIODeadline) async throws {
        self.timer.owner = self
        defer { self.timer.owner = nil }
        self.timer.arm(deadline)
        while !self.isOver { try await self.waiter.wait() }
    }

    func timerFired() {
        self.isOver = true
        self.waiter.wake()
    }
}
