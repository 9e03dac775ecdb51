internal import Auth
internal import Database

/// What a row of the administrative API does; the raw value is its name in the API's description.
package enum AdminAction: String, Sendable, CaseIterable {
    case whoami
    case listGroups, createGroup, getGroup, renameGroup, deleteGroup
    case listUsers, createUser, getUser, updateUser, deleteUser
    case listKeys, createKey, getKey, updateKey, revokeKey, rotateKey
    case listCredentials, createCredential, getCredential, deleteCredential
    case deactivateCredential, activateCredential, replaceCredential, testCredential
    case listBudgets, createBudget, getBudget, updateBudget, deleteBudget
    case listAgents, createAgent, getAgent, updateAgent, deleteAgent
    case listAudit, verifyAudit
    case usage
    case explainRequest
    case listBreakers, openBreakers, closeBreakers
    case listShadows, getShadow, summarizeShadows
    case listExperiments
    case listTools, getTools, approveTools, callTool
    case listSessions, createSession, getSession, updateSession, deleteSession, listMessages, forkSession
}

extension AdminAction {
    /// The kind of object and the verb, as the audit log has them; nil for what only looks.
    var deed: String? {
        switch self {
        case .whoami, .listGroups, .getGroup, .listUsers, .getUser, .listKeys, .getKey, .listCredentials,
            .getCredential, .listBudgets, .getBudget, .listAudit, .verifyAudit, .usage, .explainRequest,
            .listBreakers, .listAgents, .getAgent,
            .listShadows, .getShadow, .summarizeShadows, .listExperiments,
            .listTools, .getTools:
            nil
        // Nobody's business but their owner's; where it is another's, the action itself says so to the log.
        case .listSessions, .createSession, .getSession, .updateSession, .deleteSession, .listMessages, .forkSession:
            nil
        case .createGroup: "group.create"
        case .renameGroup: "group.rename"
        case .deleteGroup: "group.delete"
        case .createUser: "user.create"
        case .updateUser: "user.update"
        case .deleteUser: "user.delete"
        case .createKey: "key.create"
        case .updateKey: "key.update"
        case .revokeKey: "key.revoke"
        case .rotateKey: "key.rotate"
        case .createCredential: "credential.create"
        case .deleteCredential: "credential.delete"
        case .deactivateCredential: "credential.deactivate"
        case .activateCredential: "credential.activate"
        case .replaceCredential: "credential.replace"
        case .testCredential: "credential.test"
        case .createBudget: "budget.create"
        case .updateBudget: "budget.update"
        case .deleteBudget: "budget.delete"
        case .createAgent: "agent.create"
        case .updateAgent: "agent.update"
        case .deleteAgent: "agent.delete"
        case .openBreakers: "breaker.open"
        case .closeBreakers: "breaker.close"
        case .approveTools: "tool.approve"
        case .callTool: "tool.call"
        }
    }

    /// The status of success.
    var status: Int {
        switch self {
        case .createGroup, .createUser, .createKey, .rotateKey, .createCredential, .replaceCredential,
            .createBudget, .createAgent, .createSession, .forkSession:
            201
        case .deleteGroup, .deleteUser, .deleteCredential, .deleteBudget, .deleteAgent, .deleteSession: 204
        default: 200
        }
    }

    /// The names of all that the body may hold; nil where there must be none.
    package var bodyProperties: [String]? { self.body?.properties.map(\.name) }

    /// What the body may hold.
    var body: BodyShape? {
        switch self {
        case .createGroup: Self.groupDraft
        case .renameGroup: BodyShape(properties: [Self.groupName])
        case .createUser: Self.userDraft
        case .updateUser: Self.userChanges
        case .createKey: Self.keyDraft
        case .updateKey: Self.keyChanges
        case .rotateKey: Self.rotation
        case .createCredential: Self.credentialDraft
        case .replaceCredential: Self.replacement
        case .createBudget: Self.budgetDraft
        case .updateBudget: Self.budgetChanges
        case .createAgent: Self.agentDraft
        case .updateAgent: Self.agentChanges
        case .openBreakers: Self.breakerOpening
        case .closeBreakers: Self.breakerClosing
        case .approveTools: Self.toolApproval
        case .callTool: Self.toolCall
        case .createSession: Self.sessionDraft
        case .updateSession: Self.sessionChanges
        case .forkSession: Self.sessionFork
        case .revokeKey, .deactivateCredential, .activateCredential, .testCredential: .empty
        default: nil
        }
    }

    /// Parameters of the query.
    var query: BodyShape {
        let page = [
            BodyShape.Property("limit", .whole(PageRequest.limits), "How many, at most; 50 if not given."),
            BodyShape.Property("cursor", .text, "The nextCursor of the page before."),
        ]
        switch self {
        case .listGroups: return BodyShape(properties: page)
        case .listUsers: return BodyShape(properties: page + Self.userFilter)
        case .listKeys: return BodyShape(properties: page + Self.keyFilter)
        case .listCredentials: return BodyShape(properties: page + Self.credentialFilter)
        case .listBudgets: return BodyShape(properties: page + Self.budgetFilter)
        case .listAgents: return BodyShape(properties: page + Self.agentFilter)
        case .getAgent, .updateAgent, .deleteAgent: return BodyShape(properties: [Self.agentGroup])
        case .listAudit: return BodyShape(properties: page + Self.auditFilter)
        case .verifyAudit: return BodyShape(properties: [Self.knownHead])
        case .usage: return UsageRequest.shape
        case .listExperiments: return UsageRequest.times
        case .listTools: return Self.toolFilter
        case .listShadows: return BodyShape(properties: page + [Self.alias])
        case .summarizeShadows: return BodyShape(properties: [Self.alias])
        case .listSessions: return BodyShape(properties: page + Self.sessionFilter)
        case .listMessages: return BodyShape(properties: page + Self.messageRange)
        default: return .empty
        }
    }

    // MARK: - Bodies

    private static let roles = BodyShape.Kind.choice(Role.allCases.map(\.rawValue))
    private static let scopes = BodyShape.Kind.texts

    private static let groupName = BodyShape.Property("name", .text, isRequired: true, "Shown to people.")

    private static let groupDraft = BodyShape(properties: [
        .init("id", .text, "1 to 64 letters, digits, - and _; made here if not given."),
        .init("name", .text, "Shown to people; the id if not given."),
    ])

    private static let userDraft = BodyShape(properties: [
        .init("name", .text, isRequired: true, "Shown to people."),
        .init("email", .text, isNullable: true, "An address."),
        .init("role", Self.roles, "member if not given; only system administrators make system administrators."),
        .init("issuer", .text, "The iss of this person's tokens, with subject; for system administrators."),
        .init("subject", .text, "The sub of this person's tokens, with issuer; for system administrators."),
    ])

    private static let userChanges = BodyShape(
        properties: [
            .init("name", .text, "Shown to people."),
            .init("email", .text, isNullable: true, "An address; null takes it away."),
            .init("role", Self.roles, "Only system administrators make system administrators."),
            .init("disabled", .flag, "Whether keys and tokens of this person stop working."),
        ],
        needsOne: true
    )

    private static let keyDraft = BodyShape(properties: [
        .init("name", .text, isRequired: true, "Shown to people."),
        .init("userId", .text, "The person it belongs to; it has their role and ends with them."),
        .init("agentId", .text, "The agent it belongs to."),
        .init("scopes", Self.scopes, "inference, admin; inference if not given. admin needs a userId."),
        .init("allowedModels", .texts, isNullable: true, "Names, or beginnings and *; all if not given."),
        .init("allowedRoutes", .texts, isNullable: true, "Paths, or beginnings and *; all if not given."),
        .init("expiresAt", .time, isNullable: true, "When it ends; never if not given."),
    ])

    private static let keyChanges = BodyShape(
        properties: [
            .init("name", .text, "Shown to people."),
            .init("scopes", Self.scopes, "inference, admin."),
            .init("allowedModels", .texts, isNullable: true, "Names, or beginnings and *; null for all."),
            .init("allowedRoutes", .texts, isNullable: true, "Paths, or beginnings and *; null for all."),
            .init("expiresAt", .time, isNullable: true, "When it ends; null for never."),
        ],
        needsOne: true
    )

    /// How long an old key works beside its successor if nobody says.
    static let standardOverlap = 86_400

    private static let rotation = BodyShape(properties: [
        .init(
            "overlapSeconds",
            .whole(0...Int(GatewayKeyStore.overlapMax.components.seconds)),
            "How long the old key works on; a day if not given, 0 ends it at once."
        )
    ])

    private static let credentialDraft = BodyShape(properties: [
        .init("provider", .text, isRequired: true, "The name of a configured provider."),
        .init("apiKey", .secret, isRequired: true, "The provider's key; never shown again."),
        .init(
            "test",
            .flag,
            "Whether to try it first, and store it only if the provider takes it; false if not given."
        ),
    ])

    private static let replacement = BodyShape(properties: [
        .init("apiKey", .secret, isRequired: true, "The provider's new key; never shown again."),
        .init("test", .flag, "Whether to try it first, and keep the old one if the provider refuses it."),
    ])

    // MARK: - Queries

    private static let userFilter: [BodyShape.Property] = [
        .init("role", Self.roles, "Only people with this role."),
        .init("disabled", .flag, "Only people who are kept out, or only the others."),
        .init("email", .text, "Only who has this address."),
    ]

    private static let keyFilter: [BodyShape.Property] = [
        .init("active", .flag, "Only keys that work, or only those that were revoked or have expired."),
        .init("userId", .text, "Only keys of this person."),
        .init("agentId", .text, "Only keys of this agent."),
    ]

    private static let credentialFilter: [BodyShape.Property] = [
        .init("provider", .text, "Only for this provider."),
        .init("active", .flag, "Only those in use, or only the others."),
        .init("rejected", .flag, "Only those that the provider refused, or only the others."),
    ]

    private static let auditFilter: [BodyShape.Property] = [
        .init("group", .text, "Only about this group."),
        .init("actor", .text, "Only what this user, key or command did."),
        .init("action", .text, "Only this, such as credential.create."),
        .init("objectKind", .text, "Only about groups, users and so on: group, user, key, credential, budget, agent."),
        .init("objectId", .text, "Only about this object."),
        .init("outcome", .choice(["done", "refused", "failed"]), "Only what ended like this."),
        .init("requestId", .text, "Only what this request did."),
        .init("since", .time, "Not before."),
        .init("until", .time, "Before."),
    ]

    private static let alias = BodyShape.Property("model", .text, "Only of this alias.")

    private static let knownHead = BodyShape.Property(
        "head",
        .text,
        "The end of the log as it was written down earlier; the log must still contain it."
    )
}
