import Chat
import Core
import Dialects
import NIOCore
import Testing

struct CohereTests {
    private func read(_ name: String) throws -> ChatAnswer {
        try CohereAnswerReader.read(ByteBuffer(string: try ProviderSide.fixture("cohere/answer-\(name).json")))
    }

    private func steps(_ name: String, eventsMax: Int = .max) throws -> [String] {
        try ProviderSide.steps(
            of: try ProviderSide.fixture("cohere/stream-\(name).sse"),
            as: .cohere,
            eventsMax: eventsMax
        )
    }

    // MARK: Answers

    @Test func `a plain answer counts what was read and written, not what is billed`() throws {
        let answer = try self.read("plain")
        #expect(answer.id?.text == "c14c80c3")
        #expect(answer.choices.map(\.finish) == [.stop])
        #expect(answer.choices[0].parts.map(\.brief) == ["text Hello"])
        #expect(answer.usage == TokenUsage(input: 215, output: 34, cachedInput: 64))
        #expect(answer.rest.count == 1)
        let logprobs = answer.choices[0].logprobs.map { String(buffer: $0.bytes) }
        #expect(logprobs?.contains(#"{"token":"Hel","logprob":-0.75,"#) == true)
        #expect(logprobs?.contains(#"{"token":"lo","logprob":-0.001,"#) == true)
    }

    @Test func `a plan is the text before the calls`() throws {
        let answer = try self.read("tools")
        #expect(answer.choices[0].finish == .toolCalls)
        #expect(
            answer.choices[0].parts.map(\.brief) == [
                "text I will look.", #"call w1 weather {"city":"Rome"}"#, "call n2 now {}",
            ]
        )
        #expect(answer.usage == TokenUsage(input: 3, output: 4))
    }

    @Test func `thoughts stand apart, and citations stay with their text`() throws {
        let answer = try self.read("thinking-citations")
        #expect(answer.choices[0].finish == .length)
        #expect(answer.choices[0].parts.map(\.brief) == ["thinking Hmm", "text Rome", "other"])
        #expect(answer.choices[0].parts.map(\.citations.count) == [0, 2, 0])
        #expect(answer.usage.isEmpty)
    }

    @Test func `an error is one, and what is cut is garbled`() throws {
        #expect { try self.read("error") } throws: {
            if case .failure = $0 as? AnswerUnreadable { true } else { false }
        }
        let bytes = Array(try ProviderSide.fixture("cohere/answer-tools.json").utf8)
        for end in bytes.indices {
            #expect(throws: AnswerUnreadable.garbled) {
                try CohereAnswerReader.read(ByteBuffer(bytes: bytes[..<end]))
            }
        }
        #expect(throws: AnswerUnreadable.garbled) {
            try CohereAnswerReader.read(ByteBuffer(string: #"{"message":{"content":[]}}"#))
        }
    }

    // MARK: Streams

    @Test(arguments: ["plain", "event-only", "type-only"])
    func `what an event is stands in its data or in its event line`(_ name: String) throws {
        #expect(
            try self.steps(name) == [
                "begin 29f14a5a -", "open 0 text", "0 text Hel", "0 text lo \u{2028}😀", "close 0", "finish stop",
                "usage 215 34 64 -", "end",
            ]
        )
    }

    @Test func `thoughts, plans, calls and citations each have their place`() throws {
        #expect(
            try self.steps("thinking") == [
                "begin 29f14a5a -", "open 0 thinking", "0 thinking Hmm", "0 thinking ...", "close 0", "open 1 text",
                "1 text 42", "close 1", "finish length", "usage 215 34 64 -", "end",
            ]
        )
        #expect(
            try self.steps("tools") == [
                "begin 29f14a5a -", "open 0 text", "0 text I will", "0 text  look.", "close 0",
                "open 1 call weather_1 weather", #"1 arguments {"ci"#, #"1 arguments ty":"Rome"}"#, "close 1",
                "open 2 call now_2 now", "close 2", "finish toolCalls", "usage 215 34 64 -", "end",
            ]
        )
        let cited = try self.steps("citations")
        #expect(cited.filter { $0.hasPrefix("0 citation {\"start\":0") }.count == 1)
        #expect(cited.suffix(3) == ["finish stopSequence", "usage 3 1 - -", "end"])
    }

    @Test func `a failure in a stream or instead of one is one, and nothing is invented`() throws {
        let failed = try self.steps("failed")
        #expect(failed.last?.hasPrefix("failure ") == true)
        #expect(!failed.contains("end"))
        #expect(try self.steps("refused") == [#"failure {"id":"x","message":"too many requests"}"#])
    }

    @Test(arguments: ["plain", "thinking", "tools", "citations"])
    func `a stream that is cut has no end`(_ name: String) throws {
        let whole = try ProviderSide.fixture("cohere/stream-\(name).sse").ranges(of: "data: {").count
        for count in 0..<whole {
            let steps = try self.steps(name, eventsMax: count)
            #expect(!steps.contains("end"), "after \(count) events")
            #expect(!steps.contains { $0.hasPrefix("finish") }, "after \(count) events")
        }
        #expect(try self.steps(name).last == "end")
    }
}
