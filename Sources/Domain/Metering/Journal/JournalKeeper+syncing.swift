internal import Dispatch
internal import NIOConcurrencyHelpers
internal import Synchronization

extension JournalKeeper {
    /// Waits until everything up to `position` is on the disk.
    ///
    /// Starts a sync at once if none runs; all who come while one runs share the next. A waiter that is cancelled gives
    /// up alone: what it waited for is written all the same, and may become durable.
    ///
    /// - Parameter position: One that an append returned.
    /// - Throws: `CancellationError`; `JournalError.failed`: the disk refused, and the process is about to end; `busy`:
    ///   `JournalOptions.waitersMax` wait already; `closed`.
    package func durable(_ position: JournalPosition) async throws {
        if self.shared.synced.load(ordering: .acquiring) >= position.packed { return }
        precondition(position <= self.written, "nothing was written at \(position) yet")
        let id = self.state.withLockedValue { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                self.wait(as: id, Waiter(position: position, continuation: continuation))
            }
        } onCancel: {
            self.giveUp(id)
        }
    }

    private func wait(as id: UInt64, _ waiter: Waiter) {
        enum Answer { case wait, done, refused(any Error) }
        let answer: Answer = self.state.withLockedValue { state in
            if state.hasFailed { return .refused(JournalError.failed) }
            // Looked at under the lock that the sync takes to find its waiters, so none is forgotten.
            if self.synced >= waiter.position { return .done }
            if state.isClosed { return .refused(JournalError.closed) }
            if state.waiters.count >= self.options.waitersMax { return .refused(JournalError.busy) }
            // Had the cancellation come before this line, nobody would look for the waiter again.
            if Task.isCancelled { return .refused(CancellationError()) }
            state.waiters[id] = waiter
            return .wait
        }
        switch answer {
        case .wait: self.startSync()
        case .done: waiter.continuation.resume()
        case .refused(let error): waiter.continuation.resume(throwing: error)
        }
    }

    private func giveUp(_ id: UInt64) {
        let waiter = self.state.withLockedValue { $0.waiters.removeValue(forKey: id) }
        waiter?.continuation.resume(throwing: CancellationError())
    }

    /// Has what was written synced, unless that is going on.
    func startSync() {
        let isMine = self.state.withLockedValue { state in
            guard !state.isSyncing, !state.hasFailed else { return false }
            state.isSyncing = true
            return true
        }
        if isMine { self.syncQueue.async { self.syncWhileAwaited() } }
    }

    /// Syncs, and again for as long as somebody waits for more.
    private func syncWhileAwaited() {
        while true {
            let from = self.synced
            let target = self.written
            let segments = self.state.withLockedValue { state in
                state.segments.filter { $0.number >= from.segment && $0.number <= target.segment }
            }
            for segment in segments {
                let code = self.options.disk.sync(segment.descriptor)
                guard code == 0 else {
                    self.fail(.system(call: "fdatasync", path: segment.path, code: code))
                    return
                }
            }
            let (served, isDone) = self.finishSync(at: target)
            for waiter in served { waiter.continuation.resume() }
            for segment in segments where segment.number < target.segment { segment.unmap() }
            // What is written is never looked at here again: the fold reads the file.
            if let last = segments.last, last.number == target.segment {
                last.evict(from: from.segment == target.segment ? Int(from.offset) : 0, to: Int(target.offset))
            }
            self.populate(segments.last, from: from, to: target)
            if isDone { return }
        }
    }

    /// Notes what is on the disk now.
    ///
    /// - Returns: Those who waited for no more than that, and whether nobody is left.
    private func finishSync(at target: JournalPosition) -> (served: [Waiter], isDone: Bool) {
        self.state.withLockedValue { state in
            self.shared.synced.store(target.packed, ordering: .releasing)
            state.status.syncs += 1
            let served = state.waiters.filter { $0.value.position <= target }
            for id in served.keys { state.waiters[id] = nil }
            let isDone = state.waiters.isEmpty
            if isDone { state.isSyncing = false }
            return (Array(served.values), isDone)
        }
    }

    /// Ends all trust in the journal: after a failed sync the kernel may have dropped what it could not write, and a
    /// second try would say that all is well.
    private func fail(_ error: JournalError) {
        self.shared.stop.store(JournalShared.Stop.failed.rawValue, ordering: .releasing)
        let (isFirst, waiters) = self.state.withLockedValue { state in
            defer {
                state.hasFailed = true
                state.isSyncing = false
                state.waiters = [:]
            }
            return (!state.hasFailed, Array(state.waiters.values))
        }
        if isFirst { self.options.onFailure(error) }
        for waiter in waiters { waiter.continuation.resume(throwing: JournalError.failed) }
    }

    /// Makes the pages ahead of the writer writable: those it will need until the next sync, going by the last.
    ///
    /// A sync leaves all pages read-only to the processor, so that the kernel sees who writes to them again; without
    /// this the next append to each of them would wait for that.
    private func populate(_ segment: JournalSegment?, from: JournalPosition, to: JournalPosition) {
        guard self.options.populates, let segment, segment.number == to.segment else { return }
        let grown = from.segment == to.segment ? Int(to.offset) - Int(from.offset) : segment.bytes
        let count = min(max(2 * grown, JournalOptions.populateMin), JournalOptions.populateMax)
        segment.populate(from: Int(self.written.segment == to.segment ? self.written.offset : to.offset), count: count)
    }
}
