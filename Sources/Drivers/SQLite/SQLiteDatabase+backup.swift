internal import Database
internal import Dispatch
internal import GRDB
internal import Glibc
internal import NIOConcurrencyHelpers

internal import enum Database.DatabaseError

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
        let temporary = try PrivateFile.temporary(beside: path)
        do {
            try self.copyPages(to: temporary, isCancelled: isCancelled)
            try PrivateFile.sync(temporary)
            try PrivateFile.publish(temporary, as: path, replacing: replacing)
        } catch {
            for suffix in ["", "-journal", "-wal", "-shm"] { unlink(temporary + suffix) }
            throw error is CancellationError ? error : DatabaseError(error)
        }
    }

    private func copyPages(to temporary: String, isCancelled: NIOLockedValueBox<Bool>) throws {
        let copy = try DatabaseQueue(path: temporary)
        try self.connections.backup(to: copy, pagesPerStep: Self.pagesPerStep) { progress in
            if !progress.isCompleted, isCancelled.withLockedValue({ $0 }) { throw CancellationError() }
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
