package import NIOCore
internal import Resilience
package import Telemetry

extension Instruments {
    /// How these providers are doing, in the same order: what calls, probes and breakers say of them.
    package func providerHealth(of providers: [String], now: NIODeadline) -> [ProviderHealth] {
        let figures = self.health?.figures(of: providers, now: now) ?? providers.map { _ in HealthFigures() }
        let breakers = Dictionary(grouping: self.breakers(now: now), by: \.provider)
        return zip(providers, figures).map { name, figures in
            ProviderHealth(
                name: name,
                figures: figures,
                probe: self.probes.result(of: name),
                breakers: breakers[name] ?? []
            )
        }
    }

    /// The breakers of all targets that calls went to.
    private func breakers(now: NIODeadline) -> [BreakerFigures] {
        self.guards.targets.map { target in
            let status = target.status(now: now)
            return BreakerFigures(
                provider: status.provider,
                model: status.model,
                credentialID: status.credentialID,
                state: Self.state(status.state),
                calls: status.calls,
                failures: status.failures,
                opensIn: status.opensIn,
                coolsFor: status.coolsFor
            )
        }
    }

    private static func state(_ state: BreakerState) -> BreakerFigures.State {
        switch state {
        case .closed: .closed
        case .open: .open
        case .halfOpen: .halfOpen
        case .heldOpen: .heldOpen
        }
    }
}
