import Database
import Glibc
import NIOConcurrencyHelpers
import SQLite
import TestKit
import Testing

/// Backups are whole, private and never half there.
@Suite struct SQLiteBackupTests {
    private static func store(in folder: ScratchFolder) async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase.open(path: "\(folder.path)/store.db")
        try await MigrationRunner().run(on: database, now: SQLiteFileTests.now)
        return database
    }

    /// Every group has exactly one user and one revision, in every committed state.
    @Sendable private static func insertPair(_ id: String, in session: any SQLSession) throws {
        let name = String(repeating: "n", count: 2000)
        try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(id), \(name), 0, 0)")
        try session.execute(
            """
            INSERT INTO users (id, group_id, name, role, created_at, updated_at)
            VALUES (\(id), \(id), 'n', 'member', 0, 0)
            """
        )
        try session.bumpRevision()
    }

    private static func addPair(_ id: String, to database: SQLiteDatabase) async throws {
        try await database.write { try Self.insertPair(id, in: $0) }
    }

    private static func addPairs(_ count: Int, to database: SQLiteDatabase) async throws {
        try await database.write { session in
            for id in 0..<count { try Self.insertPair("seed-\(id)", in: session) }
        }
    }

    @Test func `a backup taken while others write is one committed state, and opens as a store`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        try await Self.addPairs(300, to: database)
        let isDone = NIOLockedValueBox(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<3 {
                group.addTask {
                    var number = 0
                    while !isDone.withLockedValue({ $0 }) {
                        try await Self.addPair("\(writer)-\(number)", to: database)
                        number += 1
                    }
                }
            }
            for number in 0..<5 {
                let before = try await database.read { try $0.revision() }
                try await database.backup(to: "\(folder.path)/copy-\(number).db")
                let after = try await database.read { try $0.revision() }
                #expect(SQLiteFileTests.mode("\(folder.path)/copy-\(number).db") == 0o600)
                try await Self.checkCopy("\(folder.path)/copy-\(number).db", revisions: before...after)
            }
            isDone.withLockedValue { $0 = true }
            try await group.waitForAll()
        }
        await database.close()
        #expect(folder.names == (0..<5).map { "copy-\($0).db" } + ["store.db"])
    }

    private static func checkCopy(_ path: String, revisions: ClosedRange<Int64>) async throws {
        let copy = try SQLiteDatabase.open(path: path)
        #expect(try await copy.problems() == [])
        #expect(try await MigrationRunner().run(on: copy, now: SQLiteFileTests.now) == [])
        let (groups, users, revision) = try await copy.read { session in
            (
                try session.rows("SELECT id FROM groups").count,
                try session.rows("SELECT id FROM users").count, try session.revision()
            )
        }
        #expect(groups == users && Int64(groups) == revision)
        #expect(revisions.contains(revision))
        // It is a store like any other: it can be written.
        try await Self.addPair("after-restore", to: copy)
        await copy.close()
    }

    @Test func `a backup stands alone, without a log beside it`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        try await Self.addPair("g", to: database)
        try await database.backup(to: "\(folder.path)/copy.db")
        #expect(folder.names == ["copy.db", "store.db", "store.db-shm", "store.db-wal"])
        await database.close()
    }

    @Test func `a file that is there is kept, unless it may be replaced`() async throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/copy.db"
        let database = try await Self.store(in: folder)
        try SQLiteFileTests.write(Array("precious".utf8), to: path)
        #expect(await failure { try await database.backup(to: path) } == .exists(path))
        var status = stat()
        try #require(stat(path, &status) == 0)
        #expect(status.st_size == 8)
        try await database.backup(to: path, replacing: true)
        let copy = try SQLiteDatabase.open(path: path)
        #expect(try await copy.problems() == [])
        await copy.close()
        await database.close()
    }

    @Test func `the store itself is never what a backup replaces`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        try await Self.addPair("g", to: database)
        let path = "\(folder.path)/store.db"
        #expect(await failure { try await database.backup(to: path, replacing: true) } == .exists(path))
        try #require(symlink(path, "\(folder.path)/alias.db") == 0)
        let alias = "\(folder.path)/alias.db"
        #expect(await failure { try await database.backup(to: alias, replacing: true) } == .exists(alias))
        #expect(try await SQLiteFileTests.count(database) == 1)
        await database.close()
    }

    @Test func `a folder that is not there is an error, and nothing is made`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        let error = await failure { try await database.backup(to: "\(folder.path)/nowhere/copy.db") }
        guard case .cannotOpen(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("nowhere"))
        #expect(!folder.names.contains("nowhere"))
        await database.close()
    }

    @Test func `a backup that is cancelled leaves nothing`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        // More pages than one step copies.
        try await Self.addPairs(1200, to: database)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { try await database.backup(to: "\(folder.path)/copy.db") }
            let result = await group.nextResult()
            #expect(throws: CancellationError.self) { try result?.get() }
        }
        #expect(folder.names == ["store.db", "store.db-shm", "store.db-wal"])
        await database.close()
    }

    @Test func `a database in memory can be saved to a file`() async throws {
        let folder = try ScratchFolder()
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: SQLiteFileTests.now)
        try await Self.addPair("g", to: database)
        try await database.backup(to: "\(folder.path)/copy.db")
        try await Self.checkCopy("\(folder.path)/copy.db", revisions: 1...1)
        await database.close()
    }

    // MARK: - Restoring

    @Test func `a backup takes the place of a store whose log is left over, and the old one is set aside`() async throws
    {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/store.db"
        let database = try await Self.store(in: folder)
        try await Self.addPair("in-backup", to: database)
        try await database.backup(to: "\(folder.path)/copy.db")
        try await Self.addPair("after-backup", to: database)
        // As after a killed process: the file and its log are there, and nobody has them open.
        let crashed = try ScratchFolder()
        for suffix in ["", "-wal"] {
            let bytes = try SQLiteFileTests.read(path + suffix)
            try SQLiteFileTests.write(bytes, to: "\(crashed.path)/store.db\(suffix)")
        }
        await database.close()
        let target = "\(crashed.path)/store.db"
        let moved = try SQLiteDatabase.restore("\(folder.path)/copy.db", to: target)
        #expect(moved == ["\(target)-wal.before-restore-1", "\(target).before-restore-1"])
        #expect(SQLiteFileTests.mode(target) == 0o600)
        try await Self.checkCopy(target, revisions: 1...1)
        let again = try SQLiteDatabase.restore("\(folder.path)/copy.db", to: target)
        #expect(again == ["\(target).before-restore-2"])
    }

    @Test func `a store that is open is not replaced`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        try await database.backup(to: "\(folder.path)/copy.db")
        let path = "\(folder.path)/store.db"
        #expect(await failure { try SQLiteDatabase.restore("\(folder.path)/copy.db", to: path) } == .busy)
        #expect(folder.names == ["copy.db", "store.db", "store.db-shm", "store.db-wal"])
        await database.close()
    }

    @Test func `what is no backup restores nothing`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        try await Self.addPairs(20, to: database)
        try await database.backup(to: "\(folder.path)/damaged.db")
        await database.close()
        let garbage = [UInt8](repeating: 0xFF, count: 8192)
        try SQLiteFileTests.write(garbage, to: "\(folder.path)/damaged.db", at: 8192)
        try SQLiteFileTests.write(Array("not a database".utf8) + garbage, to: "\(folder.path)/text.db")
        let before = folder.names
        let path = "\(folder.path)/store.db"
        for name in ["damaged.db", "text.db", "missing.db", "store.db"] {
            #expect(await failure { try SQLiteDatabase.restore("\(folder.path)/\(name)", to: path) } != nil, "\(name)")
        }
        #expect(folder.names == before)
    }

    @Test func `a backup is restored where nothing was`() async throws {
        let folder = try ScratchFolder()
        let database = try await Self.store(in: folder)
        try await Self.addPair("g", to: database)
        try await database.backup(to: "\(folder.path)/copy.db")
        await database.close()
        let path = "\(folder.path)/new/data/store.db"
        #expect(try SQLiteDatabase.restore("\(folder.path)/copy.db", to: path) == [])
        try await Self.checkCopy(path, revisions: 1...1)
    }
}
