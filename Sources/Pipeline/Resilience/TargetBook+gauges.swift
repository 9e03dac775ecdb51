package import NIOCore
package import Telemetry

extension TargetBook {
    /// For `/metrics`.
    ///
    /// Labels are names of the settings, and words of closed sets.
    ///
    /// - Parameter now: The clock that deadlines are on.
    package func gauges(now: @escaping @Sendable () -> NIODeadline) -> [Gauge] {
        [
            Gauge(name: "turnpike_target_calls_in_flight", help: "Attempts under way at a target of an alias.") {
                self.targets.map { Gauge.Sample($0.labels, Double($0.underWay)) }
            },
            Gauge(
                name: "turnpike_target_latency_seconds",
                help: "How long a target is thought to let one wait: for a stream's first content, for a whole answer."
            ) {
                let now = now()
                return self.targets.flatMap { target in
                    [(true, "stream"), (false, "whole")].compactMap { isStream, word in
                        target.latency(ofStreams: isStream, now: now).map {
                            Gauge.Sample(target.labels + [("answer", word)], Double($0.nanoseconds) / 1e9)
                        }
                    }
                }
            },
            Gauge(
                name: "turnpike_target_passes_total",
                help: "Calls that put a target behind others or found it full, by the reason.",
                type: .counter
            ) {
                self.targets.flatMap { target in
                    target.passCounts.sorted { $0.key.rawValue < $1.key.rawValue }
                        .map { Gauge.Sample(target.labels + [("reason", $0.key.rawValue)], Double($0.value)) }
                }
            },
            Gauge(name: "turnpike_experiment_calls_total", help: "Calls on a side of an experiment.", type: .counter) {
                self.sides.map {
                    Gauge.Sample([("alias", $0.key.alias), ("variant", $0.key.variant)], Double($0.calls))
                }
            },
        ]
    }
}

extension TargetState {
    fileprivate var labels: [(String, String)] { [("provider", self.provider), ("model", self.model)] }
}
