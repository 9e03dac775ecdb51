internal import Database
internal import GRDB
internal import GRDBSQLite

internal import enum Database.DatabaseError
internal import struct Database.SQL
internal import protocol Database.SQLSession

/// The statements of one transaction.
///
/// Values are bound and read with SQLite's own functions: GRDB ends a text at its first NUL and makes every blob a
/// Foundation object.
struct SQLiteSession: SQLSession {
    let connection: GRDB.Database

    func rows(_ sql: SQL) throws(DatabaseError) -> [SQLRow] {
        var rows: [SQLRow] = []
        try self.run(sql) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    func first(_ sql: SQL) throws(DatabaseError) -> SQLRow? {
        var first: SQLRow?
        try self.run(sql) { row in
            first = row
            return false
        }
        return first
    }

    func forEachRow(_ sql: SQL, _ each: (SQLRow) throws(DatabaseError) -> Void) throws(DatabaseError) {
        try self.run(sql) { row throws(DatabaseError) in
            try each(row)
            return true
        }
    }

    @discardableResult
    func execute(_ sql: SQL) throws(DatabaseError) -> Int {
        let before = self.connection.totalChangesCount
        try self.run(sql) { _ in true }
        // What does not change rows leaves SQLite's count as the statement before it did.
        return self.connection.totalChangesCount == before ? 0 : self.connection.changesCount
    }

    @discardableResult
    func execute(_ sql: SQL, rows: [[SQLValue]]) throws(DatabaseError) -> Int {
        if Task.isCancelled { throw .interrupted }
        let before = self.connection.totalChangesCount
        let statement = try self.statement(sql.text(placeholder: { _ in "?" }, word: Self.spelling))
        let handle = statement.sqliteStatement
        let places = Int(sqlite3_bind_parameter_count(handle))
        var lent = LentBytes()
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
            lent.free()
        }
        for values in rows {
            precondition(values.count == places, "\(values.count) values for \(places) places")
            lent.makeRoom(for: values)
            for (index, value) in values.enumerated() {
                try self.check(lent.bind(value, at: Int32(truncatingIfNeeded: index + 1), to: handle))
            }
            var code = sqlite3_step(handle)
            while code == SQLITE_ROW { code = sqlite3_step(handle) }
            guard code == SQLITE_DONE else { throw self.error(code) }
            sqlite3_reset(handle)
        }
        // Foreign key actions and triggers count here; statements with many rows have none.
        return Int(self.connection.totalChangesCount - before)
    }

    /// Runs a statement until it ends or `each` says no.
    private func run(_ sql: SQL, _ each: (SQLRow) throws(DatabaseError) -> Bool) throws(DatabaseError) {
        if Task.isCancelled { throw .interrupted }
        let statement = try self.statement(sql.text(placeholder: { _ in "?" }, word: Self.spelling))
        let handle = statement.sqliteStatement
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        for (index, value) in sql.values.enumerated() {
            try self.check(Self.bind(value, at: Int32(index + 1), to: handle))
        }
        var columns: [String]?
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW:
                let names = columns ?? Self.columnNames(of: handle)
                columns = names
                guard try each(SQLRow(columns: names, values: Self.values(of: handle))) else { return }
            case SQLITE_DONE:
                return
            case let code:
                throw self.error(code)
            }
        }
    }

    /// Prepares a statement, or takes it from the connection's cache.
    ///
    /// Texts are those of the sources, so the cache is bounded by the sources; lists in `IN (…)` by their callers.
    private func statement(_ text: String) throws(DatabaseError) -> GRDB.Statement {
        do {
            let cached = try self.connection.cachedStatement(sql: text)
            // The same statement may be half read by the caller of `each`.
            guard sqlite3_stmt_busy(cached.sqliteStatement) != 0 else { return cached }
            return try self.connection.makeStatement(sql: text)
        } catch {
            throw DatabaseError(error)
        }
    }

    private static func spelling(_ word: SQLWord) -> String {
        switch word {
        case .integer: "INTEGER"
        case .blob: "BLOB"
        case .strict: "STRICT"
        case .clustered: "STRICT, WITHOUT ROWID"
        case .refuse: "BEGIN SELECT RAISE(ABORT, 'rows of this table are never changed or deleted'); END"
        }
    }

    // MARK: - Values

    fileprivate static func bind(_ value: SQLValue, at position: Int32, to handle: OpaquePointer) -> Int32 {
        switch value {
        case .null:
            return sqlite3_bind_null(handle, position)
        case .integer(let number):
            return sqlite3_bind_int64(handle, position, number)
        case .real(let number):
            return sqlite3_bind_double(handle, position, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                guard let copy = Self.copy(UnsafeRawBufferPointer(bytes)) else { return SQLITE_NOMEM }
                let start = copy.assumingMemoryBound(to: CChar.self)
                return sqlite3_bind_text64(
                    handle,
                    position,
                    start,
                    UInt64(bytes.count),
                    sqlite3_free,
                    UInt8(SQLITE_UTF8)
                )
            }
        case .blob(let bytes):
            // A blob without bytes would be NULL.
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(handle, position, 0) }
            return bytes.withUnsafeBytes { bytes in
                guard let copy = Self.copy(bytes) else { return SQLITE_NOMEM }
                return sqlite3_bind_blob64(handle, position, copy, UInt64(bytes.count), sqlite3_free)
            }
        }
    }

    /// Memory that SQLite will free.
    private static func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer? {
        let copy = sqlite3_malloc64(UInt64(bytes.count + 1))
        if let copy, let start = bytes.baseAddress { copy.copyMemory(from: start, byteCount: bytes.count) }
        return copy
    }

    private static func columnNames(of handle: OpaquePointer) -> [String] {
        (0..<sqlite3_column_count(handle)).map { index in
            sqlite3_column_name(handle, index).map { String(cString: $0) } ?? ""
        }
    }

    private static func values(of handle: OpaquePointer) -> [SQLValue] {
        let count = sqlite3_column_count(handle)
        return [SQLValue](unsafeUninitializedCapacity: Int(count)) { buffer, initialised in
            for index in 0..<count { buffer.initializeElement(at: Int(index), to: Self.value(of: handle, at: index)) }
            initialised = Int(count)
        }
    }

    private static func value(of handle: OpaquePointer, at index: Int32) -> SQLValue {
        switch sqlite3_column_type(handle, index) {
        case SQLITE_INTEGER:
            return .integer(sqlite3_column_int64(handle, index))
        case SQLITE_FLOAT:
            return .real(sqlite3_column_double(handle, index))
        case SQLITE_TEXT:
            let start = sqlite3_column_text(handle, index)
            let count = Int(sqlite3_column_bytes(handle, index))
            return .text(String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(handle, index)
            let count = Int(sqlite3_column_bytes(handle, index))
            return .blob([UInt8](UnsafeRawBufferPointer(start: start, count: count)))
        default:
            return .null
        }
    }

    // MARK: - Errors

    private func check(_ code: Int32) throws(DatabaseError) {
        guard code == SQLITE_OK else { throw self.error(code) }
    }

    private func error(_ code: Int32) -> DatabaseError {
        let handle = self.connection.sqliteConnection
        let message = sqlite3_errmsg(handle).map { String(cString: $0) } ?? ""
        let extended = sqlite3_extended_errcode(handle)
        return DatabaseError(code: extended & 0xFF == code & 0xFF ? extended : code, message: message)
    }
}

/// The texts and blobs of one row at a time, in one piece of memory that SQLite reads them from.
///
/// With a copy for each value of its own, as single statements have it, a third of the time of a large batch went into
/// getting memory and giving it back.
private struct LentBytes {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var used = 0

    /// Forgets the row before, which must not be stepped any more.
    mutating func makeRoom(for values: [SQLValue]) {
        var needed = 1
        for value in values {
            switch value {
            case .text(let text): needed += text.utf8.count
            case .blob(let bytes): needed += bytes.count
            default: break
            }
        }
        self.used = 0
        guard self.memory.count < needed else { return }
        self.memory.deallocate()
        self.memory = .allocate(byteCount: max(needed * 2, 4096), alignment: 1)
    }

    mutating func bind(_ value: SQLValue, at position: Int32, to handle: OpaquePointer) -> Int32 {
        switch value {
        case .text(var text):
            return text.withUTF8 { bytes in
                guard let lent = self.copy(UnsafeRawBufferPointer(bytes)) else { return SQLITE_NOMEM }
                let start = lent.assumingMemoryBound(to: CChar.self)
                // No destructor: SQLite reads the bytes where they are.
                return sqlite3_bind_text64(handle, position, start, UInt64(bytes.count), nil, UInt8(SQLITE_UTF8))
            }
        case .blob(let bytes) where !bytes.isEmpty:
            return bytes.withUnsafeBytes { bytes in
                guard let lent = self.copy(bytes) else { return SQLITE_NOMEM }
                return sqlite3_bind_blob64(handle, position, lent, UInt64(bytes.count), nil)
            }
        default:
            return SQLiteSession.bind(value, at: position, to: handle)
        }
    }

    /// Puts bytes behind those of the values before; there is room.
    private mutating func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer? {
        guard bytes.count <= self.memory.count - self.used else { return nil }
        let place = UnsafeMutableRawBufferPointer(rebasing: self.memory[self.used...])
        place.copyMemory(from: bytes)
        self.used += bytes.count
        return place.baseAddress
    }

    func free() { self.memory.deallocate() }
}
