import Auth
import Core
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// Forms with files, which are sent on while they come in.
@Suite struct FormTests {
    static let type = "content-type: multipart/form-data; boundary=xyz\r\n"

    static func part(_ name: String, _ value: String, file: String? = nil) -> String {
        let file = file.map { "; filename=\"\($0)\"" } ?? ""
        return "--xyz\r\nContent-Disposition: form-data; name=\"\(name)\"\(file)\r\n\r\n\(value)\r\n"
    }

    static let end = "--xyz--\r\n"
    static func form(_ model: String = "fast", file: String = "RIFF") -> String {
        self.part("model", model) + self.part("file", file, file: "a.wav") + self.end
    }

    private static func transcribe(
        _ road: Road,
        _ body: String,
        fields: String = type,
        pieces: [String]? = nil
    ) async -> FakeExchange {
        await road.send("POST", "/v1/audio/transcriptions", body: body, fields: fields) { $0.pieces = pieces }
    }

    private static let heard =
        #"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":2,"#
        + #""input_token_details":{"text_tokens":0,"audio_tokens":14},"total_tokens":16}}"#

    @Test func `a form goes on with the target's model and a length that fits, at every split point`() async throws {
        let body = Self.form()
        let expected = Self.form("gpt-4o-mini")
        for cut in stride(from: 1, to: body.utf8.count, by: 1) {
            let road = try Road()
            road.transport.scripts = [.json(Self.heard)]
            let bytes = Array(body.utf8)
            let pieces = [bytes[..<cut], bytes[cut...]].map { String(decoding: $0, as: UTF8.self) }
            let client = await Self.transcribe(road, body, pieces: pieces)
            #expect(client.status == 200, "cut at \(cut)")
            #expect(client.sent == Self.heard)
            #expect(road.transport.body() == expected, "cut at \(cut)")
            #expect(road.transport.requests[0].contains("content-length: \(expected.utf8.count)\r\n"))
        }
    }

    @Test func `the provider gets the form's own type and the group's key, and what was used is read`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.heard)]
        let client = await Self.transcribe(road, Self.form("openai/whisper-1"))
        let request = road.transport.requests[0]
        #expect(request.hasPrefix("POST /v1/audio/transcriptions HTTP/1.1\r\nhost: api.openai.com\r\n"))
        #expect(request.contains("content-type: multipart/form-data; boundary=xyz\r\n"))
        #expect(request.ranges(of: "content-type:").count == 1)
        #expect(request.contains("authorization: Bearer \(Road.providerKey)\r\n"))
        #expect(!request.contains(Road.key))
        #expect(road.transport.body() == Self.form("whisper-1"))
        #expect(client.field("x-turnpike-model") == "whisper-1")
        let kept = try #require(road.calls.newest(1) { _ in true }.first)
        #expect(kept.record.inputTokens == 14 && kept.record.outputTokens == 2)
        #expect(kept.record.bytesIn == Self.form("openai/whisper-1").utf8.count)
    }

    @Test(arguments: ["text/plain; charset=utf-8", "application/x-subrip", "text/vtt"])
    func `answers that are no JSON keep their type`(_ type: String) async throws {
        let road = try Road()
        road.transport.scripts = [
            FakeUpstream.Script(
                head: "HTTP/1.1 200 OK\r\ncontent-type: \(type)\r\ncontent-length: 3\r\n\r\n",
                steps: [.bytes("hi\n")]
            )
        ]
        let client = await Self.transcribe(road, Self.form())
        #expect(client.field("content-type") == type)
        #expect(client.sent == "hi\n")
    }

    @Test func `a transcript may come in events`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .stream(
                .bytes("data: {\"type\":\"transcript.text.delta\",\"delta\":\"hi\"}\n\n"),
                .bytes(
                    "data: {\"type\":\"transcript.text.done\",\"usage\":{\"input_tokens\":14,\"output_tokens\":2}}\n\n"
                )
            )
        ]
        let client = await Self.transcribe(road, Self.part("stream", "true") + Self.form())
        #expect(client.field("content-type") == "text/event-stream; charset=utf-8")
        #expect(client.sent.contains("transcript.text.done"))
        let kept = try #require(road.calls.newest(1) { _ in true }.first)
        #expect(kept.record.outputTokens == 2)
        #expect(kept.record.isStream)
    }

    @Test func `a short upload is sent again to another target, whole`() async throws {
        let road = try Road(retriesMax: 1)
        road.transport.scripts = [.json("{}", status: 503), .json(Self.heard)]
        let client = await Self.transcribe(road, Self.form())
        #expect(client.status == 200)
        #expect(road.transport.body(0) == Self.form("gpt-4o-mini"))
        #expect(road.transport.body(1) == Self.form("openai/gpt-4o"))
    }

    @Test func `what is not kept is not tried again, row 84`() async throws {
        let road = try Road(retriesMax: 1)
        road.transport.scripts = [.json("{}", status: 503), .json(Self.heard)]
        let body = Self.form(file: String(repeating: "a", count: 2 << 20))
        let pieces = [0, 600_000, 1_200_000, 1_800_000].map { start in
            String(body.dropFirst(start).prefix(start == 1_800_000 ? body.count : 600_000))
        }
        let client = await Self.transcribe(road, body, pieces: pieces)
        #expect(client.status == 503)
        #expect(road.transport.requests.count == 1)
    }

    @Test func `a model that does not come within the first MiB is asked for before the file`() async throws {
        let road = try Road()
        let file = Self.part("file", String(repeating: "a", count: 2 << 20), file: "a.wav")
        let body = file + Self.part("model", "fast") + Self.end
        let pieces = stride(from: 0, to: body.count, by: 300_000).map { start in
            String(body.dropFirst(start).prefix(300_000))
        }
        let client = await Self.transcribe(road, body, pieces: pieces)
        #expect(client.status == 400)
        #expect(client.json?["error"]?["param"]?.stringValue == "model")
        #expect(client.sent.contains("before its file"))
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `a model behind a short file is found`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.heard)]
        let file = Self.part("file", "RIFF", file: "a.wav")
        let client = await Self.transcribe(road, file + Self.part("model", "fast") + Self.end)
        #expect(client.status == 200)
        #expect(road.transport.body() == file + Self.part("model", "gpt-4o-mini") + Self.end)
    }

    @Test(arguments: [
        part("file", "x", file: "a") + end, part("model", "") + end, part("model", "fast", file: "m") + end,
        part("model", "fast") + part("model", "openai/gpt-5") + end, part("model", "a b") + end,
        part("model", String(repeating: "m", count: 600)) + end,
    ]) func `a form has one model, and that is a name, row 17`(_ body: String) async throws {
        let road = try Road()
        // What was found too late to keep anything from being sent never reaches its end.
        road.transport.scripts = [.json(Self.heard)]
        let client = await Self.transcribe(road, body)
        #expect(client.status == 400)
        #expect(client.json?["error"]?["param"]?.stringValue == "model")
        #expect(road.transport.requests.isEmpty)
    }

    @Test(arguments: ["", "--xyz", "hello", part("model", "fast"), form() + "more"])
    func `what is no form is refused, row 23`(_ body: String) async throws {
        let road = try Road()
        let client = await Self.transcribe(road, body)
        #expect(client.status == 400)
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `another type than a form is not taken`() async throws {
        let road = try Road()
        #expect(await Self.transcribe(road, "{}", fields: "content-type: application/json\r\n").status == 415)
        #expect(await Self.transcribe(road, "{}", fields: "").status == 415)
        let long = "content-type: multipart/form-data; boundary=\(String(repeating: "-", count: 71))\r\n"
        #expect(await Self.transcribe(road, "x", fields: long).status == 400)
    }

    @Test func `a form that is too large is refused, row 19`() async throws {
        var limits = RoadLimits()
        limits.uploadBytesMax = 100
        let road = try Road(limits: limits)
        #expect(await Self.transcribe(road, Self.form()).status == 413)
    }

    @Test func `a key that may not use the model may not send it in a form`() async throws {
        let principal = Principal(group: GroupID("demo"), keyID: "dev", allowedModels: ["slow"])
        let road = try Road(principal: principal)
        #expect(await Self.transcribe(road, Self.form()).status == 403)
    }

    @Test func `an upload with an Idempotency-Key is refused and not run twice, row 77`() async throws {
        let road = try Road()
        let client = await Self.transcribe(road, Self.form(), fields: Self.type + "idempotency-key: a\r\n")
        #expect(client.status == 400)
        #expect(road.transport.requests.isEmpty)
    }
}
