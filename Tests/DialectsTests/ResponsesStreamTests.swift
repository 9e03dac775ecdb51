import Chat
import Core
import NIOCore
import Testing
import Wire

@testable import Dialects

struct ResponsesStreamTests {
    /// What a provider of Anthropic's said, step by step: thoughts, text in two parts, and two calls.
    static let steps: [AnswerEvent] = [
        .begin(AnswerHead(id: JSONString("msg_x"), model: JSONString("claude"))),
        .open(part: 0, .thinking),
        .thinking(part: 0, JSONString("Let me ")),
        .thinking(part: 0, JSONString("see.")),
        .signature(part: 0, JSONString("Er/U=")),
        .close(part: 0),
        .open(part: 1, .text),
        .text(part: 1, JSONString(checked: ByteBuffer(string: #""a\ud83d""#))),
        .text(part: 1, JSONString(checked: ByteBuffer(string: #""\ude00b""#))),
        .close(part: 1),
        .open(part: 2, .text),
        .text(part: 2, JSONString("second")),
        .close(part: 2),
        .open(part: 3, .toolCall(id: JSONString("toolu_1"), name: JSONString("f"), signature: nil)),
        .arguments(part: 3, JSONString(#"{"a""#)),
        .arguments(part: 3, JSONString(":1}")),
        .close(part: 3),
        .open(part: 4, .toolCall(id: JSONString("toolu_2"), name: JSONString("g"), signature: nil)),
        .close(part: 4),
        .finish(.toolCalls, stopSequence: nil),
        .usage(TokenUsage(input: 10, output: 5, cachedInput: 2)),
        .end,
    ]

    static func context(_ request: String = #"{"model":"m","input":"q"}"#, source: WireFormat = .anthropic) throws
        -> AnswerContext
    {
        var context = AnswerContext(
            id: "abc",
            created: 1_700_000_000,
            model: JSONString("m"),
            request: try ResponsesRequestReader.read(ByteBuffer(string: request))
        )
        context.source = source
        return context
    }

    static func written(_ steps: [AnswerEvent], _ context: AnswerContext) throws -> [ServerSentEvent] {
        let writer = ResponsesStreamWriter(context)
        var events: [ServerSentEvent] = []
        for step in steps { try writer.write(step) { event, _ in events.append(event) } }
        return events
    }

    static func read(_ events: [ServerSentEvent]) throws -> [AnswerEvent] {
        let reader = ResponsesStreamReader()
        var steps: [AnswerEvent] = []
        for event in events { try reader.read(event) { steps.append($0) } }
        try reader.finish { steps.append($0) }
        return steps
    }

    static func read(_ events: [String]) throws -> [AnswerEvent] {
        try self.read(events.map { ServerSentEvent(data: ByteBuffer(string: $0)) })
    }

    /// An event's data; half a character, which no text can be, becomes a question mark.
    static func data(of event: ServerSentEvent) throws -> JSONValue {
        let text = String(buffer: event.data)
        let isHalf = text.contains(#"\ud83d""#) || text.contains(#""\ude00"#)
        return try JSONValue.parse(
            isHalf ? text.replacing(#"\ud83d"#, with: "?").replacing(#"\ude00"#, with: "?") : text
        )
    }

    static func types(_ events: [ServerSentEvent]) -> [String] {
        events.map { String(buffer: $0.type ?? ByteBuffer()).replacing("response.", with: "") }
    }

    @Test func `events come in the order that the SDKs need`() throws {
        let events = try Self.written(Self.steps, try Self.context())
        #expect(
            Self.types(events) == [
                "created", "in_progress",
                "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
                "reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done",
                "output_item.done",
                "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
                "output_text.done", "content_part.done", "content_part.added", "output_text.delta",
                "output_text.done", "content_part.done", "output_item.done",
                "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
                "function_call_arguments.done", "output_item.done",
                "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
                "output_item.done",
                "completed",
            ]
        )
        for (index, event) in events.enumerated() {
            let data = try Self.data(of: event)
            #expect(data["sequence_number"]?.intValue == index)
            #expect(data["type"]?.stringValue == String(buffer: event.type ?? ByteBuffer()))
        }
    }

    @Test func `the last event holds the whole answer, as the items said it`() throws {
        let events = try Self.written(Self.steps, try Self.context())
        let last = try JSONValue.parse(try #require(events.last).data)
        let response = try #require(last["response"])
        let output = try JSONValue.parse(
            #"""
            [{"id":"rs_abc_0","type":"reasoning","summary":[{"type":"summary_text","text":"Let me see."}],
              "encrypted_content":"turnpike:1:anthropic:signature:Er/U="},
             {"id":"msg_abc_1","type":"message","status":"completed","role":"assistant","content":[
              {"type":"output_text","annotations":[],"logprobs":[],"text":"a😀b"},
              {"type":"output_text","annotations":[],"logprobs":[],"text":"second"}]},
             {"id":"fc_abc_2","type":"function_call","status":"completed","arguments":"{\"a\":1}",
             "call_id":"toolu_1","name":"f"},
             {"id":"fc_abc_3","type":"function_call","status":"completed","arguments":"{}","call_id":"toolu_2",
             "name":"g"}]
            """#
        )
        #expect(response["output"] == output)
        #expect(response["status"]?.stringValue == "completed")
        #expect(response["model"]?.stringValue == "claude")
        #expect(response["id"]?.stringValue == "resp_abc")
        let usage = try JSONValue.parse(
            #"""
            {"input_tokens":10,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":0},"output_tokens":5,
            "output_tokens_details":{"reasoning_tokens":0},"total_tokens":15}
            """#
        )
        #expect(response["usage"] == usage)
        let items = try events.map { try Self.data(of: $0) }
            .filter { $0["type"]?.stringValue == "response.output_item.done" }.compactMap { $0["item"] }
        #expect(JSONValue.array(items) == output)
    }

    @Test func `a written stream is read as what it was written from`() throws {
        let steps = try Self.read(try Self.written(Self.steps, try Self.context(source: .openAIResponses)))
        var collector = AnswerCollector(source: .openAIResponses)
        for step in steps { collector.take(step) }
        var expected = AnswerCollector(source: .openAIResponses)
        for step in Self.steps { expected.take(step) }
        #expect(collector.isComplete)
        #expect(Self.text(collector.answer) == Self.text(expected.answer))
        #expect(collector.answer.usage.input == 10)
        #expect(collector.answer.usage.cachedInput == 2)
        #expect(collector.answer.choices[0].finish == .toolCalls)
    }

    @Test(arguments: 0..<30)
    func `a stream cut after any event has no end`(count: Int) throws {
        let events = try Self.written(Self.steps, try Self.context())
        let steps = try Self.read(Array(events.prefix(count)))
        let hasEnd = steps.contains { if case .end = $0 { true } else { false } }
        let hasFinish = steps.contains { if case .finish = $0 { true } else { false } }
        #expect(!hasEnd || count == events.count)
        #expect(!hasFinish || count == events.count)
        // Parts follow each other.
        var open: Int?
        for step in steps {
            switch step {
            case .open(let part, _):
                #expect(open == nil)
                open = part
            case .close(let part):
                #expect(open == part)
                open = nil
            default: break
            }
        }
    }

    @Test func `whole answer and stream say the same`() throws {
        var collector = AnswerCollector(source: .anthropic)
        for step in Self.steps { collector.take(step) }
        let context = try Self.context()
        var whole = ByteBuffer()
        ResponsesAnswerWriter.write(collector.answer, context, into: &whole)
        let last = try JSONValue.parse(try #require(try Self.written(Self.steps, context).last).data)
        // Two texts in a row are parts of one message in both.
        #expect(last["response"] == (try JSONValue.parse(whole)))
    }

    static let endings: [(FinishReason, String, String?)] = [
        (.length, "incomplete", "max_output_tokens"), (.contextFull, "incomplete", "max_output_tokens"),
        (.contentFilter, "incomplete", "content_filter"), (.error, "failed", nil), (.stopSequence, "completed", nil),
    ]

    @Test(arguments: Self.endings)
    func `an answer that is not whole ends as such`(reason: FinishReason, status: String, detail: String?) throws {
        let steps: [AnswerEvent] = [
            .begin(AnswerHead()), .open(part: 0, .text), .text(part: 0, JSONString("x")), .close(part: 0),
            .finish(reason, stopSequence: nil), .end,
        ]
        let events = try Self.written(steps, try Self.context())
        let last = try JSONValue.parse(try #require(events.last).data)
        #expect(last["type"]?.stringValue == "response." + status)
        #expect(last["response"]?["status"]?.stringValue == status)
        #expect(last["response"]?["incomplete_details"]?["reason"]?.stringValue == detail)
        #expect(last["response"]?["usage"]?.isNull == true)
        #expect((last["response"]?["error"]?.isNull == true) == (status != "failed"))
    }

    @Test func `empty parts are not spoken of, and an empty answer ends`() throws {
        let steps: [AnswerEvent] = [
            .begin(AnswerHead()), .open(part: 0, .text), .text(part: 0, .empty), .close(part: 0),
            .open(part: 1, .thinking), .close(part: 1), .finish(.stop, stopSequence: nil), .end,
        ]
        let events = try Self.written(steps, try Self.context())
        #expect(Self.types(events) == ["created", "in_progress", "completed"])
    }

    @Test func `a refusal has its own events`() throws {
        let steps: [AnswerEvent] = [
            .open(part: 0, .refusal), .refusal(part: 0, JSONString("I can")), .refusal(part: 0, JSONString("not.")),
            .close(part: 0), .finish(.stop, stopSequence: nil), .end,
        ]
        let events = try Self.written(steps, try Self.context())
        #expect(
            Self.types(events) == [
                "created", "in_progress", "output_item.added", "content_part.added", "refusal.delta", "refusal.delta",
                "refusal.done", "content_part.done", "output_item.done", "completed",
            ]
        )
        let read = try Self.read(events)
        var collector = AnswerCollector(source: .openAIResponses)
        for step in read { collector.take(step) }
        guard case .refusal(let text)? = collector.answer.choices[0].parts.first?.content else {
            Issue.record("no refusal")
            return
        }
        #expect(text.text == "I cannot.")
    }

    @Test func `hidden thoughts and the signature of a call travel in items of their own`() throws {
        let steps: [AnswerEvent] = [
            .begin(AnswerHead()), .open(part: 0, .redactedThinking(JSONString("XYZ="))), .close(part: 0),
            .open(part: 1, .toolCall(id: JSONString("c"), name: JSONString("f"), signature: JSONString("SIG"))),
            .close(part: 1), .finish(.toolCalls, stopSequence: nil), .end,
        ]
        let events = try Self.written(steps, try Self.context(source: .gemini))
        let output = try JSONValue.parse(try #require(events.last).data)["response"]?["output"]
        #expect(output?[0]?["encrypted_content"]?.stringValue == "turnpike:1:gemini:redacted:XYZ=")
        #expect(output?[1]?["encrypted_content"]?.stringValue == "turnpike:1:gemini:call:SIG")
        #expect(output?[2]?["type"]?.stringValue == "function_call")
        #expect(output?[3] == nil)
    }

    @Test func `sources become annotations`() throws {
        let chat = #"{"type":"url_citation","url_citation":{"start_index":1,"end_index":2,"url":"u","title":"t"}}"#
        let anthropic = #"{"type":"web_search_result_location","url":"w","title":"T","cited_text":"x"}"#
        let document = #"{"type":"char_location","cited_text":"x","document_index":0}"#
        let steps: [AnswerEvent] = [
            .begin(AnswerHead()), .open(part: 0, .text), .text(part: 0, JSONString("añb")),
            .citation(part: 0, JSONFragment(checked: ByteBuffer(string: chat))),
            .citation(part: 0, JSONFragment(checked: ByteBuffer(string: anthropic))),
            .citation(part: 0, JSONFragment(checked: ByteBuffer(string: document))),
            .close(part: 0), .finish(.stop, stopSequence: nil), .end,
        ]
        let events = try Self.written(steps, try Self.context())
        let output = try JSONValue.parse(try #require(events.last).data)["response"]?["output"]
        let expected = try JSONValue.parse(
            #"""
            [{"type":"url_citation","start_index":1,"end_index":2,"url":"u","title":"t"},
            {"type":"url_citation","start_index":0,"end_index":3,"url":"w","title":"T"}]
            """#
        )
        #expect(output?[0]?["content"]?[0]?["annotations"] == expected)
        #expect(Self.types(events).count { $0 == "output_text.annotation.added" } == 2)
    }

    /// An answer in a form to compare.
    static func text(_ answer: ChatAnswer) -> [String] {
        (answer.choices.first?.parts ?? []).map { part in
            switch part.content {
            case .text(let text): "text \(text.text ?? "?")"
            case .refusal(let text): "refusal \(text.text ?? "?")"
            case .thinking(let thoughts):
                [thoughts.text, thoughts.signature, thoughts.redacted].reduce("thinking") {
                    $0 + " " + ($1?.text ?? "-")
                }
            case .toolCall(let call):
                "call \(call.id.text ?? "?") \(call.name.text ?? "?") \(call.arguments.asString.text ?? "?")"
            default: "other"
            }
        }
    }
}
