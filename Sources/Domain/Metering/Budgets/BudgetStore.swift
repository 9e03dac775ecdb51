package import Core
package import Database

/// The budgets that administrators made, in a transaction of the caller.
///
/// Every change counts up the store's revision, so that every gateway on the store applies it.
package struct BudgetStore: Sendable {
    /// The most that one group, or the gateway as a whole, may have: each call looks at those about it.
    package static let countMax = 200

    package init() {}

    /// What a list shows; nil for all.
    package struct Filter: Sendable, Equatable {
        /// Only budgets that a group sees: its own, and those that count each group by itself.
        package var visibleTo: GroupID?
        /// Only budgets that belong to this group.
        package var group: GroupID?
        package var unit: BudgetUnit?
        package var window: BudgetWindow?
        package var mode: BudgetRule.Mode?

        package init(
            visibleTo: GroupID? = nil,
            group: GroupID? = nil,
            unit: BudgetUnit? = nil,
            window: BudgetWindow? = nil,
            mode: BudgetRule.Mode? = nil
        ) {
            self.visibleTo = visibleTo
            self.group = group
            self.unit = unit
            self.window = window
            self.mode = mode
        }

        /// Whether a budget is to be shown.
        package func includes(_ rule: BudgetRule, of group: GroupID?) -> Bool {
            if let visibleTo, group != visibleTo, group != nil || rule.scope[.group] != .each { return false }
            return (self.group == nil || self.group == group) && (self.unit == nil || self.unit == rule.unit)
                && (self.window == nil || self.window == rule.window) && (self.mode == nil || self.mode == rule.mode)
        }

        fileprivate var condition: SQL {
            var sql: SQL = "1 = 1"
            if let group = self.visibleTo { sql += " AND (group_id = \(group) OR scope_group = '*')" }
            if let group = self.group { sql += " AND group_id = \(group)" }
            if let unit = self.unit { sql += " AND unit = \(unit.rawValue)" }
            if let window = self.window { sql += " AND renews = \(window.rawValue)" }
            if let mode = self.mode { sql += " AND mode = \(mode.rawValue)" }
            return sql
        }
    }

    /// Adds a budget.
    ///
    /// - Throws: `BudgetError.duplicateName`, `.groupNotFound`, `.tooMany`.
    package func insert(_ budget: Budget, in session: any SQLSession) throws(BudgetError) {
        let others = try Self.stored { () throws(DatabaseError) in
            try session.first("SELECT COUNT(*) AS count FROM budgets WHERE \(Self.owned(by: budget.group))")?
                .integer("count") ?? 0
        }
        guard others < Self.countMax else { throw .tooMany(limit: Self.countMax) }
        let rule = budget.rule
        try Self.stored(naming: rule.name) { () throws(DatabaseError) in
            try session.execute(
                """
                INSERT INTO budgets (
                    id, name, group_id, scope_group, scope_user, scope_key, scope_agent, scope_model, unit, amount,
                    renews, mode, alerts, managed_by, created_by, created_at, updated_at
                ) VALUES (
                    \(budget.id), \(rule.name), \(budget.group), \(budget.column(.group)), \(budget.column(.user)),
                    \(budget.column(.key)), \(budget.column(.agent)), \(budget.column(.model)),
                    \(rule.unit.rawValue), \(rule.limit), \(rule.window.rawValue), \(rule.mode.rawValue),
                    \(budget.alertsText), \(budget.manager.rawValue), \(budget.createdBy), \(budget.createdAt),
                    \(budget.updatedAt)
                )
                """
            )
            try session.bumpRevision()
        }
    }

    /// Gives a budget.
    ///
    /// - Throws: `BudgetError.notFound`.
    package func get(_ id: String, in session: any SQLSession) throws(BudgetError) -> Budget {
        let budget = try Self.stored { () throws(DatabaseError) -> Budget? in
            guard let row = try session.first(Budget.select + " WHERE id = \(id)") else { return nil }
            return try Budget(row)
        }
        guard let budget else { throw .notFound }
        return budget
    }

    /// Lists budgets, the oldest first.
    package func list(
        _ page: PageRequest = .first,
        filter: Filter = Filter(),
        in session: any SQLSession
    ) throws(BudgetError) -> Page<Budget> {
        let rows = try Self.stored { () throws(DatabaseError) in
            try session.map(Budget.select + page.clause(where: filter.condition)) { row throws(DatabaseError) in
                try Budget(row)
            }
        }
        return Page(rows, for: page) { PageRequest.Position(createdAt: $0.createdAt, id: $0.id) }
    }

    /// All budgets, for the meter: the oldest first.
    package func all(in session: any SQLSession) throws(BudgetError) -> [BudgetRule] {
        try Self.stored { () throws(DatabaseError) in
            try session.map(Budget.select + " ORDER BY created_at, id") { row throws(DatabaseError) in
                try BudgetRule(row)
            }
        }
    }

    /// A name that is free: `name`, or with a number behind it.
    package func freeName(_ name: String, of group: GroupID?, in session: any SQLSession) throws(BudgetError) -> String
    {
        let taken = try Self.stored { () throws(DatabaseError) in
            try session.map("SELECT name FROM budgets WHERE \(Self.owned(by: group))") { row throws(DatabaseError) in
                try row.text("name")
            }
        }
        guard taken.contains(name) else { return name }
        let numbered = (2...(Self.countMax + 2)).lazy.map { "\(name)-\($0)" }.first { !taken.contains($0) }
        return numbered ?? name
    }

    /// Changes what is given and leaves the rest.
    ///
    /// - Throws: `BudgetError.notFound`, `.invalid`, `.duplicateName`.
    @discardableResult
    package func update(
        _ id: String,
        _ changes: Budget.Changes,
        now: UnixTime,
        in session: any SQLSession
    ) throws(BudgetError) -> Budget {
        var budget = try self.get(id, in: session)
        try budget.apply(changes, now: now)
        let (rule, alerts) = (budget.rule, budget.alertsText)
        try Self.stored(naming: rule.name) { () throws(DatabaseError) in
            try session.execute(
                """
                UPDATE budgets SET
                    name = \(rule.name), amount = \(rule.limit), renews = \(rule.window.rawValue),
                    mode = \(rule.mode.rawValue), alerts = \(alerts), updated_at = \(now)
                WHERE id = \(id)
                """
            )
            try session.bumpRevision()
        }
        return budget
    }

    /// Deletes a budget.
    ///
    /// What was counted stays in the ledger: one like it that is made later counts it again.
    ///
    /// - Throws: `BudgetError.notFound`.
    package func delete(_ id: String, in session: any SQLSession) throws(BudgetError) {
        let count = try Self.stored { () throws(DatabaseError) in
            let count = try session.execute("DELETE FROM budgets WHERE id = \(id)")
            if count > 0 { try session.bumpRevision() }
            return count
        }
        guard count > 0 else { throw .notFound }
    }

    /// How budgets stand by the ledger alone, for where no gateway counts them.
    ///
    /// What calls have set aside is not in it, nor what the ledger has yet to take over from the journal.
    package func standings(
        of rules: [BudgetRule],
        at now: UnixTime,
        in session: any SQLSession
    ) throws(BudgetError) -> [BudgetBook.Standing] {
        guard !rules.isEmpty else { return [] }
        var book = BudgetBook()
        let lines = book.use(rules, now: now)
        try Self.stored { () throws(DatabaseError) in
            try LedgerStore().budgetSums(from: BudgetBook.start(of: lines, now: now), in: session) { sum in
                book.load(sum, into: lines)
            }
        }
        return book.standings(at: now)
    }

    private static func owned(by group: GroupID?) -> SQL {
        if let group { "group_id = \(group)" } else { "group_id IS NULL" }
    }

    private static func stored<Result>(
        naming name: String = "",
        _ body: () throws(DatabaseError) -> Result
    ) throws(BudgetError) -> Result {
        do { return try body() } catch { throw BudgetError(error, naming: name) }
    }
}
