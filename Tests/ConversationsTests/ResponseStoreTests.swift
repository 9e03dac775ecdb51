import Conversations
import Core
import Database
import NIOCore
import SQLite
import Testing

/// Answers of `/v1/responses`, in the store.
@Suite struct ResponseStoreTests {
    private static func store() async throws -> SQLiteDatabase {
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

    private static func response(_ id: String, group: String = "demo", at time: Int64 = 1_000) -> StoredResponse {
        StoredResponse(
            id: id,
            group: GroupID(group),
            createdAt: UnixTime(milliseconds: time),
            items: ByteBuffer(string: "[\"\(id)\"]"),
            response: ByteBuffer(string: "{\"id\":\"\(id)\"}")
        )
    }

    private static func put(_ responses: [StoredResponse], keep: Int64 = 1_000, in database: SQLiteDatabase)
        async throws
    {
        try await database.write { session in
            for response in responses {
                let expiry = UnixTime(milliseconds: response.createdAt.milliseconds + keep)
                try ResponseStore().insert(response, expiry: expiry, in: session)
            }
        }
    }

    private static func get(
        _ id: String,
        group: String = "demo",
        at time: Int64 = 1_500,
        in database: SQLiteDatabase
    ) async throws -> StoredResponse? {
        let now = UnixTime(milliseconds: time)
        return try await database.read { try ResponseStore().get(id, of: GroupID(group), now: now, in: $0) }
    }

    @Test func `what was put in comes out, to its own group alone`() async throws {
        let database = try await Self.store()
        let response = Self.response("resp_1")
        try await Self.put([response, Self.response("resp_2", group: "gone")], in: database)
        #expect(try await Self.get("resp_1", in: database) == response)
        #expect(try await Self.get("resp_1", group: "other", in: database) == nil)
        #expect(try await Self.get("resp_2", group: "gone", in: database) == nil)
        // The same id in another group is another response.
        let other = Self.response("resp_1", group: "other", at: 1_100)
        try await Self.put([other], in: database)
        #expect(try await Self.get("resp_1", group: "other", in: database) == other)
        #expect(try await Self.get("resp_1", in: database) == response)
    }

    @Test func `a second one of the same id changes nothing`() async throws {
        let database = try await Self.store()
        try await Self.put([Self.response("resp_1"), Self.response("resp_1", at: 1_200)], in: database)
        #expect(try await Self.get("resp_1", in: database)?.createdAt.milliseconds == 1_000)
    }

    @Test func `another group cannot delete it`() async throws {
        let database = try await Self.store()
        try await Self.put([Self.response("resp_1")], in: database)
        let wasOthers = try await database.write { try ResponseStore().delete("resp_1", of: GroupID("other"), in: $0) }
        #expect(!wasOthers)
        let wasOwn = try await database.write { try ResponseStore().delete("resp_1", of: GroupID("demo"), in: $0) }
        #expect(wasOwn)
        #expect(try await Self.get("resp_1", in: database) == nil)
    }

    @Test func `what is too old is not given out, and forgotten`() async throws {
        let database = try await Self.store()
        try await Self.put([Self.response("resp_1"), Self.response("resp_2", at: 1_800)], in: database)
        #expect(try await Self.get("resp_1", at: 2_000, in: database) == nil)
        #expect(try await Self.get("resp_2", at: 2_000, in: database) != nil)
        let count = try await database.write {
            try ResponseStore().expire(now: UnixTime(milliseconds: 2_000), in: $0)
        }
        #expect(count == 1)
    }

    @Test func `the oldest go where there is too much`() async throws {
        let database = try await Self.store()
        let responses = (0..<5).map { Self.response("resp_\($0)", at: 1_000 + Int64($0)) }
        try await Self.put(responses, in: database)
        let each = responses[0].bytes
        let isMore = try await database.write { try ResponseStore().trim(bytesMax: each * 2 + 1, in: $0) }
        #expect(!isMore)
        for number in 0..<5 {
            let isThere = try await Self.get("resp_\(number)", in: database) != nil
            #expect(isThere == (number >= 3))
        }
        #expect(try await database.read { try ResponseStore().size(in: $0) } == each * 2)
    }
}
