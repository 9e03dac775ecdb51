import Core
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import Resilience
import Telemetry
import Testing
import Transport

/// What is tried again, where and when, on the whole road: rows 83 to 89.
@Suite struct TryTargetsTests {
    static let ask = #"{"model":"fast","messages":[]}"#
    static let one = #"{"model":"mistral/m","messages":[]}"#
    static let answer = PlainCallTests.answer
    static var down: FakeUpstream.Script { .json(#"{"error":{"message":"boom"}}"#, status: 500) }

    /// A road that tries twice more, with a clock that waits move.
    struct Kit {
        let clock = HandClock()
        let road: Road
        let waits = NIOLockedValueBox<[TimeAmount]>([])

        init(routes: [RouteEntry]? = nil, retriesMax: Int = 2) throws {
            let clock = self.clock
            self.road =
                try routes.map { try Road(routes: $0, retriesMax: retriesMax, monotonicClock: { clock.now }) }
                ?? Road(retriesMax: retriesMax, monotonicClock: { clock.now })
            let waits = self.waits
            self.road.transport.duringWait = { until in
                waits.withLockedValue { $0.append(until - clock.now) }
                clock.move(to: until)
            }
        }

        func chat(_ body: String, _ scripts: FakeUpstream.Script...) async -> FakeExchange {
            self.road.transport.scripts = scripts
            return await self.road.chat(body)
        }

        var sent: Int { self.road.transport.requests.count }
        var waited: [TimeAmount] { self.waits.withLockedValue { $0 } }
    }

    @Test(arguments: [500, 502, 503, 529, 504, 408, 409, 429])
    func `a provider that fails gives way to the next at once (row 86)`(status: Int) async throws {
        let kit = try Kit()
        let answer = await kit.chat(Self.ask, .json(#"{"error":{"message":"x"}}"#, status: status), .json(Self.answer))
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-provider") == "openrouter")
        #expect(answer.field("x-turnpike-attempts") == "2")
        #expect(kit.waited.isEmpty)
    }

    @Test func `where there is no other target the same is asked again, after a wait that doubles (row 86)`()
        async throws
    {
        let kit = try Kit()
        let answer = await kit.chat(Self.one, Self.down, Self.down, .json(Self.answer))
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-attempts") == "3")
        #expect(kit.waited.count <= 2)
        #expect(kit.waited.allSatisfy { $0 <= .milliseconds(200) })
    }

    @Test func `when all fail the most useful failure is told, with all that was tried`() async throws {
        let kit = try Kit()
        let answer = await kit.chat(
            Self.ask,
            .failure(TransportError.connectFailed("refused")),
            .json("{}", status: 429, fields: "retry-after: 30\r\n")
        )
        #expect(answer.status == 429)
        #expect(answer.json?["error"]?["code"] == "provider_rate_limited")
        #expect(answer.field("retry-after") == "30")
        #expect(answer.field("x-should-retry") == "false")
        #expect(answer.field("x-turnpike-attempts") == "2")
        #expect(answer.field("x-turnpike-provider") == "openrouter")
        let tried = answer.json?["error"]?["details"]?["tried"]?.stringValue
        #expect(
            tried == "openai/gpt-4o-mini: PROVIDER_UNAVAILABLE; openrouter/openai/gpt-4o: PROVIDER_RATE_LIMITED (429)"
        )
    }

    @Test func `the failure that is told names its own provider`() async throws {
        let kit = try Kit(retriesMax: 1)
        let answer = await kit.chat(Self.ask, Self.down, .failure(TransportError.connectFailed("refused")))
        #expect(answer.status == 502)
        #expect(answer.field("x-turnpike-provider") == "openai")
        #expect(answer.sent.contains("The provider 'openai' failed"))
    }

    @Test func `no more attempts are made than the route allows`() async throws {
        let kit = try Kit()
        let answer = await kit.chat(Self.ask, Self.down, Self.down, Self.down)
        #expect(answer.status == 502)
        #expect(kit.sent == 3)
        let none = try Kit(retriesMax: 0)
        #expect(await none.chat(Self.ask, Self.down).field("x-should-retry") == nil)
        #expect(none.sent == 1)
    }

    @Test func `what may have been worked on is asked for once more, unless the provider keeps it (row 84)`()
        async throws
    {
        let lost = FakeUpstream.Script.failure(TransportError.closedBeforeHead)
        let kit = try Kit()
        #expect(await kit.chat(Self.one, lost, .json(Self.answer)).status == 200)
        let twice = try Kit()
        #expect(await twice.chat(Self.one, lost, lost).status == 502)
        #expect(twice.sent == 2)
        let stored = try Kit()
        #expect(await stored.chat(#"{"model":"fast","store":true,"messages":[]}"#, lost).status == 502)
        #expect(stored.sent == 1)
    }

    @Test(arguments: [400, 403, 404, 413, 422])
    func `a complaint about the request is told at once (row 87)`(status: Int) async throws {
        let kit = try Kit()
        let body = #"{"error":{"message":"wrong","code":"x","metadata":{"reasons":["x"]}}}"#
        let answer = await kit.chat(Self.ask, .json(body, status: status))
        #expect(answer.status == status)
        #expect(kit.sent == 1)
        #expect(answer.json?["error"]?["details"] == nil)
    }

    @Test func `a model that is not there, a spent account and a bad key are tried elsewhere, never twice (row 87)`()
        async throws
    {
        let missing = FakeUpstream.Script.json(
            #"{"error":{"message":"no such model","code":"model_not_found"}}"#,
            status: 404
        )
        let spent = FakeUpstream.Script.json(
            #"{"error":{"message":"quota","type":"insufficient_quota"}}"#,
            status: 429
        )
        let refused = FakeUpstream.Script.json(#"{"error":{"message":"no"}}"#, status: 401)
        for script in [missing, spent, refused] {
            let kit = try Kit()
            #expect(await kit.chat(Self.ask, script, .json(Self.answer)).status == 200)
            let alone = try Kit()
            #expect(await alone.chat(Self.one, script).status >= 400)
            #expect(alone.sent == 1)
        }
    }

    @Test func `a stream that fails before its content goes on elsewhere and begins once (row 88)`() async throws {
        let kit = try Kit()
        let error = StreamTests.data(#"{"error":{"message":"overloaded","code":529}}"#)
        let answer = await kit.chat(
            StreamTests.ask,
            .stream(.bytes(StreamTests.role), .bytes(error)),
            .stream(.bytes(StreamTests.role + StreamTests.text("Hi") + StreamTests.finish + StreamTests.done))
        )
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-provider") == "openrouter")
        #expect(answer.sent.components(of: #""role":"assistant""#) == 1)
        #expect(answer.sent.contains("Hi"))
        #expect(!answer.sent.contains("overloaded"))
    }

    @Test func `a stream that fails before its content is not asked for again where it failed (row 88)`() async throws {
        let kit = try Kit()
        let error = StreamTests.data(#"{"error":{"message":"overloaded","code":529}}"#)
        let ask = #"{"model":"mistral/m","stream":true,"messages":[]}"#
        #expect(await kit.chat(ask, .stream(.bytes(StreamTests.role), .bytes(error))).status == 503)
        #expect(kit.sent == 1)
    }

    @Test func `nothing is tried again after the first content (row 89)`() async throws {
        for end in [FakeUpstream.Step.fail(TransportError.closedInBody), .bytes(StreamTests.data("{"))] {
            let kit = try Kit()
            let answer = await kit.chat(
                StreamTests.ask,
                .stream(.bytes(StreamTests.role + StreamTests.text("Hel")), end)
            )
            #expect(answer.status == 200)
            #expect(kit.sent == 1)
            #expect(answer.sent.contains("Hel"))
            #expect(answer.sent.contains(#""error""#))
            #expect(!answer.sent.contains("[DONE]"))
        }
    }

    @Test func `a client that leaves between two attempts ends the call`() async throws {
        let kit = try Kit()
        kit.road.transport.duringWait = { _ in throw CancellationError() }
        _ = await kit.chat(Self.one, Self.down)
        #expect(kit.sent == 1)
        #expect(kit.road.exposition.contains("turnpike_clients_gone_total 1"))
    }

    @Test func `a gateway that goes down ends a wait between two attempts`() async throws {
        let kit = try Kit()
        kit.road.transport.scripts = [Self.down]
        var exchange: FakeExchange?
        kit.road.transport.duringWait = { _ in exchange?.hurry?() }
        let answer = await kit.road.chat(Self.one) { exchange = $0 }
        #expect(answer.status == 503)
        #expect(answer.sent.contains("shutting_down"))
        #expect(kit.sent == 1)
    }

    @Test func `no attempt begins once the call's time is over`() async throws {
        let kit = try Kit()
        kit.road.transport.duringDial = { [clock = kit.clock] in clock.advance(.seconds(121)) }
        #expect(await kit.chat(Self.ask, Self.down).status == 502)
        #expect(kit.sent == 1)
    }

    @Test func `what is too long for a model goes where the alias says, and so does what a filter refused`()
        async throws
    {
        var fast = RouteEntry(name: "fast", targets: [.init(provider: "openai", model: "small")])
        fast.onTooLong = "long"
        fast.onContentRefused = "open"
        let routes = [
            fast, RouteEntry(name: "long", targets: [.init(provider: "openrouter", model: "big")]),
            RouteEntry(name: "open", targets: [.init(provider: "mistral", model: "free")]),
        ]
        let long = FakeUpstream.Script.json(
            #"{"error":{"message":"too many","code":"context_length_exceeded"}}"#,
            status: 400
        )
        let filtered = FakeUpstream.Script.json(
            #"{"error":{"message":"filtered","code":"content_filter"}}"#,
            status: 400
        )
        let kit = try Kit(routes: routes)
        let served = await kit.chat(Self.ask, long, .json(Self.answer))
        #expect(served.field("x-turnpike-provider") == "openrouter")
        #expect(served.field("x-turnpike-model") == "big")
        #expect(await kit.chat(Self.ask, filtered, .json(Self.answer)).field("x-turnpike-provider") == "mistral")
        // Once only, and the words are kept where that fails as well.
        let again = await kit.chat(Self.ask, long, long)
        #expect(again.status == 400)
        #expect(again.json?["error"]?["code"] == "context_length_exceeded")
        #expect(await kit.chat(#"{"model":"long","messages":[]}"#, long).status == 400)
    }
}

extension String {
    /// How often `part` is in it.
    func components(of part: String) -> Int { self.split(separator: part, omittingEmptySubsequences: false).count - 1 }
}
