import Auth
import Core
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// Operations that are no conversation, and that take and give JSON or events.
@Suite struct OperationTests {
    static let events = "content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

    @Test(arguments: [
        ("/v1/moderations", "/v1/moderations", #"{"id":"m","results":[{"flagged":false}]}"#),
        ("/v1/rerank", "/v1/rerank", #"{"results":[{"index":1,"relevance_score":0.5}],"usage":{"total_tokens":9}}"#),
        ("/v1/images/generations", "/v1/images/generations", #"{"created":1,"data":[{"b64_json":"AA"}]}"#),
    ]) func `a request goes on with the target's model, and the answer comes back byte for byte`(
        _ path: String,
        _ upstream: String,
        _ answer: String
    ) async throws {
        let road = try Road()
        road.transport.scripts = [.json(answer)]
        let client = await road.send("POST", path, body: #"{"model":"fast","input":"x","own":{"a":1.50}}"#)
        #expect(client.status == 200)
        #expect(client.sent == answer)
        #expect(client.field("x-turnpike-provider") == "openai")
        #expect(client.field("x-turnpike-model") == "gpt-4o-mini")
        #expect(road.transport.requests[0].hasPrefix("POST \(upstream) HTTP/1.1\r\n"))
        #expect(road.transport.body() == #"{"model":"gpt-4o-mini","input":"x","own":{"a":1.50}}"#)
    }

    @Test func `usage is read where it is, and pictures are counted`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .json(
                #"{"data":[{"b64_json":"A"},{"b64_json":"B"}],"usage":{"input_tokens":5,"output_tokens":70,"#
                    + #""total_tokens":75,"input_tokens_details":{"text_tokens":5,"image_tokens":0}}}"#
            )
        ]
        let body = #"{"model":"openai/gpt-image-1","prompt":"x","n":2}"#
        _ = await road.send("POST", "/v1/images/generations", body: body)
        let kept = try #require(road.calls.newest(1) { _ in true }.first)
        #expect(kept.record.inputTokens == 5 && kept.record.outputTokens == 70)
    }

    @Test func `pictures that come as events keep their types, with heartbeats until they come`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .stream(
                .bytes(
                    "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\"}\n\n"
                ),
                .bytes(
                    "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"usage\":"
                        + "{\"input_tokens\":5,\"output_tokens\":70}}\n\n"
                )
            )
        ]
        let client = await road.send(
            "POST",
            "/v1/images/generations",
            body: #"{"model":"openai/gpt-image-1","prompt":"x","stream":true}"#
        )
        #expect(client.field("content-type") == "text/event-stream; charset=utf-8")
        #expect(client.sent.hasPrefix("event: image_generation.partial_image\ndata: {"))
        #expect(client.sent.contains("event: image_generation.completed\n"))
        #expect(client.isFinished)
    }

    @Test func `a stream that is cut ends with an error in it, and is not whole`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .stream(
                .bytes("data: {\"type\":\"speech.audio.delta\",\"audio\":\"AA\"}\n\n"),
                .fail(TransportError.closedInBody)
            )
        ]
        let client = await road.send(
            "POST",
            "/v1/audio/speech",
            body: #"{"model":"openai/tts","input":"hello","voice":"x","stream_format":"sse"}"#
        )
        #expect(client.status == 200)
        #expect(client.sent.contains("speech.audio.delta"))
        #expect(client.sent.contains(#""code":"provider_error""#))
    }

    // MARK: - Bytes

    private static func sound(_ steps: FakeUpstream.Step..., fields: String = "transfer-encoding: chunked\r\n")
        -> FakeUpstream.Script
    {
        FakeUpstream.Script(head: "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n\(fields)\r\n", steps: steps)
    }

    private static let speech = #"{"model":"openai/tts-1","input":"hello","voice":"alloy"}"#

    @Test func `sound is handed on as it comes, with its type, and no heartbeat gets into it`() async throws {
        let road = try Road()
        road.transport.scripts = [Self.sound(.bytes("ID3"), .bytes("\u{0}\u{1}"))]
        let client = await road.send("POST", "/v1/audio/speech", body: Self.speech) { client in
            #expect(client.silence == nil)
        }
        #expect(client.status == 200)
        #expect(client.field("content-type") == "audio/mpeg")
        #expect(client.field("x-turnpike-provider") == "openai")
        #expect(client.field("x-turnpike-cost-usd") == nil)
        #expect(client.framing == .stream)
        #expect(client.batches == ["ID3", "\u{0}\u{1}"])
        #expect(client.silence == nil)
        #expect(client.isFinished)
    }

    @Test func `sound of a known length keeps it`() async throws {
        let road = try Road()
        road.transport.scripts = [Self.sound(.bytes("ID3"), fields: "content-length: 3\r\n")]
        let client = await road.send("POST", "/v1/audio/speech", body: Self.speech)
        #expect(client.framing == .length(3))
        #expect(client.sent == "ID3")
    }

    @Test func `sound that breaks off breaks the client's connection off, too`() async throws {
        let road = try Road()
        road.transport.scripts = [Self.sound(.bytes("ID3"), .fail(TransportError.closedInBody))]
        let client = await road.send("POST", "/v1/audio/speech", body: Self.speech)
        #expect(client.sent == "ID3")
        #expect(!client.isFinished)
        #expect(road.exposition.contains(#"code="provider_error"} 1"#))
    }

    @Test func `a shutdown in the middle of sound leaves it unfinished`() async throws {
        let road = try Road()
        var exchange: FakeExchange?
        road.transport.scripts = [Self.sound(.bytes("ID3"), .meanwhile { exchange?.hurry?() })]
        let client = await road.send("POST", "/v1/audio/speech", body: Self.speech) { exchange = $0 }
        #expect(client.sent == "ID3")
        #expect(!client.isFinished)
    }

    @Test func `a page of HTML and an empty answer are no sound, and another target is asked`() async throws {
        let road = try Road(retriesMax: 2)
        road.transport.scripts = [
            FakeUpstream.Script(
                head: "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 3\r\n\r\n",
                steps: [.bytes("<p>")]
            ),
            Self.sound(.bytes("ID3")),
        ]
        let client = await road.send("POST", "/v1/audio/speech", body: #"{"model":"fast","input":"a","voice":"b"}"#)
        #expect(client.sent == "ID3")
        #expect(client.field("x-turnpike-attempts") == "2")
        #expect(client.field("x-turnpike-provider") == "openrouter")
    }

    // MARK: - Who has what

    static var others: [ProviderEntry] {
        [
            ProviderEntry(name: "openai"), ProviderEntry(name: "claude", kind: .anthropic),
            ProviderEntry(name: "cohere", kind: .cohere),
        ]
    }

    @Test(arguments: ["/v1/moderations", "/v1/images/generations", "/v1/audio/speech", "/v1/rerank"])
    func `a provider that has no such thing is not asked`(_ path: String) async throws {
        let road = try Road(providers: Self.others, routes: [], credentialsFor: ["openai", "claude", "cohere"])
        let client = await road.send("POST", path, body: #"{"model":"claude/x","input":"a"}"#)
        #expect(client.status == 400)
        #expect(client.json?["error"]?["param"]?.stringValue == "model")
        #expect(client.sent.contains("The provider 'claude' has no "))
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `an alias goes to the target that has the operation`() async throws {
        let route = RouteEntry(
            name: "any",
            targets: [.init(provider: "claude", model: "c"), .init(provider: "openai", model: "o")]
        )
        let road = try Road(providers: Self.others, routes: [route], credentialsFor: ["openai", "claude", "cohere"])
        road.transport.scripts = [.json(#"{"results":[]}"#)]
        let client = await road.send("POST", "/v1/moderations", body: #"{"model":"any","input":"a"}"#)
        #expect(client.field("x-turnpike-provider") == "openai")
    }

    @Test func `reranking is put into Cohere's words, and what is lost is named`() async throws {
        let road = try Road(providers: Self.others, routes: [], credentialsFor: ["cohere"])
        road.transport.scripts = [
            .json(#"{"id":"r","results":[{"index":0,"relevance_score":0.9}],"meta":{}}"#)
        ]
        let client = await road.send(
            "POST",
            "/v1/rerank",
            body:
                #"{"model":"cohere/rerank-v3.5","query":"q","return_documents":true,"rank_fields":["text"],"top_n":1,"#
                + #""documents":["a",{"text":"b\n","id":7}]}"#
        )
        #expect(client.status == 200)
        #expect(client.field("x-turnpike-dropped") == "rank_fields")
        #expect(client.json?["results"]?[0]?["document"]?["text"]?.stringValue == "a")
        #expect(road.transport.requests[0].hasPrefix("POST /v2/rerank HTTP/1.1\r\n"))
        #expect(road.transport.body() == #"{"model":"rerank-v3.5","query":"q","top_n":1,"documents":["a","b\n"]}"#)
    }
}
