package import Auth
package import Core
internal import Database

extension Administration {
    /// Changes what is given of a person, and lets them in or keeps them out.
    ///
    /// - Parameter isEnabled: Nil leaves it as it is.
    /// - Throws: `GatewayError`; `CONFLICT` for the last system administrator.
    package func updateUser(
        _ id: UserID,
        of group: GroupID,
        _ changes: UserStore.Changes,
        isEnabled: Bool?,
        by actor: Actor
    ) async throws(GatewayError) -> User {
        let users = self.users
        var details: [(String, JSONValue)] = []
        if let role = changes.role { details.append(("role", .string(role.rawValue))) }
        if let isEnabled { details.append(("disabled", .bool(!isEnabled))) }
        if changes.name != nil || changes.email != nil { details.append(("profile", true)) }
        let deed = Deed("user.update", id.text, in: group, details: details)
        let permission = Permission(.groupAdmin, in: group)
        return try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            var user = try users.get(id, of: group, in: session)
            try Permission.checkReach(of: actor, to: user.role)
            if let role = changes.role {
                try Permission.checkReach(of: actor, to: role)
                deed.details.append(("roleBefore", .string(user.role.rawValue)))
            }
            if changes.name != nil || changes.email != nil || changes.role != nil {
                user = try users.update(id, of: group, changes, now: now, in: session)
            }
            if let isEnabled { user = try users.setEnabled(isEnabled, id, of: group, now: now, in: session) }
            return user
        }
    }
}
