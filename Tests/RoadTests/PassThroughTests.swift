import Auth
import Core
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// `/p/{provider}/…`: a provider's own API, called with a gateway key.
@Suite struct PassThroughTests {
    @Test(arguments: [
        ("/p/openai/files?limit=2&after=a%20b", "/v1/files?limit=2&after=a%20b"),
        ("/p/openai/v1/files", "/v1/files"),
        ("/p/openrouter/v1/key", "/api/v1/key"),
        ("/p/openrouter/api/v1/key", "/api/v1/key"),
        ("/p/openrouter/key", "/api/v1/key"),
        ("/p/openai/files?key=tp_x&api%5Fkey=y&limit=2", "/v1/files?limit=2"),
        ("/p/openai/models/x%3Ay:go", "/v1/models/x%3Ay:go"),
        ("/p/openai/files/", "/v1/files/"),
    ]) func `the rest of the path goes behind the provider's own`(_ path: String, _ upstream: String) async throws {
        let road = try Road()
        road.transport.scripts = [.json(#"{"data":[]}"#)]
        let client = await road.send("GET", path)
        #expect(client.status == 200)
        #expect(road.transport.requests[0].hasPrefix("GET \(upstream) HTTP/1.1\r\nhost: "))
    }

    @Test(arguments: [
        "/p/openai/../admin", "/p/openai/a/../../b", "/p/openai/%2e%2e/b", "/p/openai/a%2f..%2fb", "/p/openai//b",
        "/p/openai/./b", "/p/openai/a;b=c", "/p/openai/a%00", "/p/openai/a%0d%0ab",
    ]) func `no path leads out of the provider's own, row 11`(_ path: String) async throws {
        let road = try Road()
        let client = await road.send("GET", path)
        #expect(client.status == 400)
        #expect(road.transport.requests.isEmpty)
    }

    @Test(arguments: ["/p/openai", "/p/openai/", "/p/", "/p"])
    func `a path without a rest is nothing`(_ path: String) async throws {
        let road = try Road()
        #expect(await road.send("GET", path).status == 404)
    }

    @Test func `the client's keys, hop-by-hop fields and ours stay behind, rows 15 and 51`() async throws {
        let road = try Road()
        road.transport.scripts = [.json("{}")]
        _ = await road.send(
            "POST",
            "/p/openai/files",
            body: "abc",
            fields: "x-api-key: \(Road.key)\r\ncookie: c\r\nconnection: x-hop\r\nx-hop: 1\r\n"
                + "x-turnpike-metadata: {}\r\nx-forwarded-for: 1.2.3.4\r\nexpect: 100-continue\r\n"
                + "accept-encoding: gzip\r\ncontent-type: text/csv\r\n"
                + "openai-organization: org\r\nx-own: kept\r\nx-amz-date: now\r\nte: trailers\r\nidempotency-key: k\r\n"
        )
        let request = road.transport.requests[0]
        #expect(!request.contains(Road.key))
        #expect(request.ranges(of: "authorization:").count == 1)
        #expect(request.contains("authorization: Bearer \(Road.providerKey)\r\n"))
        for name in ["cookie", "x-hop", "x-turnpike", "x-forwarded", "expect", "gzip", "x-amz", "\nte:", "x-api-key"] {
            #expect(!request.contains(name), "\(name)")
        }
        for line in ["content-type: text/csv", "openai-organization: org", "x-own: kept", "idempotency-key: k"] {
            #expect(request.contains("\(line)\r\n"), "\(line)")
        }
        #expect(request.hasSuffix("content-length: 3\r\n\r\nabc"))
    }

    @Test func `the answer comes back as it is, without cookies and hop-by-hop fields, row 16`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .json(
                #"{ "a" : 1 }"#,
                status: 201,
                fields: "set-cookie: a=b\r\nx-own: kept\r\nx-request-id: up-1\r\nconnection: x-hop\r\nx-hop: 1\r\n"
                    + "x-turnpike-provider: fake\r\nx-ratelimit-remaining-requests: 4\r\n"
            )
        ]
        let client = await road.send("PUT", "/p/openai/things/1", body: "x")
        #expect(client.status == 201)
        #expect(client.sent == #"{ "a" : 1 }"#)
        #expect(client.field("content-type") == "application/json")
        #expect(client.field("x-own") == "kept")
        #expect(client.field("x-turnpike-provider") == "openai")
        #expect(client.field("x-turnpike-upstream-request-id") == "up-1")
        #expect(client.fields.ranges(of: "x-turnpike-provider").count == 1)
        for name in ["set-cookie", "x-hop", "connection"] { #expect(client.field(name) == nil, "\(name)") }
    }

    @Test(arguments: [400, 404, 409, 422, 429, 500, 503])
    func `a refusal keeps its status and words, but no key`(_ status: Int) async throws {
        let road = try Road()
        let body = #"{"error":"no: \#(Road.providerKey)"}"#
        road.transport.scripts = [.json(body, status: status, fields: "retry-after: 3\r\n")]
        let client = await road.send("POST", "/p/openai/chat/completions", body: "{}")
        #expect(client.status == status)
        #expect(client.sent.hasPrefix(#"{"error":"no: "#))
        #expect(!client.sent.contains(Road.providerKey))
        #expect(client.field("retry-after") == "3")
        #expect(road.transport.requests.count == 1)
    }

    @Test(arguments: [
        (401, 424, "credential_rejected"), (403, 424, "credential_rejected"), (307, 502, "provider_error"),
    ])
    func `a refused key is the group's affair, and no redirect is followed, row 29`(
        _ status: Int,
        _ told: Int,
        _ code: String
    ) async throws {
        let road = try Road()
        road.transport.scripts = [.json("{}", status: status, fields: "location: http://elsewhere/\r\n")]
        let client = await road.send("GET", "/p/openai/files")
        #expect(client.status == told)
        #expect(client.json?["error"]?["code"]?.stringValue == code)
        #expect(client.field("location") == nil)
        #expect(road.transport.requests.count == 1)
    }

    @Test func `nothing is tried again, rows 84 and 85`() async throws {
        let road = try Road(retriesMax: 3)
        road.transport.scripts = [.failure(TransportError.closedBeforeHead)]
        #expect(await road.send("POST", "/p/openai/files", body: "x").status == 502)
        #expect(road.transport.requests.count == 1)
    }

    @Test func `an unknown provider is not found, and one without a credential says so`() async throws {
        let road = try Road(credentialsFor: ["openai"])
        #expect(await road.send("GET", "/p/nowhere/files").status == 404)
        #expect(await road.send("GET", "/p/openrouter/files").status == 424)
        #expect(await road.send("GET", "/p/openai/files", key: nil).status == 401)
        #expect(await road.send("OPTIONS", "/p/openai/files").status == 204)
        #expect(await road.send("HEAD", "/p/openai/files").status == 405)
        #expect(road.transport.requests.isEmpty)
    }

    // MARK: - Who may

    static func status(
        models: [String]?,
        routes: [String]?,
        body: String = #"{"model":"gpt-4o"}"#
    ) async throws -> Int {
        let principal = Principal(group: GroupID("demo"), keyID: "dev", allowedModels: models, allowedRoutes: routes)
        let road = try Road(principal: principal)
        road.transport.scripts = [.json("{}")]
        let client = await road.send(
            "POST",
            "/p/openai/chat/completions",
            body: body,
            fields: "content-type: application/json\r\n"
        )
        #expect(road.transport.requests.isEmpty == (client.status != 200))
        return client.status
    }

    @Test func `a key with limits needs the path in its list, and keeps its limits, row 46`() async throws {
        #expect(try await Self.status(models: nil, routes: nil) == 200)
        #expect(try await Self.status(models: nil, routes: ["*"]) == 200)
        #expect(try await Self.status(models: nil, routes: ["/v1/*"]) == 403)
        #expect(try await Self.status(models: nil, routes: ["/p/openai/*"]) == 200)
        #expect(try await Self.status(models: nil, routes: ["/p/openrouter/*"]) == 403)
        #expect(try await Self.status(models: ["gpt-4o"], routes: nil) == 403)
        #expect(try await Self.status(models: ["gpt-4o"], routes: ["*"]) == 403)
        #expect(try await Self.status(models: ["gpt-4o"], routes: ["/p/openai/*"]) == 200)
        #expect(try await Self.status(models: ["openai/*"], routes: ["/p/*"]) == 200)
        #expect(try await Self.status(models: ["gpt-5"], routes: ["/p/openai/*"]) == 403)
        let twice = #"{"model":"gpt-4o","model":"gpt-5"}"#
        #expect(try await Self.status(models: ["gpt-4o"], routes: ["/p/openai/*"], body: twice) == 403)
        #expect(try await Self.status(models: ["gpt-4o"], routes: ["/p/openai/*"], body: "no json") == 403)
    }

    // MARK: - What was used

    @Test(arguments: [
        #"{"usage":{"prompt_tokens":7,"completion_tokens":3}}"#,
        #"{"usage":{"input_tokens":7,"output_tokens":3}}"#,
        #"{"usage":{"input_tokens":2,"cache_read_input_tokens":4,"cache_creation_input_tokens":1,"output_tokens":3}}"#,
        #"{"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":1,"thoughtsTokenCount":2}}"#,
        #"{"usage":{"inputTokens":7,"outputTokens":3,"totalTokens":10}}"#,
        #"{"usage":{"billed_units":{"input_tokens":5},"tokens":{"input_tokens":7,"output_tokens":3}}}"#,
    ]) func `what an answer says it used is counted, whoever gave it`(_ answer: String) async throws {
        let road = try Road()
        road.transport.scripts = [.json(answer)]
        let client = await road.send(
            "POST",
            "/p/openai/anything",
            body: #"{"model":"m1"}"#,
            fields: "content-type: application/json\r\n"
        )
        #expect(client.sent == answer)
        let kept = try #require(road.calls.newest(1) { _ in true }.first)
        #expect(kept.record.inputTokens == 7 && kept.record.outputTokens == 3)
        #expect(kept.record.modelAsked == "m1")
        #expect("\(kept.record.operation)" == "pass_through")
    }

    @Test func `events go on as bytes, and the last usage in them counts`() async throws {
        let road = try Road()
        let events =
            "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
            + "{\"input_tokens\":7,\"output_tokens\":1}}}\r\n\r\n"
            + ": comment\n\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":3}}\n\n"
        road.transport.scripts = [.stream(.bytes(String(events.prefix(50))), .bytes(String(events.dropFirst(50))))]
        let client = await road.send("POST", "/p/openai/messages", body: #"{"stream":true}"#)
        #expect(client.sent == events)
        #expect(client.field("content-type") == "text/event-stream")
        let kept = try #require(road.calls.newest(1) { _ in true }.first)
        #expect(kept.record.inputTokens == 7 && kept.record.outputTokens == 3)
    }

    @Test func `the model is found in paths that have it`() async throws {
        for (path, model) in [
            ("models/gemini-3-pro:generateContent", "gemini-3-pro"),
            ("model/anthropic.claude%3A0/converse", "anthropic.claude:0"),
            ("deployments/gpt-4o/chat/completions", "gpt-4o"), ("files", ""),
        ] {
            let road = try Road()
            road.transport.scripts = [.json("{}")]
            _ = await road.send("POST", "/p/openai/\(path)", body: "x")
            #expect(road.calls.newest(1) { _ in true }.first?.record.modelAsked == model)
        }
    }

    @Test func `a large body is sent on in pieces, and an answer without a body ends well`() async throws {
        let road = try Road()
        road.transport.scripts = [FakeUpstream.Script(head: "HTTP/1.1 204 No Content\r\n\r\n", steps: [])]
        let body = String(repeating: "abc", count: 1 << 20)
        let client = await road.send("PATCH", "/p/openai/files", body: body) {
            $0.pieces = [String(body.prefix(1000)), String(body.dropFirst(1000))]
        }
        #expect(client.status == 204)
        #expect(client.isFinished)
        #expect(road.transport.body() == body)
    }
}
