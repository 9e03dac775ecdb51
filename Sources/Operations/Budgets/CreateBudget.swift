internal import Auth
package import Core
internal import Database
package import Metering

extension Administration {
    /// Makes a budget.
    ///
    /// A group administrator's is about their own group, whether they name it or not; one that names no group, or each,
    /// is for system administrators.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` if the name is taken.
    package func createBudget(_ draft: Budget.Draft, by actor: Actor) async throws(GatewayError) -> ReportedBudget {
        var draft = draft
        if actor.role != .systemAdmin, draft.scope[.group] == nil, draft.group == nil { draft.group = actor.group }
        do throws(BudgetError) {
            draft = try draft.normalized()
        } catch {
            throw GatewayError(administration: error, isChange: true)
        }
        let (wanted, budgets, id) = (draft, self.budgets, self.freshID("bud_"))
        let deed = Deed("budget.create", id, in: wanted.group)
        let permission = wanted.group.map { Permission(.groupAdmin, in: $0) } ?? Permission(.systemAdmin)
        let manager: Budget.Manager = actor.role == .systemAdmin ? .system : .group
        let made = try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            if let group = wanted.group { try Self.checkNames(wanted.scope, of: group, in: session) }
            var wanted = wanted
            // Checked, and then numbered if it is one that was made here.
            var budget = try Budget(wanted, id: id, manager: manager, createdBy: actor.name, now: now)
            if wanted.name == nil {
                wanted.name = try budgets.freeName(budget.rule.name, of: budget.group, in: session)
                budget = try Budget(wanted, id: id, manager: manager, createdBy: actor.name, now: now)
            }
            try budgets.insert(budget, in: session)
            deed.details = Self.details(of: budget)
            return budget
        }
        return try await self.reported(made, for: actor)
    }

    /// A budget about somebody who is not of its group would never count anything.
    private static func checkNames(_ scope: Scope, of group: GroupID, in session: any SQLSession) throws {
        _ = try GroupStore().get(group, in: session)
        if case .one(let user) = scope[.user] { _ = try UserStore().get(UserID(user), of: group, in: session) }
        // Kinds of tokens have a colon in them, and are not in the store.
        if case .one(let key) = scope[.key], !key.contains(":") {
            _ = try GatewayKeyStore().get(GatewayKeyID(key), of: group, in: session)
        }
    }

    private static func details(of budget: Budget) -> [(String, JSONValue)] {
        let rule = budget.rule
        return [
            ("name", .string(rule.name)),
            ("about", .string(rule.scope.description)),
            ("unit", .string(rule.unit.name)),
            ("limit", rule.unit.json(rule.limit)),
            ("per", .string(rule.window.rawValue)),
            ("mode", .string(rule.mode.rawValue)),
        ]
    }
}
