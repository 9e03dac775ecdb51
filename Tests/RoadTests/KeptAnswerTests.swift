import Chat
import Core
import NIOCore
import Testing
import Wire

@testable import Pipeline

@Suite struct KeptAnswerTests {
    private static var error: GatewayError {
        var error = GatewayError(.providerRefused, "zu lang: é \u{1F600}", param: "messages[0]")
        error.retryAfter = .milliseconds(1500)
        error.details = [(key: "a", value: "b"), (key: "a", value: "c")]
        error.provider = .init(status: 422, type: "t", code: nil)
        return error
    }

    private static var all: [KeptAnswer] {
        let fields = ByteBuffer(string: "x-a: b\r\n")
        let events =
            ["one", "", "d\nthree"].map { ServerSentEvent(data: ByteBuffer(string: $0)) }
            + [ServerSentEvent(data: ByteBuffer(string: "x"), type: ByteBuffer(string: "delta"))]
        return [
            KeptAnswer(content: .whole(WholeReply(status: 200, fields: fields, body: ByteBuffer(string: "{}")))),
            KeptAnswer(content: .stream(StreamHead(fields: fields), events)),
            KeptAnswer(content: .stream(StreamHead(fields: fields), events), failure: Self.error),
            KeptAnswer(content: .nothing, failure: Self.error, served: fields),
            KeptAnswer(content: Self.bytes(fields, length: 6)),
            KeptAnswer(content: Self.bytes(fields, length: nil), failure: Self.error),
        ]
    }

    private static func bytes(_ fields: ByteBuffer, length: Int?) -> KeptAnswer.Content {
        let pieces = ["ID3", "\u{0}\u{1}\u{2}"].map { ByteBuffer(string: $0) }
        return .bytes(ByteHead(status: 200, length: length, fields: fields), pieces)
    }

    @Test func `sound that is kept has its length, and what broke off has none`() throws {
        for answer in [Self.all[4], Self.all[5]] {
            let back = try KeptAnswer(encoded: try #require(answer.encoded()))
            guard case .bytes(let head, let pieces) = back.content else {
                Issue.record("it is no answer in bytes")
                continue
            }
            #expect(head.length == (answer.failure == nil ? 6 : nil))
            #expect(pieces.map { String(buffer: $0) }.joined() == "ID3\u{0}\u{1}\u{2}")
        }
    }

    @Test func `an answer comes back from its bytes as it was`() throws {
        for answer in Self.all {
            let bytes = try #require(answer.encoded())
            let back = try KeptAnswer(encoded: bytes)
            #expect(back.encoded() == bytes)
            #expect(back.failure?.message == answer.failure?.message)
            #expect(back.failure?.details.map(\.value) == answer.failure?.details.map(\.value))
            #expect(back.failure?.retryAfter == (answer.failure == nil ? nil : .seconds(2)))
            #expect(back.failure?.provider?.status == answer.failure?.provider?.status)
            #expect(back.failure?.provider?.code == nil)
        }
        let strange = WholeReply(status: 200, contentType: "audio/mpeg", fields: ByteBuffer(), body: ByteBuffer())
        #expect(KeptAnswer(content: .whole(strange)).encoded() == nil)
    }

    @Test func `bytes that were changed or cut are never more than unreadable`() throws {
        var seed: UInt64 = 77
        func chance(below limit: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: seed >> 33) % limit
        }
        for answer in Self.all {
            let bytes = try #require(answer.encoded())
            for count in 0..<bytes.count {
                #expect(throws: KeptAnswer.Unreadable.self) { try KeptAnswer(encoded: Array(bytes.prefix(count))) }
            }
            #expect(throws: KeptAnswer.Unreadable.self) { try KeptAnswer(encoded: bytes + [0]) }
            for _ in 0..<5_000 {
                var changed = bytes
                for _ in 0...chance(below: 3) {
                    changed[chance(below: changed.count)] = UInt8(chance(below: 256))
                }
                _ = try? KeptAnswer(encoded: changed)
            }
        }
    }

    @Test func `a tape shows nothing of a stream before its content, and begins anew with another attempt`() {
        var tape = AnswerTape(bytesMax: 1 << 20, heldBytesMax: 1 << 10)
        func seen() -> [String]? {
            guard case .events(let events, _) = tape.read(at: 0) else { return nil }
            return events.map { String(buffer: $0.data) }
        }
        tape.begin(StreamHead(fields: ByteBuffer()))
        tape.append(ServerSentEvent(data: ByteBuffer(string: "role of the first")), isContent: false)
        #expect(seen() == nil)
        #expect(!tape.hasContent)
        tape.begin(StreamHead(fields: ByteBuffer()))
        tape.append(ServerSentEvent(data: ByteBuffer(string: "role")), isContent: false)
        tape.append(ServerSentEvent(data: ByteBuffer(string: "hi")), isContent: true)
        #expect(seen() == ["role", "hi"])
        #expect(tape.hasContent)
        #expect(tape.kept == nil)
        tape.end()
        #expect(tape.kept != nil)
    }

    @Test func `a tape that is too large keeps what its slowest reader has not had, and asks to wait`() {
        var tape = AnswerTape(bytesMax: 1000, heldBytesMax: 10)
        tape.begin(StreamHead(fields: ByteBuffer()))
        let event = ServerSentEvent(data: ByteBuffer(repeating: 120, count: 1000))
        for _ in 0..<100 { tape.append(event, isContent: true) }
        #expect(!tape.isKept)
        #expect(!tape.hasRoom)
        #expect(tape.bytes == 100_000)
        tape.forget(before: 90)
        #expect(tape.bytes == 10_000)
        #expect(tape.hasRoom)
        guard case .events(let events, _) = tape.read(at: 90) else {
            Issue.record("ten events are left")
            return
        }
        #expect(events.count == 10)
        tape.end()
        guard case .later = tape.read(at: 100) else {
            Issue.record("the end is not yet written down")
            return
        }
        tape.show()
        guard case .end = tape.read(at: 100) else {
            Issue.record("the end is left")
            return
        }
        #expect(tape.kept == nil)
    }

    @Test(arguments: [
        (nil, "[DONE]"), ("message_stop", "{}"), ("response.completed", "{}"), ("response.incomplete", "{}"),
        ("response.failed", "{}"),
    ])
    func `what clients take for the end waits until it is written down, or something follows`(
        type: String?,
        data: String
    ) {
        var tape = AnswerTape(bytesMax: 1000, heldBytesMax: 10)
        func count() -> Int { if case .events(let events, _) = tape.read(at: 0) { events.count } else { 0 } }
        tape.begin(StreamHead(fields: ByteBuffer()))
        tape.append(ServerSentEvent(data: ByteBuffer(string: "{}")), isContent: true)
        #expect(count() == 1)
        let last = ServerSentEvent(data: ByteBuffer(string: data), type: type.map { ByteBuffer(string: $0) })
        tape.append(last, isContent: false)
        #expect(count() == 1)
        tape.append(last, isContent: false)
        #expect(count() == 2)
        tape.end()
        #expect(count() == 2)
        tape.show()
        #expect(count() == 3)
    }
}
