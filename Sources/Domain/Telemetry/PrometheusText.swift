internal import Core
package import NIOCore
internal import Wire

/// Writes Prometheus' text exposition format, version 0.0.4.
package struct PrometheusText {
    package private(set) var buffer = ByteBuffer()

    package init() {}

    /// Begins a metric.
    ///
    /// Samples follow.
    package mutating func begin(_ name: String, _ type: MetricType, _ help: String) {
        self.buffer.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(type.rawValue)\n")
    }

    /// One sample of the metric that was begun, or of a part of it.
    package mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Int) {
        self.name(name, labels)
        self.buffer.writeDecimal(value)
        self.buffer.writeStaticString("\n")
    }

    /// One sample with a fraction.
    package mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        self.name(name, labels)
        self.buffer.writeString("\(value)\n")
    }

    mutating func histogram(_ name: String, _ labels: [(String, String)], _ histogram: Histogram) {
        var sum = 0
        for (index, count) in histogram.counts.enumerated() {
            sum += Int(count)
            let bound = index < Histogram.bounds.count ? Self.bound(Histogram.bounds[index]) : "+Inf"
            self.sample("\(name)_bucket", labels + [("le", bound)], sum)
        }
        self.sample("\(name)_sum", labels, Double(histogram.nanoseconds) / 1e9)
        self.sample("\(name)_count", labels, sum)
    }

    private mutating func name(_ name: String, _ labels: [(String, String)]) {
        self.buffer.writeString(name)
        if !labels.isEmpty {
            self.buffer.writeStaticString("{")
            for (index, label) in labels.enumerated() {
                if index > 0 { self.buffer.writeStaticString(",") }
                self.buffer.writeString(label.0)
                self.buffer.writeStaticString("=\"")
                self.escape(label.1)
                self.buffer.writeStaticString("\"")
            }
            self.buffer.writeStaticString("}")
        }
        self.buffer.writeStaticString(" ")
    }

    private mutating func escape(_ value: String) {
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): self.buffer.writeStaticString("\\\\")
            case UInt8(ascii: "\""): self.buffer.writeStaticString("\\\"")
            case UInt8(ascii: "\n"): self.buffer.writeStaticString("\\n")
            default: self.buffer.writeInteger(byte)
            }
        }
    }

    private static func bound(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }
}

/// What kind of metric it is.
package enum MetricType: String, Sendable {
    case counter, gauge, histogram
}

/// A number somebody else keeps, read at each scrape.
package struct Gauge: Sendable {
    package let name: String
    package let help: String
    package let type: MetricType
    /// One value for each set of labels.
    package let samples: @Sendable () -> [Sample]

    /// One value.
    package struct Sample: Sendable {
        /// From closed sets only (row 53).
        package var labels: [(String, String)]
        package var value: Double

        package init(_ labels: [(String, String)], _ value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    /// - Parameters:
    ///   - name: With the prefix `turnpike_` and the unit at its end; counters end in `_total`.
    ///   - read: Called from any thread; must not wait.
    package init(name: String, help: String, type: MetricType = .gauge, read: @escaping @Sendable () -> Double) {
        self.init(name: name, help: help, type: type, samples: { [Sample([], read())] })
    }

    /// - Parameters:
    ///   - name: With the prefix `turnpike_` and the unit at its end; counters end in `_total`.
    ///   - samples: Called from any thread; must not wait.
    package init(
        name: String,
        help: String,
        type: MetricType = .gauge,
        samples: @escaping @Sendable () -> [Sample]
    ) {
        self.name = name
        self.help = help
        self.type = type
        self.samples = samples
    }
}

extension CallMetrics {
    /// Everything that is counted here and what `gauges` read, ready for a scrape.
    ///
    /// - Parameter version: Turnpike's own, for `turnpike_build_info`.
    package func exposition(version: String, gauges: [Gauge]) -> ByteBuffer {
        let sum = self.merged()
        var text = PrometheusText()
        text.begin("turnpike_build_info", .gauge, "The running version; always 1.")
        text.sample("turnpike_build_info", [("version", version)], 1)
        Self.writeCalls(sum, into: &text)
        Self.writeTimings(sum, into: &text)
        Self.writeLimits(sum, into: &text)
        for gauge in gauges {
            text.begin(gauge.name, gauge.type, gauge.help)
            for sample in gauge.samples() {
                if sample.value == sample.value.rounded(), abs(sample.value) < 1e15 {
                    text.sample(gauge.name, sample.labels, Int(sample.value))
                } else {
                    text.sample(gauge.name, sample.labels, sample.value)
                }
            }
        }
        return text.buffer
    }

    private static func writeCalls(_ sum: Shard, into text: inout PrometheusText) {
        let ordered = sum.series.sorted {
            ($0.key.operation, $0.key.provider, $0.key.model, $0.key.code)
                < ($1.key.operation, $1.key.provider, $1.key.model, $1.key.code)
        }
        text.begin("turnpike_calls_total", .counter, "Calls that are over, by what became of them.")
        for (key, counts) in ordered {
            let labels = Self.labels(key, sum.labels) + [("code", Self.codeName(key.code))]
            text.sample("turnpike_calls_total", labels, Int(counts.calls))
        }
        text.begin("turnpike_tokens_total", .counter, "Tokens as providers reported them.")
        var tokens: [Series: Counts] = [:]
        for (key, counts) in ordered { tokens[key.withoutCode, default: Counts()].merge(counts) }
        for (key, _) in ordered {
            guard let counts = tokens.removeValue(forKey: key.withoutCode) else { continue }
            for (kind, count) in counts.tokens where count > 0 {
                text.sample("turnpike_tokens_total", Self.labels(key, sum.labels) + [("kind", kind)], Int(count))
            }
        }
        text.begin("turnpike_cost_usd_total", .counter, "Dollars that calls were charged.")
        var costs: [Series: Counts] = [:]
        for (key, counts) in ordered { costs[key.withoutCode, default: Counts()].merge(counts) }
        for (key, _) in ordered {
            guard let counts = costs.removeValue(forKey: key.withoutCode), counts.charged > 0 else { continue }
            text.sample("turnpike_cost_usd_total", Self.labels(key, sum.labels), Double(counts.charged) / 1e6)
        }
        text.begin("turnpike_calls_in_flight", .gauge, "Calls that are being answered.")
        text.sample("turnpike_calls_in_flight", [], sum.inFlight)
        for (name, help, value) in [
            ("authentication_failures", "Requests without a key that works.", sum.authenticationFailures),
            ("requests_refused", "Requests that were refused before they were calls.", sum.refusals),
            ("clients_gone", "Calls whose client left before the end.", sum.clientsGone),
            ("request_bytes", "Bytes of the bodies of calls.", sum.bytesIn),
            ("response_bytes", "Bytes of the answers to calls.", sum.bytesOut),
        ] {
            text.begin("turnpike_\(name)_total", .counter, help)
            text.sample("turnpike_\(name)_total", [], Int(value))
        }
    }

    private static func writeTimings(_ sum: Shard, into text: inout PrometheusText) {
        let duration = "turnpike_call_duration_seconds"
        text.begin(duration, .histogram, "From a call's arrival to the end of its answer.")
        for (key, histogram) in sum.durations.sorted(by: {
            ($0.key.operation, $0.key.provider) < ($1.key.operation, $1.key.provider)
        }) {
            let labels = [
                ("route", Self.operations.names[Int(key.operation)]), ("provider", sum.labels.name(key.provider)),
            ]
            text.histogram(duration, labels, histogram)
        }
        let first = "turnpike_time_to_first_token_seconds"
        text.begin(first, .histogram, "From a stream's arrival to its first content.")
        for (provider, histogram) in sum.firstTokens.sorted(by: { $0.key < $1.key }) {
            text.histogram(first, [("provider", sum.labels.name(provider))], histogram)
        }
    }

    private static func labels(_ key: Series, _ labels: MetricLabels) -> [(String, String)] {
        [
            ("route", Self.operations.names[Int(key.operation)]), ("provider", labels.name(key.provider)),
            ("model", labels.name(key.model)),
        ]
    }
}
