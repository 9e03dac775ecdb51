import NIOCore
import Resilience

/// A gateway's decisions about thousands of calls, in time that is only counted: the same values and the same order of
/// questions as on the road, with providers that fail as a seed decides.
///
/// Every step is checked: what the table forbids, what the budget allows, and which changes a breaker may make.
struct OutageSimulation {
    /// How the providers behave at a time.
    enum Weather: Sendable {
        /// All work, but for one call in so many.
        case fair(failsOneIn: Int)
        /// All fail.
        case out
        /// The first fails, the others work.
        case firstOut
        /// The first answers nothing until its clock runs out.
        case firstStalls
        /// Whatever comes.
        case wild
    }

    struct Report: Equatable {
        var offered = 0
        var answered = 0
        /// Calls that got an error, though nothing but their provider was in the way.
        var failed = 0
        /// Answers that broke off, and requests that may not be repeated.
        var broken = 0
        var left = 0
        /// Attempts that reached a provider.
        var sent = 0
        /// Answers within each second.
        var goodput: [Int: Int] = [:]
        /// Calls offered within each second.
        var load: [Int: Int] = [:]
        var opened = 0
        var closed = 0
        var violations: [String] = []
    }

    private final class Target {
        var breaker = Breaker()
        var budget = RetryBudget()
        /// What it did last, to see whether that may follow.
        var state = BreakerState.closed
        /// Probes under way, by the time at which each loses its place.
        var probes: [(permit: Breaker.Permit, until: NIODeadline)] = []
        var retries: [NIODeadline] = []
        var calls: [NIODeadline] = []
    }

    private struct CallState {
        var id: Int
        var attempts = 0
        var repeats = 0
        var target = 0
        /// Whose budget pays for what is repeated.
        var payer: Int?
        var untried: [Int]
        var doubtful: [Int] = []
        var shut = 0
        var isPaid = false
        var isForced = false
        var hasContent = false
        var isStateful = false
        var ends = 0
        var deadline: NIODeadline
    }

    private enum Event {
        case arrive
        case attempt(CallState)
        case content(CallState, Breaker.Permit)
        case end(CallState, Breaker.Permit, Ending)
    }

    private enum Ending {
        case answered
        case left
        case failed(FailurePhase, FailureClass, TimeAmount?)
    }

    private let targetCount: Int
    private let callsPerSecond: Int
    private let seconds: Int
    private let weather: (Int) -> Weather
    private var random: SeededWords
    private var targets: [Target]
    private var queue = EventQueue<Event>()
    private var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private var report = Report()
    private var endings: [Int: Int] = [:]

    /// - Parameter weather: What it is like in a second of the simulation.
    init(
        seed: UInt64,
        targets: Int,
        callsPerSecond: Int,
        seconds: Int,
        weather: @escaping (Int) -> Weather
    ) {
        self.random = SeededWords(seed: seed)
        self.targetCount = targets
        self.callsPerSecond = callsPerSecond
        self.seconds = seconds
        self.weather = weather
        self.targets = (0..<targets).map { _ in Target() }
    }

    mutating func run() -> Report {
        self.queue.add(.arrive, at: self.start)
        while let (time, event) = self.queue.next() {
            self.now = max(self.now, time)
            switch event {
            case .arrive: self.arrive()
            case .attempt(let call): self.attempt(call)
            case .content(let call, let permit): self.begin(call, permit)
            case .end(let call, let permit, let ending): self.end(call, permit, ending)
            }
        }
        for id in 0..<self.report.offered where self.endings[id] != 1 {
            self.violate("call \(id) ended \(self.endings[id] ?? 0) times")
        }
        if self.report.answered + self.report.failed + self.report.broken + self.report.left != self.report.offered {
            self.violate("calls were lost or doubled")
        }
        for (number, target) in self.targets.enumerated() { self.checkBudget(of: target, number) }
        return self.report
    }

    private var second: Int { Int((self.now - self.start).nanoseconds / 1_000_000_000) }

    // MARK: - Calls

    private mutating func arrive() {
        let id = self.report.offered
        self.report.offered += 1
        self.report.load[self.second, default: 0] += 1
        let open = self.targets.map { $0.breaker.wouldPass(now: self.now) ? 0 : 1 }
        let order = (0..<self.targetCount).sorted { (open[$0], $0) < (open[$1], $1) }
        var call = CallState(id: id, untried: Array(order.dropFirst()), deadline: self.now + .seconds(120))
        call.target = order[0]
        call.isStateful = self.random.next() % 50 == 0
        self.attempt(call)
        let gap = TimeAmount.nanoseconds(1_000_000_000 / Int64(self.callsPerSecond))
        if self.now + gap < self.start + .seconds(Int64(self.seconds)) { self.queue.add(.arrive, at: self.now + gap) }
    }

    private mutating func attempt(_ call: CallState) {
        var call = call
        let target = self.targets[call.target]
        call.attempts += 1
        let before = target.breaker.state(now: self.now)
        let admission: Breaker.Admission
        if call.isForced {
            admission = .pass(target.breaker.force(now: self.now))
        } else {
            admission = target.breaker.admit(now: self.now).0
        }
        self.check(target, call.target, from: before, isProbe: true)
        guard case .pass(let permit) = admission else {
            call.attempts -= 1
            call.shut += 1
            return self.goOn(call, .unsent, .heldBack, nil)
        }
        if permit.kind == .probe {
            target.probes.removeAll { $0.until <= self.now }
            if !target.probes.isEmpty { self.violate("two probes at a time at target \(call.target)") }
            target.probes.append((permit, self.now + target.breaker.rules.coolDown))
        }
        if permit.kind == .usual, before == .open { self.violate("a usual call through an open breaker") }
        if call.hasContent { self.violate("an attempt after content") }
        if call.attempts > 3 { self.violate("more than three attempts") }
        self.report.sent += 1
        let (time, ending) = self.answer(of: call.target)
        let end = min(self.now + time, call.deadline)
        if case .answered = ending, self.random.next() % 2 == 0 {
            self.queue.add(.content(call, permit), at: self.now + .nanoseconds(time.nanoseconds / 2))
        } else {
            self.queue.add(.end(call, permit, ending), at: end)
        }
    }

    /// What a target does with a request now, and when it is over.
    private mutating func answer(of target: Int) -> (TimeAmount, Ending) {
        let word = self.random.next()
        let quick = TimeAmount.milliseconds(Int64(20 + word % 200))
        let good: Ending = (word >> 16) % 40 == 0 ? .left : .answered
        switch self.weather(self.second) {
        case .fair(let oneIn): return (quick, (word >> 24) % UInt64(oneIn) == 0 ? self.failure() : good)
        case .out: return (quick, self.failure())
        case .firstOut: return (quick, target == 0 ? .failed(.answered, .failed, nil) : good)
        case .firstStalls:
            return target == 0 ? (.seconds(30), .failed(.sent, .clock, nil)) : (quick, good)
        case .wild: return (quick, (word >> 24) % 2 == 0 ? self.failure() : good)
        }
    }

    private mutating func failure() -> Ending {
        let kinds: [(FailurePhase, FailureClass)] = [
            (.unsent, .connection), (.sent, .connection), (.answered, .failed), (.answered, .unavailable),
            (.answered, .timedOut), (.opened, .failed), (.opened, .connection), (.answered, .rateLimited),
        ]
        let (phase, kind) = kinds[Int(self.random.next() % UInt64(kinds.count))]
        let isAsked = kind == .rateLimited && self.random.next() % 2 == 0
        return .failed(phase, kind, isAsked ? .seconds(Int64(self.random.next() % 20)) : nil)
    }

    /// The first content is there; what follows may still break off.
    private mutating func begin(_ call: CallState, _ permit: Breaker.Permit) {
        var call = call
        call.hasContent = true
        self.record(.success, permit, call.target)
        let breaks = self.random.next() % 20 == 0
        self.queue.add(
            .end(call, permit, breaks ? .failed(.content, .connection, nil) : .answered),
            at: self.now + .milliseconds(50)
        )
    }

    private mutating func end(_ call: CallState, _ permit: Breaker.Permit, _ ending: Ending) {
        if !call.isPaid {
            self.targets[call.target].budget.note(now: self.now)
            self.targets[call.target].calls.append(self.now)
        }
        switch ending {
        case .answered:
            if !call.hasContent { self.record(.success, permit, call.target) }
            self.finish(call) { $0.answered += 1 }
            self.report.goodput[self.second, default: 0] += 1
        case .left:
            if !call.hasContent { self.record(.unknown, permit, call.target) }
            self.finish(call) { $0.left += 1 }
        case .failed(let phase, let kind, let wait):
            self.record(kind == .rateLimited ? .refusal : .failure, permit, call.target)
            self.goOn(call, phase, kind, wait)
        }
    }

    private mutating func finish(_ call: CallState, _ count: (inout Report) -> Void) {
        self.endings[call.id, default: 0] += 1
        count(&self.report)
    }

    // MARK: - What follows a failure

    private mutating func goOn(_ call: CallState, _ phase: FailurePhase, _ kind: FailureClass, _ wait: TimeAmount?) {
        var call = call
        var failed = FailedAttempt(
            phase: phase,
            kind: kind,
            attempts: call.attempts,
            attemptsMax: 3,
            timeLeft: call.deadline - self.now
        )
        failed.isStateful = call.isStateful
        failed.repeats = call.repeats
        failed.retryAfter = wait
        call.isPaid = false
        call.isForced = false
        var found: Int?
        let chance = self.random.next()
        if call.payer == nil, call.attempts > 0 { call.payer = call.target }
        let payer = call.payer
        let step = RetryPlan().next(
            after: failed,
            others: { self.other(for: &call, found: &found) },
            chance: chance,
            mayRepeat: { payer.map { self.withdraw(at: $0) } ?? true }
        )
        switch step {
        case .other:
            if phase == .content { self.violate("another target after content") }
            call.target = found ?? call.target
            self.attempt(call)
        case .same(let wait, _):
            if phase == .content || phase == .opened { self.violate("the same target again after an answer began") }
            if call.isStateful, phase == .sent { self.violate("a stateful request was repeated") }
            if wait > RetryPlan.askedWaitMax { self.violate("a wait of \(wait)") }
            call.repeats += 1
            call.isPaid = true
            self.queue.add(.attempt(call), at: self.now + wait)
        case .giveUp:
            if call.attempts == 0, call.shut >= 3 {
                call.isForced = true
                call.shut = 0
                return self.attempt(call)
            }
            if self.targetCount >= 3, call.attempts == 0 { self.violate("all of three targets refused a call") }
            self.finish(call) { if call.hasContent || call.isStateful { $0.broken += 1 } else { $0.failed += 1 } }
        }
    }

    private mutating func other(for call: inout CallState, found: inout Int?) -> RetryPlan.Others {
        while !call.untried.isEmpty {
            let number = call.untried.removeFirst()
            let target = self.targets[number]
            if !target.breaker.wouldPass(now: self.now) {
                call.shut += 1
            } else if target.breaker.isHealthy(now: self.now) {
                found = number
                return .ready
            } else {
                call.doubtful.append(number)
            }
        }
        guard let number = call.doubtful.first else { return .none }
        if call.attempts > 0 {
            guard let payer = call.payer, self.withdraw(at: payer) else { return .denied }
            call.isPaid = true
        }
        call.doubtful.removeFirst()
        found = number
        return .ready
    }

    private mutating func withdraw(at number: Int) -> Bool {
        guard self.targets[number].budget.withdraw(now: self.now) else { return false }
        self.targets[number].retries.append(self.now)
        return true
    }

    // MARK: - Checks

    private mutating func violate(_ text: String) {
        if self.report.violations.count < 5 { self.report.violations.append("\(self.second) s: \(text)") }
    }

    private mutating func record(_ outcome: BreakerOutcome, _ permit: Breaker.Permit, _ number: Int) {
        let target = self.targets[number]
        let before = target.breaker.state(now: self.now)
        let change = target.breaker.record(outcome, permit, now: self.now)
        target.probes.removeAll { $0.permit == permit }
        switch change {
        case .opened?: self.report.opened += 1
        case .closed?: self.report.closed += 1
        default: break
        }
        self.check(target, number, from: before, isProbe: false)
    }

    /// Holds a change of state against those that there may be.
    private mutating func check(_ target: Target, _ number: Int, from before: BreakerState, isProbe: Bool) {
        let after = target.breaker.state(now: self.now)
        let isLegal =
            switch (before, after) {
            case _ where before == after: true
            case (.closed, .open), (.halfOpen, .open), (.halfOpen, .closed), (.open, .closed): !isProbe
            case (.open, .halfOpen): isProbe
            default: false
            }
        if !isLegal { self.violate("target \(number) went from \(before) to \(after)") }
        if after != .halfOpen { target.probes.removeAll() }
    }

    /// No ten seconds have more retries than a tenth of their calls and of those just before, or the floor.
    private mutating func checkBudget(of target: Target, _ number: Int) {
        var (first, from, to) = (0, 0, 0)
        for (index, retry) in target.retries.enumerated() {
            while target.retries[first] + .seconds(9) <= retry { first += 1 }
            while from < target.calls.count, target.calls[from] + .seconds(20) < retry { from += 1 }
            while to < target.calls.count, target.calls[to] <= retry { to += 1 }
            if index - first + 1 > max(30, (to - from) / 10 + 1) {
                return self.violate("target \(number): \(index - first + 1) retries for \(to - from) calls")
            }
        }
    }
}
