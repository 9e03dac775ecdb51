import Auth
import Chat
import Core
import HTTP
import NIOCore
import Testing
import Transport
import Wire

@Suite struct RefusalTests {
    @Test func `every route but the open ones refuses strangers, before a byte of the body (rows 10, 45)`() async throws
    {
        let road = try Road()
        for row in Routes.table {
            let path = "\(row.path)".split(separator: "/", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("{") ? "m" : $0 }.joined(separator: "/")
            for key in [nil, "tp_wrong-key-wrong-key", String(repeating: "x", count: 4000)] {
                let answer = await road.send(
                    "\(row.method.text)",
                    path,
                    key: key
                )
                #expect(answer.status == (row.policy == .open ? 200 : 401), "\(row.path)")
                #expect(!answer.wasBodyRead)
                #expect(answer.field("x-request-id") != nil)
            }
        }
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `a missing, an unknown, a disabled and an expired key get one and the same answer (row 38)`()
        async throws
    {
        let road = try Road()
        let missing = await road.send("GET", "/v1/models", key: nil)
        let unknown = await road.send("GET", "/v1/models", key: "tp_wrong-key-wrong-key")
        #expect(missing.sent == unknown.sent)
        #expect(missing.status == 401 && unknown.status == 401)
        #expect(missing.field("www-authenticate") == "Bearer")
        #expect(road.exposition.contains("turnpike_authentication_failures_total 2"))
    }

    @Test func `a key is found in any carrier, two different ones are ambiguous, a query carries none (row 39)`()
        async throws
    {
        let road = try Road()
        for fields in [
            "x-api-key: \(Road.key)\r\n", "api-key: \(Road.key)\r\n", "authorization: bearer \(Road.key)\r\n",
            "authorization: Bearer \(Road.key)\r\nx-api-key: \(Road.key)\r\n",
        ] {
            #expect(await road.send("GET", "/v1/models", fields: fields, key: nil).status == 200, "\(fields)")
        }
        for fields in [
            "x-api-key: other\r\nauthorization: Bearer \(Road.key)\r\n",
            "x-api-key: \(Road.key)\r\nx-api-key: other\r\n",
            "api-key: other\r\nx-api-key: \(Road.key)\r\n",
        ] {
            let answer = await road.send("GET", "/v1/models", fields: fields, key: nil)
            #expect(answer.status == 400)
            #expect(answer.json?["error"]?["code"] == "invalid_request")
        }
        #expect(await road.send("GET", "/v1/models?api_key=\(Road.key)", key: nil).status == 401)
        #expect(
            await road.send("GET", "/v1/models", fields: "authorization: Basic \(Road.key)\r\n", key: nil).status == 401
        )
    }

    @Test(arguments: [
        (#"{"model":"fast","model":"gpt-4"}"#, "invalid_request", "model"),
        (#"{"model":"fast","mod\u0065l":"gpt-4"}"#, "invalid_request", "model"),
        (
            #"{"model":"fast","stream_options":{"include_usage":true,"include_usage":false}}"#, "invalid_request",
            "stream_options.include_usage"
        ),
        (#"{"model":"fast","n":1000000}"#, "invalid_request", "n"),
        (#"{"model":"fast","n":1.5}"#, "invalid_request", "n"),
        (#"{"model":"fast","max_tokens":4611686018427387904}"#, "invalid_request", "max_tokens"),
        (#"{"model":"fast","max_completion_tokens":-1}"#, "invalid_request", "max_completion_tokens"),
        (#"{"model":"fast","best_of":1e400}"#, "invalid_request", "best_of"),
        (#"{"model":7}"#, "invalid_request", "model"),
        (#"{"model":""}"#, "invalid_request", "model"),
        (#"{"messages":[]}"#, "invalid_request", "model"),
        (#"{"model":"fast","stream":"yes"}"#, "invalid_request", "stream"),
        (#"{"model":"fast","stream_options":7}"#, "invalid_request", "stream_options"),
    ])
    func `a field that cannot be is named (rows 17, 21, 24)`(body: String, code: String, field: String) async throws {
        let road = try Road()
        let answer = await road.chat(body)
        #expect(answer.status == 400)
        #expect(answer.json?["error"]?["code"] == .string(code))
        #expect(answer.json?["error"]?["param"] == .string(field))
        #expect(road.transport.requests.isEmpty)
    }

    @Test(arguments: ["", "null", "[]", "\"x\"", "{", "{\"a\":NaN}", "{\"model\":\"fast\"} x", "\u{FEFF}{}", "{'a':1}"])
    func `a body that is no JSON object is refused as such (row 21)`(body: String) async throws {
        let road = try Road()
        let answer = await road.chat(body)
        #expect(answer.status == 400)
        #expect(answer.json?["error"]?["code"] == "invalid_json")
    }

    @Test func `depth and element counts are limited (rows 18, 24)`() async throws {
        let road = try Road()
        let deep = String(repeating: "[", count: 100_000)
        #expect(await road.chat(#"{"model":"fast","x":\#(deep)"#).json?["error"]?["code"] == "invalid_json")
        let many = String(repeating: "{},", count: 100_000) + "{}"
        let answer = await road.chat(#"{"model":"fast","messages":[\#(many)]}"#)
        #expect(answer.json?["error"]?["param"] == "messages")
    }

    @Test func `bodies that are too large, compressed or not JSON are refused by their heads`() async throws {
        let road = try Road()
        let large = String(repeating: "x", count: 20_000_001)
        #expect(await road.chat(large).status == 413)
        #expect(await road.chat("{}", fields: "content-encoding: gzip\r\n").status == 415)
        #expect(await road.chat("{}", fields: "content-type: text/plain\r\n").status == 415)
        #expect(await road.chat("{}", fields: "content-type: multipart/form-data\r\n").status == 415)
        for type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", "text/json"] {
            #expect(await road.chat("{}", fields: "content-type: \(type)\r\n").json?["error"]?["param"] == "model")
        }
    }

    @Test func `paths and methods that do not exist are told in the dialect of their place`() async throws {
        let road = try Road()
        let openAI = await road.send("GET", "/v1/nothing")
        #expect(openAI.status == 404)
        #expect(openAI.json?["error"]?["code"] == "not_found")
        let anthropic = await road.send("POST", "/v1/messages/nothing")
        #expect(anthropic.json?["type"] == "error")
        #expect(anthropic.json?["error"]?["type"] == "not_found_error")
        #expect(anthropic.json?["request_id"]?.stringValue == anthropic.field("x-request-id"))
        let native = await road.send("GET", "/api/v1/nothing")
        #expect(native.json?["statusCode"] == 404)
        let method = await road.send("GET", "/v1/chat/completions")
        #expect(method.status == 405)
        #expect(method.field("allow") == "POST, OPTIONS")
        let options = await road.send("OPTIONS", "/v1/models")
        #expect(options.status == 204)
        #expect(options.field("allow") == "GET, HEAD, OPTIONS")
        #expect(await road.send("HEAD", "/healthz").status == 200)
        #expect(await road.send("GET", "/v1/models/../../metrics").status == 400)
        #expect(await road.send("GET", "/metrics/").status == 404)
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `an overloaded gateway refuses calls and still shows its health (row 95)`() async throws {
        let road = try Road(shouldShed: { .milliseconds(1500) })
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 503)
        #expect(answer.json?["error"]?["code"] == "overloaded")
        #expect(answer.field("retry-after") == "2")
        #expect(await road.send("GET", "/healthz").status == 200)
        #expect(await road.send("GET", "/metrics").status == 200)
    }

    @Test func `a key with a list of models may ask for those alone`() async throws {
        let principal = Principal(group: GroupID("demo"), keyID: "k", allowedModels: ["fast", "openrouter/meta/*"])
        let road = try Road(principal: principal)
        road.transport.scripts = [.json(PlainCallTests.answer), .json(PlainCallTests.answer)]
        #expect(await road.chat(#"{"model":"fast"}"#).status == 200)
        #expect(await road.chat(#"{"model":"openrouter/meta/llama"}"#).status == 200)
        let other = await road.chat(#"{"model":"gpt-4o"}"#)
        #expect(other.status == 403)
        #expect(other.json?["error"]?["code"] == "model_not_allowed")
        let list = await road.send("GET", "/v1/models")
        #expect(list.json?["data"]?.arrayValue?.count == 1)
    }

    @Test func `this machine sees the figures without a key, a proxy or a page on it does not`() async throws {
        let road = try Road()
        func status(_ fields: String, host: String = "127.0.0.1:8080") async -> Int {
            let head = "GET /metrics HTTP/1.1\r\nhost: \(host)\r\n\(fields)\r\n"
            let exchange = FakeExchange(head, transport: road.transport)
            exchange.peer = PeerAddress(text: "127.0.0.1", port: 1, isLoopback: true)
            await road.gateway.handle(exchange)
            return exchange.status
        }
        #expect(await status("") == 200)
        #expect(await status("", host: "localhost") == 200)
        #expect(await status("x-forwarded-for: 203.0.113.9\r\n") == 401)
        #expect(await status("forwarded: for=203.0.113.9\r\n") == 401)
        #expect(await status("origin: https://evil.example\r\n") == 401)
        #expect(await status("", host: "localhost.evil.example") == 401)
    }

    @Test func `bytes that are no request are refused in a shape their sender may read`() async throws {
        let road = try Road()
        for (fault, status) in [
            (RequestFault.malformed("a bare line feed"), 400), (.headTooLarge, 431),
            (.timeout("the head took 10 s"), 408),
            (.bodyTooLarge(limit: 5), 413), (.overloaded(retryAfter: .seconds(1)), 503),
        ] {
            let exchange = FakeExchange("GET / HTTP/1.1\r\nhost: x\r\n\r\n", transport: road.transport)
            await road.gateway.refuse(
                fault,
                rawHead: ByteBuffer(string: "POST /v1/chat/completions HT"),
                exchange: exchange
            )
            #expect(exchange.status == status)
            #expect(exchange.json?["error"]?["message"] != nil)
        }
    }

    @Test func `models are listed and found in OpenAI's form`() async throws {
        let road = try Road()
        let list = await road.send("GET", "/v1/models")
        #expect(list.json?["object"] == "list")
        let names = list.json?["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue }
        #expect(names == ["fast", "openai/gpt-4o-mini", "openrouter/openai/gpt-4o"])
        let one = await road.send("GET", "/v1/models/openrouter/openai/gpt-4o")
        #expect(one.json?["object"] == "model")
        #expect(one.json?["owned_by"] == "openrouter")
        let none = await road.send("GET", "/v1/models/fasd")
        #expect(none.status == 404)
        #expect(none.json?["error"]?["message"]?.stringValue?.contains("'fast'") == true)
    }

    @Test func `a model's name may have its slashes escaped, and no other path may (row 11)`() async throws {
        let road = try Road()
        for path in ["openrouter%2Fopenai%2Fgpt-4o", "openrouter%2fopenai/gpt-4o", "openrouter/openai%2Fgpt-4o?x=1"] {
            let one = await road.send("GET", "/v1/models/\(path)")
            #expect(one.status == 200, "\(path)")
            #expect(one.json?["id"] == "openrouter/openai/gpt-4o")
            // The same door for both spellings.
            #expect(await road.send("GET", "/v1/models/\(path)", key: nil).status == 401)
        }
        for path in [
            "/v1/models%2Ffast", "/v1%2Fmodels/fast", "/v1/models/..%2F..%2Fmetrics", "/v1/models/%2e%2e%2Fa",
            "/v1/models/.%2Fa", "/v1/models/a%2F..", "/v1/models/%2Fa", "/v1/models/a%2F%2Fb", "/v1/models/a/%2Fb",
            "/v1/models/a%252Fb", "/v1/models/a%5Cb", "/v1/modelsx%2Fa", "/api%2Fai/status", "/api/v1%2Fcalls/live",
        ] {
            #expect(await road.send("GET", path).status == 400, "\(path)")
        }
        #expect(await road.send("POST", "/v1/chat%2Fcompletions", body: "{}").status == 400)
    }

    @Test func `the description of the API has every route and no other`() async throws {
        let road = try Road()
        let paths = await road.send("GET", "/openapi.json", key: nil).json?["paths"]?.objectValue
        #expect(Set(paths?.map(\.0) ?? []) == Set(Routes.table.map { "\($0.path)" }))
    }

    @Test func `the page shows how to call and lets nothing in`() async throws {
        let road = try Road()
        let page = await road.send("GET", "/", key: nil)
        #expect(page.status == 200)
        #expect(page.sent.contains("turnpike chat") && page.sent.contains("http://127.0.0.1:8080/v1"))
        #expect(page.field("content-security-policy")?.contains("default-src 'none'") == true)
        #expect(!page.sent.contains("<script") && !page.sent.contains("src="))
    }
}
