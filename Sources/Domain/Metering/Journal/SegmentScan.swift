internal import Glibc

/// Looks at the bytes of one segment's file through a window of 256 KiB.
///
/// They are read with pread(2), not mapped: a disk that fails is an error then, not the end of the process. A file that
/// is shorter than its head says is read as if zeros followed.
final class SegmentScan {
    enum Failure: Error {
        /// The file's head is damaged, or belongs to another epoch or segment.
        case header
        case journal(JournalError)
    }

    /// What is at a place.
    enum Slot {
        /// A record of `size` bytes; the bytes, valid until the next call, are its kind and body.
        case record(UnsafeRawBufferPointer, size: Int)
        /// Nothing more: zeros up to the end.
        case end
        /// No record.
        case bad
    }

    let path: String
    let number: UInt32
    private let key: JournalKey
    private let descriptor: Int32
    /// Where records must end.
    private let end: Int
    private let window: UnsafeMutableRawBufferPointer
    private var windowStart = 0
    private var windowCount = 0

    /// - Parameter limit: Where to stop; the whole file if nil.
    init(path: String, epoch: Int64, number: UInt32, limit: Int?) throws(Failure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .journal(.last("open", path)) }
        let header: SegmentHeader
        do throws(Failure) {
            header = try Self.header(of: descriptor, path)
            guard header.epoch == epoch, header.segment == number else { throw Failure.header }
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.number = number
        self.descriptor = descriptor
        self.key = header.key
        self.end = min(limit ?? .max, Int(header.segmentBytes))
        self.window = .allocate(byteCount: min(256 << 10, Int(header.segmentBytes)), alignment: 8)
    }

    deinit {
        self.window.deallocate()
        close(self.descriptor)
    }

    private static func header(of descriptor: Int32, _ path: String) throws(Failure) -> SegmentHeader {
        var bytes = [UInt8](repeating: 0, count: SegmentHeader.bytes)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .journal(.last("read", path)) }
        let read: Result<SegmentHeader, SegmentHeader.Failure> = bytes.withUnsafeBytes { bytes in
            do throws(SegmentHeader.Failure) {
                return .success(try SegmentHeader(bytes))
            } catch {
                return .failure(error)
            }
        }
        switch read {
        case .success(let header): return header
        case .failure(.version(let version)): throw .journal(.unsupportedVersion(path: path, version: version))
        case .failure(.damaged): throw .header
        }
    }

    /// What is at `offset`, a multiple of eight at or behind the head of the file.
    func slot(at offset: Int) throws(JournalError) -> Slot {
        guard offset + JournalFrame.headBytes <= self.end else { return .end }
        if let found = try self.record(at: offset) { return .record(found.bytes, size: found.size) }
        return try self.bytesUsed(from: offset) == 0 ? .end : .bad
    }

    /// Where the first record behind `offset` begins; nil if there is none.
    ///
    /// Records begin at multiples of eight, and no bytes of a request can look like one: the check has a key.
    func record(behind offset: Int) throws(JournalError) -> Int? {
        var candidate = offset + 8
        while candidate + JournalFrame.headBytes <= self.end {
            if try self.record(at: candidate) != nil { return candidate }
            candidate += 8
        }
        return nil
    }

    /// How many bytes from `offset` to the last one that is not zero.
    func bytesUsed(from offset: Int) throws(JournalError) -> Int {
        var used = 0
        var place = offset
        while place + 8 <= self.end {
            if try self.word(at: place) != 0 { used = place + 8 - offset }
            place += 8
        }
        return used
    }

    private func record(at offset: Int) throws(JournalError) -> (bytes: UnsafeRawBufferPointer, size: Int)? {
        let head = try self.word(at: offset)
        let length = Int(UInt32(truncatingIfNeeded: head))
        let size = JournalFrame.headBytes + JournalFrame.padded(length)
        guard length > 0, size <= JournalFrame.recordBytesMax, offset + size <= self.end else { return nil }
        let bytes = try self.bytes(at: offset + JournalFrame.headBytes, count: length)
        return self.key.check(bytes) == UInt32(truncatingIfNeeded: head >> 32) ? (bytes, size) : nil
    }

    private func word(at offset: Int) throws(JournalError) -> UInt64 {
        UInt64(littleEndian: try self.bytes(at: offset, count: 8).loadUnaligned(as: UInt64.self))
    }

    /// Bytes of the file, valid until the next call; the window moves where it must.
    private func bytes(at offset: Int, count: Int) throws(JournalError) -> UnsafeRawBufferPointer {
        if offset < self.windowStart || offset + count > self.windowStart + self.windowCount {
            try self.moveWindow(to: offset)
        }
        let start = offset - self.windowStart
        return UnsafeRawBufferPointer(rebasing: self.window[start..<(start + count)])
    }

    private func moveWindow(to offset: Int) throws(JournalError) {
        let wanted = min(self.window.count, self.end - offset)
        var filled = 0
        while filled < wanted {
            let rest = UnsafeMutableRawBufferPointer(rebasing: self.window[filled..<wanted])
            let count = pread(self.descriptor, rest.baseAddress, rest.count, offset + filled)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("read", self.path) }
            if count == 0 { break }
            filled += count
        }
        let missing = UnsafeMutableRawBufferPointer(rebasing: self.window[filled..<wanted])
        missing.initializeMemory(as: UInt8.self, repeating: 0)
        self.windowStart = offset
        self.windowCount = wanted
    }
}

@available(*, unavailable)
extension SegmentScan: Sendable {}
