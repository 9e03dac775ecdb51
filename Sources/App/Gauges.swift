import Core
import Engine
import Limits
import Metering
import Net
import Pipeline
import Telemetry

/// Figures that others keep, for `/metrics`.
enum Gauges {
    static func all(
        load: ServerLoad,
        upstream: UpstreamCounters,
        log: CallLog,
        terms: ServerTerms
    ) -> [Gauge] {
        var gauges = [
            Gauge(name: "turnpike_client_connections", help: "Open client connections.") { Double(load.connections) },
            Gauge(name: "turnpike_request_body_bytes", help: "Bytes of request bodies in memory.") {
                Double(load.bodyBytesInFlight)
            },
            Gauge(name: "turnpike_resident_memory_bytes", help: "Resident memory of the process.") {
                Double(ProcessMemory.residentBytes)
            },
            Gauge(name: "turnpike_shed_total", help: "Connections and calls refused for load.", type: .counter) {
                Double(load.shed)
            },
            Gauge(name: "turnpike_log_lines_dropped_total", help: "Log lines lost.", type: .counter) {
                Double(log.dropped)
            },
        ]
        gauges += Self.upstream(upstream)
        if terms.identity != nil {
            gauges.append(
                Gauge(name: "turnpike_certificate_expiry_timestamp_seconds", help: "End of the server's certificate.") {
                    Double(terms.identity?.notAfter ?? 0)
                }
            )
        }
        return gauges
    }

    /// Connections to providers, and what became of them.
    private static func upstream(_ counters: UpstreamCounters) -> [Gauge] {
        func count(
            _ name: String,
            _ help: String,
            _ read: @escaping @Sendable (UpstreamCounters) -> Int
        ) -> Gauge {
            Gauge(name: "turnpike_upstream_\(name)_total", help: help, type: .counter) { Double(read(counters)) }
        }
        return [
            Gauge(name: "turnpike_upstream_connections", help: "Open upstream connections, idle ones included.") {
                Double(counters.open)
            },
            Gauge(name: "turnpike_upstream_idle_connections", help: "Upstream connections that wait for a call.") {
                Double(counters.idle)
            },
            count("dials", "Upstream connections made.") { $0.dials },
            count("dial_failures", "Upstream connections that could not be made.") { $0.dialFailures },
            count("reuses", "Calls on a pooled connection.") { $0.reuses },
            count("replaced", "Calls whose pooled connection was dead, so that a new one took them.") { $0.replaced },
            Gauge(
                name: "turnpike_upstream_dial_seconds_total",
                help: "Time spent on making upstream connections, names and TLS included.",
                type: .counter
            ) { Double(counters.dialNanoseconds) / 1e9 },
            Gauge(
                name: "turnpike_upstream_closes_total",
                help: "Upstream connections that ended, by reason.",
                type: .counter
            ) { UpstreamEnd.allCases.map { .init([("reason", $0.rawValue)], Double(counters.ended($0))) } },
            Gauge(
                name: "turnpike_upstream_timeouts_total",
                help: "Waits for an upstream that a clock ended.",
                type: .counter
            ) { ClockName.allCases.map { .init([("clock", $0.label)], Double(counters.timeouts($0))) } },
        ]
    }

    /// Who waits for a turn, and what is counted.
    private static func limits(_ desk: LimitDesk) -> [Gauge] {
        [
            Gauge(name: "turnpike_limit_waiting_calls", help: "Calls that wait for their turn under a limit.") {
                Double(desk.figures.waiting)
            },
            Gauge(name: "turnpike_limit_admitted_calls", help: "Calls under a limit that are being answered.") {
                Double(desk.figures.admitted)
            },
            Gauge(name: "turnpike_limit_counters", help: "Counters of limits in memory.") {
                Double(desk.figures.counters)
            },
        ]
    }

    /// Limits, budgets, and what is accounted for.
    static func money(_ accounting: Accounting, _ instruments: Instruments) -> [Gauge] {
        Self.accounting(accounting) + Self.limits(instruments.limits) + [Self.estimates(instruments.estimator)]
            + instruments.drains.gauges + instruments.hedges.gauges + (instruments.shadows?.gauges ?? [])
    }

    /// What is accounted for, and how well the journal and the ledger keep up.
    private static func accounting(_ accounting: Accounting) -> [Gauge] {
        let (meter, keeper) = (accounting.meter, accounting.keeper)
        func count(_ name: String, _ help: String, _ read: @escaping @Sendable (Meter.Counts) -> UInt64) -> Gauge {
            Gauge(name: "turnpike_\(name)_total", help: help, type: .counter) { Double(read(meter.counts)) }
        }
        return [
            count("attempts", "Attempts at providers that were begun.") { $0.begun },
            count("budget_refusals", "Calls that a budget or a quota did not let in.") { $0.refused },
            count("budget_cuts", "Answers that were ended because a budget was used up.") { $0.cut },
            count("usage_absurd", "Attempts whose figures cannot be what was asked for.") { $0.absurd },
            count("usage_estimated", "Attempts billed by an estimate, in part or whole.") { $0.estimated },
            count("storage_full_refusals", "Calls refused because there was no room to write them down.") {
                $0.withoutRoom
            },
            Gauge(name: "turnpike_attempts_open", help: "Attempts that are begun and not settled.") {
                Double(meter.counts.open)
            },
            Gauge(name: "turnpike_journal_bytes", help: "Bytes of the usage journal on the disk.") {
                Double(keeper.status.bytes)
            },
            Gauge(
                name: "turnpike_journal_syncs_total",
                help: "Times the journal was brought to the disk.",
                type: .counter
            ) {
                Double(keeper.status.syncs)
            },
            Gauge(name: "turnpike_ledger_rows_total", help: "Rows added to the ledger.", type: .counter) {
                Double(accounting.fold.progress.rows)
            },
            Gauge(name: "turnpike_ledger_behind", help: "Whether the ledger cannot be written now: 1 or 0.") {
                accounting.fold.progress.trouble == nil ? 0 : 1
            },
        ]
    }

    /// How good the guesses of tokens are.
    private static func estimates(_ estimator: TokenEstimator) -> Gauge {
        Gauge(
            name: "turnpike_token_estimate_error_ratio",
            help: "Mean relative error of recent guesses of tokens, against what providers report."
        ) {
            estimator.accuracies().prefix(200).map { accuracy in
                let labels = [
                    ("model", accuracy.model.isEmpty ? "other" : accuracy.model), ("kind", accuracy.kind.name),
                    ("side", accuracy.side.name),
                ]
                return Gauge.Sample(labels, accuracy.error)
            }
        }
    }
}
