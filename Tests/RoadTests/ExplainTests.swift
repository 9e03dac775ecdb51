import Auth
import Chat
import Core
import Database
import HTTP
import Metering
import NIOConcurrencyHelpers
import NIOCore
import Operations
import Pipeline
import Providers
import SQLite
import Telemetry
import Testing
import Transport

/// What is told of a call afterwards.
@Suite struct ExplainTests {
    private static let id = "why-did-it"

    private static func story(_ road: Road, _ id: String = Self.id) throws -> JSONValue {
        try #require(road.calls.calls(withID: id).first).json
    }

    private static func chat(_ road: Road, _ body: String = #"{"model":"fast","messages":[]}"#) async -> FakeExchange {
        await road.chat(body, fields: "x-request-id: \(Self.id)\r\n")
    }

    @Test func `a call that went straight is told without anything having been noted`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(PlainCallTests.answer)]
        #expect(await Self.chat(road).status == 200)
        let call = try #require(road.calls.calls(withID: Self.id).first)
        #expect(call.notes == nil && !call.isEventful)
        let story = call.json
        #expect(story["status"] == 200 && story["code"]?.isNull == true && story["model"] == "fast")
        #expect(story["groupId"] == "demo" && story["keyId"] == "dev")
        #expect(story["route"]?["alias"] == "fast" && story["route"]?["strategy"] == "fallback")
        #expect(story["route"]?["targets"]?[0]?["fate"] == "answered")
        #expect(story["route"]?["targets"]?[1]?["fate"] == "not_needed")
        #expect(story["attempts"]?.arrayValue?.count == 1)
        #expect(story["attempts"]?[0]?["ok"] == true && story["attempts"]?[0]?["upstreamStatus"] == 200)
        #expect(story["served"]?["credentialId"] == "given:openai")
        #expect(story["usage"]?["inputTokens"] == 3 && story["usage"]?["outputTokens"] == 2)
        #expect(story["clocks"]?["connectMs"] == 5000 && story["clocks"]?["totalMs"] == 120_000)
        #expect(story["request"]?["body"]?[0] == "model: the target's own name for it")
        #expect(story["summary"]?.stringValue?.contains("answered by openai/gpt-4o-mini") == true)
    }

    @Test func `a call that went another way says what failed, what broke and where it went`() async throws {
        let road = try Road(retriesMax: 2)
        road.transport.scripts = [
            .failure(TransportError.connectFailed("10.0.0.7: secret reason")), .json(PlainCallTests.answer),
        ]
        #expect(await Self.chat(road).status == 200)
        let story = try Self.story(road)
        let attempts = try #require(story["attempts"]?.arrayValue)
        try #require(attempts.count == 2)
        #expect(attempts[0]["code"] == "PROVIDER_UNAVAILABLE" && attempts[0]["cause"] == "no connection")
        #expect(attempts[0]["sent"] == false && attempts[0]["breaker"] == "closed")
        #expect(attempts[1]["ok"] == true && attempts[1]["provider"] == "openrouter" && attempts[1]["number"] == 2)
        #expect(story["route"]?["targets"]?[0]?["fate"] == "failed")
        #expect(story["route"]?["targets"]?[1]?["fate"] == "answered")
        #expect(road.calls.calls(withID: Self.id).first?.isEventful == true)
        #expect(!story.text.contains("10.0.0.7"))
    }

    @Test func `a clock that ran out is named with the value that was in force`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .failure(TransportError.timeout(.firstByte, limit: .milliseconds(1234), didSend: true))
        ]
        #expect(await Self.chat(road).status == 504)
        let story = try Self.story(road)
        #expect(story["attempts"]?[0]?["clock"] == "first byte" && story["attempts"]?[0]?["clockLimitMs"] == 1234)
        #expect(story["attempts"]?[0]?["sent"] == true)
        #expect(story["code"] == "PROVIDER_TIMEOUT" && story["served"]?.isNull == true)
        #expect(story["summary"]?.stringValue?.contains("failed with PROVIDER_TIMEOUT") == true)
    }

    @Test func `neither keys nor prompts nor a provider's words are in a story`() async throws {
        let road = try Road()
        let complaint = #"{"error":{"message":"bad: canary-prompt and canary-words","type":"invalid_request_error"}}"#
        road.transport.scripts = [.json(complaint, status: 400)]
        let body = #"{"model":"fast","messages":[{"role":"user","content":"canary-prompt"}]}"#
        #expect(await Self.chat(road, body).status == 400)
        let text = try Self.story(road).text
        #expect(text.contains("PROVIDER_REFUSED"))
        for canary in ["canary", Road.key, Road.providerKey] { #expect(!text.contains(canary), "\(canary)") }
    }

    @Test func `what came to no attempt says so, and so does a stranger's call`() async throws {
        let road = try Road()
        _ = await road.chat(#"{"model":"#, fields: "x-request-id: broken\r\n")
        let broken = try Self.story(road, "broken")
        #expect(broken["code"] == "INVALID_JSON" && broken["route"]?.isNull == true)
        #expect(broken["attempts"] == [] && broken["timings"]?["beforeFirstAttemptMs"]?.isNull == true)
        _ = await road.send("POST", "/v1/chat/completions", fields: "x-request-id: who\r\n", key: nil)
        let stranger = try Self.story(road, "who")
        #expect(stranger["groupId"]?.isNull == true && stranger["code"] == "UNAUTHENTICATED")
    }

    @Test func `what a client asked for shortens the total clock in the story as on the road`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(PlainCallTests.answer)]
        let fields = "x-request-id: \(Self.id)\r\nx-turnpike-timeout-ms: 1500\r\n"
        _ = await road.chat(#"{"model":"fast","messages":[]}"#, fields: fields)
        let clocks = try #require(Self.story(road)["clocks"])
        #expect(clocks["totalMs"] == 1500 && clocks["askedMs"] == 1500)
    }

    @Test func `nothing is kept where nobody wants it kept`() async throws {
        let road = try Road()
        road.calls.use(keep: 0)
        road.transport.scripts = [.json(PlainCallTests.answer)]
        _ = await Self.chat(road)
        #expect(road.calls.calls(withID: Self.id).isEmpty)
    }

    // MARK: - Who may read it

    private static func call(group: String, user: String = "", key: String, _ summary: String) -> RememberedCall {
        RememberedCall(
            group: group,
            user: user,
            keyID: key,
            story: ["id": "shared", "summary": .string(summary)]
        )
    }

    @Test func `of calls with one id everybody sees the newest of their own, and how many there are`() async throws {
        let road = try await AdminRoad()
        // The newest first, as the book hands them over.
        road.remembered.withLockedValue {
            $0 = [
                Self.call(group: "", key: "", "a stranger's"),
                Self.call(group: "blue", user: "adminOfBlue", key: "key-adminOfBlue", "blue's"),
                Self.call(group: "red", key: "key-application", "the application's"),
                Self.call(group: "red", user: "member", key: "key-of-long-ago", "the member's"),
                Self.call(group: "red", user: "", key: "key-member", "of the member's key"),
            ]
        }
        func seen(_ caller: Caller) async -> String {
            let answer = await road.send("GET", "/api/v1/requests/shared", as: caller)
            guard answer.status == 200 else { return "\(answer.status)" }
            let data = answer.json?["data"]
            return "\(data?["summary"]?.stringValue ?? "") of \(data?["count"]?.intValue ?? 0)"
        }
        #expect(await seen(.systemAdmin) == "a stranger's of 5")
        #expect(await seen(.adminOfRed) == "the application's of 3")
        #expect(await seen(.adminOfBlue) == "blue's of 1")
        #expect(await seen(.application) == "the application's of 1")
        #expect(await seen(.member) == "the member's of 2")
        #expect(await seen(.administratorsApplication) == "404")
        #expect(await seen(.anonymous) == "401")
    }

    @Test func `somebody else's call is like one that never was`() async throws {
        let road = try await AdminRoad()
        func sent(_ id: String, as caller: Caller) async -> String {
            await road.send("GET", "/api/v1/requests/\(id)", as: caller, fields: "x-request-id: same\r\n").sent
        }
        for caller in [Caller.adminOfBlue, .application] {
            #expect(await sent(AdminRoad.rememberedID, as: caller) == sent("never-was", as: caller))
        }
    }

    @Test func `what is no longer remembered is told from the ledger, to those who may see it`() async throws {
        let road = try await AdminRoad()
        let now = AdminRoad.now
        func attempt(_ number: Int, code: String) -> Attempt {
            let intent = AttemptIntent(
                requestID: "old-one",
                firstAttempt: number == 1 ? nil : AttemptID(epoch: 1, counter: 1),
                number: number,
                startedAt: UnixTime(milliseconds: now.milliseconds - 5000 + Int64(number) * 100),
                consumer: Consumer(group: "red", user: "member", key: "key-member", model: "fast"),
                operation: "chat",
                provider: number == 1 ? "openai" : "mistral",
                upstreamModel: "m",
                isStream: true,
                inputEstimate: 1,
                rates: Rates(input: 1_000_000, output: 2_000_000, source: "test")
            )
            let end = AttemptEnd(
                endedAt: UnixTime(milliseconds: intent.startedAt.milliseconds + 50),
                outcome: code.isEmpty ? .ok : .failed,
                source: .provider,
                usage: TokenUsage(input: 7, output: 5),
                cost: MicroDollars(10),
                charged: MicroDollars(10),
                isCharged: true,
                upstreamStatus: code.isEmpty ? 200 : 503,
                code: code
            )
            return Attempt(id: AttemptID(epoch: 1, counter: Int64(number)), intent: intent, end: end)
        }
        let attempts = [attempt(1, code: "provider_unavailable"), attempt(2, code: "")]
        try await road.database.write { try LedgerStore().append(attempts, in: $0) }
        let answer = await road.send("GET", "/api/v1/requests/old-one", as: .member)
        let data = try #require(answer.json?["data"])
        #expect(answer.status == 200 && data["source"] == "ledger" && data["count"] == 1)
        #expect(data["attempts"]?.arrayValue?.map { $0["number"] } == [1, 2])
        #expect(data["attempts"]?[0]?["code"] == "PROVIDER_UNAVAILABLE" && data["attempts"]?[1]?["ok"] == true)
        #expect(data["costUsd"]?.doubleValue == 0.00002 && data["code"]?.isNull == true)
        for caller in [Caller.adminOfBlue, .application, .anonymous] {
            let other = await road.send("GET", "/api/v1/requests/old-one", as: caller)
            #expect(other.status == (caller == .anonymous ? 401 : 404), "\(caller)")
        }
        #expect(await road.send("GET", "/api/v1/requests/old-one", as: .adminOfRed).status == 200)
    }
}
