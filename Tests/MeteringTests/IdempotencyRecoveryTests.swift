import Chat
import Core
import Database
import Metering
import NIOCore
import SQLite
import Testing

/// Keys whose process died (row 77: a crash in between, and still one call).
@Suite struct IdempotencyRecoveryTests {
    private static func running(_ claims: [IdempotencyClaim], at time: Int64 = 0) async throws -> SQLiteDatabase {
        let database = try await IdempotencyStoreTests.database()
        try await database.write { session in
            for claim in claims {
                let finding = try IdempotencyStore().claim(
                    claim,
                    now: UnixTime(milliseconds: time),
                    expiry: UnixTime(milliseconds: time + 1000),
                    in: session
                )
                #expect(finding == .claimed)
            }
        }
        return database
    }

    private static func states(in database: SQLiteDatabase) async throws -> [String: String] {
        try await database.read { session in
            let rows = try session.rows("SELECT claim, state FROM idempotency")
            return Dictionary(uniqueKeysWithValues: try rows.map { (try $0.text("claim"), try $0.text("state")) })
        }
    }

    @Test func `a call that had begun is never run again, one that had not is free`() async throws {
        let begun = try IdempotencyStoreTests.claim("begun", key: "a", epoch: 3)
        let waiting = try IdempotencyStoreTests.claim("waiting", key: "b", epoch: 3)
        let living = try IdempotencyStoreTests.claim("living", key: "c", epoch: 4)
        let done = try IdempotencyStoreTests.claim("done", key: "d", epoch: 3)
        let database = try await Self.running([begun, waiting, living, done])
        for _ in 0..<2 {
            let recovery = try await database.write { session in
                try IdempotencyStore().finish(done, .answered([1]), in: session)
                return try IdempotencyStore().recover(deadEpochs: [3], hadAttempt: { $0 == "begun" }, in: session)
            }
            let states = try await Self.states(in: database)
            #expect(states == ["begun": "interrupted", "living": "running", "done": "answered"])
            #expect([.init(interrupted: 1, released: 1), .init()].contains(recovery))
        }
    }

    @Test func `what a life left behind that was closed in order is decided too`() async throws {
        let claims = try [5, 6].map { try IdempotencyStoreTests.claim("c\($0)", key: "\($0)", epoch: $0) }
        let database = try await Self.running(claims)
        try await database.write { session in
            for (epoch, end) in [(5, 10), (6, nil)] as [(Int, Int?)] {
                try session.execute(
                    """
                    INSERT INTO meter_epochs (epoch, instance, started_at, closed_at) VALUES (\(epoch), 'i', 0, \(end))
                    """
                )
            }
            let recovery = try IdempotencyStore().recover(deadEpochs: [], hadAttempt: { _ in false }, in: session)
            #expect(recovery == .init(interrupted: 0, released: 1))
        }
        #expect(try await Self.states(in: database) == ["c6": "running"])
    }

    @Test func `a call whose attempt is in the ledger and in no journal any more had begun too`() async throws {
        let claims = try ["folded", "later", "never"].map {
            try IdempotencyStoreTests.claim($0, key: $0, epoch: 3)
        }
        let start: Int64 = 1_700_000_000_000
        let database = try await Self.running(claims, at: start)
        try await database.write { session in
            // The same request id in another life is another request.
            try Self.record(AttemptID(epoch: 2, counter: 1), "req_never", at: start, in: session)
            try Self.record(AttemptID(epoch: 4, counter: 1), "req_never", at: start, in: session)
            try Self.record(AttemptID(epoch: 3, counter: 1), "req_never", at: start - 7_200_000, in: session)
            try Self.record(AttemptID(epoch: 3, counter: 2), "req_x", at: start - 7_100_000, in: session)
            try Self.record(AttemptID(epoch: 3, counter: 3), "req_folded", at: start + 5, in: session)
            for number in 0..<1200 {
                let id = AttemptID(epoch: 3, counter: Int64(10 + number))
                try Self.record(id, "req_y\(number)", at: start + 10, in: session)
            }
            try Self.record(AttemptID(epoch: 3, counter: 5000), "req_later", at: start + 20, in: session)
            let recovery = try IdempotencyStore().recover(deadEpochs: [2, 3], hadAttempt: { _ in false }, in: session)
            #expect(recovery == .init(interrupted: 2, released: 1))
        }
        #expect(try await Self.states(in: database) == ["folded": "interrupted", "later": "interrupted"])
    }

    /// A row of the ledger as far as the recovery reads it.
    private static func record(
        _ id: AttemptID,
        _ requestID: String,
        at time: Int64,
        in session: any SQLSession
    ) throws(DatabaseError) {
        let hash = [UInt8](repeating: 0, count: 32)
        try session.execute(
            """
            INSERT INTO ledger (kind, attempt_id, request_id, number, started_at, ended_at, group_id, user_id, key_id,
                agent_id, model, operation, provider, upstream_model, credential_id, variant, is_stream,
                input_estimate, reserved, outcome, usage_source, upstream_status, code, cost, charged, is_charged,
                rates, metadata, hash)
            VALUES ('attempt', \(id.value), \(requestID), 1, \(time), \(time), '', '', '', '', '', '', '', '', '', '',
                0, 0, 0, 'ok', 'none', 200, '', 0, 0, 0, '', '', \(hash))
            """
        )
    }
}
