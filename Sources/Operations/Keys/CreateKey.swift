package import Auth
package import Core
internal import Database

extension Administration {
    /// Makes a gateway key.
    ///
    /// - Throws: `GatewayError`; `FORBIDDEN` for a group administrator who wants a key of a system administrator.
    package func createKey(
        _ draft: GatewayKeyRecord.Draft,
        in group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> IssuedKey {
        let keys = self.keys
        let key = self.freshKey()
        let deed = Deed("key.create", key.id, in: group, details: Self.details(of: draft))
        let permission = Permission(.groupAdmin, in: group)
        let record = try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            _ = try GroupStore().get(group, in: session)
            try Self.checkReach(of: actor, to: draft.owner, of: group, in: session)
            let record = try GatewayKeyRecord(
                draft,
                id: GatewayKeyID(key.id),
                group: group,
                createdBy: actor.name,
                now: now
            )
            try keys.insert(record, digest: key.digest, in: session)
            return record
        }
        return IssuedKey(record: record, secret: key.text)
    }
}
