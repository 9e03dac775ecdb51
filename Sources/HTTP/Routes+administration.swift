internal import Auth
internal import Wire

extension Routes {
    /// The administrative API.
    ///
    /// Every row names the least role that may; in a path with `{group}`, for that group.
    static let administration: [RouteRow] = [
        admin(.get, "/api/v1/whoami", .member, .whoami, "Who the holder of this key is."),

        admin(.get, "/api/v1/groups", .groupAdmin, .listGroups, "The groups that this key may see."),
        admin(.post, "/api/v1/groups", .systemAdmin, .createGroup, "Make a group."),
        admin(.get, "/api/v1/groups/{group}", .groupAdmin, .getGroup, "One group."),
        admin(.patch, "/api/v1/groups/{group}", .groupAdmin, .renameGroup, "Rename a group."),
        admin(.delete, "/api/v1/groups/{group}", .systemAdmin, .deleteGroup, "Delete a group and all it owns."),

        admin(.get, "/api/v1/groups/{group}/users", .groupAdmin, .listUsers, "The people of a group."),
        admin(.post, "/api/v1/groups/{group}/users", .groupAdmin, .createUser, "Add a person."),
        admin(.get, "/api/v1/groups/{group}/users/{user}", .groupAdmin, .getUser, "One person."),
        admin(.patch, "/api/v1/groups/{group}/users/{user}", .groupAdmin, .updateUser, "Change a person."),
        admin(
            .delete,
            "/api/v1/groups/{group}/users/{user}",
            .groupAdmin,
            .deleteUser,
            "Delete a person and their keys."
        ),

        admin(.get, "/api/v1/groups/{group}/keys", .groupAdmin, .listKeys, "The gateway keys of a group."),
        admin(.post, "/api/v1/groups/{group}/keys", .groupAdmin, .createKey, "Make a key; shows its secret, once."),
        admin(.get, "/api/v1/groups/{group}/keys/{key}", .groupAdmin, .getKey, "One key, without its secret."),
        admin(.patch, "/api/v1/groups/{group}/keys/{key}", .groupAdmin, .updateKey, "Change a key's name and limits."),
        admin(.post, "/api/v1/groups/{group}/keys/{key}/revoke", .groupAdmin, .revokeKey, "End a key at once."),
        admin(
            .post,
            "/api/v1/groups/{group}/keys/{key}/rotate",
            .groupAdmin,
            .rotateKey,
            "Put a new key in a key's place; both work for a while."
        ),

        admin(
            .get,
            "/api/v1/groups/{group}/credentials",
            .groupAdmin,
            .listCredentials,
            "The provider keys of a group."
        ),
        admin(.post, "/api/v1/groups/{group}/credentials", .groupAdmin, .createCredential, "Store a provider key."),
        admin(
            .get,
            "/api/v1/groups/{group}/credentials/{credential}",
            .groupAdmin,
            .getCredential,
            "One provider key, as a hint."
        ),
        admin(
            .delete,
            "/api/v1/groups/{group}/credentials/{credential}",
            .groupAdmin,
            .deleteCredential,
            "Delete a provider key."
        ),
        admin(
            .patch,
            "/api/v1/groups/{group}/credentials/{credential}/deactivate",
            .groupAdmin,
            .deactivateCredential,
            "Switch a provider key off."
        ),
        admin(
            .patch,
            "/api/v1/groups/{group}/credentials/{credential}/activate",
            .groupAdmin,
            .activateCredential,
            "Switch a provider key on again."
        ),
        admin(
            .post,
            "/api/v1/groups/{group}/credentials/{credential}/replace",
            .groupAdmin,
            .replaceCredential,
            "Put a new provider key in the place of one, or keep the old one."
        ),
        admin(
            .post,
            "/api/v1/groups/{group}/credentials/{credential}/test",
            .groupAdmin,
            .testCredential,
            "Try a provider key against its provider."
        ),

        admin(.get, "/api/v1/budgets", .groupAdmin, .listBudgets, "Budgets, and how much of each is spent."),
        admin(.post, "/api/v1/budgets", .groupAdmin, .createBudget, "Make a budget."),
        admin(.get, "/api/v1/budgets/{budget}", .groupAdmin, .getBudget, "One budget, and how much of it is spent."),
        admin(.patch, "/api/v1/budgets/{budget}", .groupAdmin, .updateBudget, "Change a budget."),
        admin(.delete, "/api/v1/budgets/{budget}", .groupAdmin, .deleteBudget, "Delete a budget."),

        admin(.get, "/api/v1/agents", .groupAdmin, .listAgents, "Agents, those of the settings file first."),
        admin(.post, "/api/v1/agents", .groupAdmin, .createAgent, "Make an agent."),
        admin(.get, "/api/v1/agents/{agent}", .groupAdmin, .getAgent, "One agent, as a group has it."),
        admin(.patch, "/api/v1/agents/{agent}", .groupAdmin, .updateAgent, "Change an agent by a merge patch."),
        admin(.delete, "/api/v1/agents/{agent}", .groupAdmin, .deleteAgent, "Delete an agent."),

        admin(.get, "/api/v1/audit", .groupAdmin, .listAudit, "What administrators did, the newest first."),
        admin(.get, "/api/v1/audit/verify", .systemAdmin, .verifyAudit, "Check that nobody changed the audit log."),

        admin(.get, "/api/v1/usage", .member, .usage, "What was used and what it cost, in sums or by attempt."),
        admin(.get, "/api/v1/experiments", .member, .listExperiments, "Experiments, and what each side has used."),
        admin(.get, "/api/v1/shadows", .groupAdmin, .listShadows, "Answers compared with those of shadow targets."),
        admin(.get, "/api/v1/shadows/{shadow}", .groupAdmin, .getShadow, "One comparison, with both answers."),
        admin(.get, "/api/v1/shadow-summary", .groupAdmin, .summarizeShadows, "How comparisons come out, by alias."),
        admin(.get, "/api/v1/breakers", .systemAdmin, .listBreakers, "Which targets are left alone, and why."),
        admin(.post, "/api/v1/breakers/open", .systemAdmin, .openBreakers, "Keep calls away from targets."),
        admin(.post, "/api/v1/breakers/close", .systemAdmin, .closeBreakers, "Let calls go to targets again."),
        admin(.get, "/api/v1/tools", .groupAdmin, .listTools, "Tool servers, and which of their tools may be called."),
        admin(.get, "/api/v1/tools/{server}", .groupAdmin, .getTools, "One tool server, asked now."),
        admin(.post, "/api/v1/tools/{server}/approve", .systemAdmin, .approveTools, "Approve tools as they are now."),
        admin(.post, "/api/v1/tools/{server}/call", .systemAdmin, .callTool, "Call a tool, to try it."),
        admin(.get, "/api/v1/requests/{id}", .member, .explainRequest, "Why a request went as it did."),
    ]

    private static func admin(
        _ method: HTTPMethod,
        _ path: StaticString,
        _ minimum: Role,
        _ action: AdminAction,
        _ summary: String
    ) -> RouteRow {
        RouteRow(method, path, .admin(minimum), .admin(action), summary)
    }
}
