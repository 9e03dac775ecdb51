package import Conversations
package import Core
internal import Database

extension Administration {
    /// Begins a session, which belongs to the actor.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` if they have as many as they can have.
    package func createSession(_ draft: SessionDraft, by actor: Actor) async throws(GatewayError) -> Session {
        guard let owner = Self.sessionOwner(actor), let group = actor.group else {
            throw GatewayError(.forbidden, "A session belongs to a person or to a key: make it with a gateway key.")
        }
        let (id, now) = (self.freshSessionID(), self.surroundings.now())
        do {
            return try await self.database.write(.process) { session in
                try SessionStore().insert(draft, id: id, of: owner, in: group, now: now, in: session)
            }
        } catch {
            throw GatewayError(administration: error, isChange: true)
        }
    }

    func freshSessionID() -> String {
        func make(_ random: some RandomNumberGenerator) -> String {
            var random = random
            return SessionStore.freshID(using: &random)
        }
        return make(self.surroundings.generator())
    }
}
