package import Core
package import Database

/// Conversations, in a transaction of the caller.
///
/// What a caller may not see is to them as if it did not exist (row 44).
package struct SessionStore: Sendable {
    package init() {}

    /// What a list shows.
    package struct Filter: Sendable, Equatable {
        package var user: UserID?
        package var key: String?
        package var agentID: String?

        package init(user: UserID? = nil, key: String? = nil, agentID: String? = nil) {
            self.user = user
            self.key = key
            self.agentID = agentID
        }

        fileprivate var condition: SQL {
            var sql: SQL = ""
            if let user = self.user { sql += " AND user_id = \(user)" }
            if let key = self.key { sql += " AND key_id = \(key)" }
            if let agent = self.agentID { sql += " AND agent_id = \(agent)" }
            return sql
        }
    }

    /// A new id: `ses_` and 26 characters of Crockford's base 32.
    package static func freshID(using random: inout some RandomNumberGenerator) -> String {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        let text = (0..<26).map { _ in alphabet[Int(random.next() & 31)] }
        return "ses_" + String(decoding: text, as: UTF8.self)
    }

    /// Begins a session.
    ///
    /// - Throws: `SessionError.invalid`, `.tooManySessions`, `.groupNotFound`.
    package func insert(
        _ draft: SessionDraft,
        id: String,
        of owner: SessionOwner,
        in group: GroupID,
        now: UnixTime,
        in session: any SQLSession
    ) throws(SessionError) -> Session {
        let draft = try draft.checked()
        let owner = try self.heir(of: owner, in: session)
        try self.checkRoom(for: owner, in: group, session)
        let made = Session(
            id: id,
            group: group,
            owner: owner,
            agentID: draft.agentID,
            model: draft.model,
            system: draft.system,
            title: draft.title,
            history: draft.history,
            createdAt: now,
            updatedAt: now,
            nextSeq: 1,
            tokens: 0
        )
        try self.insert(made, in: session)
        return made
    }

    /// Gives a session.
    ///
    /// - Throws: `SessionError.notFound`.
    package func get(
        _ id: String,
        for access: SessionAccess,
        in session: any SQLSession
    ) throws(SessionError) -> Session {
        let condition = try self.condition(access, in: session)
        let found = try kept { () throws(DatabaseError) in
            try session.first(Session.select + " WHERE id = \(id) AND " + condition).map(Session.init)
        }
        guard let found else { throw .notFound }
        return found
    }

    /// Lists sessions, the newest first.
    package func list(
        _ page: PageRequest = .first,
        for access: SessionAccess,
        filter: Filter = Filter(),
        in session: any SQLSession
    ) throws(SessionError) -> Page<Session> {
        let condition = try self.condition(access, in: session) + filter.condition
        let rows = try kept { () throws(DatabaseError) in
            try session.map(Session.select + page.clause(where: condition, newestFirst: true), Session.init)
        }
        return Page(rows, for: page) { PageRequest.Position(createdAt: $0.createdAt, id: $0.id) }
    }

    /// Changes what is given and leaves the rest.
    ///
    /// - Throws: `SessionError.notFound`, `.invalid`.
    package func update(
        _ id: String,
        _ changes: SessionChanges,
        for access: SessionAccess,
        now: UnixTime,
        in session: any SQLSession
    ) throws(SessionError) -> Session {
        var changed = try self.get(id, for: access, in: session)
        if let title = changes.title { changed.title = try SessionRule.title(title) }
        if let agent = changes.agentID { changed.agentID = try SessionRule.name(agent, field: "agentId") }
        if let model = changes.model { changed.model = try SessionRule.name(model, field: "model") }
        if let system = changes.system { changed.system = try SessionRule.system(system) }
        if let history = changes.history { changed.history = history }
        changed.updatedAt = now
        let (title, agent, model) = (changed.title, changed.agentID, changed.model)
        let (system, history) = (changed.system, changed.history?.json.text)
        try kept { () throws(DatabaseError) in
            _ = try session.execute(
                """
                UPDATE sessions SET title = \(title), agent_id = \(agent), model = \(model), system = \(system),
                    history = \(history), updated_at = \(now)
                WHERE id = \(id)
                """
            )
        }
        return changed
    }

    /// Gives the sessions of a key to the one that takes its place.
    package func move(
        from key: String,
        to heir: String,
        in group: GroupID,
        _ session: any SQLSession
    ) throws(SessionError) {
        try kept { () throws(DatabaseError) in
            _ = try session.execute(
                "UPDATE sessions SET key_id = \(heir) WHERE group_id = \(group) AND key_id = \(key)"
            )
        }
    }

    /// Keeps what was made of the messages up to one.
    ///
    /// An older summary never takes the place of a newer one. Safe to repeat.
    ///
    /// - Returns: Whether it is the session's summary now.
    @discardableResult
    package func setSummary(
        _ summary: SessionSummary,
        of id: String,
        in session: any SQLSession
    ) throws(SessionError) -> Bool {
        guard summary.text.utf8.count <= SessionRule.summaryBytesMax, !summary.text.utf8.contains(0) else {
            throw .invalid(field: "summary", expected: "a text of at most 64 KiB without NUL")
        }
        return try kept { () throws(DatabaseError) in
            try session.execute(
                """
                UPDATE sessions SET summary = \(summary.text), summary_through = \(summary.throughSeq)
                WHERE id = \(id) AND deleted_at IS NULL AND next_seq > \(summary.throughSeq)
                    AND (summary_through IS NULL OR summary_through < \(summary.throughSeq))
                """
            ) > 0
        }
    }

    // MARK: - Whose they are

    /// What a session must be for the caller to see it.
    func condition(_ access: SessionAccess, in session: any SQLSession) throws(SessionError) -> SQL {
        var sql: SQL = "deleted_at IS NULL"
        if let group = access.group { sql += " AND group_id = \(group)" }
        switch try access.owner.map({ owner throws(SessionError) in try self.heir(of: owner, in: session) }) {
        case .user(let user)?: sql += " AND user_id = \(user)"
        case .key(let key)?: sql += " AND key_id = \(key)"
        case nil: break
        }
        return sql
    }

    /// The owner itself, or the key that took its place: both may be in use for a while, on the same sessions.
    package func heir(of owner: SessionOwner, in session: any SQLSession) throws(SessionError) -> SessionOwner {
        guard case .key(var key) = owner else { return owner }
        let rotationsMax = 100
        for _ in 0..<rotationsMax {
            let next = try kept { () throws(DatabaseError) in
                try session.first("SELECT replaced_by FROM gateway_keys WHERE id = \(key)")?
                    .optionalText("replaced_by")
            }
            guard let next else { break }
            key = next
        }
        return .key(key)
    }

    func checkRoom(for owner: SessionOwner, in group: GroupID, _ session: any SQLSession) throws(SessionError) {
        let filter: SQL =
            switch owner {
            case .user(let user): "user_id = \(user)"
            case .key(let key): "key_id = \(key)"
            }
        let count = try kept { () throws(DatabaseError) in
            try session.first(
                "SELECT COUNT(*) AS n FROM sessions WHERE group_id = \(group) AND \(filter) AND deleted_at IS NULL"
            )?.integer("n") ?? 0
        }
        guard count < SessionRule.sessionsMax else { throw .tooManySessions }
    }

    func insert(_ made: Session, in session: any SQLSession) throws(SessionError) {
        let (user, key) = made.owner.columns
        try kept { () throws(DatabaseError) in
            _ = try session.execute(
                """
                INSERT INTO sessions (id, group_id, user_id, key_id, agent_id, model, system, title, history,
                    created_at, updated_at, last_used_at, next_seq, tokens, summary, summary_through, forked_from,
                    forked_seq)
                VALUES (\(made.id), \(made.group), \(user), \(key), \(made.agentID), \(made.model), \(made.system),
                    \(made.title), \(made.history?.json.text), \(made.createdAt), \(made.updatedAt),
                    \(made.lastUsedAt), \(made.nextSeq), \(made.tokens), \(made.summary?.text),
                    \(made.summary?.throughSeq), \(made.forkedFrom?.session), \(made.forkedFrom?.seq))
                """
            )
        }
    }
}
