internal import Core
internal import Metering
internal import Operations

/// Budgets as JSON: amounts are numbers in the budget's unit, dollars to the millionth.
extension AdminJSON {
    static func budget(_ budget: ReportedBudget) -> JSONValue {
        let (rule, account) = (budget.rule, budget.account)
        var scope: [(String, JSONValue)] = []
        for dimension in Scope.Dimension.allCases where dimension != .group || budget.group == nil {
            switch rule.scope[dimension] {
            case nil: break
            case .each: scope.append((dimension.rawValue, "*"))
            case .one(let value): scope.append((dimension.rawValue, .string(value)))
            }
        }
        var members: [(String, JSONValue)] = [
            ("id", .string(budget.id)),
            ("name", .string(rule.name)),
            ("group", budget.group.map { .string($0.text) } ?? .null),
            ("scope", .object(scope)),
            ("unit", .string(rule.unit.name)),
            ("limit", rule.unit.json(rule.limit)),
            ("per", .string(rule.window.rawValue)),
            ("mode", .string(rule.mode.rawValue)),
            ("alerts", .array(rule.alerts.map { .integer(Int64($0)) })),
            ("spent", rule.unit.json(account.spent)),
            ("reserved", rule.unit.json(account.reserved)),
            ("remaining", rule.unit.json(account.remaining)),
            ("windowStart", rule.window == .total ? .null : Self.time(account.windowStart)),
            ("renewsAt", Self.time(account.renewsAt)),
        ]
        if rule.scope.onlySubject == nil {
            members.append(("subjects", .array(account.subjects.map { Self.subject($0, rule) })))
            members.append(("subjectCount", .integer(Int64(account.subjectCount))))
        }
        switch budget.source {
        case .settings:
            members.append(("source", .string(ReportedBudget.SourceName.settings.rawValue)))
        case .store(let stored):
            members += [
                ("source", .string(ReportedBudget.SourceName.api.rawValue)),
                ("managedBy", .string(stored.manager.rawValue)),
                ("createdBy", .string(stored.createdBy)),
                ("createdAt", Self.time(stored.createdAt)),
                ("updatedAt", Self.time(stored.updatedAt)),
            ]
        }
        return .object(members)
    }

    /// Named by what is different from one to the next.
    private static func subject(_ subject: ReportedBudget.Subject, _ rule: BudgetRule) -> JSONValue {
        let names = Scope.Dimension.allCases.filter { rule.scope[$0] == .each }.map {
            ($0.rawValue, JSONValue.string(subject.subject[$0]))
        }
        return .object(
            names + [
                ("spent", rule.unit.json(subject.spent)),
                ("reserved", rule.unit.json(subject.reserved)),
                ("remaining", rule.unit.json(subject.remaining)),
            ]
        )
    }
}
