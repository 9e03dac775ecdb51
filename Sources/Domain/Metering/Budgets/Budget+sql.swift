internal import Core
internal import Database
internal import NIOCore

/// How a budget stands in its row.
extension Budget {
    static let select: SQL = """
        SELECT id, name, group_id, scope_group, scope_user, scope_key, scope_agent, scope_model, unit, amount, renews,
            mode, alerts, managed_by, created_by, created_at, updated_at
        FROM budgets
        """

    init(_ row: SQLRow) throws(DatabaseError) {
        guard let manager = Manager(rawValue: try row.text("managed_by")) else {
            throw .badColumn("managed_by", expected: "who may change it")
        }
        self.init(
            stored: try BudgetRule(row),
            id: try row.text("id"),
            group: try row.optionalText("group_id").map { GroupID($0) },
            manager: manager,
            createdBy: try row.text("created_by"),
            createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at")
        )
    }

    /// What stands in the column of a dimension.
    func column(_ dimension: Scope.Dimension) -> String? {
        switch self.rule.scope[dimension] {
        case nil: nil
        case .each: "*"
        case .one(let value): value
        }
    }

    var alertsText: String { JSONValue.array(self.rule.alerts.map { .integer(Int64($0)) }).text }
}

extension BudgetRule {
    /// - Throws: `DatabaseError.badColumn` for what this build never writes.
    init(_ row: SQLRow) throws(DatabaseError) {
        guard let unit = BudgetUnit(rawValue: try row.text("unit")),
            let window = BudgetWindow(rawValue: try row.text("renews")),
            let mode = Mode(rawValue: try row.text("mode"))
        else { throw .badColumn("unit", expected: "a unit, with a window and a mode") }
        let limit = try row.integer("amount")
        guard limit >= 0 else { throw .badColumn("amount", expected: "0 or more") }
        let alerts = (try? JSONValue.parse(try row.text("alerts")))?.arrayValue?.map(\.intValue)
        guard let alerts, !alerts.contains(nil) else { throw .badColumn("alerts", expected: "a JSON list of numbers") }
        var scope = Scope()
        for dimension in Scope.Dimension.allCases {
            guard let text = try row.optionalText("scope_\(dimension.rawValue)") else { continue }
            scope[dimension] = text == "*" ? .each : .one(text)
        }
        self.init(
            name: try row.text("name"),
            scope: scope,
            unit: unit,
            limit: limit,
            window: window,
            mode: mode,
            alerts: alerts.compactMap(\.self)
        )
    }
}
