package import Auth
package import Core
package import Database

extension Administration {
    /// Lists the keys of a group, the oldest first.
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
}
