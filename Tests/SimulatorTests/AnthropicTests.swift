import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(2))) struct AnthropicTests {
    private static let headers = "x-api-key: sk-ant-1\r\nConnection: close\r\n"

    /// A request body with `more` members behind the usual ones.
    private static func body(
        _ model: String = "sim",
        messages: String = #"[{"role":"user","content":"Hello there"}]"#,
        more: String = ""
    ) -> String {
        #"{"model":"\#(model)","max_tokens":2000,"messages":\#(messages)\#(more)}"#
    }

    private static func ask(
        _ bench: Bench,
        _ body: String,
        version: String? = "2023-06-01",
        path: String = "/v1/messages"
    ) async throws -> RawClient.Reply {
        let fields = version.map { "anthropic-version: \($0)\r\n" } ?? ""
        return try await RawClient.exchange(
            bench.simulator,
            Bench.post(path, body, headers: Self.headers + fields)
        )
    }

    /// The names of a stream's events, each with the type inside it, which must agree.
    private static func names(_ reply: RawClient.Reply) throws -> [String] {
        let names = reply.text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("event: ") }
            .map { String($0.dropFirst("event: ".count)) }
        let types = try reply.events.map { try JSONParser.parse($0)["type"]?.string }
        #expect(names == types)
        return names
    }

    // MARK: - Answers

    @Test func `a whole answer has its text, its reason and usage without the cache`() async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, Self.body("sim?text=one%20two"))
            let answer = try JSONParser.parse(reply.body)
            #expect(reply.head.contains("request-id: req_sim1"))
            #expect(answer["content"]?.text == #"[{"type":"text","text":"one two"}]"#)
            #expect(answer["stop_reason"] == .string("end_turn"))
            #expect(answer["usage"]?["input_tokens"] == .integer(3 + 4 + 2))
            #expect(answer["usage"]?["output_tokens"] == .integer(2))
            let call = try await bench.nextEnded()
            #expect(call.promptTokens == 9)
            #expect(call.completionTokens == 2)
            #expect(call.model == "sim?text=one%20two")
        }
    }

    @Test func `a stream comes in Anthropic's order, with a ping`() async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, Self.body("sim?text=one%20two", more: #","stream":true"#))
            #expect(
                try Self.names(reply) == [
                    "message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
                    "content_block_stop", "message_delta", "message_stop",
                ]
            )
            let last = try JSONParser.parse(reply.events[6])
            #expect(last["usage"]?["output_tokens"] == .integer(2))
            let call = try await bench.nextEnded()
            #expect(call.eventsWritten == 8)
            #expect(call.tokensWritten == 2)
            #expect(call.isUsageWritten)
            #expect(call.isStream)
        }
    }

    @Test func `a tool call streams its arguments, of which nothing is only the empty beginning`() async throws {
        try await Bench.with { bench in
            let empty = #","stream":true,"tools":[{"name":"now","input_schema":{"type":"object"}}]"#
            let reply = try await Self.ask(bench, Self.body(more: empty))
            let deltas = try reply.events.map { try JSONParser.parse($0) }.compactMap { $0["delta"] }
            #expect(deltas.first?.text == #"{"type":"input_json_delta","partial_json":""}"#)
            #expect(deltas.count == 2)
            #expect(deltas.last?["stop_reason"] == .string("tool_use"))
            #expect(try await bench.nextEnded().tokensWritten == 2)
        }
    }

    @Test func `broken arguments stay broken in a stream and are wrapped in a body`() async throws {
        try await Bench.with { bench in
            let schema = #"{"type":"object","properties":{"a":{"type":"integer"}}}"#
            let tools = #","tools":[{"name":"f","input_schema":\#(schema)}]"#
            let whole = try await Self.ask(bench, Self.body("sim?broken_arguments", more: tools))
            let input = try JSONParser.parse(whole.body)["content"]?.array?.first?["input"]
            #expect(input?["INVALID_JSON"] == .string(#"{"a":7"#))
            let stream = try await Self.ask(bench, Self.body("sim?broken_arguments", more: tools + #","stream":true"#))
            let text = try stream.events.compactMap { try JSONParser.parse($0)["delta"]?["partial_json"]?.string }
            #expect(text.joined() == #"{"a":7"#)
        }
    }

    @Test func `thoughts are signed, and only an unchanged one may come back`() async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, Self.body("sim-reasoner"))
            let block = try #require(try JSONParser.parse(reply.body)["content"]?.array?.first)
            #expect(block["type"] == .string("thinking"))
            func again(_ block: String) -> String {
                Self.body(
                    "sim-reasoner",
                    messages: #"[{"role":"user","content":"a"},{"role":"assistant","content":[\#(block)]},"#
                        + #"{"role":"user","content":"b"}]"#
                )
            }
            let same = try await Self.ask(bench, again(block.text))
            #expect(same.head.hasPrefix("HTTP/1.1 200"))
            let changed = try await Self.ask(bench, again(block.text.replacing("simulator", with: "model")))
            #expect(changed.head.hasPrefix("HTTP/1.1 400"))
            #expect(changed.body.contains("messages.1.content.0: Invalid `signature` in `thinking` block"))
        }
    }

    @Test func `a marked beginning is written once and read from then on, key by key`() async throws {
        try await Bench.with { bench in
            let system = #","system":[{"type":"text","text":"one two three","cache_control":{"type":"ephemeral"}}]"#
            func usage(_ key: String) async throws -> [Int?] {
                let text = Bench.post(
                    "/v1/messages",
                    Self.body(more: system),
                    headers: "x-api-key: \(key)\r\nConnection: close\r\nanthropic-version: 2023-06-01\r\n"
                )
                let usage = try JSONParser.parse(try await RawClient.exchange(bench.simulator, text).body)["usage"]
                return ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"].map {
                    usage?[$0]?.integer
                }
            }
            // 3 for the prompt, 4 and 3 for the system, 4 and 2 for the user.
            let seen = [try await usage("one"), try await usage("one"), try await usage("two")]
            #expect(seen == [[6, 10, 0], [6, 0, 10], [6, 10, 0]])
            let refused = Bench.post(
                "/v1/messages",
                Self.body("sim?context=1", more: system),
                headers: "x-api-key: three\r\nConnection: close\r\nanthropic-version: 2023-06-01\r\n"
            )
            _ = try await RawClient.exchange(bench.simulator, refused)
            let third = try await usage("three")
            #expect(third == [6, 10, 0])
            let call = try await bench.nextEnded()
            #expect(call.promptTokens == 16)
        }
    }

    @Test(arguments: [
        (401, "authentication_error", "invalid x-api-key"), (404, "not_found_error", "resource could not be found"),
        (413, "request_too_large", "maximum size"), (429, "rate_limit_error", "rate limit"),
        (500, "api_error", "Internal server error"), (503, "api_error", "told to answer 503"),
        (529, "overloaded_error", "Overloaded"), (418, "invalid_request_error", "told to answer 418"),
    ])
    func `each status has its type and its words`(status: Int, type: String, words: String) async throws {
        try await Bench.with { bench in
            let error = try JSONParser.parse(try await Self.ask(bench, Self.body("sim?status=\(status)")).body)["error"]
            #expect(error?["type"] == .string(type))
            #expect(error?["message"]?.text.contains(words) == true)
        }
    }

    @Test func `faults are Anthropic's when the path is`() async throws {
        try await Bench.with { bench in
            let busy = try await Self.ask(bench, Self.body("sim?status=529&retry_after=3"))
            #expect(busy.head.hasPrefix("HTTP/1.1 529"))
            #expect(busy.head.contains("retry-after: 3"))
            let error = try JSONParser.parse(busy.body)
            #expect(error["error"]?["type"] == .string("overloaded_error"))
            #expect(error["request_id"] == .string("req_sim1"))

            let cut = try await Self.ask(bench, Self.body("sim?cut_after_events=4", more: #","stream":true"#))
            #expect(try Self.names(cut).count == 4)
            _ = try await bench.nextEnded()
            #expect(try await bench.nextEnded().ending == .cut)

            let broken = try await Self.ask(
                bench,
                Self.body("sim?midstream_error=5&error_type=overloaded_error", more: #","stream":true"#)
            )
            #expect(try Self.names(broken).last == "error")
            #expect(broken.events.last?.contains(#""type":"overloaded_error""#) == true)

            let odd = try await Self.ask(bench, Self.body("sim?garbage_after=2", more: #","stream":true"#))
            #expect(odd.text.contains("event: content_block_delta\ndata: {\"this is\": not JSON\n\n"))
            #expect(odd.text.contains("message_stop"))
        }
    }

    @Test(arguments: [220, 1024, 65_536])
    func `chunk_bytes is the size of an event here, too`(size: Int) async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(
                bench,
                Self.body("sim?chunks=3&chunk_bytes=\(size)", more: #","stream":true"#)
            )
            let sizes = reply.text.split(separator: "event: ").filter { $0.contains("text_delta") }
            // The event, and the head of its HTTP chunk.
            #expect(sizes.count == 3)
            for text in sizes {
                let end = try #require(text.firstRange(of: "\n\n"))
                #expect("event: ".count + text.utf8.distance(from: text.startIndex, to: end.upperBound) == size)
            }
        }
    }

    // MARK: - Refusals

    private static let user = #"{"role":"user","content":"a"}"#
    private static let tools = #","tools":[{"name":"f","input_schema":{"type":"object"}}]"#
    private static let call = #"{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}"#
    private static let result = #"{"type":"tool_result","tool_use_id":"t1","content":"r"}"#

    @Test(arguments: [
        (#"{"model":"sim","messages":[]}"#, "max_tokens: Field required"),
        (body(messages: "[]"), "messages: at least one message is required"),
        (body(messages: #"[{"role":"assistant","content":"a"}]"#), #"first message must use the \"user\" role"#),
        (body(messages: #"[{"role":"system","content":"a"}]"#), #"Unexpected role \"system\""#),
        (body(messages: #"[{"role":"tool","content":"a"}]"#), "messages.0.role: Input should be"),
        (body(messages: #"[{"role":"user","content":""}]"#), "messages.0: all messages must have non-empty content"),
        (body(messages: #"[{"role":"user","content":[{"type":"text","text":""}]}]"#), "must be non-empty"),
        (body(messages: #"[{"role":"user","content":[{"type":"text","text":" "}]}]"#), "non-whitespace text"),
        (body(messages: #"[{"role":"user","content":"a","name":"x"}]"#), "messages.0.name: Extra inputs"),
        (
            body(messages: "[\(user),\(#"{"role":"assistant","content":"a "}"#)]"),
            "final assistant content cannot end with trailing whitespace"
        ),
        (body(more: #","seed":1"#), "seed: Extra inputs are not permitted"),
        (body(more: #","temperature":1.5"#), "temperature: Input should be less than or equal to 1"),
        (body(messages: "[\(user),\(call)]", more: tools), "messages.1: `tool_use` ids were found without"),
        (body(messages: #"[{"role":"user","content":[\#(result)]}]"#, more: tools), "unexpected `tool_use_id`"),
        (
            body(
                messages: #"[\#(user),\#(call),{"role":"user","content":[{"type":"text","text":"b"},\#(result)]}]"#,
                more: tools
            ),
            "immediately after"
        ),
        (
            body(messages: #"[\#(user),\#(call),{"role":"user","content":[\#(result)]}]"#),
            "Requests which include `tool_use` or `tool_result` blocks must define tools"
        ),
        (
            body(messages: #"[\#(user),\#(call.replacing("t1", with: "t:1"))]"#, more: tools),
            "String should match pattern '^[a-zA-Z0-9_-]+$'"
        ),
        (
            body(more: #","tools":[{"name":"f","input_schema":{}}]"#),
            "tools.0.custom.input_schema.type: Field required"
        ),
        (body(more: #","tool_choice":{"type":"any"}"#), "tool_choice may only be specified while providing tools"),
        (body(more: #","thinking":{"type":"enabled","budget_tokens":1000}"#), "greater than or equal to 1024"),
        (body(more: #","thinking":{"type":"enabled","budget_tokens":2000}"#), "`max_tokens` must be greater than"),
        (
            body(more: #","thinking":{"type":"adaptive"},"temperature":0.5"#),
            "`temperature` may only be set to 1 when thinking is enabled"
        ),
        (
            body(more: #","thinking":{"type":"adaptive"},"tool_choice":{"type":"any"}\#(tools)"#),
            "Thinking may not be enabled when tool_choice forces tool use."
        ),
        (
            body(
                messages: #"[\#(user),\#(call),{"role":"user","content":[\#(result)]}]"#,
                more: #"\#(tools),"thinking":{"type":"enabled","budget_tokens":1024}"#
            ),
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`"
        ),
        (body("sim?context=8"), "prompt is too long: 9 tokens > 8 maximum"),
        (body("sim?nothing=1"), "The simulator knows no option 'nothing'"),
    ])
    func `mistakes are refused in Anthropic's words`(body: String, message: String) async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, body)
            #expect(reply.head.hasPrefix("HTTP/1.1 400"))
            #expect(reply.body.contains(message), "\(reply.body)")
            #expect(reply.body.contains(#""type":"invalid_request_error""#))
        }
    }

    @Test func `the newer version is stricter, and takes no tokens at all`() async throws {
        try await Bench.with { bench in
            let document = #"[{"type":"document","source":{"type":"url","url":"https://x.example/a.pdf"}}]"#
            let late = #"[\#(Self.user),{"role":"assistant","content":\#(document)},\#(Self.user)]"#
            let cited = #"[{"type":"text","text":"a","citations":[{"type":"char_location"}]}]"#
            let refused = [
                Self.body(more: #","temperature":1"#), Self.body(more: #","top_p":1"#), Self.body(more: #","top_k":1"#),
                Self.body(messages: late), Self.body(messages: #"[{"role":"user","content":\#(cited)}]"#),
            ]
            for body in refused {
                #expect(try await Self.ask(bench, body).head.hasPrefix("HTTP/1.1 200"), "\(body)")
                let newer = try await Self.ask(bench, body, version: "2026-10-21")
                #expect(newer.head.hasPrefix("HTTP/1.1 400"), "\(body)")
            }
            let warming = Self.body().replacing("2000", with: "0")
            #expect(try await Self.ask(bench, warming).head.hasPrefix("HTTP/1.1 400"))
            let reply = try await Self.ask(bench, warming, version: "2026-10-21")
            #expect(try JSONParser.parse(reply.body)["stop_reason"] == .string("max_tokens"))
        }
    }

    @Test func `a version is needed, and one that exists`() async throws {
        try await Bench.with { bench in
            let missing = try await Self.ask(bench, Self.body(), version: nil)
            #expect(missing.body.contains("anthropic-version: header is required"))
            let wrong = try await Self.ask(bench, Self.body(), version: "2024-01-01")
            #expect(wrong.body.contains("is not a valid version"))
        }
    }

    @Test func `the key may come in either field, and x-api-key counts`() async throws {
        try await Bench.with({ $0.requiredKeys = ["right"] }) { bench in
            func status(_ headers: String) async throws -> String {
                let body = Self.body()
                let text =
                    "POST /v1/messages HTTP/1.1\r\nHost: sim\r\nanthropic-version: 2023-06-01\r\nConnection: close\r\n"
                    + "\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                return String(try await RawClient.exchange(bench.simulator, text).head.dropFirst(9).prefix(3))
            }
            let both = "x-api-key: %1\r\nAuthorization: Bearer %2\r\n"
            let cases = [
                ("x-api-key: right\r\n", "200"), ("Authorization: Bearer right\r\n", "200"),
                (both.replacing("%1", with: "right").replacing("%2", with: "wrong"), "200"),
                (both.replacing("%1", with: "wrong").replacing("%2", with: "right"), "401"),
                ("api-key: right\r\n", "401"), ("", "401"),
            ]
            for (headers, expected) in cases {
                let seen = try await status(headers)
                #expect(seen == expected, "\(headers)")
            }
        }
    }

    @Test func `tokens can be counted without an answer`() async throws {
        try await Bench.with { bench in
            let body = #"{"model":"sim","messages":[{"role":"user","content":"Hello there"}]}"#
            let reply = try await Self.ask(bench, body, path: "/v1/messages/count_tokens")
            #expect(reply.body == #"{"input_tokens":9}"#)
            let limited = try await Self.ask(bench, Self.body(), path: "/v1/messages/count_tokens")
            #expect(limited.body.contains("max_tokens: Extra inputs are not permitted"))
        }
    }
}

@Suite struct PromptCacheTests {
    private func place(_ fingerprint: UInt64, _ tokens: Int, marked: Bool = false) -> PromptCache.Place {
        .init(fingerprint: fingerprint, tokens: tokens, isMarked: marked)
    }

    @Test func `what was kept is found again though the mark has moved on`() {
        let cache = PromptCache()
        let first = [self.place(1, 10), self.place(2, 20, marked: true)]
        #expect(cache.use(first, owner: "a") == .init(read: 0, written: 20))
        let second = [self.place(1, 10), self.place(2, 20), self.place(3, 35, marked: true), self.place(4, 50)]
        #expect(cache.use(second, owner: "a") == .init(read: 20, written: 15))
        #expect(cache.use(second, owner: "a") == .init(read: 35, written: 0))
        #expect(cache.use([self.place(1, 10), self.place(4, 20)], owner: "a") == .init())
    }
}
