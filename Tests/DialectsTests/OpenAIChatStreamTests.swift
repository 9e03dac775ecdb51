import Chat
import Core
import Dialects
import NIOCore
import Testing
import Wire

/// Streams of OpenAI's chat dialect, read and written.
@Suite struct OpenAIChatStreamTests {
    /// The steps of a stream, one line each.
    static func steps(_ events: [ServerSentEvent]) throws -> [AnswerEvent] {
        let reader = Codecs.streamReader(.openAIChat)
        var steps: [AnswerEvent] = []
        for event in events { try reader.read(event) { steps.append($0) } }
        try reader.finish { steps.append($0) }
        return steps
    }

    static func steps(_ name: String) throws -> [String] {
        try Self.steps(Events.read(Fixture.bytes("openai-chat/stream-\(name).sse"))).map(\.line)
    }

    static let head = #"begin "chatcmpl-Cb1" "gpt-5.2-2026-08-01""#

    @Test func `a plain stream gives one text`() throws {
        let expected = [
            Self.head, "open 0 text", #"text 0 "Hello""#, #"text 0 " wor""#, "text 0 \"ld\\n\u{2028}\\\"\\\\ 😀\"",
            "close 0",
            "finish stop", "usage 20/8 9/4", "end",
        ]
        #expect(try Self.steps("plain") == expected)
    }

    @Test func `a tool call gives its arguments as they come`() throws {
        let expected = [
            Self.head, #"open 0 call "call_a1" "get_weather""#, #"arguments 0 "{\"city\":""#,
            #"arguments 0 "\"Bonn \\\"x\\\" }\"}""#, "close 0", "finish toolCalls", "usage 20/8 9/4", "end",
        ]
        #expect(try Self.steps("tools") == expected)
    }

    @Test func `parallel calls follow each other without waiting for the end`() throws {
        let expected = [
            Self.head, #"open 0 call "call_a1" "get_weather""#, #"arguments 0 "{\"city\":\"Bonn\"}""#, "close 0",
            #"open 1 call "call_a2" "get_time""#, #"arguments 1 "{\"zone\":\"CET\"}""#, "close 1", "finish toolCalls",
            "usage 20/8 9/4", "end",
        ]
        #expect(try Self.steps("parallel-tools") == expected)
    }

    @Test func `calls that come mixed are told one after the other`() throws {
        let expected = [
            Self.head, #"open 0 call "call_a1" "f""#, #"arguments 0 "{\"a\":""#, #"arguments 0 "1}""#, "close 0",
            #"open 1 call "call_a2" "g""#, #"arguments 1 "{\"b\":""#, #"arguments 1 "2}""#, "close 1",
            #"open 2 call "call_a3" "h""#, #"arguments 2 "{}""#, "close 2", "finish toolCalls", "usage 20/8 9/4", "end",
        ]
        #expect(try Self.steps("interleaved-tools") == expected)
    }

    @Test func `refusals, cut answers and empty ones say what they are`() throws {
        #expect(
            try Self.steps("refusal").dropFirst() == [
                "open 0 refusal", #"refusal 0 "I'm sorry,""#, #"refusal 0 " no.""#, "close 0", "finish stop",
                "usage 20/8 9/4", "end",
            ]
        )
        #expect(try Self.steps("length").suffix(3) == ["finish length", "usage 20/8 9/4", "end"])
        #expect(try Self.steps("empty-content") == [Self.head, "finish stop", "usage 20/8 9/4", "end"])
        #expect(try Self.steps("content-filter").suffix(2) == ["finish contentFilter", "end"])
    }

    @Test func `Azure's first chunk has nothing in it`() throws {
        #expect(
            try Self.steps("azure") == [
                #"begin "chatcmpl-Az" "gpt-4.1""#, "open 0 text", #"text 0 "Hi""#, "close 0", "finish stop",
                "usage 20/8 9/4", "end",
            ]
        )
    }

    @Test func `OpenRouter's thoughts keep their signatures, and are not told twice`() throws {
        #expect(
            try Self.steps("openrouter-reasoning").dropFirst() == [
                "open 0 thinking", #"thinking 0 "The user""#, #"thinking 0 " asks.""#, #"signature 0 "EqQBCg==""#,
                "close 0",
                #"open 1 redacted "ENC1""#, "close 1", "open 2 text", #"text 2 "Four""#, #"text 2 ".""#, "close 2",
                "finish stop", "usage 30/0 40/20", "end",
            ]
        )
        #expect(
            try Self.steps("openrouter-usage-with-choice").suffix(4) == [
                "usage 30/0 40/20", "close 0", "finish stop", "end",
            ]
        )
    }

    @Test func `an error in the stream ends it`() throws {
        let steps = try Self.steps("openrouter-error")
        #expect(steps.count == 4)
        #expect(steps.last?.hasPrefix("failure - {") == true)
    }

    @Test func `Mistral's lists are flattened, and its calls come whole`() throws {
        #expect(
            try Self.steps("mistral-thinking").dropFirst() == [
                "open 0 thinking", #"thinking 0 "Let me""#, #"thinking 0 " see.""#, "close 0", "open 1 text",
                #"text 1 "4""#, #"text 1 "!""#, "usage 12/-1 20/-1", "close 1", "finish stop", "end",
            ]
        )
        #expect(
            try Self.steps("mistral-tools").dropFirst() == [
                #"open 0 call "D681PevKs" "get_weather""#, #"arguments 0 "{\"city\": \"Bonn\"}""#, "close 0",
                #"open 1 call "D681PevKt" "get_time""#, #"arguments 1 "{}""#, "usage 12/-1 20/-1", "close 1",
                "finish toolCalls", "end",
            ]
        )
    }

    @Test func `Groq's usage and DeepSeek's thoughts are found where they have them`() throws {
        #expect(
            try Self.steps("groq").dropFirst() == [
                "open 0 thinking", #"thinking 0 "hm""#, "close 0", #"open 1 call "fc_1" "f""#,
                #"arguments 1 "{\"a\":1}""#,
                "usage 18/-1 5/-1", "close 1", "finish toolCalls", "end",
            ]
        )
        #expect(
            try Self.steps("deepseek-reasoning").dropFirst() == [
                "open 0 thinking", #"thinking 0 "Think""#, #"thinking 0 "ing""#, "close 0", "open 1 text",
                #"text 1 "42""#,
                "usage 5/2 9/6", "close 1", "finish stop", "end",
            ]
        )
    }

    @Test func `equal calls without a number are two, and signatures stay with theirs`() throws {
        #expect(
            try Self.steps("gemini-compatible").dropFirst() == [
                #"open 0 call "function-call-1" "f" "Ci0+/w==""#, #"arguments 0 "{\"a\":1}""#, "close 0",
                #"open 1 call "function-call-2" "f""#, #"arguments 1 "{\"a\":1}""#, "usage 7/-1 8/-1", "close 1",
                "finish toolCalls", "end",
            ]
        )
    }

    @Test func `a stream without an end of its own is whole if it said why it ended`() throws {
        #expect(try Self.steps("no-done").suffix(2) == ["finish stop", "end"])
        #expect(
            try Self.steps("finish-in-every-chunk").suffix(5) == [
                #"text 0 "a""#, #"text 0 "b""#, "close 0", "finish stop", "end",
            ]
        )
        #expect(try Self.steps("cut").last == #"text 0 "Half a""#)
        #expect(try Self.steps("annotations").contains { $0.hasPrefix("citation 0 {\"type\":\"url_citation\"") })
    }

    @Test(arguments: Fixture.names(in: "openai-chat", prefix: "stream-", suffix: ".sse"))
    func `a stream means the same at every split, and its steps are in order wherever it is cut`(name: String) throws {
        let bytes = try Fixture.bytes("openai-chat/\(name)")
        let events = try Events.read(bytes)
        let whole = try Self.steps(events).map(\.line)
        for count in [1, 2, 3, 7, 64] { #expect(try Self.steps(Events.read(bytes, in: count)).map(\.line) == whole) }
        for count in events.indices {
            let cut = try Self.steps(Array(events[..<count]))
            try StepOrder.check(cut)
            let says = events[..<count].contains { String(buffer: $0.data).contains(#""finish_reason":"stop""#) }
            if cut.contains(where: { $0.line == "end" }), !says {
                #expect(cut.contains { $0.line.hasPrefix("finish") }, "\(name) cut at \(count)")
            }
        }
        try StepOrder.check(Self.steps(events))
    }

    @Test func `what comes for a call after it was whole breaks the stream`() throws {
        let chunk = { (calls: String) in
            ServerSentEvent(data: ByteBuffer(string: #"{"choices":[{"index":0,"delta":{"tool_calls":[\#(calls)]}}]}"#))
        }
        let events = [
            chunk(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#),
            chunk(#"{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}"#),
            chunk(#"{"index":0,"function":{"arguments":"{}"}}"#),
        ]
        #expect(throws: AnswerUnreadable.garbled) { try Self.steps(events) }
        #expect(throws: AnswerUnreadable.garbled) { try Self.steps([ServerSentEvent(data: ByteBuffer(string: "{"))]) }
        #expect(throws: AnswerUnreadable.garbled) {
            try Self.steps([ServerSentEvent(data: ByteBuffer(string: "[DONE]"))])
        }
    }
}

/// The order that steps of an answer have to come in.
enum StepOrder {
    static func check(_ steps: [AnswerEvent], _ location: SourceLocation = #_sourceLocation) throws {
        var open: Int?
        var next = 0
        var hasBegun = false
        var hasFinished = false
        var hasEnded = false
        func expect(_ isTrue: Bool, _ step: AnswerEvent) {
            #expect(isTrue, "\(step.line) is out of order", sourceLocation: location)
        }
        for step in steps {
            expect(!hasEnded, step)
            switch step {
            case .begin:
                expect(!hasBegun, step)
                hasBegun = true
            case .open(let part, _):
                expect(hasBegun && !hasFinished && open == nil && part == next, step)
                open = part
                next += 1
            case .text(let part, _), .thinking(let part, _), .signature(let part, _), .refusal(let part, _),
                .arguments(let part, _), .citation(let part, _):
                expect(open == part, step)
            case .image: expect(open == nil, step)
            case .logprobs, .unsaid: expect(hasBegun && !hasFinished, step)
            case .close(let part):
                expect(open == part, step)
                open = nil
            case .finish:
                expect(hasBegun && open == nil && !hasFinished, step)
                hasFinished = true
            case .usage: expect(hasBegun, step)
            case .end:
                expect(hasFinished, step)
                hasEnded = true
            case .failure: hasEnded = true
            }
        }
    }
}
