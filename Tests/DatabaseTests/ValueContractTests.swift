import Database
import Testing

/// What every driver does with values and statements.
@Suite struct ValueContractTests {
    private static let table: SQL = """
        CREATE TABLE things (id \(.integer) NOT NULL PRIMARY KEY, n \(.integer), t TEXT, b \(.blob)) \(.strict)
        """

    /// What an attacker, or an unlucky name, looks like (row 37).
    static let hostile = [
        "'", "''", "\"", "`", ";", "--", "/*", "*/", "\\", "\\'", "%", "_", "?", "?1", "$1", ":name", "@p", "NULL",
        "' OR '1'='1", "' OR 1=1 --", "'; DROP TABLE things; --", "'); DELETE FROM things; --", "1; DROP TABLE things",
        "\" OR \"\"=\"", "admin'--", "' UNION SELECT sql FROM sqlite_master --",
        "x' AND 1=(SELECT COUNT(*) FROM things)--",
        "'||(SELECT t FROM things)||'", "\u{2019} OR 1=1", "%27%20OR%201=1", "0x27", "'; ATTACH DATABASE 'x' AS y; --",
        "'; PRAGMA writable_schema=1; --", "') RETURNING (SELECT t FROM things) --", "CHAR(39)", "\r\n'; --", "\t",
        "{\"$gt\":\"\"}", "${HOME}", "$(id)", "<script>", "\u{202E}", "\u{FEFF}", "e\u{301}", "\u{E9}", "🏳️‍🌈", "",
        String(repeating: "'", count: 10_000),
    ]

    @Test(arguments: Driver.all)
    func `a text that looks like SQL comes back as it was, and changes nothing else (row 37)`(
        driver: Driver
    ) async throws {
        try await driver.withDatabase { database in
            try await database.write { session in
                try session.execute(Self.table)
                for (id, text) in Self.hostile.enumerated() {
                    try session.execute("INSERT INTO things (id, n, t) VALUES (\(id), 0, \(text))")
                }
            }
            let found = try await database.read { session in
                try session.map("SELECT t FROM things ORDER BY id") { row throws(DatabaseError) in try row.text("t") }
            }
            #expect(found.map { Array($0.utf8) } == Self.hostile.map { Array($0.utf8) })
            for (id, text) in Self.hostile.enumerated() {
                let ids = try await database.read { session in
                    try session.rows("SELECT id FROM things WHERE t = \(text)").map { try $0.integer("id") }
                }
                #expect(ids == [Int64(id)], "\(text.prefix(40))")
            }
            let changed = try await database.write { session in
                try Self.hostile.map { try session.execute("UPDATE things SET n = n + 1 WHERE t = \($0)") }
            }
            #expect(changed.allSatisfy { $0 == 1 })
        }
    }

    static let values: [SQLValue] = [
        .null, .integer(0), .integer(1), .integer(-1), .integer(.max), .integer(.min), .integer(1 << 53),
        .integer((1 << 53) + 1), .text(""), .text("plain"), .text("Ünïcödé 漢字 🦊"), .text("e\u{301}"), .text("\u{E9}"),
        .text(String(repeating: "long ", count: 200_000)), .blob([]), .blob([0]), .blob(Array(0...255)),
        .blob([UInt8](repeating: 0xAB, count: 1 << 20)),
    ]

    @Test(arguments: Driver.all)
    func `every value comes back as it was`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await database.write { try $0.execute(Self.table) }
            for (id, value) in Self.values.enumerated() {
                let back = try await database.write { session -> SQLValue? in
                    switch value {
                    case .null, .integer, .real:
                        try session.execute("INSERT INTO things (id, n) VALUES (\(id), \(value))")
                        return try session.first("SELECT n AS v FROM things WHERE id = \(id)")?.value("v")
                    case .text:
                        try session.execute("INSERT INTO things (id, t) VALUES (\(id), \(value))")
                        return try session.first("SELECT t AS v FROM things WHERE id = \(id)")?.value("v")
                    case .blob:
                        try session.execute("INSERT INTO things (id, b) VALUES (\(id), \(value))")
                        return try session.first("SELECT b AS v FROM things WHERE id = \(id)")?.value("v")
                    }
                }
                #expect(back == value, "value \(id)")
            }
        }
    }

    @Test(arguments: Driver.all)
    func `an absent value is NULL and NULL is an absent value`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            let none: String? = nil
            try await database.write { session in
                try session.execute(Self.table)
                try session.execute("INSERT INTO things (id, t) VALUES (1, \(none))")
            }
            let row = try #require(try await database.read { try $0.first("SELECT * FROM things") })
            #expect(try row.optionalText("t") == nil)
            #expect(try row.optionalInteger("n") == nil)
            #expect(try row.optionalBlob("b") == nil)
            #expect(try row.optionalTime("n") == nil)
            #expect(throws: DatabaseError.badColumn("t", expected: "text")) { try row.text("t") }
            #expect(throws: DatabaseError.badColumn("x", expected: "a column of the result")) { try row.text("x") }
            #expect(throws: DatabaseError.badColumn("id", expected: "blob")) { try row.blob("id") }
        }
    }

    @Test(arguments: Driver.all)
    func `a list is bound value by value, and an empty one matches nothing`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await database.write { session in
                try session.execute(Self.table)
                for id in 1...5 { try session.execute("INSERT INTO things (id) VALUES (\(id))") }
            }
            @Sendable func ids(_ wanted: [Int]) async throws -> [Int64] {
                try await database.read { session in
                    try session.rows("SELECT id FROM things WHERE id IN (\(list: wanted)) ORDER BY id")
                        .map { try $0.integer("id") }
                }
            }
            #expect(try await ids([2, 4, 9]) == [2, 4])
            #expect(try await ids([3]) == [3])
            #expect(try await ids([]) == [])
        }
    }

    @Test(arguments: Driver.all)
    func `a statement says how many rows it changed`(driver: Driver) async throws {
        try await driver.withStore { database in
            try await database.write { session in
                #expect(try session.execute("CREATE TABLE other (id \(.integer) NOT NULL PRIMARY KEY)") == 0)
                for group in ["a", "b", "c"] {
                    #expect(
                        try session.execute(
                            "INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(group), 'n', 0, 0)"
                        ) == 1
                    )
                    try session.execute(
                        """
                        INSERT INTO users (id, group_id, name, role, created_at, updated_at)
                        VALUES (\(group), \(group), 'n', 'member', 0, 0)
                        """
                    )
                }
                #expect(try session.execute("CREATE TABLE another (id \(.integer) NOT NULL PRIMARY KEY)") == 0)
                #expect(try session.execute("UPDATE groups SET name = 'm' WHERE id <> 'a'") == 2)
                #expect(try session.execute("UPDATE groups SET name = 'm' WHERE id = 'z'") == 0)
                // The user that goes with its group is not counted.
                #expect(try session.execute("DELETE FROM groups WHERE id = 'a'") == 1)
                #expect(try session.rows("SELECT id FROM users").count == 2)
                let returned = try session.rows("UPDATE groups SET name = 'x' WHERE id = 'b' RETURNING id, name")
                #expect(try returned.map { try $0.text("id") } == ["b"])
                #expect(try session.first("DELETE FROM groups WHERE id = 'b' RETURNING id") != nil)
                #expect(try session.rows("SELECT id FROM groups").count == 1)
            }
        }
    }

    @Test(arguments: Driver.all)
    func `a statement may be used again while its rows are being read`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await database.write { session in
                try session.execute(Self.table)
                for id in 1...3 { try session.execute("INSERT INTO things (id) VALUES (\(id))") }
            }
            let pairs = try await database.read { session in
                var pairs: [[Int64]] = []
                try session.forEachRow("SELECT id FROM things ORDER BY id") { outer throws(DatabaseError) in
                    try session.forEachRow("SELECT id FROM things ORDER BY id") { inner throws(DatabaseError) in
                        pairs.append([try outer.integer("id"), try inner.integer("id")])
                    }
                }
                return pairs
            }
            #expect(pairs == [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3], [3, 1], [3, 2], [3, 3]])
        }
    }

    @Test func `pieces of SQL keep their values in order`() {
        let filter: SQL = "a = \(1) AND b IN (\(list: ["x", "y"]))"
        var sql: SQL = "SELECT * FROM t WHERE \(filter) AND c = \(true)"
        sql += " LIMIT \(7)"
        let text = (sql + " OFFSET \(8)").text(placeholder: { "$\($0)" }, word: { $0.rawValue })
        #expect(text == "SELECT * FROM t WHERE a = $1 AND b IN ($2, $3) AND c = $4 LIMIT $5 OFFSET $6")
        #expect(sql.values == [.integer(1), .text("x"), .text("y"), .integer(1), .integer(7)])
    }

    @Test func `two spellings of a letter are two texts`() {
        #expect(SQLValue.text("e\u{301}") != SQLValue.text("\u{E9}"))
        #expect(SQLValue.text("a") == SQLValue.text("a"))
    }
}
