import Core
import NIOCore
import Pipeline
import Providers
import Resilience
import Testing
import Transport

/// Breakers and cool-downs on the whole road: rows 85, 86 and 94.
@Suite struct GuardProviderTests {
    private typealias Kit = TryTargetsTests.Kit
    private static let ask = TryTargetsTests.ask
    private static let one = TryTargetsTests.one
    private static var whole: FakeUpstream.Script { .json(TryTargetsTests.answer) }
    private static var down: FakeUpstream.Script { TryTargetsTests.down }

    /// Three targets, none better than the others.
    private static var three: [RouteEntry] {
        [
            RouteEntry(
                name: "fast",
                targets: ["openai", "openrouter", "mistral"].map { .init(provider: $0, model: "m") }
            )
        ]
    }

    /// Makes five calls that fail at the first target and are not tried again.
    private static func trip(_ kit: Kit, _ body: String = Self.one) async {
        for _ in 0..<5 { _ = await kit.chat(body, Self.down) }
    }

    @Test func `a target that failed too often is left alone, and the client is told at once when to come back`()
        async throws
    {
        let kit = try Kit(retriesMax: 0)
        await Self.trip(kit)
        #expect(kit.sent == 5)
        let refused = await kit.chat(Self.one)
        #expect(refused.status == 503)
        #expect(refused.json?["error"]?["code"] == "provider_unavailable")
        #expect(refused.field("retry-after") == "1")
        #expect(refused.field("x-turnpike-attempts") == nil)
        #expect(refused.field("x-should-retry") == nil)
        #expect(kit.sent == 5)
        #expect(kit.road.logged.text.contains("A target failed too often and is left alone"))
    }

    @Test func `after the cool-down one call is let through, and its success lets all through`() async throws {
        let kit = try Kit(retriesMax: 0)
        await Self.trip(kit)
        kit.clock.advance(.seconds(1))
        #expect(await kit.chat(Self.one, Self.down).status == 502)
        #expect(await kit.chat(Self.one).status == 503)
        kit.clock.advance(.seconds(2))
        #expect(await kit.chat(Self.one, Self.whole).status == 200)
        for _ in 0..<3 { #expect(await kit.chat(Self.one, Self.whole).status == 200) }
        #expect(kit.road.logged.text.contains("A target works again"))
    }

    @Test func `a stream proves its target with its first content, not with its end`() async throws {
        let kit = try Kit(retriesMax: 0)
        await Self.trip(kit)
        kit.clock.advance(.seconds(1))
        let book = kit.road.guards
        let clock = kit.clock
        var state: BreakerState?
        let ask = #"{"model":"mistral/m","stream":true,"messages":[]}"#
        _ = await kit.chat(
            ask,
            .stream(
                .bytes(StreamTests.role + StreamTests.text("Hi")),
                .meanwhile { state = book.targets.first?.status(now: clock.now).state },
                .bytes(StreamTests.finish + StreamTests.done)
            )
        )
        #expect(state == .closed)
    }

    @Test func `a target whose streams always break off is left alone, although each began well`() async throws {
        let kit = try Kit(retriesMax: 0)
        let ask = #"{"model":"mistral/m","stream":true,"messages":[]}"#
        for _ in 0..<5 {
            let begin = StreamTests.role + StreamTests.text("Hel")
            _ = await kit.chat(ask, .stream(.bytes(begin), .fail(TransportError.closedInBody)))
        }
        #expect(await kit.chat(ask).status == 503)
    }

    @Test func `a probe whose client leaves gives its place to the next call`() async throws {
        let kit = try Kit(retriesMax: 0)
        await Self.trip(kit)
        kit.clock.advance(.seconds(1))
        kit.road.transport.scripts = [.failure(CancellationError())]
        _ = await kit.road.chat(Self.one)
        #expect(await kit.chat(Self.one, Self.whole).status == 200)
    }

    @Test func `the other target serves while one is left alone, without an attempt that fails`() async throws {
        let kit = try Kit()
        for _ in 0..<5 { #expect(await kit.chat(Self.ask, Self.down, Self.whole).status == 200) }
        let answer = await kit.chat(Self.ask, Self.whole)
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-provider") == "openrouter")
        #expect(answer.field("x-turnpike-attempts") == "1")
    }

    @Test func `with two targets left alone no provider is called, and what is told is the earliest time`() async throws
    {
        let kit = try Kit(retriesMax: 1)
        for _ in 0..<5 { _ = await kit.chat(Self.ask, Self.down, Self.down) }
        let sent = kit.sent
        let refused = await kit.chat(Self.ask)
        #expect(refused.status == 503)
        #expect(refused.field("retry-after") == "1")
        #expect(refused.json?["error"]?["details"]?["tried"]?.stringValue?.contains("not tried") == true)
        #expect(kit.sent == sent)
    }

    @Test func `of three or more targets never all are left alone (row 94)`() async throws {
        let kit = try Kit(routes: Self.three)
        for _ in 0..<10 { _ = await kit.chat(Self.ask, Self.down, Self.down, Self.down) }
        let now = kit.clock.now
        #expect(kit.road.guards.targets.count == 3)
        #expect(kit.road.guards.targets.allSatisfy { $0.isOpen(now: now) })
        let sent = kit.sent
        #expect(await kit.chat(Self.ask, Self.whole).status == 200)
        #expect(kit.sent == sent + 1)
    }

    @Test func `an operator's word counts even where it leaves nothing`() async throws {
        let kit = try Kit(routes: Self.three)
        for name in ["openai", "openrouter", "mistral"] {
            #expect(kit.road.guards.open(GuardSelector(provider: name), for: nil, now: kit.clock.now).count == 0)
        }
        let refused = await kit.chat(Self.ask)
        #expect(refused.status == 503)
        #expect(kit.sent == 0)
        #expect(kit.road.guards.close(GuardSelector(provider: "mistral"), now: kit.clock.now).count == 1)
        #expect(await kit.chat(Self.ask, Self.whole).field("x-turnpike-provider") == "mistral")
    }

    @Test(arguments: [400, 401, 404, 422, 429])
    func `what a provider refuses does not open a breaker`(status: Int) async throws {
        let kit = try Kit(retriesMax: 0)
        for _ in 0..<20 { _ = await kit.chat(Self.one, .json(#"{"error":{"message":"no"}}"#, status: status)) }
        #expect(kit.sent == 20)
    }

    @Test func `a client's own short limit does not open a breaker, the gateway's does`() async throws {
        let short = FakeUpstream.Script.failure(
            TransportError.timeout(.total, limit: .milliseconds(50), didSend: true)
        )
        let kit = try Kit(retriesMax: 0)
        for _ in 0..<10 {
            kit.road.transport.scripts = [short]
            _ = await kit.road.chat(Self.one, fields: "x-turnpike-timeout-ms: 50\r\n")
        }
        #expect(kit.sent == 10)
        let slow = FakeUpstream.Script.failure(TransportError.timeout(.firstByte, limit: .seconds(30), didSend: true))
        let other = try Kit(retriesMax: 0)
        for _ in 0..<5 { _ = await other.chat(Self.one, slow) }
        #expect(await other.chat(Self.one).status == 503)
    }

    @Test func `a breaker is of one key and one model`() async throws {
        let kit = try Kit(retriesMax: 0)
        await Self.trip(kit)
        #expect(await kit.chat(Self.one).status == 503)
        #expect(await kit.chat(#"{"model":"mistral/other","messages":[]}"#, Self.whole).status == 200)
    }

    // MARK: - Cool-downs

    @Test func `the only target is waited for as long as it asks, if that is short (row 85)`() async throws {
        let kit = try Kit()
        let busy = FakeUpstream.Script.json("{}", status: 429, fields: "retry-after-ms: 1500\r\n")
        let answer = await kit.chat(Self.one, busy, Self.whole)
        #expect(answer.status == 200)
        #expect(kit.waited.count == 1)
        #expect(kit.waited.allSatisfy { $0 >= .milliseconds(1500) && $0 <= .milliseconds(1650) })
    }

    @Test func `what asks for longer is not called before, and clients are told its own time (row 85)`() async throws {
        let kit = try Kit()
        let busy = FakeUpstream.Script.json("{}", status: 429, fields: "retry-after: 40\r\n")
        #expect(await kit.chat(Self.one, busy).field("retry-after") == "40")
        #expect(kit.waited.isEmpty)
        kit.clock.advance(.seconds(10))
        let cooling = await kit.chat(Self.one)
        #expect(cooling.status == 429)
        #expect(cooling.field("retry-after") == "30")
        #expect(kit.sent == 1)
        kit.clock.advance(.seconds(25))
        #expect(await kit.chat(Self.one, Self.whole).status == 200)
        #expect(kit.waited.count == 1)
    }

    @Test func `a cool-down is of one model, and other targets serve meanwhile (row 85)`() async throws {
        let kit = try Kit()
        let busy = FakeUpstream.Script.json("{}", status: 429, fields: "retry-after: 40\r\n")
        #expect(await kit.chat(Self.ask, busy, Self.whole).field("x-turnpike-attempts") == "2")
        let next = await kit.chat(Self.ask, Self.whole)
        #expect(next.field("x-turnpike-provider") == "openrouter")
        #expect(next.field("x-turnpike-attempts") == "1")
        #expect(await kit.chat(#"{"model":"openai/other","messages":[]}"#, Self.whole).status == 200)
    }

    // MARK: - The retry budget

    @Test(arguments: [TryTargetsTests.one, TryTargetsTests.ask])
    func `an outage is not made worse: no more than a tenth is tried again, there or elsewhere (row 86)`(
        body: String
    ) async throws {
        let kit = try Kit()
        let isOff = Self.rules { $0.breaker.isOn = false }
        kit.road.guards.use(["mistral": isOff, "openai": isOff, "openrouter": isOff])
        var offered = 0
        for _ in 0..<20 {
            for _ in 0..<100 {
                offered += 1
                kit.road.transport.scripts = Array(repeating: Self.down, count: 3)
                _ = await kit.road.chat(body)
                kit.road.transport.scripts = []
            }
            kit.clock.advance(.milliseconds(900))
        }
        #expect(kit.sent > offered)
        #expect(Double(kit.sent) <= Double(offered) * 1.1 + 30)
    }

    private static func rules(_ change: (inout GuardRules) -> Void) -> GuardRules {
        var rules = GuardRules()
        change(&rules)
        return rules
    }
}
