internal import Auth
package import Core
internal import Database
internal import Metering

extension Administration {
    /// Deletes a budget; what it counted stays in the ledger.
    ///
    /// - Throws: `GatewayError`, as `updateBudget`.
    package func deleteBudget(_ id: String, by actor: Actor) async throws(GatewayError) {
        let (budgets, inFile) = (self.budgets, await self.surroundings.settingsBudgets())
        let deed = Deed("budget.delete", id, in: Permission.scope(of: actor))
        try await self.change(deed, by: actor, needing: Permission(.groupAdmin)) { session, _, deed in
            try Self.refuseSettings(id, inFile, for: actor)
            let budget = try budgets.get(id, in: session)
            try Self.checkReach(of: actor, to: budget)
            deed.group = budget.group
            deed.details = [("name", .string(budget.rule.name))]
            try budgets.delete(id, in: session)
        }
    }
}
