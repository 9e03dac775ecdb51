import NIOCore
import Resilience
import Testing

/// RELIABILITY.md A+.1, and rows 83 to 89.
@Suite struct RetryTests {
    static func attempt(
        _ phase: FailurePhase,
        _ kind: FailureClass,
        attempts: Int = 1,
        max: Int = 3,
        left: TimeAmount = .seconds(60)
    ) -> FailedAttempt {
        FailedAttempt(phase: phase, kind: kind, attempts: attempts, attemptsMax: max, timeLeft: left)
    }

    static func next(
        _ attempt: FailedAttempt,
        _ others: RetryPlan.Others = .none,
        chance: UInt64 = .max,
        mayRepeat: Bool = true
    ) -> RetryStep {
        RetryPlan().next(after: attempt, others: { others }, chance: chance) { mayRepeat }
    }

    @Test func `nothing is tried again once the client has content, whatever it was (row 89)`() {
        for kind in FailureClass.allCases {
            for isStateful in [true, false] {
                #expect(RetryRule.advice(.content, kind, isStateful: isStateful) == .never)
            }
            #expect(Self.next(Self.attempt(.content, kind), .ready) == .giveUp(.contentBegan))
        }
    }

    @Test func `what certainly was not sent may go anywhere (row 83)`() {
        for kind: FailureClass in [.connection, .clock, .rateLimited] {
            for isStateful in [true, false] {
                #expect(RetryRule.advice(.unsent, kind, isStateful: isStateful) == .both)
            }
        }
    }

    @Test func `what was sent and not answered is asked for once more, unless it may be kept (row 84)`() {
        for kind: FailureClass in [.connection, .clock, .garbled] {
            #expect(RetryRule.advice(.sent, kind, isStateful: false) == RetryAdvice(same: .once, other: true))
            #expect(RetryRule.advice(.sent, kind, isStateful: true) == .never)
        }
        var failed = Self.attempt(.sent, .connection)
        #expect(Self.next(failed) == .same(after: .milliseconds(100), wasAsked: false))
        failed.attempts = 2
        failed.repeats = 1
        #expect(Self.next(failed) == .giveUp(.noTargetLeft))
    }

    @Test func `a provider that is down or busy is asked again, another one at once (rows 85, 86)`() {
        for kind: FailureClass in [.rateLimited, .failed, .unavailable, .timedOut, .conflict] {
            #expect(RetryRule.advice(.answered, kind, isStateful: false) == .both)
            #expect(Self.next(Self.attempt(.answered, kind), .ready) == .other)
            #expect(Self.next(Self.attempt(.answered, kind)) == .same(after: .milliseconds(100), wasAsked: false))
        }
        #expect(RetryRule.advice(.answered, .failed, isStateful: true) == .never)
        #expect(RetryRule.advice(.answered, .unavailable, isStateful: true) == .both)
    }

    @Test func `what is wrong with the request is wrong everywhere, a key or a model is wrong in one place (row 87)`() {
        for kind: FailureClass in [.complaint, .tooLong, .contentRefused, .final, .outOfTime, .tooLarge] {
            for phase in FailurePhase.allCases {
                #expect(RetryRule.advice(phase, kind, isStateful: false) == .never)
            }
        }
        for kind: FailureClass in [.credential, .modelMissing, .spent, .heldBack] {
            #expect(RetryRule.advice(.answered, kind, isStateful: false) == .other)
            #expect(Self.next(Self.attempt(.answered, kind)) == .giveUp(.noTargetLeft))
        }
    }

    @Test func `an answer that broke off before its content goes on elsewhere, and never at the same place (row 88)`() {
        for kind: FailureClass in [.connection, .clock, .failed, .unavailable, .rateLimited, .garbled] {
            #expect(RetryRule.advice(.opened, kind, isStateful: false) == .other)
            #expect(RetryRule.advice(.opened, kind, isStateful: true) == .never)
            #expect(Self.next(Self.attempt(.opened, kind)) == .giveUp(.noTargetLeft))
        }
    }

    @Test func `attempts, time and the budget end it, each by its name`() {
        #expect(Self.next(Self.attempt(.answered, .failed, attempts: 3), .ready) == .giveUp(.attemptsUsedUp))
        #expect(Self.next(Self.attempt(.answered, .failed, max: 1), .ready) == .giveUp(.attemptsUsedUp))
        #expect(Self.next(Self.attempt(.answered, .failed, left: .zero), .ready) == .giveUp(.outOfTime))
        #expect(Self.next(Self.attempt(.answered, .failed, left: .milliseconds(100))) == .giveUp(.outOfTime))
        #expect(Self.next(Self.attempt(.answered, .failed), mayRepeat: false) == .giveUp(.retryBudget))
        #expect(Self.next(Self.attempt(.opened, .failed), .denied) == .giveUp(.retryBudget))
    }

    @Test func `the budget is asked last, so that nothing is taken out of it for nothing`() {
        var asked = 0
        func run(_ attempt: FailedAttempt, _ others: RetryPlan.Others) {
            _ = RetryPlan().next(after: attempt, others: { others }, chance: .max) {
                asked += 1
                return true
            }
        }
        run(Self.attempt(.answered, .failed), .ready)
        run(Self.attempt(.answered, .failed, attempts: 3), .none)
        run(Self.attempt(.answered, .failed, left: .milliseconds(10)), .none)
        run(Self.attempt(.content, .failed), .none)
        run(Self.attempt(.opened, .failed), .none)
        #expect(asked == 0)
        run(Self.attempt(.answered, .failed), .none)
        #expect(asked == 1)
    }

    @Test(
        arguments: [
            (0, 0), (1_000, 1_100), (9_000, 9_900), (9_500, 10_000), (10_000, 10_000), (-5_000, 0),
        ] as [(Int64, Int64)]
    )
    func `the time a provider asks for is kept, and a little more, ten seconds at most (row 85)`(
        asked: Int64,
        latest: Int64
    ) {
        var failed = Self.attempt(.answered, .rateLimited)
        failed.retryAfter = .milliseconds(asked)
        #expect(Self.next(failed) == .same(after: .milliseconds(latest), wasAsked: true))
        #expect(Self.next(failed, chance: 0) == .same(after: .milliseconds(max(0, asked)), wasAsked: true))
    }

    @Test(arguments: [Int64.max, 1_000_000_000_000_000_000, 10_000_000_001] as [Int64])
    func `a longer one is told to the client instead of waited for`(nanoseconds: Int64) {
        var failed = Self.attempt(.answered, .rateLimited)
        failed.retryAfter = .nanoseconds(nanoseconds)
        #expect(Self.next(failed) == .giveUp(.waitTooLong))
        #expect(Self.next(failed, .ready) == .other)
        failed.retryAfter = .seconds(5)
        failed.timeLeft = .seconds(5)
        #expect(Self.next(failed) == .giveUp(.outOfTime))
    }

    @Test func `every failure has an answer in the table, and none of a stateful request that was sent repeats it`() {
        for phase in FailurePhase.allCases {
            for kind in FailureClass.allCases {
                let usual = RetryRule.advice(phase, kind, isStateful: false)
                let stateful = RetryRule.advice(phase, kind, isStateful: true)
                if !usual.other { #expect(usual.same == .never || phase == .content) }
                // Keeping something at the provider never makes more possible.
                #expect(!stateful.other || usual.other)
                if phase == .sent || phase == .opened, kind == .connection { #expect(stateful == .never) }
            }
        }
    }
}

@Suite struct RetryBudgetTests {
    /// A budget that an expectation can change.
    final class Purse {
        var budget: RetryBudget

        init(_ rules: RetryBudget.Rules = .standard) { self.budget = RetryBudget(rules) }

        func withdraw(now: NIODeadline) -> Bool { self.budget.withdraw(now: now) }
    }

    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test func `a quiet gateway may retry three times a second`() {
        let purse = Purse()
        let granted = (0..<100).count { _ in purse.withdraw(now: Self.start) }
        #expect(granted == 30)
        #expect(purse.budget.denied == 70)
        #expect(!purse.withdraw(now: Self.start + .milliseconds(8_999)))
        #expect(purse.withdraw(now: Self.start + .seconds(10)))
    }

    @Test(arguments: [100, 500, 2_000])
    func `a busy one may repeat a tenth of its calls, over any ten seconds (row 86)`(perSecond: Int) {
        let purse = Purse()
        var retries: [Int64] = []
        var calls = 0
        for step in 0..<(perSecond * 60) {
            let at = Int64(step) * 1_000_000_000 / Int64(perSecond)
            let now = Self.start + .nanoseconds(at)
            purse.budget.note(now: now)
            calls += 1
            if purse.withdraw(now: now) { retries.append(at) }
        }
        #expect(retries.count <= calls / 10 + 30)
        #expect(retries.count >= calls / 10 - perSecond)
        for start in 0..<50 {
            let from = Int64(start) * 1_000_000_000
            let within = retries.count { $0 >= from && $0 < from + 9_000_000_000 }
            #expect(within <= perSecond + 30)
        }
    }

    @Test func `rules that make no sense are bounded, and a change of them takes effect at once`() {
        let purse = Purse(RetryBudget.Rules(percent: -1, perSecond: -1))
        for _ in 0..<1000 { purse.budget.note(now: Self.start) }
        #expect(!purse.withdraw(now: Self.start))
        purse.budget.rules = RetryBudget.Rules(percent: .max, perSecond: .max)
        #expect(purse.budget.rules == RetryBudget.Rules(percent: 1_000, perSecond: 1_000_000))
        #expect(purse.withdraw(now: Self.start))
    }

    @Test func `a clock that stands still, goes back or leaps does no harm`() {
        var window = SlidingWindow(length: .seconds(10))
        window.add(marked: true, now: .uptimeNanoseconds(0))
        window.add(marked: false, now: .uptimeNanoseconds(5_000_000_000))
        window.add(marked: false, now: .uptimeNanoseconds(1_000_000_000))
        #expect(window.all == 3 && window.marked == 1)
        window.advance(to: .uptimeNanoseconds(.max / 2))
        #expect(window.all == 0 && window.marked == 0)
        window.add(marked: true, now: .uptimeNanoseconds(0))
        #expect(window.all == 1)
        window.clear()
        #expect(window.all == 0)
    }
}
