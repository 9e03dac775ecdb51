internal import Core
internal import Metering
internal import Operations

extension AdminAPI {
    func budgets(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (actor, id) = (context.actor, context.budget)
        switch action {
        case .listBudgets:
            let query = context.query
            let page = try await self.administration.listBudgets(
                context.page(),
                filter: BudgetStore.Filter(
                    group: query.text("group").map { GroupID($0) },
                    unit: query.text("unit").flatMap(BudgetUnit.init(name:)),
                    window: query.text("per").flatMap(BudgetWindow.init(rawValue:)),
                    mode: query.text("mode").flatMap(BudgetRule.Mode.init(rawValue:))
                ),
                source: query.text("source").flatMap(ReportedBudget.SourceName.init(rawValue:)),
                by: actor
            )
            return .list(AdminJSON.page(page, AdminJSON.budget))
        case .createBudget:
            let made = try await self.administration.createBudget(Self.budgetDraft(context.body), by: actor)
            return .object(AdminJSON.budget(made), at: "/api/v1/budgets/\(made.id)")
        case .updateBudget:
            let body = context.body
            let changes = Budget.Changes(
                name: body.text("name"),
                limit: body.amount("limit"),
                window: body.text("per").flatMap(BudgetWindow.init(rawValue:)),
                mode: body.text("mode").flatMap(BudgetRule.Mode.init(rawValue:)),
                alerts: body.wholes("alerts")
            )
            return .object(AdminJSON.budget(try await self.administration.updateBudget(id, changes, by: actor)))
        case .deleteBudget:
            try await self.administration.deleteBudget(id, by: actor)
            return .nothing
        default:
            return .object(AdminJSON.budget(try await self.administration.budget(id, by: actor)))
        }
    }

    private static func budgetDraft(_ body: Body) throws(GatewayError) -> Budget.Draft {
        var scope = Scope()
        for (name, value) in body.members("scope") ?? [] {
            guard let dimension = Scope.Dimension(rawValue: name), let text = value.stringValue else { continue }
            scope[dimension] = text == "*" ? .each : .one(text)
        }
        var group = body.text("group")
        // Written like the other dimensions, it can only mean this.
        if group == "*" {
            guard scope[.group] == nil || scope[.group] == .each else {
                throw .invalid("scope", expected: "without a group if the group is *")
            }
            scope[.group] = .each
            group = nil
        }
        return Budget.Draft(
            name: body.text("name"),
            group: group.map { GroupID($0) },
            scope: scope,
            unit: body.text("unit").flatMap(BudgetUnit.init(name:)) ?? .money,
            limit: body.amount("limit") ?? "",
            window: body.text("per").flatMap(BudgetWindow.init(rawValue:)) ?? .month,
            mode: body.text("mode").flatMap(BudgetRule.Mode.init(rawValue:)) ?? .hard,
            alerts: body.wholes("alerts") ?? Budget.standardAlerts
        )
    }
}
