package import Core

/// What is kept of a gateway key: everything but its secret.
package struct GatewayKeyRecord: Sendable, Equatable {
    /// What a caller may choose for a key.
    package struct Draft: Sendable {
        package var name: String
        package var owner: KeyOwner
        package var scopes: KeyScopes
        package var allowedModels: [String]?
        package var allowedRoutes: [String]?
        package var expiresAt: UnixTime?

        package init(
            name: String,
            owner: KeyOwner = .group,
            scopes: KeyScopes = .inference,
            allowedModels: [String]? = nil,
            allowedRoutes: [String]? = nil,
            expiresAt: UnixTime? = nil
        ) {
            self.name = name
            self.owner = owner
            self.scopes = scopes
            self.allowedModels = allowedModels
            self.allowedRoutes = allowedRoutes
            self.expiresAt = expiresAt
        }
    }

    package let id: GatewayKeyID
    package let group: GroupID
    package internal(set) var name: String
    package let owner: KeyOwner
    package internal(set) var scopes: KeyScopes
    /// See `Principal.allowedModels`.
    package internal(set) var allowedModels: [String]?
    /// See `Principal.allowedRoutes`.
    package internal(set) var allowedRoutes: [String]?
    /// From then on it does not work; nil for never.
    package internal(set) var expiresAt: UnixTime?
    /// Since when it does not work because somebody said so.
    package internal(set) var revokedAt: UnixTime?
    /// The key that takes its place, once it was rotated.
    package internal(set) var replacedBy: GatewayKeyID?
    /// Who made it, as the audit log names them.
    package let createdBy: String
    package let createdAt: UnixTime
    /// When it last began a call, some seconds late; nil for never.
    package internal(set) var lastUsedAt: UnixTime?

    /// Takes what a caller wants to make.
    ///
    /// - Parameters:
    ///   - id: The public part of the key.
    ///   - createdBy: Who makes it.
    /// - Throws: `TenantError.invalid`; `.scopeNeedsUser` for administrators' rights without a person who has them.
    package init(
        _ draft: Draft,
        id: GatewayKeyID,
        group: GroupID,
        createdBy: String,
        now: UnixTime
    ) throws(TenantError) {
        try TenantRule.checkID(id.text, field: "id")
        self.id = id
        self.group = group
        self.name = try TenantRule.name(draft.name)
        self.owner = draft.owner
        self.scopes = draft.scopes
        self.allowedModels = draft.allowedModels
        self.allowedRoutes = draft.allowedRoutes
        self.expiresAt = draft.expiresAt
        self.createdBy = createdBy
        self.createdAt = now
        try self.check(now: now)
    }

    /// Takes what was stored.
    init(
        stored draft: Draft,
        id: GatewayKeyID,
        group: GroupID,
        createdBy: String,
        createdAt: UnixTime
    ) {
        self.id = id
        self.group = group
        self.name = draft.name
        self.owner = draft.owner
        self.scopes = draft.scopes
        self.allowedModels = draft.allowedModels
        self.allowedRoutes = draft.allowedRoutes
        self.expiresAt = draft.expiresAt
        self.createdBy = createdBy
        self.createdAt = createdAt
    }

    /// What another key like this one would be made from.
    package var draft: Draft {
        Draft(
            name: self.name,
            owner: self.owner,
            scopes: self.scopes,
            allowedModels: self.allowedModels,
            allowedRoutes: self.allowedRoutes,
            expiresAt: self.expiresAt
        )
    }

    /// Whether the key itself works at `now`; its user may be disabled all the same.
    package func isActive(at now: UnixTime) -> Bool {
        self.revokedAt == nil && self.expiresAt.map { now < $0 } ?? true
    }

    /// Holds all that a caller can choose against the rules.
    func check(now: UnixTime) throws(TenantError) {
        guard !self.scopes.isEmpty else { throw .invalid(field: "scopes", expected: "at least one") }
        if case .agent(let id) = self.owner { try TenantRule.checkID(id, field: "agentId") }
        if self.scopes.contains(.admin) {
            guard case .user = self.owner else { throw .scopeNeedsUser }
        }
        try TenantRule.checkPatterns(self.allowedModels, field: "allowedModels")
        try TenantRule.checkPatterns(self.allowedRoutes, field: "allowedRoutes")
        if let expiresAt = self.expiresAt, expiresAt <= now {
            throw .invalid(field: "expiresAt", expected: "in the future")
        }
    }
}
