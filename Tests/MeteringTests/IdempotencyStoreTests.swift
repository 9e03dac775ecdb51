import Chat
import Core
import Database
import Metering
import NIOCore
import SQLite
import TestKit
import Testing

/// Keys that clients give their requests, over a real database (row 77).
@Suite struct IdempotencyStoreTests {
    static let day: Int64 = 86_400_000

    /// A database with the groups `demo` and `other`.
    static func database() async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
        try await database.write { session in
            for group in ["demo", "other"] {
                try session.execute(
                    "INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(group), 'G', 0, 0)"
                )
            }
        }
        return database
    }

    static func claim(
        _ id: String = "one",
        key: String = "k",
        group: String = "demo",
        holder: String = "dev",
        body: String = "{}",
        operation: String = "chat",
        epoch: Int64 = 1
    ) throws -> IdempotencyClaim {
        IdempotencyClaim(
            id: id,
            scope: IdempotencyScope(
                group: GroupID(group),
                holder: holder,
                key: try #require(IdempotencyKey(key.utf8))
            ),
            fingerprint: RequestFingerprint(operation: operation, body: ByteBuffer(string: body)),
            requestID: "req_\(id)",
            epoch: epoch
        )
    }

    private static func take(
        _ claim: IdempotencyClaim,
        at time: Int64 = 0,
        in database: SQLiteDatabase
    ) async throws -> IdempotencyFinding {
        try await database.write { session in
            try IdempotencyStore().claim(
                claim,
                now: UnixTime(milliseconds: time),
                expiry: UnixTime(milliseconds: time + self.day),
                in: session
            )
        }
    }

    private static func finish(
        _ claim: IdempotencyClaim,
        _ outcome: IdempotencyOutcome,
        in database: SQLiteDatabase
    ) async throws {
        try await database.write { try IdempotencyStore().finish(claim, outcome, in: $0) }
    }

    // MARK: - One key

    @Test func `a key is 1 to 255 visible ASCII characters`() {
        #expect(IdempotencyKey("!".utf8)?.text == "!")
        #expect(IdempotencyKey(String(repeating: "~", count: 255).utf8) != nil)
        for bad in ["", String(repeating: "x", count: 256), "a b", "a\tb", "é", "a\u{7F}"] {
            #expect(IdempotencyKey(bad.utf8) == nil, "\(bad.debugDescription)")
        }
    }

    @Test func `the first to come has the key, all others wait for it`() async throws {
        let database = try await Self.database()
        #expect(try await Self.take(Self.claim("one"), in: database) == .claimed)
        #expect(try await Self.take(Self.claim("two"), in: database) == .running)
        let claim = try Self.claim("one")
        try await Self.finish(claim, .answered([1, 2, 3]), in: database)
        #expect(try await Self.take(Self.claim("two"), in: database) == .answered([1, 2, 3], requestID: "req_one"))
    }

    @Test func `of a hundred at once one has the key`() async throws {
        let database = try await Self.database()
        let findings = try await withThrowingTaskGroup(of: IdempotencyFinding.self) { group in
            for number in 0..<100 {
                group.addTask { try await Self.take(Self.claim("\(number)"), in: database) }
            }
            return try await group.reduce(into: [IdempotencyFinding]()) { $0.append($1) }
        }
        #expect(findings.filter { $0 == .claimed }.count == 1)
        #expect(findings.filter { $0 == .running }.count == 99)
    }

    @Test func `another body and another operation are another request, whatever became of the first`() async throws {
        let database = try await Self.database()
        #expect(try await Self.take(Self.claim("one"), in: database) == .claimed)
        for state in [nil, IdempotencyOutcome.answered([1])] {
            if let state { try await Self.finish(try Self.claim("one"), state, in: database) }
            #expect(try await Self.take(Self.claim("two", body: "{ }"), in: database) == .mismatch)
            #expect(try await Self.take(Self.claim("two", operation: "embeddings"), in: database) == .mismatch)
        }
        // Where the name ends and the body begins is part of the fingerprint.
        let one = RequestFingerprint(operation: "chat", body: ByteBuffer(string: "x"))
        #expect(one != RequestFingerprint(operation: "cha", body: ByteBuffer(string: "tx")))
    }

    @Test func `the key of another group or holder is another key`() async throws {
        let database = try await Self.database()
        #expect(try await Self.take(Self.claim("one"), in: database) == .claimed)
        #expect(try await Self.take(Self.claim("two", group: "other"), in: database) == .claimed)
        #expect(try await Self.take(Self.claim("three", holder: "prod"), in: database) == .claimed)
        #expect(try await Self.take(Self.claim("four", key: "K"), in: database) == .claimed)
    }

    @Test func `a released key is free, and what the late first call says then does not count`() async throws {
        let database = try await Self.database()
        let first = try Self.claim("one")
        #expect(try await Self.take(first, in: database) == .claimed)
        try await Self.finish(first, .released, in: database)
        #expect(try await Self.take(Self.claim("two"), in: database) == .claimed)
        try await Self.finish(first, .answered([9]), in: database)
        #expect(try await Self.take(Self.claim("three"), in: database) == .running)
    }

    @Test func `an outcome stands: finishing again changes nothing`() async throws {
        let database = try await Self.database()
        let claim = try Self.claim()
        #expect(try await Self.take(claim, in: database) == .claimed)
        try await Self.finish(claim, .answered([1]), in: database)
        for outcome in [IdempotencyOutcome.answered([2]), .released, .interrupted, .unkept] {
            try await Self.finish(claim, outcome, in: database)
            #expect(try await Self.take(Self.claim("two"), in: database) == .answered([1], requestID: "req_one"))
        }
    }

    @Test func `what was not kept and what was cut off is never run again`() async throws {
        let database = try await Self.database()
        let outcomes: [(IdempotencyOutcome, IdempotencyFinding)] = [
            (.unkept, .unkept(requestID: "req_one")), (.interrupted, .interrupted(requestID: "req_one")),
        ]
        for (number, (outcome, finding)) in outcomes.enumerated() {
            let claim = try Self.claim(key: "k\(number)")
            #expect(try await Self.take(claim, in: database) == .claimed)
            try await Self.finish(claim, outcome, in: database)
            #expect(try await Self.take(Self.claim("two", key: "k\(number)"), in: database) == finding)
        }
    }

    // MARK: - Time and room

    @Test func `a key is forgotten after its time, by the sweep or by whoever asks, and not before`() async throws {
        let database = try await Self.database()
        let claim = try Self.claim()
        #expect(try await Self.take(claim, in: database) == .claimed)
        try await Self.finish(claim, .answered([1]), in: database)
        let last = Self.day - 1
        #expect(try await Self.take(Self.claim("two"), at: last, in: database) == .answered([1], requestID: "req_one"))
        #expect(try await Self.expire(at: last, in: database) == 0)
        #expect(try await Self.take(Self.claim("two", body: "other"), at: Self.day, in: database) == .claimed)
        let other = try Self.claim(key: "other")
        #expect(try await Self.take(other, in: database) == .claimed)
        try await Self.finish(other, .unkept, in: database)
        #expect(try await Self.expire(at: Self.day, in: database) == 1)
        #expect(try await Self.take(Self.claim(key: "other"), at: Self.day, in: database) == .claimed)
    }

    @Test func `a running call keeps its key however long it takes`() async throws {
        let database = try await Self.database()
        #expect(try await Self.take(Self.claim(), in: database) == .claimed)
        #expect(try await Self.expire(at: 100 * Self.day, in: database) == 0)
        #expect(try await Self.take(Self.claim("two"), at: 100 * Self.day, in: database) == .running)
    }

    private static func expire(at time: Int64, in database: SQLiteDatabase) async throws -> Int {
        try await database.write { try IdempotencyStore().expire(now: UnixTime(milliseconds: time), in: $0) }
    }

    @Test func `where there is no room the oldest keys go first, and no running one`() async throws {
        let database = try await Self.database()
        for number in 0..<10 {
            let claim = try Self.claim("\(number)", key: "k\(number)")
            #expect(try await Self.take(claim, at: Int64(number), in: database) == .claimed)
            if number != 1 { try await Self.finish(claim, .answered([UInt8](repeating: 7, count: 100)), in: database) }
        }
        let byKeys = IdempotencyLimits(keysMax: 8, bytesMax: 1 << 20)
        #expect(try await database.write { try IdempotencyStore().trim(byKeys, in: $0) } == false)
        #expect(try await Self.keys(in: database) == ["k1", "k3", "k4", "k5", "k6", "k7", "k8", "k9"])
        let byBytes = IdempotencyLimits(keysMax: 100, bytesMax: 250)
        #expect(try await database.write { try IdempotencyStore().trim(byBytes, in: $0) } == false)
        #expect(try await Self.keys(in: database) == ["k1", "k8", "k9"])
        let size = try await database.read { try IdempotencyStore().size(in: $0) }
        #expect(size == IdempotencyStore.Size(keys: 3, bytes: 200))
        #expect(try await database.write { try IdempotencyStore().trim(byBytes, in: $0) } == false)
    }

    private static func keys(in database: SQLiteDatabase) async throws -> [String] {
        try await database.read { session in
            try session.rows("SELECT key FROM idempotency ORDER BY key").map { try $0.text("key") }
        }
    }

    @Test func `a group takes its keys and answers with it`() async throws {
        let database = try await Self.database()
        let claim = try Self.claim()
        #expect(try await Self.take(claim, in: database) == .claimed)
        #expect(try await Self.take(Self.claim(group: "other"), in: database) == .claimed)
        try await database.write { try $0.execute("DELETE FROM groups WHERE id = 'demo'") }
        try await Self.finish(claim, .answered([1]), in: database)
        let groups = try await database.read { session in
            try session.rows("SELECT group_id FROM idempotency").map { try $0.text("group_id") }
        }
        #expect(groups == ["other"])
    }
}
