package import Core
package import Database

/// The groups, in a transaction of the caller.
///
/// Every change counts up the store's revision.
package struct GroupStore: Sendable {
    package init() {}

    /// Adds a group.
    ///
    /// - Throws: `TenantError.duplicateID`.
    package func insert(_ group: Group, in session: any SQLSession) throws(TenantError) {
        try stored(adding: group.id.text) { () throws(DatabaseError) in
            try session.execute(
                """
                INSERT INTO groups (id, name, created_at, updated_at)
                VALUES (\(group.id), \(group.name), \(group.createdAt), \(group.updatedAt))
                """
            )
            try session.bumpRevision()
        }
    }

    /// Gives a group.
    ///
    /// - Throws: `TenantError.groupNotFound`.
    package func get(_ id: GroupID, in session: any SQLSession) throws(TenantError) -> Group {
        guard let group = try self.find(id, in: session) else { throw .groupNotFound }
        return group
    }

    /// Gives a group, or nil if there is none.
    package func find(_ id: GroupID, in session: any SQLSession) throws(TenantError) -> Group? {
        try stored { () throws(DatabaseError) in
            guard let row = try session.first(Self.select + " WHERE id = \(id)") else { return nil }
            return try Self.group(row)
        }
    }

    /// Lists groups, the oldest first.
    ///
    /// - Parameter only: The one group a caller may see; nil for all.
    package func list(
        _ page: PageRequest = .first,
        only: GroupID? = nil,
        in session: any SQLSession
    ) throws(TenantError) -> Page<Group> {
        let filter: SQL = if let only { "id = \(only)" } else { "1 = 1" }
        let rows = try stored { () throws(DatabaseError) in
            try session.map(Self.select + page.clause(where: filter), Self.group)
        }
        return Page(rows, for: page) { PageRequest.Position(createdAt: $0.createdAt, id: $0.id.text) }
    }

    /// Gives a group another name.
    ///
    /// - Throws: `TenantError.groupNotFound`, `.invalid`.
    @discardableResult
    package func rename(
        _ id: GroupID,
        to name: String,
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> Group {
        var group = try self.get(id, in: session)
        group.name = try TenantRule.name(name)
        group.updatedAt = now
        try stored { () throws(DatabaseError) in
            try session.execute("UPDATE groups SET name = \(group.name), updated_at = \(now) WHERE id = \(id)")
            try session.bumpRevision()
        }
        return group
    }

    /// Deletes a group with its users, keys and credentials.
    ///
    /// - Throws: `TenantError.groupNotFound`; `.lastSystemAdmin` if no system administrator of another group is left.
    package func delete(_ id: GroupID, in session: any SQLSession) throws(TenantError) {
        let adminsElsewhere = try stored { () throws(DatabaseError) in
            try UserStore.enabledAdmins(except: "group_id = \(id)", in: session)
        }
        let adminsHere = try stored { () throws(DatabaseError) in
            try UserStore.enabledAdmins(except: "group_id <> \(id)", in: session)
        }
        guard adminsHere == 0 || adminsElsewhere > 0 else { throw .lastSystemAdmin }
        let count = try stored { () throws(DatabaseError) in
            let count = try session.execute("DELETE FROM groups WHERE id = \(id)")
            if count > 0 { try session.bumpRevision() }
            return count
        }
        guard count > 0 else { throw .groupNotFound }
    }

    private static let select: SQL = "SELECT id, name, created_at, updated_at FROM groups"

    private static func group(_ row: SQLRow) throws(DatabaseError) -> Group {
        Group(
            stored: GroupID(try row.text("id")),
            name: try row.text("name"),
            createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at")
        )
    }
}
