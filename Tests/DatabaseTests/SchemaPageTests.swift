import Core
import Database
import Glibc
import SQLite
import Testing

@Suite struct SchemaPageTests {
    @Test func `docs schema is what the migrations make`() async throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let descriptor = open("/\(root)/docs/schema.sql", O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0, "run: turnpike docs --write docs")
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &bytes, bytes.count)
        try #require(count >= 0)
        let page = String(decoding: bytes.prefix(count), as: UTF8.self)
        #expect(try await SchemaPage.text() == page, "run: turnpike docs --write docs")
    }

    /// A sealed column that a rotation does not know would be lost with the old key (row 63).
    @Test func `bytes are sealed and named so, or digests, hashes, codes and answers`() async throws {
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
        let blobs = try await database.read { session in
            try session.rows(
                """
                SELECT t.name AS holder, c.name AS name FROM sqlite_master t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND c.type = 'BLOB'
                """
            ).map { (try $0.text("holder"), try $0.text("name")) }
        }
        #expect(blobs.contains { $0 == ("credentials", "enc_key") })
        for (table, column) in blobs where !column.hasPrefix("enc_") {
            let known = [
                "digest", "hash", "prev_hash", "mac", "answer", "client_answer", "shadow_answer", "items", "response",
                "content",
            ]
            #expect(known.contains(column), "\(table).\(column)")
        }
    }
}
