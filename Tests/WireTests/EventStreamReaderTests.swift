import NIOCore
import TestKit
import Testing
import Wire

@Suite struct EventStreamReaderTests {
    /// Reads a stream in pieces that end at `cuts`.
    static func read(
        _ stream: [UInt8],
        cuts: [Int] = [],
        limits: EventStreamLimits = EventStreamLimits()
    ) throws(EventStreamError) -> (messages: [EventStreamMessage], isCut: Bool) {
        var reader = EventStreamReader(limits: limits)
        var messages: [EventStreamMessage] = []
        var start = 0
        for end in cuts + [stream.count] {
            reader.feed(ByteBuffer(bytes: stream[start..<end]))
            start = end
            while let message = try reader.next() { messages.append(message) }
        }
        return (messages, reader.finish())
    }

    static func message(_ kind: EventStreamMessage.Kind, _ type: String, _ payload: String) -> EventStreamMessage {
        EventStreamMessage(kind: kind, type: ByteBuffer(string: type), payload: ByteBuffer(string: payload))
    }

    /// Headers of every type, the three that count among them.
    static let everyType: [(name: String, value: EventStreamBytes.Value)] = [
        ("t", .bool(true)), ("f", .bool(false)), ("b", .byte(-1)), (":message-type", .text("event")),
        ("s", .short(-2)), ("i", .integer(.min)), ("l", .long(.max)), ("bytes", .bytes([0, 7, 255])),
        (":event-type", .text("contentBlockDelta")), ("empty", .text("")), ("none", .bytes([])),
        ("time", .timestamp(1_700_000_000_000)), ("id", .uuid([UInt8](repeating: 7, count: 16))),
        (":event-typf", .text("not this one")), (":content-type", .text("application/json")),
    ]

    static let stream =
        EventStreamBytes.event("messageStart", #"{"p":"abc","role":"assistant"}"#)
        + EventStreamBytes.event("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"text":"Grüße"}}"#)
        + EventStreamBytes.message(everyType, payload: Array(#"{"delta":{"text":""}}"#.utf8))
        + EventStreamBytes.event("empty", "")
        + EventStreamBytes.exception("throttlingException", #"{"message":"Slow down"}"#)

    static let expected = [
        message(.event, "messageStart", #"{"p":"abc","role":"assistant"}"#),
        message(.event, "contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"text":"Grüße"}}"#),
        message(.event, "contentBlockDelta", #"{"delta":{"text":""}}"#),
        message(.event, "empty", ""),
        message(.exception, "throttlingException", #"{"message":"Slow down"}"#),
    ]

    @Test func `checksums are those of every other CRC-32`() {
        func crc(_ bytes: [UInt8], continuing crc: UInt32 = 0) -> UInt32 {
            bytes.withUnsafeBytes { CRC32.checksum($0, continuing: crc) }
        }
        #expect(crc([]) == 0)
        #expect(crc(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(crc(Array("The quick brown fox jumps over the lazy dog".utf8)) == 0x414F_A339)
        var random = SeededGenerator(seed: 32)
        let bytes = random.bytes(67)
        for start in 0..<9 {
            for end in start...bytes.count {
                var slow = UInt32.max
                for byte in bytes[start..<end] {
                    slow ^= UInt32(byte)
                    for _ in 0..<8 { slow = slow & 1 == 1 ? slow >> 1 ^ 0xEDB8_8320 : slow >> 1 }
                }
                #expect(crc(Array(bytes[start..<end])) == ~slow)
                let middle = (start + end) / 2
                let parts = crc(Array(bytes[middle..<end]), continuing: crc(Array(bytes[start..<middle])))
                #expect(parts == ~slow)
            }
        }
    }

    @Test func `a message that AWS published is read to its end, and misses only a type of ours`() throws {
        let published: [UInt8] =
            [0, 0, 0, 0x3D, 0, 0, 0, 0x20, 0x07, 0xFD, 0x83, 0x96, 0x0C] + Array("content-type".utf8)
            + [7, 0, 0x10] + Array("application/json{'foo':'bar'}".utf8) + [0x8D, 0x9C, 0x08, 0xB1]
        let empty: [UInt8] = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xC2, 0x48, 0xEB, 0x7D, 0x98, 0xC8, 0xFF]
        for message in [published, empty] {
            #expect(throws: EventStreamError.unnamedMessage) { try Self.read(message) }
            var broken = message
            broken[broken.count - 1] ^= 1
            #expect(throws: EventStreamError.badChecksum) { try Self.read(broken) }
        }
    }

    @Test func `a stream gives the same messages wherever it is cut (row 35)`() throws {
        for cut in 0...Self.stream.count {
            let (messages, isCut) = try Self.read(Self.stream, cuts: [cut])
            #expect(messages == Self.expected && !isCut, "cut at \(cut)")
        }
        let (dripped, isCut) = try Self.read(Self.stream, cuts: Array(1..<Self.stream.count))
        #expect(dripped == Self.expected && !isCut)
        var random = SeededGenerator(seed: 35)
        for _ in 0..<500 {
            let cuts = (0..<random.below(8)).map { _ in random.below(Self.stream.count + 1) }.sorted()
            #expect(try Self.read(Self.stream, cuts: cuts).messages == Self.expected)
        }
    }

    @Test func `a stream that ends inside a message was cut`() throws {
        var ends: Set<Int> = [0]
        var end = 0
        for message in Self.expected.indices {
            end += Int(
                UInt32(bigEndian: Self.stream[end..<(end + 4)].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
            )
            ends.insert(end)
            #expect(try Self.read(Array(Self.stream[..<end])).messages == Array(Self.expected[...message]))
        }
        for length in 0..<Self.stream.count {
            let (_, isCut) = try Self.read(Array(Self.stream[..<length]))
            #expect(isCut == !ends.contains(length), "\(length)")
        }
    }

    @Test func `a flipped bit is noticed, wherever it is`() {
        let message = EventStreamBytes.event("messageStop", #"{"stopReason":"end_turn"}"#)
        for bit in 0..<(message.count * 8) {
            var broken = message
            broken[bit / 8] ^= 1 << UInt8(bit % 8)
            let expected: EventStreamError = bit / 8 < 12 ? .badPreludeChecksum : .badChecksum
            #expect(throws: expected, "bit \(bit)") { try Self.read(broken) }
        }
    }

    @Test func `a message of more than 1 MiB is refused at its first bytes (row 34)`() {
        func start(_ total: UInt32) -> [UInt8] {
            Array(EventStreamBytes.frame(headers: [], payload: [], total: total, headerBytes: 0).prefix(12))
        }
        #expect(throws: EventStreamError.messageTooLarge) { try Self.read(start((1 << 20) + 1)) }
        #expect(throws: Never.self) { try Self.read(start(1 << 20)) }
    }

    @Test func `lengths that lie are refused as soon as they are here (row 34)`() {
        let limits = EventStreamLimits(messageBytesMax: 1000, headerBytesMax: 100)
        func verdict(_ total: UInt32, _ headers: UInt32) -> EventStreamError? {
            let start = Array(
                EventStreamBytes.frame(headers: [], payload: [], total: total, headerBytes: headers).prefix(12)
            )
            do throws(EventStreamError) {
                _ = try Self.read(start, limits: limits)
                return nil
            } catch { return error }
        }
        #expect(verdict(0, 0) == .badLengths)
        #expect(verdict(15, 0) == .badLengths)
        #expect(verdict(16, 0) == nil)
        #expect(verdict(16, 1) == .badLengths)
        #expect(verdict(200, 185) == .badLengths)
        #expect(verdict(200, .max) == .badLengths)
        #expect(verdict(1000, 0) == nil)
        #expect(verdict(1001, 0) == .messageTooLarge)
        #expect(verdict(.max, 0) == .messageTooLarge)
        #expect(verdict(.max, .max) == .badLengths)
        #expect(verdict(1000, 100) == nil)
        #expect(verdict(1000, 101) == .headersTooLarge)
    }

    @Test func `headers that lead beyond their end are refused, and headers of unknown types`() {
        func verdict(_ headers: [UInt8]) -> EventStreamError? {
            do throws(EventStreamError) {
                // The payload looks like more of the header.
                _ = try Self.read(EventStreamBytes.frame(headers: headers, payload: [UInt8](repeating: 0, count: 64)))
                return nil
            } catch { return error }
        }
        let names =
            EventStreamBytes.header(":message-type", .text("event"))
            + EventStreamBytes.header(":event-type", .text("x"))
        #expect(verdict(names) == nil)
        #expect(verdict(names + [0, 0]) == .badHeaders)
        for header in Self.everyType.map({ EventStreamBytes.header($0.name, $0.value) }) {
            for length in 1..<header.count { #expect(verdict(names + header[..<length]) == .badHeaders) }
            #expect(verdict(names + header) == nil)
        }
        for type in 10...255 as ClosedRange<UInt8> { #expect(verdict(names + [1, 0x61, type]) == .badHeaders) }
    }

    @Test func `a message without a name is refused, whatever else it says`() throws {
        func verdict(_ headers: [(name: String, value: EventStreamBytes.Value)]) -> EventStreamError? {
            do throws(EventStreamError) {
                _ = try Self.read(EventStreamBytes.message(headers, payload: []))
                return nil
            } catch { return error }
        }
        #expect(verdict([(":event-type", .text("x"))]) == .unnamedMessage)
        #expect(verdict([(":message-type", .text("event"))]) == .unnamedMessage)
        #expect(verdict([(":message-type", .text("event")), (":exception-type", .text("x"))]) == .unnamedMessage)
        #expect(verdict([(":message-type", .text("other")), (":event-type", .text("x"))]) == .unnamedMessage)
        #expect(
            verdict([(":message-type", .bytes(Array("event".utf8))), (":event-type", .text("x"))]) == .unnamedMessage
        )
        let error = EventStreamBytes.message(
            [(":error-message", .text("gone")), (":error-code", .text("500")), (":message-type", .text("error"))],
            payload: []
        )
        var expected = Self.message(.error, "500", "")
        expected.errorMessage = ByteBuffer(string: "gone")
        #expect(try Self.read(error).messages == [expected])
    }

    @Test func `what is held is what is not read yet`() throws {
        let event = EventStreamBytes.event("contentBlockDelta", String(repeating: "x", count: 3000))
        let stream = (0..<200).flatMap { _ in event }
        // Pieces that never end where a message does, so that there is always a rest.
        let (messages, isCut) = try Self.read(stream, cuts: Array(stride(from: 1000, to: stream.count, by: 1000)))
        #expect(messages.count == 200 && !isCut)
        // A slice shares the memory it was read from; none of it is larger than a few pieces and messages.
        #expect(messages.allSatisfy { $0.payload.storageCapacity <= 32 << 10 })
    }
}
