package import Core
package import Database
package import NIOCore

/// What happens while somebody is answered.
extension SessionStore {
    /// Takes what somebody says, makes room for the answer, and gives what the model is to be told.
    ///
    /// One transaction with everything in it: both messages are there or neither. Numbers follow each other without
    /// gaps, whoever else writes at the same time.
    ///
    /// - Parameters:
    ///   - new: What is said, and by whom; an answer is not begun while another is under way, unless it says so.
    ///   - now: When both messages begin.
    ///   - terms: How much of the conversation goes along, once the session is known. Must not wait.
    /// - Throws: `SessionError.notFound`, `.busy`, `.tooManyMessages`, `.tooLong`, `.invalid`; what `terms` throws.
    package func begin(
        _ new: NewMessage,
        now: UnixTime,
        in session: any SQLSession,
        terms: (Session) throws -> HistoryTerms
    ) throws -> SessionTurn {
        try SessionRule.check(new.content, bytesMax: SessionRule.messageBytesMax)
        let before = try self.get(new.session, for: new.access, in: session)
        guard before.nextSeq + 1 <= SessionRule.messagesMax else { throw SessionError.tooManyMessages }
        if !new.mayInterleave, let seq = try self.runningSeq(of: before.id, in: session) {
            throw SessionError.busy(seq: seq)
        }
        let wanted = try terms(before)
        let selection = try self.selection(of: before, wanted, in: session)
        let history = try self.told(selection.kept, of: before.id, in: session)
        var after = before
        after.nextSeq += 2
        after.tokens += SessionRule.tokens(new.tokens)
        after.lastUsedAt = now
        if after.title.isEmpty { after.title = try SessionRule.title(new.title) }
        let (leftOut, tokens) = (selection.leftOut?.json.text, SessionRule.tokens(new.tokens))
        let (question, answer) = (before.nextSeq, before.nextSeq + 1)
        try kept { () throws(DatabaseError) in
            _ = try session.execute(
                """
                INSERT INTO session_messages (session_id, seq, role, status, epoch, created_at, ended_at, request_id,
                    model, left_out, tokens, bytes, content)
                VALUES
                    (\(before.id), \(question), 'user', 'complete', NULL, \(now), \(now), \(new.requestID),
                        NULL, NULL, \(tokens), \(new.content.readableBytes), \(Array(new.content.readableBytesView))),
                    (\(before.id), \(answer), 'assistant', 'running', \(new.epoch), \(now), NULL, \(new.requestID),
                        \(new.model ?? before.model), \(leftOut), 0, 2, \(Array("[]".utf8)))
                """
            )
            _ = try session.execute(
                """
                UPDATE sessions SET next_seq = \(after.nextSeq), tokens = \(after.tokens), last_used_at = \(now),
                    title = \(after.title)
                WHERE id = \(before.id)
                """
            )
        }
        return SessionTurn(
            session: after,
            questionSeq: question,
            answerSeq: answer,
            history: history,
            summary: selection.usesSummary ? before.summary : nil,
            leftOut: selection.leftOut,
            toSummarize: selection.toSummarize
        )
    }

    /// Keeps how far an answer has come, so that a process that dies loses little.
    ///
    /// Safe to repeat; changes nothing once the answer is over.
    ///
    /// - Parameter content: JSON, a list of parts, at most `SessionRule.answerBytesMax`.
    /// - Returns: Whether the answer is still running.
    @discardableResult
    package func checkpoint(
        _ seq: Int,
        of id: String,
        content: ByteBuffer,
        in session: any SQLSession
    ) throws(SessionError) -> Bool {
        try SessionRule.check(content, bytesMax: SessionRule.answerBytesMax)
        return try kept { () throws(DatabaseError) in
            try session.execute(
                """
                UPDATE session_messages
                SET content = \(Array(content.readableBytesView)), bytes = \(content.readableBytes)
                WHERE session_id = \(id) AND seq = \(seq) AND status = 'running'
                """
            ) > 0
        }
    }

    /// Keeps what an answer was in the end.
    ///
    /// Safe to repeat: the first end counts, later ones change nothing.
    ///
    /// - Returns: Whether this was the first, and the session is still there.
    @discardableResult
    package func finish(
        _ seq: Int,
        of id: String,
        _ end: AnswerEnd,
        now: UnixTime,
        in session: any SQLSession
    ) throws(SessionError) -> Bool {
        try SessionRule.check(end.content, bytesMax: SessionRule.answerBytesMax)
        let tokens = SessionRule.tokens(end.tokens)
        let (usage, error) = (end.usage?.sessionJSON.text, end.error?.json.text)
        return try kept { () throws(DatabaseError) in
            let count = try session.execute(
                """
                UPDATE session_messages SET status = \(end.status.rawValue), epoch = NULL, ended_at = \(now),
                    model = COALESCE(\(end.model), model), provider = \(end.provider), finish = \(end.finish),
                    usage = \(usage), cost = \(end.cost?.value), error = \(error),
                    left_out = COALESCE(\(end.leftOut?.json.text), left_out), tokens = \(tokens),
                    bytes = \(end.content.readableBytes), content = \(Array(end.content.readableBytesView))
                WHERE session_id = \(id) AND seq = \(seq) AND status = 'running'
                """
            )
            guard count > 0 else { return false }
            _ = try session.execute(
                "UPDATE sessions SET tokens = tokens + \(tokens), last_used_at = \(now) WHERE id = \(id)"
            )
            return true
        }
    }

    /// Ends the answers of processes that are no more: as far as they came, marked as cut.
    ///
    /// Safe to repeat. Also goes on with sessions whose deletion was broken off; see `sweep`.
    ///
    /// - Parameter deadEpochs: The lives that ended without closing; those of running processes must not be among them.
    /// - Returns: How many answers.
    @discardableResult
    package func recover(
        deadEpochs: [Int64],
        now: UnixTime,
        in session: any SQLSession
    ) throws(SessionError) -> Int {
        let fault = SessionMessage.Fault(
            code: "INTERRUPTED",
            message: "The gateway stopped before the answer was complete."
        )
        return try kept { () throws(DatabaseError) in
            let rows = try session.rows(
                """
                SELECT session_id, seq, bytes FROM session_messages
                WHERE status = 'running' AND (epoch IN (\(list: deadEpochs))
                    OR epoch IN (SELECT epoch FROM meter_epochs WHERE closed_at IS NOT NULL))
                """
            )
            for row in rows {
                let (id, seq) = (try row.text("session_id"), try row.integer("seq"))
                // Nobody is left who could count better.
                let tokens = SessionRule.tokens(Int(clamping: try row.integer("bytes")) / 4)
                _ = try session.execute(
                    """
                    UPDATE session_messages SET status = 'cut', epoch = NULL, ended_at = \(now),
                        error = \(fault.json.text), tokens = \(tokens)
                    WHERE session_id = \(id) AND seq = \(seq) AND status = 'running'
                    """
                )
                _ = try session.execute("UPDATE sessions SET tokens = tokens + \(tokens) WHERE id = \(id)")
            }
            return rows.count
        }
    }

    /// The number of the answer that is under way in a session; nil if none is.
    package func runningSeq(of id: String, in session: any SQLSession) throws(SessionError) -> Int? {
        try kept { () throws(DatabaseError) in
            try session.first(
                "SELECT seq FROM session_messages WHERE session_id = \(id) AND status = 'running' LIMIT 1"
            ).map { row throws(DatabaseError) in Int(clamping: try row.integer("seq")) }
        }
    }

    /// Chooses what goes along with a new message, looking at as few messages as decide it.
    private func selection(
        of chosen: Session,
        _ terms: HistoryTerms,
        in session: any SQLSession
    ) throws(SessionError) -> HistorySelection {
        var begin = 0
        if case .summary = terms.wish { begin = chosen.summary?.throughSeq ?? 0 }
        var count = Self.firstLook(terms.wish)
        while true {
            let items = try kept { () throws(DatabaseError) in
                try session.map(
                    HistoryItem.select + " WHERE session_id = \(chosen.id) AND seq > \(begin) "
                        + "ORDER BY seq DESC LIMIT \(count)",
                    HistoryItem.init
                )
            }
            let selection = HistorySelection(items.reversed(), of: chosen, terms)
            guard selection.needsMore, items.count == count else { return selection }
            count = min(count * 8, HistorySelection.itemsMax)
        }
    }

    /// How many messages nearly always decide it: where they are counted, those that go and the turn before them.
    private static func firstLook(_ wish: HistoryWish) -> Int {
        guard case .lastMessages(let count) = wish else { return 64 }
        let turnBefore = 4
        return min(count, HistorySelection.itemsMax - turnBefore) + turnBefore
    }
}
