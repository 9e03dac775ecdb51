internal import Core
package import NIOCore
internal import Providers
package import Telemetry
internal import Transport

/// Where a call's steps are noted; one object for a call and for the copies of it that hedges and shadows make.
///
/// Confined to the call's loop.
package final class CallStoryPad {
    package fileprivate(set) var notes = CallNotes()

    package init() {}
}

@available(*, unavailable, message: "confined to its loop")
extension CallStoryPad: Sendable {}

extension Call {
    /// Notes something that happened to the call, for `turnpike explain`.
    ///
    /// A call that went to its first target and was answered notes nothing: what there is to say of it is in its
    /// record. So this may allocate, and must not be called on that path. What does not fit is counted only
    /// (`CallNotes.stepsMax`), and not worked out.
    ///
    /// - Parameters:
    ///   - step: Names and numbers only; see `CallStep`.
    ///   - now: When it was, where the caller has looked at the clock anyway.
    @inline(never)
    package func note(_ step: @autoclosure () -> CallStep, at now: NIODeadline? = nil) {
        self.storyPad.notes.add(step(), at: now.map { self.offset(of: $0) })
    }

    /// Whether anything was noted of the call.
    var hasStory: Bool { self.story.map { !$0.notes.isEmpty } ?? false }

    /// The pad for the call's steps, made now if there was nothing to note so far.
    ///
    /// Give it to a copy of the call before the copy goes its way, so that both write one story.
    package var storyPad: CallStoryPad {
        if let story = self.story { return story }
        let pad = CallStoryPad()
        self.story = pad
        return pad
    }

    /// Microseconds from the arrival of the call to `time`; 0 for anything before it.
    package func offset(of time: NIODeadline) -> Int64 {
        max(0, (time - self.exchange.arrival).nanoseconds / 1000)
    }

    /// The attempt under way as a step, with what the call itself knows of it.
    ///
    /// The caller adds what only it knows: the breaker it saw.
    ///
    /// - Parameters:
    ///   - begin: When it was begun.
    ///   - now: When it ended.
    ///   - error: What it ended with; nil if it answered.
    package func attemptStep(begin: NIODeadline, now: NIODeadline, error: (any Error)?) -> AttemptStep {
        let failure = error as? GatewayError
        let code = error.map { failure?.code ?? ($0 is CancellationError ? .clientGone : .internalFailure) }
        var step = AttemptStep(
            number: self.attemptBegan == nil ? self.attempts : self.attemptNumber,
            target: TargetName(provider: self.target?.provider.name ?? "", model: self.target?.model ?? ""),
            begin: self.offset(of: begin),
            end: self.offset(of: now),
            code: code
        )
        step.credentialID = self.credentialID
        step.variant = self.variant
        // Nobody leaves an attempt that runs beside another: it is called off.
        step.isCalledOff = error is CancellationError && self.exchange is DetachedExchange
        step.upstreamStatus = self.upstreamStatus
        step.hasContent = self.firstContent != nil
        if let wait = failure?.retryAfter { step.retryAfter = TimeAmount(wait) }
        if let error = failure?.cause as? TransportError { step.take(error) }
        return step
    }
}

extension AttemptStep {
    /// Takes over what a failure on the way to a provider says: the clock and its value, or what broke.
    fileprivate mutating func take(_ error: TransportError) {
        self.didSend = error.didSend
        switch error {
        case .timeout(let clock, let limit, _):
            self.clock = clock
            self.limit = limit
        case .nameNotResolved: self.cause = "its name has no address"
        case .forbiddenAddress: self.cause = "its address may not be called"
        case .connectFailed: self.cause = "no connection"
        case .tlsFailed: self.cause = "no secure connection"
        case .closedBeforeHead: self.cause = "closed before an answer"
        case .closedInBody: self.cause = "closed inside the answer"
        case .protocolViolation: self.cause = "the answer is not HTTP"
        case .bodyTooLarge: self.cause = "the answer is too large"
        }
    }
}
