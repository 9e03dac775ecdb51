import NIOCore

/// The coarse timers of one loop: arming one is a store, not a scheduled task.
///
/// A timer stands in the slot of the tick at which it has to be looked at. Moving its deadline later only changes the
/// deadline: when the old slot comes round the timer is put into its new one. Fires up to one tick (25 ms) late, never
/// early. Confined to its loop.
final class TimerWheel {
    /// How coarse the wheel is.
    static let tick = TimeAmount.milliseconds(25)
    private static let slotCount = 1024

    private let executor: LoopExecutor
    private var slots: [ContiguousArray<WheelTimer>]
    private var timerCount = 0
    private var currentTick: Int64
    private let start: NIODeadline
    private var isRunning = false
    private let load: ServerLoad?
    /// Since when every tick was late; nil while the loop is in time.
    private var lateSince: NIODeadline?

    /// - Parameter load: Told how late each tick ran, which is the loop's lag.
    init(executor: LoopExecutor, load: ServerLoad?) {
        self.executor = executor
        self.load = load
        self.slots = Array(repeating: [], count: Self.slotCount)
        self.start = .now()
        self.currentTick = 0
    }

    /// Looks at `timer` not later than its deadline asks for.
    ///
    /// Called by `WheelTimer.arm`.
    fileprivate func schedule(_ timer: WheelTimer) {
        let tick = self.tick(of: timer.deadline)
        if let scheduled = timer.scheduledTick, scheduled <= tick { return }
        self.place(timer, at: tick)
    }

    private func place(_ timer: WheelTimer, at tick: Int64) {
        if !self.isRunning { self.currentTick = self.tick(of: .now()) - 1 }
        let tick = min(max(tick, self.currentTick + 1), self.currentTick + Int64(Self.slotCount) - 1)
        timer.scheduledTick = tick
        self.slots[Int(tick % Int64(Self.slotCount))].append(timer)
        self.timerCount += 1
        self.runIfNeeded()
    }

    private func tick(of deadline: NIODeadline) -> Int64 {
        max(0, (deadline - self.start).nanoseconds / Self.tick.nanoseconds + 1)
    }

    private func runIfNeeded() {
        guard !self.isRunning, self.timerCount > 0 else { return }
        self.isRunning = true
        self.scheduleNext()
    }

    private func scheduleNext() {
        let due = self.start + .nanoseconds((self.currentTick + 1) * Self.tick.nanoseconds)
        let bound = NIOLoopBound(self, eventLoop: self.executor.loop)
        self.executor.loop.scheduleTask(deadline: due) {
            let wheel = bound.value
            wheel.executor.scope { wheel.advance(due: due) }
        }
    }

    private func advance(due: NIODeadline) {
        let now = NIODeadline.now()
        self.noteLag(now - due, now: now)
        let target = (now - self.start).nanoseconds / Self.tick.nanoseconds
        while self.currentTick < target {
            self.currentTick += 1
            self.visit(slot: Int(self.currentTick % Int64(Self.slotCount)), now: now)
        }
        self.isRunning = false
        self.runIfNeeded()
    }

    /// One late tick is a pause, of the machine or of one callback; only a loop that stays late has too much to do.
    private func noteLag(_ lag: TimeAmount, now: NIODeadline) {
        guard let load = self.load, lag > load.lagMax else {
            self.lateSince = nil
            return
        }
        let since = self.lateSince ?? now
        self.lateSince = since
        if now - since > load.lagHold { load.noteOverload() }
    }

    private func visit(slot: Int, now: NIODeadline) {
        guard !self.slots[slot].isEmpty else { return }
        var visited = ContiguousArray<WheelTimer>()
        swap(&visited, &self.slots[slot])
        self.timerCount -= visited.count
        for timer in visited where timer.scheduledTick == self.currentTick {
            timer.scheduledTick = nil
            if timer.deadline <= now {
                timer.deadline = .distantFuture
                timer.owner?.timerFired()
            } else if timer.deadline != .distantFuture {
                self.place(timer, at: self.tick(of: timer.deadline))
            }
        }
    }
}

/// Something that has one timer on its loop's wheel.
protocol WheelTimerOwner: AnyObject {
    /// The armed deadline has passed. The timer is off; arm it again if there is more to wait for.
    func timerFired()
}

/// The timer of one connection.
///
/// Confined to its loop.
final class WheelTimer {
    private let wheel: TimerWheel
    /// Cleared by the owner when it ends, which breaks the cycle.
    var owner: (any WheelTimerOwner)?
    fileprivate(set) var deadline = NIODeadline.distantFuture
    fileprivate var scheduledTick: Int64?

    init(wheel: TimerWheel) { self.wheel = wheel }

    /// Fires once at `deadline`, in place of whatever was armed before.
    func arm(_ deadline: NIODeadline) {
        self.deadline = deadline
        if deadline != .distantFuture { self.wheel.schedule(self) }
    }

    /// Fires no more until armed again.
    func disarm() { self.deadline = .distantFuture }
}
