import Chat
import Core
import Dialects
import NIOCore
import TestKit
import Testing
import Wire

/// Streams of Bedrock's `ConverseStream`, from the bytes of the event stream on.
@Suite struct ConverseStreamTests {
    /// What a stream means, each step in a line.
    static func steps(_ stream: [UInt8], cuts: [Int] = []) throws -> [String] {
        var frames = EventStreamReader()
        let reader = Codecs.streamReader(.bedrock)
        var steps: [String] = []
        var start = 0
        for end in cuts + [stream.count] {
            frames.feed(ByteBuffer(bytes: stream[start..<end]))
            start = end
            while let message = try frames.next() {
                try reader.read(ServerSentEvent(data: message.payload, type: message.type)) {
                    steps.append(Self.line($0))
                }
            }
        }
        try reader.finish { steps.append(Self.line($0)) }
        return steps
    }

    static func line(_ event: AnswerEvent) -> String {
        func text(_ string: JSONString) -> String { String(buffer: string.bytes) }
        return switch event {
        case .begin: "begin"
        case .open(let part, .text): "open \(part) text"
        case .open(let part, .thinking): "open \(part) thinking"
        case .open(let part, .refusal): "open \(part) refusal"
        case .open(let part, .redactedThinking(let data)): "open \(part) redacted \(text(data))"
        case .open(let part, .toolCall(let id, let name, _, _)): "open \(part) call \(text(id)) \(text(name))"
        case .text(let part, let piece): "text \(part) \(text(piece))"
        case .thinking(let part, let piece): "thinking \(part) \(text(piece))"
        case .signature(let part, let piece): "signature \(part) \(text(piece))"
        case .refusal(let part, let piece): "refusal \(part) \(text(piece))"
        case .arguments(let part, let piece): "arguments \(part) \(text(piece))"
        case .citation(let part, let source): "citation \(part) \(String(buffer: source.bytes))"
        case .logprobs, .image: "other"
        case .unsaid(let losses): "unsaid \(losses.names.joined(separator: " "))"
        case .close(let part): "close \(part)"
        case .finish(let reason, let stop): "finish \(reason) \(stop.map(text) ?? "-")"
        case .usage(let usage):
            "usage \(usage.input ?? -1) \(usage.output ?? -1) \(usage.cachedInput ?? -1) \(usage.cacheWrite ?? -1)"
        case .end: "end"
        case .failure(let body, let type): "failure \(type ?? "-") \(String(buffer: body))"
        }
    }

    private static func event(_ type: String, _ payload: String) -> [UInt8] { EventStreamBytes.event(type, payload) }

    static let start = event("messageStart", #"{"p":"abcdefghi","role":"assistant"}"#)
    static let metadata = event(
        "metadata",
        #"{"metrics":{"latencyMs":900},"p":"abc","usage":{"cacheReadInputTokens":30,"cacheWriteInputTokens":4,"#
            + #""inputTokens":10,"outputTokens":25,"totalTokens":69}}"#
    )
    static func delta(_ index: Int, _ delta: String) -> [UInt8] {
        self.event("contentBlockDelta", #"{"contentBlockIndex":\#(index),"delta":\#(delta),"p":"abcd"}"#)
    }
    static func stop(_ index: Int) -> [UInt8] { self.event("contentBlockStop", #"{"contentBlockIndex":\#(index)}"#) }
    static func end(_ reason: String, _ more: String = "") -> [UInt8] {
        self.event("messageStop", #"{"p":"a","stopReason":"\#(reason)"\#(more)}"#)
    }

    /// Thoughts, text and two calls, as Claude says them on Bedrock.
    static let whole: [UInt8] = {
        var stream = Self.start
        stream += Self.delta(0, #"{"reasoningContent":{"text":"Let me "}}"#)
        stream += Self.delta(0, #"{"reasoningContent":{"text":"see."}}"#)
        stream += Self.delta(0, #"{"reasoningContent":{"signature":"EqQBCgIY"}}"#) + Self.stop(0)
        stream += Self.delta(1, #"{"reasoningContent":{"redactedContent":"EmwKAhgB"}}"#) + Self.stop(1)
        stream += Self.delta(2, #"{"text":""}"#) + Self.delta(2, #"{"text":"Gr\u00fc\u00dfe, \"\#u{1F600}\""}"#)
        stream += Self.delta(2, #"{"text":"\n"}"#) + Self.stop(2)
        let tool =
            #"{"contentBlockIndex":3,"p":"ab","start":{"toolUse":{"name":"get_weather","toolUseId":"tooluse_1"}}}"#
        stream += Self.event("contentBlockStart", tool)
        stream +=
            Self.delta(3, #"{"toolUse":{"input":""}}"#) + Self.delta(3, #"{"toolUse":{"input":"{\"city\": \"Pa"}}"#)
        stream += Self.delta(3, #"{"toolUse":{"input":"ris\"}"}}"#) + Self.stop(3)
        let other = #"{"contentBlockIndex":4,"start":{"toolUse":{"toolUseId":"tooluse_2","name":"now"}}}"#
        stream += Self.event("contentBlockStart", other) + Self.stop(4)
        return stream + Self.end("tool_use") + Self.metadata
    }()

    static let wholeSteps = [
        "begin", "open 0 thinking", #"thinking 0 "Let me ""#, #"thinking 0 "see.""#, #"signature 0 "EqQBCgIY""#,
        "close 0", #"open 1 redacted "EmwKAhgB""#, "close 1", "open 2 text",
        #"text 2 "Gr\u00fc\u00dfe, \"\#u{1F600}\"""#, #"text 2 "\n""#, "close 2",
        #"open 3 call "tooluse_1" "get_weather""#, #"arguments 3 "{\"city\": \"Pa""#, #"arguments 3 "ris\"}""#,
        "close 3", #"open 4 call "tooluse_2" "now""#, "close 4", "finish toolCalls -", "usage 44 25 30 4", "end",
    ]

    @Test func `thoughts, text and calls come step by step, wherever the stream is cut (row 35)`() throws {
        #expect(try Self.steps(Self.whole) == Self.wholeSteps)
        for cut in 0...Self.whole.count {
            guard try Self.steps(Self.whole, cuts: [cut]) == Self.wholeSteps else {
                Issue.record("cut at \(cut)")
                return
            }
        }
        #expect(try Self.steps(Self.whole, cuts: Array(1..<Self.whole.count)) == Self.wholeSteps)
    }

    @Test(arguments: [
        ("end_turn", FinishReason.stop), ("tool_use", .toolCalls), ("max_tokens", .length),
        ("stop_sequence", .stopSequence), ("guardrail_intervened", .contentFilter),
        ("content_filtered", .contentFilter),
        ("malformed_model_output", .error), ("malformed_tool_use", .error),
        ("model_context_window_exceeded", .contextFull), ("something_new", .stop),
    ])
    func `every reason for an end has its place`(_ word: String, _ reason: FinishReason) throws {
        let steps = try Self.steps(Self.start + Self.delta(0, #"{"text":"a"}"#) + Self.stop(0) + Self.end(word))
        #expect(steps.suffix(2) == ["finish \(reason) -", "end"])
    }

    @Test func `the stop text is told where the model tells it`() throws {
        let steps = try Self.steps(
            Self.start + Self.end("stop_sequence", #","additionalModelResponseFields":{"stop_sequence":"END"}"#)
        )
        #expect(steps == ["begin", #"finish stopSequence "END""#, "end"])
    }

    @Test func `an answer that came as arguments of its own tool is text again`() throws {
        func form(_ block: Int) -> [UInt8] {
            Self.event(
                "contentBlockStart",
                #"{"contentBlockIndex":\#(block),"start":{"toolUse":{"name":"turnpike_answer","toolUseId":"t"}}}"#
            ) + Self.delta(block, #"{"toolUse":{"input":"{\"a\":"}}"#)
                + Self.delta(block, #"{"toolUse":{"input":"1}"}}"#)
                + Self.stop(block)
        }
        let alone = try Self.steps(Self.start + form(0) + Self.end("tool_use") + Self.metadata)
        #expect(
            alone == [
                "begin", "open 0 text", #"text 0 "{\"a\":""#, #"text 0 "1}""#, "close 0", "finish stop -",
                "usage 44 25 30 4", "end",
            ]
        )
        let call = Self.event(
            "contentBlockStart",
            #"{"contentBlockIndex":1,"start":{"toolUse":{"name":"now","toolUseId":"t2"}}}"#
        )
        let both = try Self.steps(Self.start + form(0) + call + Self.stop(1) + Self.end("tool_use"))
        #expect(both.suffix(2) == ["finish toolCalls -", "end"])
    }

    @Test func `an exception ends the stream and nothing comes behind it`() throws {
        let broken =
            Self.start + Self.delta(0, #"{"text":"a"}"#)
            + EventStreamBytes.exception("throttlingException", #"{"message":"Too many"}"#) + Self.end("end_turn")
        #expect(
            try Self.steps(broken) == [
                "begin", "open 0 text", #"text 0 "a""#, #"failure throttlingException {"message":"Too many"}"#,
            ]
        )
    }

    @Test func `a stream that just ends has no end`() throws {
        for length in 0..<Self.whole.count {
            let steps = try Self.steps(Array(Self.whole[..<length]))
            // Only the figures may be missing.
            let isWhole = length >= Self.whole.count - Self.metadata.count
            #expect(steps.contains("end") == isWhole && steps.contains("finish toolCalls -") == isWhole)
        }
    }

    @Test func `what is new is passed over or named, and what is broken is not`() throws {
        let new =
            Self.start + Self.event("somethingNew", #"{"a":1}"#) + Self.delta(0, #"{"image":{}}"#)
            + Self.event("contentBlockStart", #"{"contentBlockIndex":0,"start":{"image":{"format":"png"}}}"#)
            + Self.delta(0, #"{"text":"a"}"#) + Self.delta(0, #"{"citation":{"title":"T"}}"#) + Self.stop(0)
            + Self.stop(0) + Self.end("end_turn") + Self.metadata
        #expect(
            try Self.steps(new) == [
                "begin", "unsaid answer.images", "unsaid answer.images", "open 0 text", #"text 0 "a""#,
                #"citation 0 {"title":"T"}"#, "close 0", "finish stop -", "usage 44 25 30 4", "end",
            ]
        )
        let broken: [[UInt8]] = [
            Self.event("contentBlockDelta", "{"), Self.event("contentBlockDelta", "[]"),
            Self.delta(0, #"{"toolUse":{"input":"x"}}"#), Self.event("messageStop", "{}"),
            Self.event("contentBlockStart", #"{"start":{"toolUse":{"name":"x"}}}"#),
            Self.end("end_turn") + Self.end("end_turn"), Self.end("end_turn") + Self.delta(0, #"{"text":"a"}"#),
            Self.event("metadata", "x"),
        ]
        for stream in broken {
            #expect(throws: AnswerUnreadable.garbled, "\(String(decoding: stream, as: UTF8.self))") {
                try Self.steps(Self.start + stream)
            }
        }
    }
}
