import Core
import Database
import Glibc
import SQLite
import TestKit
import Testing

/// What only a file can show: durability, modes, damage, a full disk, another process.
@Suite struct SQLiteFileTests {
    static let now = UnixTime(seconds: 1_700_000_000)

    static func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    static func write(_ bytes: [UInt8], to path: String, at offset: Int = 0) throws {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { Glibc.close(descriptor) }
        try #require(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
    }

    static func read(_ path: String) throws -> [UInt8] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { Glibc.close(descriptor) }
        var status = stat()
        try #require(fstat(descriptor, &status) == 0)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        try #require(Glibc.read(descriptor, &bytes, bytes.count) == bytes.count)
        return bytes
    }

    static func pragma(_ name: SQL, in session: any SQLSession) throws -> SQLValue? {
        try session.first("PRAGMA \(name)")?.values.first
    }

    @Test func `each commit waits for the disk, after opening and after opening again`() async throws {
        let folder = try ScratchFolder()
        for _ in 0..<2 {
            let database = try SQLiteDatabase.open(path: "\(folder.path)/store.db")
            let names: [SQL] = ["synchronous", "journal_mode", "foreign_keys", "secure_delete"]
            let found = try await database.write { session in try names.map { try Self.pragma($0, in: session) } }
            // GRDB alone would leave synchronous at 1, NORMAL, which loses the last commits with the power.
            #expect(found == [.integer(2), .text("wal"), .integer(1), .integer(1)])
            await database.close()
        }
    }

    @Test func `files and folders it makes are for the owner only`() async throws {
        let folder = try ScratchFolder()
        let mask = umask(0)
        defer { umask(mask) }
        let path = "\(folder.path)/new/deeper/store.db"
        let database = try SQLiteDatabase.open(path: path)
        try await MigrationRunner().run(on: database, now: Self.now)
        _ = try await database.read { try $0.revision() }
        #expect(
            ScratchFolder.names(in: "\(folder.path)/new/deeper").sorted() == [
                "store.db", "store.db-shm", "store.db-wal",
            ]
        )
        for suffix in ["", "-wal", "-shm"] { #expect(Self.mode(path + suffix) == 0o600, "\(suffix)") }
        #expect(Self.mode("\(folder.path)/new/deeper") == 0o700)
        #expect(Self.mode("\(folder.path)/new") == 0o700)
        await database.close()
        #expect(ScratchFolder.names(in: "\(folder.path)/new/deeper") == ["store.db"])
    }

    @Test func `what cannot be opened says so with its path`() async throws {
        let folder = try ScratchFolder()
        try Self.write([], to: "\(folder.path)/file")
        for path in ["\(folder.path)/file/store.db", folder.path] {
            let error = await failure { try SQLiteDatabase.open(path: path) }
            guard case .cannotOpen(let reason) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(reason.contains(folder.path))
        }
    }

    /// Every kind of damage is one clear error when opening, migrating or reading, never a trap and never silence.
    @Test(arguments: [
        ("a text file", 0, Array(repeating: UInt8(ascii: "x"), count: 8192)),
        ("a damaged header", 16, Array(repeating: UInt8(0xFF), count: 84)),
        ("a damaged first page", 100, Array(repeating: UInt8(0xFF), count: 3900)),
        ("damaged pages", 4096, Array(repeating: UInt8(0xFF), count: 4096 * 8)),
    ])
    func `a damaged file is one clear error`(what: String, offset: Int, garbage: [UInt8]) async throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/store.db"
        let healthy = try SQLiteDatabase.open(path: path)
        try await MigrationRunner().run(on: healthy, now: Self.now)
        await healthy.close()
        try Self.write(garbage, to: path, at: offset)
        do {
            let database = try SQLiteDatabase.open(path: path)
            let error = await failure {
                try await MigrationRunner().run(on: database, now: Self.now)
                let problems = try await database.problems()
                #expect(!problems.isEmpty, "nobody noticed \(what)")
                if !problems.isEmpty { throw DatabaseError.corrupt }
            }
            #expect(error == .corrupt || error == .notADatabase)
            await database.close()
        } catch {
            #expect(error == .corrupt || error == .notADatabase)
        }
    }

    @Test func `a healthy file has no problems`() async throws {
        let folder = try ScratchFolder()
        let database = try SQLiteDatabase.open(path: "\(folder.path)/store.db")
        try await MigrationRunner().run(on: database, now: Self.now)
        #expect(try await database.problems() == [])
        await database.close()
    }

    @Test func `when there is no more room, the write fails whole and the store lives on`() async throws {
        let folder = try ScratchFolder()
        let database = try SQLiteDatabase.open(path: "\(folder.path)/store.db")
        try await MigrationRunner().run(on: database, now: Self.now)
        try await database.write { _ = try $0.rows("PRAGMA max_page_count = 60") }
        var written = 0
        var error: DatabaseError?
        while error == nil, written < 1000 {
            error = await failure { try await Self.fill(database, written) }
            if error == nil { written += 1 }
        }
        #expect(error == .full)
        #expect(try await Self.count(database) == written)
        #expect(try await database.problems() == [])
        try await database.write { _ = try $0.rows("PRAGMA max_page_count = 10000") }
        try await Self.fill(database, written)
        #expect(try await Self.count(database) == written + 1)
        await database.close()
    }

    /// Root in a container may not mount; then the test of the page limit covers the same path without a disk.
    private static let canMount: Bool = {
        guard geteuid() == 0, let folder = try? ScratchFolder() else { return false }
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount2(folder.path, Int32(MNT_DETACH)) == 0
    }()

    @Test(.enabled(if: canMount, "needs to mount a small disk"))
    func `on a disk that is really full nothing is lost, and a backup leaves no trace`() async throws {
        let folder = try ScratchFolder()
        try #require(mount("tmpfs", folder.path, "tmpfs", 0, "size=2m") == 0)
        defer { umount2(folder.path, Int32(MNT_DETACH)) }
        let database = try SQLiteDatabase.open(path: "\(folder.path)/store.db")
        try await MigrationRunner().run(on: database, now: Self.now)
        var written = 0
        var error: DatabaseError?
        while error == nil, written < 1000 {
            error = await failure { try await Self.fill(database, written) }
            if error == nil { written += 1 }
        }
        #expect(error == .full)
        #expect(written > 3)
        #expect(try await Self.count(database) == written)
        #expect(try await database.problems() == [])
        #expect(await failure { try await database.backup(to: "\(folder.path)/copy.db") } == .full)
        #expect(folder.names == ["store.db", "store.db-shm", "store.db-wal"])
        await database.close()
    }

    static func fill(_ database: SQLiteDatabase, _ number: Int) async throws {
        let name = String(repeating: "x", count: 10_000)
        try await database.write { session in
            try session.execute(
                "INSERT INTO groups (id, name, created_at, updated_at) VALUES (\("g\(number)"), \(name), 0, 0)"
            )
        }
    }

    static func count(_ database: SQLiteDatabase) async throws -> Int {
        try await database.read { try $0.rows("SELECT id FROM groups").count }
    }

    @Test func `two that have one file open see each other's changes`() async throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/store.db"
        let (first, second) = (try SQLiteDatabase.open(path: path), try SQLiteDatabase.open(path: path))
        try await MigrationRunner().run(on: first, now: Self.now)
        for (number, (writer, reader)) in [(first, second), (second, first), (first, second)].enumerated() {
            let before = try await reader.read { try $0.revision() }
            try await Self.fill(writer, number)
            try await writer.write { try $0.bumpRevision() }
            #expect(try await Self.count(reader) == number + 1)
            #expect(try await reader.read { try $0.revision() } == before + 1)
        }
        await first.close()
        try await Self.fill(second, 3)
        await second.close()
    }

    @Test func `a writer that waits too long for another process says so, and works again afterwards`() async throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/store.db"
        let first = try SQLiteDatabase.open(path: path)
        let second = try SQLiteDatabase.open(path: path, busyTimeout: .milliseconds(20))
        try await MigrationRunner().run(on: first, now: Self.now)
        let gate = Gate()
        async let held: Void = first.write { session in
            try session.bumpRevision()
            gate.arriveAndWait()
        }
        await gate.waitForArrival()
        #expect(await failure { try await second.write { try $0.bumpRevision() } } == .busy)
        #expect(try await second.read { try $0.revision() } == 0)
        gate.open()
        try await held
        try await second.write { try $0.bumpRevision() }
        #expect(try await first.read { try $0.revision() } == 2)
        await first.close()
        await second.close()
    }

    @Test func `a text with NUL comes back whole`() async throws {
        let database = try SQLiteDatabase.inMemory()
        let text = "before\0after"
        let back = try await database.read { try $0.first("SELECT \(text) AS t")?.text("t") }
        #expect(back.map { Array($0.utf8) } == Array(text.utf8))
    }

    @Test func `a row that went is not left behind in the file`() async throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/store.db"
        let database = try SQLiteDatabase.open(path: path)
        try await MigrationRunner().run(on: database, now: Self.now)
        let canary = "canary-9f8e7d6c5b4a"
        try await database.write { session in
            try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(canary), 'n', 0, 0)")
        }
        try await database.write { try $0.execute("DELETE FROM groups") }
        // The last to close folds the log into the file and removes it.
        await database.close()
        let bytes = try Self.read(path)
        try #require(bytes.count > 4096)
        let wanted = Array(canary.utf8)
        let found = (0..<(bytes.count - wanted.count)).contains {
            bytes[$0] == wanted[0] && bytes[$0...].starts(with: wanted)
        }
        #expect(!found)
    }
}
