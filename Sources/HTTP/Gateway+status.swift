internal import Auth
internal import Core
internal import NIOCore
internal import Pipeline
internal import Providers
internal import Telemetry

extension Gateway {
    /// How the providers are doing: what calls, probes and breakers say of them.
    ///
    /// Breakers are kept for each provider key and for each model that somebody asked for: only this machine and
    /// system administrators see those of other groups.
    func status(_ snapshot: Snapshot, for principal: Principal?) -> Answer {
        let now = self.instruments.monotonicClock()
        var providers = self.instruments.providerHealth(of: snapshot.catalog.providers.map(\.name), now: now)
        if let principal, !(principal.scopes.contains(.admin) && principal.role == .systemAdmin) {
            providers = Self.narrowed(providers, to: principal, snapshot)
        }
        let overall = ProviderHealth.overall(providers)
        let json: JSONValue = [
            "status": .string(overall.rawValue),
            "windowSeconds": .integer(
                HealthWindow.pieceLength.nanoseconds / 1_000_000_000 * Int64(HealthWindow.piecesMax)
            ),
            "providers": .array(providers.map { self.json($0, now: now) }),
        ]
        return Answer(status: overall == .down ? 503 : 200, json: json)
    }

    /// The same without the breakers that another group's key or words are in.
    private static func narrowed(
        _ providers: [ProviderHealth],
        to principal: Principal,
        _ snapshot: Snapshot
    ) -> [ProviderHealth] {
        let row = snapshot.credentials.row(of: principal.group)
        let models = Set(snapshot.catalog.upstreamModels)
        return zip(providers, snapshot.catalog.providers).map { health, provider in
            let own = row.credential(for: provider)?.id
            return ProviderHealth(
                name: health.name,
                figures: health.figures,
                probe: health.probe,
                breakers: health.breakers.filter {
                    $0.credentialID.isEmpty ? models.contains($0.model) : $0.credentialID == own
                }
            )
        }
    }

    private func json(_ provider: ProviderHealth, now: NIODeadline) -> JSONValue {
        let figures = provider.figures
        let worst = provider.breakers.map(\.state).max { Self.rank($0) < Self.rank($1) }
        return [
            "name": .string(provider.name),
            "status": .string(provider.status.rawValue),
            "breaker": .string((worst ?? .closed).rawValue),
            "calls": .integer(Int64(clamping: figures.judged &+ figures.limited)),
            "callsSinceStart": .integer(Int64(clamping: figures.total)),
            "successRate": figures.successRate.map { .number(Self.decimal($0)) } ?? .null,
            "rateLimited": .integer(Int64(clamping: figures.limited)),
            "latencyMs": Self.milliseconds(figures.latency(0.5)),
            "latencyP95Ms": Self.milliseconds(figures.latency(0.95)),
            "lastError": figures.lastFailure.map { .string($0.rawValue) } ?? .null,
            "lastErrorAt": self.time(figures.lastFailureTime, now: now),
            "probe": provider.probe.map { Self.json($0) } ?? .null,
            "breakers": .array(provider.breakers.map { Self.json($0) }),
        ]
    }

    private static func rank(_ state: BreakerFigures.State) -> Int {
        switch state {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        case .heldOpen: 3
        }
    }

    private static func json(_ breaker: BreakerFigures) -> JSONValue {
        [
            "model": .string(breaker.model),
            "credentialId": breaker.credentialID.isEmpty ? .null : .string(breaker.credentialID),
            "state": .string(breaker.state.rawValue),
            "calls": .integer(Int64(breaker.calls)),
            "failures": .integer(Int64(breaker.failures)),
            "retryAfterMs": Self.milliseconds(breaker.opensIn),
            "coolsDownMs": Self.milliseconds(breaker.coolsFor),
        ]
    }

    private static func json(_ probe: ProbeResult) -> JSONValue {
        [
            "ok": .bool(probe.isAnswered),
            "at": .string(probe.time.rfc3339),
            "ms": .integer(probe.took.milliseconds),
            "httpStatus": probe.status == 0 ? .null : .integer(Int64(probe.status)),
            "reason": probe.reason.map { .string($0) } ?? .null,
            "failuresInRow": .integer(Int64(probe.failuresInRow)),
        ]
    }

    private static func milliseconds(_ time: TimeAmount?) -> JSONValue {
        time.map { .milliseconds(microseconds: $0.nanoseconds / 1000) } ?? .null
    }

    /// A moment on the clock of deadlines as one on the wall clock.
    private func time(_ moment: NIODeadline?, now: NIODeadline) -> JSONValue {
        guard let moment else { return .null }
        let ago = (now - moment).nanoseconds / 1_000_000
        return .string(UnixTime(milliseconds: self.instruments.wallClock().milliseconds - ago).rfc3339)
    }

    /// Three decimals, as JSON has numbers.
    private static func decimal(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
