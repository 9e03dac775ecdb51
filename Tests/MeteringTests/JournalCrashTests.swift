import Core
import Glibc
import NIOConcurrencyHelpers
import TestKit
import Testing

@testable import Metering

/// A process that dies while it writes.
///
/// What survives it is what the kernel has of the file; so each test takes a copy of that at the moment of death,
/// through read(2) and not through the writer's memory, and reads it as the next life of the process would.
@Suite struct JournalCrashTests {
    private struct Death: Sendable {
        var moment: JournalMoment
        var kind: JournalKind
        /// What the file held.
        var bytes: [UInt8]
        /// How many records had been appended.
        var appended: Int
    }

    @Test func `a death at every moment of every record loses none that was appended`() async throws {
        let deaths = NIOLockedValueBox<[Death]>([])
        let appended = NIOLockedValueBox(0)
        let scratch = try ScratchFolder()
        let path = "\(scratch.path)/1/0000000001.tpj"
        let journal = try TestJournal(in: scratch) { options in
            options.probe = { moment, kind in
                let count = appended.withLockedValue { $0 }
                let bytes = (try? TestFile.bytes(path)) ?? []
                let death = Death(moment: moment, kind: kind, bytes: bytes, appended: count)
                deaths.withLockedValue { $0.append(death) }
            }
        }
        let records = (0..<12).flatMap { [Samples.intent($0), Samples.checkpoint($0), Samples.end($0)] }
        for record in records {
            try journal.append(record)
            appended.withLockedValue { $0 += 1 }
        }
        try await journal.keeper.close()

        let all = deaths.withLockedValue { $0 }
        #expect(all.count == 3 * records.count)
        for death in all {
            let reading = try Self.read(death.bytes)
            // Once its head is stored a record is there, even if the append has not returned yet.
            let expected = death.appended + (death.moment == .stored ? 1 : 0)
            #expect(reading.records == Array(records[..<expected]))
            #expect(reading.faults == [])
            #expect((reading.ending == .clean) == (death.moment != .copied))
        }
    }

    @Test func `a death between two segments loses nothing`() async throws {
        let copies = NIOLockedValueBox<[[UInt8]]>([])
        let scratch = try ScratchFolder()
        let path = "\(scratch.path)/1/0000000001.tpj"
        let journal = try TestJournal(in: scratch) { options in
            options.probe = { _, kind in
                guard kind == .seal, let bytes = try? TestFile.bytes(path) else { return }
                copies.withLockedValue { $0.append(bytes) }
            }
        }
        await journal.pass()
        var counter = 0
        while journal.keeper.written.segment == 1 {
            try journal.append(Samples.intent(counter))
            try journal.append(Samples.end(counter))
            counter += 1
        }
        let all = copies.withLockedValue { $0 }
        #expect(all.count == 3)
        let whole = try await journal.keeper.read(from: .start, count: .max).entries.filter { $0.position.segment == 1 }
        for copy in all {
            let reading = try Self.read(copy)
            #expect(reading.records == whole.map(\.record))
            #expect(reading.faults == [])
        }
        try await journal.keeper.close()
    }

    /// Reads the bytes of a first segment.
    private static func read(_ bytes: [UInt8]) throws -> TestReading {
        let scratch = try ScratchFolder()
        #expect(mkdir("\(scratch.path)/1", 0o700) == 0)
        try TestFile.write(bytes, at: 0, to: "\(scratch.path)/1/0000000001.tpj")
        return try #require(try DeadJournal.all(in: scratch.path).first).readAll()
    }
}
