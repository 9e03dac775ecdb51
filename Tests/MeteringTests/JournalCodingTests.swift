import Chat
import Core
import NIOCore
import TestKit
import Testing

@testable import Metering

@Suite struct JournalCodingTests {
    private static let encoder = JournalEncoder(key: JournalKey((0..<16).map { UInt8($0) }))

    /// What stands between the head and the padding: kind and body.
    private static func body(_ record: EncodedRecord) -> [UInt8] {
        let bytes = Array(record.bytes.readableBytesView)
        let length = bytes.withUnsafeBytes { Int($0.load(as: UInt32.self)) }
        return Array(bytes[8..<(8 + length)])
    }

    private static func decode(_ bytes: [UInt8]) -> JournalRecord? {
        bytes.withUnsafeBytes { JournalDecoder.record($0) }
    }

    @Test func `what is written is read back, whatever the numbers and texts`() throws {
        var maker = RecordMaker(generator: SeededGenerator(seed: 11))
        for _ in 0..<5000 {
            let record = maker.record()
            let encoded = try Self.encoder.encoded(record)
            #expect(encoded.byteCount % 8 == 0)
            #expect(Self.decode(Self.body(encoded)) == record)
        }
    }

    @Test func `no bytes stop the decoder, and none are read as something else than they were`() throws {
        var maker = RecordMaker(generator: SeededGenerator(seed: 12))
        var generator = SeededGenerator(seed: 13)
        for _ in 0..<3000 {
            let original = maker.record()
            var body = Self.body(try Self.encoder.encoded(original))
            switch generator.below(4) {
            case 0: body = generator.bytes(generator.below(300))
            case 1: body[generator.below(body.count)] ^= UInt8(1 << generator.below(8))
            case 2: body.removeLast(1 + generator.below(body.count))
            default: body += generator.bytes(1 + generator.below(9))
            }
            guard let record = Self.decode(body) else { continue }
            // It said something; then it must be able to say the same again.
            let again = Self.decode(Self.body(try Self.encoder.encoded(record)))
            #expect(again == record)
        }
    }

    @Test func `a body that is cut short or has a tail is no record`() throws {
        let body = Self.body(try Self.encoder.encoded(Samples.intent(1, metadata: "{}")))
        for count in 0..<body.count { #expect(Self.decode(Array(body[..<count])) == nil) }
        #expect(Self.decode(body + [0]) == nil)
        #expect(Self.decode([9] + body.dropFirst()) == nil)
    }

    @Test func `an end and a checkpoint always fit into the room kept for them`() {
        var usage = TokenUsage(
            input: .min,
            output: .min,
            cachedInput: .min,
            cacheWrite: .min,
            cacheWriteLong: .min,
            reasoning: .min,
            audioInput: .min,
            audioOutput: .min,
            images: .min,
            characters: .min,
            soundMilliseconds: .min,
            searches: .min
        )
        usage.cost = MicroDollars(.min)
        let end = AttemptEnd(
            endedAt: UnixTime(milliseconds: .min),
            outcome: .cut,
            source: .estimated,
            usage: usage,
            cost: MicroDollars(.min),
            charged: MicroDollars(.min),
            isCharged: true,
            upstreamStatus: .min,
            code: String(repeating: "é", count: 100),
            firstContentMilliseconds: .min
        )
        let encoded = Self.encoder.end(AttemptID(.min), end)
        #expect(encoded.byteCount <= JournalFrame.endBytesMax)
        var read = end
        read.code = String(repeating: "é", count: 32)
        #expect(Self.decode(Self.body(encoded)) == .end(AttemptID(.min), read))
        let checkpoint = AttemptCheckpoint(usage: usage, outputCounted: .min)
        #expect(Self.encoder.checkpoint(AttemptID(.min), checkpoint).byteCount <= JournalFrame.checkpointBytesMax)
    }

    @Test func `an intent that is too large is refused, and the largest is read back`() throws {
        #expect(throws: JournalError.self) {
            try Self.encoder.encoded(Samples.intent(1, metadata: String(repeating: "m", count: 33_000)))
        }
        let largest = Samples.intent(1, metadata: String(repeating: "m", count: 32_000))
        let encoded = try Self.encoder.encoded(largest)
        #expect(encoded.byteCount <= JournalFrame.recordBytesMax)
        #expect(Self.decode(Self.body(encoded)) == largest)
    }

    @Test func `every field of what is written down has a place in the format`() {
        // A new field fails here: give it one, and a number of the format where old files could be misread.
        let intent = Samples.intent()
        #expect(Mirror(reflecting: intent).children.count == 17)
        #expect(Mirror(reflecting: intent.consumer).children.count == 5)
        #expect(Mirror(reflecting: intent.rates).children.count == 16)
        #expect(Mirror(reflecting: TokenUsage()).children.count == 13)
        #expect(Mirror(reflecting: AttemptCheckpoint(usage: TokenUsage(), outputCounted: 0)).children.count == 2)
        guard case .end(_, let end) = Samples.end(1) else { return }
        #expect(Mirror(reflecting: end).children.count == 10)
    }

    @Test func `the head of a segment is read back, and no flipped bit of it is overlooked`() throws {
        let header = SegmentHeader(
            epoch: 77,
            segment: 3,
            segmentBytes: 64 << 10,
            key: JournalKey((1...16).map { UInt8($0) }),
            createdAt: 1_780_000_000_000
        )
        let bytes = header.encoded()
        #expect(bytes.count == 64)
        #expect(try bytes.withUnsafeBytes { try SegmentHeader($0) } == header)
        for bit in 0..<(64 * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: SegmentHeader.Failure.damaged) { try flipped.withUnsafeBytes { try SegmentHeader($0) } }
        }
    }
}
