import Chat
import Core
import Dialects
import NIOCore
import Testing

struct AnthropicAnswerTests {
    private func read(_ body: String) throws -> ChatAnswer {
        try Codecs.readAnswer(ByteBuffer(string: body), as: .anthropic)
    }

    private func write(_ answer: ChatAnswer, source: WireFormat? = .openAIChat) throws -> String {
        var body = ByteBuffer()
        try Codecs.writeAnswer(answer, as: .anthropic, Anthropic.context(source: source), into: &body)
        return String(buffer: body)
    }

    @Test func `an answer is read with all of its blocks, and the cache counts as input`() throws {
        let answer = try self.read(
            #"""
            {"id":"msg_1","type":"message","role":"assistant","model":"claude-x","container":null,
             "content":[{"type":"thinking","thinking":"t","signature":"s"},
              {"type":"text","text":"a","citations":[{"type":"x"}]},
              {"type":"server_tool_use","id":"w","name":"web_search","input":{}},
              {"type":"web_search_tool_result","tool_use_id":"w","content":[]},
              {"type":"tool_use","id":"tu","name":"look","input":{"q":1}}],
             "stop_reason":"tool_use","stop_sequence":null,"new_member":1,
             "usage":{"input_tokens":10,"cache_read_input_tokens":200,"cache_creation_input_tokens":30,
              "output_tokens":5,
              "output_tokens_details":{"thinking_tokens":3},"service_tier":"standard"}}
            """#
        )
        #expect(answer.id?.text == "msg_1")
        #expect(answer.model?.text == "claude-x")
        #expect(answer.usage == TokenUsage(input: 240, output: 5, cachedInput: 200, cacheWrite: 30, reasoning: 3))
        #expect(answer.serviceTier?.text == "standard")
        #expect(answer.rest.map { $0.name.text } == ["new_member"])
        let choice = try #require(answer.choices.first)
        #expect(choice.finish == .toolCalls)
        #expect(choice.parts.count == 5)
        #expect(choice.parts[1].citations.count == 1)
        guard case .other = choice.parts[2].content else { return #expect(Bool(false)) }
    }

    @Test(
        arguments: [
            ("end_turn", FinishReason.stop), ("max_tokens", .length), ("stop_sequence", .stopSequence),
            ("refusal", .contentFilter), ("pause_turn", .pause), ("model_context_window_exceeded", .contextFull),
            ("heard_of_later", .stop),
        ]
    )
    func `every end has its meaning`(reason: String, finish: FinishReason) throws {
        let body = #"{"type":"message","content":[],"stop_reason":"\#(reason)","usage":{}}"#
        let answer = try self.read(body)
        #expect(answer.choices.first?.finish == finish)
        #expect(answer.usage.isEmpty)
    }

    @Test(
        arguments: [
            "", "{", "[]", "null", "{}", #"{"content":[],"stop_reason":null}"#, #"{"content":[1],"stop_reason":"x"}"#,
        ]
    )
    func `what is no answer is garbled`(body: String) {
        #expect(throws: AnswerUnreadable.garbled) { try self.read(body) }
    }

    @Test func `an error inside of a success is a failure`() {
        let body = #"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#
        #expect(throws: AnswerUnreadable.failure(body: ByteBuffer(string: body))) { try self.read(body) }
    }

    @Test func `the tool that stands for the answer becomes its text`() throws {
        let tool = #"{"type":"tool_use","id":"t","name":"turnpike_answer","input":{"a":"é"}}"#
        let answer = try self.read(#"{"content":[\#(tool)],"stop_reason":"tool_use"}"#)
        guard case .text(let text)? = answer.choices[0].parts.first?.content else { return #expect(Bool(false)) }
        #expect(text.text == #"{"a":"é"}"#)
        #expect(answer.choices[0].finish == .stop)
        let other = #"{"type":"tool_use","id":"t","name":"look","input":{}}"#
        let both = try self.read(#"{"content":[\#(tool),\#(other)],"stop_reason":"tool_use"}"#)
        #expect(both.choices[0].finish == .toolCalls)
    }

    @Test func `an answer of another dialect is written as a message`() throws {
        var thoughts = Thinking(text: .empty, redacted: JSONString("enc"), format: .openAIResponses)
        thoughts.id = JSONString("rs_1")
        var choice = AnswerChoice(
            parts: [
                ContentPart(.thinking(thoughts)), Anthropic.part(""), Anthropic.part("Hi"),
                Anthropic.call("call_1", "look", #"{"a":1}"#),
            ],
            finish: .toolCalls
        )
        choice.logprobs = Anthropic.fragment("{}")
        var answer = ChatAnswer(
            choices: [choice],
            usage: TokenUsage(input: 100, output: 20, cachedInput: 60, reasoning: 7)
        )
        answer.id = JSONString("chatcmpl-1")
        answer.model = JSONString("gpt-x")
        #expect(
            try self.write(answer) == #"{"id":"msg_abc","type":"message","role":"assistant","model":"gpt-x","#
                + #""content":["#
                + #"{"type":"redacted_thinking","data":"turnpike:openai-responses:rs_1:enc"},"#
                + #"{"type":"text","text":"Hi"},{"type":"tool_use","id":"call_1","name":"look","input":{"a":1}}],"#
                + #""stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":40,"#
                + #""cache_read_input_tokens":60,"output_tokens":20,"output_tokens_details":{"thinking_tokens":7}}}"#
        )
    }

    @Test func `what is cached for an hour is read and written as such`() throws {
        func usage(_ text: String) throws -> TokenUsage {
            try self.read(#"{"type":"message","content":[],"stop_reason":"end_turn","usage":{\#(text)}}"#).usage
        }
        let parts = #""cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}"#
        let expected = TokenUsage(input: 31, output: 2, cacheWrite: 30, cacheWriteLong: 10)
        #expect(
            try usage(#""input_tokens":1,"cache_creation_input_tokens":30,"output_tokens":2,\#(parts)"#) == expected
        )
        #expect(try usage(#""input_tokens":1,"output_tokens":2,\#(parts)"#) == expected)
        #expect(try usage(#""input_tokens":1,"output_tokens":2,"cache_creation":null"#).cacheWriteLong == nil)
        let answer = ChatAnswer(choices: [AnswerChoice(parts: [Anthropic.part("Hi")], finish: .stop)], usage: expected)
        #expect(try self.write(answer).contains(#""input_tokens":1,"cache_creation_input_tokens":30,\#(parts),"#))
    }

    @Test func `another provider's thoughts come back as what they were`() throws {
        let request = try Anthropic.read(
            #"""
            {"messages":[{"role":"assistant","content":[
            {"type":"redacted_thinking","data":"turnpike:openai-responses:rs_1:enc:x"},
            {"type":"thinking","thinking":"hm","signature":"turnpike:gemini::sig"},
            {"type":"thinking","thinking":"hm","signature":""},
            {"type":"thinking","thinking":"hm","signature":"turnpike:nobody::sig"}]}]}
            """#
        )
        let thoughts = request.messages[0].parts.compactMap { part -> Thinking? in
            if case .thinking(let thinking) = part.content { thinking } else { nil }
        }
        #expect(
            thoughts == [
                Thinking(text: .empty, redacted: JSONString("enc:x"), id: JSONString("rs_1"), format: .openAIResponses),
                Thinking(text: JSONString("hm"), signature: JSONString("sig"), format: .gemini),
                Thinking(text: JSONString("hm"), format: .anthropic),
                Thinking(text: JSONString("hm"), signature: JSONString("turnpike:nobody::sig"), format: .anthropic),
            ]
        )
    }

    @Test func `a refusal ends as one, and missing usage is written as the dialect demands`() throws {
        var answer = ChatAnswer(
            choices: [AnswerChoice(parts: [ContentPart(.refusal(JSONString("No.")))], finish: .stop)],
            usage: TokenUsage()
        )
        #expect(
            try self.write(answer) == #"{"id":"msg_abc","type":"message","role":"assistant","model":"alias","#
                + #""content":["#
                + #"{"type":"text","text":"No."}],"stop_reason":"refusal","stop_sequence":null,"#
                + #""usage":{"input_tokens":0,"output_tokens":0}}"#
        )
        answer.choices[0] = AnswerChoice(parts: [], finish: .stopSequence, stopSequence: JSONString("END"))
        #expect(try self.write(answer).contains(#""content":[],"stop_reason":"stop_sequence","stop_sequence":"END""#))
    }

    @Test func `tokens are counted without a limit`() throws {
        var body = ByteBuffer()
        var losses = Losses()
        var request = Anthropic.question()
        request.isStream = true
        request.temperature = Anthropic.given("0.1")
        try AnthropicTokenCount.writeRequest(request, for: Anthropic.target(), losses: &losses, into: &body)
        #expect(
            String(buffer: body)
                == #"{"model":"claude-sonnet-4-20250514","messages":[{"role":"user","content":"Hi"}]}"#
        )
        #expect(try AnthropicTokenCount.readAnswer(ByteBuffer(string: #"{"input_tokens":12,"x":1}"#)) == 12)
        #expect(throws: AnswerUnreadable.garbled) { try AnthropicTokenCount.readAnswer(ByteBuffer(string: "{}")) }
        var answer = ByteBuffer()
        AnthropicTokenCount.writeAnswer(12, into: &answer)
        #expect(String(buffer: answer) == #"{"input_tokens":12}"#)
    }
}
