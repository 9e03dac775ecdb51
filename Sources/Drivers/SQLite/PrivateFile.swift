internal import Database
internal import Glibc

/// Files that only their owner may read.
enum PrivateFile {
    /// Makes an empty file with mode 0600, and the folders above it with 0700, where they are missing.
    ///
    /// A file that is there is not even opened: closing it would drop the locks this process holds on it. SQLite gives
    /// `-wal` and `-shm` the mode of the file itself.
    static func createIfMissing(_ path: String) throws(DatabaseError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFREG else { throw .cannotOpen("\(path) is not a file") }
            return
        }
        try Self.createFolder(of: path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            throw Self.failure(path)
        }
    }

    /// Makes the folder a file is to be in, and those above it, where they are missing.
    static func createFolder(of path: String) throws(DatabaseError) {
        let folder = Self.folder(of: path)
        var status = stat()
        if stat(folder, &status) == 0 { return }
        if folder != ".", folder != "/" { try Self.createFolder(of: folder) }
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Self.failure(folder) }
    }

    /// The folder a file is in; `.` if its path names none.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes a new file with mode 0600 whose name begins with `path`.
    static func temporary(beside path: String) throws(DatabaseError) -> String {
        var template = Array("\(path).partial-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Self.failure(path) }
        close(descriptor)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Waits until a file, or the names in a folder, are on the disk.
    static func sync(_ path: String) throws(DatabaseError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.failure(path) }
    }

    /// Gives a finished file its name, and makes the name durable.
    ///
    /// - Parameter replacing: Whether a file of that name may go. If not, the check and the naming are one step, where
    ///   the file system has hard links.
    static func publish(_ temporary: String, as path: String, replacing: Bool) throws(DatabaseError) {
        if replacing {
            guard rename(temporary, path) == 0 else { throw Self.failure(path) }
        } else if link(temporary, path) == 0 {
            unlink(temporary)
        } else {
            guard errno != EEXIST, access(path, F_OK) != 0 else { throw .exists(path) }
            guard rename(temporary, path) == 0 else { throw Self.failure(path) }
        }
        try Self.sync(Self.folder(of: path))
    }

    /// Gives a file another name that is free, and says which; nil if there is no such file.
    static func setAside(_ path: String) throws(DatabaseError) -> String? {
        guard access(path, F_OK) == 0 else { return nil }
        for number in 1...999 {
            let name = "\(path).before-restore-\(number)"
            if access(name, F_OK) == 0 { continue }
            guard rename(path, name) == 0 else { throw Self.failure(path) }
            return name
        }
        throw .exists("\(path).before-restore-999")
    }

    /// Whether anybody has a database file open, this process included.
    ///
    /// SQLite holds a lock in this range for as long as it has a file in WAL mode open. Asking costs this process the
    /// locks it may hold itself, so this is for a file it does not have open.
    static func isDatabaseInUse(_ path: String) -> Bool {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = 0x4000_0000
        lock.l_len = 512
        // `F_OFD_GETLK`, whose macro does not reach Swift: sees other locks of this process too.
        let askForOpenFile: Int32 = 36
        return fcntl(descriptor, askForOpenFile, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
    }

    /// Whether both names lead to one file.
    static func isSame(_ first: String, _ second: String) -> Bool {
        var (a, b) = (stat(), stat())
        guard stat(first, &a) == 0, stat(second, &b) == 0 else { return false }
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino
    }

    private static func failure(_ path: String) -> DatabaseError {
        switch errno {
        case ENOSPC, EDQUOT: .full
        case EROFS: .readOnly
        case EIO: .ioFailed
        case let code: .cannotOpen("\(path): \(String(cString: strerror(code)))")
        }
    }
}
