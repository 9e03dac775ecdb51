import Core
import Glibc
import NIOCore
import TestKit
import Testing

@testable import Metering

/// What is read after a crash, and after damage.
@Suite struct JournalDamageTests {
    /// A closed journal of ten attempts, and where each record ends.
    private static func closed(
        _ scratch: ScratchFolder,
        count: Int = 10
    ) async throws -> (path: String, ends: [JournalPosition]) {
        let journal = try TestJournal(in: scratch)
        var ends: [JournalPosition] = []
        for counter in 0..<count {
            ends.append(try journal.append(Samples.intent(counter)))
            ends.append(try journal.append(Samples.end(counter)))
            if counter % 100 == 99 { await journal.pass() }
        }
        try await journal.keeper.close()
        return (journal.keeper.path, ends)
    }

    private static func read(_ scratch: ScratchFolder) throws -> TestReading {
        try #require(try DeadJournal.all(in: scratch.path).first).readAll()
    }

    @Test func `a record cut off at any byte reads as the end`() async throws {
        let scratch = try ScratchFolder()
        let (folder, ends) = try await Self.closed(scratch)
        let path = "\(folder)/0000000001.tpj"
        let whole = try TestFile.bytes(path)
        let (start, end) = (Int(ends[18].offset), Int(ends[19].offset))
        for cut in start..<end {
            // As a process leaves it that dies while it copies the body: the head is not there.
            try TestFile.write([UInt8](repeating: 0, count: 8), at: start, to: path)
            try TestFile.write(whole[(start + 8)..<max(start + 8, cut)], at: start + 8, to: path)
            try TestFile.write(
                [UInt8](repeating: 0, count: end - max(start + 8, cut)),
                at: max(start + 8, cut),
                to: path
            )
            var reading = try Self.read(scratch)
            #expect(reading.counters == (0..<19).map { $0 / 2 })
            #expect(reading.faults == [])
            // As a loss of power may leave it: head first, and nothing behind `cut`.
            try TestFile.write(whole[start..<cut], at: start, to: path)
            try TestFile.write([UInt8](repeating: 0, count: end - cut), at: cut, to: path)
            reading = try Self.read(scratch)
            let isWhole = whole[cut..<end].allSatisfy { $0 == 0 }
            #expect(reading.records.count == (isWhole ? 20 : 19))
            #expect(reading.faults == [])
            if !isWhole, cut > start { #expect(reading.ending != .clean) }
        }
    }

    @Test func `a file cut off at any byte is read up to there`() async throws {
        let scratch = try ScratchFolder()
        let (folder, ends) = try await Self.closed(scratch, count: 3)
        let path = "\(folder)/0000000001.tpj"
        for size in (64...Int(ends[5].offset)).reversed() {
            #expect(truncate(path, size) == 0)
            let reading = try Self.read(scratch)
            // The padding of a record may be missing: it reads as zeros, which it is.
            #expect(abs(reading.records.count - ends.count { Int($0.offset) <= size }) <= 1)
            #expect(reading.faults == [])
        }
        #expect(truncate(path, 63) == 0)
        #expect(try Self.read(scratch).faults.map(\.kind) == [.header])
    }

    @Test func `a flipped bit costs the record it is in, is reported with its place, and the rest is read`()
        async throws
    {
        let scratch = try ScratchFolder()
        let (folder, ends) = try await Self.closed(scratch)
        let path = "\(folder)/0000000001.tpj"
        let (start, end) = (Int(ends[6].offset), Int(ends[7].offset))
        for offset in start..<end {
            try TestFile.flip(offset, in: path)
            let reading = try Self.read(scratch)
            if reading.records.count == 20 { continue }  // It was the padding.
            #expect(reading.counters == [0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9])
            let fault = JournalFault(kind: .damaged, path: path, position: ends[6], bytes: end - start)
            #expect(reading.faults == [fault])
            #expect(reading.ending == .clean)
            try TestFile.flip(offset, in: path)
        }
    }

    @Test func `a hole in the middle is told from the end`() async throws {
        let scratch = try ScratchFolder()
        let (folder, ends) = try await Self.closed(scratch)
        let path = "\(folder)/0000000001.tpj"
        let (start, end) = (Int(ends[3].offset), Int(ends[9].offset))
        try TestFile.write([UInt8](repeating: 0, count: end - start), at: start, to: path)
        let reading = try Self.read(scratch)
        #expect(reading.counters == [0, 0, 1, 1, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9])
        #expect(reading.faults == [JournalFault(kind: .damaged, path: path, position: ends[3], bytes: end - start)])
    }

    @Test func `a segment that breaks off before another is reported`() async throws {
        let scratch = try ScratchFolder()
        let (folder, ends) = try await Self.closed(scratch, count: 600)
        let last = try #require(ends.last { $0.segment == 1 })
        let path = "\(folder)/0000000001.tpj"
        let size = (64 << 10) - Int(last.offset)
        try TestFile.write([UInt8](repeating: 0, count: size), at: Int(last.offset), to: path)
        let reading = try Self.read(scratch)
        #expect(reading.records.count == 1200)
        #expect(reading.faults == [JournalFault(kind: .unsealed, path: path, position: last, bytes: 0)])
    }

    @Test func `a segment that is missing is reported, and one whose head is damaged`() async throws {
        let scratch = try ScratchFolder()
        let (folder, ends) = try await Self.closed(scratch, count: 1500)
        #expect(ends.last?.segment ?? 0 >= 3)
        try TestFile.flip(20, in: "\(folder)/0000000003.tpj")
        #expect(unlink("\(folder)/0000000002.tpj") == 0)
        let reading = try Self.read(scratch)
        #expect(reading.faults.map(\.kind) == [.missing, .header])
        #expect(reading.faults.map(\.path) == ["\(folder)/0000000002.tpj", "\(folder)/0000000003.tpj"])
        #expect(reading.records.count == ends.count { ![2, 3].contains($0.segment) })
    }

    @Test func `released segments are not missed from the start, and are from a position in them`() async throws {
        let scratch = try ScratchFolder()
        let (folder, ends) = try await Self.closed(scratch, count: 900)
        #expect(unlink("\(folder)/0000000001.tpj") == 0)
        #expect(try Self.read(scratch).faults == [])
        let dead = try #require(try DeadJournal.all(in: scratch.path).first)
        #expect(try dead.readAll(from: ends[0]).faults.map(\.kind) == [.missing])
        let later = try #require(ends.first { $0.segment == 2 })
        let reading = try dead.readAll(from: later)
        #expect(reading.faults == [])
        #expect(reading.records.count == ends.count { $0 > later })
    }

    @Test func `a version of the format that is not known is refused`() async throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try await Self.closed(scratch)
        let path = "\(folder)/0000000001.tpj"
        var bytes = try TestFile.bytes(path)
        bytes[4] = 2
        let key = JournalKey(Array(bytes[24..<40]))
        let check = bytes.withUnsafeBytes { key.hash(UnsafeRawBufferPointer(rebasing: $0[..<56])) }
        withUnsafeBytes(of: check.littleEndian) { bytes.replaceSubrange(56..<64, with: $0) }
        try TestFile.write(bytes[..<64], at: 0, to: path)
        #expect(throws: JournalError.unsupportedVersion(path: path, version: 2)) { try Self.read(scratch) }
    }

    @Test func `no bytes whatever stop the reader`() async throws {
        let scratch = try ScratchFolder()
        let (folder, _) = try await Self.closed(scratch, count: 40)
        let path = "\(folder)/0000000001.tpj"
        let whole = try TestFile.bytes(path)
        var generator = SeededGenerator(seed: 31)
        for _ in 0..<150 {
            for _ in 0..<(1 + generator.below(20)) {
                let noise = generator.bytes(1 + generator.below(40))
                try TestFile.write(noise, at: 64 + generator.below(10_000), to: path)
            }
            let reading = try Self.read(scratch)
            // Whatever is read was written: the check sees to that.
            for record in reading.records {
                let counter = Int(record.attempt.value & 0xFFFF)
                #expect([Samples.intent(counter), Samples.end(counter)].contains(record))
            }
            try TestFile.write(whole[..<12_000], at: 0, to: path)
        }
    }

    @Test func `a request cannot carry bytes that read as a record`() async throws {
        // The text holds a whole record made with another key, behind a record that is damaged.
        let scratch = try ScratchFolder()
        let journal = try TestJournal(in: scratch)
        let forged = JournalEncoder(key: JournalKey([UInt8](repeating: 1, count: 16)))
        let bytes = Array(try forged.encoded(Samples.end(666)).bytes.readableBytesView)
        let start = Int(try journal.append(Samples.intent(0)).offset)
        try journal.append(Samples.intent(1))
        try journal.append(Samples.end(1))
        try await journal.keeper.close()
        let path = "\(journal.keeper.path)/0000000001.tpj"
        try TestFile.write(bytes, at: start + 16, to: path)
        #expect(try Self.read(scratch).counters == [0, 1])
    }
}
