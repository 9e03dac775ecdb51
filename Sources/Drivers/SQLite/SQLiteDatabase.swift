internal import Core
package import Database
internal import Dispatch
internal import GRDB
internal import GRDBSQLite
internal import Glibc
internal import NIOConcurrencyHelpers

package import protocol Database.Database
package import enum Database.DatabaseError

/// SQLite behind the seam: one file in WAL mode, one writer, several readers, each commit on the disk.
///
/// The same class over an in-memory database is what tests use.
package final class SQLiteDatabase: Database {
    /// The file, or nil for a database in memory.
    package let path: String?
    let connections: any DatabaseWriter
    private let isClosed = NIOLockedValueBox(false)
    /// What the writer's commits outlive at the moment; touched on the writer's thread alone.
    private let durability = NIOLockedValueBox(WriteDurability.power)
    /// For what GRDB only does by holding a thread: backups and closing.
    let background = DispatchQueue(label: "turnpike.store.background")

    private init(path: String?, connections: any DatabaseWriter) {
        self.path = path
        self.connections = connections
    }

    /// Opens a file, or makes it and its folder with access for the owner only.
    ///
    /// Holds the calling thread while it does so. Nothing is migrated.
    ///
    /// - Parameters:
    ///   - path: The file; `-wal` and `-shm` stand beside it while it is open.
    ///   - busyTimeout: How long to wait for another process that writes, before `DatabaseError.busy`.
    ///   - readers: How many `read` may run at once.
    /// - Throws: `DatabaseError.cannotOpen`, `.notADatabase`, `.corrupt`, `.readOnly`, `.full`; also `.failed` if the
    ///   database does not promise that a commit survives a loss of power.
    package static func open(
        path: String,
        busyTimeout: Duration = .seconds(5),
        readers: Int = 4
    ) throws(DatabaseError) -> SQLiteDatabase {
        try PrivateFile.createIfMissing(path)
        var configuration = Self.configuration()
        configuration.busyMode = .timeout(busyTimeout / .seconds(1))
        configuration.maximumReaderCount = readers
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { try Self.makeDurable($0) }
            return SQLiteDatabase(path: path, connections: pool)
        } catch {
            let failure = DatabaseError(error)
            throw failure == .cannotOpen("") ? .cannotOpen(path) : failure
        }
    }

    /// Makes an empty database in memory, gone when nobody holds it any more.
    package static func inMemory() throws(DatabaseError) -> SQLiteDatabase {
        do {
            return SQLiteDatabase(path: nil, connections: try DatabaseQueue(configuration: Self.configuration()))
        } catch {
            throw DatabaseError(error)
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "turnpike.store"
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { connection in
            // What a row held is overwritten when it goes: a replaced credential does not stay in a free page.
            try connection.execute(sql: "PRAGMA secure_delete = ON")
            // Functions with side effects cannot be called from a schema that somebody planted.
            try connection.execute(sql: "PRAGMA trusted_schema = OFF")
            // Runs on the thread of the task that asked, so a statement that is under way ends with its task. GRDB's
            // own interrupt misses a statement that has not begun yet.
            let stepsBetweenLooks: Int32 = 10_000
            sqlite3_progress_handler(
                connection.sqliteConnection,
                stepsBetweenLooks,
                { _ in Task.isCancelled ? 1 : 0 },
                nil
            )
        }
        return configuration
    }

    /// Asks for durable commits, and reads back what is in force.
    ///
    /// GRDB sets `synchronous = NORMAL` when it turns WAL on, after `prepareDatabase`; with that, the last commits can
    /// be lost with the power. The pool has one writer, which lives as long as it does.
    private static func makeDurable(_ connection: GRDB.Database) throws {
        try connection.execute(sql: "PRAGMA synchronous = FULL")
        let wanted = [("synchronous", "2"), ("journal_mode", "wal"), ("foreign_keys", "1")]
        for (name, value) in wanted {
            let found = try String.fetchOne(connection, sql: "PRAGMA \(name)")
            guard found == value else {
                throw DatabaseError.failed(code: 0, message: "\(name) is \(found ?? "unknown"), not \(value)")
            }
        }
    }

    // MARK: - Running statements

    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try await self.access { connections in
            try await connections.read { try body(SQLiteSession(connection: $0)) }
        }
    }

    @discardableResult
    package func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try await self.write(.power, body)
    }

    @discardableResult
    package func write<Result: Sendable>(
        _ durability: WriteDurability,
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try await self.access { connections in
            try await connections.writeWithoutTransaction { connection in
                try self.use(durability, on: connection)
                var result: Result?
                try connection.inTransaction(.immediate) {
                    result = try body(SQLiteSession(connection: connection))
                    return .commit
                }
                guard let result else { throw DatabaseError.failed(code: 0, message: "a commit without a result") }
                return result
            }
        }
    }

    /// Has the writer's next commits outlive what they must.
    ///
    /// Each transaction asks for its own before it begins, since within one SQLite does not change it. So nothing has
    /// to be put back after one that failed or was cancelled, and many alike pay for the change once. What is in force
    /// is noted only after SQLite has said so: `.power` is never taken for granted.
    private func use(_ durability: WriteDurability, on connection: GRDB.Database) throws {
        guard self.path != nil, self.durability.withLockedValue({ $0 }) != durability else { return }
        // Until it is known to be more, the least is in force.
        self.durability.withLockedValue { $0 = .process }
        let level: Int32 = durability == .power ? 2 : 1
        let handle = connection.sqliteConnection
        // Not through GRDB's cache: SQLite does this while it prepares the statement, so a prepared one does nothing.
        let statement = durability == .power ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"
        var found: Int32 = -1
        let code = sqlite3_exec(handle, statement, nil, nil, nil)
        // It calls back with each row: here the one number that is the answer.
        sqlite3_exec(
            handle,
            "PRAGMA synchronous",
            { found, _, values, _ in
                if let text = values?.pointee { found?.assumingMemoryBound(to: Int32.self).pointee = atoi(text) }
                return 0
            },
            &found,
            nil
        )
        guard code == SQLITE_OK, found == level else {
            throw DatabaseError.failed(code: Int(code), message: "synchronous is \(found), not \(level)")
        }
        self.durability.withLockedValue { $0 = durability }
    }

    /// Turns what GRDB throws into what the seam promises.
    private func access<Result: Sendable>(
        _ run: (any DatabaseWriter) async throws -> Result
    ) async throws -> Result {
        try self.checkOpen()
        do {
            return try await run(self.connections)
        } catch {
            // A cancelled task has one error, whichever statement noticed first. What it did was rolled back.
            if Task.isCancelled { throw CancellationError() }
            throw error is GRDB.DatabaseError ? DatabaseError(error) : error
        }
    }

    func checkOpen() throws(DatabaseError) {
        if self.isClosed.withLockedValue({ $0 }) { throw .closed }
    }

    // MARK: - Upkeep

    /// Reads every page and every index.
    ///
    /// Takes as long as reading the file does; writers are not held up.
    ///
    /// - Returns: What is wrong, at most 100 lines; empty if nothing is.
    package func problems() async throws -> [String] {
        try await self.read { session in
            let found = try session.rows("PRAGMA integrity_check(100)").map { try $0.text("integrity_check") }
            let orphans = try session.rows("PRAGMA foreign_key_check").map {
                "a row of \(try $0.text("table")) is an orphan"
            }
            return (found == ["ok"] ? [] : found) + orphans.prefix(100)
        }
    }

    package func close() async {
        let wasClosed = self.isClosed.withLockedValue { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        await withCheckedContinuation { continuation in
            self.background.async {
                // The writer must be the last to go: it folds the log into the file and removes it, readers cannot.
                if let pool = self.connections as? DatabasePool {
                    try? pool.barrierWriteWithoutTransaction { _ in }
                    pool.invalidateReadOnlyConnections()
                }
                // It fails only if a statement is still in use; then the last one to let go closes it.
                try? self.connections.close()
                continuation.resume()
            }
        }
    }
}
