package import Conversations
package import Core
internal import Database

extension Administration {
    /// Gives a session.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND`, also for one that the actor may not see.
    package func session(_ id: String, by actor: Actor) async throws(GatewayError) -> Session {
        let access = Self.sessionAccess(actor)
        do {
            return try await self.database.read { try SessionStore().get(id, for: access, in: $0) }
        } catch {
            throw GatewayError(administration: error, isChange: false)
        }
    }

    /// Gives messages of a session, and the number of the last one if there are more behind it.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND`, also for a session that the actor may not see.
    package func sessionMessages(
        _ page: MessagePage,
        of id: String,
        by actor: Actor
    ) async throws(GatewayError) -> (messages: [SessionMessage], next: Int?) {
        let access = Self.sessionAccess(actor)
        do {
            return try await self.database.read { try SessionStore().messages(page, of: id, for: access, in: $0) }
        } catch {
            throw GatewayError(administration: error, isChange: false)
        }
    }
}
