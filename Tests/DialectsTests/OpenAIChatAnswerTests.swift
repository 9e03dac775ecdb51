import Chat
import Core
import Dialects
import NIOCore
import Testing
import Wire

/// Answers of OpenAI's chat dialect, read and written, whole and as streams.
@Suite struct OpenAIChatAnswerTests {
    static func context(_ request: String = #"{"messages":[]}"#, source: WireFormat? = .anthropic) throws
        -> AnswerContext
    {
        let request = try OpenAIChatRequestTests.read(request)
        var context = AnswerContext(id: "x1", created: 1_763_740_000, model: JSONString("alias"), request: request)
        context.source = source
        return context
    }

    static func read(_ name: String) throws -> ChatAnswer {
        try Codecs.readAnswer(Fixture.bytes("openai-chat/answer-\(name).json"), as: .openAIChat)
    }

    static func write(_ answer: ChatAnswer, _ context: AnswerContext) throws -> JSONValue {
        var body = ByteBuffer()
        try Codecs.writeAnswer(answer, as: .openAIChat, context, into: &body)
        return try JSONValue.parse(body)
    }

    static func message(_ answer: ChatAnswer, _ context: AnswerContext? = nil) throws -> String {
        let value = try Self.write(answer, context ?? Self.context())
        return value["choices"]?[0]?["message"]?.text ?? "none"
    }

    @Test(arguments: [
        ("plain", "stop"), ("odd-unicode", "stop"), ("tools", "tool_calls"), ("parallel-tools", "tool_calls"),
        ("refusal", "stop"), ("length", "length"), ("content-filter", "content_filter"), ("empty-content", "stop"),
        ("annotations", "stop"), ("audio", "stop"), ("structured", "stop"), ("openrouter-reasoning", "stop"),
    ])
    func `an answer that was read is written with all it says`(name: String, finish: String) throws {
        var body = ByteBuffer()
        try Codecs.writeAnswer(try Self.read(name), as: .openAIChat, try Self.context(), into: &body)
        var original = String(buffer: try Fixture.bytes("openai-chat/answer-\(name).json"))
        var written = String(buffer: body)
        // A half of a surrogate pair is kept, but no tree can hold it.
        original.replace("\\ud83d", with: "?")
        written.replace("\\ud83d", with: "?")
        let (one, other) = (try JSONValue.parse(.init(string: original)), try JSONValue.parse(.init(string: written)))
        #expect(other["choices"]?[0]?["finish_reason"]?.stringValue == finish)
        #expect(other["id"]?.stringValue == "chatcmpl-x1")
        #expect(other["model"]?.stringValue == one["model"]?.stringValue)
        #expect(other["system_fingerprint"]?.stringValue == "fp_1")
        for key in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            #expect(other["usage"]?[key]?.intValue == one["usage"]?[key]?.intValue)
        }
        guard case .object(let members) = try #require(one["choices"]?[0]?["message"]) else { return }
        let message = try #require(other["choices"]?[0]?["message"])
        for (key, value) in members where !["annotations", "reasoning", "content", "tool_calls", "audio"].contains(key)
        {
            #expect(message[key]?.text == value.text, "\(name): \(key)")
        }
        if let annotations = one["choices"]?[0]?["message"]?["annotations"], annotations[0] != nil {
            #expect(message["annotations"]?.text == annotations.text)
        }
    }

    @Test func `thoughts go out as text and with their signatures, and come back the same`() throws {
        var choice = AnswerChoice(
            parts: [
                ContentPart(
                    .thinking(Thinking(text: JSONString("a\"b"), signature: JSONString("S=="), format: .anthropic))
                ),
                ContentPart(.thinking(Thinking(text: .empty, redacted: JSONString("R"), format: .anthropic))),
                ContentPart(.text(JSONString("t"))),
            ],
            finish: .stopSequence
        )
        choice.stopSequence = JSONString("X")
        let answer = ChatAnswer(choices: [choice], usage: TokenUsage())
        let message = try Self.message(answer)
        let expected = #"""
            {"role":"assistant","content":"t","refusal":null,"reasoning_content":"a\"b","reasoning_details":[
            {"type":"reasoning.text","text":"a\"b","signature":"S==","format":"anthropic-claude-v1","index":0},
            {"type":"reasoning.encrypted","data":"R","format":"anthropic-claude-v1","index":1}]}
            """#
        #expect(message == expected.split(separator: "\n").joined())
        let back = try OpenAIChatRequestTests.read(#"{"messages":[\#(message)]}"#).messages[0].parts
        let thoughts = back.compactMap { if case .thinking(let thinking) = $0.content { thinking } else { nil } }
        let before = choice.parts.compactMap { if case .thinking(let thinking) = $0.content { thinking } else { nil } }
        #expect(thoughts == before)
        let hidden = try Self.message(answer, Self.context(#"{"reasoning":{"exclude":true},"messages":[]}"#))
        #expect(hidden == #"{"role":"assistant","content":"t","refusal":null}"#)
    }

    @Test func `a summary and what is encrypted beside it come back as one thought`() throws {
        let thinking = Thinking(
            text: JSONString("s"),
            redacted: JSONString("E"),
            id: JSONString("rs_1"),
            format: .openAIResponses
        )
        let answer = ChatAnswer(
            choices: [AnswerChoice(parts: [ContentPart(.thinking(thinking))], finish: .stop)],
            usage: TokenUsage()
        )
        let back = try OpenAIChatRequestTests.read(#"{"messages":[\#(Self.message(answer))]}"#).messages[0].parts
        guard case .thinking(let same)? = back.first?.content else {
            Issue.record("no thought")
            return
        }
        #expect(same == thinking)
    }

    @Test(arguments: ["Ci0+/w==", "abcd", "YQ==", "a_-b", "Ci0", String(repeating: "Ab+/", count: 1_000)])
    func `a signature on a call survives clients that keep only the id`(signature: String) throws {
        let call = ToolCall(
            id: JSONString("call-1.a:b"),
            name: JSONString("f"),
            arguments: .encoded(.empty),
            signature: JSONString(signature)
        )
        let answer = ChatAnswer(
            choices: [AnswerChoice(parts: [ContentPart(.toolCall(call))], finish: .toolCalls)],
            usage: TokenUsage()
        )
        let value = try Self.write(answer, Self.context())
        let id = try #require(value["choices"]?[0]?["message"]?["tool_calls"]?[0]?["id"]?.stringValue)
        #expect(id.hasPrefix("sig"))
        let request = try OpenAIChatRequestTests.read(
            #"{"messages":[{"role":"assistant","tool_calls":[{"id":"\#(id)","type":"function","function":"#
                + #"{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"\#(id)","content":""}]}"#
        )
        guard case .toolCall(let back)? = request.messages[0].parts.first?.content,
            case .toolResult(let result)? = request.messages[1].parts.first?.content
        else {
            Issue.record("no call")
            return
        }
        #expect(back.id == call.id && back.signature == call.signature && result.callID == call.id)
    }

    @Test(arguments: [
        "sig1-", "sig1-9-ab", "sig1-x-ab", "sig1-0-ab", "sig2-1-ab", "sig3-1-abcd", "sig1-1-a!!!", "call_1",
    ])
    func `an id that carries no signature is left alone`(id: String) throws {
        let request = try OpenAIChatRequestTests.read(
            #"{"messages":[{"role":"tool","tool_call_id":"\#(id)","content":""}]}"#
        )
        guard case .toolResult(let result)? = request.messages[0].parts.first?.content else {
            Issue.record("no result")
            return
        }
        #expect(result.callID.text == id)
    }

    @Test func `signatures that are too long or no base64 travel beside the id alone`() throws {
        for signature in [String(repeating: "A", count: 4_100), "no base64!"] {
            let call = ToolCall(
                id: JSONString("c"),
                name: JSONString("f"),
                arguments: .encoded(.empty),
                signature: JSONString(signature)
            )
            let choice = AnswerChoice(parts: [ContentPart(.toolCall(call))], finish: .toolCalls)
            let value = try Self.write(ChatAnswer(choices: [choice], usage: TokenUsage()), Self.context())
            let told = try #require(value["choices"]?[0]?["message"]?["tool_calls"]?[0])
            #expect(told["id"]?.stringValue == "c")
            #expect(told["extra_content"]?["google"]?["thought_signature"]?.stringValue == signature)
        }
    }

    @Test func `who spoke of functions is answered with one`() throws {
        let context = try Self.context(#"{"messages":[],"functions":[{"name":"f"}]}"#)
        let value = try Self.write(Self.read("tools"), context)
        let choice = try #require(value["choices"]?[0])
        #expect(choice["finish_reason"]?.stringValue == "function_call")
        let call = #"{"name":"get_weather","arguments":"{\"city\":\"Bonn\"}"}"#
        #expect(choice["message"]?["function_call"]?.text == call)
        #expect(choice["message"]?["tool_calls"] == nil)
    }

    @Test func `all flavours of thoughts, lists and missing figures are read`() throws {
        let mistral = try Self.message(Self.read("mistral-thinking"))
        #expect(mistral.contains(#""content":"4""#) && mistral.contains(#""reasoning_content":"Let me see.""#))
        #expect(try Self.message(Self.read("deepseek-reasoning")).contains(#""reasoning_content":"Thinking""#))
        #expect(try Self.read("deepseek-reasoning").usage.cachedInput == 2)
        #expect(try Self.read("gemini-compatible").choices[0].finish == .toolCalls)
        let silent = try Self.write(Self.read("no-usage"), Self.context())
        #expect(silent["usage"] == nil)
        #expect(try Self.read("two-choices").choices.count == 2)
        #expect(try Self.write(Self.read("two-choices"), Self.context())["choices"]?[1]?["index"]?.intValue == 1)
    }

    @Test func `errors and what is no answer are told apart`() throws {
        let error = ByteBuffer(string: #"{"error":{"message":"m","code":429}}"#)
        #expect(throws: AnswerUnreadable.failure(body: error)) { try Codecs.readAnswer(error, as: .openAIChat) }
        for text in ["{}", "[]", #"{"choices":[]}"#, #"{"choices":5}"#, "", "{", #"{"choices":[1]}"#] {
            #expect(throws: AnswerUnreadable.garbled) {
                try Codecs.readAnswer(ByteBuffer(string: text), as: .openAIChat)
            }
        }
    }

    // MARK: - Streams

    static func rewrite(_ events: [AnswerEvent], _ context: AnswerContext) throws -> [String] {
        let writer = try Codecs.streamWriter(.openAIChat, context)
        var chunks: [String] = []
        for event in events { try writer.write(event) { event, _ in chunks.append(String(buffer: event.data)) } }
        return chunks
    }

    @Test func `a stream is written chunk by chunk, as the SDK puts it together`() throws {
        let steps: [AnswerEvent] = [
            .begin(AnswerHead(id: JSONString("msg_1"), model: JSONString("claude"))), .open(part: 0, .thinking),
            .thinking(part: 0, JSONString("hm")), .signature(part: 0, JSONString("S")), .close(part: 0),
            .open(part: 1, .text), .text(part: 1, JSONString("Hi")), .close(part: 1),
            .open(part: 2, .toolCall(id: JSONString("t1"), name: JSONString("f"), signature: nil)), .close(part: 2),
            .open(part: 3, .toolCall(id: JSONString("t2"), name: JSONString("g"), signature: nil)),
            .arguments(part: 3, .empty), .arguments(part: 3, JSONString("{\"a\":1}")), .close(part: 3),
            .usage(TokenUsage(input: 3)), .finish(.toolCalls, stopSequence: nil), .usage(TokenUsage(output: 2)), .end,
        ]
        let head =
            #"{"id":"chatcmpl-x1","object":"chat.completion.chunk","created":1763740000,"model":"claude","choices":["#
        let end = #","finish_reason":null}],"usage":null}"#
        let details = { (text: String) in #""reasoning_details":[{"type":"reasoning.text",\#(text),"index":0}]"# }
        let format = #""format":"anthropic-claude-v1""#
        let deltas = [
            #"{"role":"assistant","content":""}"#,
            #"{"reasoning_content":"hm",\#(details(#""text":"hm",\#(format)"#))}"#,
            #"{\#(details(#""text":"","signature":"S",\#(format)"#))}"#,
            #"{"content":"Hi"}"#,
            #"{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}"#,
            #"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#,
            #"{"tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"g","arguments":""}}]}"#,
            #"{"tool_calls":[{"index":1,"function":{"arguments":"{\"a\":1}"}}]}"#,
        ]
        var expected = deltas.map { #"\#(head){"index":0,"delta":\#($0)\#(end)"# }
        expected.append(head + #"{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":null}"#)
        expected.append(head + #"],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#)
        expected.append("[DONE]")
        let context = try Self.context(#"{"messages":[],"stream":true,"stream_options":{"include_usage":true}}"#)
        #expect(try Self.rewrite(steps, context) == expected)
    }

    @Test(arguments: Fixture.names(in: "openai-chat", prefix: "stream-", suffix: ".sse"))
    func `a stream that was written means what it meant before`(name: String) throws {
        let events = try Events.read(Fixture.bytes("openai-chat/\(name)"))
        let steps = try OpenAIChatStreamTests.steps(events)
        let context = try Self.context(#"{"messages":[],"stream_options":{"include_usage":true}}"#, source: .anthropic)
        let chunks = try Self.rewrite(steps, context).map { ServerSentEvent(data: ByteBuffer(string: $0)) }
        let again = try OpenAIChatStreamTests.steps(chunks)
        func meaning(_ steps: [AnswerEvent]) -> [String] {
            steps.map(\.line).filter { !$0.hasPrefix("begin") && !$0.hasPrefix("usage") && !$0.hasPrefix("failure") }
                .map { $0.replacing("call \"sig1-15-function-call-1Ci0-_w\"", with: "call \"function-call-1\"") }
        }
        #expect(meaning(again) == meaning(steps))
    }

    @Test func `who does not ask for usage gets none, and who spoke of functions gets one`() throws {
        let steps = try OpenAIChatStreamTests.steps(Events.read(Fixture.bytes("openai-chat/stream-tools.sse")))
        let plain = try Self.rewrite(steps, Self.context())
        #expect(!plain.contains { $0.contains("usage") })
        let legacy = try Self.rewrite(steps, Self.context(#"{"messages":[],"functions":[{"name":"get_weather"}]}"#))
        #expect(legacy.contains { $0.contains(#""delta":{"function_call":{"name":"get_weather","arguments":""}}"#) })
        #expect(legacy.contains { $0.contains(#""finish_reason":"function_call""#) })
        #expect(!legacy.contains { $0.contains("tool_calls") })
    }

    @Test func `a source without a place is put where its text is`() throws {
        let steps: [AnswerEvent] = [
            .begin(AnswerHead()), .open(part: 0, .text), .text(part: 0, JSONString("ab\n")), .close(part: 0),
            .open(part: 1, .text), .text(part: 1, JSONString("é😀")),
            .citation(part: 1, JSONFragment(literal: #"{"type":"web","url":"https:\/\/u","title":"T"}"#)),
            .citation(part: 1, JSONFragment(literal: #"{"type":"char_location","document_index":0}"#)),
        ]
        let chunks = try Self.rewrite(steps, Self.context())
        #expect(
            chunks.contains {
                $0.contains(
                    #""annotations":[{"type":"url_citation","url_citation":{"start_index":3,"end_index":5,"#
                        + #""url":"https:\/\/u","title":"T"}}]"#
                )
            }
        )
    }
}
