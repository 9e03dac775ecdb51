package import Conversations
package import Core
internal import Database

extension Administration {
    /// Makes a session whose first messages are those of another.
    ///
    /// It belongs to whoever makes it; where that is somebody of another group, or the operator, to the other's owner.
    ///
    /// - Parameters:
    ///   - seq: The last message to copy; nil for all.
    ///   - title: Nil for the other's.
    /// - Throws: `GatewayError`; `NOT_FOUND` also for a session that the actor may not see.
    package func forkSession(
        _ id: String,
        at seq: Int?,
        title: String?,
        by actor: Actor
    ) async throws(GatewayError) -> Session {
        let (copy, maker, group) = (self.freshSessionID(), Self.sessionOwner(actor), actor.group)
        return try await self.changeSession("session.fork", id, by: actor, .process) { session, access, now in
            let store = SessionStore()
            let source = try store.get(id, for: access, in: session)
            return try store.fork(
                id,
                at: seq,
                as: copy,
                of: source.group == group ? maker : nil,
                title: title,
                for: access,
                now: now,
                in: session
            )
        }
    }
}
