import Core
import NIOCore
import Pipeline
import Providers
import Testing

/// What answers that are held against a schema cost: all rounds, whichever of them the client sees.
@MainActor @Suite struct StructureMoneyTests {
    private static let ask = StructureTests.ask().replacing(#""model":"gpt""#, with: #""model":"fast""#)
    private static let wrong = StructureTests.answer(#"{"n":"five"}"#)
    private static let right = StructureTests.answer(#"{"n":5}"#)

    /// What the head of an answer says of its price, and what the ledger has of it.
    private static func prices(_ road: RaceRoad, _ exchange: FakeExchange) async throws -> (said: Int64?, paid: [Int64])
    {
        let said = exchange.field("x-turnpike-cost-usd").flatMap { MicroDollars(dollars: $0) }?.value
        return (said, try await road.rows().map(\.charged).filter { $0 > 0 })
    }

    @Test func `a repaired answer names the price of all its rounds`() async throws {
        let road = try await RaceRoad()
        road.transport.scripts = [.json(Self.wrong), .json(Self.right)]
        let exchange = road.begin(Self.ask, fields: StructureTests.wish)
        await road.finish()
        #expect(exchange.field("x-turnpike-validated") == "repaired")
        let prices = try await Self.prices(road, exchange)
        #expect(prices.paid.count == 2 && prices.said == prices.paid.reduce(0, +))
    }

    @Test func `so does one whose last round had company`() async throws {
        let road = try await RaceRoad(hedge: HedgeTerms(delay: .milliseconds(100), permille: 1000))
        let gate = Gate()
        var slow = FakeUpstream.Script.json(Self.right)
        slow.steps.insert(.pause { await gate.pass() }, at: 0)
        road.transport.scripts = [.json(Self.wrong), slow, slow]
        let exchange = road.begin(Self.ask, fields: StructureTests.wish)
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        gate.open()
        await road.finish()
        #expect(road.transport.requests.count == 3)
        #expect(exchange.field("x-turnpike-validated") == "repaired")
        let prices = try await Self.prices(road, exchange)
        #expect(prices.paid.count == 2 && prices.said == prices.paid.reduce(0, +))
    }
}
