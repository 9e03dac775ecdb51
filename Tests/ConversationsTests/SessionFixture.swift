import Chat
import Conversations
import Core
import Database
import NIOCore
import SQLite
import TestKit
import Testing

/// A store on a real file with two groups, and the words to use it.
final class SessionFixture: Sendable {
    static let group = GroupID("demo")
    static let ada = SessionOwner.user(UserID("u_ada"))
    static let bob = SessionOwner.user(UserID("u_bob"))
    static let key = SessionOwner.key("k_one")

    let folder: ScratchFolder
    let database: SQLiteDatabase
    let store = SessionStore()

    init() async throws {
        self.folder = try ScratchFolder()
        self.database = try SQLiteDatabase.open(path: "\(self.folder.path)/store.db")
        try await MigrationRunner().run(on: self.database, now: UnixTime(milliseconds: 0))
        try await self.database.write { session in
            for group in ["demo", "other"] {
                try session.execute(
                    "INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(group), 'G', 0, 0)"
                )
            }
        }
    }

    static func time(_ milliseconds: Int64) -> UnixTime { UnixTime(milliseconds: milliseconds) }

    static func own(_ owner: SessionOwner = ada, in group: GroupID = group) -> SessionAccess {
        .own(owner, in: group)
    }

    @discardableResult
    func make(
        _ id: String,
        _ draft: SessionDraft = SessionDraft(),
        of owner: SessionOwner = ada,
        in group: GroupID = group,
        at time: Int64 = 1_000
    ) async throws -> Session {
        try await self.database.write(.process) { [store] in
            try store.insert(draft, id: id, of: owner, in: group, now: Self.time(time), in: $0)
        }
    }

    func get(_ id: String, for access: SessionAccess = own()) async throws -> Session {
        try await self.database.read { [store] in try store.get(id, for: access, in: $0) }
    }

    /// Says something; the answer stays running.
    func begin(
        _ id: String,
        _ text: String = "Hello",
        tokens: Int = 10,
        for access: SessionAccess = own(),
        terms: HistoryTerms = HistoryTerms(),
        mayInterleave: Bool = false,
        epoch: Int64 = 7,
        at time: Int64 = 2_000
    ) async throws -> SessionTurn {
        let new = NewMessage(
            session: id,
            access: access,
            content: ByteBuffer(string: JSONValue.string(text).text),
            tokens: tokens,
            requestID: "req_\(text)",
            epoch: epoch,
            mayInterleave: mayInterleave
        )
        return try await self.database.write(.process) { [store] session in
            try store.begin(new, now: Self.time(time), in: session) { _ in terms }
        }
    }

    static func end(_ text: String = "Hi", tokens: Int = 20) -> AnswerEnd {
        AnswerEnd(.complete, content: Self.parts(text), tokens: tokens, finish: "stop")
    }

    static func parts(_ text: String) -> ByteBuffer {
        ByteBuffer(string: JSONValue.array([["type": "text", "text": .string(text)]]).text)
    }

    @discardableResult
    func finish(_ turn: SessionTurn, _ end: AnswerEnd = end(), at time: Int64 = 3_000) async throws -> Bool {
        let (id, seq) = (turn.session.id, turn.answerSeq)
        return try await self.database.write(.process) { [store] in
            try store.finish(seq, of: id, end, now: Self.time(time), in: $0)
        }
    }

    /// A question and its answer.
    func talk(_ id: String, _ count: Int = 1, tokens: (Int, Int) = (10, 20)) async throws {
        for number in 0..<count {
            let turn = try await self.begin(id, "question \(number)", tokens: tokens.0)
            try await self.finish(turn, Self.end("answer \(number)", tokens: tokens.1))
        }
    }

    func messages(
        _ id: String,
        _ page: MessagePage = MessagePage(limit: 200),
        for access: SessionAccess = own()
    ) async throws -> (messages: [SessionMessage], next: Int?) {
        try await self.database.read { [store] in try store.messages(page, of: id, for: access, in: $0) }
    }
}

/// The error of `body`, or nil.
func refusal<Result>(of body: () async throws -> Result) async -> SessionError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? SessionError
    }
}
