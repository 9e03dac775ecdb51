package import Auth
package import Core
internal import Database

extension Administration {
    /// Ends a key; safe to repeat.
    package func revokeKey(
        _ id: GatewayKeyID,
        of group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> GatewayKeyRecord {
        let keys = self.keys
        let deed = Deed("key.revoke", id.text, in: group)
        let permission = Permission(.groupAdmin, in: group)
        return try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            try Self.checkReach(of: actor, to: keys.get(id, of: group, in: session).owner, of: group, in: session)
            return try keys.revoke(id, of: group, now: now, in: session)
        }
    }
}
