package import Auth
package import Core
package import Database

/// A key that was made, with the one chance to see its secret.
package struct IssuedKey: Sendable {
    package let record: GatewayKeyRecord
    /// The whole key, as its client sends it; kept nowhere.
    package let secret: Secret<String>
}

/// A key that took another one's place.
package struct RotatedKey: Sendable {
    package let old: GatewayKeyRecord
    package let new: IssuedKey
}

extension Administration {
    /// Makes a gateway key.
    ///
    /// - Throws: `GatewayError`; `FORBIDDEN` for a group administrator who wants a key of a system administrator.
    package func createKey(
        _ draft: GatewayKeyRecord.Draft,
        in group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> IssuedKey {
        let keys = self.keys
        let key = self.freshKey()
        let deed = Deed("key.create", key.id, in: group, details: Self.details(of: draft))
        let permission = Permission(.groupAdmin, in: group)
        let record = try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            _ = try GroupStore().get(group, in: session)
            try Self.checkReach(of: actor, to: draft.owner, of: group, in: session)
            let record = try GatewayKeyRecord(
                draft,
                id: GatewayKeyID(key.id),
                group: group,
                createdBy: actor.name,
                now: now
            )
            try keys.insert(record, digest: key.digest, in: session)
            return record
        }
        return IssuedKey(record: record, secret: key.text)
    }

    package func key(
        _ id: GatewayKeyID,
        of group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> GatewayKeyRecord {
        let keys = self.keys
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try keys.get(id, of: group, in: session)
        }
    }

    package func listKeys(
        _ page: PageRequest,
        of group: GroupID,
        filter: GatewayKeyStore.Filter,
        by actor: Actor
    ) async throws(GatewayError) -> Page<GatewayKeyRecord> {
        let keys = self.keys
        let now = self.surroundings.now()
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try keys.list(page, of: group, filter: filter, now: now, in: session)
        }
    }

    /// Changes name and limits of a key that works.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` if the key has ended.
    package func updateKey(
        _ id: GatewayKeyID,
        of group: GroupID,
        _ changes: GatewayKeyStore.Changes,
        by actor: Actor
    ) async throws(GatewayError) -> GatewayKeyRecord {
        let keys = self.keys
        let deed = Deed("key.update", id.text, in: group, details: Self.details(of: changes))
        let permission = Permission(.groupAdmin, in: group)
        return try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            try Self.checkReach(of: actor, to: keys.get(id, of: group, in: session).owner, of: group, in: session)
            return try keys.update(id, of: group, changes, now: now, in: session)
        }
    }

    /// Ends a key; safe to repeat.
    package func revokeKey(
        _ id: GatewayKeyID,
        of group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> GatewayKeyRecord {
        let keys = self.keys
        let deed = Deed("key.revoke", id.text, in: group)
        let permission = Permission(.groupAdmin, in: group)
        return try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            try Self.checkReach(of: actor, to: keys.get(id, of: group, in: session).owner, of: group, in: session)
            return try keys.revoke(id, of: group, now: now, in: session)
        }
    }

    /// Puts a new key in the place of one that goes on working for a while.
    ///
    /// - Parameter overlap: How long both work: none to 30 days.
    /// - Throws: `GatewayError`; `CONFLICT` if the key has ended or was rotated before.
    package func rotateKey(
        _ id: GatewayKeyID,
        of group: GroupID,
        overlap: Duration,
        by actor: Actor
    ) async throws(GatewayError) -> RotatedKey {
        let keys = self.keys
        let new = self.freshKey()
        let deed = Deed(
            "key.rotate",
            id.text,
            in: group,
            details: [("replacedBy", .string(new.id)), ("overlapSeconds", .integer(overlap.components.seconds))]
        )
        let permission = Permission(.groupAdmin, in: group)
        let pair = try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            try Self.checkReach(of: actor, to: keys.get(id, of: group, in: session).owner, of: group, in: session)
            return try keys.rotate(
                id,
                of: group,
                to: new,
                overlap: overlap,
                createdBy: actor.name,
                now: now,
                in: session
            )
        }
        return RotatedKey(old: pair.old, new: IssuedKey(record: pair.new, secret: new.text))
    }

    // MARK: -

    private func freshKey() -> GatewayKey {
        func make(_ random: some RandomNumberGenerator) -> GatewayKey {
            var random = random
            return GatewayKey(using: &random)
        }
        return make(self.surroundings.generator())
    }

    /// A key has the role of its user: nobody may have a hand in the key of somebody above them.
    private static func checkReach(
        of actor: Actor,
        to owner: KeyOwner,
        of group: GroupID,
        in session: any SQLSession
    ) throws {
        guard actor.role != .systemAdmin, case .user(let id) = owner else { return }
        try Permission.checkReach(of: actor, to: UserStore().get(id, of: group, in: session).role)
    }

    private static func details(of draft: GatewayKeyRecord.Draft) -> [(String, JSONValue)] {
        var details: [(String, JSONValue)] = [("scopes", .array(draft.scopes.names.map { .string($0) }))]
        switch draft.owner {
        case .group: break
        case .user(let id): details.append(("userId", .string(id.text)))
        case .agent(let id): details.append(("agentId", .string(id)))
        }
        return details
    }

    /// The names of the fields; what they hold can be long.
    private static func details(of changes: GatewayKeyStore.Changes) -> [(String, JSONValue)] {
        var fields: [JSONValue] = []
        if changes.name != nil { fields.append("name") }
        if changes.scopes != nil { fields.append("scopes") }
        if changes.allowedModels != nil { fields.append("allowedModels") }
        if changes.allowedRoutes != nil { fields.append("allowedRoutes") }
        if changes.expiresAt != nil { fields.append("expiresAt") }
        var details: [(String, JSONValue)] = [("fields", .array(fields))]
        if let scopes = changes.scopes { details.append(("scopes", .array(scopes.names.map { .string($0) }))) }
        return details
    }
}
