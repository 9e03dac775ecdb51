import Core
import NIOCore
import Pipeline
import Resilience
import Testing

/// What operators see of breakers, and what they can do.
@Suite struct BreakerAPITests {
    private static func rows(_ answer: FakeExchange) -> [JSONValue] { answer.json?["data"]?.arrayValue ?? [] }

    @Test func `an operator opens and closes breakers, also of targets that nobody called yet`() async throws {
        let road = try await AdminRoad()
        let opened = await road.send("POST", "/api/v1/breakers/open", ["provider": "openai", "model": "gpt-4o"])
        #expect(opened.status == 200)
        #expect(Self.rows(opened).isEmpty)
        let held = road.guards.target(provider: "openai", model: "gpt-4o", credentialID: "cred_1", now: .now())
        _ = road.guards.target(provider: "openai", model: "gpt-4o-mini", credentialID: "cred_1", now: .now())
        let rows = Self.rows(await road.send("GET", "/api/v1/breakers"))
        #expect(rows.map { $0["model"]?.stringValue } == ["gpt-4o", "gpt-4o-mini"])
        #expect(rows.map { $0["state"]?.stringValue } == ["held_open", "closed"])
        #expect(rows.first?["opensInMs"] == .null && rows.last?["opensInMs"] == 0)
        #expect(held.isOpen(now: .now()))

        let closed = await road.send("POST", "/api/v1/breakers/close", ["provider": "openai"])
        #expect(Self.rows(closed).count == 2)
        #expect(Self.rows(closed).allSatisfy { $0["state"] == "closed" })
        let later = road.guards.target(provider: "openai", model: "gpt-4o", credentialID: "cred_2", now: .now())
        #expect(!later.isOpen(now: .now()))
    }

    @Test func `for a time is for that time`() async throws {
        let road = try await AdminRoad()
        let target = road.guards.target(provider: "mistral", model: "m", credentialID: "", now: .now())
        let body: JSONValue = ["provider": "mistral", "seconds": 600]
        let opened = Self.rows(await road.send("POST", "/api/v1/breakers/open", body))
        #expect(opened.first?["credentialId"] == .null)
        let wait = try #require(opened.first?["opensInMs"]?.intValue)
        #expect((590_000...600_000).contains(wait))
        #expect(target.isOpen(now: .now() + .seconds(590)))
        #expect(!target.isOpen(now: .now() + .seconds(601)))
    }

    @Test func `what is done is in the audit log, and what is not configured is told`() async throws {
        let road = try await AdminRoad()
        _ = await road.send("POST", "/api/v1/breakers/open", ["provider": "openai", "model": "m", "seconds": 5])
        _ = await road.send("POST", "/api/v1/breakers/close", ["provider": "openai"])
        let records = Self.rows(await road.send("GET", "/api/v1/audit"))
        let actions = records.compactMap { $0["action"]?.stringValue }
        #expect(actions.contains("breaker.open") && actions.contains("breaker.close"))
        let opening = records.first { $0["action"] == "breaker.open" }
        #expect(opening?["objectId"] == "openai")
        #expect(opening?["details"]?["model"] == "m" && opening?["details"]?["seconds"] == 5)

        let unknown = await road.send("POST", "/api/v1/breakers/open", ["provider": "opnai"])
        #expect(unknown.status == 404)
        #expect(unknown.sent.contains("Did you mean 'openai'?"))
    }
}
