import Auth
import Core
import HTTP
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// `GET /api/ai/status`: what calls, probes and breakers say, and to whom.
@Suite struct StatusTests {
    private static func status(_ road: Road, asOperator: Bool = false) async throws -> (status: Int, json: JSONValue) {
        let answer = await road.send("GET", "/api/ai/status", fields: "", key: asOperator ? nil : Road.key) {
            exchange in
            if asOperator { exchange.isAdministrative = true }
        }
        return (answer.status, try #require(answer.json))
    }

    private static func provider(_ name: String, _ json: JSONValue) -> JSONValue? {
        json["providers"]?.arrayValue?.first { $0["name"] == .string(name) }
    }

    /// A chat, which answers as the scripts say.
    private static func chat(_ road: Road, _ scripts: FakeUpstream.Script..., model: String = "fast") async -> Int {
        road.transport.scripts = scripts
        return await road.chat(#"{"model":"\#(model)","messages":[]}"#).status
    }

    private static var down: FakeUpstream.Script { .failure(TransportError.connectFailed("no")) }
    private static var good: FakeUpstream.Script { .json(PlainCallTests.answer) }

    @Test func `a gateway that nobody has called is well`() async throws {
        let road = try Road()
        let (status, json) = try await Self.status(road)
        #expect(status == 200 && json["status"] == "ok" && json["windowSeconds"] == 300)
        #expect(json["providers"]?.arrayValue?.count == 4)
        let openai = try #require(Self.provider("openai", json))
        #expect(openai["successRate"]?.isNull == true && openai["breaker"] == "closed" && openai["calls"] == 0)
    }

    @Test func `an attempt that failed counts against its provider although another answered the call`() async throws {
        let road = try Road(retriesMax: 2)
        #expect(await Self.chat(road, Self.down, Self.good) == 200)
        let (status, json) = try await Self.status(road)
        #expect(status == 200 && json["status"] == "degraded")
        let openai = try #require(Self.provider("openai", json))
        #expect(openai["status"] == "down" && openai["successRate"] == .number("0.0"))
        #expect(openai["lastError"] == "PROVIDER_UNAVAILABLE" && openai["lastErrorAt"]?.stringValue != nil)
        let other = try #require(Self.provider("openrouter", json))
        #expect(other["status"] == "ok" && other["successRate"] == .number("1.0") && other["calls"] == 1)
        #expect(other["latencyMs"]?.doubleValue != nil && other["latencyP95Ms"]?.doubleValue != nil)
    }

    @Test func `complaints, refused keys and limits are no failures of a provider`() async throws {
        let road = try Road()
        let complaint = #"{"error":{"message":"no","type":"invalid_request_error"}}"#
        _ = await Self.chat(road, .json(complaint, status: 400))
        _ = await Self.chat(road, .json(complaint, status: 429))
        _ = await Self.chat(road, .json(complaint, status: 401))
        let json = try await Self.status(road).json
        let openai = try #require(Self.provider("openai", json))
        #expect(openai["successRate"] == .number("1.0") && openai["lastError"]?.isNull == true)
        #expect((openai["rateLimited"]?.intValue ?? 0) >= 1)
        #expect(road.health.takeRefusals().map(\.credentialID) == ["given:openai"])
    }

    @Test func `a gateway is down when every provider that was called is`() async throws {
        let road = try Road()
        #expect(await Self.chat(road, Self.down) == 503)
        let (status, json) = try await Self.status(road)
        #expect(status == 503 && json["status"] == "down")
    }

    @Test func `a probe is shown, and three that failed take a provider down`() async throws {
        let road = try Road()
        for _ in 0..<3 {
            road.probes.add(
                ProbeResult(
                    isAnswered: false,
                    time: UnixTime(seconds: 1_700_000_000),
                    took: .milliseconds(20),
                    status: 0,
                    reason: "nobody answers"
                ),
                of: "mistral"
            )
        }
        let (status, json) = try await Self.status(road)
        // It is the only one that anything is known of, and others may answer.
        #expect(status == 200 && json["status"] == "degraded")
        #expect(Self.provider("mistral", json)?["status"] == "down")
        let probe = try #require(Self.provider("mistral", json)?["probe"])
        #expect(probe["ok"] == false && probe["failuresInRow"] == 3 && probe["reason"] == "nobody answers")
    }

    @Test func `breakers of other groups' keys and words are for operators alone`() async throws {
        let road = try Road(credentialsFor: ["openai", "mistral"])
        let now = NIODeadline.now()
        _ = road.guards.target(
            provider: "openai",
            model: "secret-model-of-others",
            credentialID: "cred_others",
            now: now
        )
        #expect(await Self.chat(road, Self.good) == 200)
        let own = try await Self.status(road).json
        #expect(!own.text.contains("others"))
        #expect(Self.provider("openai", own)?["breakers"]?[0]?["model"] == "gpt-4o-mini")
        let all = try await Self.status(road, asOperator: true).json
        #expect(all.text.contains("secret-model-of-others") && all.text.contains("cred_others"))
    }
}
