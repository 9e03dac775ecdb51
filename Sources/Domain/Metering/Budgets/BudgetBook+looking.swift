package import Core

extension BudgetBook {
    /// How one budget stands for one subject.
    package struct Standing: Sendable, Equatable {
        package var rule: BudgetRule
        package var subject: Scope.Subject
        package var spent: Int64
        package var reserved: Int64
        package var windowStart: UnixTime
        package var renewsAt: UnixTime?
    }

    /// How each budget stands in the window of now, for each subject that anything is counted for, and for the one
    /// subject of those that have only one.
    package func standings(at time: UnixTime) -> [Standing] {
        self.rules.flatMap { rule -> [Standing] in
            guard let row = self.rows.first(where: { $0.line == rule.line }) else { return [] }
            let start = max(rule.window.start(at: time), row.oldest)
            var counters = row.counters.filter { $0.place.windowStart == start }
            if counters.isEmpty, let subject = rule.scope.onlySubject {
                counters = [Counter(place: Place(subject: subject, windowStart: start))]
            }
            return counters.map { counter in
                Standing(
                    rule: rule,
                    subject: counter.place.subject,
                    spent: counter.spent,
                    reserved: counter.reserved,
                    windowStart: start,
                    renewsAt: rule.window.end(from: start)
                )
            }
        }
    }

    /// What is set aside in all budgets together; 0 when no call is under way (I2).
    package var reservedTotal: Int64 {
        self.rows.reduce(0) { sum, row in row.counters.reduce(sum) { Self.sum($0, $1.reserved) } }
    }
}
