import Core
import NIOCore
import Pipeline
import Providers
import Testing

/// What is told of a call that had two attempts side by side.
@MainActor @Suite struct RaceStoryTests {
    private static let terms = HedgeTerms(delay: .milliseconds(100), permille: 1000)
    private static let answer = StreamTests.text("Hi") + StreamTests.finish + StreamTests.usage + StreamTests.done

    private static func stream(_ gate: Gate) -> FakeUpstream.Script {
        var script = FakeUpstream.Script.stream()
        script.steps = [.pause { await gate.pass() }, .bytes(Self.answer)]
        return script
    }

    /// The story of a call whose second attempt was started, and whose first or second has won.
    private static func story(secondWins: Bool) async throws -> JSONValue {
        let road = try await RaceRoad(hedge: Self.terms)
        let gates = [Gate(), Gate()]
        road.transport.scripts = gates.map { Self.stream($0) }
        _ = road.begin(StreamTests.ask, fields: "x-request-id: raced\r\n")
        await road.settle()
        road.clock.pass(.milliseconds(100))
        await road.settle()
        gates[secondWins ? 1 : 0].open()
        await road.finish()
        return try #require(road.calls.calls(withID: "raced").first).json
    }

    @Test(arguments: [true, false])
    func `both attempts are told, each by its own number, and the loser did not fail`(secondWins: Bool) async throws {
        let story = try await Self.story(secondWins: secondWins)
        let attempts = try #require(story["attempts"]?.arrayValue)
        #expect(attempts.count == 2, "\(story.text)")
        let first = try #require(attempts.first { $0["number"] == 1 })
        let second = try #require(attempts.first { $0["number"] == 2 })
        #expect(first["provider"] == "openai" && second["provider"] == "mistral" && second["variant"] == "hedge")
        let (winner, loser) = secondWins ? (second, first) : (first, second)
        #expect(winner["ok"] == true && loser["ok"] == false && loser["calledOff"] == true && loser["code"] == nil)
        #expect(story["served"]?["provider"] == winner["provider"])
        let fates = story["route"]?["targets"]?.arrayValue?.map { $0["fate"] }
        #expect(fates == (secondWins ? ["called_off", "answered"] : ["answered", "called_off"]))
        let steps = story["steps"]?.arrayValue ?? []
        #expect(steps.contains { $0["what"] == "hedged" && $0["provider"] == "mistral" })
        #expect(steps.contains { $0["what"] == "hedge_won" && $0["isSecond"] == .bool(secondWins) })
    }
}
