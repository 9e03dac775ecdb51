package import Conversations
package import Core
internal import Database

extension Administration {
    /// Changes what is given of a session.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND`, also for one that the actor may not see.
    package func updateSession(
        _ id: String,
        _ changes: SessionChanges,
        by actor: Actor
    ) async throws(GatewayError) -> Session {
        try await self.changeSession("session.update", id, by: actor, .process) { session, access, now in
            try SessionStore().update(id, changes, for: access, now: now, in: session)
        }
    }
}
