import Core
import Database
import Glibc
import NIOConcurrencyHelpers
import SQLite
import TestKit
import Testing

/// One way to open a database, so that every driver runs the same contract.
///
/// A second driver adds a row to `all`.
struct Driver: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether readers and a writer run at the same time.
    let isConcurrent: Bool
    /// Opens an empty database; the folder is the test's own.
    let open: @Sendable (ScratchFolder) async throws -> any Database

    static let all: [Driver] = [
        Driver(testDescription: "SQLite in a file", isConcurrent: true) { folder in
            try SQLiteDatabase.open(path: "\(folder.path)/store.db")
        },
        Driver(testDescription: "SQLite in memory", isConcurrent: false) { _ in try SQLiteDatabase.inMemory() },
    ]

    static let concurrent = Self.all.filter(\.isConcurrent)

    /// Runs `body` with an empty database, and closes it.
    func withDatabase(_ body: (any Database) async throws -> Void) async throws {
        let folder = try ScratchFolder()
        let database = try await self.open(folder)
        do {
            try await body(database)
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    /// The same with the tables of this build.
    func withStore(_ body: (any Database) async throws -> Void) async throws {
        try await self.withDatabase { database in
            try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
            try await body(database)
        }
    }
}

/// Holds a body on its own thread until the test lets it go, and tells the test that it got there.
///
/// Only for bodies: they run on threads of the driver, which may be held.
final class Gate: Sendable {
    private let lock = ConditionLock(value: 0)

    /// Called by the body: says it is there, and stays until `open` is called.
    func arriveAndWait() {
        self.lock.lock()
        self.lock.unlock(withValue: 1)
        self.lock.lock(whenValue: 2)
        self.lock.unlock()
    }

    /// Called by the test: waits without holding a thread of Swift's pool until the body is there.
    func waitForArrival() async {
        await withCheckedContinuation { continuation in
            Thread.run {
                self.lock.lock(whenValue: 1)
                self.lock.unlock(withValue: 1)
                continuation.resume()
            }
        }
    }

    /// Called by the test: lets the body go on.
    func open() {
        self.lock.lock()
        self.lock.unlock(withValue: 2)
    }
}

/// A thread for one wait.
private enum Thread {
    final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func run(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        let code = pthread_create(
            &thread,
            nil,
            { argument in
                argument.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
                return nil
            },
            argument
        )
        #expect(code == 0)
        pthread_detach(thread)
    }
}

/// The error of `body`, or nil.
func failure<Result>(of body: () async throws -> Result) async -> DatabaseError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? DatabaseError
    }
}
