import Core
import HTTP
import Metering
import NIOCore
import Pipeline
import Providers
import Testing
import Transport

/// A slow first attempt gets company; whoever has content first answers, and both are accounted for, once.
@MainActor @Suite struct RaceTests {
    private static let terms = HedgeTerms(delay: .milliseconds(100), permille: 1000)
    private static let answer = StreamTests.text("Hi") + StreamTests.finish + StreamTests.usage + StreamTests.done
    private static let askWhole = #"{"model":"fast","messages":[]}"#

    /// A stream that waits at each gate for the test.
    private static func stream(_ gates: Gate..., text: String = RaceTests.answer) -> FakeUpstream.Script {
        var script = FakeUpstream.Script.stream()
        script.steps = gates.map { gate in .pause { await gate.pass() } } + [.bytes(text)]
        return script
    }

    private static func whole(_ gate: Gate) -> FakeUpstream.Script {
        var script = FakeUpstream.Script.json(PlainCallTests.answer)
        script.steps.insert(.pause { await gate.pass() }, at: 0)
        return script
    }

    private static let winner = RaceRoad.Row(
        number: 1,
        provider: "openai",
        variant: "",
        outcome: "ok",
        code: "",
        source: "provider",
        isCharged: true,
        output: 4
    )
    private static let loser = RaceRoad.Row(
        number: 1,
        provider: "openai",
        variant: "",
        outcome: "partial_client_gone",
        code: "hedge_lost",
        source: "none",
        isCharged: false,
        output: nil
    )

    /// The rows without money, which is looked at where it matters.
    private static func rows(_ road: RaceRoad) async throws -> [RaceRoad.Row] {
        try await road.rows().map { row in
            var row = row
            #expect(row.isCharged == (row.charged > 0))
            (row.cost, row.charged) = (0, 0)
            return row
        }
    }

    private static func row(_ row: RaceRoad.Row, _ number: Int64, _ provider: String, _ variant: String) -> RaceRoad.Row
    {
        var row = row
        (row.number, row.provider, row.variant) = (number, provider, variant)
        return row
    }

    @Test func `a call that is fast enough has no company`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        let gate = Gate()
        road.transport.scripts = [Self.stream(gate)]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(99))
        await road.settle()
        gate.open()
        await road.finish()
        #expect(exchange.sent == StreamTests.text("Hi") + StreamTests.finish + StreamTests.done)
        #expect(exchange.field("x-turnpike-attempts") == "1")
        #expect(try await Self.rows(road) == [Self.winner])
        #expect(road.hedges == [:])
    }

    @Test func `the second attempt starts after the delay, wins by its content, and the first is called off`()
        async throws
    {
        let road = try await RaceRoad(hedge: Self.terms)
        let (first, second) = (Gate(), Gate())
        road.transport.scripts = [Self.stream(first), Self.stream(second)]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        #expect(road.transport.requests.count == 1)
        road.clock.pass(.milliseconds(100))
        await road.settle()
        #expect(road.transport.requests.count == 2)
        #expect(road.transport.body(1).contains(#""model":"mistral-small-latest""#))
        second.open()
        await road.finish()
        #expect(exchange.sent == Self.answer)
        #expect(exchange.field("x-turnpike-provider") == "mistral")
        #expect(exchange.field("x-turnpike-attempts") == "2")
        #expect(road.transport.upstreams[0].isAbandoned)
        #expect(try await Self.rows(road) == [Self.loser, Self.row(Self.winner, 2, "mistral", "hedge")])
        #expect(road.hedges == ["won": 1])
        #expect(road.meter.counts.open == 0)
    }

    @Test func `the first attempt may still win, and the second is called off`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        let (first, second) = (Gate(), Gate())
        road.transport.scripts = [Self.stream(first), Self.stream(second)]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        first.open()
        await road.finish()
        #expect(exchange.field("x-turnpike-provider") == "openai")
        #expect(road.transport.upstreams[1].isAbandoned)
        #expect(try await Self.rows(road) == [Self.winner, Self.row(Self.loser, 2, "mistral", "hedge")])
        #expect(road.hedges == ["lost": 1])
    }

    @Test func `of two that have content in the same turn one answers, and one is charged for`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        let gate = Gate()
        let marked = [1, 2].map { StreamTests.text("from \($0)") + StreamTests.finish + StreamTests.done }
        road.transport.scripts = [Self.stream(gate, text: marked[0]), Self.stream(gate, text: marked[1])]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        gate.open()
        await road.finish()
        #expect(marked.contains(exchange.sent))
        let rows = try await Self.rows(road)
        #expect(rows.map(\.isCharged).filter { $0 }.count == 1)
        #expect(Set(rows.map(\.outcome)) == ["ok", "partial_client_gone"])
    }

    @Test func `a whole answer that comes second is paid for, but not by the caller`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        let gate = Gate()
        road.transport.scripts = [Self.whole(gate), Self.whole(gate)]
        let exchange = road.begin(Self.askWhole)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        gate.open()
        await road.finish()
        #expect(exchange.sent == PlainCallTests.answer)
        let rows = try await road.rows()
        #expect(rows.count == 2)
        #expect(rows.filter(\.isCharged).count == 1)
        #expect(rows.filter { $0.charged > 0 }.count == 1)
        #expect(
            exchange.field("x-turnpike-cost-usd").flatMap { MicroDollars(dollars: $0) }?.value
                == rows.map(\.charged).reduce(0, +)
        )
    }

    @Test func `a call with one target is asked again there`() async throws {
        let road = try await RaceRoad(hedge: Self.terms, targets: ["openai"])
        let (first, second) = (Gate(), Gate())
        road.transport.scripts = [Self.stream(first), Self.stream(second)]
        _ = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        second.open()
        await road.finish()
        #expect(try await Self.rows(road) == [Self.loser, Self.row(Self.winner, 2, "openai", "hedge")])
    }

    @Test func `a first attempt that fails leaves the call to the second`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        let (first, second) = (Gate(), Gate())
        var failing = FakeUpstream.Script.json(#"{"error":{"message":"no"}}"#, status: 500)
        failing.steps.insert(.pause { await first.pass() }, at: 0)
        road.transport.scripts = [failing, Self.stream(second)]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        first.open()
        await road.settle()
        #expect(exchange.status == 0)
        second.open()
        await road.finish()
        #expect(exchange.status == 200)
        #expect(exchange.field("x-turnpike-provider") == "mistral")
        #expect(try await road.rows().map(\.outcome) == ["failed", "ok"])
    }

    @Test func `where both fail the client is told what the first said`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        let gate = Gate()
        var failing = FakeUpstream.Script.json(#"{"error":{"message":"first"}}"#, status: 500)
        failing.steps.insert(.pause { await gate.pass() }, at: 0)
        road.transport.scripts = [failing, .failure(TransportError.connectFailed("refused"))]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        #expect(exchange.status == 0)
        gate.open()
        await road.finish()
        #expect(exchange.status == 502)
        #expect(exchange.field("x-turnpike-provider") == "openai")
        #expect(road.hedges == ["failed": 1])
        #expect(road.meter.counts.open == 0)
    }

    @Test func `a client that leaves ends both, and is charged for neither`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        road.transport.scripts = [Self.stream(Gate()), Self.stream(Gate())]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        road.leave(exchange)
        await road.finish()
        let upstreams = road.transport.upstreams
        #expect(upstreams.count == 2 && upstreams.allSatisfy(\.isAbandoned))
        let rows = try await road.rows()
        #expect(rows.map(\.outcome) == ["partial_client_gone", "partial_client_gone"])
        #expect(rows.allSatisfy { !$0.isCharged })
        #expect(road.meter.counts.open == 0)
    }

    @Test func `where the budget is used up the call waits for its first attempt`() async throws {
        let road = try await RaceRoad(hedge: HedgeTerms(delay: .milliseconds(100), permille: 1))
        let gates = [Gate(), Gate(), Gate()]
        road.transport.scripts = gates.map { Self.stream($0) }
        _ = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        gates[1].open()
        await road.finish()
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.seconds(1))
        await road.settle()
        #expect(road.transport.requests.count == 3)
        gates[2].open()
        await road.finish()
        #expect(exchange.field("x-turnpike-attempts") == "1")
        #expect(road.hedges == ["won": 1, "withheld": 1])
    }

    @Test func `what a provider keeps is asked for once`() async throws {
        let road = try await RaceRoad(hedge: Self.terms)
        let gate = Gate()
        road.transport.scripts = [Self.stream(gate)]
        _ = road.begin(#"{"model":"fast","stream":true,"store":true,"messages":[]}"#)
        await road.settle()
        road.clock.pass(.seconds(10))
        await road.settle()
        gate.open()
        await road.finish()
        #expect(road.transport.requests.count == 1)
    }

    @Test func `an alias learns when to hedge from its own calls`() async throws {
        let road = try await RaceRoad(hedge: HedgeTerms(permille: 1000))
        let clock = road.clock
        await road.teach(
            .stream(.meanwhile { clock.pass(.milliseconds(200)) }, .bytes(Self.answer))
        )
        let (first, second) = (Gate(), Gate())
        road.transport.scripts = [Self.stream(first), Self.stream(second)]
        _ = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(199))
        await road.settle()
        #expect(road.transport.requests.count == 101)
        road.clock.pass(.milliseconds(8))
        await road.settle()
        #expect(road.transport.requests.count == 102)
        second.open()
        await road.finish()
        #expect(road.hedges == ["won": 1])
    }

    @Test func `one that lost is read on where its provider bills all of it anyway, for its figures`() async throws {
        let road = try await RaceRoad(hedge: Self.terms, drains: true)
        let (first, second) = (Gate(), Gate())
        var slow = FakeUpstream.Script.stream()
        // It does not end when it is called off, as a provider does not.
        slow.steps = [
            .pause { while !first.isOpen { await Task.yield() } }, .bytes(Self.answer),
        ]
        road.transport.scripts = [slow, Self.stream(second)]
        let exchange = road.begin(StreamTests.ask)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        second.open()
        await road.finish()
        // The client has its answer while the other is still being read.
        #expect(exchange.isFinished)
        #expect(road.meter.counts.open == 1)
        first.open()
        await road.settle()
        #expect(road.meter.counts.open == 0)
        let rows = try await road.rows()
        #expect(rows.map(\.outcome) == ["partial_client_gone", "ok"])
        #expect(rows.map(\.isCharged) == [false, true])
        #expect(rows[0].output == 4 && rows[0].cost > 0 && rows[0].charged == 0)
    }
}
