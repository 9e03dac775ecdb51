internal import Auth
internal import Conversations
package import Core
internal import Database
internal import Tasks

extension Administration {
    /// Deletes a person with their keys and sessions.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` for the last system administrator.
    package func deleteUser(_ id: UserID, of group: GroupID, by actor: Actor) async throws(GatewayError) {
        let users = self.users
        let deed = Deed("user.delete", id.text, in: group)
        try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: group)) { session, now, deed in
            let user = try users.get(id, of: group, in: session)
            try Permission.checkReach(of: actor, to: user.role)
            deed.details.append(("role", .string(user.role.rawValue)))
            try users.delete(id, of: group, in: session)
            try TaskStore().deleteAll(of: TaskOwner(group: group, user: id), in: session)
            try SessionStore().deleteAll(of: id, in: group, now: now, session)
        }
        await self.sweepSessions()
    }
}
