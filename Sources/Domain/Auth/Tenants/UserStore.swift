package import Core
package import Database

/// The people, in a transaction of the caller.
///
/// Every change counts up the store's revision. Each function that takes a group finds nobody of another group.
package struct UserStore: Sendable {
    package init() {}

    /// What a list shows.
    package struct Filter: Sendable {
        package var role: Role?
        package var isEnabled: Bool?
        /// The whole address, letters of any case.
        package var email: String?

        package init(role: Role? = nil, isEnabled: Bool? = nil, email: String? = nil) {
            self.role = role
            self.isEnabled = isEnabled
            self.email = email
        }

        fileprivate var condition: SQL {
            var sql: SQL = "1 = 1"
            if let role = self.role { sql += " AND role = \(role.rawValue)" }
            if let isEnabled = self.isEnabled {
                sql += isEnabled ? " AND disabled_at IS NULL" : " AND disabled_at IS NOT NULL"
            }
            if let email = self.email { sql += " AND lower(email) = lower(\(email))" }
            return sql
        }
    }

    /// What a caller wants to change; nil leaves a field as it is.
    package struct Changes: Sendable {
        package var name: String?
        /// `.some(nil)` takes the address away.
        package var email: String??
        package var role: Role?

        package init(name: String? = nil, email: String?? = nil, role: Role? = nil) {
            self.name = name
            self.email = email
            self.role = role
        }
    }

    /// Adds a person.
    ///
    /// - Throws: `TenantError.duplicateID`, `.duplicateIdentity`, `.groupNotFound`.
    package func insert(_ user: User, in session: any SQLSession) throws(TenantError) {
        try stored(adding: user.id.text) { () throws(DatabaseError) in
            try session.execute(
                """
                INSERT INTO users
                    (id, group_id, name, email, role, issuer, subject, disabled_at, created_at, updated_at)
                VALUES (
                    \(user.id), \(user.group), \(user.name), \(user.email), \(user.role.rawValue),
                    \(user.identity?.issuer), \(user.identity?.subject), \(user.disabledAt),
                    \(user.createdAt), \(user.updatedAt)
                )
                """
            )
            try session.bumpRevision()
        }
    }

    /// Gives a person of a group.
    ///
    /// - Throws: `TenantError.userNotFound`, also for somebody of another group.
    package func get(_ id: UserID, of group: GroupID, in session: any SQLSession) throws(TenantError) -> User {
        try self.one(where: "id = \(id) AND group_id = \(group)", in: session)
    }

    /// Gives a person of any group.
    ///
    /// - Throws: `TenantError.userNotFound`.
    package func get(_ id: UserID, in session: any SQLSession) throws(TenantError) -> User {
        try self.one(where: "id = \(id)", in: session)
    }

    /// Finds who a token is about, or nil if nobody has this identity.
    package func find(_ identity: User.Identity, in session: any SQLSession) throws(TenantError) -> User? {
        try stored { () throws(DatabaseError) in
            let filter: SQL = " WHERE issuer = \(identity.issuer) AND subject = \(identity.subject)"
            guard let row = try session.first(Self.select + filter) else { return nil }
            return try Self.user(row)
        }
    }

    /// Lists people, those who were added first first.
    ///
    /// - Parameter group: Nil for all groups.
    package func list(
        _ page: PageRequest = .first,
        of group: GroupID?,
        filter: Filter = Filter(),
        in session: any SQLSession
    ) throws(TenantError) -> Page<User> {
        var condition = filter.condition
        if let group { condition += " AND group_id = \(group)" }
        let rows = try stored { () throws(DatabaseError) in
            try session.map(Self.select + page.clause(where: condition), Self.user)
        }
        return Page(rows, for: page) { PageRequest.Position(createdAt: $0.createdAt, id: $0.id.text) }
    }

    /// Changes what is given and leaves the rest.
    ///
    /// - Throws: `TenantError.userNotFound`, `.invalid`; `.lastSystemAdmin` if nobody else could administer any more.
    @discardableResult
    package func update(
        _ id: UserID,
        of group: GroupID,
        _ changes: Changes,
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> User {
        var user = try self.get(id, of: group, in: session)
        if let name = changes.name { user.name = try TenantRule.name(name) }
        if let email = changes.email { user.email = try TenantRule.email(email) }
        if let role = changes.role {
            if role != .systemAdmin { try self.checkNotLast(user, in: session) }
            user.role = role
        }
        user.updatedAt = now
        try stored { () throws(DatabaseError) in
            try session.execute(
                """
                UPDATE users SET
                    name = \(user.name), email = \(user.email), role = \(user.role.rawValue), updated_at = \(now)
                WHERE id = \(id)
                """
            )
            try session.bumpRevision()
        }
        return user
    }

    /// Stops keys and tokens of a person from working, or lets them work again.
    ///
    /// Repeating it changes nothing; the time of the first stays.
    ///
    /// - Throws: `TenantError.userNotFound`, `.lastSystemAdmin`.
    @discardableResult
    package func setEnabled(
        _ isEnabled: Bool,
        _ id: UserID,
        of group: GroupID,
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> User {
        var user = try self.get(id, of: group, in: session)
        guard user.isEnabled != isEnabled else { return user }
        if !isEnabled { try self.checkNotLast(user, in: session) }
        user.disabledAt = isEnabled ? nil : now
        user.updatedAt = now
        try stored { () throws(DatabaseError) in
            try session.execute(
                "UPDATE users SET disabled_at = \(user.disabledAt), updated_at = \(now) WHERE id = \(id)"
            )
            try session.bumpRevision()
        }
        return user
    }

    /// Deletes a person with their keys.
    ///
    /// - Throws: `TenantError.userNotFound`, `.lastSystemAdmin`.
    package func delete(_ id: UserID, of group: GroupID, in session: any SQLSession) throws(TenantError) {
        let user = try self.get(id, of: group, in: session)
        try self.checkNotLast(user, in: session)
        try stored { () throws(DatabaseError) in
            try session.execute("DELETE FROM users WHERE id = \(id)")
            try session.bumpRevision()
        }
    }

    // MARK: -

    /// Refuses if `user` is the only system administrator who can still do something.
    private func checkNotLast(_ user: User, in session: any SQLSession) throws(TenantError) {
        guard user.role == .systemAdmin, user.isEnabled else { return }
        let others = try stored { () throws(DatabaseError) in
            try Self.enabledAdmins(except: "id = \(user.id)", in: session)
        }
        guard others > 0 else { throw .lastSystemAdmin }
    }

    /// How many enabled system administrators there are, besides those that fulfil a condition.
    static func enabledAdmins(except condition: SQL, in session: any SQLSession) throws(DatabaseError) -> Int64 {
        let row = try session.first(
            """
            SELECT count(*) AS n FROM users
            WHERE role = 'system_admin' AND disabled_at IS NULL AND NOT (\(condition))
            """
        )
        return try row?.integer("n") ?? 0
    }

    private func one(where condition: SQL, in session: any SQLSession) throws(TenantError) -> User {
        let user = try stored { () throws(DatabaseError) -> User? in
            guard let row = try session.first(Self.select + " WHERE \(condition)") else { return nil }
            return try Self.user(row)
        }
        guard let user else { throw .userNotFound }
        return user
    }

    private static let select: SQL = """
        SELECT id, group_id, name, email, role, issuer, subject, disabled_at, created_at, updated_at FROM users
        """

    private static func user(_ row: SQLRow) throws(DatabaseError) -> User {
        guard let role = Role(rawValue: try row.text("role")) else { throw .badColumn("role", expected: "a role") }
        var identity: User.Identity?
        if let issuer = try row.optionalText("issuer"), let subject = try row.optionalText("subject") {
            identity = User.Identity(issuer: issuer, subject: subject)
        }
        return User(
            stored: UserID(try row.text("id")),
            group: GroupID(try row.text("group_id")),
            name: try row.text("name"),
            email: try row.optionalText("email"),
            role: role,
            identity: identity,
            disabledAt: try row.optionalTime("disabled_at"),
            createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at")
        )
    }
}
