internal import Chat
internal import Core
package import Database

extension LedgerStore {
    /// Checks every row, the chain, each cost, and that sums and rows agree (rows 72 and 82, invariants I1, I3 and I7).
    ///
    /// Reads the whole ledger on one snapshot, a row at a time; what it remembers grows with the hours there are, not
    /// with the rows. Finds every change by somebody who does not make the whole chain behind it anew; against that,
    /// note `head` elsewhere and give it back as `known`.
    ///
    /// - Parameters:
    ///   - known: An end that was noted earlier; the ledger must still contain it.
    ///   - progress: Called now and then with the rows read and the rows there are.
    package func verify(
        against known: LedgerHead? = nil,
        in session: any SQLSession,
        progress: (Int64, Int64) -> Void = { _, _ in }
    ) throws(DatabaseError) -> LedgerVerdict {
        var check = try LedgerCheck(known: known)
        check.verdict.head = try self.head(in: session)
        let total = check.verdict.head?.seq ?? 0
        try session.forEachRow("SELECT \(LedgerRow.columns) FROM ledger ORDER BY seq") { row throws(DatabaseError) in
            check.read(row)
            if check.verdict.rows % 10_000 == 0 { progress(check.verdict.rows, max(total, check.verdict.rows)) }
        }
        check.end()
        try self.findDoubles(in: session, &check.verdict)
        try self.compareSums(in: session, &check)
        progress(check.verdict.rows, check.verdict.rows)
        return check.verdict
    }

    /// The store itself refuses a second row of an attempt; this is for a store whose index was taken away.
    private func findDoubles(in session: any SQLSession, _ verdict: inout LedgerVerdict) throws(DatabaseError) {
        let doubles = try session.map(
            """
            SELECT attempt_id, MAX(seq) AS seq FROM ledger WHERE attempt_id IS NOT NULL
            GROUP BY attempt_id HAVING COUNT(*) > 1 ORDER BY MAX(seq) LIMIT 50
            """
        ) { row throws(DatabaseError) in (try row.integer("seq"), AttemptID(try row.integer("attempt_id"))) }
        for (seq, attempt) in doubles { verdict.add(.attempt, seq, "attempt \(attempt.text) has a row already") }
    }

    // MARK: - Sums

    /// Holds the stored sums against those of the rows, hour by hour.
    private func compareSums(in session: any SQLSession, _ check: inout LedgerCheck) throws(DatabaseError) {
        var stored: [Int64: UInt64] = [:]
        try session.forEachRow(UsageSumsRow.all) { row throws(DatabaseError) in
            let row = try UsageSumsRow(row)
            stored[row.key.hour.milliseconds, default: 0] &+= check.fingerprint.of(row.key, row.sums)
        }
        let bad = Set(stored.keys).union(check.hours.keys).filter { stored[$0] != check.hours[$0] }.sorted()
        for hour in bad {
            // One hour is looked at closely, so that the fault has a name; more are named by their hour.
            if hour == bad.first {
                try self.explain(UnixTime(milliseconds: hour), in: session, &check.verdict)
            } else {
                check.verdict.add(.sums, nil, "the sums of \(Self.text(hour)) are not those of its rows")
            }
        }
    }

    /// Says which sum of an hour is wrong.
    private func explain(
        _ hour: UnixTime,
        in session: any SQLSession,
        _ verdict: inout LedgerVerdict
    ) throws(DatabaseError) {
        var wanted: [UsageHourKey: UsageSums] = [:]
        let end = UnixTime(milliseconds: hour.milliseconds &+ UsageHourKey.length)
        try session.forEachRow(
            "SELECT \(LedgerRow.columns) FROM ledger WHERE started_at >= \(hour) AND started_at < \(end)"
        ) { row throws(DatabaseError) in
            // A row that cannot be read has been named already.
            guard let row = try? LedgerRow(row) else { return }
            wanted[UsageHourKey(row), default: UsageSums()].add(row)
        }
        var problems: [String] = []
        try session.forEachRow(UsageSumsRow.of(hour)) { row throws(DatabaseError) in
            let row = try UsageSumsRow(row)
            let right = wanted.removeValue(forKey: row.key) ?? UsageSums()
            for figure in UsageSums.Figure.allCases where right[figure] != row.sums[figure] {
                problems.append("\(row.key.words): \(figure) is \(row.sums[figure]), its rows make \(right[figure])")
            }
        }
        problems += wanted.keys.map { "\($0.words): its rows are not in any sum" }.sorted()
        for problem in problems.prefix(10) { verdict.add(.sums, nil, "\(Self.text(hour.milliseconds)), \(problem)") }
        if problems.isEmpty {
            verdict.add(.sums, nil, "the sums of \(Self.text(hour.milliseconds)) are not those of its rows")
        }
    }

    private static func text(_ hour: Int64) -> String { "the hour of \(UnixTime(milliseconds: hour).rfc3339)" }
}

/// What is known while the rows go by.
private struct LedgerCheck {
    var verdict = LedgerVerdict()
    /// What the sums of each hour must amount to, in one number.
    private(set) var hours: [Int64: UInt64] = [:]
    let fingerprint = UsageFingerprint()
    private let known: LedgerHead?
    private var hasKnown: Bool
    private var lastHash = LedgerChain.noHash
    private var lastSeq: Int64 = 0
    private var rates: [String: Rates?] = [:]

    init(known: LedgerHead?) throws(DatabaseError) {
        self.known = known
        self.hasKnown = known == nil
        try LedgerChain.start()
    }

    mutating func read(_ row: SQLRow) {
        self.verdict.rows += 1
        let values = row.values
        guard case .integer(let seq)? = values.first, case .blob(let hash)? = values.last else {
            return self.verdict.add(.row, nil, "a row has no number or no hash")
        }
        if seq != self.lastSeq + 1 {
            self.verdict.add(.chain, self.lastSeq + 1, "it is missing; the next one is row \(seq)")
        } else if LedgerChain.hash(LedgerRow.hashed(values), after: self.lastHash) != hash {
            self.verdict.add(.chain, seq, "it was changed, or the one before it: its hash does not follow")
        }
        if let known = self.known, known.seq == seq { self.hasKnown = known.hash == hash }
        (self.lastSeq, self.lastHash) = (seq, hash)
        do throws(DatabaseError) {
            let row = try LedgerRow(row)
            self.verdict.cost += row.cost
            self.verdict.charged += row.charged
            if let reason = self.complaint(about: row) { self.verdict.add(.cost, seq, reason) }
            let key = UsageHourKey(row)
            var sums = UsageSums()
            sums.add(row)
            self.hours[key.hour.milliseconds, default: 0] &+= self.fingerprint.of(key, sums)
        } catch {
            self.verdict.add(.row, seq, "it cannot be read: \(error)")
        }
    }

    /// What is wrong with the money of a row, or with its words.
    private mutating func complaint(about row: LedgerRow) -> String? {
        guard row.kind == LedgerRow.Kind.attempt.rawValue else { return nil }
        guard AttemptOutcome(name: row.outcome) != nil else { return "there is no outcome '\(row.outcome)'" }
        guard let source = UsageSource(name: row.source) else { return "there is no usage source '\(row.source)'" }
        guard row.charged == row.cost || row.charged == .zero else {
            return "\(row.charged) were charged for a cost of \(row.cost)"
        }
        guard row.isCharged || row.charged == .zero else { return "\(row.charged) were charged, and it does not count" }
        let wanted: MicroDollars
        if source == .none {
            wanted = .zero
        } else {
            guard let rates = self.parsed(row.rates) else { return "its rates cannot be read" }
            // A count at its bound stands for a larger one that was not kept.
            guard !row.usage.isAtBound else { return nil }
            wanted = rates.cost(of: row.usage).bounded
        }
        return row.cost == wanted ? nil : "its cost is \(row.cost), its rates and tokens make \(wanted)"
    }

    private mutating func parsed(_ text: String) -> Rates? {
        if let found = self.rates[text] { return found }
        if self.rates.count >= 256 { self.rates.removeAll() }
        let rates = Rates(text: text)
        self.rates[text] = .some(rates)
        return rates
    }

    /// Holds the last row against the head.
    mutating func end() {
        if let head = self.verdict.head {
            if head.seq > self.lastSeq {
                self.verdict.add(.end, self.lastSeq + 1, "it is missing, cut off at the end; there were \(head.seq)")
            } else if head.seq < self.lastSeq {
                self.verdict.add(.end, head.seq + 1, "it is behind the noted end")
            } else if head.hash != self.lastHash {
                self.verdict.add(.end, head.seq, "it is not the noted end")
            }
        } else if self.lastSeq > 0 {
            self.verdict.add(.end, self.lastSeq, "the note of the ledger's end is missing")
        }
        guard let known = self.known, !self.hasKnown else { return }
        let isGone = known.seq > self.lastSeq
        self.verdict.add(
            .end,
            isGone ? self.lastSeq + 1 : known.seq,
            isGone ? "it is gone; row \(known.seq) was noted elsewhere" : "another one was noted elsewhere"
        )
    }
}

/// Sums many sums into one number that comes out the same in any order, and differently if any of them differs.
///
/// Each is multiplied with a number that its place and this run choose, so that no two errors make up for each other.
struct UsageFingerprint {
    private static let factors: [UInt64] = (1...UsageSums.Figure.allCases.count).map { place in
        var mixed = UInt64(place) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        return (mixed ^ mixed >> 27) | 1
    }

    func of(_ key: UsageHourKey, _ sums: UsageSums) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(key.hour)
        hasher.combine(key.consumer)
        for text in [key.operation, key.provider, key.upstreamModel, key.credentialID, key.variant] {
            hasher.combine(text)
        }
        let factor = UInt64(bitPattern: Int64(hasher.finalize())) | 1
        var sum: UInt64 = 0
        for (value, own) in zip(sums.all, Self.factors) { sum &+= UInt64(bitPattern: value) &* own }
        return sum &* factor
    }
}

/// A row of `usage_hours`.
struct UsageSumsRow {
    let key: UsageHourKey
    let sums: UsageSums

    private static let selection: SQL = """
        SELECT hour, group_id, user_id, key_id, agent_id, model, operation, provider, upstream_model, credential_id,
            variant, attempts, calls, ok, failed, charged_calls, charged_tokens, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens,
            images, cache_write_long_tokens, characters, sound_ms, searches, cost, charged, source_provider,
            source_partial, source_estimated, source_none
        FROM usage_hours\u{20}
        """

    static let all = Self.selection + "ORDER BY hour"

    static func of(_ hour: UnixTime) -> SQL { Self.selection + "WHERE hour = \(hour)" }

    init(_ row: SQLRow) throws(DatabaseError) {
        var cells = LedgerCells(row.values)
        self.key = try UsageHourKey(&cells)
        var sums = UsageSums()
        for figure in UsageSums.Figure.allCases { sums[figure] = try cells.integer() }
        self.sums = sums
    }
}

extension UsageHourKey {
    fileprivate init(_ cells: inout LedgerCells) throws(DatabaseError) {
        self.hour = UnixTime(milliseconds: try cells.integer())
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
    }

    /// Enough to find the sum again.
    fileprivate var words: String {
        let consumer = self.consumer
        let parts = [
            ("group", consumer.group), ("user", consumer.user), ("key", consumer.key), ("agent", consumer.agent),
            ("model", consumer.model), ("provider", self.provider), ("credential", self.credentialID),
            ("variant", self.variant),
        ]
        return parts.filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

extension TokenUsage {
    /// Whether a figure is as large as the ledger keeps any.
    fileprivate var isAtBound: Bool {
        let counts = [
            self.input, self.output, self.cachedInput, self.cacheWrite, self.reasoning, self.audioInput,
            self.audioOutput, self.images, self.cacheWriteLong, self.characters, self.soundMilliseconds, self.searches,
        ]
        return counts.contains(LedgerRow.countMax) || self.cost == LedgerRow.amountMax
    }
}
