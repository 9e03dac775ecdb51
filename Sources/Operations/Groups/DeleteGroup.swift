internal import Auth
package import Core
internal import Database

extension Administration {
    /// Deletes a group with its users, keys and credentials.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` if nobody could administer the gateway afterwards.
    package func deleteGroup(_ id: GroupID, by actor: Actor) async throws(GatewayError) {
        let groups = self.groups
        let deed = Deed("group.delete", id.text, in: id)
        try await self.change(deed, by: actor, needing: Permission(.systemAdmin, in: id)) { session, _, _ in
            try groups.delete(id, in: session)
        }
    }
}
