package import Auth
package import Core
internal import Database

extension Administration {
    /// Gives a group another name for people.
    package func renameGroup(_ id: GroupID, to name: String, by actor: Actor) async throws(GatewayError) -> Group {
        let groups = self.groups
        let deed = Deed("group.rename", id.text, in: id)
        return try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: id)) { session, now, deed in
            let group = try groups.rename(id, to: name, now: now, in: session)
            deed.details.append(("name", .string(group.name)))
            return group
        }
    }
}
