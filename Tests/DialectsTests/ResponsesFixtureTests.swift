import Chat
import Core
import NIOCore
import Testing
import Wire

@testable import Dialects

/// What OpenAI sends, as files: `Tests/Fixtures/dialects/responses`.
struct ResponsesFixtureTests {
    private static func file(_ name: String) throws -> ByteBuffer {
        let folder = #filePath.replacing(
            "DialectsTests/ResponsesFixtureTests.swift",
            with: "Fixtures/dialects/responses"
        )
        return ByteBuffer(bytes: try FixtureFile.bytes(at: "\(folder)/\(name)"))
    }

    private static func events(_ name: String) throws -> [ServerSentEvent] {
        var reader = SSEReader()
        reader.feed(try Self.file(name))
        var events: [ServerSentEvent] = []
        while let event = try reader.next() { events.append(event) }
        return events
    }

    static let streams: [(String, [String], FinishReason, Int)] = [
        ("stream-plain", ["text A turnpike is a gate."], .stop, 8),
        (
            "stream-reasoning-tools",
            [
                "thinking **Looking up**\n\nTwo cities.\n\n**Calling** gAAAAABo4Zq3pQ== -",
                #"call call_Kx1 weather {"city":"Oslo"}"#, #"call call_Kx2 weather {"city":"Køln"}"#,
            ], .toolCalls, 50
        ),
        ("stream-hidden-reasoning", ["thinking  - gAAAAABo4Zhidden", "call call_none now {}"], .toolCalls, 12),
        ("stream-refusal", ["refusal I can't help with that."], .stop, 8),
        ("stream-length", ["text One two three"], .length, 16),
        ("stream-web-search", ["text See here."], .stop, 20),
    ]

    @Test(arguments: Self.streams)
    func `a stream is read as what it says`(
        name: String,
        parts: [String],
        finish: FinishReason,
        output: Int
    ) throws {
        let events = try Self.events(name + ".sse")
        var collector = AnswerCollector(source: .openAIResponses)
        for step in try ResponsesStreamTests.read(events) { collector.take(step) }
        #expect(ResponsesStreamTests.text(collector.answer) == parts)
        #expect(collector.answer.choices[0].finish == finish)
        #expect(collector.answer.usage.output == output)
        #expect(collector.isComplete)
        // Cut off anywhere, it has no end, and says nothing else.
        for count in 0..<events.count {
            var cut = AnswerCollector(source: .openAIResponses)
            for step in try ResponsesStreamTests.read(Array(events.prefix(count))) { cut.take(step) }
            #expect(!cut.isComplete)
        }
    }

    @Test(arguments: ["stream-failed", "stream-error"])
    func `a stream that fails says so`(name: String) throws {
        let steps = try ResponsesStreamTests.read(try Self.events(name + ".sse"))
        guard case .failure? = steps.last else {
            Issue.record("no failure")
            return
        }
        #expect(!steps.contains { if case .end = $0 { true } else { false } })
    }

    @Test func `characters that are cut between two pieces come out whole`() throws {
        var collector = AnswerCollector(source: .openAIResponses)
        for step in try ResponsesStreamTests.read(try Self.events("stream-unicode.sse")) { collector.take(step) }
        guard case .text(let text)? = collector.answer.choices[0].parts.first?.content else {
            Issue.record("no text")
            return
        }
        #expect(String(buffer: text.utf8) == "😀 \u{2028} café \u{FFFD}")
    }

    @Test(arguments: [
        ("answer-plain", ["text Hello."], FinishReason.stop),
        (
            "answer-reasoning-tools",
            ["thinking Hm. gAAAA -", #"call call_1 weather {"city":"Oslo"}"#, "call call_2 shell ls -l"],
            .toolCalls
        ),
        ("answer-length", ["text Hel"], .length),
    ])
    func `an answer is read as what it says`(name: String, parts: [String], finish: FinishReason) throws {
        let answer = try ResponsesAnswerReader.read(try Self.file(name + ".json"))
        #expect(ResponsesStreamTests.text(answer) == parts)
        #expect(answer.choices[0].finish == finish)
    }
}
