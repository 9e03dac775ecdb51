import Chat
import Core
import Glibc
import NIOConcurrencyHelpers
import TestKit
import Testing

@testable import Metering

/// What happens when there is no room (row 115): intents are refused, and every attempt that began can end.
@Suite struct JournalRoomTests {
    /// A disk that says it is full while `isFull`.
    private static func disk(_ isFull: NIOLockedValueBox<Bool>) -> JournalDisk {
        JournalDisk(
            allocate: { isFull.withLockedValue { $0 } ? ENOSPC : JournalDisk.system.allocate($0, $1) },
            sync: JournalDisk.system.sync
        )
    }

    @Test func `an intent leaves room for the ends of all that are open, however large they are`() async throws {
        let isFull = NIOLockedValueBox(true)
        // Each run has other sizes, so that the boundary is met in many ways.
        for seed in 1...30 {
            isFull.withLockedValue { $0 = false }
            let journal = try TestJournal { $0.disk = Self.disk(isFull) }
            if seed % 2 == 0 { await journal.pass() }  // With a spare, and without.
            isFull.withLockedValue { $0 = true }
            var generator = SeededGenerator(seed: UInt64(seed))
            let filled = try journal.fill { counter in
                Samples.intent(counter, metadata: String(repeating: "m", count: generator.below(900)))
            }
            guard case .full = filled.error else {
                Issue.record("\(filled)")
                continue
            }
            #expect(filled.count > 30)
            // Checkpoints may have what is not needed for ends; then they are refused too.
            for counter in 0..<5000 {
                if (try? journal.append(Samples.checkpoint(counter % filled.count, output: .max))) == nil { break }
            }
            var largest = RecordMaker(generator: generator)
            for counter in 0..<filled.count {
                var end = largest.end()
                end.code = String(repeating: "c", count: 64)
                end.cost = MicroDollars(.min)
                end.usage = TokenUsage(
                    input: .min,
                    output: .min,
                    cachedInput: .min,
                    cacheWrite: .min,
                    reasoning: .min,
                    audioInput: .min,
                    audioOutput: .min,
                    images: .min,
                    cost: MicroDollars(.min)
                )
                try journal.append(.end(Samples.id(counter), end))
            }
            #expect(journal.writer.withLockedValue { $0.open } == 0)
            try await journal.keeper.close()
            let reading = try #require(try DeadJournal.all(in: journal.folder).first?.readAll())
            #expect(reading.faults == [])
            #expect(reading.records.count { if case .end = $0 { true } else { false } } == filled.count)
        }
    }

    @Test func `a checkpoint never takes the room of an end`() throws {
        let journal = try TestJournal()
        for counter in 0..<40 { try journal.append(Samples.intent(counter)) }
        var written = 0
        while (try? journal.append(Samples.checkpoint(written % 40))) != nil { written += 1 }
        #expect(written > 500)
        for counter in 0..<40 { try journal.append(Samples.end(counter)) }
        #expect(throws: JournalError.full(.late)) { try journal.fill { Samples.end($0) }.error.map { throw $0 } }
    }

    @Test func `a full disk refuses intents, takes ends, and there is room again once it is not full`() async throws {
        let isFull = NIOLockedValueBox(false)
        let journal = try TestJournal { options in
            options.disk = Self.disk(isFull)
            options.syncEvery = .milliseconds(250)
            options.retryEvery = .seconds(1)
        }
        isFull.withLockedValue { $0 = true }
        await journal.pass()
        let filled = try journal.fill { Samples.intent($0) }
        #expect(filled.error == .full(.disk))
        #expect(journal.keeper.status.shortage == .disk)
        try journal.append(Samples.end(0))
        isFull.withLockedValue { $0 = false }
        // It is tried again every fourth tick.
        for _ in 0..<3 {
            await journal.pass()
            #expect(journal.keeper.status.shortage == .disk)
        }
        await journal.pass()
        #expect(journal.keeper.status.shortage == nil)
        try journal.append(Samples.intent(filled.count))
        for counter in 1...filled.count { try journal.append(Samples.end(counter)) }
        try await journal.keeper.close()
        let reading = try #require(try DeadJournal.all(in: journal.folder).first?.readAll())
        #expect(reading.records.count == 2 * filled.count + 2)
        #expect(reading.faults == [])
    }

    @Test func `the journals together stay below the cap until something is folded away`() async throws {
        let scratch = try ScratchFolder()
        let old = try TestJournal(in: scratch)
        await old.pass()
        try await old.keeper.close()
        let journal = try TestJournal(in: scratch, epoch: 2) { $0.bytesMax = 4 * 64 << 10 }
        var (count, error) = (0, JournalError?.none)
        while error == nil, count < 10_000 {
            await journal.pass()
            do {
                try journal.append(Samples.intent(count))
                try journal.append(Samples.end(count))
                count += 1
            } catch let refused as JournalError {
                error = refused
            }
        }
        #expect(error == .full(.cap))
        #expect(journal.keeper.status.bytes == 2 * 64 << 10)
        try DeadJournal.all(in: scratch.path).first?.remove()
        for _ in 0..<20 { await journal.pass() }
        try journal.append(Samples.intent(count))
        #expect(journal.keeper.status.bytes > 2 * 64 << 10)
        try await journal.keeper.close()
    }

    @Test func `as many segments are made ahead as the ends of all open attempts would fill`() async throws {
        let journal = try TestJournal()
        var opened = 0
        for _ in 0..<10 {
            await journal.pass()
            opened += try journal.fill { Samples.intent(opened + $0) }.count
        }
        #expect(opened > 300)
        for counter in 0..<opened { try journal.append(Samples.end(counter)) }
        try await journal.keeper.close()
        #expect(try DeadJournal.all(in: journal.folder).first?.readAll().faults == [])
    }

    /// Root in a container may not mount; then the tests with a disk that says it is full cover the same path.
    private static let canMount: Bool = {
        guard geteuid() == 0, let folder = try? ScratchFolder() else { return false }
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount2(folder.path, Int32(MNT_DETACH)) == 0
    }()

    @Test(.enabled(if: canMount, "needs to mount a small disk"))
    func `on a disk that is really full every attempt ends, and there is room again by itself`() async throws {
        let scratch = try ScratchFolder()
        try #require(mount("tmpfs", scratch.path, "tmpfs", 0, "size=256k") == 0)
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        let journal = try TestJournal(in: scratch) { $0.retryEvery = $0.syncEvery }
        var (opened, error) = (0, JournalError?.none)
        while error != .full(.disk), opened < 10_000 {
            await journal.pass()
            let filled = try journal.fill { Samples.intent(opened + $0) }
            opened += filled.count
            error = filled.error
        }
        #expect(error == .full(.disk))
        // Nothing is left of the segment that found no room, so others may have what there is.
        #expect(!ScratchFolder.names(in: journal.keeper.path).contains { $0.hasSuffix(".new") })
        for counter in 0..<opened { try journal.append(Samples.end(counter)) }
        let position = journal.keeper.written
        try await journal.keeper.durable(position)
        #expect(try await journal.keeper.read(from: .start, count: .max).entries.count == 2 * opened)
        try await journal.keeper.release(upTo: position)
        await journal.pass()
        #expect(journal.keeper.status.shortage == nil)
        try journal.append(Samples.intent(opened))
        try await journal.keeper.close()
    }
}
