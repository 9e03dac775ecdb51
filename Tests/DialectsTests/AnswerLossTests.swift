import Chat
import Core
import Dialects
import NIOCore
import Testing
import Wire

/// What an answer has and a client's dialect has not: carried in another form, or named.
@Suite struct AnswerLossTests {
    private static func request(_ client: WireFormat) -> ChatRequest {
        var request = ChatRequest(format: client)
        request.wantsUsage = true
        return request
    }

    /// A provider's events as a client gets them, one line each, and what was lost.
    static func stream(
        _ events: [String],
        from provider: WireFormat,
        to client: WireFormat
    ) throws -> (lines: [String], losses: [String]) {
        let reader = Codecs.streamReader(provider)
        var context = AnswerContext(id: "1", created: 1, model: JSONString("m"), request: Self.request(client))
        context.source = provider
        let writer = try Codecs.streamWriter(client, context)
        var lines: [String] = []
        var steps: [AnswerEvent] = []
        func take(_ step: AnswerEvent) throws {
            steps.append(step)
            try writer.write(step) { event, _ in lines.append(String(buffer: event.data)) }
        }
        for event in events {
            let parts = event.split(separator: "|", maxSplits: 1)
            let isNamed = provider == .bedrock && parts.count == 2
            let data = ByteBuffer(string: isNamed ? String(parts[1]) : event)
            let type = isNamed ? ByteBuffer(string: String(parts[0])) : nil
            try reader.read(ServerSentEvent(data: data, type: type), take)
        }
        try reader.finish(take)
        try StepOrder.check(steps)
        for line in lines where line != "[DONE]" { _ = try JSONValue.parse(ByteBuffer(string: line)) }
        return (lines, writer.losses.names)
    }

    static func whole(
        _ body: String,
        from provider: WireFormat,
        to client: WireFormat
    ) throws -> (body: JSONValue, losses: [String]) {
        let answer = try Codecs.readAnswer(ByteBuffer(string: body), as: provider)
        var context = AnswerContext(id: "1", created: 1, model: JSONString("m"), request: Self.request(client))
        context.source = provider
        var written = ByteBuffer()
        let losses = try Codecs.writeAnswer(answer, as: client, context, into: &written)
        return (try JSONValue.parse(written), losses.names)
    }

    // MARK: - Signatures of tool calls

    private static let signed =
        #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}},"#
        + #""thoughtSignature":"c2ln+/=="}]},"finishReason":"STOP"}]}"#

    @Test func `a thought's signature goes through an Anthropic client in the call's id, and comes back`() throws {
        let whole = try Self.whole(Self.signed, from: .gemini, to: .anthropic)
        let id = try #require(whole.body["content"]?[0]?["id"]?.stringValue)
        #expect(whole.losses.isEmpty && id.hasPrefix("sig1-") && id.utf8.allSatisfy { $0 != 0x2B && $0 != 0x2F })
        let stream = try Self.stream([Self.signed], from: .gemini, to: .anthropic)
        #expect(stream.lines.contains { $0.contains(#""id":"sig1-"#) } && stream.losses.isEmpty)
        let request = try Codecs.readRequest(
            ByteBuffer(
                string: #"{"max_tokens":9,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":["#
                    + #"{"type":"tool_use","id":"\#(id)","name":"f","input":{"a":1}}]},{"role":"user","content":["#
                    + #"{"type":"tool_result","tool_use_id":"\#(id)","content":"r"}]}]}"#
            ),
            as: .anthropic
        )
        guard case .toolCall(let call) = request.messages[1].parts[0].content,
            case .toolResult(let result) = request.messages[2].parts[0].content
        else { return #expect(Bool(false)) }
        #expect(call.signature?.text == "c2ln+/==" && result.callID == call.id)
        #expect(call.id.text?.hasPrefix("call_") == true)
        let sent = try ProviderSide.write(request, as: .gemini, model: "gemini-3-pro")
        #expect(sent.body.contains(#""thoughtSignature":"c2ln+/==""#))
        let own = try ProviderSide.write(request, as: .anthropic, model: "claude-sonnet-4-5")
        #expect(!own.body.contains("sig1-"))
    }

    @Test func `a signature that no id can hold is named`() throws {
        let long = Self.signed.replacing("c2ln+/==", with: String(repeating: "A", count: 5_000))
        #expect(try Self.whole(long, from: .gemini, to: .anthropic).losses == ["answer.signatures"])
        #expect(try Self.stream([long], from: .gemini, to: .anthropic).losses == ["answer.signatures"])
    }

    @Test func `another provider's thoughts do not go to Anthropic, and are named`() throws {
        let body =
            #"{"max_tokens":9,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":["#
            + #"{"type":"thinking","thinking":"t","signature":"turnpike:gemini::c2ln"},"#
            + #"{"type":"text","text":"a"}]},{"role":"user","content":"q"}]}"#
        #expect(Codecs.carriesThoughts(ByteBuffer(string: body), as: .anthropic))
        #expect(!Codecs.carriesThoughts(ByteBuffer(string: body.replacing("turnpike:", with: "")), as: .anthropic))
        #expect(Codecs.carriesThoughts(ByteBuffer(string: #"{"id":"sig2-1-ax"}"#), as: .anthropic))
        let request = try Codecs.readRequest(ByteBuffer(string: body), as: .anthropic)
        let sent = try ProviderSide.write(request, as: .anthropic, model: "claude-sonnet-4-5")
        #expect(!sent.body.contains("turnpike") && !sent.body.contains("thinking"))
        #expect(sent.losses.paths(in: ByteBuffer(string: body)) == ["messages[1].content[0]"])
    }

    // MARK: - Sources

    private static let cited =
        #"{"choices":[{"message":{"role":"assistant","content":"Häuser: A.","annotations":[{"type":"url_citation","#
        + #""url_citation":{"start_index":0,"end_index":6,"url":"https://a.example","title":"A"}}]},"#
        + #""finish_reason":"stop"}]}"#

    @Test func `a source with an address is told in Anthropic's words, with the characters that it is for`() throws {
        let (body, losses) = try Self.whole(Self.cited, from: .openAIChat, to: .anthropic)
        let citation = body["content"]?[0]?["citations"]?[0]
        #expect(losses.isEmpty && citation?["type"] == "web_search_result_location")
        #expect(citation?["url"] == "https://a.example" && citation?["title"] == "A")
        #expect(citation?["cited_text"] == "Häuser" && citation?["encrypted_index"] == "")
        let stream = try Self.stream(
            [
                #"{"choices":[{"delta":{"content":"x"}}]}"#,
                #"{"choices":[{"delta":{"annotations":[{"type":"url_citation","#
                    + #""url_citation":{"url":"https://a"}}]}}]}"#,
                #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "[DONE]",
            ],
            from: .openAIChat,
            to: .anthropic
        )
        #expect(stream.losses.isEmpty && stream.lines.contains { $0.contains(#""url":"https://a""#) })
    }

    @Test(
        arguments: [
            ("documentChar", "char_location", "start_char_index"),
            ("documentPage", "page_location", "start_page_number"),
            ("documentChunk", "content_block_location", "start_block_index"),
        ]
    )
    func `Bedrock's places in documents are Anthropic's`(kind: String, type: String, start: String) throws {
        let (body, losses) = try Self.whole(Self.converse(kind), from: .bedrock, to: .anthropic)
        let citation = body["content"]?[0]?["citations"]?[0]
        #expect(losses.isEmpty && citation?["type"]?.stringValue == type && citation?[start] == 3)
        #expect(citation?["document_index"] == 1 && citation?["cited_text"] == "said")
        #expect(citation?["document_title"] == "T")
        #expect(try Self.whole(Self.converse(kind), from: .bedrock, to: .openAIChat).losses == ["answer.citations"])
    }

    private static func converse(_ kind: String) -> String {
        #"{"output":{"message":{"content":[{"citationsContent":{"content":[{"text":"a"}],"citations":[{"#
            + #""title":"T","#
            + #""sourceContent":[{"text":"said"}],"#
            + #""location":{"\#(kind)":{"documentIndex":1,"start":3,"end":4}}}]}}]}},"#
            + #""stopReason":"end_turn"}"#
    }

    @Test func `a web page that Bedrock names reaches every client`() throws {
        let body = Self.converse("x").replacing(
            #""x":{"documentIndex":1,"start":3,"end":4}"#,
            with: #""web":{"url":"https://a.example","domain":"a.example"}"#
        )
        for client in WireFormat.clients {
            let (written, losses) = try Self.whole(body, from: .bedrock, to: client)
            #expect(losses.isEmpty && written.text.contains("https://a.example"), "\(client.label)")
        }
    }

    @Test func `sources without an address and results of searches are named`() throws {
        let cohere =
            #"{"message":{"content":[{"type":"text","text":"a"}],"citations":[{"start":0,"end":1,"text":"a","#
            + #""sources":[{"type":"tool","id":"t"}]}]},"finish_reason":"COMPLETE"}"#
        for client in WireFormat.clients {
            #expect(try Self.whole(cohere, from: .cohere, to: client).losses == ["answer.citations"])
        }
        let gemini =
            #"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP","#
            + #""groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a"}}]}}]}"#
        #expect(try Self.whole(gemini, from: .gemini, to: .anthropic).losses == ["answer.sources"])
        #expect(try Self.whole(gemini, from: .gemini, to: .openAIChat).losses.isEmpty)
        #expect(try Self.stream([gemini], from: .gemini, to: .openAIChat).losses == ["answer.sources"])
    }

    // MARK: - Pictures, sound, other answers

    private static let picture =
        #"{"candidates":[{"content":{"parts":[{"text":"Here: "},{"inlineData":{"mimeType":"image/png","data":"#
        + #""AAAA"}},{"executableCode":{"code":"1"}}]},"finishReason":"STOP"}]}"#

    @Test func `a picture reaches clients of chat and Responses, and others hear of it`() throws {
        let chat = try Self.stream([Self.picture], from: .gemini, to: .openAIChat)
        let image = #""images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}"#
        #expect(chat.lines.contains { $0.contains(image) } && chat.losses == ["answer.content"])
        #expect(try Self.whole(Self.picture, from: .gemini, to: .openAIChat).body.text.contains(image))
        let responses = try Self.stream([Self.picture], from: .gemini, to: .openAIResponses)
        #expect(responses.lines.contains { $0.contains("output_item.done") && $0.contains(#""result":"AAAA""#) })
        for isStream in [true, false] {
            let losses =
                isStream
                ? try Self.stream([Self.picture], from: .gemini, to: .anthropic).losses
                : try Self.whole(Self.picture, from: .gemini, to: .anthropic).losses
            #expect(losses == ["answer.images", "answer.content"])
        }
    }

    @Test func `data that is no base64 cannot break out of its quotes`() throws {
        let body = Self.picture.replacing("AAAA", with: #"A\",\"x\":\""#)
        for client in WireFormat.clients {
            #expect(try !Self.whole(body, from: .gemini, to: client).body.text.contains(#""x""#))
        }
    }

    @Test func `sound in a stream is named, and its words are told`() throws {
        let events = [
            #"{"choices":[{"delta":{"audio":{"id":"a","transcript":"Hi","data":"AAAA"}}}]}"#,
            #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "[DONE]",
        ]
        for client in [WireFormat.openAIResponses, .anthropic] {
            let (lines, losses) = try Self.stream(events, from: .openAIChat, to: client)
            #expect(losses == ["answer.audio"] && lines.contains { $0.contains("Hi") })
        }
    }

    @Test func `a second answer is named where there is but one`() throws {
        let body =
            #"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},"#
            + #"{"message":{"content":"b"},"finish_reason":"stop"}]}"#
        #expect(try Self.whole(body, from: .openAIChat, to: .anthropic).losses == ["answer.choices"])
        #expect(try Self.whole(body, from: .openAIChat, to: .openAIResponses).losses == ["answer.choices"])
    }

    // MARK: - Log probabilities

    private static let likely = [
        #"{"choices":[{"delta":{"content":"Hi"},"logprobs":{"content":[{"token":"Hi","logprob":-0.5}]}}]}"#,
        #"{"choices":[{"delta":{"content":"!"},"logprobs":{"content":[{"token":"!","logprob":-1}]}}]}"#,
        #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "[DONE]",
    ]

    @Test func `log probabilities of a stream go with their texts between chat and Responses`() throws {
        let (lines, losses) = try Self.stream(Self.likely, from: .openAIChat, to: .openAIResponses)
        let events = try lines.map { try JSONValue.parse(ByteBuffer(string: $0)) }
        let deltas = events.filter { $0["type"] == "response.output_text.delta" }
        #expect(losses.isEmpty && deltas.map { $0["logprobs"]?[0]?["token"]?.stringValue } == ["Hi", "!"])
        let done = try #require(events.first { $0["type"] == "response.output_text.done" })
        #expect(done["logprobs"]?.arrayValue?.count == 2)
        let whole = events.last?["response"]?["output"]?[0]?["content"]?[0]
        #expect(whole?["logprobs"]?.arrayValue?.count == 2)
        // And back again.
        let back = try Self.stream(lines, from: .openAIResponses, to: .openAIChat)
        let chunks = try back.lines.filter { $0 != "[DONE]" }.map { try JSONValue.parse(ByteBuffer(string: $0)) }
        let tokens = chunks.compactMap { $0["choices"]?[0]?["logprobs"]?["content"]?[0]?["token"]?.stringValue }
        #expect(tokens == ["Hi", "!"] && back.losses.isEmpty)
        #expect(try Self.stream(Self.likely, from: .openAIChat, to: .anthropic).losses == ["answer.logprobs"])
    }

    @Test func `Cohere's log probabilities come with the piece of text that they are for`() throws {
        let (lines, losses) = try Self.stream(
            [
                #"{"type":"message-start","id":"1","delta":{"message":{"role":"assistant"}}}"#,
                #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"ab"}}},"#
                    + #""logprobs":{"text":"ab","token_ids":[1,2],"logprobs":[-1,-2]}}"#,
                #"{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}"#,
            ],
            from: .cohere,
            to: .openAIChat
        )
        let text = try #require(lines.first { $0.contains(#""content":"ab""#) })
        let token = try JSONValue.parse(ByteBuffer(string: text))["choices"]?[0]?["logprobs"]?["content"]?[0]
        #expect(losses.isEmpty && token?["token"] == "ab" && token?["logprob"]?.doubleValue == -3)
    }

    // MARK: - Tools

    private static let custom = [
        #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","type":"custom","#
            + #""custom":{"name":"sh","input":""}}]}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"index":0,"custom":{"input":"ls \"a\" "}}]}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"index":0,"custom":{"input":"{}"}}]}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"index":0,"custom":{"input":" | wc"}}]}}]}"#,
        #"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#, "[DONE]",
    ]

    @Test func `a tool that takes free text keeps its kind in streams of chat and Responses`() throws {
        let (lines, losses) = try Self.stream(Self.custom, from: .openAIChat, to: .openAIResponses)
        let events = try lines.map { try JSONValue.parse(ByteBuffer(string: $0)) }
        #expect(losses.isEmpty)
        #expect(events.count { $0["type"] == "response.custom_tool_call_input.delta" } == 3)
        let item = events.last?["response"]?["output"]?[0]
        #expect(item?["type"] == "custom_tool_call" && item?["input"] == "ls \"a\" {} | wc" && item?["name"] == "sh")
        let back = try Self.stream(lines, from: .openAIResponses, to: .openAIChat).lines
        let calls = try back.filter { $0 != "[DONE]" }
            .compactMap { try JSONValue.parse(ByteBuffer(string: $0))["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
        #expect(calls.first?["type"] == "custom" && calls.first?["custom"]?["name"] == "sh")
        #expect(calls.compactMap { $0["custom"]?["input"]?.stringValue }.joined() == "ls \"a\" {} | wc")
    }

    @Test func `free text becomes a member of an object for Anthropic's clients`() throws {
        let (lines, _) = try Self.stream(Self.custom, from: .openAIChat, to: .anthropic)
        let pieces = try lines.compactMap {
            try JSONValue.parse(ByteBuffer(string: $0))["delta"]?["partial_json"]?.stringValue
        }
        let input = try JSONValue.parse(ByteBuffer(string: pieces.joined()))
        #expect(input["input"] == "ls \"a\" {} | wc")
        let empty = [Self.custom[0], Self.custom[4], "[DONE]"]
        let none = try Self.stream(empty, from: .openAIChat, to: .anthropic).lines.compactMap {
            try JSONValue.parse(ByteBuffer(string: $0))["delta"]?["partial_json"]?.stringValue
        }
        #expect(none.joined() == #"{"input":""}"#)
    }

    @Test func `a tool that the provider runs is content, and named where it cannot be told`() throws {
        let search = [
            #"{"type":"message_start","message":{"id":"m","usage":{}}}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"w","#
                + #""name":"web_search"}}"#,
            #"{"type":"content_block_stop","index":0}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}"#, #"{"type":"message_stop"}"#,
        ]
        #expect(try Self.stream(search, from: .anthropic, to: .openAIChat).losses == ["answer.content"])
        let reader = Codecs.streamReader(.anthropic)
        var hasContent = false
        for event in search.prefix(2) {
            try reader.read(ServerSentEvent(data: ByteBuffer(string: event))) { if $0.isContent { hasContent = true } }
        }
        #expect(hasContent)
        let item =
            #"{"type":"response.output_item.added","output_index":0,"item":{"type":"web_search_call","id":"ws"}}"#
        let responses = Codecs.streamReader(.openAIResponses)
        var steps: [String] = []
        try responses.read(ServerSentEvent(data: ByteBuffer(string: item))) { steps.append($0.line) }
        #expect(steps.last == "unsaid answer.content")
    }

    @Test func `the table of answers says of each client what it says of its codec`() throws {
        #expect(try LossTable.lossesOfAnswers(for: .openAIChat)["picture"] == [])
        #expect(try LossTable.lossesOfAnswers(for: .anthropic)["picture"] == .images)
        #expect(try LossTable.lossesOfAnswers(for: .openAIResponses)["sound"] == .audio)
        #expect(try LossTable.lossesOfAnswers(for: .anthropic)["call with a signature of 5,000 bytes"] == .signatures)
        #expect(try LossTable.lossesOfAnswers(for: .anthropic)["text"] == [])
    }
}
