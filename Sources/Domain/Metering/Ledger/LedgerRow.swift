package import Chat
package import Core
internal import Database
internal import Glibc

/// One line of the ledger, as it stands in the store.
///
/// What it says in words (`outcome`, `source`, `rates`) is kept as it was stored, also where this build has no such
/// word, so that a row that was tampered with can be looked at.
package struct LedgerRow: Sendable, Equatable {
    /// What a row is.
    package enum Kind: String, Sendable {
        /// One attempt; its figures are what was used.
        case attempt
        /// Mends an earlier row; its figures are differences.
        case correction
    }

    /// Counts up from 1 without gaps, in the order of recording.
    package var seq: Int64
    /// `attempt` or `correction`.
    package var kind: String
    /// Nil for a correction.
    package var attempt: AttemptID?
    /// The attempt that a correction mends; nil for an attempt.
    package var corrects: AttemptID?
    package var requestID: String
    /// The first attempt of the same call; nil if this is it.
    package var firstAttempt: AttemptID?
    /// Counts from 1 within the call.
    package var number: Int64
    package var startedAt: UnixTime
    package var endedAt: UnixTime
    package var consumer: Consumer
    package var operation: String
    package var provider: String
    package var upstreamModel: String
    package var credentialID: String
    package var variant: String
    package var isStream: Bool
    package var inputEstimate: Int64
    package var outputMax: Int64?
    package var reserved: MicroDollars
    /// `AttemptOutcome.name`.
    package var outcome: String
    /// `UsageSource.name`.
    package var source: String
    /// The provider's HTTP status; 0 if there was none.
    package var upstreamStatus: Int64
    package var code: String
    package var firstContentMilliseconds: Int64?
    /// As it was counted; `cost` is what the provider itself said it costs.
    package var usage: TokenUsage
    package var cost: MicroDollars
    package var charged: MicroDollars
    package var isCharged: Bool
    /// `Rates.text`.
    package var rates: String
    /// A JSON object, or empty.
    package var metadata: String

    /// The most tokens or pictures that a row holds; what a provider says beyond it is held there.
    ///
    /// Far above what any model can take, and far below what would let a sum of rows overflow.
    package static let countMax = 10_000_000_000
    /// The most money that a row holds, either way: a million dollars.
    package static let amountMax = MicroDollars(1_000_000_000_000)
    /// The most bytes of a text other than rates and metadata; longer ones are cut.
    static let textBytesMax = 1024

    init(_ attempt: Attempt, seq: Int64, rates: String) {
        let (intent, end) = (attempt.intent, attempt.end)
        self.seq = seq
        self.kind = Kind.attempt.rawValue
        self.attempt = attempt.id
        self.requestID = Self.text(intent.requestID)
        self.firstAttempt = intent.firstAttempt
        self.number = Int64(intent.number)
        self.startedAt = intent.startedAt
        self.endedAt = end.endedAt
        self.consumer = Self.consumer(intent.consumer)
        self.operation = Self.text(intent.operation)
        self.provider = Self.text(intent.provider)
        self.upstreamModel = Self.text(intent.upstreamModel)
        self.credentialID = Self.text(intent.credentialID)
        self.variant = Self.text(intent.variant)
        self.isStream = intent.isStream
        self.inputEstimate = Int64(intent.inputEstimate)
        self.outputMax = intent.outputMax.map { Int64($0) }
        self.reserved = intent.reserved
        self.outcome = end.outcome.name
        self.source = end.source.name
        self.upstreamStatus = Int64(end.upstreamStatus)
        self.code = Self.text(end.code)
        self.firstContentMilliseconds = end.firstContentMilliseconds.map { Int64($0) }
        self.usage = end.usage.bounded
        self.cost = end.cost.bounded
        self.charged = end.charged.bounded
        self.isCharged = end.isCharged
        self.rates = Self.text(rates)
        self.metadata = Self.text(intent.metadata, bytesMax: 4096)
    }

    private static func consumer(_ consumer: Consumer) -> Consumer {
        Consumer(
            group: self.text(consumer.group),
            user: self.text(consumer.user),
            key: self.text(consumer.key),
            agent: self.text(consumer.agent),
            model: self.text(consumer.model)
        )
    }

    /// A text without NUL, which not every database can keep, and cut where it is absurdly long.
    ///
    /// Texts such as a model's name come from strangers.
    static func text(_ text: String, bytesMax: Int = Self.textBytesMax) -> String {
        guard text.utf8.count > bytesMax || Self.hasNUL(text) else { return text }
        return String(decoding: text.utf8.prefix(bytesMax).map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func hasNUL(_ text: String) -> Bool {
        let found = text.utf8.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
        }
        return found ?? text.utf8.contains(0)
    }
}

extension TokenUsage {
    /// The same with each figure held within what a ledger row keeps: none below zero, none beyond `countMax`.
    package var bounded: TokenUsage {
        func bounded(_ count: Int?) -> Int? { count.map { min(max($0, 0), LedgerRow.countMax) } }
        return TokenUsage(
            input: bounded(self.input),
            output: bounded(self.output),
            cachedInput: bounded(self.cachedInput),
            cacheWrite: bounded(self.cacheWrite),
            cacheWriteLong: bounded(self.cacheWriteLong),
            reasoning: bounded(self.reasoning),
            audioInput: bounded(self.audioInput),
            audioOutput: bounded(self.audioOutput),
            images: bounded(self.images),
            cost: self.cost?.bounded,
            characters: bounded(self.characters),
            soundMilliseconds: bounded(self.soundMilliseconds),
            searches: bounded(self.searches)
        )
    }

    /// Input and output together, for quotas.
    ///
    /// What was not said counts as none; beyond what a number holds it stays at the largest one.
    package var total: Int64 {
        let (sum, isOver) = Int64(self.input ?? 0).addingReportingOverflow(Int64(self.output ?? 0))
        return isOver ? .max : sum
    }
}

extension MicroDollars {
    /// The same held within what a ledger row keeps.
    package var bounded: MicroDollars {
        let most = LedgerRow.amountMax
        return Swift.min(Swift.max(self, MicroDollars(-most.value)), most)
    }
}

// MARK: - In the store

extension LedgerRow {
    /// The columns in their order; the hash is over all of them but itself.
    static let columns: SQL = """
        seq, kind, attempt_id, corrects, request_id, first_attempt, number, started_at, ended_at, group_id, user_id,
        key_id, agent_id, model, operation, provider, upstream_model, credential_id, variant, is_stream,
        input_estimate, output_max, reserved, outcome, usage_source, upstream_status, code, first_content_ms,
        input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, audio_input_tokens,
        audio_output_tokens, images, reported_cost, cost, charged, is_charged, rates, metadata,
        cache_write_long_tokens, characters, sound_ms, searches, hash
        """
    /// How many `columns` there are, the hash among them.
    static let columnCount = 47
    /// How many there were at first, the hash not among them; those behind them were added later.
    private static let firstColumnCount = 42

    /// What the hash of a row is over: all of its `values`, or what was read of them, but the hash.
    ///
    /// Columns that were added later count up to the last one that is not NULL, so that rows from before them keep the
    /// hash that they have.
    static func hashed(_ values: [SQLValue]) -> ArraySlice<SQLValue> {
        var end = values.count - 1
        while end > Self.firstColumnCount, case .null = values[end - 1] { end -= 1 }
        return values[..<max(0, end)]
    }

    /// The values of all columns in their order; the last is the place of the hash.
    var values: [SQLValue] {
        func integer(_ number: Int?) -> SQLValue { number.map { .integer(Int64($0)) } ?? .null }
        func integer(_ number: Int64?) -> SQLValue { number.map { .integer($0) } ?? .null }
        let usage = self.usage
        return [
            .integer(self.seq), .text(self.kind), integer(self.attempt?.value), integer(self.corrects?.value),
            .text(self.requestID), integer(self.firstAttempt?.value), .integer(self.number),
            .integer(self.startedAt.milliseconds), .integer(self.endedAt.milliseconds), .text(self.consumer.group),
            .text(self.consumer.user), .text(self.consumer.key), .text(self.consumer.agent),
            .text(self.consumer.model), .text(self.operation), .text(self.provider), .text(self.upstreamModel),
            .text(self.credentialID), .text(self.variant), .integer(self.isStream ? 1 : 0),
            .integer(self.inputEstimate), integer(self.outputMax), .integer(self.reserved.value),
            .text(self.outcome), .text(self.source), .integer(self.upstreamStatus), .text(self.code),
            integer(self.firstContentMilliseconds), integer(usage.input), integer(usage.output),
            integer(usage.cachedInput), integer(usage.cacheWrite), integer(usage.reasoning),
            integer(usage.audioInput), integer(usage.audioOutput), integer(usage.images),
            integer(usage.cost?.value), .integer(self.cost.value), .integer(self.charged.value),
            .integer(self.isCharged ? 1 : 0), .text(self.rates), .text(self.metadata),
            integer(usage.cacheWriteLong), integer(usage.characters), integer(usage.soundMilliseconds),
            integer(usage.searches), .null,
        ]
    }

    /// Reads a row with `columns`, in their order, with or without the hash at the end.
    init(_ row: SQLRow) throws(DatabaseError) {
        var cells = LedgerCells(row.values)
        self.seq = try cells.integer()
        self.kind = try cells.text()
        self.attempt = try cells.optionalInteger().map { AttemptID($0) }
        self.corrects = try cells.optionalInteger().map { AttemptID($0) }
        self.requestID = try cells.text()
        self.firstAttempt = try cells.optionalInteger().map { AttemptID($0) }
        self.number = try cells.integer()
        self.startedAt = UnixTime(milliseconds: try cells.integer())
        self.endedAt = UnixTime(milliseconds: try cells.integer())
        self.consumer = Consumer(
            group: try cells.text(),
            user: try cells.text(),
            key: try cells.text(),
            agent: try cells.text(),
            model: try cells.text()
        )
        self.operation = try cells.text()
        self.provider = try cells.text()
        self.upstreamModel = try cells.text()
        self.credentialID = try cells.text()
        self.variant = try cells.text()
        self.isStream = try cells.integer() != 0
        self.inputEstimate = try cells.integer()
        self.outputMax = try cells.optionalInteger()
        self.reserved = MicroDollars(try cells.integer())
        self.outcome = try cells.text()
        self.source = try cells.text()
        self.upstreamStatus = try cells.integer()
        self.code = try cells.text()
        self.firstContentMilliseconds = try cells.optionalInteger()
        self.usage = TokenUsage(
            input: try cells.optionalCount(),
            output: try cells.optionalCount(),
            cachedInput: try cells.optionalCount(),
            cacheWrite: try cells.optionalCount(),
            reasoning: try cells.optionalCount(),
            audioInput: try cells.optionalCount(),
            audioOutput: try cells.optionalCount(),
            images: try cells.optionalCount(),
            cost: try cells.optionalInteger().map { MicroDollars($0) }
        )
        self.cost = MicroDollars(try cells.integer())
        self.charged = MicroDollars(try cells.integer())
        self.isCharged = try cells.integer() != 0
        self.rates = try cells.text()
        self.metadata = try cells.text()
        self.usage.cacheWriteLong = try cells.optionalCount()
        self.usage.characters = try cells.optionalCount()
        self.usage.soundMilliseconds = try cells.optionalCount()
        self.usage.searches = try cells.optionalCount()
    }
}

/// The values of a row, one after the other: by place, since a large table has no time for names.
struct LedgerCells {
    private let values: [SQLValue]
    private var next = 0

    init(_ values: [SQLValue]) { self.values = values }

    private mutating func take() -> SQLValue {
        defer { self.next += 1 }
        return self.next < self.values.count ? self.values[self.next] : .null
    }

    mutating func integer() throws(DatabaseError) -> Int64 {
        guard case .integer(let value) = self.take() else { throw self.mistake("integer") }
        return value
    }

    mutating func optionalInteger() throws(DatabaseError) -> Int64? {
        switch self.take() {
        case .null: nil
        case .integer(let value): value
        default: throw self.mistake("integer")
        }
    }

    mutating func optionalCount() throws(DatabaseError) -> Int? { try self.optionalInteger().map { Int($0) } }

    mutating func text() throws(DatabaseError) -> String {
        guard case .text(let text) = self.take() else { throw self.mistake("text") }
        return text
    }

    private func mistake(_ expected: String) -> DatabaseError { .badColumn("\(self.next)", expected: expected) }
}
