package import Chat
package import Core
package import Database

/// What is to be put right about an attempt that is in the ledger already: differences, which may be below zero.
package struct LedgerCorrection: Sendable, Equatable {
    package var attempt: AttemptID
    package var usage: TokenUsage
    package var cost: MicroDollars
    package var charged: MicroDollars
    /// In a word or a few, such as `invoice 2026-11`; kept in the row.
    package var reason: String

    package init(
        of attempt: AttemptID,
        usage: TokenUsage = TokenUsage(),
        cost: MicroDollars,
        charged: MicroDollars,
        reason: String
    ) {
        self.attempt = attempt
        self.usage = usage
        self.cost = cost
        self.charged = charged
        self.reason = reason
    }
}

extension LedgerStore {
    /// Adds a correction as a row of its own: nothing that was recorded is ever changed (row 82).
    ///
    /// It counts where the attempt counted, in the hour in which that began; it is no attempt and no call itself.
    /// Repeating it corrects once more.
    ///
    /// - Returns: False if the ledger has no such attempt; then nothing was added.
    package func correct(
        _ correction: LedgerCorrection,
        now: UnixTime,
        in session: any SQLSession
    ) throws(DatabaseError) -> Bool {
        let found = try session.first(
            "SELECT \(LedgerRow.columns) FROM ledger WHERE attempt_id = \(correction.attempt.value)"
        )
        guard let found else { return false }
        let original = try LedgerRow(found)
        try self.append(count: 1, in: session) { _, seq, _ in
            var row = original
            row.seq = seq
            row.kind = LedgerRow.Kind.correction.rawValue
            row.attempt = nil
            row.corrects = correction.attempt
            row.endedAt = now
            row.reserved = .zero
            row.code = LedgerRow.text(correction.reason)
            row.usage = correction.usage
            row.cost = correction.cost.bounded
            row.charged = correction.charged.bounded
            return row
        }
        return true
    }
}
