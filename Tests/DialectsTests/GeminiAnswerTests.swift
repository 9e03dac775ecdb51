import Chat
import Core
import Dialects
import NIOCore
import Testing

struct GeminiAnswerTests {
    private func read(_ name: String) throws -> ChatAnswer {
        try GeminiAnswerReader.read(ByteBuffer(string: try ProviderSide.fixture("gemini/answer-\(name).json")))
    }

    @Test func `a plain answer keeps its id, its model and what nobody here knows`() throws {
        let answer = try self.read("plain")
        #expect(answer.id?.text == "rEsP0nse1d")
        #expect(answer.model?.text == "gemini-2.5-flash")
        #expect(answer.choices.count == 1)
        #expect(answer.choices[0].finish == .stop)
        #expect(answer.choices[0].parts.map(\.brief) == ["text Hello"])
        #expect(answer.choices[0].rest["avgLogprobs"] != nil)
        #expect(answer.usage == TokenUsage(input: 5, output: 2, cachedInput: 3))
    }

    @Test func `thoughts of several parts are one, and calls get ids that stay the same`() throws {
        let answer = try self.read("thinking-tools")
        let parts = answer.choices[0].parts
        #expect(answer.choices[0].finish == .toolCalls)
        #expect(answer.usage == TokenUsage(input: 11, output: 39, reasoning: 30))
        #expect(parts.count == 4)
        guard case .thinking(let thinking) = parts[0].content, case .toolCall(let one) = parts[2].content,
            case .toolCall(let two) = parts[3].content
        else {
            Issue.record("\(parts.map(\.brief))")
            return
        }
        #expect(thinking.text.text == "I think more")
        #expect(thinking.signature?.text == "c2ln")
        #expect(thinking.format == .gemini)
        #expect(one.signature?.content == ByteBuffer(string: "YWJj="))
        #expect(one.arguments.asString.text?.contains(#""y": null"#) == true)
        #expect(two.arguments.asObject?.bytes == ByteBuffer(string: "{}"))
        let ids = [one.id.text ?? "", two.id.text ?? ""]
        #expect(ids[0] != ids[1])
        #expect(ids.allSatisfy { $0.hasPrefix("call_") && $0.utf8.count == 21 })
        let again = try self.read("thinking-tools").choices[0].parts[2].content
        if case .toolCall(let call) = again { #expect(call.id == one.id) }
    }

    @Test func `a blocked prompt is an answer without parts`() throws {
        let answer = try self.read("blocked")
        #expect(answer.choices.map(\.finish) == [.contentFilter])
        #expect(answer.choices[0].parts.isEmpty)
        #expect(answer.usage == TokenUsage(input: 7, output: 0))
        #expect(answer.rest["promptFeedback"] != nil)
    }

    @Test func `several candidates are several choices`() throws {
        let answer = try self.read("choices")
        #expect(answer.choices.map(\.finish) == [.stop, .contentFilter])
        #expect(answer.choices.map { $0.parts.map(\.brief) } == [["text one"], ["text two"]])
    }

    @Test func `a picture is unescaped, code is kept whole, log probabilities come as OpenAI's`() throws {
        let choice = try self.read("image-code").choices[0]
        guard case .other(let code) = choice.parts[0].content, case .image(let image) = choice.parts[1].content else {
            Issue.record("\(choice.parts.map(\.brief))")
            return
        }
        #expect(code.value(for: "executableCode") != nil)
        #expect(image.source == .data(ByteBuffer(string: "iVBORw0KGgo=")))
        #expect(
            choice.logprobs.map { String(buffer: $0.bytes) }
                == #"{"content":[{"token":"Hi","logprob":-0.25,"bytes":null,"top_logprobs":["#
                + #"{"token":"Hi","logprob":-0.25,"bytes":null},{"token":"Ho","logprob":-2,"bytes":null}]},"#
                + #"{"token":"!","logprob":0,"bytes":null,"top_logprobs":[]}],"refusal":null}"#
        )
    }

    @Test func `an error is one, and what is cut or something else is garbled`() throws {
        let error = try ProviderSide.fixture("gemini/answer-error.json")
        #expect(throws: AnswerUnreadable.failure(body: ByteBuffer(string: error))) { try self.read("error") }
        let whole = try ProviderSide.fixture("gemini/answer-thinking-tools.json")
        let bytes = Array(whole.utf8)
        for end in bytes.indices {
            #expect(throws: AnswerUnreadable.garbled) {
                try GeminiAnswerReader.read(ByteBuffer(bytes: bytes[..<end]))
            }
        }
        for body in ["{}", "[]", "null", #"{"candidates":[]}"#, #"{"candidates":[{"content":{"parts":[1]}}]}"#] {
            #expect(throws: AnswerUnreadable.garbled) { try GeminiAnswerReader.read(ByteBuffer(string: body)) }
        }
    }

    @Test func `counts that no counter can hold are no counts`() throws {
        let body =
            #"{"candidates":[{}],"usageMetadata":{"promptTokenCount":1e99,"candidatesTokenCount":-3,"#
            + #""thoughtsTokenCount":9223372036854775807,"toolUsePromptTokenCount":4}}"#
        let usage = try GeminiAnswerReader.read(ByteBuffer(string: body)).usage
        #expect(usage == TokenUsage(input: 4, output: .max, reasoning: .max))
    }

    // MARK: Streams

    @Test func `a stream's text comes piece by piece, and its end with the end of the body`() throws {
        let stream = try ProviderSide.fixture("gemini/stream-plain.sse")
        #expect(stream.contains("\r\n\r\n"))
        #expect(
            try ProviderSide.steps(of: stream, as: .gemini) == [
                "begin rEsP0nse1d gemini-2.5-flash", "open 0 text", "0 text Hel", "usage 5 1 - -", "0 text lo 😀",
                "usage 5 3 - -", "0 text !", "usage 5 4 - -", "close 0", "finish stop", "end",
            ]
        )
    }

    @Test func `of early stops only the last counts`() throws {
        let stream = try ProviderSide.fixture("gemini/stream-early-stop.sse")
        let steps = try ProviderSide.steps(of: stream, as: .gemini)
        #expect(steps.filter { $0.hasPrefix("finish") } == ["finish length"])
        #expect(steps.contains("0 text c"))
    }

    @Test func `thoughts, then text; the signature behind a text opens nothing`() throws {
        let stream = try ProviderSide.fixture("gemini/stream-thinking.sse")
        #expect(
            try ProviderSide.steps(of: stream, as: .gemini) == [
                "begin rEsP0nse1d gemini-2.5-flash", "open 0 thinking", "0 thinking **Plan**", "usage 9 20 - 20",
                "0 thinking  more", "usage 9 40 - 40", "close 0", "open 1 text", "1 text Answer", "usage 9 42 4 40",
                "close 1", "finish stop", "end",
            ]
        )
    }

    @Test func `two calls that are the same are two calls`() throws {
        let stream = try ProviderSide.fixture("gemini/stream-parallel-tools.sse")
        let steps = try ProviderSide.steps(of: stream, as: .gemini)
        let opened = steps.filter { $0.hasPrefix("open") }
        try #require(opened.count == 3)
        #expect(Set(opened).count == 3)
        #expect(opened[0].hasSuffix("weather signed c2lnMQ=="))
        #expect(opened[1].hasSuffix(" weather"))
        #expect(opened[2] == "open 2 call given-id now")
        #expect(steps.filter { $0.contains("arguments") }.count == 2)
        #expect(steps.suffix(2) == ["finish toolCalls", "end"])
    }

    @Test(arguments: [
        ("blocked", ["begin rEsP0nse1d gemini-2.5-flash", "usage 7 0 - -", "finish contentFilter", "end"]),
        ("malformed-call", ["begin rEsP0nse1d gemini-2.5-flash", "usage 5 0 - -", "finish error", "end"]),
        (
            "usage-last",
            [
                "begin rEsP0nse1d gemini-2.5-flash", "open 0 text", "0 text a", "usage 5 1 - -", "close 0",
                "finish stop", "end",
            ]
        ),
    ])
    func `odd streams have an end`(_ name: String, _ steps: [String]) throws {
        let stream = try ProviderSide.fixture("gemini/stream-\(name).sse")
        #expect(try ProviderSide.steps(of: stream, as: .gemini) == steps)
    }

    @Test func `an error in a stream ends it, and nothing is invented`() throws {
        let stream = try ProviderSide.fixture("gemini/stream-error.sse")
        let steps = try ProviderSide.steps(of: stream, as: .gemini)
        #expect(steps.last?.hasPrefix(#"failure {"error""#) == true)
        #expect(!steps.contains("end"))
    }

    @Test(arguments: ["plain", "thinking", "safety"])
    func `a stream that is cut before its finish has no end`(_ name: String) throws {
        let stream = try ProviderSide.fixture("gemini/stream-\(name).sse")
        let whole = stream.ranges(of: "data: ").count
        for count in 0..<whole {
            let steps = try ProviderSide.steps(of: stream, as: .gemini, eventsMax: count)
            #expect(!steps.contains("end"), "after \(count) events")
            #expect(!steps.contains { $0.hasPrefix("finish") }, "after \(count) events")
        }
        #expect(try ProviderSide.steps(of: stream, as: .gemini).last == "end")
    }

    @Test func `garbage between events is an error`() throws {
        #expect(try ProviderSide.steps(of: "data: {oops\n\n", as: .gemini) == ["threw garbled"])
    }
}

extension ContentPart {
    /// What it is, in a word or two.
    var brief: String {
        switch self.content {
        case .text(let text): "text \(text.text ?? "?")"
        case .thinking(let thinking): "thinking \(thinking.text.text ?? "?")"
        case .toolCall(let call):
            "call \(call.id.text ?? "?") \(call.name.text ?? "?") \(call.arguments.asString.text ?? "?")"
        case .image: "image"
        case .audio: "audio"
        case .file: "file"
        case .toolResult: "result"
        case .refusal: "refusal"
        case .other: "other"
        }
    }
}

extension JSONFragment {
    /// The value of a member of an object.
    func value(for name: String) -> JSONValue? { (try? JSONValue.parse(self.bytes))?[name] }
}
