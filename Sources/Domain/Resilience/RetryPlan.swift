package import NIOCore

/// What to do after an attempt that failed.
package enum RetryStep: Sendable, Equatable {
    /// Ask another target at once.
    case other
    /// Ask the same target again after a wait.
    ///
    /// `wasAsked`: the provider said how long.
    case same(after: TimeAmount, wasAsked: Bool)
    /// Tell the client.
    case giveUp(Reason)

    /// Why nothing more is tried.
    package enum Reason: Sendable, Equatable {
        case contentBegan
        case notRetryable
        case attemptsUsedUp
        case retryBudget
        case noTargetLeft
        case outOfTime
        case waitTooLong
    }
}

/// How an attempt failed, and what is left for another.
package struct FailedAttempt: Sendable {
    package var phase: FailurePhase
    package var kind: FailureClass
    package var isStateful = false
    /// Attempts made, the failed one included if it counts as one.
    package var attempts: Int
    package var attemptsMax: Int
    /// How often the same target was asked again already.
    package var repeats = 0
    /// What remains of the call's time.
    package var timeLeft: TimeAmount
    /// What the provider asked to be left alone for.
    package var retryAfter: TimeAmount?

    package init(
        phase: FailurePhase,
        kind: FailureClass,
        attempts: Int,
        attemptsMax: Int,
        timeLeft: TimeAmount
    ) {
        self.phase = phase
        self.kind = kind
        self.attempts = attempts
        self.attemptsMax = attemptsMax
        self.timeLeft = timeLeft
    }
}

/// Decides what follows a failed attempt: another target at once where there is one, else the same after a wait.
package struct RetryPlan: Sendable {
    /// The longest wait that a provider may ask of a call; what asks for more is told to the client (row 85).
    package static let askedWaitMax = TimeAmount.seconds(10)

    package var backoff = Backoff.standard
    package var askedWaitMax = Self.askedWaitMax

    package init() {}

    /// What to do now.
    ///
    /// - Parameters:
    ///   - others: Looks for another target; called once at most, and only where it would be taken.
    ///   - chance: A random word.
    ///   - mayRepeat: Asks for one retry of the budget; called once at most, and only where nothing else forbids it.
    package func next(
        after failure: FailedAttempt,
        others: () -> Others,
        chance: UInt64,
        mayRepeat: () -> Bool
    ) -> RetryStep {
        let advice = RetryRule.advice(failure.phase, failure.kind, isStateful: failure.isStateful)
        if failure.phase == .content { return .giveUp(.contentBegan) }
        if failure.kind == .outOfTime { return .giveUp(.outOfTime) }
        guard advice != .never else { return .giveUp(.notRetryable) }
        guard failure.attempts < failure.attemptsMax else { return .giveUp(.attemptsUsedUp) }
        guard failure.timeLeft > .zero else { return .giveUp(.outOfTime) }
        let other = advice.other ? others() : .none
        if other == .ready { return .other }
        switch advice.same {
        case .yes: break
        case .once where failure.repeats == 0: break
        case .once, .never:
            return .giveUp(other == .denied ? .retryBudget : .noTargetLeft)
        }
        let wait = self.wait(for: failure, chance: chance)
        if failure.retryAfter != nil, wait > self.askedWaitMax { return .giveUp(.waitTooLong) }
        guard wait < failure.timeLeft else { return .giveUp(.outOfTime) }
        guard mayRepeat() else { return .giveUp(.retryBudget) }
        return .same(after: wait, wasAsked: failure.retryAfter != nil)
    }

    /// Whether there is another target to go to.
    package enum Others: Sendable, Equatable {
        case none
        case ready
        /// There is one that fails as well, and the retry budget has nothing left for it.
        case denied
    }

    /// Never less than the provider asked for, and a little more, so that not all who wait come back together.
    private func wait(for failure: FailedAttempt, chance: UInt64) -> TimeAmount {
        guard let asked = failure.retryAfter else {
            return self.backoff.wait(retry: failure.repeats + 1, chance: chance)
        }
        let wished = max(asked, .zero)
        guard wished <= self.askedWaitMax else { return wished }
        let spread = UInt64(wished.nanoseconds / 10)
        let more = Int64(chance.multipliedFullWidth(by: spread &+ 1).high)
        return min(wished + .nanoseconds(more), self.askedWaitMax)
    }
}
