internal import Auth
package import Conversations
package import Core
package import Database

/// Which sessions a list shows.
package struct SessionsWanted: Sendable, Equatable {
    /// Only this group's; nil: the actor's own, or all for a system administrator who asks for others' sessions.
    package var group: GroupID?
    /// Only this person's, or everybody's for `*`; nil: the actor's own.
    package var user: String?
    /// Only this key's.
    package var key: String?
    package var agentID: String?

    package init(group: GroupID? = nil, user: String? = nil, key: String? = nil, agentID: String? = nil) {
        self.group = group
        self.user = user
        self.key = key
        self.agentID = agentID
    }
}

extension Administration {
    /// Lists sessions, the newest first: one's own, or those of others for who may see them.
    ///
    /// The operator, who has none, sees all.
    ///
    /// - Throws: `GatewayError`; `FORBIDDEN` to members who ask for others' sessions.
    package func listSessions(
        _ page: PageRequest,
        _ wanted: SessionsWanted,
        by actor: Actor
    ) async throws(GatewayError) -> Page<Session> {
        let access = try Self.access(to: wanted, by: actor)
        let filter = SessionStore.Filter(
            user: wanted.user.flatMap { $0 == "*" ? nil : UserID($0) },
            key: wanted.key,
            agentID: wanted.agentID
        )
        do {
            return try await self.database.read { try SessionStore().list(page, for: access, filter: filter, in: $0) }
        } catch {
            throw GatewayError(administration: error, isChange: false)
        }
    }

    private static func access(to wanted: SessionsWanted, by actor: Actor) throws(GatewayError) -> SessionAccess {
        let owner = Self.sessionOwner(actor)
        let isOwn = wanted.group == nil || wanted.group == actor.group
        if let owner, let group = actor.group, isOwn {
            switch (wanted.user, wanted.key, owner) {
            case (nil, nil, _) where wanted.group == nil: return .own(owner, in: group)
            case (let user?, nil, .user(let own)) where user == own.text: return .own(owner, in: group)
            case (nil, let key?, .key(let own)) where key == own: return .own(owner, in: group)
            default: break
            }
        }
        try Permission(.groupAdmin, in: wanted.group).check(actor)
        if let group = wanted.group { return .group(group) }
        return Self.sessionAccess(actor)
    }
}
