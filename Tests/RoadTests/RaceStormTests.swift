import Core
import HTTP
import Metering
import NIOCore
import Pipeline
import Providers
import TestKit
import Testing
import Transport

/// Races in every order that chance makes: attempts that answer, fail or break off, at once or one after the other,
/// and clients that leave in between.
@MainActor @Suite struct RaceStormTests {
    private static let marks = ["first", "second", "third", "fourth"]

    /// One attempt that a call may make.
    private struct Plan {
        var script: FakeUpstream.Script
        var gates: [Gate]
    }

    private static func plan(_ mark: String, stream: Bool, _ random: inout SeededGenerator) -> Plan {
        let gates = [Gate(), Gate(), Gate()]
        let pauses = gates.map { gate in FakeUpstream.Step.pause { await gate.pass() } }
        let text = StreamTests.text(mark)
        var script = stream ? FakeUpstream.Script.stream() : .json(PlainCallTests.answer)
        let end = StreamTests.finish + StreamTests.usage + StreamTests.done
        let whole = PlainCallTests.answer.replacing("Hi", with: mark)
        switch random.below(8) {
        case 0:
            script = .json(#"{"error":{"message":"down"}}"#, status: 500)
            script.steps.insert(pauses[0], at: 0)
        case 1:
            script.steps = [pauses[0], .fail(TransportError.closedInBody)]
        case 2 where stream:
            // It breaks off behind its first content.
            script.steps = [pauses[0], .bytes(StreamTests.role), .bytes(text), pauses[1], .bytes(text)]
        case 3 where stream:
            // Nothing but its end.
            script.steps = [pauses[0], .bytes(StreamTests.role), pauses[1], .bytes(end)]
        default:
            script.steps =
                stream
                ? [pauses[0], .bytes(StreamTests.role), pauses[1], .bytes(text), pauses[2], .bytes(end)]
                : [pauses[0], .bytes(whole)]
        }
        return Plan(script: script, gates: gates)
    }

    /// Runs one call in a random order, and checks what its client got.
    private static func storm(_ road: RaceRoad, _ random: inout SeededGenerator) async {
        let isStream = !random.oneIn(3)
        // As many as a call can make: its first, two more, and one beside them.
        let plans = Self.marks.map { Self.plan($0, stream: isStream, &random) }
        road.transport.scripts = plans.map(\.script)
        let before = road.transport.upstreams.count
        let exchange = road.begin(isStream ? StreamTests.ask : #"{"model":"fast","messages":[]}"#)
        var hasLeft = false
        for _ in 0..<random.below(40) {
            switch random.below(10) {
            case 0..<6: random.pick(random.pick(plans).gates).open()
            case 6..<9: road.clock.pass(.milliseconds(Int64(random.below(80))))
            default:
                if random.oneIn(6), !exchange.isFinished, !hasLeft {
                    hasLeft = true
                    road.leave(exchange)
                }
            }
            // From nothing to a few turns, so that what happens together is decided together.
            for _ in 0..<random.below(6) { await Task.yield() }
        }
        for plan in plans { for gate in plan.gates { gate.open() } }
        // What waits before it tries again gets its time.
        for _ in 0..<40 where road.isBusy {
            await road.settle()
            road.clock.pass(.seconds(1))
        }
        await road.finish()
        // One that lost and is read on is not waited for, and lets go of its provider after it is settled.
        func isOver() -> Bool {
            road.meter.counts.open == 0 && road.transport.upstreams.dropFirst(before).allSatisfy { $0.isAbandoned }
        }
        for _ in 0..<1000 where !isOver() { await road.settle() }
        #expect(road.meter.counts.open == 0)
        #expect(road.transport.upstreams.dropFirst(before).allSatisfy { $0.isAbandoned })
        guard !hasLeft else { return }
        #expect(exchange.isFinished)
        let speakers = Self.marks.filter { exchange.sent.contains("\"content\":\"\($0)\"") }
        #expect(speakers.count <= 1, "\(exchange.sent)")
        if exchange.status == 200, !isStream { #expect(speakers.count == 1) }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `whatever happens together, one attempt answers, each is settled once, and one at most is charged for`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let terms = HedgeTerms(delay: .milliseconds(100), permille: 1000)
        let road = try await RaceRoad(
            hedge: terms,
            targets: random.oneIn(2) ? ["openai", "mistral"] : ["openai", "mistral", "groq"],
            drains: seed % 4 == 0,
            retriesMax: 2
        )
        for _ in 0..<60 { await Self.storm(road, &random) }
        let rows = try await road.rows()
        // With drains one may be called off when it is in the books and not yet on the wire.
        let sent = road.transport.requests.count
        #expect(seed % 4 == 0 ? rows.count >= sent : rows.count == sent)
        #expect(try await road.chargedAttempts().allSatisfy { $0 <= 1 })
        #expect(rows.allSatisfy { $0.isCharged || $0.charged == 0 })
        // It was a storm: both sides won, and lost.
        #expect(road.hedges["won"] ?? 0 > 0 && road.hedges["lost"] ?? 0 > 0, "\(road.hedges)")
    }
}
