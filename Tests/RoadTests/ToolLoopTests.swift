import Agents
import Chat
import Core
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Testing
import Tools
import Transport

/// Models that call the tools of an agent (row 102).
@Suite struct ToolLoopTests {
    @Test func `the model's tool runs, and the model goes on with what it gave`() async throws {
        let kit = try ToolRoad()
        kit.road.transport.scripts = [
            ToolRoad.calls([("tasks__add", #"{"title":"milk"}"#)], text: "Let me see."), ToolRoad.says("Done."),
        ]
        let answer = await kit.road.chat(ToolRoad.ask)
        #expect(answer.status == 200, "\(answer.sent)")
        #expect(kit.calls.all.map(\.tool) == ["add"])
        #expect(kit.calls.all.first?.arguments == ["title": "milk"])
        let first = try kit.sent(0)
        #expect(first["tools"]?.arrayValue?.map { $0["function"]?["name"] } == ["tasks__add", "tasks__list"])
        let messages = try #require(try kit.sent(1)["messages"]?.arrayValue)
        #expect(messages.map { $0["role"] } == ["system", "user", "assistant", "tool"])
        #expect(messages[2]["content"] == "Let me see.")
        #expect(messages[2]["tool_calls"]?[0]?["function"]?["arguments"] == #"{"title":"milk"}"#)
        #expect(messages[3] == ["role": "tool", "tool_call_id": "call_0", "content": "Added milk."])
        // One answer of both rounds, with what both used; the agent's own calls are not the client's business.
        let message = answer.json?["choices"]?[0]?["message"]
        #expect(message?["content"]?.stringValue?.contains("Done.") == true)
        #expect(message?["content"]?.stringValue?.contains("Let me see.") == true)
        #expect(message?["tool_calls"] == nil)
        #expect(answer.json?["choices"]?[0]?["finish_reason"] == "stop")
        #expect(answer.json?["usage"]?["prompt_tokens"] == 30)
        #expect(answer.json?["usage"]?["completion_tokens"] == 7)
        #expect(answer.field("x-turnpike-attempts") == "2")
    }

    @Test func `a stream is one stream, whatever tools ran in between`() async throws {
        let kit = try ToolRoad()
        kit.road.transport.scripts = [
            .stream(.bytes(ToolRoad.streamedCall("tasks__add", #"{"title":"milk"}"#, text: "Well. "))),
            .stream(.bytes(ToolRoad.streamedText("Do", "ne."))),
        ]
        let body = ToolRoad.ask.dropLast() + #","stream":true,"stream_options":{"include_usage":true}}"#
        let answer = await kit.road.chat(String(body))
        #expect(answer.status == 200)
        let events = answer.sent.split(separator: "\n\n").map { $0.dropFirst(6) }
        #expect(events.last == "[DONE]")
        let chunks = try events.dropLast().map { try JSONValue.parse(String($0)) }
        let said = chunks.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.stringValue }.joined()
        #expect(said == "Well. \n\nDone.")
        #expect(!answer.sent.contains("tool_calls") && !answer.sent.contains("milk"))
        #expect(chunks.compactMap { $0["choices"]?[0]?["finish_reason"]?.stringValue } == ["stop"])
        #expect(chunks.filter { $0["choices"]?[0]?["delta"]?["role"] != nil }.count == 1)
        #expect(chunks.last?["usage"]?["prompt_tokens"] == 30 && chunks.last?["usage"]?["completion_tokens"] == 7)
        #expect(kit.calls.all.map(\.tool) == ["add"])
    }

    @Test(arguments: ["/v1/chat/completions", "/v1/responses", "/v1/messages"], ["groq", "claude"])
    func `it works for every client's dialect at any provider, whole and streamed`(
        path: String,
        provider: String
    ) async throws {
        for isStream in [false, true] {
            let kit = try ToolRoad(provider: provider)
            kit.road.transport.scripts = Self.scripts(provider, isStream: isStream)
            let more = (isStream ? #","stream":true"# : "") + (path.hasSuffix("messages") ? #","max_tokens":99"# : "")
            let input = path.hasSuffix("responses") ? "input" : "messages"
            let body = #"{"model":"agent/helper"\#(more),"\#(input)":[{"role":"user","content":"Remember the milk"}]}"#
            let answer = await kit.road.send("POST", path, body: body)
            #expect(answer.status == 200, "\(answer.sent)")
            #expect(kit.calls.all.map(\.arguments) == [["title": "milk"]])
            #expect(answer.sent.contains("Done."), "\(answer.sent)")
            #expect(!answer.sent.contains("tasks__add") || path.hasSuffix("responses"), "\(answer.sent)")
            #expect(!answer.sent.contains("Added milk"))
            try #require(kit.road.transport.requests.count == 2)
            #expect(kit.road.transport.body(1).contains("Added milk."), "\(kit.road.transport.body(1))")
        }
    }

    private static func scripts(_ provider: String, isStream: Bool) -> [FakeUpstream.Script] {
        switch (provider, isStream) {
        case ("groq", false): [ToolRoad.calls([("tasks__add", #"{"title":"milk"}"#)]), ToolRoad.says("Done.")]
        case ("groq", true):
            [
                .stream(.bytes(ToolRoad.streamedCall("tasks__add", #"{"title":"milk"}"#))),
                .stream(.bytes(ToolRoad.streamedText("Done."))),
            ]
        case (_, false):
            [
                .json(
                    #"{"id":"m","type":"message","role":"assistant","model":"x","content":["#
                        + #"{"type":"tool_use","id":"toolu_1","#
                        + #""name":"tasks__add","input":{"title":"milk"}}],"stop_reason":"tool_use","#
                        + #""usage":{"input_tokens":5,"output_tokens":3}}"#
                ),
                .json(
                    #"{"id":"m","type":"message","role":"assistant","model":"x","content":["#
                        + #"{"type":"text","text":"Done."}],"#
                        + #""stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":2}}"#
                ),
            ]
        case (_, true):
            [
                .stream(
                    .bytes(
                        Self.anthropic(
                            #"{"type":"tool_use","id":"toolu_1","name":"tasks__add","input":{}}"#,
                            #"{"type":"input_json_delta","partial_json":"{\"title\":\"milk\"}"}"#,
                            stop: "tool_use"
                        )
                    )
                ),
                .stream(
                    .bytes(
                        Self.anthropic(
                            #"{"type":"text","text":""}"#,
                            #"{"type":"text_delta","text":"Done."}"#,
                            stop: "end_turn"
                        )
                    )
                ),
            ]
        }
    }

    private static func anthropic(_ block: String, _ delta: String, stop: String) -> String {
        func event(_ type: String, _ rest: String) -> String {
            "event: \(type)\ndata: {\"type\":\"\(type)\"\(rest.isEmpty ? "" : ",")\(rest)}\n\n"
        }
        return event(
            "message_start",
            #""message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"#
                + #""usage":{"input_tokens":5,"output_tokens":1}}"#
        ) + event("content_block_start", #""index":0,"content_block":\#(block)"#)
            + event("content_block_delta", #""index":0,"delta":\#(delta)"#)
            + event("content_block_stop", #""index":0"#)
            + event("message_delta", #""delta":{"stop_reason":"\#(stop)"},"usage":{"output_tokens":3}"#)
            + event("message_stop", "")
    }

    // MARK: - What may run

    @Test func `a tool of the client's own is the client's to run, and ends the loop`() async throws {
        let kit = try ToolRoad()
        kit.road.transport.scripts = [
            ToolRoad.calls([("tasks__add", #"{"title":"milk"}"#), ("weather", #"{"city":"Oslo"}"#)])
        ]
        let tool = #"{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}"#
        let answer = await kit.road.chat(ToolRoad.ask.dropLast() + #","tools":[\#(tool)]}"#)
        #expect(answer.status == 200)
        let message = answer.json?["choices"]?[0]?["message"]
        #expect(message?["tool_calls"]?.arrayValue?.map { $0["function"]?["name"] } == ["weather"])
        #expect(answer.json?["choices"]?[0]?["finish_reason"] == "tool_calls")
        #expect(kit.calls.all.isEmpty)
    }

    @Test(
        arguments: [
            ("tasks__wipe", "{}", "There is no tool of this name."),
            ("made_up", "{}", "There is no tool of this name."),
            ("tasks__add", "[]", "not a JSON object"), ("tasks__add", "{broken", "not a JSON object"),
            ("tasks__add", "{}", "do not fit the tool's schema"),
            ("tasks__add", #"{"title":"milk","url":"http://evil"}"#, "do not fit the tool's schema"),
        ]
    )
    func `what may not run is refused with a reason, and the model goes on`(
        name: String,
        arguments: String,
        reason: String
    ) async throws {
        let kit = try ToolRoad()
        kit.road.transport.scripts = [ToolRoad.calls([(name, arguments)]), ToolRoad.says("I cannot.")]
        let answer = await kit.road.chat(ToolRoad.ask)
        #expect(answer.status == 200)
        #expect(kit.calls.all.isEmpty)
        let result = try #require(try kit.sent(1)["messages"]?.arrayValue?.last)
        #expect(result["content"]?.stringValue?.hasPrefix("Error: ") == true)
        #expect(result["content"]?.stringValue?.contains(reason) == true, "\(result.text)")
    }

    @Test func `a turn may call eight tools, and no more than the agent allows at a time`() async throws {
        let kit = try ToolRoad(
            #""limits":{"parallel":2},"#,
            answer: { _, _ in
                for _ in 0..<20 { await Task.yield() }
                return ToolOutcome(text: "ok")
            }
        )
        let wishes = (0..<10).map { ("tasks__add", #"{"title":"task \#($0)"}"#) }
        kit.road.transport.scripts = [ToolRoad.calls(wishes), ToolRoad.says("Done.")]
        #expect(await kit.road.chat(ToolRoad.ask).status == 200)
        #expect(kit.calls.all.count == 8)
        #expect(kit.calls.most == 2)
        // Each call has its result, in order: providers take nothing else.
        let messages = try #require(try kit.sent(1)["messages"]?.arrayValue)
        let results = messages.filter { $0["role"] == "tool" }
        #expect(results.map { $0["tool_call_id"] } == (0..<10).map { .string("call_\($0)") })
        #expect(results[9]["content"]?.stringValue?.contains("At most 8") == true)
    }

    @Test func `a tool that fails is the model's to deal with`() async throws {
        let kit = try ToolRoad(answer: { tool, _ throws(ToolError) in
            if tool == "add" { throw .unreachable(server: "tasks", "connection refused") }
            return ToolOutcome(text: "The list is locked.", isError: true)
        })
        kit.road.transport.scripts = [
            ToolRoad.calls([("tasks__add", #"{"title":"milk"}"#), ("tasks__list", "{}")]), ToolRoad.says("Sorry."),
        ]
        let answer = await kit.road.chat(ToolRoad.ask, fields: "x-request-id: why-tools\r\n")
        #expect(answer.status == 200)
        let results = try kit.sent(1)["messages"]?.arrayValue?.suffix(2).map { $0["content"]?.stringValue ?? "" }
        #expect(results?.first?.contains("cannot be reached") == true)
        #expect(results?.last == "Error: The list is locked.")
        let story = try #require(kit.road.calls.calls(withID: "why-tools").first).json.text
        #expect(story.contains("tasks/add") && story.contains("its server cannot be reached"))
        #expect(!story.contains("milk"))
    }

    // MARK: - Limits

    @Test func `a model that never stops is told to do without tools, and then stopped`() async throws {
        let kit = try ToolRoad(#""limits":{"rounds":3},"#)
        let wish = ToolRoad.calls([("tasks__list", "{}")])
        kit.road.transport.scripts = Array(repeating: wish, count: 100)
        let answer = await kit.road.chat(ToolRoad.ask.dropLast() + #","tool_choice":"required"}"#)
        #expect(answer.status == 502)
        #expect(answer.json?["error"]?["message"]?.stringValue?.contains("limits.rounds") == true)
        #expect(kit.road.transport.requests.count == 4)
        #expect(kit.calls.all.count == 3)
        // Whoever must call a tool each time would never come to an end.
        #expect(try (0..<4).map { try kit.sent($0)["tool_choice"] } == ["required", nil, nil, "none"])
    }

    @Test func `after the agent's time nothing is begun any more`() async throws {
        let clock = NIOLockedValueBox(NIODeadline.uptimeNanoseconds(0))
        let kit = try ToolRoad(
            #""limits":{"timeMs":1000},"#,
            monotonicClock: { clock.withLockedValue { $0 } },
            answer: { _, _ in
                clock.withLockedValue { $0 = .distantFuture }
                return ToolOutcome(text: "late")
            }
        )
        kit.road.transport.scripts = [ToolRoad.calls([("tasks__list", "{}")])]
        let answer = await kit.road.chat(ToolRoad.ask)
        #expect(answer.status == 504)
        #expect(answer.json?["error"]?["message"]?.stringValue?.contains("1000 ms (the agent's limits.timeMs)") == true)
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `what tools give has room in one request, or is no answer`() async throws {
        // Row 105: nineteen turns of one MiB each would be.
        let kit = try ToolRoad(
            #""limits":{"rounds":64},"#,
            answer: { _, _ in ToolOutcome(text: String(repeating: "x", count: 1 << 20)) }
        )
        kit.road.transport.scripts = Array(repeating: ToolRoad.calls([("tasks__list", "{}")]), count: 64)
        let answer = await kit.road.chat(ToolRoad.ask)
        #expect(answer.status == 502)
        #expect(answer.json?["error"]?["message"]?.stringValue?.contains("server.max_body") == true)
        #expect((10..<30).contains(kit.road.transport.requests.count))
    }

    @Test func `several answers at once are refused`() async throws {
        let kit = try ToolRoad()
        let answer = await kit.road.chat(ToolRoad.ask.dropLast() + #","n":2}"#)
        #expect(answer.status == 400)
        #expect(answer.json?["error"]?["param"] == "n")
        #expect(kit.road.transport.requests.isEmpty)
    }

    // MARK: - Failures

    @Test func `each round has its own targets to fall back on`() async throws {
        let kit = try ToolRoad(retriesMax: 1, fallback: "openrouter")
        kit.road.transport.scripts = [
            .json(#"{"error":{"message":"busy"}}"#, status: 503),
            ToolRoad.calls([("tasks__add", #"{"title":"milk"}"#)]),
            ToolRoad.says("Done."),
        ]
        let answer = await kit.road.chat(ToolRoad.ask)
        #expect(answer.status == 200, "\(answer.sent)")
        #expect(kit.calls.all.count == 1)
        #expect(kit.road.transport.requests.count == 3)
    }

    @Test func `a stream that breaks before its first word begins anew, and nothing is said twice`() async throws {
        let kit = try ToolRoad(retriesMax: 1, fallback: "openrouter")
        kit.road.transport.scripts = [
            .stream(.bytes(StreamTests.role), .fail(TransportError.closedInBody)),
            .stream(.bytes(ToolRoad.streamedCall("tasks__add", #"{"title":"milk"}"#))),
            .stream(.bytes(ToolRoad.streamedText("Done."))),
        ]
        let answer = await kit.road.chat(ToolRoad.ask.dropLast() + #","stream":true}"#)
        #expect(answer.status == 200)
        #expect(answer.sent.components("\"role\"") == 1)
        #expect(answer.sent.contains("Done."))
        #expect(kit.calls.all.count == 1)
    }

    @Test func `a failure after tools have run is told in the stream`() async throws {
        let kit = try ToolRoad()
        kit.road.transport.scripts = [
            .stream(.bytes(ToolRoad.streamedCall("tasks__add", #"{"title":"milk"}"#, text: "Well. "))),
            .json(#"{"error":{"message":"busy"}}"#, status: 503),
        ]
        let answer = await kit.road.chat(ToolRoad.ask.dropLast() + #","stream":true}"#)
        #expect(answer.status == 200)
        #expect(answer.sent.contains("Well. "))
        #expect(answer.sent.contains(#""error""#) && !answer.sent.contains("[DONE]"))
    }

    @Test func `an agent whose model wants no tools answers as any other, byte for byte`() async throws {
        let kit = try ToolRoad()
        kit.road.transport.scripts = [ToolRoad.says("Hi.")]
        let answer = await kit.road.chat(ToolRoad.ask)
        #expect(answer.sent.hasPrefix(#"{"id":"c2","object":"chat.completion""#))
        #expect(kit.road.transport.requests.count == 1)
    }
}

extension String {
    /// How often something stands in it.
    fileprivate func components(_ part: String) -> Int { self.ranges(of: part).count }
}
