internal import CSodium

/// The measures of the journal's format, and its checks.
///
/// A record is `[u32 length][u32 check]`, little-endian, then `length` bytes (the kind, then the body), then zeros up
/// to the next multiple of eight. The first eight bytes are stored last and in one piece, so a record that was being
/// copied when the process died begins with zeros, which is where reading ends.
package enum JournalFrame {
    /// Length and check.
    static let headBytes = 8
    /// The largest record, its head and padding included.
    package static let recordBytesMax = 32 << 10
    /// A seal, for which each segment keeps room.
    static let sealBytes = 16
    /// The largest end, its head and padding included; so much is kept back for each open attempt.
    package static let endBytesMax = 320
    /// The largest checkpoint, its head and padding included.
    package static let checkpointBytesMax = 176
    /// What an intent leaves free for each open attempt: its end and a few checkpoints.
    package static let openBytes = 640
    /// The smallest segment.
    package static let segmentBytesMin = 64 << 10
    /// The largest one.
    package static let segmentBytesMax = 1 << 30

    /// `count` with the padding behind it.
    static func padded(_ count: Int) -> Int { (count + 7) & ~7 }

    /// Room for small records in `free` bytes: the last ones may not fit whole.
    static func usable(_ free: Int) -> Int { max(0, free - Self.endBytesMax) }

    /// The two numbers of a head in one word.
    static func head(length: Int, check: UInt32) -> UInt64 {
        (UInt64(check) << 32 | UInt64(UInt32(truncatingIfNeeded: length))).littleEndian
    }
}

/// The key of a journal's checks: without it nobody can put bytes into a request that read as a record.
///
/// It stands in the head of every segment, so it is no secret from who can read the files.
package struct JournalKey: Sendable, Equatable {
    private let low: UInt64
    private let high: UInt64

    /// - Parameter bytes: 16 random bytes.
    package init(_ bytes: [UInt8]) {
        precondition(bytes.count == 16, "a journal's key has 16 bytes, not \(bytes.count)")
        (self.low, self.high) = bytes.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }

    init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

    /// SipHash-2-4 of `bytes`.
    func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var result: UInt64 = 0
        withUnsafeBytes(of: self) { key in
            withUnsafeMutableBytes(of: &result) { output in
                guard
                    let output = output.bindMemory(to: UInt8.self).baseAddress,
                    let key = key.bindMemory(to: UInt8.self).baseAddress
                else { return }
                crypto_shorthash(output, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count), key)
            }
        }
        return UInt64(littleEndian: result)
    }

    /// The check of a record: half of the hash of its kind and body.
    func check(_ bytes: UnsafeRawBufferPointer) -> UInt32 { UInt32(truncatingIfNeeded: self.hash(bytes)) }

    fileprivate var words: (UInt64, UInt64) { (self.low, self.high) }
}

/// The first 64 bytes of a segment.
struct SegmentHeader: Sendable, Equatable {
    static let bytes = 64
    static let version: UInt16 = 1
    /// `TPJ1` as it stands in the file.
    private static let magic: UInt32 = 0x314A_5054

    var epoch: Int64
    var segment: UInt32
    /// The size of the whole file.
    var segmentBytes: UInt32
    var key: JournalKey
    /// Milliseconds since 1970, for humans alone.
    var createdAt: Int64

    /// Why a header cannot be read.
    enum Failure: Error, Equatable {
        case damaged
        case version(UInt16)
    }

    func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.bytes)
        bytes.withUnsafeMutableBytes { bytes in
            let (low, high) = self.key.words
            bytes.storeBytes(of: Self.magic.littleEndian, as: UInt32.self)
            bytes.storeBytes(of: Self.version.littleEndian, toByteOffset: 4, as: UInt16.self)
            bytes.storeBytes(of: UInt16(Self.bytes).littleEndian, toByteOffset: 6, as: UInt16.self)
            bytes.storeBytes(of: self.epoch.littleEndian, toByteOffset: 8, as: Int64.self)
            bytes.storeBytes(of: self.segment.littleEndian, toByteOffset: 16, as: UInt32.self)
            bytes.storeBytes(of: self.segmentBytes.littleEndian, toByteOffset: 20, as: UInt32.self)
            bytes.storeBytes(of: low, toByteOffset: 24, as: UInt64.self)
            bytes.storeBytes(of: high, toByteOffset: 32, as: UInt64.self)
            bytes.storeBytes(of: self.createdAt.littleEndian, toByteOffset: 40, as: Int64.self)
            let check = self.key.hash(UnsafeRawBufferPointer(rebasing: bytes[..<56]))
            bytes.storeBytes(of: check.littleEndian, toByteOffset: 56, as: UInt64.self)
        }
        return bytes
    }

    /// Reads a header; its version is told apart from damage only where the check is right.
    init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        guard bytes.count >= Self.bytes else { throw .damaged }
        let key = JournalKey(
            low: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self),
            high: bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
        )
        let check = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 56, as: UInt64.self))
        guard
            UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) == Self.magic,
            key.hash(UnsafeRawBufferPointer(rebasing: bytes[..<56])) == check
        else { throw .damaged }
        let version = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
        guard version == Self.version else { throw .version(version) }
        self.epoch = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self))
        self.segment = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        self.segmentBytes = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
        self.key = key
        self.createdAt = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 40, as: Int64.self))
        let sizes = JournalFrame.segmentBytesMin...JournalFrame.segmentBytesMax
        guard sizes.contains(Int(self.segmentBytes)), self.segmentBytes % 4096 == 0 else { throw .damaged }
    }

    init(epoch: Int64, segment: UInt32, segmentBytes: UInt32, key: JournalKey, createdAt: Int64) {
        self.epoch = epoch
        self.segment = segment
        self.segmentBytes = segmentBytes
        self.key = key
        self.createdAt = createdAt
    }
}
