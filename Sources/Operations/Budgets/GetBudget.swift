internal import Auth
package import Core
internal import Database
internal import Metering

extension Administration {
    /// Gives a budget, of the store or of the settings file.
    ///
    /// - Throws: `GatewayError`; `NOT_FOUND` also for what another group's administrators see.
    package func budget(_ id: String, by actor: Actor) async throws(GatewayError) -> ReportedBudget {
        let (budgets, inFile, counted) = (
            self.budgets, await self.surroundings.settingsBudgets(), self.surroundings.standings()
        )
        return try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            let settings = inFile.map { ListedBudget(settings: $0) }.first { $0.id == id }
            let listed = try settings ?? ListedBudget(try budgets.get(id, in: session))
            let visible = BudgetStore.Filter(visibleTo: Permission.scope(of: actor))
            guard visible.includes(listed.rule, of: listed.group) else { throw BudgetError.notFound }
            return try self.reporter(of: [listed], for: actor, counted, in: session)(listed)
        }
    }
}
