import Chat
import Core
import Dialects
import NIOCore
import Testing

/// Requests of OpenAI's chat dialect, read and written.
@Suite struct OpenAIChatRequestTests {
    static func read(_ text: String) throws -> ChatRequest {
        try Codecs.readRequest(ByteBuffer(string: text), as: .openAIChat)
    }

    static func write(
        _ request: ChatRequest,
        takesUnknown: Bool = false,
        limitField: StaticString = "max_tokens",
        outputLimit: Int? = nil
    ) throws -> (body: String, losses: Losses) {
        var target = TargetTraits(model: JSONString("m"), modelID: "m")
        target.takesUnknownMembers = takesUnknown
        target.outputLimitField = limitField
        target.outputLimit = outputLimit
        var losses = Losses()
        var body = ByteBuffer()
        try Codecs.writeRequest(request, as: .openAIChat, for: target, losses: &losses, into: &body)
        return (String(buffer: body), losses)
    }

    /// The same text with the members of all objects in order.
    static func sorted(_ text: String) throws -> String {
        func sort(_ value: JSONValue) -> JSONValue {
            switch value {
            case .object(let members): .object(members.map { ($0.0, sort($0.1)) }.sorted { $0.0 < $1.0 })
            case .array(let elements): .array(elements.map(sort))
            default: value
            }
        }
        return sort(try JSONValue.parse(ByteBuffer(string: text))).text
    }

    /// A request of another dialect that says the same.
    static func foreign(_ text: String) throws -> ChatRequest {
        let own = try self.read(text)
        var request = ChatRequest(format: .anthropic)
        request.messages = own.messages
        request.tools = own.tools
        request.toolChoice = own.toolChoice
        request.parallelToolCalls = own.parallelToolCalls
        request.maxOutputTokens = own.maxOutputTokens
        request.reasoning = own.reasoning
        request.topK = own.topK
        request.stop = own.stop
        request.isStream = own.isStream
        request.rest = own.rest
        return request
    }

    @Test func `other words for how much is asked are told to nobody where that is paid for already`() throws {
        let text =
            #"{"messages":[{"role":"user","content":"Hi"}],"best_of":4,"max_output_tokens":9,"n_predict":900,"#
            + #""mirostat":2}"#
        func written(_ isPaidAhead: Bool) throws -> (body: String, lost: [String]) {
            var target = TargetTraits(model: JSONString("m"), modelID: "m")
            target.takesUnknownMembers = true
            target.isPaidAhead = isPaidAhead
            var losses = Losses()
            var body = ByteBuffer()
            var request = try Self.foreign(text)
            request.rest = try Self.read(text).rest
            try Codecs.writeRequest(request, as: .openAIChat, for: target, losses: &losses, into: &body)
            return (String(buffer: body), losses.paths(in: ByteBuffer(string: text)))
        }
        let free = try written(false)
        #expect(free.body.contains(#""n_predict":900"#) && !free.body.contains("best_of"))
        let paid = try written(true)
        #expect(paid.body.contains(#""mirostat":2"#) && !paid.body.contains("n_predict"))
        #expect(paid.lost.contains("n_predict") && paid.lost.contains("best_of"))
    }

    static func lost(_ text: String, takesUnknown: Bool = false) throws -> [String] {
        try self.write(self.foreign(text), takesUnknown: takesUnknown).losses.paths(in: ByteBuffer(string: text))
    }

    @Test(arguments: [
        #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
        #"""
        {"model":"m","messages":[{"role":"system","content":"s"},{"role":"developer","content":[{"type":"text",
        "text":"d",
        "cache_control":{"type":"ephemeral"}},{"type":"text","text":"e"}]},{"role":"user","name":"n",
        "content":"\u00e9 \u2028"}],
        "temperature":1.50,"top_p":1e0,"top_k":4,"min_p":0.1,"frequency_penalty":0,"presence_penalty":-1,"seed":7,"n":2,
        "stop":["a","b"],"logprobs":true,"top_logprobs":3,"logit_bias":{"50256":-100},"max_tokens":9,"user":"u",
        "service_tier":"flex","store":true,"metadata":{"a":"b"},"verbosity":"low","modalities":["text","audio"],
        "audio":{"voice":"alloy","format":"wav"},"prediction":{"type":"content","content":"x"},"prompt_cache_key":"k",
        "web_search_options":{"search_context_size":"low"},"stream":true,"stream_options":{"include_usage":true},
        "reasoning_effort":"minimal","response_format":{"type":"json_object"}}
        """#,
        #"""
        {"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":
        "explicit","ttl":"12h"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"high"}},
        {"type":"image_url","image_url":{"url":"https://x/y.png"}},{"type":"input_audio","input_audio":{"data":"AAAA",
        "format":"mp3"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA","filename":"a.pdf"}},
        {"type":"file","file":{"file_id":"file-1"}},{"type":"video_url","video_url":{"url":"https://x"}}]}],
        "safety_identifier":"s","reasoning":{"max_tokens":2000,"exclude":true}}
        """#,
        #"""
        {"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,
        "tool_calls":[{"id":"c1",
        "type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"custom","custom":
        {"name":"g",
        "input":"free"}}]},{"role":"tool","tool_call_id":"c1","content":"r"},{"role":"tool","tool_call_id":"c2",
        "content":
        [{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":"","refusal":"no"},
        {"role":"assistant","audio":{"id":"audio_1"},"content":"x"}],"tools":[{"type":"function","function":{"name":"f",
        "description":"d","parameters":{"type":"object"},"strict":true}},{"type":"custom","custom":{"name":"g","format":
        {"type":"text"}}},{"type":"openrouter:web"},{"type":"function","function":{"name":"h","x":1},"cache_control":
        {"type":"ephemeral"}}],"tool_choice":{"type":"custom","custom":{"name":"g"}},"parallel_tool_calls":false,
        "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}}}
        """#,
        #"""
        {"model":"m","messages":[{"role":"assistant","content":"t","reasoning_content":"r","reasoning_details":[{"type":
        "reasoning.text","text":"r","signature":"s","format":"anthropic-claude-v1","index":0}]},{"role":"assistant",
        "content":[{"type":"thinking","thinking":[{"type":"text","text":"x"}]},{"type":"text","text":"y"}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f",
        "arguments":"{}"},
        "extra_content":{"google":{"thought_signature":"c2ln"}}}]}]}
        """#,
        #"""
        {"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"function_call":
        {"name":
        "f","arguments":"{}"}},{"role":"function","name":"f","content":"r"}],"functions":[{"name":"f","parameters":
        {"type":"object"}}],"function_call":{"name":"f"}}
        """#,
    ])
    func `what was read is written back, with all that nobody here knows`(text: String) throws {
        let request = try Self.read(text)
        let written = try Self.write(request)
        #expect(try Self.sorted(written.body) == Self.sorted(text))
        #expect(written.losses.isEmpty)
    }

    @Test func `nulls count as nothing, as the SDKs send them`() throws {
        let text =
            #"{"model":"m","messages":[{"role":"user","content":"a","name":null}],"stop":null,"tools":null,"x":null}"#
        let request = try Self.read(text)
        #expect(request.tools.isEmpty && request.stop.isEmpty && request.rest.isEmpty)
        #expect(request.messages[0].name == nil)
    }

    @Test(arguments: [
        (#"{"messages":{}}"#, "messages"), (#"{"messages":[{"content":"a"}]}"#, "messages[0]"),
        (#"{"messages":[{"role":"boss"}]}"#, "messages[0].role"),
        (#"{"messages":[{"role":"user","content":5}]}"#, "messages[0].content"),
        (#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#, "messages[0].content[0]"),
        (#"{"messages":[{"role":"tool","content":"a"}]}"#, "messages[0]"),
        (#"{"temperature":"hot"}"#, "temperature"), (#"{"n":1.5}"#, "n"), (#"{"stop":[1]}"#, "stop[0]"),
        (#"{"tools":[{"function":{}}]}"#, "tools[0].function"), (#"{"tools":[{}]}"#, "tools[0]"),
        (#"{"tool_choice":1}"#, "tool_choice"), (#"{"response_format":{}}"#, "response_format"),
        (#"{"messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]}"#, "messages[0].tool_calls[0]"),
    ])
    func `a value of the wrong type is refused by its place`(text: String, path: String) throws {
        let fault = #expect(throws: RequestUnreadable.self) { try Self.read(text) }
        let place = try #require(fault?.place)
        var losses = Losses()
        losses.drop(at: place)
        #expect(losses.paths(in: ByteBuffer(string: text)) == [path])
    }

    @Test func `a data URL becomes data, whatever its slashes are written as`() throws {
        let request = try Self.read(
            #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"#
                + #"{"url":"data:image\/jpeg;base64,\/9j\/"}}]}]}"#
        )
        guard case .image(let media) = request.messages[0].parts[0].content, case .data(let data) = media.source else {
            Issue.record("no picture")
            return
        }
        #expect(String(buffer: data) == "/9j/")
        #expect(media.mediaType?.text == "image/jpeg")
    }

    @Test func `data that would break out of its quotes is left an address`() throws {
        let request = try Self.read(
            #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"#
                + #"{"url":"data:a\/b;base64,AA\",\"x"}}]}]}"#
        )
        guard case .image(let media) = request.messages[0].parts[0].content, case .url = media.source else {
            Issue.record("taken for data")
            return
        }
    }

    @Test func `wishes for reasoning are read in both forms`() throws {
        #expect(try Self.read(#"{"reasoning_effort":"max"}"#).reasoning.effort?.value == .max)
        let wish = try Self.read(#"{"reasoning":{"effort":"low","exclude":true,"enabled":true}}"#).reasoning
        #expect(wish.effort?.value == .low && wish.isOn?.value == true && wish.summary?.value.equals("none") == true)
        #expect(try Self.read(#"{"reasoning":{"max_tokens":9}}"#).reasoning.budget?.value == 9)
        #expect(try Self.read(#"{"reasoning_effort":"dizzy"}"#).rest.count == 1)
    }

    // MARK: - From other dialects

    @Test func `results come right after their calls, as messages of their own, and pictures of them behind`() throws {
        var request = ChatRequest(format: .anthropic)
        let call = ToolCall(id: JSONString("a"), name: JSONString("f"), arguments: .object(JSONFragment(literal: "{}")))
        let other = ToolCall(id: JSONString("b"), name: JSONString("f"), arguments: .encoded(.empty))
        let image = ContentPart(.image(Media(.data(ByteBuffer(string: "AA==")), mediaType: JSONString("image/png"))))
        let text = ContentPart(.text(JSONString("t")))
        request.messages = [
            ChatMessage(.assistant, [ContentPart(.text(JSONString("x"))), ContentPart(.toolCall(call))]),
            ChatMessage(.assistant, [ContentPart(.toolCall(other))]),
            ChatMessage(
                .user,
                [
                    ContentPart(.text(JSONString("and"))),
                    ContentPart(
                        .toolResult(
                            ToolResult(callID: JSONString("a"), parts: [text, image], isError: Given(true, at: 40))
                        )
                    ),
                ]
            ),
            ChatMessage(.user, [ContentPart(.toolResult(ToolResult(callID: JSONString("b"), parts: [])))]),
        ]
        let written = try Self.write(request)
        let expected = #"""
            {"model":"m","messages":[
            {"role":"assistant","content":"x","tool_calls":[
            {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
            {"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"a","content":"t"},{"role":"tool","tool_call_id":"b","content":""},
            {"role":"user","content":[{"type":"text","text":"Result of the tool call a:"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},
            {"role":"user","content":"and"}]}
            """#
        #expect(written.body == expected.split(separator: "\n").joined())
        #expect(written.losses.places == [40])
    }

    @Test func `instructions become one text, and developers are called system`() throws {
        let text =
            #"{"messages":[{"role":"developer","content":[{"type":"text","text":"a\""},{"type":"text","text":"b"}]},"#
            + #"{"role":"assistant","content":[{"type":"text","text":"c"},{"type":"text","text":"d"}]}]}"#
        let expected =
            #"{"model":"m","messages":[{"role":"system","content":"a\"\n\nb"},{"role":"assistant","content":"cd"}]}"#
        #expect(try Self.write(Self.foreign(text)).body == expected)
    }

    @Test func `what a target cannot be told is named`() throws {
        let text = #"""
            {"messages":[{"role":"system","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]},
            {"role":"assistant","content":"a","reasoning_details":[{"type":"reasoning.text","text":"t",
            "signature":"s"}]},
            {"role":"user","content":[{"type":"text","text":"x"},{"type":"video","a":1}]}],
            "top_k":3,"stop":["1","2","3","4","5"],"tools":[{"type":"web"}],"tool_choice":"auto","odd":1,
            "reasoning":{"max_tokens":1500}}
            """#
        #expect(
            try Self.lost(text) == [
                "messages[0].content[0].cache_control", "messages[1].reasoning_details[0]", "messages[2].content[1]",
                "tools[0]", "tool_choice", "top_k", "stop[4]", "reasoning.max_tokens", "odd",
            ]
        )
        #expect(
            try Self.lost(text, takesUnknown: true) == [
                "messages[2].content[1]", "tools[0]", "tool_choice", "reasoning.max_tokens",
            ]
        )
    }

    @Test func `an answer's limit goes by the target's name for it, and never above what can be paid`() throws {
        let request = try Self.read(#"{"messages":[{"role":"user","content":"a"}],"max_tokens":50}"#)
        #expect(
            try Self.write(request, limitField: "max_completion_tokens").body.contains(#""max_completion_tokens":50"#)
        )
        #expect(try Self.write(request, outputLimit: 20).body.contains(#""max_tokens":20"#))
        #expect(try Self.write(request, outputLimit: 90).body.contains(#""max_tokens":50"#))
    }

    @Test func `no messages are refused`() throws {
        #expect(throws: RequestUnwritable.self) { try Self.write(ChatRequest(format: .anthropic)) }
    }

    @Test func `the older functions are tools like all others`() throws {
        let text = #"""
            {"messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
            {"role":"function","name":"f","content":"r"}],"functions":[{"name":"f"}],"function_call":"auto"}
            """#
        let request = try Self.read(text)
        #expect(request.tools.count == 1 && request.toolChoice?.value == .auto)
        guard case .toolCall(let call) = request.messages[0].parts[0].content,
            case .toolResult(let result) = request.messages[1].parts[0].content
        else {
            Issue.record("no call and result")
            return
        }
        #expect(call.id == result.callID)
    }
}
