internal import Chat
internal import Core
internal import Database
internal import NIOCore

/// How sessions and messages stand in their tables.
extension Session {
    static let select: SQL = """
        SELECT id, group_id, user_id, key_id, agent_id, model, system, title, history, created_at, updated_at,
            last_used_at, next_seq, tokens, summary, summary_through, forked_from, forked_seq
        FROM sessions
        """

    init(_ row: SQLRow) throws(DatabaseError) {
        let user = try row.optionalText("user_id")
        let owner: SessionOwner = .key(try row.optionalText("key_id") ?? "")
        let (summary, through) = (try row.optionalText("summary"), try row.optionalInteger("summary_through"))
        let (fork, seq) = (try row.optionalText("forked_from"), try row.optionalInteger("forked_seq"))
        self.init(
            id: try row.text("id"),
            group: GroupID(try row.text("group_id")),
            owner: user.map { .user(UserID($0)) } ?? owner,
            agentID: try row.optionalText("agent_id"),
            model: try row.optionalText("model"),
            system: try row.optionalText("system"),
            title: try row.text("title"),
            // One that a later version wrote counts as none.
            history: try row.optionalText("history").flatMap { try? HistoryWish(json: JSONValue.parse($0)) },
            createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"),
            lastUsedAt: try row.optionalTime("last_used_at"),
            nextSeq: Int(clamping: try row.integer("next_seq")),
            tokens: Int(clamping: try row.integer("tokens")),
            summary: summary.map { SessionSummary(text: $0, throughSeq: Int(clamping: through ?? 0)) },
            forkedFrom: fork.map { SessionFork(session: $0, seq: Int(clamping: seq ?? 0)) }
        )
    }
}

extension SessionOwner {
    var columns: (user: String?, key: String?) {
        switch self {
        case .user(let id): (id.text, nil)
        case .key(let id): (nil, id)
        }
    }
}

extension HistoryItem {
    static let select: SQL = "SELECT seq, role, status, tokens, bytes FROM session_messages"

    init(_ row: SQLRow) throws(DatabaseError) {
        self.init(
            seq: Int(clamping: try row.integer("seq")),
            role: try SessionMessage.role(row),
            status: try SessionMessage.status(row),
            tokens: Int(clamping: try row.integer("tokens")),
            bytes: Int(clamping: try row.integer("bytes"))
        )
    }
}

extension ToldMessage {
    static let select: SQL = "SELECT seq, role, tokens, content FROM session_messages"

    init(_ row: SQLRow) throws(DatabaseError) {
        self.init(
            seq: Int(clamping: try row.integer("seq")),
            role: try SessionMessage.role(row),
            content: ByteBuffer(bytes: try row.blob("content")),
            tokens: Int(clamping: try row.integer("tokens"))
        )
    }
}

extension SessionMessage {
    static let select: SQL = """
        SELECT session_id, seq, role, status, created_at, ended_at, request_id, model, provider, finish, usage, cost,
            error, left_out, tokens, content
        FROM session_messages
        """

    init(_ row: SQLRow) throws(DatabaseError) {
        func json(_ column: String) throws(DatabaseError) -> JSONValue? {
            try row.optionalText(column).flatMap { try? JSONValue.parse($0) }
        }
        self.init(
            session: try row.text("session_id"),
            seq: Int(clamping: try row.integer("seq")),
            role: try Self.role(row),
            status: try Self.status(row),
            content: ByteBuffer(bytes: try row.blob("content")),
            usage: try json("usage").map { TokenUsage(session: $0) },
            cost: try row.optionalInteger("cost").map { MicroDollars($0) },
            model: try row.optionalText("model"),
            provider: try row.optionalText("provider"),
            requestID: try row.text("request_id"),
            finish: try row.optionalText("finish"),
            error: try json("error").map { Fault(json: $0) },
            leftOut: try json("left_out").flatMap { LeftOut(json: $0) },
            tokens: Int(clamping: try row.integer("tokens")),
            createdAt: try row.time("created_at"),
            endedAt: try row.optionalTime("ended_at")
        )
    }

    static func role(_ row: SQLRow) throws(DatabaseError) -> Role {
        guard let role = Role(rawValue: try row.text("role")) else {
            throw .badColumn("role", expected: "user, assistant or system")
        }
        return role
    }

    static func status(_ row: SQLRow) throws(DatabaseError) -> Status {
        guard let status = Status(rawValue: try row.text("status")) else {
            throw .badColumn("status", expected: "running, complete, cut or failed")
        }
        return status
    }
}
