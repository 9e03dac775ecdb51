package import Auth
package import Core
package import Database

extension Administration {
    /// Lists the people of a group, those who were added first first.
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
}
