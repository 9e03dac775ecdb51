import Auth
import Core
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// How one call of several goes to one target of several.
@Suite struct ChooseRouteTests {
    static let answer =
        #"{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#

    typealias Entry = RouteEntry.TargetEntry

    /// A road whose alias `fast` leads to OpenAI, OpenRouter and Mistral, or to other targets.
    static func road(
        _ strategy: Strategy,
        targets: [Entry] = [
            Entry(provider: "openai", model: "a"), Entry(provider: "openrouter", model: "b"),
            Entry(provider: "mistral", model: "c"),
        ],
        more: [RouteEntry] = [],
        credentialsFor: [String] = ["openai", "openrouter", "mistral"],
        retriesMax: Int = 2,
        principal: Principal = Principal(group: GroupID("demo"), keyID: "dev"),
        book: TargetBook = TargetBook(),
        clock: TestClock = TestClock(),
        with change: (inout RouteEntry) -> Void = { _ in }
    ) throws -> Road {
        var entry = RouteEntry(name: "fast", strategy: strategy, targets: targets, retriesMax: retriesMax)
        change(&entry)
        return try Road(
            routes: [entry] + more,
            credentialsFor: credentialsFor,
            retriesMax: retriesMax,
            principal: principal,
            targets: book,
            monotonicClock: { clock.now }
        )
    }

    /// Makes calls, all answered, and says which upstream models they went to.
    static func served(_ road: Road, calls: Int = 1, body: String = "", fields: String = "") async -> [String] {
        var models: [String] = []
        for _ in 0..<calls {
            road.transport.scripts = [.json(Self.answer)]
            let answer = await road.chat(#"{"model":"fast"\#(body)}"#, fields: fields)
            models.append(answer.field("x-turnpike-model") ?? "status \(answer.status)")
        }
        return models
    }

    // MARK: - Strategies

    @Test func `round robin takes turns, and those that cannot serve have none`() async throws {
        let road = try Self.road(.roundRobin)
        #expect(await Self.served(road, calls: 6) == ["a", "b", "c", "a", "b", "c"])
        let two = try Self.road(.roundRobin, credentialsFor: ["openai", "mistral"])
        #expect(await Self.served(two, calls: 4) == ["a", "c", "a", "c"])
        let standby = try Self.road(
            .roundRobin,
            targets: [
                Entry(provider: "openai", model: "a"), Entry(provider: "openrouter", model: "b", weight: 0),
                Entry(provider: "mistral", model: "c"),
            ]
        )
        #expect(await Self.served(standby, calls: 4) == ["a", "c", "a", "c"])
    }

    @Test func `weights decide by chance, and a weight of 0 is for emergencies`() async throws {
        let road = try Self.road(
            .weighted,
            targets: [
                Entry(provider: "openai", model: "a", weight: 2), Entry(provider: "openrouter", model: "b", weight: 0),
                Entry(provider: "mistral", model: "c", weight: 2),
            ]
        )
        let models = await Self.served(road, calls: 100)
        // One in 2¹⁰⁰ that chance alone makes this fail.
        #expect(Set(models) == ["a", "c"])
        let alone = try Self.road(
            .weighted,
            targets: [Entry(provider: "mistral", model: "c"), Entry(provider: "openrouter", model: "b", weight: 0)],
            credentialsFor: ["openrouter"]
        )
        #expect(await Self.served(alone) == ["b"])
    }

    @Test func `the least busy target gets the next call, for its weight`() async throws {
        let road = try Self.road(
            .leastBusy,
            targets: [Entry(provider: "openai", model: "a", weight: 3), Entry(provider: "mistral", model: "c")]
        )
        // a: (0+1)/3 < 1, (1+1)/3 < 1, (2+1)/3 = 1: then chance decides; with c taken a is the better one again.
        let models = await Self.nested(road, depth: 2)
        #expect(models == ["a", "a"])
        let deep = await Self.nested(road, depth: 4)
        #expect(deep.sorted() == ["a", "a", "a", "c"], "\(deep)")
    }

    @Test func `the cheapest target for this call is first, and one without a price last`() async throws {
        let targets = [
            Entry(provider: "mistral", model: "nobody-knows-this-model"),
            Entry(provider: "openai", model: "gpt-4o"), Entry(provider: "openai", model: "gpt-4o-mini"),
        ]
        let road = try Self.road(.cheapest, targets: targets)
        #expect(await Self.served(road, calls: 3) == ["gpt-4o-mini", "gpt-4o-mini", "gpt-4o-mini"])
        // A free one is the cheapest of all.
        let local = try Self.road(.cheapest, targets: targets + [Entry(provider: "local", model: "llama")])
        #expect(await Self.served(local) == ["llama"])
        let unknown = try Self.road(.cheapest, targets: targets, credentialsFor: ["mistral"])
        #expect(await Self.served(unknown) == ["nobody-knows-this-model"])
    }

    @Test func `least latency learns who is slow, and forgives in time`() async throws {
        let clock = TestClock()
        let road = try Self.road(
            .leastLatency,
            targets: [Entry(provider: "openai", model: "a"), Entry(provider: "mistral", model: "c")],
            clock: clock
        )
        /// Answers after 3 s at `a`, after 200 ms at `c`.
        func call() async -> String {
            road.transport.scripts = [
                .pausing(before: Self.answer) {
                    let isSlow = road.transport.endpoints.last?.host == "api.openai.com"
                    clock.advance(isSlow ? .seconds(3) : .milliseconds(200))
                }
            ]
            let answer = await road.chat(#"{"model":"fast"}"#)
            return answer.field("x-turnpike-model") ?? ""
        }
        let first = [await call(), await call()]
        #expect(first.sorted() == ["a", "c"], "each is tried once: nobody knows them")
        for _ in 0..<20 { #expect(await call() == "c") }
        clock.advance(.minutes(10))
        let later = [await call(), await call(), await call()]
        #expect(later.contains("a"), "what was slow ten minutes ago may be quick now")
    }

    // MARK: - Places

    @Test func `a target that has as many calls as it may is passed over, and its place is free again afterwards`()
        async throws
    {
        let road = try Self.road(
            .fallback,
            targets: [
                Entry(provider: "openai", model: "a", concurrentMax: 1), Entry(provider: "mistral", model: "c"),
            ]
        )
        #expect(await Self.nested(road, depth: 3) == ["a", "c", "c"])
        #expect(await Self.served(road, calls: 2) == ["a", "a"])
        #expect(road.exposition.isEmpty == false)
    }

    @Test func `where every target is full the client hears so, and nothing is sent`() async throws {
        let book = TargetBook()
        let road = try Self.road(
            .fallback,
            targets: [
                Entry(provider: "openai", model: "a", concurrentMax: 1),
                Entry(provider: "mistral", model: "c", concurrentMax: 1),
            ],
            book: book
        )
        var refused: FakeExchange?
        road.transport.scripts = [
            .pausing(before: Self.answer) {
                road.transport.scripts = [
                    .pausing(before: Self.answer) { refused = await road.chat(#"{"model":"fast"}"#) }
                ]
                _ = await road.chat(#"{"model":"fast"}"#)
            }
        ]
        _ = await road.chat(#"{"model":"fast"}"#)
        #expect(refused?.status == 503)
        #expect(refused?.field("retry-after") == "1")
        #expect(refused?.sent.contains("overloaded") == true, "\(refused?.sent ?? "")")
        #expect(road.transport.requests.count == 2)
        #expect(book.targets.map(\.underWay) == [0, 0])
        #expect(book.targets.map(\.withoutAnswer) == [0, 0])
        #expect(book.targets.allSatisfy { $0.passCounts[.atCapacity] ?? 0 > 0 })
    }

    @Test func `places are given back however a call ends`() async throws {
        let book = TargetBook()
        let road = try Self.road(.fallback, retriesMax: 0, book: book)
        let gone: FakeUpstream.Script = .stream(
            .bytes("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"),
            .fail(CancellationError())
        )
        for script in [
            .failure(TransportError.connectFailed("refused")), .json("{}", status: 500), .json("{}", status: 400),
            .failure(CancellationError()), gone,
            .stream(.bytes("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n")),
        ] as [FakeUpstream.Script] {
            road.transport.scripts = [script]
            _ = await road.chat(#"{"model":"fast","stream":true}"#)
            #expect(book.targets.map(\.underWay) == [0, 0, 0])
            #expect(book.targets.map(\.withoutAnswer) == [0, 0, 0])
        }
    }

    @Test func `a target that recovered gets its calls back step by step`() async throws {
        let clock = TestClock()
        let road = try Self.road(
            .fallback,
            targets: [Entry(provider: "openai", model: "a"), Entry(provider: "mistral", model: "c")],
            clock: clock
        ) { $0.slowStart = .seconds(10) }
        for _ in 0..<5 {
            road.transport.scripts = [.failure(TransportError.connectFailed("refused")), .json(Self.answer)]
            _ = await road.chat(#"{"model":"fast"}"#)
        }
        #expect(await Self.served(road, calls: 20) == Array(repeating: "c", count: 20), "the breaker of a is open")
        // Once it has cooled down one call tries it, which goes well.
        clock.advance(.seconds(11))
        #expect(await Self.served(road, calls: 1) == ["a"])
        let early = await Self.served(road, calls: 400).filter { $0 == "a" }.count
        // A tenth of 400, with seven standard deviations to both sides.
        #expect((1...82).contains(early), "\(early)")
        clock.advance(.seconds(10))
        #expect(Set(await Self.served(road, calls: 50)) == ["a"])
    }

    // MARK: - Help

    /// Calls inside of each other, the outermost first: where each went.
    private static func nested(_ road: Road, depth: Int) async -> [String] {
        var inner: [String] = []
        road.transport.scripts = [
            .pausing(before: Self.answer) {
                if depth > 1 { inner = await Self.nested(road, depth: depth - 1) }
            }
        ]
        let answer = await road.chat(#"{"model":"fast"}"#)
        return [answer.field("x-turnpike-model") ?? "status \(answer.status)"] + inner
    }
}

/// A clock that goes on when the test says so.
final class TestClock: Sendable {
    private let time = NIOLockedValueBox(NIODeadline.now())

    var now: NIODeadline { self.time.withLockedValue { $0 } }

    func advance(_ amount: TimeAmount) { self.time.withLockedValue { $0 = $0 + amount } }
}

extension FakeUpstream.Script {
    /// A whole answer before which something happens.
    static func pausing(before body: String, _ action: @escaping () async -> Void) -> Self {
        var script = Self.json(body)
        script.steps.insert(.pause(action), at: 0)
        return script
    }
}
