package import Core

/// Brings a database to the schema of this build.
package struct MigrationRunner: Sendable {
    /// All migrations this build knows, in order.
    package let migrations: [Migration]

    /// Takes a list; the one of this build unless a test brings its own.
    package init(_ migrations: [Migration] = Schema.migrations) {
        for (index, migration) in migrations.enumerated() {
            precondition(migration.version == index + 1, "migration \(migration.version) stands at place \(index + 1)")
        }
        self.migrations = migrations
    }

    /// The version this build knows.
    package var latest: Int { self.migrations.count }

    /// Applies what is missing, each migration in one transaction together with the note that it was applied.
    ///
    /// Safe to repeat, and safe to run from several processes at once: each looks again inside its own transaction. If
    /// one fails, those before it stay and it leaves nothing.
    ///
    /// - Parameter now: Noted beside each migration.
    /// - Returns: The versions this call applied; empty if there was nothing to do.
    /// - Throws: `DatabaseError.newerSchema` or `.alteredMigration` before anything is changed, or what went wrong.
    @discardableResult
    package func run(on database: any Database, now: UnixTime) async throws -> [Int] {
        var applied: [Int] = []
        while let version = try await database.write({ try self.step($0, now: now) }) { applied.append(version) }
        return applied
    }

    /// Applies the first missing migration, or gives nil if there is none.
    private func step(_ session: any SQLSession, now: UnixTime) throws(DatabaseError) -> Int? {
        try session.execute(
            """
            CREATE TABLE IF NOT EXISTS schema_version (
                version \(.integer) NOT NULL PRIMARY KEY,
                name TEXT NOT NULL,
                checksum \(.integer) NOT NULL,
                applied_at \(.integer) NOT NULL
            ) \(.strict)
            """
        )
        let version = try self.version(in: session)
        guard version < self.latest else { return nil }
        let next = self.migrations[version]
        for statement in next.statements { try session.execute(statement) }
        try session.execute(
            """
            INSERT INTO schema_version (version, name, checksum, applied_at)
            VALUES (\(next.version), \(next.name), \(next.checksum), \(now))
            """
        )
        return next.version
    }

    /// The version a database is at, once everything in it is known to this build.
    ///
    /// Only for a database that `run` has seen; another one has no such table.
    ///
    /// - Throws: `DatabaseError.newerSchema`, `.alteredMigration`.
    package func version(in session: any SQLSession) throws(DatabaseError) -> Int {
        let rows = try session.rows("SELECT version, name, checksum FROM schema_version ORDER BY version")
        if let last = rows.last {
            let found = Int(clamping: try last.integer("version"))
            guard found <= self.latest else { throw .newerSchema(found: found, known: self.latest) }
        }
        for (row, known) in zip(rows, self.migrations) {
            let (version, checksum) = (try row.integer("version"), try row.integer("checksum"))
            guard version == Int64(known.version), checksum == known.checksum else {
                throw .alteredMigration(version: known.version, name: known.name)
            }
        }
        return rows.count
    }
}
