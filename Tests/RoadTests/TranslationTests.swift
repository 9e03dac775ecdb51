import Core
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// Calls whose client and provider speak different dialects.
@Suite struct TranslationTests {
    static var providers: [ProviderEntry] {
        var bedrock = ProviderEntry(name: "aws", kind: .bedrock)
        bedrock.region = "eu-west-1"
        return [
            ProviderEntry(name: "openai"), ProviderEntry(name: "claude", kind: .anthropic),
            ProviderEntry(name: "gemini", kind: .gemini), ProviderEntry(name: "cohere", kind: .cohere), bedrock,
            ProviderEntry(name: "groq"), ProviderEntry(name: "openrouter"),
        ]
    }
    static let message =
        #"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","#
        + #""text":"Hi"}],"#
        + #""stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"#
        + #""output_tokens":4},"x_new":[1.50]}"#

    static func road(limits: RoadLimits = RoadLimits()) throws -> Road {
        try Road(
            providers: Self.providers,
            routes: [],
            credentialsFor: ["openai", "claude", "gemini", "cohere", "groq", "openrouter"],
            more: [
                CredentialBook.Entry(
                    group: GroupID("demo"),
                    provider: "aws",
                    apiKey: Secret("AKIDEXAMPLE:wJalrXUtnFEMI")
                )
            ],
            limits: limits
        )
    }

    @Test func `an OpenAI client is answered by Anthropic, and told what it was not told`() async throws {
        let road = try Self.road()
        road.transport.scripts = [.json(Self.message)]
        let answer = await road.chat(
            #"{"model":"claude/claude-x","seed":7,"temperature":1.5,"messages":[{"role":"user","content":"Hello"}]}"#
        )
        #expect(answer.status == 200)
        #expect(answer.json?["choices"]?[0]?["message"]?["content"] == "Hi")
        #expect(answer.json?["choices"]?[0]?["finish_reason"] == "stop")
        #expect(answer.json?["usage"]?["prompt_tokens"] == 5)
        #expect(answer.field("x-turnpike-dropped")?.split(separator: ",").sorted() == ["seed", "temperature"])
        let request = road.transport.requests[0]
        #expect(request.hasPrefix("POST /v1/messages HTTP/1.1\r\nhost: api.anthropic.com\r\n"))
        #expect(request.contains("x-api-key: \(Road.providerKey)\r\n"))
        #expect(request.contains("anthropic-version: 2023-06-01\r\n"))
        let sent = try JSONValue.parse(road.transport.body())
        #expect(sent["model"] == "claude-x" && sent["max_tokens"]?.intValue ?? 0 > 0 && sent["seed"] == nil)
    }

    @Test func `where losses are refused, nothing goes out and the error names them`() async throws {
        var limits = RoadLimits()
        limits.strictGroups = [GroupID("demo")]
        for (road, fields) in [(try Self.road(limits: limits), ""), (try Self.road(), "x-turnpike-strict: true\r\n")] {
            let ask = #"{"model":"claude/c","seed":7,"messages":[{"role":"user","content":"Hello"}]}"#
            let answer = await road.chat(ask, fields: fields)
            #expect(answer.status == 400)
            #expect(answer.json?["error"]?["code"] == "invalid_request")
            #expect(answer.json?["error"]?["param"] == "seed")
            #expect(answer.json?["error"]?["details"]?["dropped"] == "seed")
            #expect(road.transport.requests.isEmpty)
        }
    }

    @Test func `an Anthropic client at Anthropic has its own bytes go both ways`() async throws {
        let road = try Self.road()
        road.transport.scripts = [.json(Self.message)]
        let body = #"{ "model":"claude/c", "max_tokens" : 5,"x":{"y":[1.0]},"messages":[]}"#
        let answer = await road.send(
            "POST",
            "/v1/messages",
            body: body,
            fields: "anthropic-version: 2026-10-21\r\nanthropic-beta: a-1,b-2\r\n"
        )
        #expect(answer.sent == Self.message)
        #expect(answer.field("request-id") == answer.field("x-request-id"))
        #expect(road.transport.body() == #"{ "model":"c", "max_tokens" : 5,"x":{"y":[1.0]},"messages":[]}"#)
        let request = road.transport.requests[0]
        #expect(
            request.contains("anthropic-version: 2026-10-21\r\n") && request.contains("anthropic-beta: a-1,b-2\r\n")
        )
        #expect(!request.contains("2023-06-01"))
    }

    @Test func `a stream that breaks off ends with an error in the client's dialect (row 89)`() async throws {
        let road = try Self.road()
        road.transport.scripts = [.stream(.bytes(StreamTests.role + StreamTests.text("Hel")))]
        let answer = await road.send(
            "POST",
            "/v1/messages",
            body: #"{"model":"openai/gpt","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"x"}]}"#
        )
        #expect(answer.status == 200)
        #expect(answer.sent.contains(#""text_delta","text":"Hel""#))
        #expect(answer.sent.contains("event: error\ndata: {\"type\":\"error\""))
        #expect(!answer.sent.contains("message_stop"))
    }

    @Test func `what a client cannot be told of an answer is named, in a stream before its end`() async throws {
        let road = try Self.road()
        let picture =
            #"{"candidates":[{"content":{"parts":[{"text":"Hi"},{"inlineData":{"mimeType":"image/png","#
            + #""data":"AAAA"}}]},"finishReason":"STOP"}],"#
            + #""usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}"#
        road.transport.scripts = [.json(picture)]
        let ask = #"{"model":"gemini/g","max_tokens":5,"messages":[{"role":"user","content":"x"}]}"#
        let whole = await road.send("POST", "/v1/messages", body: ask)
        #expect(whole.status == 200 && whole.field("x-turnpike-dropped") == "answer.images")
        road.transport.scripts = [.stream(.bytes("data: \(picture)\r\n\r\n"))]
        let more = ask.replacing(#""max"#, with: #""stream":true,"max"#)
        let stream = await road.send("POST", "/v1/messages", body: more)
        #expect(stream.status == 200 && stream.field("x-turnpike-dropped") == nil)
        let comment = try #require(stream.sent.firstRange(of: ": turnpike-dropped answer.images\n\n"))
        let end = try #require(stream.sent.firstRange(of: "event: message_stop"))
        #expect(comment.upperBound <= end.lowerBound)
        #expect(road.calls.newest(2) { _ in true }.allSatisfy { $0.dropped == ["answer.images"] })
        // Nothing is said where nothing is lost.
        road.transport.scripts = [.json(picture)]
        let chat = await road.chat(ask)
        #expect(chat.status == 200 && chat.field("x-turnpike-dropped") == nil)
    }

    @Test func `silence is filled in the client's own form`() async throws {
        let road = try Self.road()
        var exchange: FakeExchange?
        road.transport.scripts = [
            .stream(
                .meanwhile { exchange?.silence?() },
                .bytes(StreamTests.text("x") + StreamTests.finish + StreamTests.done)
            )
        ]
        let body = #"{"model":"openai/g","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"x"}]}"#
        let answer = await road.send("POST", "/v1/messages", body: body) { exchange = $0 }
        #expect(answer.sent.hasPrefix("event: ping\ndata: {\"type\": \"ping\"}\n\n"))
        #expect(answer.sent.hasSuffix("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
    }

    @Test func `a request for Bedrock is signed with the group's key, which is nowhere in it`() async throws {
        let road = try Self.road()
        let converse =
            #"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","#
            + #""usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#
        road.transport.scripts = [.json(converse)]
        let answer = await road.chat(#"{"model":"aws/a.b:0","messages":[{"role":"user","content":"Hello"}]}"#)
        #expect(answer.json?["choices"]?[0]?["message"]?["content"] == "Hi")
        let request = road.transport.requests[0]
        let start = "POST /model/a.b%3A0/converse HTTP/1.1\r\nhost: bedrock-runtime.us-east-1.amazonaws.com\r\n"
        #expect(request.hasPrefix(start))
        #expect(request.contains("authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"))
        #expect(request.contains("/eu-west-1/bedrock/aws4_request"))
        #expect(!request.contains("wJalrXUtnFEMI"))
    }

    @Test func `tokens are counted by who can, and guessed and marked for the others`() async throws {
        let road = try Self.road()
        let body = #""max_tokens":5,"messages":[{"role":"user","content":"Hello there, how are you?"}]}"#
        road.transport.scripts = [.json(#"{"input_tokens":14}"#), .json(#"{"totalTokens":15}"#)]
        let path = "/v1/messages/count_tokens"
        let real = await road.send("POST", path, body: #"{"model":"claude/c","# + body)
        #expect(real.sent == #"{"input_tokens":14}"# && real.field("x-turnpike-estimated") == nil)
        let gemini = await road.send("POST", path, body: #"{"model":"gemini/g-1","# + body)
        #expect(gemini.sent == #"{"input_tokens":15}"#)
        #expect(road.transport.requests[1].hasPrefix("POST /v1beta/models/g-1:countTokens HTTP/1.1\r\n"))
        #expect(try JSONValue.parse(road.transport.body(1))["generateContentRequest"]?["model"] == "models/g-1")
        let guess = await road.send("POST", path, body: #"{"model":"openai/g","# + body)
        #expect(guess.json?["input_tokens"]?.intValue ?? 0 > 4)
        #expect(guess.field("x-turnpike-estimated") == "true")
        #expect(road.transport.requests.count == 2)
    }

    @Test func `embeddings that one request cannot take go out in several, and come back as one`() async throws {
        let road = try Self.road()
        let vector = { (number: Int) in #"{"embedding":[\#(number).5,0],"inputTextTokenCount":3}"# }
        road.transport.scripts = (0..<3).map { .json(vector($0)) }
        let answer = await road.send(
            "POST",
            "/v1/embeddings",
            body: #"{"model":"aws/amazon.titan-embed-text-v2:0","input":["a","b","c"]}"#
        )
        #expect(
            answer.json?["data"]?.arrayValue?.map { $0["embedding"]?[0] } == [0.5, 1.5, 2.5].map { .number("\($0)") }
        )
        #expect(answer.json?["usage"]?["prompt_tokens"] == 9)
        #expect(road.transport.requests.count == 3)
        let none = await road.send("POST", "/v1/embeddings", body: #"{"model":"claude/c","input":"a"}"#)
        #expect(none.status == 400 && none.json?["error"]?["param"] == "model")
    }

    @Test func `a translation is changed where its provider wants something otherwise, and only there`() async throws {
        let road = try Self.road()
        let sent = { (model: String, more: String) in
            road.transport.scripts = [.json(#"{"error":{"message":"no"}}"#, status: 400)]
            let count = road.transport.requests.count
            let ask = #"{"model":"\#(model)","max_tokens":5,\#(more)"messages":[{"role":"user","content":"x"}]}"#
            _ = await road.send("POST", "/v1/messages", body: ask)
            return try JSONValue.parse(road.transport.body(count))
        }
        // Usage comes in a stream only if it is asked for there, and does so unasked elsewhere.
        #expect(try await sent("openai/g", #""stream":true,"#)["stream_options"] == ["include_usage": true])
        #expect(try await sent("openai/g", "")["stream_options"] == nil)
        #expect(try await sent("openrouter/g", #""stream":true,"#)["stream_options"] == nil)
        // What a provider refuses is left out and named, in a stream and without one.
        let whole =
            #"{"id":"c","object":"chat.completion","created":1,"model":"g","choices":[{"index":0,"message":"#
            + #"{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#
        let pieces = StreamTests.text("Hi") + StreamTests.finish + StreamTests.done
        for (stream, script) in [("", FakeUpstream.Script.json(whole)), (#","stream":true"#, .stream(.bytes(pieces)))] {
            road.transport.scripts = [script]
            let count = road.transport.requests.count
            let ask = #"{"model":"groq/g","input":"x","include":["message.output_text.logprobs"]\#(stream)}"#
            let answer = await road.send("POST", "/v1/responses", body: ask)
            #expect(answer.status == 200 && answer.field("x-turnpike-dropped")?.contains("logprobs") == true)
            let body = try JSONValue.parse(road.transport.body(count))
            #expect(body["messages"] != nil && body["logprobs"] == nil && body["top_logprobs"] == nil)
        }
    }

    @Test func `a body that is no request of its dialect is told by place`() async throws {
        let road = try Self.road()
        let answer = await road.chat(#"{"model":"claude/c","messages":[{"role":"user","content":5}]}"#)
        #expect(answer.status == 400)
        #expect(answer.json?["error"]?["param"] == "messages[0].content")
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `a stream cut in the middle of an event is not whole, one without its last line is`() async throws {
        let chunk = { (finish: String) in
            #"data: {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"}\#(finish)}]}"#
        }
        let first = chunk(#","finishReason":"STOP""#) + "\r\n\r\n"
        let body = #"{"model":"gemini/g","stream":true,"messages":[{"role":"user","content":"x"}]}"#
        let road = try Self.road()
        road.transport.scripts = [
            .stream(.bytes(first + #"data: {"candidates":[{"con"#)), .stream(.bytes(chunk(#","finishReason":"STOP""#))),
        ]
        let cut = await road.chat(body)
        #expect(cut.sent.contains(#""error""#) && !cut.sent.contains("[DONE]"))
        let whole = await road.chat(body)
        #expect(whole.sent.hasSuffix("data: [DONE]\n\n") && whole.sent.contains(#""content":"Hi""#))
    }

    @Test(arguments: ["d", "data", "event: x", "event: x\n"])
    func `a stream cut before its next event says anything is not whole either`(rest: String) async throws {
        let first =
            #"data: {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP"}]}"#
        let road = try Self.road()
        road.transport.scripts = [.stream(.bytes(first + "\n\n" + rest)), .stream(.bytes(first + "\n\n: end\n\n"))]
        let body = #"{"model":"gemini/g","stream":true,"messages":[{"role":"user","content":"x"}]}"#
        let cut = await road.chat(body)
        #expect(cut.sent.contains(#""error""#) && !cut.sent.contains("[DONE]"))
        let whole = await road.chat(body)
        #expect(whole.sent.hasSuffix("data: [DONE]\n\n"))
    }

    @Test func `what fails before it says anything is a failure, whatever its status`() async throws {
        let road = try Self.road()
        road.transport.scripts = [
            .json(#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","index":0}],"usageMetadata":{}}"#)
        ]
        let answer = await road.chat(#"{"model":"gemini/g","messages":[{"role":"user","content":"x"}]}"#)
        #expect(answer.status == 502)
    }
}
