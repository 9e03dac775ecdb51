package import Core
package import Database

/// How sessions end, and how others come out of them.
extension SessionStore {
    /// Messages that one step of a deletion takes, so that no writer waits for long.
    package static let batch = 200

    /// Takes a session out of sight for good; its messages go with `sweep`.
    ///
    /// - Returns: The session that was deleted.
    /// - Throws: `SessionError.notFound`.
    @discardableResult
    package func delete(
        _ id: String,
        for access: SessionAccess,
        now: UnixTime,
        in session: any SQLSession
    ) throws(SessionError) -> Session {
        let gone = try self.get(id, for: access, in: session)
        try kept { () throws(DatabaseError) in
            _ = try session.execute("UPDATE sessions SET deleted_at = \(now) WHERE id = \(id)")
        }
        return gone
    }

    /// Takes all sessions of a person out of sight.
    package func deleteAll(
        of user: UserID,
        in group: GroupID,
        now: UnixTime,
        _ session: any SQLSession
    ) throws(SessionError) {
        try kept { () throws(DatabaseError) in
            _ = try session.execute(
                """
                UPDATE sessions SET deleted_at = \(now)
                WHERE group_id = \(group) AND user_id = \(user) AND deleted_at IS NULL
                """
            )
        }
    }

    /// Deletes a piece of what was taken out of sight.
    ///
    /// Each in a transaction of its own, until there is no more.
    ///
    /// - Returns: Whether there may be more.
    package func sweep(in session: any SQLSession) throws(SessionError) -> Bool {
        try kept { () throws(DatabaseError) in
            guard let row = try session.first("SELECT id FROM sessions WHERE deleted_at IS NOT NULL LIMIT 1") else {
                return false
            }
            let id = try row.text("id")
            let count = try session.execute(
                """
                DELETE FROM session_messages WHERE session_id = \(id) AND seq IN (
                    SELECT seq FROM session_messages WHERE session_id = \(id) LIMIT \(Self.batch)
                )
                """
            )
            if count < Self.batch { _ = try session.execute("DELETE FROM sessions WHERE id = \(id)") }
            return true
        }
    }

    /// Makes a session whose first messages are those of another up to one of them.
    ///
    /// An answer that is still running is copied as far as it came, as cut.
    ///
    /// - Parameters:
    ///   - id: The session to copy from.
    ///   - seq: The last message to copy; 0 for none, nil for all.
    ///   - copy: The new session's id.
    ///   - owner: Whose it is; nil: whose the other is.
    ///   - title: Nil: the other's.
    /// - Throws: `SessionError.notFound`, `.noSuchMessage`, `.tooManySessions`, `.invalid`.
    package func fork(
        _ id: String,
        at seq: Int?,
        as copy: String,
        of owner: SessionOwner? = nil,
        title: String? = nil,
        for access: SessionAccess,
        now: UnixTime,
        in session: any SQLSession
    ) throws(SessionError) -> Session {
        let source = try self.get(id, for: access, in: session)
        let last = seq ?? source.count
        guard (0...source.count).contains(last) else { throw .noSuchMessage }
        let owner = try self.heir(of: owner ?? source.owner, in: session)
        try self.checkRoom(for: owner, in: source.group, session)
        let title = try title.map { text throws(SessionError) in try SessionRule.title(text) } ?? source.title
        let tokens = try kept { () throws(DatabaseError) in
            try session.first(
                "SELECT COALESCE(SUM(tokens), 0) AS n FROM session_messages WHERE session_id = \(id) AND seq <= \(last)"
            )?.integer("n") ?? 0
        }
        let made = Session(
            id: copy,
            group: source.group,
            owner: owner,
            agentID: source.agentID,
            model: source.model,
            system: source.system,
            title: title,
            history: source.history,
            createdAt: now,
            updatedAt: now,
            nextSeq: last + 1,
            tokens: Int(clamping: tokens),
            summary: source.summary.flatMap { $0.throughSeq <= last ? $0 : nil },
            forkedFrom: SessionFork(session: id, seq: last)
        )
        try self.insert(made, in: session)
        try kept { () throws(DatabaseError) in
            _ = try session.execute(
                """
                INSERT INTO session_messages (session_id, seq, role, status, epoch, created_at, ended_at, request_id,
                    model, provider, finish, usage, cost, error, left_out, tokens, bytes, content)
                SELECT \(copy), seq, role, CASE status WHEN 'running' THEN 'cut' ELSE status END, NULL, created_at,
                    COALESCE(ended_at, \(now)), request_id, model, provider, finish, usage, cost, error, left_out,
                    tokens, bytes, content
                FROM session_messages WHERE session_id = \(id) AND seq <= \(last)
                """
            )
        }
        return made
    }
}
