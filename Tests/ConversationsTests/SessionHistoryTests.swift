import Conversations
import Core
import Database
import NIOCore
import SQLite
import TestKit
import Testing

/// What goes along with a message, out of the store.
@Suite struct SessionHistoryTests {
    private typealias Fixture = SessionFixture

    @Test func `the last 20 messages go along, and the answer says what did not`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        try await fixture.talk("ses_1", 15, tokens: (10, 20))
        let turn = try await fixture.begin("ses_1", "now")
        #expect(turn.history.map(\.seq) == Array(11...30))
        #expect(turn.history.first.map { String(buffer: $0.content) } == "\"question 5\"")
        let leftOut = LeftOut(count: 10, seqs: 1...10, tokens: 150, reason: .policy)
        #expect(turn.leftOut == leftOut)
        let answer = try #require(try await fixture.messages("ses_1", MessagePage(newestFirst: true)).messages.first)
        #expect(answer.leftOut == leftOut)
        try await fixture.finish(turn)
        let after = try #require(try await fixture.messages("ses_1", MessagePage(newestFirst: true)).messages.first)
        #expect(after.leftOut == leftOut)
        var end = Fixture.end()
        end.leftOut = LeftOut(count: 3, seqs: 1...3, tokens: 4, reason: .context)
        let next = try await fixture.begin("ses_1", "next")
        try await fixture.finish(next, end)
        let last = try #require(try await fixture.messages("ses_1", MessagePage(newestFirst: true)).messages.first)
        #expect(last.leftOut == end.leftOut)
    }

    /// Only as much is looked at as decides: a few more than are wanted, or 64, then more.
    @Test(arguments: [62, 64, 66, 200, 700, 1_000])
    func `long histories are whole too`(wanted: Int) async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let count = 1_200
        try await fixture.database.write(.process) { session in
            try session.execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                INSERT INTO session_messages (session_id, seq, role, status, created_at, request_id, tokens, bytes,
                    content)
                SELECT 'ses_1', i, CASE i % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'complete', 0, 'r', 3, 3,
                    CAST('"x"' AS BLOB) FROM n
                """
            )
            try session.execute("UPDATE sessions SET next_seq = \(count + 1), tokens = \(3 * count)")
        }
        let turn = try await fixture.begin("ses_1", terms: HistoryTerms(.lastMessages(wanted)))
        #expect(turn.history.map(\.seq) == Array((count - wanted + 1)...count))
        let left = count - wanted
        #expect(turn.leftOut == LeftOut(count: left, seqs: 1...left, tokens: 3 * left, reason: .policy))
        try await fixture.finish(turn)
        let all = try await fixture.begin("ses_1", terms: HistoryTerms(.tokens(3 * wanted)))
        // The turn before this one takes room too: one question and one answer, 10 and 20 tokens.
        #expect(all.history.map(\.seq).last == count + 2)
        #expect(all.history.reduce(0) { $0 + $1.tokens } <= 3 * wanted)
        #expect(all.leftOut.map { $0.count + all.history.count } == count + 2)
    }

    @Test(arguments: [0, 1, 20, 300])
    func `answers that say nothing are passed over, however many they are`(wanted: Int) async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let count = 800
        try await fixture.database.write(.process) { session in
            try session.execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                INSERT INTO session_messages (session_id, seq, role, status, created_at, request_id, tokens, bytes,
                    content)
                SELECT 'ses_1', i, CASE i % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
                    CASE i % 2 WHEN 1 THEN 'complete' ELSE 'failed' END, 0, 'r', 3, CASE i % 2 WHEN 1 THEN 3 ELSE 2 END,
                    CAST(CASE i % 2 WHEN 1 THEN '"x"' ELSE '[]' END AS BLOB) FROM n
                """
            )
            try session.execute("UPDATE sessions SET next_seq = \(count + 1), tokens = \(3 * count)")
        }
        let turn = try await fixture.begin("ses_1", terms: HistoryTerms(.lastMessages(wanted)))
        let first = count - 2 * wanted + 1
        #expect(turn.history.map(\.seq) == Array(stride(from: first, to: count, by: 2)))
        let content = ByteBuffer(string: "\"x\"")
        #expect(turn.history.allSatisfy { $0.role == .user && $0.content == content && $0.tokens == 3 })
        let left = first - 1
        #expect(turn.leftOut == LeftOut(count: left, seqs: 1...left, tokens: 3 * left, reason: .policy))
    }

    @Test func `a summary goes before the rest, and an older one never comes back`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        try await fixture.talk("ses_1", 3)
        let terms = HistoryTerms(.summary(keep: 2, model: nil))
        let first = try await fixture.begin("ses_1", terms: terms)
        #expect(first.summary == nil && first.toSummarize == 1...4)
        try await fixture.finish(first)
        let store = fixture.store
        func set(_ text: String, _ seq: Int) async throws -> Bool {
            try await fixture.database.write(.process) {
                try store.setSummary(SessionSummary(text: text, throughSeq: seq), of: "ses_1", in: $0)
            }
        }
        let told = try await fixture.database.read { try store.messages(in: 1...4, of: "ses_1", in: $0) }
        #expect(told.map(\.seq) == [1, 2, 3, 4])
        #expect(try await set("of four", 4))
        #expect(!(try await set("late", 2)))
        #expect(!(try await set("twice", 4)))
        #expect(!(try await set("of what is not there", 9)))
        let second = try await fixture.begin("ses_1", terms: terms)
        #expect(second.summary == SessionSummary(text: "of four", throughSeq: 4))
        #expect(second.history.map(\.seq) == [5, 6, 7, 8])
        #expect(second.leftOut == nil && second.toSummarize == nil)
        try await fixture.finish(second)
        // A fork has it as far as it goes.
        for (seq, summary) in [(4, "of four"), (3, nil)] as [(Int, String?)] {
            let copy = try await fixture.database.write(.process) {
                try store.fork("ses_1", at: seq, as: "ses_\(seq)x", for: Fixture.own(), now: Fixture.time(9), in: $0)
            }
            #expect(copy.summary?.text == summary)
        }
        // With another policy everything is there again.
        #expect(try await fixture.begin("ses_1").history.count == 10)
    }

    @Test func `the session decides once it is known`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1", SessionDraft(history: .lastMessages(2)))
        try await fixture.talk("ses_1", 3)
        let store = fixture.store
        let new = NewMessage(
            session: "ses_1",
            access: Fixture.own(),
            content: ByteBuffer(string: "\"x\""),
            tokens: 1,
            requestID: "r",
            epoch: 1
        )
        let turn = try await fixture.database.write(.process) { session in
            try store.begin(new, now: Fixture.time(5), in: session) { HistoryTerms($0.history ?? .standard) }
        }
        #expect(turn.history.map(\.seq) == [5, 6])
    }
}

/// How a wish is written.
@Suite struct HistoryWishTests {
    @Test(arguments: [
        (HistoryWish.lastMessages(20), #"{"policy":"messages","count":20}"#),
        (.tokens(8_000), #"{"policy":"tokens","max":8000}"#), (.tokens(nil), #"{"policy":"tokens","max":null}"#),
        (.summary(keep: 10, model: nil), #"{"policy":"summary","keep":10,"model":null}"#),
        (.summary(keep: 4, model: "fast"), #"{"policy":"summary","keep":4,"model":"fast"}"#),
    ])
    func `what is written is read again`(wish: HistoryWish, text: String) throws {
        #expect(wish.json.text == text)
        #expect(HistoryWish(json: try JSONValue.parse(text)) == wish)
    }

    @Test(arguments: [
        (#"{"policy":"messages"}"#, HistoryWish.lastMessages(20)), (#"{"policy":"tokens"}"#, .tokens(nil)),
        (#"{"policy":"summary"}"#, .summary(keep: 10, model: nil)),
        (#"{"count":0,"policy":"messages"}"#, .lastMessages(0)),
    ])
    func `what is not said has a standard`(text: String, wish: HistoryWish) throws {
        #expect(HistoryWish(json: try JSONValue.parse(text)) == wish)
    }

    @Test(arguments: [
        "null", "{}", "[]", "20", #""messages""#, #"{"policy":"all"}"#, #"{"policy":"messages","count":-1}"#,
        #"{"policy":"messages","count":1001}"#, #"{"policy":"messages","count":1.5}"#,
        #"{"policy":"messages","count":"20"}"#, #"{"policy":"messages","max":20}"#, #"{"policy":"tokens","max":63}"#,
        #"{"policy":"tokens","max":-1}"#, #"{"policy":"tokens","max":10000001}"#, #"{"policy":"tokens","max":false}"#,
        #"{"policy":"summary","keep":1}"#, #"{"policy":"summary","keep":201}"#, #"{"policy":"summary","model":""}"#,
        #"{"policy":"summary","model":7}"#, #"{"policy":"summary","model":"a\u0000b"}"#,
    ])
    func `anything else is none`(text: String) throws {
        #expect(HistoryWish(json: try JSONValue.parse(text)) == nil)
    }
}
