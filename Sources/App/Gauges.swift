import Net
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
            Gauge(name: "turnpike_upstream_connections", help: "Open upstream connections, idle ones included.") {
                Double(upstream.open)
            },
            Gauge(name: "turnpike_request_body_bytes", help: "Bytes of request bodies in memory.") {
                Double(load.bodyBytesInFlight)
            },
            Gauge(name: "turnpike_resident_memory_bytes", help: "Resident memory of the process.") {
                Double(ProcessMemory.residentBytes)
            },
            Gauge(name: "turnpike_upstream_dials_total", help: "Upstream connections made.", type: .counter) {
                Double(upstream.dials)
            },
            Gauge(name: "turnpike_upstream_reuses_total", help: "Calls on a pooled connection.", type: .counter) {
                Double(upstream.reuses)
            },
            Gauge(name: "turnpike_shed_total", help: "Connections and calls refused for load.", type: .counter) {
                Double(load.shed)
            },
            Gauge(name: "turnpike_log_lines_dropped_total", help: "Log lines lost.", type: .counter) {
                Double(log.dropped)
            },
        ]
        if terms.identity != nil {
            gauges.append(
                Gauge(name: "turnpike_certificate_expiry_timestamp_seconds", help: "End of the server's certificate.") {
                    Double(terms.identity?.notAfter ?? 0)
                }
            )
        }
        return gauges
    }
}
