internal import Chat
internal import Core

/// What was spent before a budget was counted here: the ledger's sums, and what the journal holds beyond them.
extension BudgetBook {
    /// The time from which sums are needed.
    static func start(of lines: [BudgetLine], now: UnixTime) -> UnixTime {
        lines.map { $0.window.start(at: now) }.min() ?? now
    }

    /// Adds the sum of an hour to the lines that are about its consumer.
    mutating func load(_ sum: BudgetSum, into lines: [BudgetLine]) {
        let used = Need(money: sum.charged, requests: sum.requests, tokens: sum.tokens)
        self.load(used, of: sum.consumer, at: sum.hour, into: lines)
    }

    /// Adds an attempt that is in the journal and not in the ledger.
    mutating func load(_ attempt: Attempt, into lines: [BudgetLine]) {
        self.load(Need(attempt.end), of: attempt.intent.consumer, at: attempt.intent.startedAt, into: lines)
    }
}
