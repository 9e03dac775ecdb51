internal import Glibc
internal import Synchronization

/// What the journal asks of the disk where the answer may be no; a test puts its own in place.
package struct JournalDisk: Sendable {
    /// Gives a file of an open descriptor blocks for so many bytes; zero, or the system's number for the error.
    package var allocate: @Sendable (_ descriptor: Int32, _ bytes: Int) -> Int32
    /// Waits until a file is on the disk; zero, or the system's number for the error.
    package var sync: @Sendable (_ descriptor: Int32) -> Int32

    package init(
        allocate: @escaping @Sendable (Int32, Int) -> Int32,
        sync: @escaping @Sendable (Int32) -> Int32
    ) {
        self.allocate = allocate
        self.sync = sync
    }

    /// posix_fallocate(3) and fdatasync(2).
    package static let system = JournalDisk(
        allocate: { descriptor, bytes in
            // Beyond RLIMIT_FSIZE the kernel would not only refuse: it sends SIGXFSZ, which ends the process.
            var limit = rlimit()
            let isLimited = getrlimit(__rlimit_resource_t(1), &limit) == 0 && limit.rlim_cur < UInt64(bytes)
            if isLimited { return EFBIG }
            // Where there is no room, trying takes what there is for a moment, and the store's commits fail.
            var room = statvfs()
            if fstatvfs(descriptor, &room) == 0, UInt64(room.f_bavail) * UInt64(room.f_frsize) < UInt64(bytes) {
                return ENOSPC
            }
            var code = posix_fallocate(descriptor, 0, bytes)
            while code == EINTR { code = posix_fallocate(descriptor, 0, bytes) }
            return code
        },
        sync: { descriptor in
            while fdatasync(descriptor) != 0 {
                if errno != EINTR { return errno }
            }
            return 0
        }
    )
}

/// One file of the journal, open and mapped.
// Safety: the memory is written by the one writer alone, each record once, and read by nobody; the keeper asks the
// kernel for pages ahead of the writer, or exchanges words there for themselves, which cannot undo a store. It is
// unmapped by the keeper once the writer has published a position in a later segment, or when the last reference goes.
final class JournalSegment: @unchecked Sendable {
    let number: UInt32
    let bytes: Int
    let path: String
    let descriptor: Int32
    let base: UnsafeMutableRawPointer
    private let isMapped = Atomic<Bool>(true)

    private init(number: UInt32, bytes: Int, path: String, descriptor: Int32, base: UnsafeMutableRawPointer) {
        self.number = number
        self.bytes = bytes
        self.path = path
        self.descriptor = descriptor
        self.base = base
    }

    deinit {
        self.unmap()
        close(self.descriptor)
    }

    /// Gives the memory back; the file stays open, to be synced.
    func unmap() {
        if self.isMapped.exchange(false, ordering: .acquiringAndReleasing) { munmap(self.base, self.bytes) }
    }

    /// Makes a file with its header, all of its blocks given and its name on the disk, and maps it.
    ///
    /// Until all of that has happened it has another name, so a segment that is there is whole. Waits for the disk.
    ///
    /// - Throws: `JournalError.full` if there is no room, `system`. Nothing is left behind.
    static func make(_ header: SegmentHeader, in folder: String, disk: JournalDisk) throws(JournalError) -> Self {
        let path = JournalFolder.path(ofSegment: header.segment, in: folder)
        let temporary = "\(path).new"
        let bytes = Int(header.segmentBytes)
        unlink(temporary)
        let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open", temporary) }
        do throws(JournalError) {
            let allocated = disk.allocate(descriptor, bytes)
            guard allocated == 0 else { throw .code(allocated, "fallocate", temporary) }
            let written = header.encoded().withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
            guard written == SegmentHeader.bytes else { throw .last("write", temporary) }
            let synced = disk.sync(descriptor)
            guard synced == 0 else { throw .code(synced, "fdatasync", temporary) }
            guard rename(temporary, path) == 0 else { throw .last("rename", temporary) }
            try JournalFolder.sync(folder)
            let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
            guard let base, base != MAP_FAILED else { throw .last("mmap", path) }
            return Self(number: header.segment, bytes: bytes, path: path, descriptor: descriptor, base: base)
        } catch {
            close(descriptor)
            unlink(temporary)
            unlink(path)
            throw error
        }
    }

    /// Has the kernel make the pages of a range writable, so that whoever writes there next meets no page fault.
    ///
    /// The range is widened to whole pages and cut at the end of the file.
    func populate(from offset: Int, count: Int) {
        let start = offset & ~4095
        let end = min(self.bytes, (offset + count + 4095) & ~4095)
        guard start < end, self.isMapped.load(ordering: .acquiring) else { return }
        // MADV_POPULATE_WRITE, of Linux 5.14; an older kernel refuses it.
        if madvise(self.base + start, end - start, 23) == 0 { return }
        for page in stride(from: start, to: end, by: 4096) {
            // Puts a word in its own place, in one step, so that the page is written to and nobody's store is lost.
            let word = UnsafeMutablePointer<Atomic<UInt64>>(OpaquePointer(self.base + page))
            let value = word.pointee.load(ordering: .relaxed)
            _ = word.pointee.compareExchange(expected: value, desired: value, ordering: .relaxed)
        }
    }

    /// Takes the whole pages of a range out of this process's memory; what they hold stays in the file.
    ///
    /// Nobody may be writing there. Whoever looks there again gets them back.
    func evict(from offset: Int, to end: Int) {
        let start = offset & ~4095
        let end = end & ~4095
        guard start < end, self.isMapped.load(ordering: .acquiring) else { return }
        _ = madvise(self.base + start, end - start, MADV_DONTNEED)
    }

    /// Stores eight bytes in one piece, after everything stored before.
    ///
    /// - Parameter offset: A multiple of eight.
    func publish(_ word: UInt64, at offset: Int) {
        let place = UnsafeMutablePointer<Atomic<UInt64>>(OpaquePointer(self.base + offset))
        place.pointee.store(word, ordering: .releasing)
    }
}
