import Core
import Metering
import NIOCore
import TestKit
import Testing
import Transport

/// Each attempt of a call that is tried again is in the books once, and one at most is charged for (A+.3, A+.4).
@MainActor @Suite struct RetrySettlementTests {
    private static let ask = TryTargetsTests.ask

    /// Makes one call to its end; waits pass by themselves.
    private static func call(_ road: RaceRoad, _ body: String, _ scripts: [FakeUpstream.Script]) async -> FakeExchange {
        road.transport.scripts = scripts
        let exchange = road.begin(body)
        for _ in 0..<60 where road.isBusy {
            await road.settle()
            road.clock.pass(.seconds(1))
        }
        await road.finish()
        road.transport.scripts = []
        return exchange
    }

    @Test func `three attempts are three rows, and the one that answered is charged`() async throws {
        let road = try await RaceRoad(targets: ["openai", "mistral", "groq"], retriesMax: 2)
        let answer = await Self.call(
            road,
            Self.ask,
            [.json("{}", status: 500), .failure(TransportError.connectFailed("no")), .json(TryTargetsTests.answer)]
        )
        #expect(answer.status == 200)
        let rows = try await road.rows()
        #expect(rows.map(\.number) == [1, 2, 3])
        #expect(rows.map(\.provider) == ["openai", "mistral", "groq"])
        #expect(rows.map(\.isCharged) == [false, false, true])
        #expect(rows.map(\.code) == ["provider_error", "provider_unavailable", ""])
        #expect(road.meter.counts.open == 0)
    }

    @Test func `what is not let through is in no book`() async throws {
        let road = try await RaceRoad(targets: ["openai"], retriesMax: 0)
        for _ in 0..<8 { _ = await Self.call(road, Self.ask, [.json("{}", status: 500)]) }
        // Probes go out, and all else does not.
        #expect((5..<8).contains(road.transport.requests.count))
        #expect(try await road.rows().count == road.transport.requests.count)
        #expect(road.meter.counts.open == 0)
    }

    @Test func `a client that leaves while the same target is waited for is charged nothing`() async throws {
        let road = try await RaceRoad(targets: ["openai"], retriesMax: 2)
        road.transport.scripts = [.json("{}", status: 429, fields: "retry-after: 5\r\n")]
        let exchange = road.begin(Self.ask)
        await road.settle()
        #expect(road.isBusy)
        road.leave(exchange)
        await road.finish()
        let rows = try await road.rows()
        #expect(rows.count == 1)
        #expect(rows.allSatisfy { !$0.isCharged })
        #expect(road.meter.counts.open == 0)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `whatever fails, each attempt that was sent is settled once, and one at most is charged`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let names = ["openai", "mistral", "groq"]
        let road = try await RaceRoad(targets: Array(names.prefix(random.below(3) + 1)), retriesMax: 2)
        for _ in 0..<80 {
            let isStream = random.oneIn(2)
            let scripts = (0..<4).map { _ in Self.script(stream: isStream, &random) }
            let exchange = await Self.call(road, isStream ? StreamTests.ask : Self.ask, scripts)
            #expect(exchange.isFinished)
            #expect(exchange.sent.components(of: #""role":"assistant""#) <= 1)
            // Breakers that are open would end the storm.
            road.clock.pass(.seconds(5))
        }
        let rows = try await road.rows()
        #expect(rows.count == road.transport.requests.count)
        #expect(rows.count > 80)
        #expect(rows.contains { $0.number == 3 })
        #expect(try await road.chargedAttempts().allSatisfy { $0 <= 1 })
        #expect(rows.allSatisfy { $0.isCharged || $0.charged == 0 })
        #expect(road.meter.counts.open == 0)
    }

    private static func script(stream: Bool, _ random: inout SeededGenerator) -> FakeUpstream.Script {
        let end = StreamTests.finish + StreamTests.usage + StreamTests.done
        switch random.below(9) {
        case 0: return .json("{}", status: random.pick([500, 502, 503, 529, 504, 408, 409]))
        case 1: return .json("{}", status: 429, fields: random.oneIn(2) ? "retry-after: 2\r\n" : "")
        case 2: return .failure(TransportError.connectFailed("no"))
        case 3: return .failure(TransportError.closedBeforeHead)
        case 4: return .json(#"{"error":{"message":"no"}}"#, status: random.pick([400, 401, 404, 422]))
        case 5 where stream: return .stream(.bytes(StreamTests.role), .fail(TransportError.closedInBody))
        case 6 where stream:
            return .stream(.bytes(StreamTests.role + StreamTests.text("Hi")), .fail(TransportError.closedInBody))
        default:
            return stream
                ? .stream(.bytes(StreamTests.role + StreamTests.text("Hi") + end)) : .json(TryTargetsTests.answer)
        }
    }
}
