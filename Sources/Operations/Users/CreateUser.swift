package import Auth
package import Core
internal import Database

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
}
