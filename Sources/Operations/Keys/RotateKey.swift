internal import Auth
internal import Conversations
package import Core
internal import Database

extension Administration {
    /// Puts a new key in the place of one that goes on working for a while; sessions of the key itself are the new
    /// one's.
    ///
    /// - Parameter overlap: How long both work: none to 30 days.
    /// - Throws: `GatewayError`; `CONFLICT` if the key has ended or was rotated before.
    package func rotateKey(
        _ id: GatewayKeyID,
        of group: GroupID,
        overlap: Duration,
        by actor: Actor
    ) async throws(GatewayError) -> RotatedKey {
        let keys = self.keys
        let new = self.freshKey()
        let deed = Deed(
            "key.rotate",
            id.text,
            in: group,
            details: [("replacedBy", .string(new.id)), ("overlapSeconds", .integer(overlap.components.seconds))]
        )
        let permission = Permission(.groupAdmin, in: group)
        let pair = try await self.change(deed, by: actor, needing: permission) { session, now, _ in
            try Self.checkReach(of: actor, to: keys.get(id, of: group, in: session).owner, of: group, in: session)
            try SessionStore().move(from: id.text, to: new.id, in: group, session)
            return try keys.rotate(
                id,
                of: group,
                to: new,
                overlap: overlap,
                createdBy: actor.name,
                now: now,
                in: session
            )
        }
        return RotatedKey(old: pair.old, new: IssuedKey(record: pair.new, secret: new.text))
    }
}
