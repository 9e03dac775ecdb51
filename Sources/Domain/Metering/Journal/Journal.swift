internal import CSodium
package import Core
internal import Glibc

/// The usage journal of one life of the process: its writing end and its keeper, made together.
///
/// Segments of a fixed size, made ahead and mapped into memory; docs/adr/0014-usage-journal.md says why.
package enum Journal {
    /// Makes `<folder>/<epoch>/` with its first segment, and takes the lock on it for the life of the keeper.
    ///
    /// Waits for the disk several times; call it at the start. Folders are made with mode 0700, files with 0600.
    /// Nothing of it runs until `JournalKeeper.run` does.
    ///
    /// - Parameters:
    ///   - folder: Holds the journals of all epochs; made if its parent is there.
    ///   - epoch: Of this life of the process; never used before.
    ///   - key: Random, new for each epoch.
    /// - Returns: The writer, of which there must be no second copy in use; the encoder that belongs to it; the keeper.
    /// - Throws: `JournalError.locked`, `exists`: somebody has this epoch, or had it; `full`; `system`.
    package static func open(
        folder: String,
        epoch: Int64,
        key: JournalKey,
        options: JournalOptions
    ) throws(JournalError) -> (writer: JournalWriter, encoder: JournalEncoder, keeper: JournalKeeper) {
        let sizes = JournalFrame.segmentBytesMin...JournalFrame.segmentBytesMax
        precondition(
            sizes.contains(options.segmentBytes) && options.segmentBytes % 4096 == 0,
            "a segment of \(options.segmentBytes) bytes is not whole pages between 64 KiB and 1 GiB"
        )
        guard sodium_init() >= 0 else { throw .system(call: "sodium_init", path: folder, code: ENOSYS) }
        try JournalFolder.make(folder)
        let own = JournalFolder.path(ofEpoch: epoch, in: folder)
        try JournalFolder.make(own)
        let lock = try JournalLock(own)
        guard try JournalFolder.segments(in: own).isEmpty else { throw .exists(path: own) }
        try JournalFolder.sync(folder)

        let header = SegmentHeader(
            epoch: epoch,
            segment: 1,
            segmentBytes: UInt32(options.segmentBytes),
            key: key,
            createdAt: options.now().milliseconds
        )
        let first = try JournalSegment.make(header, in: own, disk: options.disk)
        if options.populates { first.populate(from: 0, count: JournalOptions.populateMin) }
        let encoder = JournalEncoder(key: key)
        let shared = JournalShared(from: JournalPosition(segment: 1, offset: UInt32(SegmentHeader.bytes)))
        let writer = JournalWriter(segment: first, shared: shared, seal: encoder.seal, probe: options.probe)
        let keeper = JournalKeeper(first, header: header, folder: folder, lock: lock, shared: shared, options: options)
        return (writer, encoder, keeper)
    }
}

/// How a journal is kept.
package struct JournalOptions: Sendable {
    /// The size of each segment; whole pages, from 64 KiB to 1 GiB.
    package var segmentBytes = 16 << 20
    /// The most that the segments of all epochs may take on the disk; beyond it there are no new ones.
    package var bytesMax = 1 << 30
    /// The longest a record waits until its sync begins.
    package var syncEvery = Duration.milliseconds(50)
    /// The pause before a segment that could not be made is tried again.
    package var retryEvery = Duration.seconds(1)
    /// How many may wait in `JournalKeeper.durable` at a time.
    package var waitersMax = 100_000
    /// Whether pages are made writable ahead of the writer.
    package var populates = true
    /// The wall clock; only said in the heads of the files.
    package var now: @Sendable () -> UnixTime
    /// How `JournalKeeper.run` waits.
    package var wait: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// Called once, on a thread of the keeper, when a sync has failed: the process must end and confirm nothing.
    package var onFailure: @Sendable (JournalError) -> Void
    /// The disk.
    package var disk = JournalDisk.system
    /// Called around every record that is written; for tests that stop the process there.
    package var probe: (@Sendable (JournalMoment, JournalKind) -> Void)?

    package init(
        now: @escaping @Sendable () -> UnixTime,
        onFailure: @escaping @Sendable (JournalError) -> Void
    ) {
        self.now = now
        self.onFailure = onFailure
    }

    /// The least that is populated ahead of the writer, in bytes, and the most.
    static let populateMin = 16 << 10
    static let populateMax = 4 << 20
}
