import Chat
import Core
import NIOCore
import Testing
import Wire

@testable import Dialects

struct ResponsesAnswerTests {
    static let answer = #"""
        {"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"gpt-x","error":null,
        "incomplete_details":null,"output":[
        {"id":"rs_1","type":"reasoning",
        "summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],
        "encrypted_content":"gAA"},
        {"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}},
        {"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[
        {"type":"output_text","text":"Hi","annotations":[{"type":"file_path","file_id":"f","index":0}],
        "logprobs":[{"token":"Hi","bytes":[72],"logprob":-0.5,"top_logprobs":[]}]},
        {"type":"refusal","refusal":"no"}]},
        {"id":"fc_1","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
        {"id":"ctc_1","type":"custom_tool_call","call_id":"c2","name":"sh","input":"ls"},
        {"id":"ig_1","type":"image_generation_call","status":"completed","result":"iVBORw0KGgo=",
        "output_format":"png"}],
        "service_tier":"flex","usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":3,
        "cache_write_tokens":1},
        "output_tokens":20,"output_tokens_details":{"reasoning_tokens":7},"total_tokens":30}}
        """#

    static func read(_ text: String) throws -> ChatAnswer { try ResponsesAnswerReader.read(ByteBuffer(string: text)) }

    @Test func `an answer is read with all that it holds`() throws {
        let answer = try Self.read(Self.answer)
        #expect(answer.model == JSONString("gpt-x"))
        #expect(answer.serviceTier == JSONString("flex"))
        #expect(answer.usage == TokenUsage(input: 10, output: 20, cachedInput: 3, cacheWrite: 1, reasoning: 7))
        let choice = answer.choices[0]
        #expect(choice.finish == .toolCalls)
        #expect(
            ResponsesStreamTests.text(answer) == [
                "thinking a\n\nb gAA -", "other", "text Hi", "refusal no", #"call c1 f {"a":1}"#, "call c2 sh ls",
                "other",
            ]
        )
        #expect(choice.parts[2].citations.count == 1)
        let logprobs = try #require(choice.logprobs)
        #expect(try JSONValue.parse(logprobs.bytes)["content"]?[0]?["logprob"] == .number("-0.5"))
        guard case .image(let media) = choice.parts[6].content else {
            Issue.record("no image")
            return
        }
        #expect(media.mediaType == JSONString("image/png"))
    }

    @Test func `read and written in the same dialect the output is the same but for the ids`() throws {
        let answer = try Self.read(Self.answer)
        var body = ByteBuffer()
        ResponsesAnswerWriter.write(answer, try ResponsesStreamTests.context(source: .openAIResponses), into: &body)
        let output = try JSONValue.parse(body)["output"]
        let expected = try JSONValue.parse(
            Self.answer.replacing("rs_1", with: "rs_abc_0").replacing("msg_1", with: "msg_abc_2")
                .replacing("\"fc_1", with: "\"fc_abc_3").replacing("ctc_1", with: "ctc_abc_4")
                .replacing("ig_1", with: "ig_abc_5")
                .replacing(#""a"},{"type":"summary_text","text":"b""#, with: #""a\n\nb""#)
        )["output"]
        #expect(output?.sorted == expected?.sorted)
    }

    @Test(arguments: [
        (
            #"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}"#,
            FinishReason.length
        ),
        (#"{"incomplete_details":{"reason":"content_filter"},"status":"incomplete","output":[]}"#, .contentFilter),
        (#"{"status":"completed","output":[]}"#, .stop),
        (#"{"output":[]}"#, .stop),
        (#"{"status":"cancelled","output":[]}"#, .error),
    ])
    func `how it ended is understood`(text: String, reason: FinishReason) throws {
        let answer = try Self.read(text)
        #expect(answer.choices[0].finish == reason)
        #expect(answer.usage.isEmpty)
    }

    @Test(arguments: [
        "[]", "{}", #"{"status":"queued","output":[]}"#, #"{"output":[{"id":"x"}]}"#, "{\"output\":[", "",
    ])
    func `what is no answer is garbled`(text: String) {
        #expect(throws: AnswerUnreadable.garbled) { try Self.read(text) }
    }

    @Test func `a response that failed is the provider's error`() {
        let text = #"{"id":"r","status":"failed","error":{"code":"server_error","message":"m"},"output":[]}"#
        #expect(
            throws: AnswerUnreadable.failure(
                body: ByteBuffer(string: #"{"error":{"code":"server_error","message":"m"}}"#)
            )
        ) { try Self.read(text) }
    }

    @Test func `the settings of the request come back`() throws {
        let request = #"""
            {"model":"m","instructions":"Be.","input":"q","tools":[{"type":"function","name":"f",
            "parameters":{"type":"object"}},
            {"type":"web_search"}],"tool_choice":"required","temperature":0.5,"reasoning":{"effort":"low"},
            "text":{"format":{"type":"json_schema","name":"n","schema":{}},"verbosity":"low"},"store":false,
            "metadata":{"k":"v"},"max_output_tokens":50,"parallel_tool_calls":false,"safety_identifier":"s",
            "truncation":"auto"}
            """#
        var body = ByteBuffer()
        let answer = ChatAnswer(choices: [AnswerChoice(parts: [], finish: .stop)], usage: TokenUsage())
        ResponsesAnswerWriter.write(answer, try ResponsesStreamTests.context(request), into: &body)
        let expected = try JSONValue.parse(
            #"""
            {"id":"resp_abc","object":"response","created_at":1700000000,"status":"completed","error":null,
            "incomplete_details":null,"model":"m","output":[],"background":false,"instructions":"Be.",
            "max_output_tokens":50,
            "max_tool_calls":null,"metadata":{"k":"v"},"parallel_tool_calls":false,"previous_response_id":null,
            "reasoning":{"effort":"low","summary":null},"safety_identifier":"s","store":false,"temperature":0.5,
            "text":{"format":{"type":"json_schema","name":"n","schema":{},"strict":false},"verbosity":"low"},
            "tool_choice":"required","tools":[{"type":"function","name":"f","description":null,
            "parameters":{"type":"object"},"strict":false},
            {"type":"web_search"}],"top_logprobs":0,"top_p":null,"truncation":"auto","user":null,"usage":null}
            """#
        )
        #expect(try JSONValue.parse(body) == expected)
    }

    @Test func `a provider that skips events is still understood`() throws {
        let item = #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}"#
        let end = #"{"type":"response.completed","response":{"status":"completed","output":[ITEM]}}"#
            .replacing("ITEM", with: item)
        for events in [
            [end],
            [#"{"type":"response.output_item.done","output_index":0,"item":ITEM}"#.replacing("ITEM", with: item), end],
            [
                #"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#,
                #"{"type":"response.output_text.delta","delta":"Hi"}"#, end,
            ],
            [
                #"{"type":"response.created","response":{"id":"r","model":"m"}}"#,
                #"{"type":"response.content_part.added","output_index":0,"part":{"type":"output_text","text":""}}"#,
                #"{"type":"response.output_text.done","output_index":0,"text":"Hi"}"#,
                #"{"type":"response.content_part.done","output_index":0,"part":{"type":"output_text","text":"Hi"}}"#,
                #"{"type":"response.output_item.done","output_index":0,"item":ITEM}"#.replacing("ITEM", with: item),
                end,
            ],
        ] {
            var collector = AnswerCollector(source: .openAIResponses)
            for step in try ResponsesStreamTests.read(events) { collector.take(step) }
            #expect(ResponsesStreamTests.text(collector.answer) == ["text Hi"], "\(events)")
            #expect(collector.isComplete)
        }
    }

    @Test(arguments: [
        (
            #"{"type":"error","code":"server_error","message":"m","param":null}"#,
            #"{"code":"server_error","message":"m"}"#
        ),
        (#"{"type":"error","error":{"message":"m"}}"#, #"{"message":"m"}"#),
        (#"{"error":{"message":"m"}}"#, #"{"message":"m"}"#),
        (
            #"{"type":"response.failed","response":{"status":"failed","error":{"code":"c","message":"m"}}}"#,
            #"{"code":"c","message":"m"}"#
        ),
    ])
    func `an error in a stream is a failure`(event: String, error: String) throws {
        let steps = try ResponsesStreamTests.read([event, #"{"type":"response.completed","response":{"output":[]}}"#])
        guard steps.count == 1, case .failure(let body, _) = steps[0] else {
            Issue.record("not one failure: \(steps)")
            return
        }
        #expect(String(buffer: body) == "{\"error\":\(error)}")
    }

    @Test func `a collector keeps no more than it may`() {
        var collector = AnswerCollector(source: .cohere, bytesMax: 5)
        for step in ResponsesStreamTests.steps { collector.take(step) }
        #expect(collector.isCut)
        #expect(ResponsesStreamTests.text(collector.answer).first == "thinking  Er/U= -")
        #expect(collector.isComplete)
    }
}
