import Chat
import Core
import Dialects
import NIOCore
import Testing

/// Whole answers of Bedrock's `Converse`.
@Suite struct ConverseAnswerTests {
    static func read(_ text: String) throws -> ChatAnswer {
        try Codecs.readAnswer(ByteBuffer(string: text), as: .bedrock)
    }

    /// An answer with this content, as Bedrock sends it.
    static func answer(_ content: String, _ reason: String = "end_turn", _ more: String = "") -> String {
        #"{"metrics":{"latencyMs":1012},"output":{"message":{"content":[\#(content)],"role":"assistant"}},"#
            + #""stopReason":"\#(reason)","usage":{"inputTokens":10,"outputTokens":25,"totalTokens":35}\#(more)}"#
    }

    static func shown(_ part: ContentPart) -> String {
        func text(_ string: JSONString?) -> String { string.map { String(buffer: $0.bytes) } ?? "-" }
        return switch part.content {
        case .text(let string): "text \(text(string))"
        case .thinking(let thinking):
            "thinking \(text(thinking.text)) \(text(thinking.signature)) \(text(thinking.redacted)) \(thinking.format)"
        case .toolCall(let call):
            "call \(text(call.id)) \(text(call.name)) \(String(buffer: call.arguments.asString.utf8))"
        case .image(let media): "image \(text(media.mediaType))"
        case .other(let fragment): "other \(String(buffer: fragment.bytes))"
        case .audio, .file, .toolResult, .refusal: "unexpected"
        }
    }

    @Test func `thoughts, text and calls are read in their order, texts as they were written`() throws {
        let answer = try Self.read(
            Self.answer(
                #"{"reasoningContent":{"reasoningText":{"signature":"EqQB","text":"Hm"}}},"#
                    + #"{"reasoningContent":{"redactedContent":"EmwK"}},{"text":"Gr\u00fc\u00dfe\n"},"#
                    + #"{"toolUse":{"input":{"city": "Paris"},"name":"get_weather","toolUseId":"tooluse_1"}},"#
                    + #"{"toolUse":{"input":{},"name":"now","toolUseId":"tooluse_2"}},"#
                    + #"{"image":{"format":"png","source":{"bytes":"iVBO"}}},{"video":{"format":"mp4"}}"#,
                "tool_use"
            )
        )
        let choice = try #require(answer.choices.first)
        #expect(answer.choices.count == 1 && choice.finish == .toolCalls && choice.stopSequence == nil)
        #expect(
            choice.parts.map(Self.shown) == [
                #"thinking "Hm" "EqQB" - bedrock"#, #"thinking "" - "EmwK" bedrock"#, #"text "Gr\u00fc\u00dfe\n""#,
                #"call "tooluse_1" "get_weather" {"city": "Paris"}"#, #"call "tooluse_2" "now" {}"#,
                #"image "image/png""#, #"other {"video":{"format":"mp4"}}"#,
            ]
        )
        #expect(answer.usage == TokenUsage(input: 10, output: 25))
        #expect(answer.rest.map { $0.name.text } == ["metrics"])
    }

    @Test func `tokens of the cache are among those that were read, and no sum overflows (row 60)`() throws {
        func usage(_ text: String) throws -> TokenUsage {
            let start = #"{"output":{"message":{"content":[],"role":"assistant"}},"stopReason":"end_turn""#
            return try Self.read(start + text + "}").usage
        }
        #expect(try usage("").isEmpty)
        let cached =
            #","usage":{"inputTokens":10,"outputTokens":5,"cacheReadInputTokens":100,"cacheWriteInputTokens":7}"#
        #expect(try usage(cached) == TokenUsage(input: 117, output: 5, cachedInput: 100, cacheWrite: 7))
        let long =
            #","usage":{"inputTokens":1,"outputTokens":5,"cacheWriteInputTokens":7,"cacheDetails":"#
            + #"[{"ttl":"5m","inputTokens":3},{"ttl":"1h","inputTokens":4},{"ttl":"1h","inputTokens":-4},null]}"#
        #expect(try usage(long) == TokenUsage(input: 8, output: 5, cacheWrite: 7, cacheWriteLong: 4))
        let most = #","usage":{"inputTokens":9223372036854775807,"cacheReadInputTokens":9223372036854775807}"#
        #expect(try usage(most).input == .max)
        #expect(try usage(#","usage":{"inputTokens":-1,"outputTokens":"5"}"#).isEmpty)
    }

    @Test func `text with sources is one text, and its sources go along`() throws {
        let answer = try Self.read(
            Self.answer(
                #"{"citationsContent":{"citations":[{"title":"A"},{"title":"B"}],"#
                    + #""content":[{"text":"One "},{"text":"two"}]}}"#
            )
        )
        let part = try #require(answer.choices.first?.parts.first)
        #expect(Self.shown(part) == #"text "One two""#)
        #expect(part.citations.map { String(buffer: $0.bytes) } == [#"{"title":"A"}"#, #"{"title":"B"}"#])
    }

    @Test func `an answer that came as arguments of its own tool is text again`() throws {
        let form = #"{"toolUse":{"input":{"name": "Ann"},"name":"turnpike_answer","toolUseId":"t"}}"#
        let answer = try Self.read(Self.answer(form, "tool_use"))
        #expect(answer.choices.first?.finish == .stop)
        #expect(answer.choices.first?.parts.map(Self.shown) == [#"text "{\"name\": \"Ann\"}""#])
        let call = #",{"toolUse":{"input":{},"name":"now","toolUseId":"t2"}}"#
        #expect(try Self.read(Self.answer(form + call, "tool_use")).choices.first?.finish == .toolCalls)
        #expect(try Self.read(Self.answer(form, "max_tokens")).choices.first?.finish == .length)
    }

    @Test func `tier and stop text are told`() throws {
        let more = #","serviceTier":{"type":"flex"},"additionalModelResponseFields":{"stop_sequence":"END"}"#
        let answer = try Self.read(Self.answer(#"{"text":"a"}"#, "stop_sequence", more))
        #expect(answer.serviceTier?.text == "flex")
        #expect(answer.choices.first?.stopSequence?.text == "END" && answer.choices.first?.finish == .stopSequence)
    }

    @Test func `an error inside of a 200 is an error, and anything else is garbled`() throws {
        let error = #"{"message":"The model is not ready."}"#
        #expect(throws: AnswerUnreadable.failure(body: ByteBuffer(string: error))) { try Self.read(error) }
        let broken = [
            "", "[]", "null", "{}", #"{"output":{}}"#, #"{"stopReason":"end_turn"}"#, "<html>",
            #"{"output":{"message":{"content":[]}}}"#, Self.answer("1"), Self.answer(#"{"text":1}"#),
            Self.answer(#"{"toolUse":{"name":"x"}}"#), Self.answer(#"{"text":"a"}"#) + "x",
            String(Self.answer(#"{"text":"a"}"#).dropLast()),
        ]
        for text in broken {
            #expect(throws: AnswerUnreadable.garbled, "\(text)") { try Self.read(text) }
        }
    }
}
