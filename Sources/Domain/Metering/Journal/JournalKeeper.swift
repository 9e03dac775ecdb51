internal import Dispatch
internal import NIOConcurrencyHelpers
internal import Synchronization

/// What the journal does besides writing: makes segments ahead, brings them to the disk, deletes them.
///
/// Whatever may wait for the disk runs on two serial queues of its own, one for syncs, one for files, so that it holds
/// up neither an event loop nor the threads of Swift's tasks, nor a new segment a sync.
package final class JournalKeeper: Sendable {
    struct State {
        /// All there are, in order: full ones, the current one, spares.
        var segments: [JournalSegment]
        var nextNumber: UInt32
        var isSyncing = false
        var isMaking = false
        var isClosed = false
        var hasFailed = false
        /// How many ticks to let pass before a segment is tried again.
        var restTicks = 0
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
        var status = JournalStatus()
    }

    struct Waiter {
        let position: JournalPosition
        let continuation: CheckedContinuation<Void, any Error>
    }

    let state: NIOLockedValueBox<State>
    let shared: JournalShared
    let options: JournalOptions
    /// Holds the journals of all epochs.
    let folder: String
    /// As the first segment has it; those after it differ in their number and time.
    let header: SegmentHeader
    private let lock: NIOLockedValueBox<JournalLock?>
    let syncQueue = DispatchQueue(label: "turnpike.journal.sync")
    let fileQueue = DispatchQueue(label: "turnpike.journal.files")

    init(
        _ first: JournalSegment,
        header: SegmentHeader,
        folder: String,
        lock: JournalLock,
        shared: JournalShared,
        options: JournalOptions
    ) {
        self.state = NIOLockedValueBox(State(segments: [first], nextNumber: first.number + 1))
        self.shared = shared
        self.options = options
        self.folder = folder
        self.header = header
        self.lock = NIOLockedValueBox(lock)
    }

    /// This epoch's folder.
    package var path: String { JournalFolder.path(ofEpoch: self.header.epoch, in: self.folder) }

    /// The end of what was written.
    package var written: JournalPosition { JournalPosition(packed: self.shared.written.load(ordering: .acquiring)) }

    /// The end of what is on the disk.
    package var synced: JournalPosition { JournalPosition(packed: self.shared.synced.load(ordering: .acquiring)) }

    /// Figures for metrics and for the state page.
    package var status: JournalStatus {
        var status = self.state.withLockedValue { state in
            var status = state.status
            status.bytes = state.segments.count * self.options.segmentBytes
            return status
        }
        status.open = self.shared.open.load(ordering: .relaxed)
        status.shortage =
            self.shared.spareCount.load(ordering: .acquiring) > 0
            ? nil : JournalShortage(rawValue: self.shared.shortage.load(ordering: .relaxed))
        return status
    }

    /// Keeps the journal until cancelled: every `JournalOptions.syncEvery` it syncs what is new and sees to spares.
    ///
    /// `close` is still to be called after it.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        while true {
            self.tick()
            try await self.options.wait(self.options.syncEvery)
        }
    }

    /// Starts what is due, and does not wait for it.
    func tick() {
        if self.written > self.synced { self.startSync() }
        self.startMaking()
    }

    /// Waits until what was started is done.
    func settle() async {
        for queue in [self.syncQueue, self.fileQueue] {
            await withCheckedContinuation { continuation in queue.async { continuation.resume() } }
        }
    }

    /// Syncs what is left and lets go of the files and of the epoch.
    ///
    /// Appends fail from now on. What was written stays, for `DeadJournal`, unless `removing` says that all of it has
    /// been folded away. Repeating it does nothing.
    ///
    /// - Throws: `JournalError.failed` if the last sync failed; `system` if files could not be removed.
    package func close(removing: Bool = false) async throws {
        // A failure stays one.
        _ = self.shared.stop.compareExchange(
            expected: JournalShared.Stop.none.rawValue,
            desired: JournalShared.Stop.closed.rawValue,
            ordering: .acquiringAndReleasing
        )
        let isFirst = self.state.withLockedValue { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        // A sync that is going on may have begun before the last record; nothing is written after the second.
        repeat {
            if self.written > self.synced { self.startSync() }
            await self.settle()
        } while self.written > self.synced && !self.state.withLockedValue(\.hasFailed)
        let (hasFailed, waiters) = self.state.withLockedValue { state in
            defer { state.waiters = [:] }
            return (state.hasFailed, state.waiters)
        }
        for waiter in waiters.values { waiter.continuation.resume(throwing: JournalError.closed) }
        if hasFailed { throw JournalError.failed }
        let path = self.path
        try await self.onFiles {
            self.state.withLockedValue { $0.segments = [] }
            if removing { try JournalFolder.remove(path) }
            self.lock.withLockedValue { $0 = nil }
        }
    }

    /// Runs something that waits for the disk where it holds up nobody, and gives back what it made of it.
    func onFiles<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            self.fileQueue.async { continuation.resume(with: Result { try work() }) }
        }
    }
}

/// Figures of a journal.
package struct JournalStatus: Sendable, Equatable {
    /// Syncs that succeeded.
    package var syncs = 0
    /// Segments made since the start.
    package var segmentsMade = 0
    /// What this epoch's segments take on the disk.
    package var bytes = 0
    /// Attempts with an intent and no end.
    package var open = 0
    /// Why no segment stands ready; nil if one does.
    package var shortage: JournalShortage?
}
