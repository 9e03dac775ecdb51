import NIOCore
import TestKit
import Testing
import Wire

@Suite struct SSEReaderTests {
    /// Reads a stream in pieces that end at `cuts`.
    static func read(
        _ stream: [UInt8],
        cuts: [Int] = [],
        limits: SSELimits = SSELimits()
    ) throws(SSEError) -> (events: [SSEReference.Event], comments: [[UInt8]]) {
        var reader = SSEReader(limits: limits, surfacesComments: true)
        var events: [SSEReference.Event] = []
        var comments: [[UInt8]] = []
        var start = 0
        for end in cuts + [stream.count] {
            reader.feed(ByteBuffer(bytes: stream[start..<end]))
            start = end
            while let event = try reader.next() {
                if event.isComment {
                    comments.append(Array(event.data.readableBytesView))
                } else {
                    events.append(
                        SSEReference.Event(
                            data: Array(event.data.readableBytesView),
                            type: event.type.map { Array($0.readableBytesView) } ?? [],
                            id: event.id.map { Array($0.readableBytesView) } ?? []
                        )
                    )
                }
            }
        }
        return (events, comments)
    }

    /// A stream of pieces that mean something, and some that mean nothing.
    static func stream(_ random: inout SeededGenerator, bytes: Int) -> [UInt8] {
        let pieces = [
            "data: {\"a\":1}", "data:x", "data", "data:", "data:  two", "event: ping", "event:", "event", "id: 7", "id",
            "id: a\0b", "retry: 100", "retry: x", ": comment", ":", "other: x", " data: x", "dat: x", "datax",
            "data : x",
            "data: \u{E9}\u{80}", "data: \0", "\u{EF}\u{BB}\u{BF}data: mark", "eventx: y", "Data: x", "data: a:b",
        ]
        var stream: [UInt8] = random.oneIn(3) ? [0xEF, 0xBB, 0xBF] : random.oneIn(8) ? [0xEF, 0xBB] : []
        let ends = random.pick([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r", "\n\n", "\r\r", "\r\n\r\n", "\n\r"]])
        while stream.count < bytes {
            stream += latin1(random.pick(pieces)) + latin1(random.pick(ends))
            if random.oneIn(2) { stream += latin1(random.pick(ends)) }
        }
        return stream
    }

    @Test func `a stream of 2 KiB gives the same events wherever it is cut (row 35)`() throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let stream = Self.stream(&random, bytes: 2048)
            let expected = SSEReference.events(in: stream)
            #expect(expected.events.count > 5)
            for cut in 0...stream.count {
                let found = try Self.read(stream, cuts: [cut])
                guard found == expected else {
                    Issue.record("seed \(seed) cut at \(cut): \(found) instead of \(expected)")
                    return
                }
            }
            let dripped = try Self.read(stream, cuts: Array(1..<stream.count))
            #expect(dripped == expected)
        }
    }

    @Test func `random streams in random pieces mean what the reference says (row 35)`() throws {
        var random = SeededGenerator(seed: 35)
        for _ in 0..<4000 {
            var stream = Self.stream(&random, bytes: 20 + random.below(200))
            for _ in 0..<random.below(4) {
                stream[random.below(stream.count)] = random.pick(latin1("\r\n: \0d\u{EF}\u{BB}\u{BF}"))
            }
            let cuts = (0..<random.below(6)).map { _ in random.below(stream.count + 1) }.sorted()
            let found = try Self.read(stream, cuts: cuts)
            let expected = SSEReference.events(in: stream)
            guard found == expected else {
                Issue.record("\(shown(stream)) cut at \(cuts): \(found) instead of \(expected)")
                return
            }
        }
    }

    @Test func `an event in one piece is a part of it, not a copy`() throws {
        let input = ByteBuffer(string: "data: {\"x\":\"hello\"}\n\n")
        var reader = SSEReader()
        reader.feed(input)
        let event = try #require(try reader.next())
        let isInside = input.withUnsafeReadableBytes { whole in
            event.data.withUnsafeReadableBytes { part in
                part.baseAddress.map { address in whole.baseAddress.map { address == $0 + 6 } ?? false } ?? false
            }
        }
        #expect(isInside)
        #expect(String(buffer: event.data) == "{\"x\":\"hello\"}")
    }

    @Test func `a stream that ends within an event says so, and one that ends after it does not`() throws {
        for (stream, isCut) in [
            ("data: x\n\n", false), ("data: x\n", true), ("data: x", true), ("event: a\n", true), ("", false),
            (": beat\n\n", false), (": be", false), ("data: x\n\nda", true), ("id: 4\n", false), ("data: x\r\r", false),
        ] {
            var reader = SSEReader()
            reader.feed(ByteBuffer(string: stream))
            while try reader.next() != nil {}
            #expect(reader.finish() == isCut, "\(stream.debugDescription)")
        }
    }

    @Test func `lines and events beyond their limits are refused, at the byte (row 34)`() throws {
        let limits = SSELimits(lineBytesMax: 100, eventBytesMax: 300)
        let line = "data: " + String(repeating: "x", count: 94)
        #expect(try Self.read(latin1(line + "\n\n"), limits: limits).events.count == 1)
        #expect(throws: SSEError.lineTooLong) { try Self.read(latin1(line + "x\n\n"), limits: limits) }
        #expect(throws: SSEError.lineTooLong) { try Self.read(latin1(line + "x"), limits: limits) }
        #expect(throws: SSEError.lineTooLong) {
            try Self.read(latin1(line + "x"), cuts: Array(1...100), limits: limits)
        }
        // Three times 94 and two line feeds are 284; one line of 16 bytes more is 301.
        let full = "\(line)\n\(line)\n\(line)\n"
        let fits = latin1(full + "data: " + String(repeating: "y", count: 15) + "\n\n")
        #expect(try Self.read(fits, limits: limits).events.count == 1)
        let isOver = latin1(full + "data: " + String(repeating: "y", count: 16) + "\n")
        #expect(throws: SSEError.eventTooLarge) { try Self.read(isOver, limits: limits) }
        // Comments and unknown fields never add up.
        let chatter = String(repeating: ": comment\nfoo: bar\n", count: 1000)
        #expect(try Self.read(latin1(chatter + "data: x\n\n"), limits: limits).events.count == 1)
    }

    @Test func `retry is taken if it is digits only`() throws {
        var reader = SSEReader()
        reader.feed(ByteBuffer(string: "retry: 1500\n\nretry: 5s\nretry:\nretry: -1\nretry: 99999999999999999999\n"))
        #expect(try reader.next() == nil)
        #expect(reader.retryMilliseconds == 1500)
    }

    @Test func `what was read is let go, however long the stream is cut within lines`() throws {
        var reader = SSEReader()
        let piece = ByteBuffer(string: "x\n\ndata: " + String(repeating: "y", count: 50))
        reader.feed(ByteBuffer(string: "data: "))
        var count = 0
        for _ in 0..<20_000 {
            reader.feed(piece)
            while let event = try reader.next() {
                count += 1
                #expect(event.data.readableBytes == 1 || event.data.readableBytes == 51)
                #expect(event.data.storageCapacity < 4096)
            }
        }
        #expect(count == 20_000)
    }
}

@Suite struct SSEWriterTests {
    @Test func `one written event is one read event, whatever its data holds (row 36)`() throws {
        var random = SeededGenerator(seed: 36)
        let alphabet = latin1("ab:\r\n\r\n \0\u{E9}\u{FF}data: event: id\u{EF}\u{BB}\u{BF}")
        for _ in 0..<3000 {
            let data = (0..<random.below(40)).map { _ in random.pick(alphabet) }
            var wire = ByteBuffer()
            let id = random.oneIn(2) ? random.next() : nil
            SSEWriter.write(data: ByteBuffer(bytes: data), type: random.oneIn(2) ? "ping" : nil, id: id, into: &wire)
            SSEWriter.writeComment("beat", into: &wire)
            let (events, comments) = try SSEReaderTests.read(Array(wire.readableBytesView))
            #expect(events.count == 1)
            #expect(comments.count == 1)
            #expect(events.first?.data == Self.joined(data))
            #expect(events.first?.id == id.map { Array(String($0).utf8) } ?? [])
        }
    }

    @Test func `a foreign type cannot become another field (row 36)`() throws {
        for type in ["a\nb", "a\rdata: x", "\n", "a\0"] {
            var wire = ByteBuffer(string: "kept")
            #expect(throws: SSEError.badField) {
                try SSEWriter.write(data: ByteBuffer(string: "x"), foreignType: ByteBuffer(string: type), into: &wire)
            }
            #expect(String(buffer: wire) == "kept")
        }
        var wire = ByteBuffer()
        try SSEWriter.write(data: ByteBuffer(string: "x"), foreignType: ByteBuffer(string: "a b"), into: &wire)
        try SSEWriter.write(data: ByteBuffer(string: "y"), foreignType: nil, into: &wire)
        #expect(String(buffer: wire) == "event: a b\ndata: x\n\ndata: y\n\n")
    }

    /// Every line end as LF.
    private static func joined(_ data: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for (index, byte) in data.enumerated() {
            if byte == 0x0A, index > 0, data[index - 1] == 0x0D { continue }
            result.append(byte == 0x0D ? 0x0A : byte)
        }
        return result
    }
}
