internal import Core
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Counts calls, sharded by event loop so that no two loops touch the same memory; a scrape adds the shards up.
package final class CallMetrics: Sendable {
    /// What makes a series of calls.
    struct Series: Hashable {
        var operation: UInt8
        var provider: UInt16
        var model: UInt16
        /// Position of the error code plus one; 0 for success.
        var code: UInt8

        /// The same call whatever became of it.
        var withoutCode: Series {
            Series(operation: self.operation, provider: self.provider, model: self.model, code: 0)
        }
    }

    struct Counts {
        var calls: UInt64 = 0
        var input: UInt64 = 0
        var output: UInt64 = 0
        var cached: UInt64 = 0
        var reasoning: UInt64 = 0
        /// Millionths of a dollar.
        var charged: UInt64 = 0

        /// Tokens by the word for their kind.
        var tokens: [(String, UInt64)] {
            [
                ("input", self.input), ("output", self.output), ("cached_input", self.cached),
                ("reasoning", self.reasoning),
            ]
        }
    }

    struct Timing: Hashable {
        var operation: UInt8
        var provider: UInt16
    }

    struct Shard {
        var labels = MetricLabels()
        var series: [Series: Counts] = [:]
        var durations: [Timing: Histogram] = [:]
        var firstTokens: [UInt16: Histogram] = [:]
        var inFlight = 0
        var bytesIn: UInt64 = 0
        var bytesOut: UInt64 = 0
        var clientsGone: UInt64 = 0
        var authenticationFailures: UInt64 = 0
        var refusals: UInt64 = 0
        var limitRefusals: [String: UInt64] = [:]
        var limitWaits = Histogram()
    }

    /// Series of calls per shard at most; what would be more counts as `other`.
    static let seriesMax = 2000

    private let shards: [NIOLockedValueBox<Shard>]

    package init(loops: Int) {
        precondition(loops > 0, "there is at least one loop, not \(loops)")
        self.shards = (0..<loops).map { _ in NIOLockedValueBox(Shard()) }
    }

    /// Names the providers and models that may stand in labels.
    ///
    /// At start and after each reload.
    package func announce(providers: [String], models: [String]) {
        for shard in self.shards {
            shard.withLockedValue { $0.labels.announce(providers: providers, models: models) }
        }
    }

    /// A call began on this loop.
    package func begin(loop: Int) {
        self.shards[loop].withLockedValue { $0.inFlight += 1 }
    }

    /// A call that was begun is over.
    package func end(_ record: borrowing CallRecord, loop: Int) {
        let operation = Self.operations.number(of: record.operation)
        let code = record.code.flatMap { Self.codeNumbers[$0] } ?? 0
        self.shards[loop].withLockedValue { shard in
            shard.inFlight -= 1
            let provider = shard.labels.provider(record.provider)
            var key = Series(
                operation: operation,
                provider: provider,
                model: shard.labels.model(record.upstreamModel),
                code: code
            )
            if shard.series.count >= Self.seriesMax, shard.series[key] == nil { key.model = MetricLabels.other }
            shard.series[key, default: Counts()].add(record)
            shard.durations[Timing(operation: operation, provider: provider), default: Histogram()]
                .add(nanoseconds: record.total.nanoseconds)
            if let first = record.firstToken {
                shard.firstTokens[provider, default: Histogram()].add(nanoseconds: first.nanoseconds)
            }
            shard.bytesIn &+= UInt64(max(0, record.bytesIn))
            shard.bytesOut &+= UInt64(max(0, record.bytesOut))
            shard.clientsGone += record.isClientGone ? 1 : 0
        }
    }

    /// Somebody showed no key, or one that does not work.
    package func authenticationFailed(loop: Int) {
        self.shards[loop].withLockedValue { $0.authenticationFailures += 1 }
    }

    /// Something was refused before it was a call: unknown path, bad request line, overload.
    package func refused(loop: Int) {
        self.shards[loop].withLockedValue { $0.refusals += 1 }
    }

    /// Changes what one loop has counted.
    func change(loop: Int, _ body: (inout Shard) -> Void) { self.shards[loop].withLockedValue { body(&$0) } }

    /// All shards in one.
    func merged() -> Shard {
        var sum = Shard()
        for box in self.shards {
            let shard = box.withLockedValue { $0 }
            sum.labels = shard.labels
            for (key, counts) in shard.series { sum.series[key, default: Counts()].merge(counts) }
            for (key, histogram) in shard.durations { sum.durations[key, default: Histogram()].merge(histogram) }
            for (key, histogram) in shard.firstTokens { sum.firstTokens[key, default: Histogram()].merge(histogram) }
            sum.inFlight += shard.inFlight
            sum.bytesIn &+= shard.bytesIn
            sum.bytesOut &+= shard.bytesOut
            sum.clientsGone += shard.clientsGone
            sum.authenticationFailures += shard.authenticationFailures
            sum.refusals += shard.refusals
            sum.limitRefusals.merge(shard.limitRefusals) { $0 &+ $1 }
            sum.limitWaits.merge(shard.limitWaits)
        }
        return sum
    }

    static let codeNumbers: [GatewayError.Code: UInt8] = Dictionary(
        uniqueKeysWithValues: zip(GatewayError.Code.allCases, 1...)
    )

    /// The word for `code` in a label.
    static func codeName(_ number: UInt8) -> String {
        number == 0 ? "ok" : GatewayError.Code.allCases[Int(number) - 1].rawValue.lowercased()
    }

    static let operations = OperationNames()
}

/// The closed set of operations, by number.
struct OperationNames: Sendable {
    let names = [
        "other", "chat", "embeddings", "count_tokens", "moderations", "rerank", "images", "image_edits",
        "image_variations", "speech", "transcriptions", "translations", "pass_through",
    ]

    func number(of word: StaticString) -> UInt8 {
        for (number, name) in self.names.enumerated() where name.utf8.count == word.utf8CodeUnitCount {
            if name.utf8.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)) {
                return UInt8(number)
            }
        }
        return 0
    }
}

extension CallMetrics.Counts {
    mutating func add(_ record: borrowing CallRecord) {
        self.calls += 1
        self.input &+= UInt64(max(0, record.inputTokens ?? 0))
        self.output &+= UInt64(max(0, record.outputTokens ?? 0))
        self.cached &+= UInt64(max(0, record.cachedTokens ?? 0))
        self.reasoning &+= UInt64(max(0, record.reasoningTokens ?? 0))
        self.charged &+= UInt64(max(0, record.charged?.value ?? 0))
    }

    mutating func merge(_ other: Self) {
        self.calls += other.calls
        self.input &+= other.input
        self.output &+= other.output
        self.cached &+= other.cached
        self.reasoning &+= other.reasoning
        self.charged &+= other.charged
    }
}
