/// Where state lives that must outlast the process: SQL, behind one door.
///
/// Everything that waits is here; a statement inside `read` or `write` does not wait for anybody but the database. The
/// body runs on a thread of the driver, never on an event loop, so it may not call back into loop code. Errors a body
/// throws come out unchanged; those of the database are `DatabaseError`; a cancelled task gets `CancellationError`,
/// and what its transaction did is rolled back.
package protocol Database: Sendable {
    /// Runs `body` on a snapshot: it sees one committed state, whatever is written meanwhile.
    ///
    /// A statement that writes fails with `DatabaseError.readOnly`.
    ///
    /// - Parameter body: May run next to other readers and one writer. Must not keep the session.
    func read<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result

    /// Runs `body` as one transaction, alone among all writers of this and every other process.
    ///
    /// Returning commits, durably; throwing rolls back. The commit is on the disk when this returns.
    ///
    /// - Parameter body: Sees its own changes. Must not keep the session, nor wait for anything slow: writers queue up.
    /// - Throws: `DatabaseError.busy` if another process held the lock for longer than the driver's time limit.
    @discardableResult
    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result

    /// The same, where less may be asked of the commit.
    ///
    /// A driver that has no quicker way does the same as without: that is `.power`, which is always enough.
    ///
    /// - Parameter durability: What the commit must outlive.
    @discardableResult
    func write<Result: Sendable>(
        _ durability: WriteDurability,
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result

    /// Makes a consistent copy of everything while reading and writing go on.
    ///
    /// The copy is complete, checked and on the disk when this returns, readable by its owner only. If anything fails,
    /// `path` is as it was.
    ///
    /// - Parameter replacing: Whether a file at `path` may be replaced.
    /// - Throws: `DatabaseError.exists` if there is a file and `replacing` is false.
    func backup(to path: String, replacing: Bool) async throws

    /// Waits for what is running and lets go of the files.
    ///
    /// Everything later throws `DatabaseError.closed`. May be called again.
    func close() async
}

extension Database {
    /// As durable as it can be.
    @discardableResult
    package func write<Result: Sendable>(
        _ durability: WriteDurability,
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try await self.write(body)
    }

    /// Makes a copy where there is no file yet.
    package func backup(to path: String) async throws { try await self.backup(to: path, replacing: false) }
}

/// Statements inside one `read` or `write`.
///
/// Confined to the body it was given to. After a statement failed, a body that writes should throw: SQLite would go on,
/// PostgreSQL has given the transaction up. Where a conflict is expected, `ON CONFLICT DO NOTHING` says so. Texts must
/// not hold NUL, which PostgreSQL cannot keep.
package protocol SQLSession {
    /// All rows of a query, or of a statement with `RETURNING`.
    func rows(_ sql: SQL) throws(DatabaseError) -> [SQLRow]

    /// The first row, or nil if there is none.
    func first(_ sql: SQL) throws(DatabaseError) -> SQLRow?

    /// Calls `each` with every row as it is read, so that a large table need not be in memory at once.
    func forEachRow(_ sql: SQL, _ each: (SQLRow) throws(DatabaseError) -> Void) throws(DatabaseError)

    /// Runs one statement.
    ///
    /// - Returns: How many rows it inserted, changed or deleted itself; those of foreign key actions do not count.
    @discardableResult
    func execute(_ sql: SQL) throws(DatabaseError) -> Int

    /// Runs one statement again and again, each time with the values of another row in its places, in order.
    ///
    /// What costs time only once, such as preparing the statement, is done once: for many rows at a time.
    ///
    /// - Parameter rows: Each has as many values as the statement has places.
    /// - Returns: How many rows all runs inserted, changed or deleted themselves.
    @discardableResult
    func execute(_ sql: SQL, rows: [[SQLValue]]) throws(DatabaseError) -> Int
}

extension SQLSession {
    /// One statement after the other, for sessions that have no quicker way.
    @discardableResult
    package func execute(_ sql: SQL, rows: [[SQLValue]]) throws(DatabaseError) -> Int {
        var changed = 0
        for values in rows { changed += try self.execute(sql.binding(values)) }
        return changed
    }

    /// All rows of a query, each made into a value.
    package func map<Value>(
        _ sql: SQL,
        _ make: (SQLRow) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> [Value] {
        var values: [Value] = []
        try self.forEachRow(sql) { row throws(DatabaseError) in values.append(try make(row)) }
        return values
    }
}
