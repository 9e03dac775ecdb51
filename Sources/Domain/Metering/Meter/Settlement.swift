package import Chat
package import Core

/// What is known of an attempt when it is over, before anybody decided what it costs.
package struct AttemptFindings: Sendable, Equatable {
    /// How far the attempt came, and what ended it.
    package enum Ending: Sendable, Equatable {
        /// The answer is whole.
        case whole
        /// Nothing can have been used: nothing was sent, or the provider refused the request as such.
        case refused
        /// The provider, or the way to it, failed.
        case providerFailed
        /// The client left, or the gateway goes down.
        case left
        /// The gateway ended the answer because a budget was used up.
        case cut
        /// The gateway died.
        case interrupted
        /// Another attempt of the same call was faster, and answered.
        case outrun
    }

    package var ending: Ending
    /// Whether anything that the model said has come.
    package var hasContent: Bool
    /// The provider's last word.
    package var usage: TokenUsage
    /// Whether nothing more can come of it: the answer was read to its end, although the client had left (`left`).
    package var isUsageFinal = false
    /// A better guess of the request's tokens than the intent's, for the case that the provider does not say; nil if
    /// there is none.
    package var inputEstimate: Int?
    /// What the request itself shows of what is paid for by other units than tokens.
    package var units = RequestUnits()
    /// Tokens of the answer as counted here.
    package var outputCounted: Int
    package var endedAt: UnixTime
    package var upstreamStatus: Int
    package var code: String
    package var firstContentMilliseconds: Int?

    package init(
        ending: Ending,
        hasContent: Bool,
        usage: TokenUsage,
        outputCounted: Int,
        endedAt: UnixTime,
        upstreamStatus: Int = 0,
        code: String = "",
        firstContentMilliseconds: Int? = nil
    ) {
        self.ending = ending
        self.hasContent = hasContent
        self.usage = usage
        self.outputCounted = outputCounted
        self.endedAt = endedAt
        self.upstreamStatus = upstreamStatus
        self.code = code
        self.firstContentMilliseconds = firstContentMilliseconds
    }
}

/// Decides what an attempt used, what it costs, and what of that its caller is charged (RELIABILITY.md A+.3).
///
/// Pure: the same findings always give the same end.
package enum Settlement {
    /// The attempt's one end.
    package static func end(_ intent: AttemptIntent, _ findings: AttemptFindings) -> AttemptEnd {
        var end = AttemptEnd(
            endedAt: findings.endedAt,
            outcome: Self.outcome(findings),
            source: .none,
            upstreamStatus: findings.upstreamStatus,
            code: findings.code,
            firstContentMilliseconds: findings.firstContentMilliseconds
        )
        switch findings.ending {
        case .refused:
            return end
        case .whole,
            .left where findings.isUsageFinal:
            (end.usage, end.source) = Self.whole(intent, findings)
            end.isCharged = true
        case .outrun,
            .providerFailed where !findings.hasContent:
            // The caller got nothing of it; what the provider says it used is the gateway's own loss.
            guard !findings.usage.isEmpty else { return end }
            (end.usage, end.source) = (findings.usage, .provider)
        case .left where !findings.hasContent, .interrupted where !findings.hasContent:
            // Charged only where the provider itself says that it began to work.
            guard !findings.usage.isEmpty else { return end }
            (end.usage, end.source) = (findings.usage, .providerPartial)
            end.isCharged = true
        case .providerFailed, .left, .cut, .interrupted:
            (end.usage, end.source) = Self.partial(intent, findings)
            end.isCharged = true
        }
        // As the ledger keeps them, so that budgets count the same.
        end.usage = end.usage.bounded
        end.cost = intent.rates.cost(of: end.usage).bounded
        if intent.isShadow { end.isCharged = false }
        if end.isCharged { end.charged = end.cost }
        return end
    }

    private static func outcome(_ findings: AttemptFindings) -> AttemptOutcome {
        switch findings.ending {
        case .whole: .ok
        case .refused: .refused
        case .providerFailed: findings.hasContent ? .partialUpstream : .failed
        case .left, .outrun: .partialClientGone
        case .cut: .cut
        case .interrupted: .interrupted
        }
    }

    /// The figures of a whole answer: the provider's, and estimates for what it did not say.
    ///
    /// An answer with content that says it used nothing at all is taken for one that does not say (row 78).
    private static func whole(_ intent: AttemptIntent, _ findings: AttemptFindings) -> (TokenUsage, UsageSource) {
        var usage = findings.usage
        let isGuess = findings.units.complete(&usage, intent.rates)
        let saysInput = (usage.input ?? 0) > 0
        let saysOutput = usage.output.map { $0 > 0 || findings.outputCounted == 0 } ?? (findings.outputCounted == 0)
        if saysInput, saysOutput, !isGuess {
            usage.output = usage.output ?? 0
            return (usage, .provider)
        }
        if intent.rates.takesReportedCost, usage.cost != nil, saysInput || saysOutput { return (usage, .provider) }
        var source: UsageSource = saysInput || (usage.output ?? 0) > 0 ? .providerPartial : .estimated
        // Tokens that cost nothing may be guessed; what is paid for is what counts.
        if intent.rates.isByUnits { source = isGuess ? .estimated : .provider }
        if !saysInput { usage.input = findings.inputEstimate ?? intent.inputEstimate }
        usage.output = max(usage.output ?? 0, findings.outputCounted)
        return (usage, source)
    }

    /// The figures of an answer that broke off: what the provider had said by then, at least what was counted here.
    private static func partial(_ intent: AttemptIntent, _ findings: AttemptFindings) -> (TokenUsage, UsageSource) {
        var usage = findings.usage
        let source: UsageSource = usage.isEmpty ? .estimated : .providerPartial
        findings.units.complete(&usage, intent.rates)
        // A cost that was said before the end is not the whole cost.
        usage.cost = nil
        if (usage.input ?? 0) <= 0 { usage.input = findings.inputEstimate ?? intent.inputEstimate }
        usage.output = max(usage.output ?? 0, findings.outputCounted)
        return (usage, source)
    }

    /// Whether the provider's figures cannot be what the request asked for: more output than was allowed, or more than
    /// twice what came (row 78).
    ///
    /// They are billed all the same, as the provider does; somebody should look.
    package static func isAbsurd(_ intent: AttemptIntent, _ findings: AttemptFindings) -> Bool {
        guard let output = findings.usage.output else { return false }
        if let limit = intent.outputMax, output > limit { return true }
        guard findings.outputCounted > 0, findings.ending == .whole || findings.isUsageFinal else { return false }
        let visible = output - min(output, findings.usage.reasoning ?? 0)
        return visible > 2 * findings.outputCounted + 64
    }
}
