internal import Conversations
package import Core
internal import Database

extension Administration {
    /// Deletes a session with its messages.
    ///
    /// It is out of sight, for good, before the first message goes.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND`, also for one that the actor may not see.
    package func deleteSession(_ id: String, by actor: Actor) async throws(GatewayError) {
        try await self.changeSession("session.delete", id, by: actor, .power) { session, access, now in
            _ = try SessionStore().delete(id, for: access, now: now, in: session)
        }
        await self.sweepSessions()
    }
}
