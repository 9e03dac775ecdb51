internal import Auth
package import Core
internal import Database
package import Metering

extension Administration {
    /// Changes how far a budget goes, when it renews, what it does then, or its name.
    ///
    /// What was spent stays spent: a raised limit lets calls in at once, a lowered one may leave nothing.
    ///
    /// - Throws: `GatewayError`; `FORBIDDEN` for a group administrator and a budget that a system administrator set,
    ///   `CONFLICT` for one of the settings file or a name that is taken.
    package func updateBudget(
        _ id: String,
        _ changes: Budget.Changes,
        by actor: Actor
    ) async throws(GatewayError) -> ReportedBudget {
        let (budgets, inFile) = (self.budgets, await self.surroundings.settingsBudgets())
        let deed = Deed("budget.update", id, in: Permission.scope(of: actor))
        let changed = try await self.change(deed, by: actor, needing: Permission(.groupAdmin)) { session, now, deed in
            try Self.refuseSettings(id, inFile, for: actor)
            let old = try budgets.get(id, in: session)
            try Self.checkReach(of: actor, to: old)
            deed.group = old.group
            let new = try budgets.update(id, changes, now: now, in: session)
            deed.details = Self.details(of: changes, from: old.rule, to: new.rule)
            return new
        }
        return try await self.reported(changed, for: actor)
    }

    private static func details(
        of changes: Budget.Changes,
        from old: BudgetRule,
        to new: BudgetRule
    ) -> [(String, JSONValue)] {
        var details: [(String, JSONValue)] = [("name", .string(new.name))]
        if changes.limit != nil {
            details.append(("limit", new.unit.json(new.limit)))
            details.append(("limitBefore", old.unit.json(old.limit)))
        }
        if changes.window != nil { details.append(("per", .string(new.window.rawValue))) }
        if changes.mode != nil { details.append(("mode", .string(new.mode.rawValue))) }
        if changes.alerts != nil { details.append(("alerts", .array(new.alerts.map { .integer(Int64($0)) }))) }
        return details
    }
}
