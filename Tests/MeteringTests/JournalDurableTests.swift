import Core
import Dispatch
import Glibc
import NIOConcurrencyHelpers
import TestKit
import Testing

@testable import Metering

/// Waiting for the disk, for `ledger.durability: power`.
@Suite struct JournalDurableTests {
    /// A disk whose syncs, once it is armed, wait to be let through.
    final class Gate: Sendable {
        let isArmed = NIOLockedValueBox(false)
        let begun = DispatchSemaphore(value: 0)
        let open = DispatchSemaphore(value: 0)
        let code = NIOLockedValueBox<Int32>(0)
        let count = NIOLockedValueBox(0)

        var disk: JournalDisk {
            JournalDisk(allocate: JournalDisk.system.allocate) { _ in
                guard self.isArmed.withLockedValue({ $0 }) else { return 0 }
                self.count.withLockedValue { $0 += 1 }
                self.begun.signal()
                self.open.wait()
                return self.code.withLockedValue { $0 }
            }
        }

        func arm() { self.isArmed.withLockedValue { $0 = true } }

        /// Waits for a sync to begin, on a thread that may wait.
        func nextSync() async {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    self.begun.wait()
                    continuation.resume()
                }
            }
        }
    }

    @Test func `what was awaited is on the disk, and was synced once for all who came meanwhile`() async throws {
        let gate = Gate()
        let journal = try TestJournal(segmentBytes: 1 << 20) { $0.disk = gate.disk }
        gate.arm()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let first = try journal.append(Samples.intent(0))
            group.addTask { try await journal.keeper.durable(first) }
            await gate.nextSync()
            // All of these come while the first sync runs; it does not count for them.
            for counter in 1...200 {
                let position = try journal.append(Samples.intent(counter, metadata: "{}"))
                group.addTask {
                    try await journal.keeper.durable(position)
                    #expect(journal.keeper.synced >= position)
                }
            }
            while journal.keeper.state.withLockedValue({ $0.waiters.count }) < 201 { await Task.yield() }
            #expect(journal.keeper.synced < first)
            gate.open.signal()
            await gate.nextSync()
            #expect(journal.keeper.synced == first)
            gate.open.signal()
            try await group.waitForAll()
        }
        #expect(gate.count.withLockedValue { $0 } == 2)
        #expect(journal.keeper.synced == journal.keeper.written)
        // What is on the disk already needs no wait.
        try await journal.keeper.durable(journal.keeper.written)
        gate.isArmed.withLockedValue { $0 = false }
        try await journal.keeper.close()
    }

    @Test func `a waiter that gives up goes alone, before or during its wait`() async throws {
        let gate = Gate()
        let journal = try TestJournal { $0.disk = gate.disk }
        gate.arm()
        let position = try journal.append(Samples.intent(0))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { try await Self.isServed(journal, position) }
            await gate.nextSync()
            let later = try journal.append(Samples.intent(1))
            await withTaskGroup(of: Void.self) { leaving in
                for _ in 0..<50 {
                    leaving.addTask {
                        await #expect(throws: CancellationError.self) { try await journal.keeper.durable(later) }
                    }
                }
                while journal.keeper.state.withLockedValue({ $0.waiters.count }) < 20 { await Task.yield() }
                leaving.cancelAll()
            }
            group.addTask { try await Self.isServed(journal, later) }
            while journal.keeper.state.withLockedValue({ $0.waiters.count }) < 2 { await Task.yield() }
            gate.open.signal()
            await gate.nextSync()
            gate.open.signal()
            for try await isServed in group { #expect(isServed) }
        }
        #expect(journal.keeper.state.withLockedValue { $0.waiters.isEmpty })
        gate.isArmed.withLockedValue { $0 = false }
        try await journal.keeper.close()
    }

    private static func isServed(_ journal: TestJournal, _ position: JournalPosition) async throws -> Bool {
        try await journal.keeper.durable(position)
        return journal.keeper.synced >= position
    }

    @Test func `after a sync that failed nothing is confirmed and nothing is written, and it is said once`()
        async throws
    {
        let gate = Gate()
        let failures = NIOLockedValueBox<[JournalError]>([])
        let journal = try TestJournal { options in
            options.disk = gate.disk
            options.onFailure = { error in failures.withLockedValue { $0.append(error) } }
        }
        gate.arm()
        gate.code.withLockedValue { $0 = EIO }
        let position = try journal.append(Samples.intent(0))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    await #expect(throws: JournalError.failed) { try await journal.keeper.durable(position) }
                }
            }
            await gate.nextSync()
            gate.open.signal()
        }
        gate.code.withLockedValue { $0 = 0 }
        await #expect(throws: JournalError.failed) { try await journal.keeper.durable(position) }
        #expect(throws: JournalError.failed) { try journal.append(Samples.end(0)) }
        await journal.pass()
        #expect(gate.count.withLockedValue { $0 } == 1)
        #expect(journal.keeper.synced < position)
        let file = "\(journal.keeper.path)/0000000001.tpj"
        #expect(failures.withLockedValue { $0 } == [.system(call: "fdatasync", path: file, code: EIO)])
        await #expect(throws: JournalError.failed) { try await journal.keeper.close() }
    }

    @Test func `no more wait than may, and who waits when it closes is served or told`() async throws {
        let gate = Gate()
        let journal = try TestJournal { options in
            options.disk = gate.disk
            options.waitersMax = 1
        }
        gate.arm()
        let position = try journal.append(Samples.intent(0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await journal.keeper.durable(position) }
            await gate.nextSync()
            await #expect(throws: JournalError.busy) { try await journal.keeper.durable(position) }
            // The sync that runs is not for this one; closing brings it to the disk all the same.
            try journal.append(Samples.end(0))
            group.addTask { try await journal.keeper.close() }
            gate.open.signal()
            gate.open.signal()
            try await group.waitForAll()
        }
        #expect(journal.keeper.synced == journal.keeper.written)
        #expect(journal.keeper.written > position)
        await #expect(throws: JournalError.closed) { try await journal.keeper.read(from: .start, count: 1) }
    }

    @Test func `a sync covers every segment that was begun since the last`() async throws {
        let synced = NIOLockedValueBox<Set<Int32>>([])
        let journal = try TestJournal { options in
            options.disk.sync = { descriptor in
                _ = synced.withLockedValue { $0.insert(descriptor) }
                return 0
            }
        }
        journal.keeper.startMaking()
        await journal.keeper.settle()
        synced.withLockedValue { $0 = [] }
        var counter = 0
        while journal.keeper.written.segment == 1 {
            try journal.append(Samples.intent(counter))
            try journal.append(Samples.end(counter))
            counter += 1
        }
        try await journal.keeper.durable(journal.keeper.written)
        #expect(synced.withLockedValue { $0.count } == 2)
        try await journal.keeper.close()
    }

    @Test func `records appended by many at once are all there and whole`() async throws {
        let journal = try TestJournal(segmentBytes: 4 << 20)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<8 {
                group.addTask {
                    for turn in 0..<250 {
                        try journal.append(Samples.intent(lane * 1000 + turn))
                        let position = try journal.append(Samples.end(lane * 1000 + turn))
                        if turn % 50 == 0 { try await journal.keeper.durable(position) }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await journal.keeper.close()
        let reading = try #require(try DeadJournal.all(in: journal.folder).first?.readAll())
        #expect(reading.records.count == 4000)
        #expect(Set(reading.counters).count == 2000)
        #expect(reading.faults == [])
    }
}
