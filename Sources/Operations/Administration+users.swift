package import Auth
package import Core
package import Database

/// What can be said about a person who is added.
package struct NewUser: Sendable {
    package var name: String
    package var email: String?
    package var role: Role
    /// Who they are to an identity provider; only system administrators may say that.
    package var identity: User.Identity?

    package init(name: String, email: String? = nil, role: Role = .member, identity: User.Identity? = nil) {
        self.name = name
        self.email = email
        self.role = role
        self.identity = identity
    }
}

extension Administration {
    /// Adds a person to a group.
    ///
    /// Group administrators cannot make system administrators, nor bind a token's identity to a person: whoever holds
    /// that token would be drawn into their group.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` if another user has the identity.
    package func createUser(
        _ new: NewUser,
        in group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> User {
        let users = self.users
        let id = UserID(self.freshID("u_"))
        let deed = Deed("user.create", id.text, in: group, details: [("role", .string(new.role.rawValue))])
        let permission = Permission(.groupAdmin, in: group)
        return try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            try Permission.checkReach(of: actor, to: new.role)
            guard new.identity == nil || actor.role == .systemAdmin else {
                throw GatewayError(.forbidden, "Only a system administrator may bind a user to an identity.")
            }
            let user = try User(
                id: id,
                group: group,
                name: new.name,
                email: new.email,
                role: new.role,
                identity: new.identity,
                now: now
            )
            if let issuer = new.identity?.issuer { deed.details.append(("issuer", .string(issuer))) }
            try users.insert(user, in: session)
            return user
        }
    }

    package func user(_ id: UserID, of group: GroupID, by actor: Actor) async throws(GatewayError) -> User {
        let users = self.users
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try users.get(id, of: group, in: session)
        }
    }

    package func listUsers(
        _ page: PageRequest,
        of group: GroupID,
        filter: UserStore.Filter,
        by actor: Actor
    ) async throws(GatewayError) -> Page<User> {
        let users = self.users
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try users.list(page, of: group, filter: filter, in: session)
        }
    }

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

    /// Deletes a person with their keys.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` for the last system administrator.
    package func deleteUser(_ id: UserID, of group: GroupID, by actor: Actor) async throws(GatewayError) {
        let users = self.users
        let deed = Deed("user.delete", id.text, in: group)
        try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: group)) { session, _, deed in
            let user = try users.get(id, of: group, in: session)
            try Permission.checkReach(of: actor, to: user.role)
            deed.details.append(("role", .string(user.role.rawValue)))
            try users.delete(id, of: group, in: session)
        }
    }
}
