import Core
import Database
import TestKit
import Testing

/// Migrations, on every driver.
@Suite struct MigrationContractTests {
    private static let now = UnixTime(seconds: 1_700_000_000)

    private static func migration(_ version: Int, _ statements: [SQL]) -> Migration {
        Migration(version: version, name: "step \(version)", statements: statements)
    }

    private static let one = Self.migration(1, ["CREATE TABLE one (id \(.integer) NOT NULL PRIMARY KEY) \(.strict)"])
    private static let two = Self.migration(
        2,
        ["ALTER TABLE one ADD COLUMN name TEXT", "INSERT INTO one (id) VALUES (1)"]
    )

    @Test(arguments: Driver.all)
    func `a new database gets every migration, and the next start finds nothing to do`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            let runner = MigrationRunner()
            #expect(try await runner.run(on: database, now: Self.now) == Array(1...Schema.migrations.count))
            #expect(try await runner.run(on: database, now: Self.now) == [])
            let (version, applied) = try await database.read { session in
                (
                    try runner.version(in: session),
                    try session.rows("SELECT applied_at FROM schema_version").map { try $0.time("applied_at") }
                )
            }
            #expect(version == runner.latest)
            #expect(applied == Array(repeating: Self.now, count: runner.latest))
            #expect(try await database.read { try $0.revision() } == 0)
        }
    }

    @Test(arguments: Driver.all)
    func `an older database gets what is missing and keeps what it has`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            #expect(try await MigrationRunner([Self.one]).run(on: database, now: Self.now) == [1])
            try await database.write { try $0.execute("INSERT INTO one (id) VALUES (7)") }
            #expect(try await MigrationRunner([Self.one, Self.two]).run(on: database, now: Self.now) == [2])
            let ids = try await database.read { session in
                try session.rows("SELECT id FROM one ORDER BY id").map { try $0.integer("id") }
            }
            #expect(ids == [1, 7])
        }
    }

    @Test(arguments: Driver.all)
    func `a newer schema is refused and left alone`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await MigrationRunner([Self.one, Self.two]).run(on: database, now: Self.now)
            let error = await failure { try await MigrationRunner([Self.one]).run(on: database, now: Self.now) }
            #expect(error == .newerSchema(found: 2, known: 1))
            #expect(try await MigrationRunner([Self.one, Self.two]).run(on: database, now: Self.now) == [])
        }
    }

    @Test(arguments: Driver.all)
    func `a migration that was edited after it was applied is refused`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await MigrationRunner([Self.one]).run(on: database, now: Self.now)
            let edited = Self.migration(1, ["CREATE TABLE one (id \(.integer) NOT NULL PRIMARY KEY)"])
            let error = await failure {
                try await MigrationRunner([edited, Self.two]).run(on: database, now: Self.now)
            }
            #expect(error == .alteredMigration(version: 1, name: "step 1"))
            #expect(try await database.read { try $0.rows("SELECT * FROM one") }.isEmpty)
        }
    }

    @Test(arguments: Driver.all)
    func `a migration that fails leaves nothing of itself`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            let broken = Self.migration(2, ["CREATE TABLE half (id \(.integer) NOT NULL PRIMARY KEY)", "NOT SQL"])
            #expect(
                await failure { try await MigrationRunner([Self.one, broken]).run(on: database, now: Self.now) } != nil
            )
            let applied = try await MigrationRunner([Self.one, Self.two]).run(on: database, now: Self.now)
            #expect(applied == [2])
            #expect(await failure { try await database.read { try $0.rows("SELECT * FROM half") } } != nil)
        }
    }

    @Test(arguments: Driver.concurrent)
    func `several instances that start at once migrate once`(driver: Driver) async throws {
        let folder = try ScratchFolder()
        let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let database = try await driver.open(folder)
                    let applied = try await MigrationRunner().run(on: database, now: Self.now)
                    await database.close()
                    return applied
                }
            }
            return try await group.reduce(into: [Int]()) { $0 += $1 }
        }
        #expect(applied.sorted() == Array(1...Schema.migrations.count))
    }

    @Test func `a checksum notices every change of a statement`() {
        let sums = [
            Self.one, Self.two, Self.migration(1, ["CREATE TABLE one (id \(.blob) NOT NULL PRIMARY KEY) \(.strict)"]),
            Self.migration(1, ["CREATE TABLE one (id \(.integer) NOT NULL PRIMARY KEY)"]),
            Self.migration(1, ["a", "b"]), Self.migration(1, ["ab"]), Self.migration(1, ["b", "a"]),
        ].map(\.checksum)
        #expect(Set(sums).count == sums.count)
    }

    /// These are in databases that exist: a released migration is mended by a later one, never edited.
    @Test func `the migrations stand in order and have names`() {
        for (index, migration) in Schema.migrations.enumerated() {
            #expect(migration.version == index + 1)
            #expect(!migration.name.isEmpty && !migration.statements.isEmpty)
        }
    }

    @Test(arguments: Driver.all)
    func `a change is counted in the transaction that makes it`(driver: Driver) async throws {
        try await driver.withStore { database in
            try await database.write { try $0.bumpRevision() }
            #expect(try await database.read { try $0.revision() } == 1)
            struct Refusal: Error {}
            await #expect(throws: Refusal.self) {
                try await database.write { session in
                    try session.bumpRevision()
                    throw Refusal()
                }
            }
            #expect(try await database.read { try $0.revision() } == 1)
        }
    }
}
