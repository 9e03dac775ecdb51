package import Auth
package import Core
internal import Database

/// Who somebody is here.
package struct Whoami: Sendable {
    package let actor: Actor
    /// Nil for the operator.
    package let group: Group?
    /// Nil if they are not a person of the store.
    package let user: User?
}

extension Administration {
    /// Tells somebody who they are; open to everybody with a valid key.
    package func whoami(_ actor: Actor) async throws(GatewayError) -> Whoami {
        let (groups, users) = (self.groups, self.users)
        // What anybody may: look at themselves.
        return try await self.look(by: actor, needing: Permission(.member)) { session in
            var user: User?
            if let id = actor.user, let group = actor.group {
                do throws(TenantError) {
                    user = try users.get(id, of: group, in: session)
                } catch .userNotFound {
                    // Known by a token alone.
                }
            }
            return Whoami(
                actor: actor,
                group: try actor.group.flatMap { id throws(TenantError) in try groups.find(id, in: session) },
                user: user
            )
        }
    }
}
