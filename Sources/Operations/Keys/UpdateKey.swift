package import Auth
package import Core
internal import Database

extension Administration {
    /// Changes name and limits of a key that works.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` if the key has ended.
    package func updateKey(
        _ id: GatewayKeyID,
        of group: GroupID,
        _ changes: GatewayKeyStore.Changes,
        by actor: Actor
    ) async throws(GatewayError) -> GatewayKeyRecord {
        let keys = self.keys
        let deed = Deed("key.update", id.text, in: group, details: Self.details(of: changes))
        let permission = Permission(.groupAdmin, in: group)
        return try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            try Self.checkReach(of: actor, to: keys.get(id, of: group, in: session).owner, of: group, in: session)
            return try keys.update(id, of: group, changes, now: now, in: session)
        }
    }
}
