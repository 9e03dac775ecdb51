internal import Chat
package import Core
internal import Database

/// What reports group by, for one hour: what is not here cannot be asked of sums.
package struct UsageHourKey: Sendable, Hashable {
    /// When the hour began, UTC.
    package var hour: UnixTime
    package var consumer: Consumer
    package var operation: String
    package var provider: String
    package var upstreamModel: String
    package var credentialID: String
    package var variant: String

    /// Milliseconds of an hour.
    package static let length: Int64 = 3_600_000

    /// The beginning of the hour that a moment is in.
    package static func start(of time: UnixTime) -> UnixTime {
        let rest = time.milliseconds % Self.length
        return UnixTime(milliseconds: time.milliseconds &- (rest < 0 ? rest + Self.length : rest))
    }

    init(_ row: LedgerRow) {
        self.hour = Self.start(of: row.startedAt)
        self.consumer = row.consumer
        self.operation = row.operation
        self.provider = row.provider
        self.upstreamModel = row.upstreamModel
        self.credentialID = row.credentialID
        self.variant = row.variant
    }

    /// Of what tells most keys apart; every row is looked up by it.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.hour)
        hasher.combine(self.consumer.key)
        hasher.combine(self.upstreamModel)
    }

    var values: [SQLValue] {
        [
            .integer(self.hour.milliseconds), .text(self.consumer.group), .text(self.consumer.user),
            .text(self.consumer.key), .text(self.consumer.agent), .text(self.consumer.model), .text(self.operation),
            .text(self.provider), .text(self.upstreamModel), .text(self.credentialID), .text(self.variant),
        ]
    }
}

/// Sums over ledger rows.
///
/// Whole numbers; a sum that would not fit stays at the largest number.
package struct UsageSums: Sendable, Equatable {
    /// What is summed, in the order of the columns of `usage_hours`.
    package enum Figure: Int, Sendable, CaseIterable {
        /// Attempts at providers.
        case attempts
        /// Calls of clients: those attempts that were the first of theirs.
        case calls
        /// Attempts whose answer was whole.
        case ok
        /// Attempts that a provider, the way to it, or this gateway's own end broke off or refused.
        ///
        /// Neither here nor in `ok`: those that the client left, and those that a budget cut.
        case failed
        /// Calls that count in quotas.
        case chargedCalls
        /// Tokens, read and written, of those calls.
        case chargedTokens
        case inputTokens
        case outputTokens
        case cachedInputTokens
        case cacheWriteTokens
        case reasoningTokens
        case audioInputTokens
        case audioOutputTokens
        case images
        case cacheWriteLongTokens
        case characters
        case soundMilliseconds
        case searches
        /// Millionths of a dollar that the providers take.
        case cost
        /// Millionths of a dollar that count against budgets.
        case charged
        /// Attempts whose figures are the provider's.
        case fromProvider
        /// Attempts whose figures are partly the provider's.
        case partly
        /// Attempts whose figures were estimated here.
        case estimated
        /// Attempts that used nothing.
        case none
    }

    private var values = [Int64](repeating: 0, count: Figure.allCases.count)

    package init() {}

    package subscript(figure: Figure) -> Int64 {
        get { self.values[figure.rawValue] }
        set { self.values[figure.rawValue] = newValue }
    }

    /// All sums in the order of `Figure`.
    package var all: [Int64] { self.values }

    package static func += (left: inout Self, right: Self) {
        for index in left.values.indices { left.values[index].add(right.values[index]) }
    }

    /// Adds one row.
    package mutating func add(_ row: LedgerRow) {
        let isAttempt = row.kind == LedgerRow.Kind.attempt.rawValue
        if isAttempt { self.count(row) }
        let usage = row.usage
        self.add(usage.input, to: .inputTokens)
        self.add(usage.output, to: .outputTokens)
        self.add(usage.cachedInput, to: .cachedInputTokens)
        self.add(usage.cacheWrite, to: .cacheWriteTokens)
        self.add(usage.reasoning, to: .reasoningTokens)
        self.add(usage.audioInput, to: .audioInputTokens)
        self.add(usage.audioOutput, to: .audioOutputTokens)
        self.add(usage.images, to: .images)
        self.add(usage.cacheWriteLong, to: .cacheWriteLongTokens)
        self.add(usage.characters, to: .characters)
        self.add(usage.soundMilliseconds, to: .soundMilliseconds)
        self.add(usage.searches, to: .searches)
        self.values[Figure.cost.rawValue].add(row.cost.value)
        self.values[Figure.charged.rawValue].add(row.charged.value)
        if row.isCharged { self.values[Figure.chargedTokens.rawValue].add(usage.total) }
    }

    private mutating func count(_ row: LedgerRow) {
        self[.attempts] += 1
        if row.number == 1 { self[.calls] += 1 }
        if row.isCharged { self[.chargedCalls] += 1 }
        switch AttemptOutcome(name: row.outcome) {
        case .ok: self[.ok] += 1
        case .failed, .refused, .partialUpstream, .interrupted: self[.failed] += 1
        case .partialClientGone, .cut, nil: break
        }
        switch UsageSource(name: row.source) {
        case .provider: self[.fromProvider] += 1
        case .providerPartial: self[.partly] += 1
        case .estimated: self[.estimated] += 1
        case .none?, nil: self[.none] += 1
        }
    }

    private mutating func add(_ count: Int?, to figure: Figure) {
        if let count { self.values[figure.rawValue].add(Int64(count)) }
    }
}

extension Int64 {
    /// Adds without wrapping around: what would not fit stays at the end of the range.
    fileprivate mutating func add(_ other: Int64) {
        let (sum, isOver) = self.addingReportingOverflow(other)
        self = isOver ? (other < 0 ? .min : .max) : sum
    }
}

/// The hours that a batch of rows touches, summed in memory so that each is written once.
struct UsageBatch {
    struct Hour {
        var sums = UsageSums()
        var firstSeq: Int64
        var lastSeq: Int64
    }

    private(set) var hours: [UsageHourKey: Hour] = [:]

    mutating func add(_ row: LedgerRow) {
        self.hours[UsageHourKey(row), default: Hour(firstSeq: row.seq, lastSeq: row.seq)].add(row)
    }

    /// Adds the sums to those in the store.
    func write(in session: any SQLSession) throws(DatabaseError) {
        guard !self.hours.isEmpty else { return }
        let rows = self.hours.map { key, hour in
            key.values + hour.sums.all.map { .integer($0) } + [.integer(hour.firstSeq), .integer(hour.lastSeq)]
        }
        try session.execute(Self.statement, rows: rows)
    }

    private static let statement: SQL = """
        INSERT INTO usage_hours (hour, group_id, user_id, key_id, agent_id, model, operation, provider,
            upstream_model, credential_id, variant, attempts, calls, ok, failed, charged_calls, charged_tokens,
            input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens,
            audio_input_tokens, audio_output_tokens, images, cache_write_long_tokens, characters, sound_ms, searches,
            cost, charged, source_provider, source_partial, source_estimated, source_none, min_seq, max_seq)
        VALUES (\(places: 37))
        ON CONFLICT (hour, group_id, user_id, key_id, agent_id, model, operation, provider, upstream_model,
            credential_id, variant)
        DO UPDATE SET
            attempts = usage_hours.attempts + excluded.attempts,
            calls = usage_hours.calls + excluded.calls,
            ok = usage_hours.ok + excluded.ok,
            failed = usage_hours.failed + excluded.failed,
            charged_calls = usage_hours.charged_calls + excluded.charged_calls,
            charged_tokens = usage_hours.charged_tokens + excluded.charged_tokens,
            input_tokens = usage_hours.input_tokens + excluded.input_tokens,
            output_tokens = usage_hours.output_tokens + excluded.output_tokens,
            cached_input_tokens = usage_hours.cached_input_tokens + excluded.cached_input_tokens,
            cache_write_tokens = usage_hours.cache_write_tokens + excluded.cache_write_tokens,
            reasoning_tokens = usage_hours.reasoning_tokens + excluded.reasoning_tokens,
            audio_input_tokens = usage_hours.audio_input_tokens + excluded.audio_input_tokens,
            audio_output_tokens = usage_hours.audio_output_tokens + excluded.audio_output_tokens,
            images = usage_hours.images + excluded.images,
            cache_write_long_tokens = usage_hours.cache_write_long_tokens + excluded.cache_write_long_tokens,
            characters = usage_hours.characters + excluded.characters,
            sound_ms = usage_hours.sound_ms + excluded.sound_ms,
            searches = usage_hours.searches + excluded.searches,
            cost = usage_hours.cost + excluded.cost,
            charged = usage_hours.charged + excluded.charged,
            source_provider = usage_hours.source_provider + excluded.source_provider,
            source_partial = usage_hours.source_partial + excluded.source_partial,
            source_estimated = usage_hours.source_estimated + excluded.source_estimated,
            source_none = usage_hours.source_none + excluded.source_none,
            max_seq = excluded.max_seq
        """
}

extension UsageBatch.Hour {
    mutating func add(_ row: LedgerRow) {
        self.sums.add(row)
        self.lastSeq = row.seq
    }
}
