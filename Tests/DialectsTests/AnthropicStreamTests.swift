import Chat
import Core
import Dialects
import NIOCore
import Testing
import Wire

struct AnthropicStreamReaderTests {
    private static let start =
        #"{"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":10,"#
        + #""output_tokens":1}}}"#

    private static func block(_ index: Int, _ content: String) -> String {
        #"{"type":"content_block_start","index":\#(index),"content_block":\#(content)}"#
    }

    private static func delta(_ index: Int, _ delta: String) -> String {
        #"{"type":"content_block_delta","index":\#(index),"delta":\#(delta)}"#
    }

    private static func stop(_ index: Int) -> String { #"{"type":"content_block_stop","index":\#(index)}"# }

    private static func end(_ reason: String) -> [String] {
        [
            #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":null},"#
                + #""usage":{"output_tokens":9}}"#,
            #"{"type":"message_stop"}"#,
        ]
    }

    @Test func `text, thoughts and calls come in their order`() throws {
        let steps = try Anthropic.steps(
            [
                Self.start, Self.block(0, #"{"type":"thinking","thinking":"","signature":""}"#),
                #"{"type":"ping"}"#, Self.delta(0, #"{"type":"thinking_delta","thinking":"hm"}"#),
                Self.delta(0, #"{"type":"signature_delta","signature":"sig"}"#), Self.stop(0),
                Self.block(1, #"{"type":"redacted_thinking","data":"xx"}"#), Self.stop(1),
                Self.block(2, #"{"type":"text","text":""}"#), Self.delta(2, #"{"type":"text_delta","text":"H\u00e9"}"#),
                Self.delta(2, #"{"type":"citations_delta","citation":{"type":"char_location"}}"#), Self.stop(2),
                Self.block(3, #"{"type":"tool_use","id":"t1","name":"a","input":{}}"#),
                Self.delta(3, #"{"type":"input_json_delta","partial_json":""}"#),
                Self.delta(3, #"{"type":"input_json_delta","partial_json":"{\"x\":1}"}"#), Self.stop(3),
                Self.block(4, #"{"type":"tool_use","id":"t2","name":"b","input":{}}"#),
                Self.delta(4, #"{"type":"input_json_delta","partial_json":""}"#), Self.stop(4),
            ] + Self.end("tool_use")
        )
        #expect(
            steps == [
                "begin msg_1 claude-x", "usage 10/-/-/1/-", "open 0 thinking", #"thinking 0 "hm""#, "signature 0 sig",
                "close 0", "open 1 redacted xx", "close 1", "open 2 text", #"text 2 "H\u00e9""#,
                #"citation 2 {"type":"char_location"}"#, "close 2", "open 3 call t1 a",
                #"arguments 3 "{\"x\":1}""#, "close 3", "open 4 call t2 b", "close 4", "finish toolCalls -",
                "usage 10/-/-/9/-", "end",
            ]
        )
    }

    @Test func `events that nobody here knows are passed over, and blocks are told to be there`() throws {
        let steps = try Anthropic.steps(
            [
                Self.start, #"{"type":"message_warning","text":1}"#, #"{}"#,
                Self.block(0, #"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#),
                Self.delta(0, #"{"type":"input_json_delta","partial_json":"{}"}"#), Self.stop(0),
                Self.block(1, #"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#), Self.stop(1),
                Self.block(2, #"{"type":"text","text":"A"}"#), Self.delta(2, #"{"type":"new_delta","x":1}"#),
                Self.delta(7, #"{"type":"text_delta","text":"lost"}"#), Self.stop(7), Self.stop(2), "[DONE]",
            ] + Self.end("end_turn")
        )
        #expect(
            steps == [
                "begin msg_1 claude-x", "usage 10/-/-/1/-", "unsaid answer.content", "unsaid answer.content",
                "open 0 text", #"text 0 "A""#, "close 0", "finish stop -", "usage 10/-/-/9/-", "end",
            ]
        )
        let reader = Codecs.streamReader(.anthropic)
        let odd = ServerSentEvent(data: ByteBuffer(string: "not json"), type: ByteBuffer(string: "vendor_note"))
        try reader.read(odd) { _ in #expect(Bool(false)) }
        try reader.read(ServerSentEvent(data: ByteBuffer(string: "x"), isComment: true)) { _ in #expect(Bool(false)) }
        #expect(throws: AnswerUnreadable.garbled) {
            try reader.read(ServerSentEvent(data: ByteBuffer(string: "not json"))) { _ in }
        }
    }

    @Test func `a stream that is cut anywhere has no end`() throws {
        let events =
            [
                Self.start, Self.block(0, #"{"type":"text","text":""}"#),
                Self.delta(0, #"{"type":"text_delta","text":"a"}"#), Self.stop(0),
            ] + Self.end("end_turn")
        for count in 0..<events.count {
            #expect(try !Anthropic.steps(Array(events.prefix(count))).contains("end"))
        }
        #expect(try Anthropic.steps(events).last == "end")
        // Without a reason nothing says that the model was done.
        #expect(try !Anthropic.steps([Self.start, #"{"type":"message_stop"}"#]).contains("end"))
    }

    @Test func `later figures take the place of earlier ones, and the cache counts as input`() throws {
        let steps = try Anthropic.steps([
            #"{"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":100,"#
                + #""cache_creation_input_tokens":null,"output_tokens":1}}}"#,
            #"{"type":"message_delta","delta":{},"usage":{"output_tokens":4}}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"#
                + #""usage":{"input_tokens":7,"cache_creation_input_tokens":20,"output_tokens":8,"#
                + #""output_tokens_details":{"thinking_tokens":2}}}"#,
            #"{"type":"message_stop"}"#,
        ])
        #expect(
            steps == [
                "begin - -", "usage 105/100/-/1/-", "usage 105/100/-/4/-", "finish stopSequence END",
                "usage 127/100/20/8/2", "end",
            ]
        )
    }

    @Test func `an error in the stream is a failure`() throws {
        let error = #"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#
        #expect(try Anthropic.steps([Self.start, error]).last == "failure \(error)")
    }

    @Test func `arguments that come whole, and an answer by tool, are read too`() throws {
        let whole = try Anthropic.steps([
            Self.start, Self.block(0, #"{"type":"tool_use","id":"t","name":"a","input":{"x":"é"}}"#), Self.stop(0),
        ])
        #expect(Array(whole.suffix(3)) == ["open 0 call t a", #"arguments 0 "{\"x\":\"é\"}""#, "close 0"])
        let answer = try Anthropic.steps(
            [
                Self.start, Self.block(0, #"{"type":"tool_use","id":"t","name":"turnpike_answer","input":{}}"#),
                Self.delta(0, #"{"type":"input_json_delta","partial_json":"{\"a\":"}"#),
                Self.delta(0, #"{"type":"input_json_delta","partial_json":"1}"}"#), Self.stop(0),
            ] + Self.end("tool_use")
        )
        #expect(
            Array(answer.suffix(7)) == [
                "open 0 text", #"text 0 "{\"a\":""#, #"text 0 "1}""#, "close 0", "finish stop -",
                "usage 10/-/-/9/-", "end",
            ]
        )
    }

    @Test func `odd Unicode goes through as it came`() throws {
        let text = #""\ud83d \u2028\u0000 😀""#
        let steps = try Anthropic.steps([
            Self.start, Self.block(0, #"{"type":"text","text":""}"#),
            Self.delta(0, #"{"type":"text_delta","text":\#(text)}"#),
        ])
        #expect(steps.last == "text 0 \(text)")
    }
}

struct AnthropicStreamWriterTests {
    private static let head = AnswerEvent.begin(AnswerHead(id: JSONString("chatcmpl-1"), model: JSONString("gpt")))

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingPrefix(while: \.isWhitespace) }.map(String.init)
    }

    @Test func `events come as the SDKs add them up`() throws {
        let events = try Anthropic.events([
            Self.head, .open(part: 0, .thinking), .thinking(part: 0, JSONString("hm")),
            .signature(part: 0, JSONString("s")), .close(part: 0), .open(part: 1, .text), .close(part: 1),
            .open(part: 2, .text), .text(part: 2, JSONString("")), .text(part: 2, JSONString("Hé\n")), .close(part: 2),
            .open(part: 3, .toolCall(id: JSONString("c1"), name: JSONString("look"), signature: nil)),
            .arguments(part: 3, JSONString(#"{"a":1}"#)), .close(part: 3),
            .open(part: 4, .toolCall(id: JSONString("c2"), name: JSONString("look"), signature: nil)), .close(part: 4),
            .finish(.toolCalls, stopSequence: nil), .usage(TokenUsage(input: 30, output: 6, cachedInput: 10)), .end,
        ])
        #expect(
            events
                == Self.lines(
                    #"""
                    message_start {"type":"message_start","message":{"id":"msg_abc","type":"message",\#
                    "role":"assistant","model":"gpt","content":[],"stop_reason":null,"stop_sequence":null,\#
                    "usage":{"input_tokens":0,"output_tokens":0}}}
                    content_block_start {"type":"content_block_start","index":0,"content_block":{"type":"thinking",\#
                    "thinking":"","signature":""}}
                    content_block_delta {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta",\#
                    "thinking":"hm"}}
                    content_block_delta {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta",\#
                    "signature":"turnpike:openai-chat::s"}}
                    content_block_stop {"type":"content_block_stop","index":0}
                    content_block_start {"type":"content_block_start","index":1,"content_block":{"type":"text",\#
                    "text":""}}
                    content_block_delta {"type":"content_block_delta","index":1,"delta":{"type":"text_delta",\#
                    "text":"Hé\n"}}
                    content_block_stop {"type":"content_block_stop","index":1}
                    content_block_start {"type":"content_block_start","index":2,"content_block":{"type":"tool_use",\#
                    "id":"c1","name":"look","input":{}}}
                    content_block_delta {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta",\#
                    "partial_json":"{\"a\":1}"}}
                    content_block_stop {"type":"content_block_stop","index":2}
                    content_block_start {"type":"content_block_start","index":3,"content_block":{"type":"tool_use",\#
                    "id":"c2","name":"look","input":{}}}
                    content_block_delta {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta",\#
                    "partial_json":""}}
                    content_block_stop {"type":"content_block_stop","index":3}
                    message_delta {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},\#
                    "usage":{"input_tokens":20,"cache_read_input_tokens":10,"output_tokens":6}}
                    message_stop {"type":"message_stop"}
                    """#
                )
        )
    }

    @Test func `a refusal is a text that ends as one, and nothing ends without an end`() throws {
        let steps: [AnswerEvent] = [
            Self.head, .open(part: 0, .refusal), .refusal(part: 0, JSONString("No.")), .close(part: 0),
            .finish(.stop, stopSequence: nil),
        ]
        #expect(try !Anthropic.events(steps).contains { $0.hasPrefix("message_delta") })
        let whole = try Anthropic.events(steps + [.end])
        #expect(whole.contains { $0.contains(#""text":"No.""#) })
        #expect(whole.contains { $0.contains(#""stop_reason":"refusal""#) })
    }

    @Test func `what Anthropic streams is written as it was`() throws {
        let events = [
            #"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","#
                + #""content":[],"#
                + #""stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","#
                + #""signature":""}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"t"}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
            #"{"type":"content_block_stop","index":0}"#,
            #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a"}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","#
                + #""citation":{"type":"page_location"}}}"#,
            #"{"type":"content_block_stop","index":1}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"#
                + #""usage":{"input_tokens":3,"output_tokens":5}}"#,
            #"{"type":"message_stop"}"#,
        ]
        let reader = Codecs.streamReader(.anthropic)
        let writer = try Codecs.streamWriter(.anthropic, Anthropic.context(source: .anthropic))
        var written: [String] = []
        for data in events {
            try reader.read(ServerSentEvent(data: ByteBuffer(string: data))) { step in
                try writer.write(step) { event, _ in written.append(String(buffer: event.data)) }
            }
        }
        // The figures come a step after the beginning.
        #expect(written.dropFirst() == events.dropFirst())
    }
}
