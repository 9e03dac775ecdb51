internal import Core
package import NIOCore

/// What counts as wrong.
package struct AlertRules: Sendable, Equatable {
    /// Share of a provider's attempts that fail, 1 to 100 percent.
    package var errorPercent: Int
    /// The longest time that 95 of 100 answers may take to begin; nil: any.
    package var latency: TimeAmount?
    /// Attempts of the last minute that there have to be before anybody judges by them.
    package var callsMin: Int

    package init(errorPercent: Int = 50, latency: TimeAmount? = nil, callsMin: Int = 20) {
        self.errorPercent = errorPercent
        self.latency = latency
        self.callsMin = callsMin
    }

    /// Pieces of the window of health that are the last minute.
    package static let piecesOfMinute = 3

    /// What is wrong with one provider.
    ///
    /// - Parameters:
    ///   - health: Its figures of the last five minutes, its probes and breakers.
    ///   - minute: Its figures of the last minute.
    ///   - models: Those that the settings name; nil: all. Other names are clients' words, which are not for people's
    ///     chats: all such models of a provider and key are one trouble without a name.
    ///   - isFiring: Whether people have been told. Failures are over when there are good signs, not when there are no
    ///     signs: a provider that is left alone does not fail.
    package func conditions(
        _ health: ProviderHealth,
        minute: HealthFigures,
        models: Set<String>? = nil,
        isFiring: (AlertKind, String) -> Bool
    ) -> [AlertCondition] {
        [
            self.errors(health, minute, isFiring(.errorRate, health.name)),
            self.slowness(health, minute, isFiring(.latency, health.name)),
            self.silence(health),
        ].compactMap(\.self) + health.breakers.compactMap { self.open($0, isNamed: models?.contains($0.model) ?? true) }
    }

    private func errors(_ health: ProviderHealth, _ minute: HealthFigures, _ isFiring: Bool) -> AlertCondition? {
        var figures = minute
        if isFiring {
            // Without an attempt in this minute, what the one before it showed still holds.
            if minute.judged == 0, health.figures.endsInFailure { figures = health.figures }
            guard figures.judged > 0 else { return nil }
        } else {
            guard minute.judged >= UInt64(max(1, self.callsMin)) else { return nil }
        }
        let percent = Double(figures.failed) / Double(max(1, figures.judged)) * 100
        guard percent >= Double(self.errorPercent) else { return nil }
        var details: [AlertCondition.Detail] = [
            .init("provider", .string(health.name)), .init("failed", .integer(Int64(clamping: figures.failed))),
            .init("attempts", .integer(Int64(clamping: figures.judged))),
            .init("limitPercent", .integer(Int64(self.errorPercent))),
        ]
        if let code = figures.lastFailure { details.append(.init("lastError", .string(code.rawValue))) }
        return AlertCondition(
            .errorRate,
            health.name,
            "The provider '\(health.name)' fails \(Int(percent.rounded(.down))) % of its attempts.",
            details
        )
    }

    private func slowness(_ health: ProviderHealth, _ minute: HealthFigures, _ isFiring: Bool) -> AlertCondition? {
        guard let limit = self.latency else { return nil }
        guard minute.answered >= (isFiring ? 1 : UInt64(max(1, self.callsMin))),
            let latency = minute.latency(0.95), latency > limit
        else { return nil }
        return AlertCondition(
            .latency,
            health.name,
            "The provider '\(health.name)' takes \(CallStep.words(latency)) to answer (95th percentile).",
            [
                .init("provider", .string(health.name)), .init("p95Ms", .integer(latency.milliseconds)),
                .init("limitMs", .integer(limit.milliseconds)),
            ]
        )
    }

    private func silence(_ health: ProviderHealth) -> AlertCondition? {
        guard let probe = health.probe, probe.failuresInRow >= ProbeResult.failuresUntilDown else { return nil }
        let reason = probe.reason ?? "status \(probe.status)"
        return AlertCondition(
            .probe,
            health.name,
            "The provider '\(health.name)' does not answer probes: \(reason).",
            [
                .init("provider", .string(health.name)), .init("reason", .string(reason)),
                .init("failuresInRow", .integer(Int64(probe.failuresInRow))),
            ]
        )
    }

    private func open(_ breaker: BreakerFigures, isNamed: Bool) -> AlertCondition? {
        guard breaker.state != .closed else { return nil }
        let target = isNamed ? "\(breaker.provider)/\(breaker.model)" : "\(breaker.provider)/*"
        let subject = breaker.credentialID.isEmpty ? target : "\(target) \(breaker.credentialID)"
        var details: [AlertCondition.Detail] = [
            .init("provider", .string(breaker.provider)), .init("model", isNamed ? .string(breaker.model) : .null),
            .init("credentialId", breaker.credentialID.isEmpty ? .null : .string(breaker.credentialID)),
        ]
        guard isNamed else {
            let text = "The provider '\(breaker.provider)' is left alone for a model that no alias names."
            return AlertCondition(.breakerOpen, subject, text, details)
        }
        details.append(.init("state", .string(breaker.state.rawValue)))
        let why = breaker.state == .heldOpen ? "an operator keeps calls away from it" : "it failed too often"
        return AlertCondition(.breakerOpen, subject, "The target \(target) is left alone: \(why).", details)
    }
}
