internal import Audit
internal import Auth
package import Conversations
internal import Core
internal import Database

/// Who may do what with sessions.
///
/// A session is its owner's. Administrators of its group, and of all, may see it, change it and delete it too; what
/// they do to another's is in the audit log, what people do with their own is not. To everybody else it does not
/// exist (row 44).
extension Administration {
    /// Whose sessions an actor makes; nil for the operator, who has none.
    package static func sessionOwner(_ actor: Actor) -> SessionOwner? {
        if let user = actor.user { return .user(user) }
        return actor.keyID.map { .key($0) }
    }

    /// Which sessions an actor may see.
    package static func sessionAccess(_ actor: Actor) -> SessionAccess {
        guard actor.role != .systemAdmin else { return .all }
        // Nobody but the operator is without a group, and nobody is a group of that name.
        let group = actor.group ?? GroupID("")
        if actor.role == .groupAdmin { return .group(group) }
        return .own(Self.sessionOwner(actor) ?? .key(""), in: group)
    }

    /// Makes a change to a session, with an audit record if it is not the actor's own.
    ///
    /// - Parameters:
    ///   - action: As the audit log names it.
    ///   - durability: What it must outlive; an audit record outlives the power.
    func changeSession<Result: Sendable>(
        _ action: String,
        _ id: String,
        by actor: Actor,
        _ durability: WriteDurability,
        _ body: @escaping @Sendable (any SQLSession, SessionAccess, UnixTime) throws -> Result
    ) async throws(GatewayError) -> Result {
        let (now, audit, store) = (self.surroundings.now(), self.surroundings.audit(), SessionStore())
        let (access, owner) = (Self.sessionAccess(actor), Self.sessionOwner(actor))
        do {
            return try await self.database.write(access.owner == nil ? .power : durability) { session in
                let before = try store.get(id, for: access, in: session)
                let isOwn = try owner.map { try store.heir(of: $0, in: session) == before.owner } ?? false
                let result = try body(session, access, now)
                if !isOwn || before.group != actor.group {
                    let owner: (String, JSONValue) =
                        switch before.owner {
                        case .user(let user): ("userId", .string(user.text))
                        case .key(let key): ("keyOfSession", .string(key))
                        }
                    let deed = Deed(action, id, in: before.group, details: [owner])
                    try audit.append(deed.entry(by: actor, .done), now: now, in: session)
                }
                return result
            }
        } catch {
            throw GatewayError(administration: error, isChange: true)
        }
    }

    /// Deletes what is out of sight, a piece at a time.
    ///
    /// What it does not get to is deleted with the next session, or at the next start.
    package func sweepSessions() async {
        let store = SessionStore()
        while (try? await self.database.write(.process) { try store.sweep(in: $0) }) == true {}
    }
}
