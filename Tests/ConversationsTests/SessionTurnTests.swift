import Chat
import Conversations
import Core
import Database
import NIOCore
import SQLite
import TestKit
import Testing

/// Saying something and being answered: numbers, ends, and processes that die in between.
@Suite struct SessionTurnTests {
    private typealias Fixture = SessionFixture

    @Test func `both messages are there as soon as something is said`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1", SessionDraft(model: "m"))
        let turn = try await fixture.begin("ses_1", "Hello")
        #expect((turn.questionSeq, turn.answerSeq) == (1, 2))
        #expect(turn.history.isEmpty && turn.leftOut == nil && turn.summary == nil)
        #expect(turn.session.lastUsedAt == Fixture.time(2_000))
        #expect(try await fixture.get("ses_1") == turn.session)
        let found = try await fixture.messages("ses_1").messages
        #expect(found.map(\.role) == [.user, .assistant])
        #expect(found.map(\.status) == [.complete, .running])
        #expect(found.map { String(buffer: $0.content) } == ["\"Hello\"", "[]"])
        #expect(found[1].model == "m" && found[1].endedAt == nil && found[0].endedAt == Fixture.time(2_000))
    }

    @Test func `an answer is kept with all that is known of it`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let turn = try await fixture.begin("ses_1")
        var usage = TokenUsage(input: 12, output: 34, cachedInput: 5, reasoning: 6)
        usage.cost = nil
        let end = AnswerEnd(
            .complete,
            content: Fixture.parts("Hi"),
            tokens: 34,
            finish: "stop",
            usage: usage,
            cost: MicroDollars(1_234),
            model: "gpt-4o",
            provider: "openai"
        )
        #expect(try await fixture.finish(turn, end))
        let answer = try #require(try await fixture.messages("ses_1").messages.last)
        #expect(answer.status == .complete && answer.usage == usage && answer.cost == MicroDollars(1_234))
        #expect(answer.model == "gpt-4o" && answer.provider == "openai" && answer.finish == "stop")
        #expect(answer.content == Fixture.parts("Hi") && answer.endedAt == Fixture.time(3_000))
        let session = try await fixture.get("ses_1")
        #expect(session.tokens == 44 && session.lastUsedAt == Fixture.time(3_000))
    }

    @Test func `the first end counts, and nothing changes what is over`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let turn = try await fixture.begin("ses_1")
        let store = fixture.store
        func checkpoint(_ text: String) async throws -> Bool {
            try await fixture.database.write(.process) {
                try store.checkpoint(turn.answerSeq, of: "ses_1", content: Fixture.parts(text), in: $0)
            }
        }
        #expect(try await checkpoint("H"))
        #expect(try await checkpoint("Hi"))
        #expect(try await fixture.messages("ses_1").messages[1].content == Fixture.parts("Hi"))
        #expect(try await fixture.finish(turn, Fixture.end("Hi there", tokens: 20)))
        let before = try await fixture.messages("ses_1").messages
        #expect(!(try await checkpoint("late")))
        #expect(!(try await fixture.finish(turn, Fixture.end("again", tokens: 99), at: 9_000)))
        #expect(try await fixture.messages("ses_1").messages == before)
        #expect(try await fixture.get("ses_1").tokens == 30)
    }

    @Test func `one answer at a time, unless the caller says otherwise`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let first = try await fixture.begin("ses_1")
        #expect(await refusal { try await fixture.begin("ses_1") } == .busy(seq: 2))
        #expect(try await fixture.get("ses_1").count == 2)
        let second = try await fixture.begin("ses_1", mayInterleave: true)
        #expect((second.questionSeq, second.answerSeq) == (3, 4))
        // What is not over yet is not told to a model.
        #expect(second.history.map(\.seq) == [1])
        try await fixture.finish(second)
        #expect(await refusal { try await fixture.begin("ses_1") } == .busy(seq: 2))
        try await fixture.finish(first)
        #expect(try await fixture.begin("ses_1").history.map(\.seq) == [1, 2, 3, 4])
    }

    @Test func `numbers have no gaps and never repeat, with two writers at once`() async throws {
        let fixture = try await Fixture()
        let other = try SQLiteDatabase.open(path: "\(fixture.folder.path)/store.db")
        try await fixture.make("ses_1")
        let store = fixture.store
        let each = 60
        let numbers = try await withThrowingTaskGroup(of: [Int].self) { group in
            for database in [fixture.database, other, fixture.database, other] {
                group.addTask {
                    var numbers: [Int] = []
                    for _ in 0..<each {
                        let new = NewMessage(
                            session: "ses_1",
                            access: Fixture.own(),
                            content: ByteBuffer(string: "\"x\""),
                            tokens: 1,
                            requestID: "r",
                            epoch: 1,
                            mayInterleave: true
                        )
                        let turn = try await database.write(.process) { session in
                            try store.begin(new, now: Fixture.time(5), in: session) { _ in HistoryTerms() }
                        }
                        #expect(turn.answerSeq == turn.questionSeq + 1)
                        numbers.append(turn.questionSeq)
                    }
                    return numbers
                }
            }
            return try await group.reduce(into: [Int]()) { $0 += $1 }
        }
        #expect(numbers.sorted() == (0..<(4 * each)).map { 2 * $0 + 1 })
        let session = try await fixture.get("ses_1")
        #expect(session.nextSeq == 8 * each + 1 && session.tokens == 4 * each)
        let found = try await fixture.database.read { session in
            try session.map("SELECT seq FROM session_messages ORDER BY seq") { row throws(DatabaseError) in
                try row.integer("seq")
            }
        }
        #expect(found == (1...Int64(8 * each)).map { $0 })
        await other.close()
    }

    @Test func `what fails leaves neither message`() async throws {
        struct Refusal: Error {}
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let store = fixture.store
        let new = NewMessage(
            session: "ses_1",
            access: Fixture.own(),
            content: ByteBuffer(string: "\"x\""),
            tokens: 1,
            requestID: "r",
            epoch: 1
        )
        await #expect(throws: Refusal.self) {
            try await fixture.database.write(.process) { session in
                _ = try store.begin(new, now: Fixture.time(5), in: session) { _ in HistoryTerms() }
                throw Refusal()
            }
        }
        await #expect(throws: Refusal.self) {
            try await fixture.database.write(.process) { session in
                try store.begin(new, now: Fixture.time(5), in: session) { _ in throw Refusal() }
            }
        }
        #expect(try await fixture.get("ses_1").count == 0)
        #expect(try await fixture.messages("ses_1").messages.isEmpty)
    }

    @Test(arguments: [
        "", "{}", "1", "null", "\"open", "[1,]", "\"a\"b", "\u{1}", "[\"\\x\"]",
        String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
    ])
    func `what is no content is refused`(text: String) async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let new = NewMessage(
            session: "ses_1",
            access: Fixture.own(),
            content: ByteBuffer(string: text),
            tokens: 1,
            requestID: "r",
            epoch: 1
        )
        let error = await refusal {
            try await fixture.database.write(.process) { [store = fixture.store] session in
                try store.begin(new, now: Fixture.time(5), in: session) { _ in HistoryTerms() }
            }
        }
        guard case .invalid("content", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await fixture.get("ses_1").count == 0)
    }

    @Test func `a message is at most a mebibyte, and a session at most so many messages`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let long = String(repeating: "x", count: SessionRule.messageBytesMax - 2)
        try await fixture.finish(try await fixture.begin("ses_1", long))
        let error = await refusal { try await fixture.begin("ses_1", long + "x") }
        #expect(error == .tooLong(bytesMax: SessionRule.messageBytesMax))
        try await fixture.database.write(.process) { session in
            try session.execute("UPDATE sessions SET next_seq = \(SessionRule.messagesMax - 1)")
        }
        try await fixture.finish(try await fixture.begin("ses_1"))
        #expect(try await fixture.get("ses_1").count == SessionRule.messagesMax)
        #expect(await refusal { try await fixture.begin("ses_1") } == .tooManyMessages)
        #expect(GatewayError(SessionError.tooManyMessages).message.contains("Fork"))
    }

    /// A process that is killed leaves answers running; the next one ends them, and only them.
    @Test func `answers of processes that are no more end as far as they came`() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        for (id, epoch) in [("ses_dead", 7), ("ses_closed", 8), ("ses_alive", 9)] as [(String, Int64)] {
            try await fixture.make(id)
            let turn = try await fixture.begin(id, epoch: epoch)
            try await fixture.database.write(.process) {
                try store.checkpoint(turn.answerSeq, of: id, content: Fixture.parts("as far as here"), in: $0)
            }
        }
        try await fixture.database.write { session in
            for (epoch, closed) in [(7, nil), (8, 5), (9, nil)] as [(Int64, Int64?)] {
                try session.execute(
                    """
                    INSERT INTO meter_epochs (epoch, instance, started_at, closed_at)
                    VALUES (\(epoch), 'i', 0, \(closed))
                    """
                )
            }
        }
        func recover() async throws -> Int {
            try await fixture.database.write { try store.recover(deadEpochs: [7], now: Fixture.time(9_000), in: $0) }
        }
        #expect(try await recover() == 2)
        for id in ["ses_dead", "ses_closed"] {
            let answer = try #require(try await fixture.messages(id).messages.last)
            #expect(answer.status == .cut && answer.error?.code == "INTERRUPTED")
            #expect(answer.content == Fixture.parts("as far as here") && answer.endedAt == Fixture.time(9_000))
            #expect(answer.tokens > 0)
            #expect(try await fixture.get(id).tokens == 10 + answer.tokens)
            // It goes on from there.
            #expect(try await fixture.begin(id, epoch: 9).history.map(\.seq) == [1, 2])
        }
        #expect(try await fixture.messages("ses_alive").messages.last?.status == .running)
        let after = try await fixture.messages("ses_dead").messages
        #expect(try await recover() == 0)
        #expect(try await fixture.messages("ses_dead").messages == after)
    }

    @Test func `an answer ends quietly where its session is gone`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let turn = try await fixture.begin("ses_1")
        let store = fixture.store
        try await fixture.database.write {
            try store.delete("ses_1", for: Fixture.own(), now: Fixture.time(9), in: $0)
        }
        while try await fixture.database.write(.process, { try store.sweep(in: $0) }) {}
        #expect(!(try await fixture.finish(turn)))
    }

    @Test func `a session without a title takes that of its first message`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let store = fixture.store
        for title in ["First", "Second"] {
            var new = NewMessage(
                session: "ses_1",
                access: Fixture.own(),
                content: ByteBuffer(string: "\"x\""),
                tokens: 1,
                requestID: "r",
                epoch: 1,
                mayInterleave: true
            )
            new.title = title
            let wanted = new
            let turn = try await fixture.database.write(.process) { session in
                try store.begin(wanted, now: Fixture.time(5), in: session) { _ in HistoryTerms() }
            }
            #expect(turn.session.title == "First")
        }
        #expect(try await fixture.get("ses_1").title == "First")
    }

    // MARK: - Pages

    @Test func `messages come page by page, in both directions`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        try await fixture.talk("ses_1", 5)
        for newestFirst in [false, true] {
            var seen: [Int] = []
            var page = MessagePage(limit: 3, newestFirst: newestFirst)
            while true {
                let found = try await fixture.messages("ses_1", page)
                seen += found.messages.map(\.seq)
                guard let next = found.next else { break }
                if newestFirst { page.before = next } else { page.after = next }
            }
            #expect(seen == (newestFirst ? (1...10).reversed() : Array(1...10)))
        }
        let between = try await fixture.messages("ses_1", MessagePage(limit: 200, after: 3, before: 7))
        #expect(between.messages.map(\.seq) == [4, 5, 6] && between.next == nil)
        #expect(try await fixture.messages("ses_1", MessagePage(after: .max)).messages.isEmpty)
        #expect(try await fixture.messages("ses_1", MessagePage(before: .min)).messages.isEmpty)
    }

    @Test func `a page of long messages ends early, and never without one`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        let long = String(repeating: "x", count: (1 << 20) - 100)
        for _ in 0..<3 {
            let turn = try await fixture.begin("ses_1", long)
            try await fixture.finish(turn, Fixture.end(String(repeating: long, count: 5)))
        }
        var seen: [[Int]] = []
        var page = MessagePage(limit: 200)
        while true {
            let found = try await fixture.messages("ses_1", page)
            seen.append(found.messages.map(\.seq))
            guard let next = found.next else { break }
            page.after = next
        }
        // An answer alone is more than a page should have.
        #expect(seen == [[1], [2], [3], [4], [5], [6]])
    }
}
