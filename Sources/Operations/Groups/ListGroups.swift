package import Auth
package import Core
package import Database

extension Administration {
    /// Lists the groups an actor may see: all, or their own.
    package func listGroups(_ page: PageRequest, by actor: Actor) async throws(GatewayError) -> Page<Group> {
        let groups = self.groups
        let scope = Permission.scope(of: actor)
        return try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            try groups.list(page, only: scope, in: session)
        }
    }
}
