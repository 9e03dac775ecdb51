internal import Core
internal import Database

internal import enum Database.DatabaseError

/// Writes `docs/schema.sql`: what the migrations make of an empty database.
package enum SchemaPage {
    /// Migrates a database in memory and reads its tables and indexes back.
    package static func text() async throws -> String {
        let database = try SQLiteDatabase.inMemory()
        let runner = MigrationRunner()
        try await runner.run(on: database, now: UnixTime(milliseconds: 0))
        let statements = try await database.read { session in
            try session.map(
                """
                SELECT sql FROM sqlite_master WHERE sql IS NOT NULL
                ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 ELSE 1 END, name
                """
            ) { row throws(DatabaseError) in try row.text("sql") }
        }
        await database.close()
        var page = """
            -- The schema of the store, version \(runner.latest), as SQLite keeps it.
            -- Written by `turnpike docs --write docs` from Sources/Seams/Database/Schema; do not edit.
            --
            -- Times are milliseconds since 1970 UTC. Booleans are 0 or 1. allowed_models, allowed_routes, key_ids and
            -- details are JSON. Columns named enc_* hold sealed bytes.

            """
        for statement in statements { page += "\n\(statement);\n" }
        return page
    }
}
