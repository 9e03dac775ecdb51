internal import Glibc

/// The names and folders of journals: `<folder>/<epoch>/lock` and `<folder>/<epoch>/<segment>.tpj`.
enum JournalFolder {
    static func path(ofEpoch epoch: Int64, in folder: String) -> String { "\(folder)/\(epoch)" }

    static func path(ofSegment number: UInt32, in folder: String) -> String {
        let digits = String(number)
        return "\(folder)/\(String(repeating: "0", count: max(0, 10 - digits.count)))\(digits).tpj"
    }

    /// The segments of an epoch's folder, in order.
    static func segments(in folder: String) throws(JournalError) -> [(number: UInt32, path: String)] {
        try Self.names(in: folder)
            .compactMap { name in
                guard name.hasSuffix(".tpj"), let number = UInt32(name.dropLast(4)) else { return nil }
                return (number, "\(folder)/\(name)")
            }
            .sorted { $0.number < $1.number }
    }

    /// The epochs that have a folder, in order; none if `folder` is not there.
    static func epochs(in folder: String) throws(JournalError) -> [Int64] {
        do throws(JournalError) {
            return try Self.names(in: folder).compactMap { name in
                guard let epoch = Int64(name), String(epoch) == name else { return nil }
                return epoch
            }
            .sorted()
        } catch .system(_, _, ENOENT) {
            return []
        }
    }

    /// The sizes of all segments of all epochs but one, together.
    static func bytes(in folder: String, except epoch: Int64) -> Int {
        guard let epochs = try? Self.epochs(in: folder) else { return 0 }
        return epochs.reduce(0) { sum, other in
            other == epoch ? sum : sum + Self.bytes(in: Self.path(ofEpoch: other, in: folder))
        }
    }

    /// The sizes of an epoch's segments together.
    static func bytes(in folder: String) -> Int {
        guard let segments = try? Self.segments(in: folder) else { return 0 }
        return segments.reduce(0) { sum, segment in
            var status = stat()
            return stat(segment.path, &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }

    static func names(in folder: String) throws(JournalError) -> [String] {
        guard let directory = opendir(folder) else { throw .last("opendir", folder) }
        defer { closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .last("readdir", folder) }
        return names
    }

    /// Makes a folder for its owner alone; one that is there is left as it is.
    static func make(_ folder: String) throws(JournalError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .last("mkdir", folder) }
    }

    /// Waits until the names in a folder are on the disk.
    static func sync(_ folder: String) throws(JournalError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("fsync", folder) }
    }

    /// Deletes an epoch's folder with what belongs to it, the oldest segment first, and makes that durable.
    static func remove(_ folder: String) throws(JournalError) {
        for segment in try Self.segments(in: folder) {
            guard unlink(segment.path) == 0 || errno == ENOENT else { throw .last("unlink", segment.path) }
        }
        for name in try Self.names(in: folder) where name == "lock" || name.hasSuffix(".tpj.new") {
            let path = "\(folder)/\(name)"
            guard unlink(path) == 0 || errno == ENOENT else { throw .last("unlink", path) }
        }
        guard rmdir(folder) == 0 || errno == ENOENT else { throw .last("rmdir", folder) }
        let parent = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? "."
        try Self.sync(parent.isEmpty ? "/" : parent)
    }
}

/// The sole right to an epoch's journal, for as long as this object lives.
///
/// It is a flock(2) on the file `lock`, so it ends with the process however that ends.
final class JournalLock: Sendable {
    let folder: String
    private let descriptor: Int32

    /// - Throws: `JournalError.locked` if somebody has it, `system`.
    init(_ folder: String) throws(JournalError) {
        let path = "\(folder)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK ? .locked(path: path) : .code(code, "flock", path)
        }
        // Whoever had it last may have removed the file between our two steps; then this is a lock on nothing.
        var (ours, named) = (stat(), stat())
        guard fstat(descriptor, &ours) == 0, stat(path, &named) == 0, ours.st_ino == named.st_ino else {
            close(descriptor)
            throw .locked(path: path)
        }
        self.folder = folder
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }
}

/// The journal of an epoch whose process is gone; nobody else can have it while this object lives.
package final class DeadJournal: Sendable {
    package let epoch: Int64
    /// Its folder.
    package let path: String
    private let lock: JournalLock

    private init(epoch: Int64, lock: JournalLock) {
        self.epoch = epoch
        self.path = lock.folder
        self.lock = lock
    }

    /// The journals in `folder` that nobody uses, by epoch; none if there is no such folder.
    ///
    /// Those that a living process holds are left out, those of this one included. Reads the disk.
    ///
    /// - Throws: `JournalError.system`.
    package static func all(in folder: String) throws(JournalError) -> [DeadJournal] {
        var found: [DeadJournal] = []
        for epoch in try JournalFolder.epochs(in: folder) {
            do throws(JournalError) {
                let lock = try JournalLock(JournalFolder.path(ofEpoch: epoch, in: folder))
                found.append(DeadJournal(epoch: epoch, lock: lock))
            } catch .locked {
                continue
            } catch .system(_, _, ENOENT) {
                continue  // Removed by whoever had it, just now.
            }
        }
        return found
    }

    /// How much it takes on the disk.
    package var bytes: Int { JournalFolder.bytes(in: self.path) }

    /// Reads it from a position to its end, or all there is: segments that were released are not missed then.
    ///
    /// - Throws: `JournalError.system`.
    package func reader(from position: JournalPosition = .start) throws(JournalError) -> JournalReader {
        try JournalReader(folder: self.path, epoch: self.epoch, from: position, upTo: nil)
    }

    /// Deletes it, the oldest segment first, and makes that durable.
    ///
    /// Safe to repeat, and to break off: what is left is a journal from some segment on.
    ///
    /// - Throws: `JournalError.system`.
    package func remove() throws(JournalError) { try JournalFolder.remove(self.path) }
}
