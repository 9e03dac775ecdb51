package import Auth
package import Core
package import Database

/// Who somebody is here.
package struct Whoami: Sendable {
    package let actor: Actor
    /// Nil for the operator.
    package let group: Group?
    /// Nil if they are not a person of the store.
    package let user: User?
}

extension Administration {
    /// Tells somebody who they are; open to everybody with a valid key.
    package func whoami(_ actor: Actor) async throws(GatewayError) -> Whoami {
        let (groups, users) = (self.groups, self.users)
        // What anybody may: look at themselves.
        return try await self.look(by: actor, needing: Permission(.member)) { session in
            var user: User?
            if let id = actor.user, let group = actor.group {
                do throws(TenantError) {
                    user = try users.get(id, of: group, in: session)
                } catch .userNotFound {
                    // Known by a token alone.
                }
            }
            return Whoami(
                actor: actor,
                group: try actor.group.flatMap { id throws(TenantError) in try groups.find(id, in: session) },
                user: user
            )
        }
    }

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

    package func group(_ id: GroupID, by actor: Actor) async throws(GatewayError) -> Group {
        let groups = self.groups
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: id)) { session in
            try groups.get(id, in: session)
        }
    }

    /// Lists the groups an actor may see: all, or their own.
    package func listGroups(_ page: PageRequest, by actor: Actor) async throws(GatewayError) -> Page<Group> {
        let groups = self.groups
        let scope = Permission.scope(of: actor)
        return try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            try groups.list(page, only: scope, in: session)
        }
    }

    package func renameGroup(_ id: GroupID, to name: String, by actor: Actor) async throws(GatewayError) -> Group {
        let groups = self.groups
        let deed = Deed("group.rename", id.text, in: id)
        return try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: id)) { session, now, deed in
            let group = try groups.rename(id, to: name, now: now, in: session)
            deed.details.append(("name", .string(group.name)))
            return group
        }
    }

    /// Deletes a group with its users, keys and credentials.
    ///
    /// - Throws: `GatewayError`; `CONFLICT` if nobody could administer the gateway afterwards.
    package func deleteGroup(_ id: GroupID, by actor: Actor) async throws(GatewayError) {
        let groups = self.groups
        let deed = Deed("group.delete", id.text, in: id)
        try await self.change(deed, by: actor, needing: Permission(.systemAdmin, in: id)) { session, _, _ in
            try groups.delete(id, in: session)
        }
    }

    /// A prefix and 16 characters of Crockford's base 32: 80 random bits.
    func freshID(_ prefix: String) -> String {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        var random = self.surroundings.generator()
        let text = (0..<16).map { _ in alphabet[Int(random.next() & 31)] }
        return prefix + String(decoding: text, as: UTF8.self)
    }
}
