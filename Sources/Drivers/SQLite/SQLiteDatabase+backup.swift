package import Database
internal import Dispatch
internal import GRDB
internal import Glibc
internal import NIOConcurrencyHelpers

package import enum Database.DatabaseError

extension SQLiteDatabase {
    /// Pages copied between two looks at whether the task was cancelled.
    private static let pagesPerStep: Int32 = 256

    package func backup(to path: String, replacing: Bool) async throws {
        try self.checkOpen()
        if let own = self.path, PrivateFile.isSame(own, path) { throw DatabaseError.exists(path) }
        let isCancelled = NIOLockedValueBox(false)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                self.background.async {
                    continuation.resume(
                        with: Result { try self.copy(to: path, replacing: replacing, isCancelled: isCancelled) }
                    )
                }
            }
        } onCancel: {
            isCancelled.withLockedValue { $0 = true }
        }
    }

    /// Copies one snapshot beside `path`, checks the copy, and only then gives it the name.
    private func copy(to path: String, replacing: Bool, isCancelled: NIOLockedValueBox<Bool>) throws {
        if !replacing, access(path, F_OK) == 0 { throw DatabaseError.exists(path) }
        try Self.place(at: path, replacing: replacing) { temporary in
            try Self.copyPages(of: self.connections, to: temporary) { isCancelled.withLockedValue { $0 } }
        }
    }

    /// Puts a backup in the place of a store that nobody has open.
    ///
    /// Holds the calling thread. The backup is checked before anything is touched. What was in that place is not
    /// deleted but renamed, its log with it: a log left beside another file would be played into it.
    ///
    /// - Parameter path: Where the store is to be; its folder is made if it is missing.
    /// - Returns: The new names of the files that were there.
    /// - Throws: `DatabaseError.busy` if somebody has the store open; `.corrupt`, `.notADatabase` or `.cannotOpen` for
    ///   a backup that is none.
    @discardableResult
    package static func restore(_ backup: String, to path: String) throws(DatabaseError) -> [String] {
        guard access(backup, R_OK) == 0 else { throw .cannotOpen("\(backup): \(String(cString: strerror(errno)))") }
        guard !PrivateFile.isSame(backup, path) else { throw .exists(path) }
        guard !PrivateFile.isDatabaseInUse(path) else { throw .busy }
        var moved: [String] = []
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let source = try DatabaseQueue(path: backup, configuration: configuration)
            try PrivateFile.createFolder(of: path)
            try Self.place(at: path, replacing: false) { temporary in
                try Self.copyPages(of: source, to: temporary) { false }
                for suffix in ["-wal", "-shm", ""] {
                    if let name = try PrivateFile.setAside(path + suffix) { moved.append(name) }
                }
            }
            return moved
        } catch {
            let failure = DatabaseError(error)
            throw failure == .cannotOpen("") ? .cannotOpen(backup) : failure
        }
    }

    /// Lets `fill` write a file beside `path`, and gives it that name once it is on the disk.
    private static func place(at path: String, replacing: Bool, _ fill: (String) throws -> Void) throws {
        let temporary = try PrivateFile.temporary(beside: path)
        do {
            try fill(temporary)
            try PrivateFile.sync(temporary)
            try PrivateFile.publish(temporary, as: path, replacing: replacing)
        } catch {
            for suffix in ["", "-journal", "-wal", "-shm"] { unlink(temporary + suffix) }
            throw error is CancellationError ? error : DatabaseError(error)
        }
    }

    /// Copies one snapshot of `source` page by page, and checks the copy.
    private static func copyPages(
        of source: any DatabaseReader,
        to temporary: String,
        isCancelled: @escaping () -> Bool
    ) throws {
        let copy = try DatabaseQueue(path: temporary)
        try source.backup(to: copy, pagesPerStep: Self.pagesPerStep) { progress in
            if !progress.isCompleted, isCancelled() { throw CancellationError() }
        }
        try copy.writeWithoutTransaction { connection in
            // One file that stands alone, without a log beside it. Whoever opens it turns the log on again.
            try connection.execute(sql: "PRAGMA journal_mode = DELETE")
            guard try String.fetchAll(connection, sql: "PRAGMA integrity_check(1)") == ["ok"] else {
                throw DatabaseError.corrupt
            }
        }
        try copy.close()
    }
}
