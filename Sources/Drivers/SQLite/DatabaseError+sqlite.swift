internal import Database
internal import GRDB
internal import GRDBSQLite

internal import enum Database.DatabaseError

extension DatabaseError {
    /// Says what SQLite means by a result code.
    ///
    /// - Parameters:
    ///   - code: Primary or extended.
    ///   - message: SQLite's words: names of tables and columns, never a bound value.
    init(code: Int32, message: String) {
        // `UNIQUE constraint failed: users.issuer, users.subject`: what stands behind the colon is what failed.
        let parts = message.split(separator: ": ", maxSplits: 1)
        let subject = parts.count == 2 ? String(parts[1]) : message
        switch (code & 0xFF, code) {
        case (SQLITE_CONSTRAINT, ExtendedCode.unique), (SQLITE_CONSTRAINT, ExtendedCode.primaryKey),
            (SQLITE_CONSTRAINT, ExtendedCode.rowID):
            self = .uniqueViolation(subject)
        case (SQLITE_CONSTRAINT, ExtendedCode.foreignKey): self = .foreignKeyViolation
        case (SQLITE_CONSTRAINT, ExtendedCode.notNull): self = .notNullViolation(subject)
        case (SQLITE_CONSTRAINT, ExtendedCode.check): self = .checkViolation(subject)
        case (SQLITE_BUSY, _), (SQLITE_LOCKED, _): self = .busy
        case (SQLITE_FULL, _): self = .full
        case (SQLITE_READONLY, _): self = .readOnly
        case (SQLITE_CORRUPT, _): self = .corrupt
        case (SQLITE_NOTADB, _): self = .notADatabase
        case (SQLITE_CANTOPEN, _): self = .cannotOpen("")
        case (SQLITE_IOERR, _): self = .ioFailed
        case (SQLITE_INTERRUPT, _): self = .interrupted
        // GRDB's word for a connection that was closed.
        case (SQLITE_MISUSE, _) where message == "Connection is closed": self = .closed
        default: self = .failed(code: Int(code), message: message)
        }
    }

    /// Takes what GRDB, or the seam itself, has thrown.
    init(_ error: any Error) {
        switch error {
        case let error as DatabaseError: self = error
        case let error as GRDB.DatabaseError:
            self.init(code: error.extendedResultCode.rawValue, message: error.message ?? "")
        case is CancellationError: self = .interrupted
        default: self = .failed(code: 0, message: "\(type(of: error))")
        }
    }
}

/// Codes that the header spells with arithmetic, which does not reach Swift.
private enum ExtendedCode {
    static let check = SQLITE_CONSTRAINT | (1 << 8)
    static let foreignKey = SQLITE_CONSTRAINT | (3 << 8)
    static let notNull = SQLITE_CONSTRAINT | (5 << 8)
    static let primaryKey = SQLITE_CONSTRAINT | (6 << 8)
    static let unique = SQLITE_CONSTRAINT | (8 << 8)
    static let rowID = SQLITE_CONSTRAINT | (10 << 8)
}
