package import Auth
package import Core
internal import Database

extension Administration {
    /// Gives what is kept of a key.
    ///
    /// - Throws: `GatewayError`; `NOT_FOUND` also for a key of another group.
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
}
