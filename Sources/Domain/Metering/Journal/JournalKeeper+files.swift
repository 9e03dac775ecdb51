internal import Core
internal import Dispatch
internal import Glibc
internal import NIOConcurrencyHelpers
internal import Synchronization

extension JournalKeeper {
    /// Has a segment made if too few stand ready and the last failure is long enough ago.
    func startMaking() {
        let isMine = self.state.withLockedValue { state in
            guard !state.isMaking, !state.isClosed, !state.hasFailed, self.needsSpare else { return false }
            guard state.restTicks == 0 else {
                state.restTicks -= 1
                return false
            }
            state.isMaking = true
            return true
        }
        if isMine { self.fileQueue.async { self.makeSpares() } }
    }

    /// One spare, and as many more as the ends of all open attempts would fill.
    private var needsSpare: Bool {
        let kept = self.shared.open.load(ordering: .relaxed) * JournalFrame.openBytes
        return self.shared.spareCount.load(ordering: .acquiring) < 1 + kept / (self.options.segmentBytes / 2)
    }

    private func makeSpares() {
        var shortage: JournalShortage?
        while shortage == nil, self.needsSpare, !self.state.withLockedValue(\.isClosed) {
            do throws(JournalError) {
                try self.makeSpare()
            } catch .full(let reason) {
                shortage = reason
            } catch {
                shortage = .disk
            }
        }
        self.shared.shortage.store((shortage ?? .late).rawValue, ordering: .relaxed)
        let ticks = self.options.retryEvery / self.options.syncEvery
        self.state.withLockedValue { state in
            state.isMaking = false
            state.restTicks = shortage == nil ? 0 : Int(max(0, ticks.rounded(.up)) - 1)
        }
    }

    private func makeSpare() throws(JournalError) {
        let (count, number) = self.state.withLockedValue { ($0.segments.count, $0.nextNumber) }
        let others = JournalFolder.bytes(in: self.folder, except: self.header.epoch)
        guard (count + 1) * self.options.segmentBytes + others <= self.options.bytesMax else { throw .full(.cap) }
        var header = self.header
        header.segment = number
        header.createdAt = self.options.now().milliseconds
        let segment = try JournalSegment.make(header, in: self.path, disk: self.options.disk)
        if self.options.populates {
            segment.populate(from: 0, count: 4 * JournalOptions.populateMin)
        }
        self.state.withLockedValue { state in
            state.segments.append(segment)
            state.nextNumber += 1
            state.status.segmentsMade += 1
        }
        self.shared.addSpare(segment)
    }

    /// Deletes the segments that lie wholly before `position`: all that they say has been folded away.
    ///
    /// The one that is written to stays in any case.
    ///
    /// - Throws: `JournalError.system`; what could not be deleted is tried again the next time.
    package func release(upTo position: JournalPosition) async throws {
        try await self.onFiles {
            let last = min(position.segment, self.written.segment)
            let old = self.state.withLockedValue { $0.segments.filter { $0.number < last } }
            for segment in old {
                guard unlink(segment.path) == 0 || errno == ENOENT else {
                    throw JournalError.last("unlink", segment.path)
                }
                self.state.withLockedValue { $0.segments.removeAll { $0 === segment } }
            }
            self.state.withLockedValue { if !old.isEmpty { $0.restTicks = 0 } }
        }
    }

    /// Reads records of this journal while it is written, up to what was written when it begins.
    ///
    /// - Parameters:
    ///   - position: Where the last batch ended.
    ///   - count: The most records.
    /// - Throws: `JournalError.system`, `closed`, `unsupportedVersion`.
    package func read(from position: JournalPosition, count: Int) async throws -> JournalBatch {
        let limit = self.written
        return try await self.onFiles {
            guard !self.state.withLockedValue(\.isClosed) else { throw JournalError.closed }
            let reader = try JournalReader(folder: self.path, epoch: self.header.epoch, from: position, upTo: limit)
            return try reader.batch(count)
        }
    }
}
