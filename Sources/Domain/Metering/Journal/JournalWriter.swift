internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Synchronization

/// What the writer and the keeper of a journal tell each other, without waiting for one another.
final class JournalShared: Sendable {
    // Named in full: NIOConcurrencyHelpers has an `Atomic` of its own.
    /// The end of what was written, packed; stored by the writer behind every record.
    let written: Synchronization.Atomic<UInt64>
    /// The end of what is on the disk, packed; stored by the keeper.
    let synced: Synchronization.Atomic<UInt64>
    /// Attempts that have an intent and no end yet.
    let open = Atomic<Int>(0)
    /// Segments that stand ready behind the current one.
    let spareCount = Atomic<Int>(0)
    /// Why there are not more of them: `JournalShortage`.
    let shortage = Atomic<UInt8>(JournalShortage.late.rawValue)
    /// Whether appends are still taken: `Stop`.
    let stop = Atomic<UInt8>(Stop.none.rawValue)
    /// Locked for a moment, once for each segment at either end.
    private let spares = NIOLockedValueBox<[JournalSegment]>([])

    enum Stop: UInt8 { case none, closed, failed }

    init(from position: JournalPosition) {
        self.written = Atomic(position.packed)
        self.synced = Atomic(position.packed)
    }

    /// Lays a finished segment ready for the writer.
    func addSpare(_ segment: JournalSegment) {
        self.spares.withLockedValue { $0.append(segment) }
        self.spareCount.add(1, ordering: .releasing)
    }

    /// The next segment, if one is ready.
    func takeSpare() -> JournalSegment? {
        guard self.spareCount.load(ordering: .acquiring) > 0 else { return nil }
        self.spareCount.subtract(1, ordering: .relaxed)
        return self.spares.withLockedValue { $0.removeFirst() }
    }
}

/// A moment in the life of a record, for tests that stop the process there.
package enum JournalMoment: Sendable, CaseIterable {
    /// Room was found; nothing is written.
    case begun
    /// The body is copied, the head is not: the record does not exist yet.
    case copied
    /// The record exists.
    case stored
}

/// The writing end of a journal: copies records into the mapped file.
///
/// It has no lock: it lives inside somebody else's, next to the counters that must change in the same step. There is
/// one of it; a copy of the value must not be written to, and stops the process if it is. An append makes no system
/// call, waits for nobody and allocates nothing; once in a segment it takes the next one, which the keeper made before.
package struct JournalWriter: Sendable {
    /// The end of what was written.
    package private(set) var position: JournalPosition
    /// Attempts that have an intent here and no end yet.
    package private(set) var open = 0
    private var segment: JournalSegment
    private let shared: JournalShared
    private let seal: EncodedRecord
    private let probe: (@Sendable (JournalMoment, JournalKind) -> Void)?

    init(
        segment: JournalSegment,
        shared: JournalShared,
        seal: EncodedRecord,
        probe: (@Sendable (JournalMoment, JournalKind) -> Void)?
    ) {
        self.segment = segment
        self.shared = shared
        self.seal = seal
        self.probe = probe
        self.position = JournalPosition(segment: segment.number, offset: UInt32(SegmentHeader.bytes))
    }

    /// Appends one record.
    ///
    /// An intent leaves `JournalFrame.openBytes` for each open attempt, itself included, a carried one the same for
    /// those that are open already; a checkpoint leaves `JournalFrame.endBytesMax` for each. An end may have all there
    /// is, so it fails only if more ends than intents were written. After it the record survives the end of the
    /// process; only `JournalKeeper.durable` says when it survives a loss of power.
    ///
    /// - Returns: The position behind the record.
    /// - Throws: `JournalError.full`: nothing was written, and the next try may find room; `failed`,
    ///   `closed`: never again.
    package mutating func append(_ record: EncodedRecord) throws(JournalError) -> JournalPosition {
        let stop = self.shared.stop.load(ordering: .relaxed)
        guard stop == JournalShared.Stop.none.rawValue else {
            throw stop == JournalShared.Stop.closed.rawValue ? .closed : .failed
        }
        precondition(
            self.shared.written.load(ordering: .relaxed) == self.position.packed,
            "a copy of the journal's writer is used; \(self.position) is not the end"
        )
        try self.makeRoom(for: record)
        self.put(record)
        switch record.kind {
        case .intent: self.open += 1
        case .end: self.open = max(0, self.open - 1)
        case .checkpoint, .carried, .seal: break
        }
        if record.kind != .checkpoint { self.shared.open.store(self.open, ordering: .relaxed) }
        self.shared.written.store(self.position.packed, ordering: .releasing)
        return self.position
    }

    /// Makes sure that the record fits at `position` and that what it must leave is left.
    private mutating func makeRoom(for record: EncodedRecord) throws(JournalError) {
        let kept =
            switch record.kind {
            case .intent: (self.open + 1) * JournalFrame.openBytes
            case .carried: self.open * JournalFrame.openBytes
            case .checkpoint: self.open * JournalFrame.endBytesMax
            case .end, .seal: 0
            }
        let free = self.segment.bytes - JournalFrame.sealBytes - Int(self.position.offset) - record.byteCount
        if free >= 0, kept == 0 || JournalFrame.usable(free) >= kept { return }

        // Not in this segment alone; those that stand ready count too.
        let spares = self.shared.spareCount.load(ordering: .acquiring)
        let inSpare = JournalFrame.usable(self.segment.bytes - SegmentHeader.bytes - JournalFrame.sealBytes)
        if free >= 0 {
            guard JournalFrame.usable(free) + spares * inSpare >= kept else { throw self.shortage }
            return
        }
        guard spares > 0, spares * inSpare - record.byteCount >= kept else { throw self.shortage }
        try self.advance()
    }

    private var shortage: JournalError {
        .full(JournalShortage(rawValue: self.shared.shortage.load(ordering: .relaxed)) ?? .late)
    }

    /// Closes the segment and goes on in the next one.
    private mutating func advance() throws(JournalError) {
        guard let next = self.shared.takeSpare() else { throw self.shortage }
        self.put(self.seal)
        self.segment = next
        self.position = JournalPosition(segment: next.number, offset: UInt32(SegmentHeader.bytes))
    }

    /// Copies a record to `position`, its first eight bytes last.
    private mutating func put(_ record: EncodedRecord) {
        let offset = Int(self.position.offset)
        self.probe?(.begun, record.kind)
        record.bytes.withUnsafeReadableBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            let body = JournalFrame.headBytes
            (self.segment.base + offset + body).copyMemory(from: source + body, byteCount: bytes.count - body)
            self.probe?(.copied, record.kind)
            self.segment.publish(source.loadUnaligned(as: UInt64.self), at: offset)
        }
        self.position.offset += UInt32(record.byteCount)
        self.probe?(.stored, record.kind)
    }
}
