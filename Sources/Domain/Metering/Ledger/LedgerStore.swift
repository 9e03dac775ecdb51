package import Core
package import Database

/// How far the journal of one epoch is in the ledger: everything before this place is.
package struct JournalCursor: Sendable, Equatable {
    package var epoch: Int64
    package var segment: UInt32
    /// Bytes from the beginning of the segment.
    package var offset: UInt32

    package init(epoch: Int64, segment: UInt32, offset: UInt32) {
        self.epoch = epoch
        self.segment = segment
        self.offset = offset
    }
}

/// The end of the ledger: how many rows there are, and the hash that holds them all.
package struct LedgerHead: Sendable, Equatable {
    /// The number of the last row.
    package let seq: Int64
    /// BLAKE2b-256.
    package let hash: [UInt8]

    package init(seq: Int64, hash: [UInt8]) {
        self.seq = seq
        self.hash = hash
    }
}

/// One sum that budgets and quotas start from.
package struct BudgetSum: Sendable, Equatable {
    /// When the hour began, UTC.
    package var hour: UnixTime
    package var consumer: Consumer
    package var charged: MicroDollars
    /// Calls that count.
    package var requests: Int64
    /// Tokens of those, read and written.
    package var tokens: Int64
}

/// The ledger in SQL: what every attempt used and cost, one row each, added and never changed.
///
/// Each row carries the hash of the one before (row 82). Beside the rows stand their sums by the hour, written in the
/// same transaction, so that reports and budgets need not read the rows.
package struct LedgerStore: Sendable {
    /// The most attempts to add in one transaction; keeps both the transaction and its memory small.
    package static let batchMax = 1000
    /// Ids in one look at what is there; always as many, so that the statement is one.
    private static let lookupSize = 100

    package init() {}

    // MARK: - Epochs

    /// Begins the life of one process and gives it its number, which no other has had.
    ///
    /// - Parameters:
    ///   - instance: Which process, for people.
    ///   - after: A number that was given out already, as a journal on the disk shows it: a store that was restored
    ///     from a backup does not know of it.
    package func newEpoch(
        instance: String,
        after known: Int64 = 0,
        now: UnixTime,
        in session: any SQLSession
    ) throws(DatabaseError) -> Int64 {
        let last = try session.first("SELECT epoch FROM meter_epochs ORDER BY epoch DESC LIMIT 1")?.integer("epoch")
        let (epoch, isOver) = max(last ?? 0, known, 0).addingReportingOverflow(1)
        guard !isOver, epoch < 1 << 27 else { throw .failed(code: 0, message: "there are no more epochs") }
        try session.execute(
            """
            INSERT INTO meter_epochs (epoch, instance, started_at, closed_at)
            VALUES (\(epoch), \(instance), \(now), NULL)
            """
        )
        return epoch
    }

    /// Notes that everything of an epoch is in the ledger, and that nothing more will come.
    package func closeEpoch(_ epoch: Int64, now: UnixTime, in session: any SQLSession) throws(DatabaseError) {
        try session.execute("UPDATE meter_epochs SET closed_at = \(now) WHERE epoch = \(epoch)")
    }

    /// The epochs that are not closed, the oldest first.
    package func openEpochs(in session: any SQLSession) throws(DatabaseError) -> [Int64] {
        try session.map("SELECT epoch FROM meter_epochs WHERE closed_at IS NULL ORDER BY epoch") {
            row throws(DatabaseError) in
            try row.integer("epoch")
        }
    }

    /// How far an epoch's journal is in the ledger; nil if nothing of it is.
    package func cursor(of epoch: Int64, in session: any SQLSession) throws(DatabaseError) -> JournalCursor? {
        guard
            let row = try session.first("SELECT segment, byte_offset FROM journal_cursors WHERE epoch = \(epoch)")
        else { return nil }
        let (segment, offset) = (try row.integer("segment"), try row.integer("byte_offset"))
        return JournalCursor(
            epoch: epoch,
            segment: UInt32(clamping: segment),
            offset: UInt32(clamping: offset)
        )
    }

    private func move(_ cursor: JournalCursor, in session: any SQLSession) throws(DatabaseError) {
        try session.execute(
            """
            INSERT INTO journal_cursors (epoch, segment, byte_offset)
            VALUES (\(cursor.epoch), \(Int64(cursor.segment)), \(Int64(cursor.offset)))
            ON CONFLICT (epoch) DO UPDATE SET segment = excluded.segment, byte_offset = excluded.byte_offset
            """
        )
    }

    // MARK: - Rows

    /// Adds attempts at the end of the ledger, adds them to the sums, and moves the journal's cursor.
    ///
    /// All of it in the transaction of the caller, so that a crash leaves all or nothing. Safe to repeat: an attempt
    /// that is there already is neither added nor summed again. Figures beyond reason are held at `LedgerRow.countMax`
    /// and `LedgerRow.amountMax`.
    ///
    /// - Parameters:
    ///   - attempts: In the order in which they ended; best not more than `batchMax`.
    ///   - cursor: Where in the journal the last of them ended.
    /// - Returns: How many were added.
    @discardableResult
    package func append(
        _ attempts: [Attempt],
        cursor: JournalCursor? = nil,
        in session: any SQLSession
    ) throws(DatabaseError) -> Int {
        let new = try self.missing(of: attempts, in: session)
        try self.append(count: new.count, in: session) { index, seq, texts in
            LedgerRow(new[index], seq: seq, rates: texts.text(of: new[index].intent.rates))
        }
        if let cursor { try self.move(cursor, in: session) }
        return new.count
    }

    /// Writes rows behind the head, with their hashes, sums and the new head.
    func append(
        count: Int,
        in session: any SQLSession,
        _ make: (Int, Int64, inout RatesTexts) -> LedgerRow
    ) throws(DatabaseError) {
        guard count > 0 else { return }
        try LedgerChain.start()
        var (seq, hash) = try self.end(in: session)
        var sums = UsageBatch()
        var texts = RatesTexts()
        var rows: [[SQLValue]] = []
        rows.reserveCapacity(count)
        for index in 0..<count {
            seq += 1
            let row = make(index, seq, &texts)
            var values = row.values
            hash = LedgerChain.hash(LedgerRow.hashed(values), after: hash)
            values[LedgerRow.columnCount - 1] = .blob(hash)
            rows.append(values)
            sums.add(row)
        }
        try session.execute(
            "INSERT INTO ledger (\(LedgerRow.columns)) VALUES (\(places: LedgerRow.columnCount))",
            rows: rows
        )
        try sums.write(in: session)
        try session.execute(
            """
            INSERT INTO ledger_head (id, seq, hash) VALUES (1, \(seq), \(hash))
            ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
            """
        )
    }

    /// Where the next row goes.
    ///
    /// Behind the head, even if rows before it are gone: so a gap stays, and shows. Behind the last row if there is no
    /// head, or one that is older, and then without the hash of that row, which shows too.
    private func end(in session: any SQLSession) throws(DatabaseError) -> (seq: Int64, hash: [UInt8]) {
        let last = try session.first("SELECT seq FROM ledger ORDER BY seq DESC LIMIT 1")?.integer("seq") ?? 0
        guard let head = try self.head(in: session), head.seq >= last else { return (last, LedgerChain.noHash) }
        return (head.seq, head.hash)
    }

    /// The end of the ledger; nil for an empty one.
    package func head(in session: any SQLSession) throws(DatabaseError) -> LedgerHead? {
        guard let row = try session.first("SELECT seq, hash FROM ledger_head WHERE id = 1") else { return nil }
        return LedgerHead(seq: try row.integer("seq"), hash: try row.blob("hash"))
    }

    /// The highest attempt that the ledger has; nil if it has none.
    func newestAttempt(in session: any SQLSession) throws(DatabaseError) -> AttemptID? {
        try session.first(
            "SELECT attempt_id FROM ledger WHERE attempt_id IS NOT NULL ORDER BY attempt_id DESC LIMIT 1"
        ).map { row throws(DatabaseError) in AttemptID(try row.integer("attempt_id")) }
    }

    /// Those of `attempts` that the ledger does not have, each once.
    func missing(of attempts: [Attempt], in session: any SQLSession) throws(DatabaseError) -> [Attempt] {
        let newest = try self.newestAttempt(in: session)?.value
        var known: Set<Int64> = []
        if let newest {
            // Most are newer than all that is there; the rest ended after others that began later.
            var ids = attempts.lazy.map(\.id.value).filter { $0 <= newest }[...]
            while let last = ids.popLast() {
                var some = [Int64](repeating: last, count: Self.lookupSize)
                for place in 1..<Self.lookupSize { some[place] = ids.popLast() ?? last }
                try session.forEachRow("SELECT attempt_id FROM ledger WHERE attempt_id IN (\(list: some))") {
                    row throws(DatabaseError) in
                    known.insert(try row.integer("attempt_id"))
                }
            }
        }
        return attempts.filter { known.insert($0.id.value).inserted }
    }

    // MARK: - Sums

    /// What was charged since an hour, by hour and consumer, for budgets and quotas to start from.
    ///
    /// - Parameters:
    ///   - from: The beginning of an hour; sums of the hours from there on.
    ///   - each: Called for each sum, as it is read.
    package func budgetSums(
        from start: UnixTime,
        in session: any SQLSession,
        _ each: (BudgetSum) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        try session.forEachRow(
            """
            SELECT hour, group_id, user_id, key_id, agent_id, model, CAST(SUM(charged) AS \(.integer)) AS charged,
                CAST(SUM(charged_calls) AS \(.integer)) AS requests,
                CAST(SUM(charged_tokens) AS \(.integer)) AS tokens
            FROM usage_hours WHERE hour >= \(start)
            GROUP BY hour, group_id, user_id, key_id, agent_id, model
            """
        ) { row throws(DatabaseError) in
            var cells = LedgerCells(row.values)
            try each(
                BudgetSum(
                    hour: UnixTime(milliseconds: try cells.integer()),
                    consumer: Consumer(
                        group: try cells.text(),
                        user: try cells.text(),
                        key: try cells.text(),
                        agent: try cells.text(),
                        model: try cells.text()
                    ),
                    charged: MicroDollars(try cells.integer()),
                    requests: try cells.integer(),
                    tokens: try cells.integer()
                )
            )
        }
    }
}

/// The texts of rates that were seen last: most calls of a batch have one of a few.
struct RatesTexts {
    private var known: [(rates: Rates, text: String)] = []

    mutating func text(of rates: Rates) -> String {
        if let found = self.known.first(where: { $0.rates == rates }) { return found.text }
        let text = rates.text
        if self.known.count >= 16 { self.known.removeFirst() }
        self.known.append((rates, text))
        return text
    }
}
