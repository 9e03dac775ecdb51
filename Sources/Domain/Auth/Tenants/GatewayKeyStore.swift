package import Core
package import Database

/// The gateway keys, in a transaction of the caller.
///
/// Holds digests alone: the secret is in the `GatewayKey` the caller made, and nowhere else. Every change but the time
/// of last use counts up the store's revision.
package struct GatewayKeyStore: Sendable {
    /// How long a rotated key may go on working beside the one that replaces it.
    package static let overlapMax: Duration = .seconds(30 * 24 * 3600)

    package init() {}

    /// What a list shows.
    package struct Filter: Sendable {
        package var owner: KeyOwner?
        /// Whether it works at a moment, not looking at its user.
        package var isActive: Bool?

        package init(owner: KeyOwner? = nil, isActive: Bool? = nil) {
            self.owner = owner
            self.isActive = isActive
        }

        fileprivate func condition(now: UnixTime) -> SQL {
            var sql: SQL = "1 = 1"
            switch self.owner {
            case nil: break
            case .group: sql += " AND user_id IS NULL AND agent_id IS NULL"
            case .user(let id): sql += " AND user_id = \(id)"
            case .agent(let id): sql += " AND agent_id = \(id)"
            }
            let active: SQL = "(revoked_at IS NULL AND (expires_at IS NULL OR expires_at > \(now)))"
            if let isActive = self.isActive { sql += isActive ? " AND \(active)" : " AND NOT \(active)" }
            return sql
        }
    }

    /// What a caller wants to change; nil leaves a field as it is, `.some(nil)` takes a limit away.
    package struct Changes: Sendable {
        package var name: String?
        package var scopes: KeyScopes?
        package var allowedModels: [String]??
        package var allowedRoutes: [String]??
        package var expiresAt: UnixTime??

        package init(
            name: String? = nil,
            scopes: KeyScopes? = nil,
            allowedModels: [String]?? = nil,
            allowedRoutes: [String]?? = nil,
            expiresAt: UnixTime?? = nil
        ) {
            self.name = name
            self.scopes = scopes
            self.allowedModels = allowedModels
            self.allowedRoutes = allowedRoutes
            self.expiresAt = expiresAt
        }
    }

    /// Adds a key.
    ///
    /// - Parameter digest: Of the whole key, as its client will send it.
    /// - Throws: `TenantError.groupNotFound`; `.userNotFound` if the owner is not of the group; `.duplicateID`,
    ///   `.duplicateSecret`.
    package func insert(
        _ key: GatewayKeyRecord,
        digest: KeyDigest,
        in session: any SQLSession
    ) throws(TenantError) {
        if case .user(let id) = key.owner { _ = try UserStore().get(id, of: key.group, in: session) }
        try stored(adding: key.id.text) { () throws(DatabaseError) in
            try session.execute(
                """
                INSERT INTO gateway_keys (
                    id, group_id, name, digest, user_id, agent_id, scopes, allowed_models, allowed_routes,
                    expires_at, revoked_at, replaced_by, created_by, created_at, last_used_at
                ) VALUES (
                    \(key.id), \(key.group), \(key.name), \(digest.bytes), \(key.userID), \(key.agentID),
                    \(key.scopesText), \(key.allowedModelsText), \(key.allowedRoutesText), \(key.expiresAt),
                    \(key.revokedAt), \(key.replacedBy), \(key.createdBy), \(key.createdAt), \(key.lastUsedAt)
                )
                """
            )
            try session.bumpRevision()
        }
    }

    /// Gives a key of a group.
    ///
    /// - Throws: `TenantError.keyNotFound`, also for a key of another group.
    package func get(
        _ id: GatewayKeyID,
        of group: GroupID,
        in session: any SQLSession
    ) throws(TenantError) -> GatewayKeyRecord {
        let key = try stored { () throws(DatabaseError) -> GatewayKeyRecord? in
            let filter: SQL = " WHERE id = \(id) AND group_id = \(group)"
            guard let row = try session.first(GatewayKeyRecord.select + filter) else { return nil }
            return try GatewayKeyRecord(row)
        }
        guard let key else { throw .keyNotFound }
        return key
    }

    /// Finds a key by its secret's digest in any group, whether it works or not; nil if there is none.
    package func find(_ digest: KeyDigest, in session: any SQLSession) throws(TenantError) -> GatewayKeyRecord? {
        try stored { () throws(DatabaseError) in
            guard let row = try session.first(GatewayKeyRecord.select + " WHERE digest = \(digest.bytes)") else {
                return nil
            }
            return try GatewayKeyRecord(row)
        }
    }

    /// Lists keys, the oldest first.
    ///
    /// - Parameters:
    ///   - group: Nil for all groups.
    ///   - now: Decides which keys are active.
    package func list(
        _ page: PageRequest = .first,
        of group: GroupID?,
        filter: Filter = Filter(),
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> Page<GatewayKeyRecord> {
        var condition = filter.condition(now: now)
        if let group { condition += " AND group_id = \(group)" }
        let rows = try stored { () throws(DatabaseError) in
            try session.map(GatewayKeyRecord.select + page.clause(where: condition)) { row throws(DatabaseError) in
                try GatewayKeyRecord(row)
            }
        }
        return Page(rows, for: page) { PageRequest.Position(createdAt: $0.createdAt, id: $0.id.text) }
    }

    /// Changes what is given and leaves the rest.
    ///
    /// - Throws: `TenantError.keyNotFound`, `.invalid`, `.scopeNeedsUser`; `.keyNotActive`, since a key that has ended
    ///   does not come back.
    @discardableResult
    package func update(
        _ id: GatewayKeyID,
        of group: GroupID,
        _ changes: Changes,
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> GatewayKeyRecord {
        var key = try self.get(id, of: group, in: session)
        guard key.isActive(at: now) else { throw .keyNotActive }
        if let name = changes.name { key.name = try TenantRule.name(name) }
        if let scopes = changes.scopes { key.scopes = scopes }
        if let models = changes.allowedModels { key.allowedModels = models }
        if let routes = changes.allowedRoutes { key.allowedRoutes = routes }
        if let expiresAt = changes.expiresAt { key.expiresAt = expiresAt }
        try key.check(now: now)
        try self.save(key, in: session)
        return key
    }

    /// Ends a key, at once for whoever loads the table next.
    ///
    /// Repeating it changes nothing; the time of the first stays.
    ///
    /// - Throws: `TenantError.keyNotFound`.
    @discardableResult
    package func revoke(
        _ id: GatewayKeyID,
        of group: GroupID,
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> GatewayKeyRecord {
        var key = try self.get(id, of: group, in: session)
        guard key.revokedAt == nil else { return key }
        key.revokedAt = now
        try self.save(key, in: session)
        return key
    }

    /// Puts a new key in the place of one, which goes on working for a while.
    ///
    /// The new one has the same name, owner, limits and end.
    ///
    /// - Parameters:
    ///   - new: The key that was made for it.
    ///   - overlap: How long both work: none to 30 days. The old one never lives longer than it would have.
    ///   - createdBy: Who does it.
    /// - Throws: `TenantError.keyNotFound`, `.invalid`; `.keyNotActive` if it has ended or was rotated before.
    package func rotate(
        _ id: GatewayKeyID,
        of group: GroupID,
        to new: GatewayKey,
        overlap: Duration,
        createdBy: String,
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> (old: GatewayKeyRecord, new: GatewayKeyRecord) {
        guard overlap >= .zero, overlap <= Self.overlapMax else {
            throw .invalid(field: "overlap", expected: "0 seconds to 30 days")
        }
        var old = try self.get(id, of: group, in: session)
        guard old.isActive(at: now), old.replacedBy == nil else { throw .keyNotActive }
        let newID = GatewayKeyID(new.id)
        let replacement = try GatewayKeyRecord(
            old.draft,
            id: newID,
            group: group,
            createdBy: createdBy,
            now: now
        )
        try self.insert(replacement, digest: new.digest, in: session)
        let end = UnixTime(milliseconds: now.milliseconds + Int64(overlap / .milliseconds(1)))
        old.expiresAt = min(old.expiresAt ?? end, end)
        old.replacedBy = newID
        try self.save(old, in: session)
        return (old, replacement)
    }

    /// Notes when keys were last used; never moves a time back.
    ///
    /// Does not count as a change: no gateway needs to load anything again.
    package func noteUse(_ uses: [GatewayKeyID: UnixTime], in session: any SQLSession) throws(TenantError) {
        try stored { () throws(DatabaseError) in
            for (id, time) in uses {
                try session.execute(
                    """
                    UPDATE gateway_keys SET last_used_at = \(time)
                    WHERE id = \(id) AND (last_used_at IS NULL OR last_used_at < \(time))
                    """
                )
            }
        }
    }

    private func save(_ key: GatewayKeyRecord, in session: any SQLSession) throws(TenantError) {
        try stored { () throws(DatabaseError) in
            try session.execute(
                """
                UPDATE gateway_keys SET
                    name = \(key.name), scopes = \(key.scopesText), allowed_models = \(key.allowedModelsText),
                    allowed_routes = \(key.allowedRoutesText), expires_at = \(key.expiresAt),
                    revoked_at = \(key.revokedAt), replaced_by = \(key.replacedBy)
                WHERE id = \(key.id)
                """
            )
            try session.bumpRevision()
        }
    }
}
