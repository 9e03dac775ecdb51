/// Reads the records of one epoch's journal, in order.
///
/// Where bytes are no record it looks for the next one, so that what is readable is read. What was passed over stands
/// in `faults` if records follow, and in `ending` if none does: a record cut off at the very end is what a crash
/// leaves.
package final class JournalReader {
    /// Everything up to here has been read.
    package private(set) var position: JournalPosition
    /// What should not be so, in the order of the file; the first thousand.
    package private(set) var faults: [JournalFault] = []
    /// How many faults there were.
    package private(set) var faultCount = 0
    /// How the journal ends, once `next` has given nil.
    package private(set) var ending = JournalEnding.clean

    private let epoch: Int64
    private let folder: String
    private let limit: JournalPosition?
    private var files: ArraySlice<(number: UInt32, path: String)>
    private var scan: SegmentScan?
    /// The byte of `scan` that comes next; ahead of `position` where something was passed over.
    private var offset = 0
    /// Where a segment broke off without a seal: a fault, if records follow in a later one.
    private var brokenOff: (path: String, position: JournalPosition, torn: Int)?

    /// - Parameters:
    ///   - folder: The epoch's.
    ///   - limit: For a journal that is being written: its end. Nil for one that nobody writes to.
    init(
        folder: String,
        epoch: Int64,
        from position: JournalPosition,
        upTo limit: JournalPosition?
    ) throws(JournalError) {
        self.folder = folder
        self.epoch = epoch
        self.position = position
        self.limit = limit
        let last = limit?.segment ?? .max
        let all = try JournalFolder.segments(in: folder)
        self.files = all.filter { $0.number >= position.segment && $0.number <= last }[...]
    }

    /// The next record, or nil at the end.
    ///
    /// Reads the disk 256 KiB at a time.
    ///
    /// - Throws: `JournalError.system`, `unsupportedVersion`.
    package func next() throws(JournalError) -> JournalEntry? {
        while let scan = try self.currentScan() {
            let start = JournalPosition(segment: scan.number, offset: UInt32(self.offset))
            switch try scan.slot(at: self.offset) {
            case .record(let bytes, let size):
                self.offset += size
                self.noteBrokenOff()
                let next = JournalPosition(segment: scan.number, offset: UInt32(self.offset))
                self.position = next
                if bytes.first == JournalKind.seal.rawValue {
                    self.scan = nil
                } else if let record = JournalDecoder.record(bytes) {
                    return JournalEntry(record: record, position: start, next: next)
                } else {
                    self.report(.undecodable, scan.path, start, bytes: size)
                }
            case .end: self.leave(scan, torn: 0)
            case .bad:
                if let valid = try scan.record(behind: self.offset) {
                    self.report(.damaged, scan.path, start, bytes: valid - self.offset)
                    self.offset = valid
                } else {
                    try self.leave(scan, torn: scan.bytesUsed(from: self.offset))
                }
            }
        }
        if let brokenOff = self.brokenOff, brokenOff.torn > 0 {
            self.ending = .torn(brokenOff.position, bytes: brokenOff.torn)
        }
        return nil
    }

    /// Up to `count` records, and what was wrong on the way.
    func batch(_ count: Int) throws(JournalError) -> JournalBatch {
        var entries: [JournalEntry] = []
        entries.reserveCapacity(min(count, 1024))
        while entries.count < count, let entry = try self.next() { entries.append(entry) }
        return JournalBatch(entries: entries, next: self.position, faults: self.faults)
    }

    // MARK: - From segment to segment

    /// The segment to read from: the current one, else the next that has a readable head.
    private func currentScan() throws(JournalError) -> SegmentScan? {
        if let scan = self.scan { return scan }
        while let file = self.files.popFirst() {
            let here = JournalPosition(segment: file.number, offset: 0)
            // Each follows the one before; the first is asked for by a position, unless that is simply the start, from
            // which segments may have been released.
            let first = self.position == .start ? file.number : self.position.segment
            let expected = self.lastNumber.map { $0 + 1 } ?? first
            self.lastNumber = file.number
            if file.number > expected {
                let path = JournalFolder.path(ofSegment: expected, in: self.folder)
                self.report(.missing, path, JournalPosition(segment: expected, offset: 0), bytes: 0)
            }
            let limit = self.limit.flatMap { $0.segment == file.number ? Int($0.offset) : nil }
            do throws(SegmentScan.Failure) {
                let scan = try SegmentScan(path: file.path, epoch: self.epoch, number: file.number, limit: limit)
                let isFirst = file.number == self.position.segment
                self.offset = max(SegmentHeader.bytes, isFirst ? Int(self.position.offset) : 0)
                self.scan = scan
                return scan
            } catch {
                switch error {
                case .header: self.report(.header, file.path, here, bytes: 0)
                case .journal(let error): throw error
                }
            }
        }
        return nil
    }

    private var lastNumber: UInt32?

    /// Goes on from a segment that has no more records and no seal.
    private func leave(_ scan: SegmentScan, torn: Int) {
        let here = JournalPosition(segment: scan.number, offset: UInt32(self.offset))
        self.scan = nil
        if let limit = self.limit, limit.segment == scan.number {
            // Up to the limit everything was written; what is not a record there was one.
            if self.offset < Int(limit.offset) {
                self.report(.damaged, scan.path, here, bytes: Int(limit.offset) - self.offset)
                self.position = limit
            }
        } else if self.brokenOff == nil {
            self.brokenOff = (scan.path, here, torn)
        }
    }

    /// A record was found: if an earlier segment broke off, records of it are lost.
    private func noteBrokenOff() {
        guard let brokenOff = self.brokenOff else { return }
        self.brokenOff = nil
        self.report(.unsealed, brokenOff.path, brokenOff.position, bytes: brokenOff.torn)
    }

    private func report(_ kind: JournalFault.Kind, _ path: String, _ position: JournalPosition, bytes: Int) {
        self.faultCount += 1
        guard self.faults.count < 1000 else { return }
        self.faults.append(JournalFault(kind: kind, path: path, position: position, bytes: bytes))
    }
}

@available(*, unavailable)
extension JournalReader: Sendable {}

/// Some records of a journal that is being written.
package struct JournalBatch: Sendable {
    package var entries: [JournalEntry]
    /// Where to go on.
    package var next: JournalPosition
    /// What was passed over on the way.
    package var faults: [JournalFault]
}
