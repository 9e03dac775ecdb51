import Core
import NIOCore
import Telemetry
import Testing
import Transport

@Suite struct StreamTests {
    static let ask = #"{"model":"fast","stream":true,"messages":[{"role":"user","content":"hi"}]}"#
    static let askWithUsage =
        #"{"model":"fast","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#

    static func data(_ text: String) -> String { "data: \(text)\n\n" }
    static let role = data(#"{"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#)
    static func text(_ text: String) -> String {
        data(#"{"id":"1","choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":null}]}"#)
    }
    static let finish = data(#"{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#)
    static let usage = data(
        #"{"id":"1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"#
            + #""prompt_tokens_details":{"cached_tokens":2}}}"#
    )
    static let done = data("[DONE]")

    @Test func `a stream arrives event by event, and nothing leaves before its first content`() async throws {
        let road = try Road()
        var beforeContent = -1
        var exchange: FakeExchange?
        road.transport.scripts = [
            .stream(
                .bytes(Self.role),
                .meanwhile { beforeContent = exchange?.status ?? -1 },
                .bytes(Self.text("Hel")),
                .bytes(Self.text("lo") + Self.finish),
                .bytes(Self.done)
            )
        ]
        let answer = await road.chat(Self.ask) { exchange = $0 }
        #expect(beforeContent == 0)
        #expect(answer.status == 200)
        #expect(answer.framing == .stream)
        #expect(answer.field("content-type") == "text/event-stream; charset=utf-8")
        #expect(answer.field("x-turnpike-provider") == "openai")
        #expect(answer.field("x-turnpike-model") == "gpt-4o-mini")
        #expect(answer.field("x-turnpike-attempts") == "1")
        #expect(
            answer.batches == [Self.role + Self.text("Hel"), Self.text("lo") + Self.finish, Self.done]
        )
        #expect(answer.isFinished)
    }

    @Test func `usage is asked for upstream, counted, and its chunk taken out again`() async throws {
        let road = try Road()
        let chunk = #"{"id":"1","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null}"#
        road.transport.scripts = [
            .stream(.bytes(Self.data(chunk) + Self.finish + Self.usage + Self.done))
        ]
        let answer = await road.chat(Self.ask)
        let sent = try JSONValue.parse(road.transport.body())
        #expect(sent["stream_options"] == ["include_usage": true])
        #expect(sent["model"] == "gpt-4o-mini")
        let clean = #"{"id":"1","choices":[{"index":0,"delta":{"content":"x"}}]}"#
        #expect(answer.sent == Self.data(clean) + Self.finish + Self.done)
        #expect(road.exposition.contains(#"kind="input"} 9"#))
        #expect(road.exposition.contains(#"kind="cached_input"} 2"#))
    }

    @Test func `a client that asked for usage gets it, late and byte for byte`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .stream(.bytes(Self.text("x")), .bytes(Self.finish), .bytes(Self.usage), .bytes(Self.done))
        ]
        let answer = await road.chat(Self.askWithUsage)
        #expect(answer.sent == Self.text("x") + Self.finish + Self.usage + Self.done)
        #expect(road.transport.body().contains(#""stream_options":{"include_usage":true}"#))
    }

    @Test func `an error after the role chunk and before content is a real status (row 88)`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .stream(.bytes(Self.role), .bytes(Self.data(#"{"error":{"message":"overloaded","code":503}}"#)))
        ]
        let answer = await road.chat(Self.ask)
        #expect(answer.status == 503)
        #expect(answer.json?["error"]?["code"] == "provider_unavailable")
        #expect(!answer.sent.contains("assistant"))
        #expect(road.transport.upstreams[0].isAbandoned)
    }

    @Test func `an error after content is told in the stream and nothing follows it (row 89)`() async throws {
        let road = try Road()
        let broken =
            #"{"error":{"code":"server_error","message":"sk-or-v1-secret leaked"},"#
            + #""choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#
        road.transport.scripts = [.stream(.bytes(Self.text("Hel")), .bytes(Self.data(broken)), .bytes(Self.done))]
        let answer = await road.chat(Self.ask)
        #expect(answer.status == 200)
        #expect(answer.sent.hasPrefix(Self.text("Hel") + #"data: {"error":{"message":"#))
        #expect(!answer.sent.contains("[DONE]"))
        #expect(!answer.sent.contains("leaked"))
        #expect(answer.isFinished)
    }

    @Test(arguments: [true, false])
    func `a cut stream never gets an invented end`(cleanly: Bool) async throws {
        let road = try Road()
        let end: FakeUpstream.Step = cleanly ? .bytes("data: {\"cho") : .fail(TransportError.closedInBody)
        road.transport.scripts = [.stream(.bytes(Self.text("Hel")), end)]
        let answer = await road.chat(Self.ask)
        #expect(answer.sent.contains(#""code":"provider_error""#))
        #expect(!answer.sent.contains("[DONE]"))
        #expect(!answer.sent.contains("stop"))
    }

    @Test func `a provider that never sends DONE is whole once a choice is finished`() async throws {
        let road = try Road()
        road.transport.scripts = [.stream(.bytes(Self.text("x")), .bytes(Self.finish))]
        let answer = await road.chat(Self.ask)
        #expect(answer.sent == Self.text("x") + Self.finish)
        #expect(answer.isFinished)
    }

    @Test(arguments: ["", "\n"])
    func `a last DONE without its blank line is one all the same`(end: String) async throws {
        let road = try Road()
        road.transport.scripts = [.stream(.bytes(Self.text("x") + Self.finish), .bytes("data: [DONE]\(end)"))]
        let answer = await road.chat(Self.ask)
        #expect(answer.sent == Self.text("x") + Self.finish + Self.done)
        #expect(answer.isFinished)
    }

    @Test func `an event without its blank line is dropped, and needs no error once a choice is finished`()
        async throws
    {
        let road = try Road()
        road.transport.scripts = [.stream(.bytes(Self.text("x") + Self.finish), .bytes("data: {\"cho"))]
        let answer = await road.chat(Self.ask)
        #expect(answer.sent == Self.text("x") + Self.finish)
        #expect(answer.isFinished)
    }

    @Test func `a finish that was cut with its event finishes nothing`() async throws {
        let road = try Road()
        road.transport.scripts = [.stream(.bytes(Self.text("x")), .bytes(String(Self.finish.dropLast(2))))]
        let answer = await road.chat(Self.ask)
        #expect(answer.sent.hasPrefix(Self.text("x")))
        #expect(answer.sent.contains(#""code":"provider_error""#))
        #expect(!answer.sent.contains("stop"))
    }

    @Test func `comments and foreign event names of a provider do not pass`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .stream(
                .bytes(": OPENROUTER PROCESSING\n\n"),
                .bytes("id: 7\r\nevent: evil\r\n" + Self.text("x")),
                .bytes(Self.finish + Self.done)
            )
        ]
        let answer = await road.chat(Self.ask)
        #expect(answer.sent == Self.text("x") + Self.finish + Self.done)
    }

    @Test func `a chunk that is not JSON ends the stream with an error`() async throws {
        let road = try Road()
        road.transport.scripts = [.stream(.bytes(Self.text("x")), .bytes("data: <html>\n\n"), .bytes(Self.done))]
        let answer = await road.chat(Self.ask)
        #expect(answer.sent.contains(#""code":"provider_error""#))
        #expect(!answer.sent.contains("html"))
    }

    @Test func `the first heartbeat commits the status and leaves out who serves`() async throws {
        let road = try Road()
        var exchange: FakeExchange?
        road.transport.scripts = [
            .stream(
                .meanwhile { exchange?.silence?() },
                .bytes(Self.role),
                .bytes(Self.text("x")),
                .bytes(Self.finish + Self.done)
            )
        ]
        let answer = await road.chat(Self.ask) { exchange = $0 }
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-provider") == nil)
        #expect(answer.field("x-request-id") != nil)
        #expect(answer.batches.first == ": keep-alive\n\n")
        #expect(answer.sent == ": keep-alive\n\n" + Self.role + Self.text("x") + Self.finish + Self.done)
        #expect(answer.silence == nil)
    }

    @Test func `a refusal after a heartbeat is told in the stream`() async throws {
        let road = try Road()
        var exchange: FakeExchange?
        road.transport.scripts = [.json(#"{"error":{"message":"slow down"}}"#, status: 429)]
        road.transport.scripts[0].steps.insert(.meanwhile { exchange?.silence?() }, at: 0)
        let answer = await road.chat(Self.ask) { exchange = $0 }
        #expect(answer.status == 200)
        #expect(answer.sent.contains(#""code":"provider_rate_limited""#))
    }

    @Test func `the limit for streams takes over at the first content`() async throws {
        let road = try Road()
        road.transport.scripts = [.stream(.bytes(Self.role), .bytes(Self.text("x")), .bytes(Self.finish + Self.done))]
        _ = await road.chat(Self.ask)
        #expect(road.transport.upstreams[0].clocks.first == .streamMax)
    }

    @Test func `what is held before content is bounded`() async throws {
        let road = try Road()
        var status: [Int] = []
        var exchange: FakeExchange?
        let filler = Self.data(#"{"choices":[],"x":"\#(String(repeating: "a", count: 40_000))"}"#)
        road.transport.scripts = [
            .stream(
                .bytes(filler),
                .meanwhile { status.append(exchange?.status ?? -1) },
                .bytes(filler),
                .meanwhile { status.append(exchange?.status ?? -1) },
                .bytes(Self.finish + Self.done)
            )
        ]
        let answer = await road.chat(Self.ask) { exchange = $0 }
        #expect(status == [0, 200])
        #expect(answer.sent == filler + filler + Self.finish + Self.done)
    }

    @Test func `a client that leaves ends the provider's call and is recorded with what was used`() async throws {
        let road = try Road()
        var exchange: FakeExchange?
        let reader = try #require(road.live.join(group: nil))
        road.transport.scripts = [
            .stream(
                .bytes(Self.text("x") + Self.usage),
                .meanwhile { exchange?.isGone = true },
                .bytes(Self.text("y")),
                .bytes(Self.text("z"))
            )
        ]
        let answer = await road.chat(Self.askWithUsage) { exchange = $0 }
        #expect(!answer.isFinished)
        #expect(road.transport.upstreams[0].isAbandoned)
        let record = try #require(road.live.take(reader).calls.first)
        #expect(record.status == 499)
        #expect(record.code == .clientGone)
        #expect(record.isClientGone)
        #expect(record.inputTokens == 9)
        #expect(road.exposition.contains("turnpike_clients_gone_total 1"))
        #expect(road.exposition.contains("turnpike_calls_in_flight 0"))
    }

    @Test func `a server in a hurry ends the stream with an error and the provider's call`() async throws {
        let road = try Road()
        var exchange: FakeExchange?
        road.transport.scripts = [
            .stream(.bytes(Self.text("x")), .meanwhile { exchange?.hurry?() }, .bytes(Self.text("y")))
        ]
        let answer = await road.chat(Self.ask) { exchange = $0 }
        #expect(answer.sent.contains(#""code":"shutting_down""#))
        #expect(!answer.sent.contains("\"y\""))
        #expect(answer.isFinished)
        #expect(road.transport.upstreams[0].isAbandoned)
    }

    @Test func `a server in a hurry answers 503 where nothing was sent`() async throws {
        let road = try Road()
        var exchange: FakeExchange?
        road.transport.scripts = [.stream(.bytes(Self.role), .meanwhile { exchange?.hurry?() }, .bytes(Self.text("y")))]
        let answer = await road.chat(Self.ask) { exchange = $0 }
        #expect(answer.status == 503)
        #expect(answer.json?["error"]?["code"] == "shutting_down")
        #expect(answer.field("retry-after") != nil)
    }

    @Test func `every cut of a stream gives the same events`() async throws {
        let whole = Self.role + Self.text("Häl\\u2028lo") + ": c\n\n" + Self.finish + Self.usage + Self.done
        let bytes = Array(whole.utf8)
        for cut in stride(from: 1, to: bytes.count, by: 7) {
            let road = try Road()
            let parts = [bytes[..<cut], bytes[cut...]].map { String(decoding: $0, as: UTF8.self) }
            guard !parts.contains(where: { $0.contains("\u{FFFD}") }) else { continue }
            road.transport.scripts = [.stream(.bytes(parts[0]), .bytes(parts[1]))]
            let answer = await road.chat(Self.askWithUsage)
            #expect(answer.sent == Self.role + Self.text("Häl\\u2028lo") + Self.finish + Self.usage + Self.done)
        }
    }
}
