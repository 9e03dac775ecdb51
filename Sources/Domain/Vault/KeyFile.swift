internal import Glibc

/// A file with sealing keys, one in each line as 64 hexadecimal digits; the first is the primary one.
///
/// The further lines are keys that are still needed to read. Blank lines and lines that begin with `#` do not count.
/// The digits are never in ordinary memory, neither when reading nor when writing.
package struct KeyFile: Sendable {
    /// More than a ring ever holds.
    package static let keysMax = 16
    private static let bytesMax = 4096

    package let path: String

    package init(_ path: String) { self.path = path }

    /// Whether there is anything at the path.
    package var exists: Bool {
        var status = stat()
        return lstat(self.path, &status) == 0
    }

    /// The keys in the file, at least one.
    ///
    /// - Throws: `EncryptionKeyError`: others may read it (row 48), it is not ours, not a file, empty, weak.
    package func read() throws(EncryptionKeyError) -> [KeyMaterial] {
        // Without O_NONBLOCK, opening a pipe would wait for somebody to write.
        let descriptor = open(self.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw self.failure() }
        defer { close(descriptor) }
        try self.check(descriptor)
        let (text, count) = try self.contents(of: descriptor)
        return try text.withBytes { bytes throws(EncryptionKeyError) in
            try self.keys(in: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
    }

    /// Makes the file with one new key, readable by its owner alone.
    ///
    /// Safe when two starts do it at once: the second gets `EncryptionKeyError.exists` and reads the first one's key.
    package func create(using entropy: Entropy = .system) throws(EncryptionKeyError) -> KeyMaterial {
        let key: KeyMaterial
        do throws(VaultError) {
            key = try KeyMaterial(newFrom: entropy, source: self.source)
        } catch {
            throw .vault(error)
        }
        try self.write([key], replacing: false)
        return key
    }

    /// The key of an existing file, or of a new one.
    package func readOrCreate(
        using entropy: Entropy = .system
    ) throws(EncryptionKeyError) -> (keys: [KeyMaterial], isNew: Bool) {
        if self.exists { return (try self.read(), false) }
        do {
            return ([try self.create(using: entropy)], true)
        } catch .exists {
            return (try self.read(), false)
        }
    }

    /// Puts `keys` into the file, the primary one first, and survives a power cut (row 68).
    ///
    /// Written beside it with mode 0600, made durable, then put in place in one step, and the folder made durable:
    /// whoever reads finds the old keys or the new ones, never half of them.
    /// - Parameter replacing: Whether a file may be replaced; otherwise `EncryptionKeyError.exists`.
    package func write(_ keys: [KeyMaterial], replacing: Bool) throws(EncryptionKeyError) {
        precondition((1...Self.keysMax).contains(keys.count), "a key file has 1 to \(Self.keysMax) keys")
        if replacing, self.exists { try self.checkBeforeReplacing() }
        let temporary = "\(self.path).\(getpid()).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw self.failure() }
        do throws(EncryptionKeyError) {
            for key in keys { try self.append(key, to: descriptor) }
            // A umask cannot widen a mode, but it can take the owner's own right to read.
            guard fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else { throw self.failure() }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        close(descriptor)
        // A link refuses where a rename would replace, so that two first starts at once agree on one key.
        let isPlaced = replacing ? rename(temporary, self.path) == 0 : link(temporary, self.path) == 0
        let code = errno
        if !isPlaced || !replacing { unlink(temporary) }
        guard isPlaced else { throw code == EEXIST ? .exists(path: self.path) : self.failure(code) }
        try self.syncFolder()
    }

    /// Puts the key named `first` in front of all others, adding those of `more` that the file does not have yet.
    ///
    /// What `Rotation.Surroundings` needs: first both keys with the old one in front, at the end the new one. No key
    /// leaves the file. Repeating it changes nothing.
    /// - Throws: `EncryptionKeyError`; also `.emptyFile` if neither the file nor `more` has the key `first`.
    package func arrange(first: KeyID, adding more: [KeyMaterial] = []) throws(EncryptionKeyError) {
        let present = self.exists ? try self.read() : []
        var keys: [KeyMaterial] = []
        for key in present + more where !keys.contains(where: { $0.id == key.id }) { keys.append(key) }
        guard let front = keys.first(where: { $0.id == first }) else { throw .emptyFile(path: self.path) }
        let arranged = [front] + keys.filter { $0.id != first }
        guard arranged.count <= Self.keysMax else { throw .tooLarge(path: self.path) }
        if arranged.map(\.id) != present.map(\.id) { try self.write(arranged, replacing: true) }
    }

    /// Takes a key out of the file; nothing happens if it is not there.
    ///
    /// The file system may keep the old bytes: see docs/rotation.md.
    /// - Throws: `EncryptionKeyError.emptyFile` rather than leave a file without a key.
    package func remove(_ id: KeyID) throws(EncryptionKeyError) {
        let present = try self.read()
        let rest = present.filter { $0.id != id }
        guard !rest.isEmpty else { throw .emptyFile(path: self.path) }
        if rest.count < present.count { try self.write(rest, replacing: true) }
    }

    /// The label of keys from this file.
    package var source: String { "file \(self.path)" }
}

extension KeyFile {
    private func check(_ descriptor: Int32) throws(EncryptionKeyError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw self.failure() }
        try self.check(status)
    }

    private func check(_ status: stat) throws(EncryptionKeyError) {
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: self.path) }
        let mode = UInt32(status.st_mode) & 0o7777
        guard mode & 0o077 == 0 else { throw .notPrivate(path: self.path, mode: mode) }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw .notOwned(path: self.path, owner: status.st_uid)
        }
    }

    /// A file that others may have written is not replaced in silence.
    private func checkBeforeReplacing() throws(EncryptionKeyError) {
        var status = stat()
        guard lstat(self.path, &status) == 0 else { throw self.failure() }
        try self.check(status)
    }

    private func contents(of descriptor: Int32) throws(EncryptionKeyError) -> (text: GuardedBytes, count: Int) {
        var count = 0
        var code: Int32 = 0
        let text: GuardedBytes
        do throws(VaultError) {
            text = try GuardedBytes(count: Self.bytesMax + 1) { room in
                while count < room.count {
                    let got = Glibc.read(descriptor, room.baseAddress.map { $0 + count }, room.count - count)
                    if got < 0, errno == EINTR { continue }
                    if got < 0 { code = errno }
                    guard got > 0 else { return }
                    count += got
                }
            }
        } catch {
            throw .vault(error)
        }
        guard code == 0 else { throw self.failure(code) }
        guard count <= Self.bytesMax else { throw .tooLarge(path: self.path) }
        return (text, count)
    }

    private func keys(in text: UnsafeRawBufferPointer) throws(EncryptionKeyError) -> [KeyMaterial] {
        var keys: [KeyMaterial] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            var digits = UnsafeRawBufferPointer(rebasing: line)
            while let last = digits.last, last == 0x0D || last == 0x20 || last == 0x09 {
                digits = UnsafeRawBufferPointer(rebasing: digits.dropLast())
            }
            if digits.isEmpty || digits[0] == UInt8(ascii: "#") { continue }
            keys.append(try KeyMaterial(hexDigits: digits, source: self.source))
            guard keys.count <= Self.keysMax else { throw .tooLarge(path: self.path) }
        }
        guard !keys.isEmpty else { throw .emptyFile(path: self.path) }
        return keys
    }

    private func append(_ key: KeyMaterial, to descriptor: Int32) throws(EncryptionKeyError) {
        do {
            try key.withHexDigits { digits in
                try self.writeAll(digits, to: descriptor)
                try withUnsafeBytes(of: UInt8(ascii: "\n")) { try self.writeAll($0, to: descriptor) }
            }
        } catch let error as EncryptionKeyError {
            throw error
        } catch {
            throw .vault(.noGuardedMemory)
        }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(EncryptionKeyError) {
        var start = 0
        while start < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw self.failure() }
            start += count
        }
    }

    private func syncFolder() throws(EncryptionKeyError) {
        let slash = self.path.lastIndex(of: "/")
        let folder = slash.map { $0 == self.path.startIndex ? "/" : String(self.path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw self.failure() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw self.failure() }
    }

    private func failure(_ code: Int32 = errno) -> EncryptionKeyError {
        .file(path: self.path, reason: String(cString: strerror(code)))
    }
}
