/// What a database refused, or why it could not answer.
///
/// No case ever holds a value that was bound, so it is safe to log.
package enum DatabaseError: Error, Sendable, Equatable {
    /// A row with the same key is there already.
    ///
    /// The text names the columns, `users.issuer, users.subject`, the same with every driver.
    case uniqueViolation(String)
    /// The row points at one that is not there, or is pointed at.
    case foreignKeyViolation
    /// A column that must have a value has none; the text is `table.column`.
    case notNullViolation(String)
    /// A `CHECK` does not hold; the text is its name or its expression.
    case checkViolation(String)
    /// Another process held the lock for longer than the time limit.
    ///
    /// Trying again may work.
    case busy
    /// The disk, or the room set aside for the database, is full.
    ///
    /// Nothing was changed.
    case full
    /// The file cannot be written, or a `read` tried to write.
    case readOnly
    /// The file is damaged.
    case corrupt
    /// The file is something else than a database.
    case notADatabase
    /// The file, or its folder, cannot be opened or made; the text says which and why.
    case cannotOpen(String)
    /// The disk failed while reading or writing.
    case ioFailed
    /// The schema is newer than this build: it was written by a later version.
    case newerSchema(found: Int, known: Int)
    /// A migration that was applied is not the one this build knows under its number.
    case alteredMigration(version: Int, name: String)
    /// The database was closed.
    case closed
    /// The task was cancelled while a statement ran.
    ///
    /// Seen inside a body only: `read` and `write` themselves throw `CancellationError`.
    case interrupted
    /// A result does not have the column, or it holds something else.
    case badColumn(String, expected: String)
    /// There is a file already; the text is its path.
    case exists(String)
    /// The driver does not do this.
    case unsupported(String)
    /// Anything else, with the database's own code and words.
    case failed(code: Int, message: String)
}

extension DatabaseError: CustomStringConvertible {
    /// One sentence for an operator.
    package var description: String {
        switch self {
        case .uniqueViolation(let columns): "a row with the same \(columns) is there already"
        case .foreignKeyViolation: "the row points at one that is not there, or is pointed at"
        case .notNullViolation(let column): "\(column) must have a value"
        case .checkViolation(let check): "the value is not allowed: \(check)"
        case .busy: "the database is locked by another process"
        case .full: "the disk is full: nothing was changed"
        case .readOnly: "the database cannot be written"
        case .corrupt: "the database file is damaged: restore a backup"
        case .notADatabase: "the file is not a database of this program"
        case .cannotOpen(let reason): "the database cannot be opened: \(reason)"
        case .ioFailed: "the disk failed while reading or writing the database"
        case .newerSchema(let found, let known):
            "the database has schema version \(found), this build knows \(known): it was written by a later version"
        case .alteredMigration(let version, let name):
            "migration \(version) (\(name)) was applied in another form than this build knows"
        case .closed: "the database is closed"
        case .interrupted: "the statement was interrupted"
        case .badColumn(let column, let expected): "column \(column) is not \(expected)"
        case .exists(let path): "\(path) exists"
        case .unsupported(let what): "this database cannot \(what)"
        case .failed(let code, let message): "the database failed with code \(code): \(message)"
        }
    }
}
