import NIOCore
import Transport

/// A wait on one loop, ended by its timer or by a wake from anywhere.
final class LoopAlarm: LoopWait, WheelTimerOwner, @unchecked Sendable {
    // Safety: all members are touched on the executor's loop only; `wake` hops there first.
    private let executor: LoopExecutor
    private let waiter: LoopWaiter
    private let timer: WheelTimer
    private var isWoken = false
    private var isDue = false

    init(runtime: LoopRuntime) {
        self.executor = runtime.executor
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
    }

    func wait(until deadline: NIODeadline) async throws {
        self.isDue = false
        self.timer.owner = self
        self.timer.arm(deadline)
        defer {
            self.timer.disarm()
            self.timer.owner = nil
            self.isWoken = false
        }
        while !self.isDue, !self.isWoken { try await self.waiter.wait(unless: { self.isDue || self.isWoken }) }
    }

    func wake() {
        guard self.executor.loop.inEventLoop else {
            self.executor.loop.execute { self.executor.scope { self.ring() } }
            return
        }
        self.ring()
    }

    func timerFired() {
        self.isDue = true
        self.waiter.wake()
    }

    private func ring() {
        self.isWoken = true
        self.waiter.wake()
    }
}
