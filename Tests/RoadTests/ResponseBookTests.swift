import Conversations
import Core
import Database
import Logging
import NIOCore
import Pipeline
import SQLite
import Testing

/// The responses that are kept, between the road and the store.
@Suite struct ResponseBookTests {
    private static func database() async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
        try await database.write { session in
            try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES ('demo', 'G', 0, 0)")
        }
        return database
    }

    private static func book(_ database: SQLiteDatabase, _ limits: ResponseLimits = ResponseLimits()) -> ResponseBook {
        ResponseBook(
            database: database,
            limits: { limits },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            wallClock: { UnixTime(milliseconds: 2_000) }
        )
    }

    private static func response(_ id: String, bytes: Int = 10) -> StoredResponse {
        StoredResponse(
            id: id,
            group: GroupID("demo"),
            createdAt: UnixTime(milliseconds: 1_000),
            items: ByteBuffer(string: "[]"),
            response: ByteBuffer(string: String(repeating: "x", count: bytes - 2))
        )
    }

    @Test func `a response can be had before it is written, and after`() async throws {
        let database = try await Self.database()
        let book = Self.book(database)
        book.keep(Self.response("resp_1"))
        #expect(try await book.get("resp_1", of: GroupID("demo")) != nil)
        #expect(try await book.get("resp_1", of: GroupID("other")) == nil)
        await book.write()
        // Another process sees it now.
        #expect(try await Self.book(database).get("resp_1", of: GroupID("demo")) != nil)
        #expect(try await book.get("resp_1", of: GroupID("demo")) != nil)
    }

    @Test func `what is deleted before it is written does not come back`() async throws {
        let database = try await Self.database()
        let book = Self.book(database)
        book.keep(Self.response("resp_1"))
        #expect(try await book.delete("resp_1", of: GroupID("demo")))
        await book.write()
        #expect(try await book.get("resp_1", of: GroupID("demo")) == nil)
        #expect(try await !book.delete("resp_1", of: GroupID("demo")))
    }

    @Test func `what is too large, and all where nothing is to be kept, is not kept`() async throws {
        let database = try await Self.database()
        let small = Self.book(database, ResponseLimits(responseBytesMax: 100))
        small.keep(Self.response("resp_1", bytes: 101))
        small.keep(Self.response("resp_2", bytes: 100))
        #expect(try await small.get("resp_1", of: GroupID("demo")) == nil)
        #expect(try await small.get("resp_2", of: GroupID("demo")) != nil)
        let off = Self.book(database, ResponseLimits(keep: .zero))
        off.keep(Self.response("resp_3"))
        #expect(try await off.get("resp_3", of: GroupID("demo")) == nil)
        #expect(!off.isOn)
    }

    @Test func `there is an end to what waits for the store`() async throws {
        let book = Self.book(try await Self.database())
        for number in 0..<5_000 { book.keep(Self.response("resp_\(number)")) }
        #expect(book.lost == 5_000 - 4_096)
        await book.write()
        book.keep(Self.response("resp_new"))
        #expect(try await book.get("resp_new", of: GroupID("demo")) != nil)
        #expect(try await book.get("resp_0", of: GroupID("demo")) != nil)
    }
}
