import Core
import NIOCore
import Transport

/// One dial under its clock: waits for futures of this loop, bounded and cancellable.
final class DialClock: WheelTimerOwner {
    private let runtime: LoopRuntime
    private let waiter: LoopWaiter
    private let timer: WheelTimer
    private let timeout: TransportError
    private let deadline: NIODeadline

    init(_ request: UpstreamRequest, from start: NIODeadline, _ runtime: LoopRuntime) {
        self.runtime = runtime
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
        let connect = start + request.timeouts.connect
        self.deadline = min(connect, request.deadline)
        self.timeout =
            connect <= request.deadline
            ? .timeout(.connect, limit: request.timeouts.connect, didSend: false)
            : .timeout(.total, limit: request.timeouts.total, didSend: false)
    }

    func timerFired() { self.wake() }

    /// Lets whoever waits look again.
    func wake() { self.waiter.wake() }

    /// The future's value.
    func value<Value: Sendable>(of future: EventLoopFuture<Value>) async throws -> Value {
        let pending = Pending<Value>()
        self.observe(future, pending)
        try await self.until { pending.outcome != nil }
        guard let outcome = pending.outcome else { throw self.timeout }
        return try outcome.get()
    }

    private func observe<Value: Sendable>(_ future: EventLoopFuture<Value>, _ pending: Pending<Value>) {
        future.assumeIsolated().whenComplete { result in
            pending.outcome = result
            self.runtime.executor.scope { self.wake() }
        }
    }

    private final class Pending<Value: Sendable> {
        var outcome: Result<Value, any Error>?
    }

    /// Waits for the TLS handshake of `connection`, where it has one.
    func handshake(of connection: UpstreamConnection) async throws {
        connection.handshakeWaiter = self.waiter
        defer { connection.handshakeWaiter = nil }
        try await self.until { connection.isReady }
        if let failure = connection.handshakeFailure { throw failure }
    }

    /// Waits until `condition` holds, or until `time`.
    ///
    /// - Throws: The clock's `TransportError.timeout`, or `CancellationError`.
    func until(orAt time: NIODeadline = .distantFuture, _ condition: () -> Bool) async throws {
        self.timer.owner = self
        defer { self.timer.owner = nil }
        while !condition() {
            let now = NIODeadline.now()
            guard now < self.deadline else { throw self.timeout }
            guard now < time else { return }
            self.timer.arm(min(self.deadline, time))
            try await self.waiter.wait()
        }
        self.timer.disarm()
    }
}
