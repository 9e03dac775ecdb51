import Core
import Limits
import Metering

extension SettingsBuilder {
    /// `ledger:`.
    func ledger() -> Settings.Ledger {
        Settings.Ledger(
            awaitsDisk: self.values.text("ledger.durability") == "power",
            sync: self.values.duration("ledger.sync"),
            journalBytesMax: self.values.integer("ledger.journal_max")
        )
    }

    /// The budgets of `budgets:`.
    func budgets() -> [BudgetRule] {
        self.values.names(under: "budgets").map { name in
            let path = SettingPath(["budgets", name])
            return BudgetRule(
                name: name,
                scope: self.scope(path),
                limit: MicroDollars(dollars: self.values.text(path.child("usd")))?.value ?? 0,
                window: BudgetWindow(rawValue: self.values.text(path.child("per"))) ?? .month,
                mode: BudgetRule.Mode(rawValue: self.values.text(path.child("mode"))) ?? .hard,
                alerts: self.values.list(path.child("alerts")).compactMap { Int($0) }
            )
        }
    }

    /// Which calls an entry is about.
    func scope(_ path: SettingPath) -> Scope {
        var scope = Scope()
        for dimension in Scope.Dimension.allCases {
            guard let text = self.values.optionalText(path.child(dimension.rawValue)) else { continue }
            scope[dimension] = text == "*" ? .each : .one(text)
        }
        return scope
    }
}

extension Settings {
    /// The budgets of the file, and the quotas of its limits, which are budgets of requests and tokens.
    var budgetRules: [BudgetRule] { self.budgets + self.limits.flatMap(\.quotas) }
}

extension Settings.Limit {
    /// What the entry allows in a day, each as a budget of its own.
    var quotas: [BudgetRule] {
        let allowed: [(BudgetUnit, Int?)] = [(.requests, self.requestsPerDay), (.tokens, self.tokensPerDay)]
        return allowed.compactMap { unit, limit in
            limit.map {
                BudgetRule(
                    name: self.rule.name,
                    scope: self.rule.scope,
                    unit: unit,
                    limit: Int64($0),
                    window: .day
                )
            }
        }
    }
}
