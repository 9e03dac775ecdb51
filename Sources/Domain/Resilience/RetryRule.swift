/// How far an attempt had come when it failed (RELIABILITY.md A+.1).
package enum FailurePhase: Sendable, Hashable, CaseIterable {
    /// Nothing of the request was written.
    case unsent
    /// It was written, and nothing came back.
    case sent
    /// The provider answered with a failure status.
    case answered
    /// An answer had begun with a success status, and the client has none of its content.
    case opened
    /// The client has content of it.
    case content
}

/// What kind of failure it was, whoever the provider is.
package enum FailureClass: Sendable, Hashable, CaseIterable {
    /// No connection, no name, no secure connection, or one that ended.
    case connection
    /// A clock of the gateway ran out.
    case clock
    /// The call's whole time is over, so that nothing else can be tried.
    case outOfTime
    /// The provider ran out of time by itself: 408, 504.
    case timedOut
    /// It failed: 500, 502 and their like.
    case failed
    /// It is overloaded or closed: 503, 529.
    case unavailable
    /// Two calls were in each other's way: 409.
    case conflict
    /// It wants fewer calls: 429.
    case rateLimited
    /// Its account has nothing left: waiting does not help, another account does.
    case spent
    /// It refused the group's credential, or that cannot be read.
    case credential
    /// It does not have the model that the route says it has.
    case modelMissing
    /// The request is longer than the model takes.
    case tooLong
    /// The provider's own rules do not let the request pass.
    case contentRefused
    /// Something else is wrong with the request.
    case complaint
    /// What it sent is no answer: another protocol, a redirect, not JSON.
    case garbled
    /// The answer is larger than the gateway takes.
    case tooLarge
    /// The gateway itself did not let the attempt begin, for a reason that holds for this target alone.
    case heldBack
    /// The gateway did not let the attempt begin, for a reason that holds for the whole call.
    case final
}

/// Whether an attempt that failed may be repeated, and where.
package struct RetryAdvice: Sendable, Hashable {
    /// How often the same target may be asked again.
    package enum Same: Sendable, Hashable {
        case never
        /// Once for a call, since the provider may have worked and may do it again.
        case once
        /// As often as attempts are left.
        case yes
    }

    package var same: Same
    /// Whether another target may be asked.
    package var other: Bool

    package static let never = RetryAdvice(same: .never, other: false)
    /// Elsewhere only.
    package static let other = RetryAdvice(same: .never, other: true)
    package static let both = RetryAdvice(same: .yes, other: true)

    package init(same: Same, other: Bool) {
        self.same = same
        self.other = other
    }
}

/// What may be retried: RELIABILITY.md A+.1 and rows 83 to 89 as a table.
package enum RetryRule {
    /// What may be done about a failure.
    ///
    /// - Parameter isStateful: Whether the provider keeps something of the request (`store`), so that asking twice
    ///   would leave two.
    package static func advice(_ phase: FailurePhase, _ kind: FailureClass, isStateful: Bool) -> RetryAdvice {
        switch (phase, kind) {
        case (.content, _), (_, .final), (_, .outOfTime), (_, .tooLarge): .never
        // Repeating cannot help here; special lists of the route may (`models.<alias>.on_too_long`).
        case (_, .complaint), (_, .tooLong), (_, .contentRefused): .never
        // Sure to have done nothing.
        case (_, .heldBack), (_, .credential), (_, .modelMissing), (_, .spent): .other
        case (.unsent, _): .both
        // Whatever it did may be kept at the provider already.
        case (.sent, _) where isStateful: .never
        case (.sent, _): RetryAdvice(same: .once, other: true)
        case (.answered, .garbled): .other
        case (.answered, .failed) where isStateful, (.answered, .timedOut) where isStateful: .never
        case (.answered, _): .both
        case (.opened, _): isStateful ? .never : .other
        }
    }
}
