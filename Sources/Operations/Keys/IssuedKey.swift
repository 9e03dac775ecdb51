package import Auth
package import Core
internal import Database

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
    /// A key has the role of its user: nobody may have a hand in the key of somebody above them.
    static func checkReach(
        of actor: Actor,
        to owner: KeyOwner,
        of group: GroupID,
        in session: any SQLSession
    ) throws {
        guard actor.role != .systemAdmin, case .user(let id) = owner else { return }
        try Permission.checkReach(of: actor, to: UserStore().get(id, of: group, in: session).role)
    }

    static func details(of draft: GatewayKeyRecord.Draft) -> [(String, JSONValue)] {
        var details: [(String, JSONValue)] = [("scopes", .array(draft.scopes.names.map { .string($0) }))]
        switch draft.owner {
        case .group: break
        case .user(let id): details.append(("userId", .string(id.text)))
        case .agent(let id): details.append(("agentId", .string(id)))
        }
        return details
    }

    /// The names of the fields; what they hold can be long.
    static func details(of changes: GatewayKeyStore.Changes) -> [(String, JSONValue)] {
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
