import Core
import Database
import Testing

/// One statement for many rows: the same as the statement again and again, only quicker.
@Suite struct BatchContractTests {
    private static let table: SQL = """
        CREATE TABLE things (id \(.integer) NOT NULL PRIMARY KEY, n \(.integer), t TEXT, b \(.blob)) \(.strict)
        """
    private static let insertion: SQL = "INSERT INTO things (id, n, t, b) VALUES (\(places: 4))"

    @Test(arguments: Driver.all)
    func `values of every kind come back as they were, long and empty ones too`(driver: Driver) async throws {
        let rows: [[SQLValue]] = (0..<300).map { n in
            [
                .integer(Int64(n)), n % 3 == 0 ? .null : .integer(.min + Int64(n)),
                n % 5 == 0 ? .null : .text(String(repeating: "é", count: n * n % 3000)),
                n % 7 == 0 ? .null : .blob([UInt8](repeating: UInt8(n % 256), count: n * 31 % 5000)),
            ]
        }
        try await driver.withDatabase { database in
            let changed = try await database.write { session in
                try session.execute(Self.table)
                return try session.execute(Self.insertion, rows: rows)
            }
            #expect(changed == 300)
            let found = try await database.read { try $0.rows("SELECT id, n, t, b FROM things ORDER BY id") }
            #expect(found.map(\.values) == rows)
        }
    }

    @Test(arguments: Driver.all)
    func `no rows are no change, and a row that fails takes the transaction with it`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await database.write { try $0.execute(Self.table) }
            #expect(try await database.write { try $0.execute(Self.insertion, rows: []) } == 0)
            await #expect(throws: DatabaseError.uniqueViolation("things.id")) {
                try await database.write { session in
                    try session.execute(
                        Self.insertion,
                        rows: [1, 2, 1].map { [.integer($0), .null, .text("x"), .null] }
                    )
                }
            }
            let count = try await database.read { try $0.first("SELECT COUNT(*) AS n FROM things")?.integer("n") }
            #expect(count == 0)
        }
    }

    @Test(arguments: Driver.all)
    func `rows may be changed by it as well, and the statement stays good`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            let changed = try await database.write { session in
                try session.execute(Self.table)
                try session.execute(Self.insertion, rows: (1...5).map { [.integer($0), .integer(0), .null, .null] })
                let statement: SQL = "UPDATE things SET n = n + \(0) WHERE id >= \(0)"
                let first = try session.execute(
                    statement,
                    rows: [[.integer(10), .integer(4)], [.integer(1), .integer(5)]]
                )
                return [first, try session.execute(statement.binding([.integer(100), .integer(5)]))]
            }
            #expect(changed == [3, 1])
            let sums = try await database.read { session in
                try session.map("SELECT n FROM things ORDER BY id") { row throws(DatabaseError) in
                    try row.integer("n")
                }
            }
            #expect(sums == [0, 0, 0, 10, 111])
        }
    }
}
