package import Core
package import NIOCore

/// One thing that happened to a call on its way, for whoever asks afterwards why it went as it did.
///
/// Holds names of providers, models, credentials and limits, and numbers: never a prompt, an answer, a key, or a
/// provider's own words.
package enum CallStep: Sendable, Equatable {
    /// The call was made to this agent, and goes on to what the agent says.
    case agent(String)
    /// A tool of the agent was called for the model: its name, and how it ended.
    case tool(String, StaticReason)
    /// A target was considered and not taken, or put behind the others.
    case skipped(TargetName, SkipReason, until: TimeAmount? = nil)
    /// An attempt is over.
    case ended(AttemptStep)
    /// The call waited that long.
    case waited(TimeAmount, WaitReason)
    /// No further attempt was made, and why.
    case gaveUp(GiveUpReason)
    /// A target was tried although its breaker is open, because all targets' breakers were: the panic rule.
    case panicked(TargetName)
    /// A second attempt was started beside the first, that long after it.
    case hedged(TargetName, after: TimeAmount)
    /// Which of two attempts side by side had content first.
    case hedgeWon(TargetName, isSecond: Bool)
    /// No second attempt was started although the first was slow, and why.
    case hedgeWithheld(StaticReason)
    /// A copy of the request went to a target whose answer the client never sees.
    case shadowed(TargetName)
    /// No copy was sent although one was due, and why.
    case shadowWithheld(StaticReason)
    /// The call takes part in an experiment, on this side of it.
    case variant(experiment: String, name: String, isSticky: Bool)
    /// The first target was chosen because this user or session was there before.
    case stuck(TargetName, by: StaticReason)
    /// How the first of several targets was chosen, where the route's strategy alone does not say it.
    case chose(TargetName, because: StaticReason)
    /// A field of the request that the target cannot express was left out.
    case dropped(field: String)
    /// A header or field of the request was changed for the provider.
    case changed(StaticReason)
    /// The answer was kept from an earlier request with the same `Idempotency-Key`, the one named.
    case replayed(of: String)
    /// A limit or budget was in the way: its name, and how long it wants to be left alone.
    case limited(by: String, retryAfter: TimeAmount? = nil)
    /// Anything else worth a line, in the gateway's own fixed words.
    case remark(StaticReason)
}

/// A few words of the gateway's own, fixed when it was built, so that nothing a stranger wrote can be in them.
package struct StaticReason: Sendable, Equatable, ExpressibleByStringLiteral {
    package let text: StaticString

    package init(stringLiteral text: StaticString) { self.text = text }

    /// The words as text.
    package var description: String { self.text.description }

    package static func == (left: Self, right: Self) -> Bool { left.description == right.description }
}

/// A provider and what it calls the model.
package struct TargetName: Sendable, Hashable {
    package let provider: String
    /// Free text where it came from the client.
    package let model: String

    package init(provider: String, model: String) {
        self.provider = provider
        self.model = model
    }
}

/// Why a target was not taken, or not before others.
package enum SkipReason: String, Sendable, CaseIterable {
    /// The group has no active credential for its provider.
    case noCredential = "no_credential"
    /// The provider refused the group's credential before; tried last.
    case credentialRejected = "credential_rejected"
    /// Its breaker is open: it failed too often of late.
    case breakerOpen = "breaker_open"
    /// Its breaker lets one probe through at a time, and one is out.
    case breakerProbing = "breaker_probing"
    /// An operator opened its breaker by hand.
    case breakerForcedOpen = "breaker_forced_open"
    /// The provider asked to be left alone for a while.
    case coolingDown = "cooling_down"
    /// The provider says that too little of its limit is left for this request.
    case tooLittleLeft = "too_little_left"
    /// As many calls as it may have at a time are out.
    case atCapacity = "at_capacity"
    /// It is new or just recovered, and gets its share of calls step by step.
    case slowStart = "slow_start"
    /// The route allows fewer attempts than it has targets.
    case beyondRetries = "beyond_retries"
    /// It failed for this call already.
    case failedBefore = "failed_before"
    /// It cannot do what the request needs.
    case unfit
    /// It is not on the list for this kind of failure.
    case notListed = "not_listed"
}

/// What a call waited for.
package enum WaitReason: String, Sendable, CaseIterable {
    /// Its turn within the limits of its group, user, key or model.
    case limits
    /// The pause before another attempt (exponential, with jitter).
    case backoff
    /// The time that the provider asked for in `retry-after` or its like.
    case retryAfter = "retry_after"
    /// A place at a target that has as many calls as it may.
    case capacity
    /// The journal's bytes to be on the disk.
    case durability
}

/// Why no further attempt was made after one that failed.
package enum GiveUpReason: String, Sendable, CaseIterable {
    /// The client has the beginning of an answer already.
    case contentBegan = "content_began"
    /// This kind of failure is the same everywhere: another try could not help.
    case notRetryable = "not_retryable"
    /// As many attempts as the route allows were made.
    case attemptsUsedUp = "attempts_used_up"
    /// Too many of all calls are being repeated; more would make an outage worse.
    case retryBudget = "retry_budget"
    /// Every target was tried or may not be.
    case noTargetLeft = "no_target_left"
    /// The call's total time would be over before another attempt could begin.
    case outOfTime = "out_of_time"
    /// The provider wants to be left alone for longer than a call may wait.
    case waitTooLong = "wait_too_long"
    /// The client left.
    case clientGone = "client_gone"
    /// The gateway is going down.
    case shuttingDown = "shutting_down"
}

/// The state of a breaker that a call saw.
package enum BreakerSeen: String, Sendable, CaseIterable {
    case closed
    /// The call was the one that tries whether the provider is well again.
    case probing
    case open
    /// Opened or closed by an operator, whatever calls say.
    case forcedOpen = "forced_open"
    case forcedClosed = "forced_closed"
}

/// One attempt at a provider, when it is over.
package struct AttemptStep: Sendable, Equatable {
    /// 1 for the call's first.
    package var number: Int
    package var target: TargetName
    /// The provider key that was used; empty where none was.
    package var credentialID = ""
    /// The state of the target's breaker when the attempt was let through; nil where nobody asked.
    package var breaker: BreakerSeen?
    /// Microseconds from the arrival of the call to the attempt's begin and end.
    package var begin: Int64
    package var end: Int64
    /// Nil if it answered.
    package var code: GatewayError.Code?
    /// The status that the provider answered with; 0 where it did not come to that.
    package var upstreamStatus = 0
    /// The clock that ran out, with its value in force.
    package var clock: ClockName?
    package var limit: TimeAmount?
    /// What broke, in the gateway's own words; nil where code and status say it all.
    package var cause: StaticReason?
    /// Whether any byte of the request may have reached the provider.
    package var didSend = true
    /// Whether the client had content of it.
    package var hasContent = false
    /// Whether the gateway ended it because another attempt beside it was first, or the client left.
    package var isCalledOff = false
    /// What the provider asked to be left alone for.
    package var retryAfter: TimeAmount?
    /// `hedge`, `shadow` or the side of an experiment; empty else.
    package var variant = ""

    package init(number: Int, target: TargetName, begin: Int64, end: Int64, code: GatewayError.Code?) {
        self.number = number
        self.target = target
        self.begin = begin
        self.end = end
        self.code = code
    }
}
