import Chat
import Core
import Database
import Metering
import SQLite
import Testing

/// Comparisons with shadow targets, in the store.
@Suite struct ShadowStoreTests {
    private static func store() async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: MeterFixture.noon)
        try await database.write { session in
            for group in ["demo", "other"] {
                try session.execute(
                    "INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(group), 'G', 0, 0)"
                )
            }
        }
        return database
    }

    private static func answer(_ number: Int, group: String = "demo", alias: String = "fast") -> ShadowAnswer {
        var client = ShadowAnswer.Side(provider: "openai", model: "gpt-4o")
        client.text = "one two three four"
        client.totalMilliseconds = 100 + number
        client.cost = MicroDollars(10)
        var shadow = ShadowAnswer.Side(provider: "mistral", model: "small")
        shadow.text = number % 2 == 0 ? "one two five six" : "one two three four"
        shadow.totalMilliseconds = 50 + number
        shadow.inputTokens = 7
        shadow.finish = "stop"
        shadow.cost = MicroDollars(3)
        if number % 10 == 9 { shadow.code = "provider_error" }
        return ShadowAnswer(
            id: "sha_\(1000 + number)",
            group: GroupID(group),
            alias: alias,
            requestID: "req_\(number)",
            createdAt: UnixTime(milliseconds: MeterFixture.noon.milliseconds + Int64(number / 3)),
            operation: "chat",
            isStream: true,
            client: client,
            shadow: shadow
        )
    }

    @Test func `what was put in comes out, the newest first and page by page`() async throws {
        let database = try await Self.store()
        let answers = (0..<25).map { Self.answer($0) }
        try await database.write { try ShadowStore().insert(answers, in: $0) }
        var found: [String] = []
        var cursor: String?
        repeat {
            let request = try PageRequest(limit: 10, cursor: cursor)
            let page = try await database.read { try ShadowStore().list(request, in: $0) }
            found += page.items.map(\.id)
            #expect(page.items.allSatisfy { $0.client.text.isEmpty && $0.shadow.provider == "mistral" })
            cursor = page.nextCursor
        } while cursor != nil
        #expect(found == answers.map(\.id).reversed())
        let whole = try await database.read { try ShadowStore().get("sha_1004", in: $0) }
        #expect(whole == answers[4])
        #expect(whole?.likeness == 500)
        // Safe to repeat.
        try await database.write { try ShadowStore().insert(answers, in: $0) }
        #expect(try await database.read { try ShadowStore().summaries(in: $0) }.map(\.count) == [25])
    }

    @Test func `of an alias the newest are kept, and others are left alone`() async throws {
        let database = try await Self.store()
        let answers = (0..<20).map { Self.answer($0) } + (20..<23).map { Self.answer($0, alias: "slow") }
        try await database.write { session in
            try ShadowStore().insert(answers, in: session)
            #expect(try ShadowStore().trim("fast", keep: 20, in: session) == 0)
            #expect(try ShadowStore().trim("fast", keep: 5, in: session) == 15)
            #expect(try ShadowStore().trim("none", keep: 5, in: session) == 0)
        }
        let left = try await database.read { try ShadowStore().list(in: $0) }.items.map(\.requestID)
        #expect(left == (15..<23).reversed().map { "req_\($0)" })
    }

    @Test func `a group sees its own, and takes them with it`() async throws {
        let database = try await Self.store()
        let answers = [Self.answer(1), Self.answer(2, group: "other"), Self.answer(3, group: "gone")]
        try await database.write { try ShadowStore().insert(answers, in: $0) }
        let store = ShadowStore()
        let mine = ShadowStore.Filter(group: GroupID("demo"))
        #expect(try await database.read { try store.list(.first, mine, in: $0) }.items.map(\.id) == ["sha_1001"])
        #expect(try await database.read { try store.get("sha_1002", mine, in: $0) } == nil)
        #expect(try await database.read { try store.list(in: $0) }.items.count == 2)
        try await database.write { _ = try $0.execute("DELETE FROM groups WHERE id = 'demo'") }
        #expect(try await database.read { try store.list(in: $0) }.items.map(\.id) == ["sha_1002"])
    }

    @Test func `a summary says how alike, how fast and how dear`() async throws {
        let database = try await Self.store()
        let answers = (0..<10).map { Self.answer($0) }
        try await database.write { try ShadowStore().insert(answers, in: $0) }
        let summary = try #require(try await database.read { try ShadowStore().summaries(in: $0) }.first)
        #expect(summary.count == 10 && summary.failed == 1)
        // Nine that can be compared: five half alike, four the same.
        #expect(summary.likeness == (5 * 500 + 4 * 1000) / 9)
        #expect(summary.clientMedian == 104 && summary.shadowMedian == 54)
        #expect(summary.clientCost.value == 100 && summary.shadowCost.value == 30)
    }

    @Test func `texts may hold anything a model can say`() async throws {
        let database = try await Self.store()
        var answer = Self.answer(1)
        answer.client.text = "nul \u{0} quote \" umbrella ☂ newline \n"
        answer.client.finish = "st\u{0}p"
        let written = answer
        try await database.write { try ShadowStore().insert([written], in: $0) }
        #expect(try await database.read { try ShadowStore().get(written.id, in: $0) } == answer)
    }

    @Test(arguments: [
        ("", "", 1000), ("a b", "a b", 1000), ("a b", "b  a\n", 1000), ("a a", "a b", 500), ("a", "", 0), ("a", "b", 0),
        ("a b c", "a b d", 666),
    ])
    func `likeness is the share of words that two texts have in common`(one: String, other: String, permille: Int) {
        #expect(TextLikeness.permille(one, other) == permille)
        #expect(TextLikeness.permille(other, one) == permille)
    }

    @Test func `nobody is charged for an attempt with the variant shadow, and no budget is asked`() async throws {
        let fixture = try await MeterFixture()
        var intent = fixture.intent(1)
        intent.variant = AttemptIntent.shadowVariant
        let findings = AttemptFindings(
            ending: .whole,
            hasContent: true,
            usage: .init(input: 100, output: 50),
            outputCounted: 50,
            endedAt: MeterFixture.noon
        )
        let end = Settlement.end(intent, findings)
        #expect(end.cost.value > 0 && end.charged == .zero && !end.isCharged && end.outcome == .ok)
        var mine = intent
        mine.variant = ""
        #expect(Settlement.end(mine, findings).isCharged)
        try await fixture.keeper.close()
    }

    @Test(arguments: [false, true])
    func `an attempt that another outran costs what its provider says, and nobody is charged`(
        hasContent: Bool
    ) async throws {
        let fixture = try await MeterFixture()
        var findings = AttemptFindings(
            ending: .outrun,
            hasContent: hasContent,
            usage: .init(input: 100, output: 50),
            outputCounted: 50,
            endedAt: MeterFixture.noon
        )
        let paid = Settlement.end(fixture.intent(1), findings)
        #expect(paid.cost.value > 0 && paid.charged == .zero && !paid.isCharged)
        #expect(paid.outcome == .partialClientGone && paid.source == .provider)
        findings.usage = .init()
        let unknown = Settlement.end(fixture.intent(1), findings)
        #expect(unknown.cost == .zero && unknown.source == .none && !unknown.isCharged)
        try await fixture.keeper.close()
    }
}
