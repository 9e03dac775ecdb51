import Core
import Glibc
import NIOConcurrencyHelpers
import TestKit
import Testing

@testable import Metering

@Suite struct JournalTests {
    @Test func `what was appended is read by the next life of the process`() async throws {
        let journal = try TestJournal()
        var maker = RecordMaker(generator: SeededGenerator(seed: 21))
        let records = (0..<100).map { _ in maker.record() }
        var positions: [JournalPosition] = []
        for record in records { positions.append(try journal.append(record)) }
        #expect(positions == positions.sorted())
        try await journal.keeper.close()

        let dead = try DeadJournal.all(in: journal.folder)
        #expect(dead.map(\.epoch) == [1])
        let reading = try #require(try dead.first?.readAll())
        #expect(reading.records == records)
        #expect(reading.entries.map(\.next) == positions)
        #expect(reading.faults == [])
        #expect(reading.ending == .clean)
        // From any position on, exactly what follows.
        #expect(try dead.first?.readAll(from: positions[59]).records == Array(records[60...]))
        #expect(try dead.first?.readAll(from: positions[99]).records == [])
    }

    @Test func `records go on in the next segment, and all of them are read in order`() async throws {
        let journal = try TestJournal()
        for counter in 0..<2000 {
            try journal.append(Samples.intent(counter))
            try journal.append(Samples.end(counter))
            if counter % 100 == 99 { await journal.pass() }
        }
        #expect(journal.keeper.written.segment > 3)
        try await journal.keeper.close()
        let reading = try #require(try DeadJournal.all(in: journal.folder).first?.readAll())
        #expect(reading.counters == (0..<4000).map { $0 / 2 })
        #expect(reading.faults == [])
        #expect(reading.ending == .clean)
    }

    @Test func `records of every size meet the end of a segment`() async throws {
        // Metadata of growing length shifts the records against the boundary by every multiple of eight.
        let journal = try TestJournal()
        var records: [JournalRecord] = []
        for counter in 0..<1500 {
            records.append(Samples.intent(counter, metadata: String(repeating: "m", count: counter % 700)))
            records.append(Samples.end(counter))
            try journal.append(records[2 * counter])
            try journal.append(records[2 * counter + 1])
            if counter % 50 == 49 { await journal.pass() }
        }
        try await journal.keeper.close()
        let reading = try #require(try DeadJournal.all(in: journal.folder).first?.readAll())
        #expect(reading.records == records)
        #expect(reading.faults == [])
    }

    @Test func `a journal that is being written is read in batches, up to what was written`() async throws {
        let journal = try TestJournal()
        var position = JournalPosition.start
        var seen: [JournalEntry] = []
        for counter in 0..<1000 {
            try journal.append(Samples.intent(counter))
            try journal.append(Samples.end(counter))
            guard counter % 100 == 99 else { continue }
            await journal.pass()
            while true {
                let batch = try await journal.keeper.read(from: position, count: 30)
                #expect(batch.faults == [])
                if batch.entries.isEmpty { break }
                position = batch.next
                seen += batch.entries
            }
            #expect(position == journal.keeper.written)
            try await journal.keeper.release(upTo: position)
        }
        #expect(seen.map(\.record).count == 2000)
        #expect(seen.enumerated().allSatisfy { $0.element.record.attempt == Samples.id($0.offset / 2) })
        // What was read and released is gone: the current segment and the spare are left.
        let names = ScratchFolder.names(in: journal.keeper.path).filter { $0.hasSuffix(".tpj") }
        #expect(names.count == 2)
        #expect(journal.keeper.status.bytes == 2 * 64 << 10)
    }

    @Test func `the segment that is written to is never deleted`() async throws {
        let journal = try TestJournal()
        try journal.append(Samples.intent(1))
        try await journal.keeper.release(upTo: JournalPosition(segment: 9, offset: 0))
        try journal.append(Samples.end(1))
        try await journal.keeper.close()
        #expect(try DeadJournal.all(in: journal.folder).first?.readAll().counters == [1, 1])
    }

    @Test func `an epoch has one holder, and a dead one is taken by one`() async throws {
        let scratch = try ScratchFolder()
        let journal = try TestJournal(in: scratch)
        #expect(throws: JournalError.locked(path: "\(scratch.path)/1/lock")) { try TestJournal(in: scratch) }
        #expect(try DeadJournal.all(in: scratch.path).isEmpty)
        let next = try TestJournal(in: scratch, epoch: 2)
        try await journal.keeper.close()

        var dead = try DeadJournal.all(in: scratch.path)
        #expect(dead.map(\.epoch) == [1])
        #expect(try DeadJournal.all(in: scratch.path).isEmpty)
        dead = []
        dead = try DeadJournal.all(in: scratch.path)
        #expect(dead.map(\.epoch) == [1])
        try dead.first?.remove()
        #expect(scratch.names == ["2"])
        // An epoch is used once, even if nobody holds it any more.
        try await next.keeper.close()
        #expect(throws: JournalError.exists(path: "\(scratch.path)/2")) { try TestJournal(in: scratch, epoch: 2) }
        try await next.keeper.close()
    }

    @Test func `a journal that was folded away is gone when it is closed`() async throws {
        let journal = try TestJournal()
        try journal.append(Samples.intent(1))
        await journal.pass()
        try await journal.keeper.close(removing: true)
        #expect(journal.scratch.names == [])
        #expect(throws: JournalError.closed) { try journal.append(Samples.end(1)) }
    }

    @Test func `there are no dead journals where there is no folder`() throws {
        #expect(try DeadJournal.all(in: "/nowhere/at/all").isEmpty)
    }

    @Test func `only the owner may read the files`() async throws {
        let scratch = try ScratchFolder()
        var options = JournalOptions(now: { UnixTime(milliseconds: 0) }, onFailure: { _ in })
        options.segmentBytes = 64 << 10
        let folder = "\(scratch.path)/journal"
        let key = JournalKey([UInt8](repeating: 7, count: 16))
        let opened = try Journal.open(folder: folder, epoch: 5, key: key, options: options)
        #expect(TestFile.mode(folder) == 0o700)
        #expect(TestFile.mode("\(folder)/5") == 0o700)
        #expect(TestFile.mode("\(folder)/5/lock") == 0o600)
        #expect(TestFile.mode("\(folder)/5/0000000001.tpj") == 0o600)
        try await opened.keeper.close()
    }

    @Test func `the keeper syncs and makes the next segment by itself`() async throws {
        let synced = NIOLockedValueBox(0)
        let (ticks, tick) = AsyncStream.makeStream(of: Void.self)
        let journal = try TestJournal {
            $0.wait = { _ in
                tick.yield()
                await Task.yield()
                try Task.checkCancellation()
            }
            $0.disk.sync = { _ in
                synced.withLockedValue { $0 += 1 }
                return 0
            }
        }
        let position = try journal.append(Samples.intent(1))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await journal.keeper.run() }
            for await _ in ticks where journal.keeper.synced >= position && journal.keeper.status.shortage == nil {
                break
            }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(synced.withLockedValue { $0 } >= 3)
        try await journal.keeper.close()
    }
}

extension TestJournal: @unchecked Sendable {}  // Safety: its parts are constants, each safe by itself.
