package import Auth
package import Core
internal import Database

extension Administration {
    /// Gives a person of a group.
    ///
    /// - Throws: `GatewayError`; `NOT_FOUND` also for somebody of another group.
    package func user(_ id: UserID, of group: GroupID, by actor: Actor) async throws(GatewayError) -> User {
        let users = self.users
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try users.get(id, of: group, in: session)
        }
    }
}
