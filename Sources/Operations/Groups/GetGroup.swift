package import Auth
package import Core
internal import Database

extension Administration {
    /// Gives a group.
    ///
    /// - Throws: `GatewayError`; `NOT_FOUND` also for a group the actor has nothing to do with.
    package func group(_ id: GroupID, by actor: Actor) async throws(GatewayError) -> Group {
        let groups = self.groups
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: id)) { session in
            try groups.get(id, in: session)
        }
    }
}
