import Core
import NIOCore
import Providers
import Telemetry
import Testing
import Transport

@Suite struct PlainCallTests {
    static let answer =
        #"{"id":"c1","object":"chat.completion","choices":[{"message":{"content":"Hi"}}],"#
        + #""usage":{"prompt_tokens":3,"completion_tokens":2},"x_new":{"kept":[1.50,1e400]}}"#

    @Test func `a whole answer passes byte for byte and says who served it`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .json(
                Self.answer,
                fields:
                    "x-request-id: up-1\r\nopenai-processing-ms: 12\r\nset-cookie: a=b\r\n"
                    + "X-Generation-Id: gen-7\r\nx-ratelimit-remaining-requests: 4\r\n"
            )
        ]
        let answer = await road.chat(#"{"model":"fast","messages":[]}"#)
        #expect(answer.status == 200)
        #expect(answer.sent == Self.answer)
        #expect(answer.framing == .length(Self.answer.utf8.count))
        #expect(answer.field("x-turnpike-provider") == "openai")
        #expect(answer.field("x-turnpike-upstream-request-id") == "up-1")
        #expect(answer.field("openai-processing-ms") == "12")
        #expect(answer.field("x-generation-id") == "gen-7")
        #expect(answer.field("set-cookie") == nil)
        #expect(!answer.fields.contains("ratelimit"))
        #expect(road.exposition.contains(#"code="ok"} 1"#))
    }

    @Test func `a provider sees its own key, few fields and the spliced body`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.answer)]
        let body = #"{ "temperature" : 1.0 , "model":"fast", "unknown":{"a":[1,2,{"b":"\u00e9"}]},"messages":[]}"#
        _ = await road.chat(body, fields: "x-evil: 1\r\ncookie: c\r\nopenai-beta: x=1\r\nconnection: openai-beta\r\n")
        let request = road.transport.requests[0]
        #expect(request.hasPrefix("POST /v1/chat/completions HTTP/1.1\r\nhost: api.openai.com\r\n"))
        #expect(request.contains("authorization: Bearer \(Road.providerKey)\r\n"))
        #expect(!request.contains(Road.key))
        #expect(!request.contains("evil") && !request.contains("cookie"))
        #expect(!request.contains("openai-beta"))
        #expect(request.contains("accept-encoding: identity\r\n"))
        #expect(request.contains("traceparent: 00-"))
        let expected =
            #"{ "temperature" : 1.0 , "model":"gpt-4o-mini", "unknown":{"a":[1,2,{"b":"\u00e9"}]},"messages":[]}"#
        #expect(road.transport.body() == expected)
        #expect(request.contains("content-length: \(expected.utf8.count)\r\n"))
    }

    @Test func `the client's trace and request id are kept`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.answer)]
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let answer = await road.chat(
            #"{"model":"fast"}"#,
            fields: "x-request-id: mine-42\r\ntraceparent: \(trace)\r\n"
        )
        #expect(answer.field("x-request-id") == "mine-42")
        #expect(road.transport.requests[0].contains("traceparent: \(trace)\r\n"))
        #expect(road.transport.requests[0].split(separator: "traceparent").count == 2)
    }

    @Test func `a body larger than one write goes in pieces and arrives whole`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.answer)]
        let filler = String(repeating: "é", count: 80_000)
        _ = await road.chat(#"{"model":"fast","messages":[{"content":"\#(filler)"}]}"#)
        #expect(road.transport.body() == #"{"model":"gpt-4o-mini","messages":[{"content":"\#(filler)"}]}"#)
    }

    @Test func `a success that holds an error is an error`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(#"{"error":{"message":"Provider down","code":502}}"#)]
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 502)
        #expect(!answer.sent.contains("Provider down"))
    }

    @Test(arguments: [
        ("", "nothing"), ("<html>oops</html>", "HTML"), (#"{"choices":[{"mess"#, "a cut"), ("[1]", "a list"),
        (#""text""#, "a string"),
    ])
    func `an answer that cannot be read is a 502 without its text`(body: String, what: String) async throws {
        let road = try Road()
        road.transport.scripts = [.json(body)]
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 502)
        #expect(answer.json?["error"]?["code"] == "provider_error")
        #expect(!answer.sent.contains("oops"))
    }

    @Test func `an answer over the limit is refused before it is read`() async throws {
        let road = try Road()
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n"
        road.transport.scripts = [.init(head: head, steps: [.bytes("{")])]
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 502)
        #expect(road.transport.upstreams[0].isAbandoned)
    }

    @Test func `a compressed answer and a redirect are refused (rows 29, 33)`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .json("xx", fields: "content-encoding: gzip\r\n"),
            .json("", status: 307, fields: "location: https://evil.example/\r\n"),
        ]
        let coded = await road.chat(#"{"model":"fast"}"#)
        let moved = await road.chat(#"{"model":"fast"}"#)
        #expect(coded.status == 502 && moved.status == 502)
        #expect(moved.field("location") == nil)
        #expect(!moved.sent.contains("evil"))
        #expect(road.transport.requests.count == 2)
    }

    @Test func `a target that cannot be reached gives way to the next (row 83)`() async throws {
        let road = try Road(retriesMax: 2)
        road.transport.scripts = [.failure(TransportError.connectFailed("refused")), .json(Self.answer)]
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-provider") == "openrouter")
        #expect(answer.field("x-turnpike-attempts") == "2")
        #expect(road.transport.body(1).contains("openai/gpt-4o"))
    }

    @Test func `with every target down the client is told when to come back and that trying again was done`()
        async throws
    {
        let road = try Road(retriesMax: 1)
        road.transport.scripts = [
            .failure(TransportError.connectFailed("refused")), .failure(TransportError.nameNotResolved("x")),
        ]
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 503)
        #expect(answer.field("retry-after") == "5")
        #expect(answer.field("x-should-retry") == "false")
    }

    @Test func `a timeout names the limit that was in force, shortened by the client or not`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .failure(TransportError.timeout(.firstByte, limit: .milliseconds(250), didSend: true)), .json(Self.answer),
        ]
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 504)
        #expect(answer.json?["error"]?["message"]?.stringValue?.contains("first byte limit of 250 ms") == true)
        let exchange = await road.chat(#"{"model":"fast"}"#, fields: "x-turnpike-timeout-ms: 1500\r\n")
        #expect(road.transport.deadlines[1] - exchange.arrival == .milliseconds(1500))
        let bad = await road.chat(#"{"model":"fast"}"#, fields: "x-turnpike-timeout-ms: soon\r\n")
        #expect(bad.status == 400)
    }

    @Test func `models lead where the contract says`() async throws {
        let road = try Road()
        for (model, host, sent) in [
            ("fast", "api.openai.com", "gpt-4o-mini"),
            ("openrouter/meta/llama", "openrouter.ai", "meta/llama"),
            ("anthropic/claude-3", "api.openai.com", "anthropic/claude-3"),
            ("gpt-4.1", "api.openai.com", "gpt-4.1"),
        ] {
            road.transport.scripts = [.json(Self.answer)]
            let answer = await road.chat(#"{"model":"\#(model)"}"#)
            #expect(answer.status == 200)
            #expect(road.transport.endpoints.last?.host == host)
            #expect(
                try JSONValue.parse(road.transport.body(road.transport.requests.count - 1))["model"] == .string(sent)
            )
        }
        let agent = await road.chat(#"{"model":"agent/7"}"#)
        #expect(agent.status == 404)
        #expect(agent.json?["error"]?["code"] == "model_not_found")
    }

    @Test func `a group without a key for any target is told what to do`() async throws {
        let road = try Road(credentialsFor: [])
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 424)
        #expect(
            answer.json?["error"]?["message"]
                == "AI is not configured for this group. Please add an API key in settings."
        )
        #expect(answer.json?["error"]?["code"] == "ai_not_configured")
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `embeddings go their own way`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(#"{"object":"list","data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}"#)]
        let answer = await road.send("POST", "/v1/embeddings", body: #"{"model":"text-embedding-3-small","input":"x"}"#)
        #expect(answer.status == 200)
        #expect(road.transport.requests[0].hasPrefix("POST /v1/embeddings HTTP/1.1\r\n"))
        #expect(road.exposition.contains(#"route="embeddings""#))
    }

    @Test func `what a provider refuses is left out and named`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.answer)]
        let answer = await road.chat(
            #"{"model":"mistral/small","seed":7,"user":"u","messages":[{"role":"user","name":"n"}]}"#
        )
        #expect(answer.field("x-turnpike-dropped") == "user,messages[0].name")
        #expect(road.transport.body() == #"{"model":"small","random_seed":7,"messages":[{"role":"user"}]}"#)
    }
}
