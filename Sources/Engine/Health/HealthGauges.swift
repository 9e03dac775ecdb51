import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
package import Telemetry

extension HealthWatch {
    /// How providers are doing, and what people are told, for `/metrics`.
    package var gauges: [Gauge] {
        [
            Gauge(
                name: "turnpike_provider_success_ratio",
                help: "Share of a provider's attempts of the last five minutes that it answered.",
                samples: {
                    self.providers { provider in provider.figures.successRate.map { [.init([], $0)] } ?? [] }
                }
            ),
            Gauge(
                name: "turnpike_provider_latency_seconds",
                help: "Time to the first content of a provider's answers of the last five minutes.",
                samples: {
                    self.providers { provider in
                        [(0.5, "50"), (0.95, "95")].compactMap { share, name in
                            provider.figures.latency(share).map {
                                .init([("percentile", name)], Double($0.nanoseconds) / 1e9)
                            }
                        }
                    }
                }
            ),
            Gauge(
                name: "turnpike_provider_probe_up",
                help: "Whether the last probe of a provider was answered: 1 or 0.",
                samples: { self.providers { $0.probe.map { [.init([], $0.isAnswered ? 1 : 0)] } ?? [] } }
            ),
            Gauge(
                name: "turnpike_alerts_firing",
                help: "Troubles that go on, by kind.",
                samples: {
                    let firing = self.firing.withLockedValue { $0 }
                    return AlertKind.allCases.map { .init([("kind", $0.rawValue)], Double(firing[$0] ?? 0)) }
                }
            ),
            Gauge(
                name: "turnpike_alerts_sent_total",
                help: "Alerts that the webhook took.",
                type: .counter
            ) { Double(self.sender.counts.sent) },
            Gauge(
                name: "turnpike_alerts_lost_total",
                help: "Alerts that the webhook did not take, or that there was no room for.",
                type: .counter
            ) { Double(self.sender.counts.lost) },
        ]
    }

    private func providers(_ samples: (ProviderHealth) -> [Gauge.Sample]) -> [Gauge.Sample] {
        let names = self.snapshots.current().catalog.providers.map(\.name).prefix(MetricLabels.providersMax)
        return self.instruments.providerHealth(of: Array(names), now: self.instruments.monotonicClock())
            .flatMap { provider in
                samples(provider).map { .init([("provider", provider.name)] + $0.labels, $0.value) }
            }
    }
}
