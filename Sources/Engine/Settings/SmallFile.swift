import Glibc

// With a static Swift runtime the compiler takes `stat` for one of CoreFoundation, which GRDB and JWTKit bring along.
#if canImport(CoreFoundation)
    import CoreFoundation
#endif

/// Whole small files: settings, keys.
package enum SmallFile {
    /// Why a file could not be read or written.
    package struct Failure: Error, CustomStringConvertible {
        /// The system's number, as in `errno`.
        package let code: Int32
        package let path: String

        init(_ path: String, _ code: Int32 = errno) {
            self.path = path
            self.code = code
        }

        package var description: String { "\(self.path): \(String(cString: strerror(self.code)))" }
    }

    /// What identifies one state of a file: another inode, time or size is another state.
    package struct Stamp: Sendable, Equatable {
        package var inode: UInt64
        package var size: Int64
        package var modifiedSeconds: Int64
        package var modifiedNanoseconds: Int64
        /// Permission bits.
        package var mode: UInt32
        package var owner: UInt32

        package init(
            inode: UInt64,
            size: Int64,
            modifiedSeconds: Int64,
            modifiedNanoseconds: Int64,
            mode: UInt32,
            owner: UInt32
        ) {
            self.inode = inode
            self.size = size
            self.modifiedSeconds = modifiedSeconds
            self.modifiedNanoseconds = modifiedNanoseconds
            self.mode = mode
            self.owner = owner
        }

        fileprivate init(_ status: stat) {
            self.init(
                inode: UInt64(status.st_ino),
                size: Int64(status.st_size),
                modifiedSeconds: Int64(status.st_mtim.tv_sec),
                modifiedNanoseconds: Int64(status.st_mtim.tv_nsec),
                mode: UInt32(status.st_mode) & 0o7777,
                owner: UInt32(status.st_uid)
            )
        }
    }

    /// The state of the file at `path`; nil if there is none that can be looked at.
    package static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Stamp(status)
    }

    /// The text of a regular file.
    ///
    /// Bytes that are not UTF-8 become replacement characters.
    ///
    /// - Throws: `Failure`; `EFBIG` for one larger than `bytesMax`.
    package static func read(_ path: String, bytesMax: Int) throws(Failure) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(path) }
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= bytesMax else { throw Failure(path, EFBIG) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Puts `text` into the file at `path` as a whole, readable by its owner only, and survives a power cut.
    ///
    /// Written beside it, made durable, then renamed over it.
    /// - Parameter replacing: Whether an existing file may be replaced; otherwise `EEXIST`.
    package static func writePrivate(_ text: String, to path: String, replacing: Bool) throws(Failure) {
        let temporary = "\(path).\(getpid()).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(temporary) }
        do throws(Failure) {
            try Self.write(Array(text.utf8), to: descriptor, temporary)
            guard fsync(descriptor) == 0 else { throw Failure(temporary) }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        close(descriptor)
        // A link refuses where a rename would replace, so that two first starts at once agree on one key.
        if replacing {
            guard rename(temporary, path) == 0 else { throw Self.failure(path, removing: temporary) }
        } else {
            guard link(temporary, path) == 0 else { throw Self.failure(path, removing: temporary) }
            unlink(temporary)
        }
        Self.syncFolder(of: path)
    }

    /// Makes the folder at `path` and those above it, private to the owner; nothing happens if it exists.
    package static func makeFolder(_ path: String) throws(Failure) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw Failure(path) }
        try Self.makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Failure(path) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(path) }
            sent += count
        }
    }

    private static func failure(_ path: String, removing temporary: String) -> Failure {
        let failure = Failure(path)
        unlink(temporary)
        return failure
    }

    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
