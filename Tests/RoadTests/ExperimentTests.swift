import Core
import Metering
import NIOCore
import Pipeline
import Providers
import SQLite
import Telemetry
import Testing
import Transport

/// What is written down of calls on the sides of an experiment.
@MainActor @Suite struct ExperimentTests {
    private static func ask(_ user: Int) -> String { #"{"model":"fast","user":"u\#(user)","messages":[]}"# }

    @Test func `each attempt is in the ledger with its side, and reports tell the sides apart`() async throws {
        let control = Split.Variant(name: "control", weight: 1)
        let split = Split(variants: [.init(name: "canary", weight: 1, route: "next"), control])
        let road = try await RaceRoad(targets: ["openai"], split: split)
        for user in 0..<20 {
            road.transport.scripts.append(.json(ChooseRouteTests.answer))
            _ = road.begin(Self.ask(user))
            await road.finish()
        }
        let rows = try await road.rows()
        #expect(rows.count == 20)
        for row in rows { #expect(row.provider == (row.variant == "canary" ? "groq" : "openai"), "\(row)") }
        let onCanary = rows.filter { $0.variant == "canary" }.count
        #expect((1...19).contains(onCanary) && rows.allSatisfy { ["canary", "control"].contains($0.variant) })
        let groups = try await road.database.read {
            try LedgerStore().groups(UsageQuery(), by: [.variant], limit: 10, in: $0)
        }
        #expect(groups.groups.count == 2)
        try await road.close()
    }

    @Test func `a canary that fails is charged once, to the side its user is on`() async throws {
        let split = Split(variants: [.init(name: "canary", weight: 1, route: "next")])
        let road = try await RaceRoad(targets: ["openai"], split: split, retriesMax: 1)
        road.transport.scripts = [.json("{}", status: 500), .json(ChooseRouteTests.answer)]
        let answer = road.begin(Self.ask(1))
        await road.finish()
        #expect(answer.status == 200 && answer.field("x-turnpike-provider") == "openai")
        let rows = try await road.rows()
        #expect(rows.map(\.provider) == ["groq", "openai"])
        #expect(rows.map(\.variant) == ["canary", "canary"])
        #expect(rows.map(\.isCharged) == [false, true])
        try await road.close()
    }

    @Test func `a call outside of any experiment is on no side`() async throws {
        let road = try await RaceRoad(targets: ["openai"])
        road.transport.scripts = [.json(ChooseRouteTests.answer)]
        let answer = road.begin(Self.ask(1))
        await road.finish()
        #expect(answer.field("x-turnpike-variant") == nil)
        #expect(try await road.rows().map(\.variant) == [""])
        try await road.close()
    }

    @Test func `those who ask afterwards learn the side, and that it was the user's`() async throws {
        let split = Split(variants: [.init(name: "canary", weight: 1, route: "next")])
        let road = try await RaceRoad(targets: ["openai"], split: split, retriesMax: 1)
        road.transport.scripts = [.json("{}", status: 500), .json(ChooseRouteTests.answer)]
        _ = road.begin(Self.ask(1))
        await road.finish()
        let call = try #require(road.calls.newest(1) { _ in true }.first)
        #expect(call.record.variant == "canary")
        let steps = call.notes?.entries.map(\.step) ?? []
        #expect(steps.first == .variant(experiment: "fast", name: "canary", isSticky: true))
        #expect(call.notes?.attempts.map(\.variant) == ["canary", "canary"])
        try await road.close()
    }
}
