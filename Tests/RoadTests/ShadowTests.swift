import Core
import Database
import HTTP
import Metering
import NIOCore
import Pipeline
import Providers
import SQLite
import Testing
import Transport

/// Copies of calls go to a second target, whose answer nobody sees and everybody with the right may compare.
@MainActor @Suite struct ShadowTests {
    private static let entry = ShadowEntry(provider: "groq", model: "llama-3.3-70b-versatile", percent: 100)
    private static let answer = StreamTests.text("It is noon.") + StreamTests.finish + StreamTests.usage
    private static let clientAnswer =
        StreamTests.text("It is twelve.") + StreamTests.finish + StreamTests.usage + StreamTests.done

    private static func stream(_ text: String, behind gate: Gate? = nil) -> FakeUpstream.Script {
        var script = FakeUpstream.Script.stream()
        if let gate { script.steps.append(.pause { await gate.pass() }) }
        script.steps.append(.bytes(text))
        return script
    }

    private static func kept(_ road: RaceRoad) async throws -> [ShadowAnswer] {
        await road.instruments.shadows?.write()
        return try await road.database.read { session in
            let store = ShadowStore()
            return try store.list(in: session).items.compactMap { try store.get($0.id, in: session) }
        }
    }

    @Test func `the client has its own answer, the other is kept beside it, and nobody is charged for that`()
        async throws
    {
        let road = try await RaceRoad(shadow: Self.entry)
        road.transport.scripts = [Self.stream(Self.clientAnswer), Self.stream(Self.answer + StreamTests.done)]
        let exchange = road.begin(StreamTests.ask)
        await road.finish()
        await road.settle()
        #expect(exchange.sent.contains("twelve") && !exchange.sent.contains("noon"))
        #expect(exchange.field("x-turnpike-provider") == "openai")
        #expect(exchange.field("x-turnpike-attempts") == "1")
        #expect(road.transport.requests.count == 2)
        #expect(road.transport.body(1).contains(#""model":"llama-3.3-70b-versatile""#))
        let rows = try await road.rows()
        #expect(rows.map(\.variant) == ["", "shadow"])
        #expect(rows.map(\.outcome) == ["ok", "ok"])
        #expect(rows.map(\.isCharged) == [true, false])
        #expect(rows[1].cost > 0 && rows[1].charged == 0)
        let kept = try #require(try await Self.kept(road).first)
        #expect(kept.alias == "fast" && kept.group.text == "demo" && kept.isStream)
        #expect(kept.client.text == "It is twelve." && kept.shadow.text == "It is noon.")
        #expect(kept.client.finish == "stop" && kept.shadow.outputTokens == 4)
        #expect(kept.shadow.provider == "groq" && kept.shadow.cost.value == rows[1].cost)
        #expect(kept.likeness == 666)
    }

    @Test func `whole answers are compared too`() async throws {
        let road = try await RaceRoad(shadow: Self.entry)
        road.transport.scripts = [.json(PlainCallTests.answer), .json(PlainCallTests.answer)]
        let exchange = road.begin(#"{"model":"fast","messages":[]}"#)
        await road.finish()
        await road.settle()
        #expect(exchange.sent == PlainCallTests.answer)
        let kept = try #require(try await Self.kept(road).first)
        #expect(kept.likeness == 1000 && kept.client.text == "Hi" && !kept.isStream)
    }

    @Test func `the copy goes out when the client has content, and holds nobody up`() async throws {
        let road = try await RaceRoad(shadow: Self.entry)
        let (client, shadow) = (Gate(), Gate())
        road.transport.scripts = [
            Self.stream(Self.clientAnswer, behind: client), Self.stream(Self.answer + StreamTests.done, behind: shadow),
        ]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        #expect(road.transport.requests.count == 1)
        client.open()
        await road.finish()
        #expect(exchange.isFinished)
        #expect(road.instruments.shadows?.count == 1)
        #expect(try await Self.kept(road).isEmpty)
        shadow.open()
        await road.settle()
        #expect(try await Self.kept(road).count == 1)
        #expect(road.meter.counts.open == 0)
    }

    @Test func `a call that fails has no copy, and a copy that fails is kept as one that did`() async throws {
        let road = try await RaceRoad(shadow: Self.entry)
        road.transport.scripts = [
            .json(#"{"error":{"message":"no"}}"#, status: 400),
            Self.stream(Self.clientAnswer), .json(#"{"error":{"message":"down"}}"#, status: 503),
        ]
        _ = road.begin(StreamTests.ask)
        await road.finish()
        await road.settle()
        #expect(road.transport.requests.count == 1)
        let exchange = road.begin(StreamTests.ask)
        await road.finish()
        await road.settle()
        #expect(exchange.status == 200)
        let kept = try #require(try await Self.kept(road).first)
        #expect(kept.shadow.code == "provider_unavailable" || kept.shadow.code == "provider_error")
        #expect(kept.shadow.status == 503 && kept.likeness == nil)
    }

    @Test func `a copy is not hedged, and a hedged call has one copy`() async throws {
        let terms = HedgeTerms(delay: .milliseconds(100), permille: 1000)
        let road = try await RaceRoad(hedge: terms, shadow: Self.entry)
        let (first, second) = (Gate(), Gate())
        road.transport.scripts = [
            Self.stream(Self.clientAnswer, behind: first), Self.stream(Self.clientAnswer, behind: second),
            Self.stream(Self.answer + StreamTests.done, behind: first),
        ]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        second.open()
        await road.finish()
        road.clock.pass(.seconds(1))
        await road.settle()
        #expect(road.transport.requests.count == 3)
        first.open()
        await road.settle()
        #expect(exchange.field("x-turnpike-provider") == "mistral")
        #expect(try await road.rows().map(\.variant) == ["", "hedge", "shadow"])
        let kept = try #require(try await Self.kept(road).first)
        #expect(kept.client.provider == "mistral" && kept.shadow.provider == "groq")
    }

    @Test(arguments: ["x-turnpike-cache: no-store\r\n", ""])
    func `a client that wants nothing stored has no copy`(field: String) async throws {
        let road = try await RaceRoad(shadow: Self.entry)
        road.transport.scripts = [Self.stream(Self.clientAnswer), Self.stream(Self.answer)]
        _ = road.begin(StreamTests.ask, fields: field)
        await road.finish()
        await road.settle()
        #expect(road.transport.requests.count == (field.isEmpty ? 2 : 1))
    }

    @Test func `copies have a budget of their own, and what was spent before a restart counts`() async throws {
        var entry = Self.entry
        entry.dailyBudget = MicroDollars(1)
        let road = try await RaceRoad(shadow: entry)
        let shadows = try #require(road.instruments.shadows)
        func ask(copies: Bool) async {
            road.transport.scripts = [Self.stream(Self.clientAnswer)]
            if copies { road.transport.scripts.append(Self.stream(Self.answer + StreamTests.done)) }
            _ = road.begin(StreamTests.ask)
            await road.finish()
            await road.settle()
        }
        // Nobody knows yet what was spent today.
        await ask(copies: false)
        #expect(shadows.figures.withheld == 1)
        await shadows.learnSpending()
        await ask(copies: true)
        await ask(copies: false)
        #expect(shadows.figures.begun == 1 && shadows.figures.withheld == 2)
        // Another process finds it in the ledger.
        #expect(try await road.rows().count == 4)
        let next = ShadowBook(
            database: road.database,
            logger: road.instruments.logger,
            wallClock: { RaceRoad.wallTime }
        )
        await next.learnSpending()
        await next.learnSpending()
        #expect(next.isUsedUp("fast", entry))
        #expect(!next.isUsedUp("other", entry))
    }

    @Test func `the server's end ends copies, and each is settled`() async throws {
        let road = try await RaceRoad(shadow: Self.entry)
        road.transport.scripts = [Self.stream(Self.clientAnswer), Self.stream(Self.answer, behind: Gate())]
        _ = road.begin(StreamTests.ask)
        await road.finish()
        await road.settle()
        #expect(road.meter.counts.open == 1)
        await road.instruments.shadows?.finish()
        #expect(road.meter.counts.open == 0)
        #expect(road.instruments.shadows?.count == 0)
        #expect(try await Self.kept(road).isEmpty)
        road.transport.scripts = [Self.stream(Self.clientAnswer)]
        _ = road.begin(StreamTests.ask)
        await road.finish()
        await road.settle()
        #expect(road.transport.requests.count == 3)
    }

    @Test func `a copy that takes too long is ended`() async throws {
        let road = try await RaceRoad(shadow: Self.entry)
        road.transport.scripts = [Self.stream(Self.clientAnswer), Self.stream(Self.answer, behind: Gate())]
        _ = road.begin(StreamTests.ask)
        await road.finish()
        await road.settle()
        road.clock.pass(.seconds(119))
        road.instruments.shadows?.cutOverdue()
        await road.settle()
        #expect(road.instruments.shadows?.count == 1)
        road.clock.pass(.seconds(1))
        road.instruments.shadows?.cutOverdue()
        await road.settle()
        #expect(road.instruments.shadows?.count == 0)
        #expect(road.meter.counts.open == 0)
    }

    @Test func `about so many of a hundred calls are copied`() async throws {
        var entry = Self.entry
        entry.percent = 20
        let road = try await RaceRoad(shadow: entry)
        for _ in 0..<300 {
            road.transport.scripts = [Self.stream(Self.clientAnswer), Self.stream(Self.answer + StreamTests.done)]
            _ = road.begin(StreamTests.ask)
            await road.finish()
            await road.settle()
        }
        let copies = road.transport.requests.count - 300
        // Of 300 draws with 0.2: beyond these once in ten million times.
        #expect((24...100).contains(copies), "\(copies)")
    }
}
