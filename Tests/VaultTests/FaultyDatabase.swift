import Database
import NIOConcurrencyHelpers
import TestKit

/// A database whose n-th step fails: a transaction's begin, each statement, its commit, and the moment after it.
///
/// With `isCrash` everything after it fails too, as for a process that was killed.
final class FaultyDatabase: Database {
    private struct State {
        var steps = 0
        var hasFailed = false
    }

    private let real: any Database
    private let failAt: Int
    private let isCrash: Bool
    private let state = NIOLockedValueBox(State())

    init(_ real: any Database, failAt: Int, isCrash: Bool) {
        self.real = real
        self.failAt = failAt
        self.isCrash = isCrash
    }

    /// Steps so far.
    var steps: Int { self.state.withLockedValue { $0.steps } }

    /// Whether the step that fails was reached.
    var hasFailed: Bool { self.state.withLockedValue { $0.hasFailed } }

    func step() throws(DatabaseError) {
        let fails = self.state.withLockedValue { state in
            state.steps += 1
            if state.hasFailed { return self.isCrash }
            state.hasFailed = state.steps == self.failAt
            return state.hasFailed
        }
        if fails { throw .full }
    }

    func read<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try self.step()
        return try await self.real.read { try body(FaultySession(real: $0, database: self)) }
    }

    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try self.step()
        let result = try await self.real.write { session in
            let result = try body(FaultySession(real: session, database: self))
            try self.step()
            return result
        }
        // Committed, but the caller does not hear of it.
        try self.step()
        return result
    }

    func backup(to path: String, replacing: Bool) async throws {
        try self.step()
        try await self.real.backup(to: path, replacing: replacing)
    }

    func close() async { await self.real.close() }
}

private struct FaultySession: SQLSession {
    let real: any SQLSession
    let database: FaultyDatabase

    func rows(_ sql: SQL) throws(DatabaseError) -> [SQLRow] {
        try self.database.step()
        return try self.real.rows(sql)
    }

    func first(_ sql: SQL) throws(DatabaseError) -> SQLRow? {
        try self.database.step()
        return try self.real.first(sql)
    }

    func forEachRow(_ sql: SQL, _ each: (SQLRow) throws(DatabaseError) -> Void) throws(DatabaseError) {
        try self.database.step()
        try self.real.forEachRow(sql, each)
    }

    func execute(_ sql: SQL) throws(DatabaseError) -> Int {
        try self.database.step()
        return try self.real.execute(sql)
    }
}
