import NIOCore
import Pipeline
import Resilience
import Telemetry

extension Gauges {
    /// Breakers and retries, by provider: the names of models are clients' words too.
    ///
    /// - Parameter now: The clock that deadlines are on.
    static func resilience(_ guards: GuardBook, now: @escaping @Sendable () -> NIODeadline) -> [Gauge] {
        func byProvider(
            _ name: String,
            _ help: String,
            type: MetricType = .counter,
            _ value: @escaping @Sendable ([TargetGuard.Status], ProviderGuard) -> Double
        ) -> Gauge {
            Gauge(name: name, help: help, type: type) {
                let time = now()
                let targets = Dictionary(grouping: guards.targets.map { $0.status(now: time) }, by: \.provider)
                return guards.providers.map { provider in
                    Gauge.Sample([("provider", provider.name)], value(targets[provider.name] ?? [], provider))
                }
            }
        }
        return [
            byProvider(
                "turnpike_breakers_open",
                "Targets (model and key) that are left alone now because they fail, or because an operator says so.",
                type: .gauge
            ) { targets, _ in
                Double(targets.count { $0.state != .closed })
            },
            byProvider(
                "turnpike_targets_cooling",
                "Targets that are left alone now because the provider asked for it.",
                type: .gauge
            ) { targets, _ in
                Double(targets.count { $0.coolsFor != nil })
            },
            byProvider("turnpike_breaker_refusals_total", "Attempts that a breaker did not let begin.") {
                Double($1.refusals)
            },
            byProvider("turnpike_retries_total", "Attempts that repeated another, out of the retry budget.") {
                Double($1.retries.granted)
            },
            byProvider("turnpike_retries_denied_total", "Attempts that the retry budget did not allow.") {
                Double($1.retries.denied)
            },
            Gauge(name: "turnpike_breaker_opens_total", help: "Times that breakers opened.", type: .counter) {
                Double(guards.news.changes.opened)
            },
            Gauge(name: "turnpike_breaker_closes_total", help: "Times that breakers closed again.", type: .counter) {
                Double(guards.news.changes.closed)
            },
        ]
    }
}
