import Auth
import Core
import Database
import Logging
import Metering
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import SQLite
import Testing
import Transport

/// A database that cannot be reached while it is cut, and takes nothing while it is held.
struct CutLine: Database {
    let isCut = NIOLockedValueBox(false)
    private let held = NIOLockedValueBox<(isOn: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))
    private let database: any Database

    init(_ database: any Database) { self.database = database }

    private func check() throws {
        if self.isCut.withLockedValue({ $0 }) { throw DatabaseError.ioFailed }
    }

    func read<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try self.check()
        return try await self.database.read(body)
    }

    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try self.check()
        await withCheckedContinuation { continuation in
            let isHeld = self.held.withLockedValue { held in
                if held.isOn { held.waiting.append(continuation) }
                return held.isOn
            }
            if !isHeld { continuation.resume() }
        }
        return try await self.database.write(body)
    }

    func hold() { self.held.withLockedValue { $0.isOn = true } }

    /// Whether a write waits.
    var holdsOne: Bool { self.held.withLockedValue { !$0.waiting.isEmpty } }

    func release() {
        let waiting = self.held.withLockedValue { held in
            defer { held = (false, []) }
            return held.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func backup(to path: String, replacing: Bool) async throws {
        try await self.database.backup(to: path, replacing: replacing)
    }

    func close() async { await self.database.close() }
}
