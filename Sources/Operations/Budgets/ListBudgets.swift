internal import Auth
package import Core
package import Database
package import Metering

extension Administration {
    /// Lists budgets: those of the settings file by name, then those of the store, the oldest first.
    ///
    /// - Parameters:
    ///   - request: Which part.
    ///   - filter: `visibleTo` is decided here.
    ///   - source: Only those of the file, or only those of the store; nil for both.
    package func listBudgets(
        _ request: PageRequest,
        filter: BudgetStore.Filter = BudgetStore.Filter(),
        source: ReportedBudget.SourceName? = nil,
        by actor: Actor
    ) async throws(GatewayError) -> Page<ReportedBudget> {
        var visible = filter
        visible.visibleTo = Permission.scope(of: actor)
        let (budgets, wanted) = (self.budgets, visible)
        let (inFile, counted) = (await self.surroundings.settingsBudgets(), self.surroundings.standings())
        let settings = source == .api ? [] : Self.settings(inFile, wanted, after: request.after)
        let permission = Permission(.groupAdmin, in: filter.group)
        return try await self.look(by: actor, needing: permission) { session in
            var page = Page(settings, for: request) { $0.position }
            if source != .settings, settings.count <= request.limit {
                let stored = try budgets.list(request, filter: wanted, in: session).map(ListedBudget.init)
                page = settings.isEmpty ? stored : Page(settings + stored.items, for: request) { $0.position }
            }
            return page.map(try self.reporter(of: page.items, for: actor, counted, in: session))
        }
    }

    /// Those of the file behind a place of the list.
    private static func settings(
        _ rules: [BudgetRule],
        _ filter: BudgetStore.Filter,
        after: PageRequest.Position?
    ) -> [ListedBudget] {
        rules.map { ListedBudget(settings: $0) }
            .filter { filter.includes($0.rule, of: $0.group) }
            .filter { budget in after.map { ($0.createdAt, $0.id) < (budget.position.createdAt, budget.id) } ?? true }
            .sorted { $0.id < $1.id }
    }
}
