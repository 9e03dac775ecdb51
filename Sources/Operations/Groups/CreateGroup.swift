package import Auth
package import Core
internal import Database

extension Administration {
    /// Makes a group.
    ///
    /// - Parameters:
    ///   - id: Made here if nil.
    ///   - name: The id if nil.
    /// - Throws: `GatewayError`; `CONFLICT` if the id is taken.
    package func createGroup(id: GroupID?, name: String?, by actor: Actor) async throws(GatewayError) -> Group {
        let id = id ?? GroupID(self.freshID("g_"))
        let groups = self.groups
        let deed = Deed("group.create", id.text, in: id)
        return try await self.change(deed, by: actor, needing: Permission(.systemAdmin)) { session, now, deed in
            let group = try Group(id: id, name: name, now: now)
            deed.details.append(("name", .string(group.name)))
            try groups.insert(group, in: session)
            return group
        }
    }
}
