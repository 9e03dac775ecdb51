package import Core
package import NIOCore

/// How one provider is doing: what calls, probes and breakers say of it.
package struct ProviderHealth: Sendable {
    package enum Status: String, Sendable, Comparable {
        /// It answers, or nobody has asked it of late.
        case ok
        /// It fails one attempt in ten or more, or some of its models are left alone.
        case degraded
        /// It fails more than every second attempt, does not answer probes, or is left alone altogether.
        case down

        package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .ok: 0
            case .degraded: 1
            case .down: 2
            }
        }
    }

    package let name: String
    /// What the attempts of the last five minutes came to.
    package let figures: HealthFigures
    /// The last probes; nil where nobody probes it.
    package let probe: ProbeResult?
    /// Its targets that calls went to.
    package let breakers: [BreakerFigures]

    package init(name: String, figures: HealthFigures, probe: ProbeResult? = nil, breakers: [BreakerFigures] = []) {
        self.name = name
        self.figures = figures
        self.probe = probe
        self.breakers = breakers
    }

    /// Whether calls, probes or breakers say anything about it at all.
    package var isKnown: Bool { self.isKnownByCalls || self.probe != nil }

    private var isKnownByCalls: Bool {
        self.figures.judged > 0 || self.breakers.contains { $0.state != .closed }
    }

    package var status: Status { max(self.callStatus, max(self.probeStatus, self.breakerStatus)) }

    private var callStatus: Status {
        guard let rate = self.figures.successRate, rate <= 0.9 else { return .ok }
        return rate >= 0.5 ? .degraded : .down
    }

    /// Calls are better witnesses than probes: while they are answered, a probe that fails is only a bad sign.
    private var probeStatus: Status {
        guard let probe = self.probe, probe.failuresInRow >= ProbeResult.failuresUntilDown else { return .ok }
        return self.figures.answered > 0 ? .degraded : .down
    }

    private var breakerStatus: Status {
        let open = self.breakers.count { $0.state != .closed }
        guard open > 0 else { return .ok }
        return open == self.breakers.count ? .down : .degraded
    }

    /// The status of all providers together: down if all that anything is known of are down.
    ///
    /// Probes alone do not say so, unless all are probed: those that are not may be the ones that answer.
    package static func overall(_ providers: [ProviderHealth]) -> Status {
        let known = providers.filter(\.isKnown)
        let isConclusive = known.count == providers.count || known.contains(where: \.isKnownByCalls)
        if isConclusive, !known.isEmpty, known.allSatisfy({ $0.status == .down }) { return .down }
        return known.contains { $0.status != .ok } ? .degraded : .ok
    }
}

/// What is known of the breaker of one target, for one provider key.
package struct BreakerFigures: Sendable, Equatable {
    package enum State: String, Sendable {
        case closed, open
        case halfOpen = "half_open"
        /// Opened by an operator.
        case heldOpen = "held_open"
    }

    package var provider: String
    package var model: String
    /// Empty where the provider needs no key.
    package var credentialID: String
    package var state: State
    /// Attempts of the last while that ended, and those of them that failed.
    package var calls: Int
    package var failures: Int
    /// How long until it lets a call through; nil where an operator decides.
    package var opensIn: TimeAmount?
    /// How long the provider wants to be left alone, whatever the breaker says; nil if it does not.
    package var coolsFor: TimeAmount?

    package init(
        provider: String,
        model: String,
        credentialID: String,
        state: State,
        calls: Int = 0,
        failures: Int = 0,
        opensIn: TimeAmount? = .zero,
        coolsFor: TimeAmount? = nil
    ) {
        self.provider = provider
        self.model = model
        self.credentialID = credentialID
        self.state = state
        self.calls = calls
        self.failures = failures
        self.opensIn = opensIn
        self.coolsFor = coolsFor
    }
}

/// What the last probes of a provider came to.
package struct ProbeResult: Sendable, Equatable {
    /// Probes that have to fail one after the other before anybody believes them.
    package static let failuresUntilDown = 3

    /// Whether the last one was answered, with whatever status below 500 but 429.
    package var isAnswered: Bool
    package var time: UnixTime
    package var took: TimeAmount
    /// The HTTP status; 0 where it did not come to that.
    package var status: Int
    /// What went wrong, in the gateway's own words; nil if nothing did.
    package var reason: String?
    /// Probes that failed since the last that was answered.
    package var failuresInRow: Int

    package init(
        isAnswered: Bool,
        time: UnixTime,
        took: TimeAmount,
        status: Int,
        reason: String? = nil,
        failuresInRow: Int = 0
    ) {
        self.isAnswered = isAnswered
        self.time = time
        self.took = took
        self.status = status
        self.reason = reason
        self.failuresInRow = failuresInRow
    }
}
