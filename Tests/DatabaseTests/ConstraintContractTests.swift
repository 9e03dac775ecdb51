import Database
import Testing

/// Every driver names what was violated in the same words.
@Suite struct ConstraintContractTests {
    private static func seed(_ session: any SQLSession) throws {
        for id in ["g", "h"] {
            try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(id), 'n', 0, 0)")
        }
        try Self.addUser("u", issuer: "i", subject: "s")(session)
        try Self.addCredential("c", provider: "p", isActive: true)(session)
    }

    private static func addUser(
        _ id: String,
        group: String = "g",
        name: String? = "n",
        role: String = "member",
        issuer: String? = nil,
        subject: String? = nil
    ) -> @Sendable (any SQLSession) throws -> Void {
        { session in
            try session.execute(
                """
                INSERT INTO users (id, group_id, name, role, issuer, subject, created_at, updated_at)
                VALUES (\(id), \(group), \(name), \(role), \(issuer), \(subject), 0, 0)
                """
            )
        }
    }

    private static func addCredential(
        _ id: String,
        provider: String,
        isActive: Bool
    ) -> @Sendable (any SQLSession) throws -> Void {
        { session in
            try session.execute(
                """
                INSERT INTO credentials
                    (id, group_id, provider, enc_key, key_id, is_active, key_hint, created_by, created_at, updated_at)
                VALUES (\(id), 'g', \(provider), \([1] as [UInt8]), 'k', \(isActive), '***', 'me', 0, 0)
                """
            )
        }
    }

    private static func addKey(
        _ id: String,
        group: String = "g",
        user: String? = nil,
        digest: UInt8
    ) -> @Sendable (any SQLSession) throws -> Void {
        { session in
            try session.execute(
                """
                INSERT INTO gateway_keys (id, group_id, name, digest, user_id, scopes, created_by, created_at)
                VALUES (\(id), \(group), 'n', \([digest]), \(user), 'inference', 'me', 0)
                """
            )
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let statement: @Sendable (any SQLSession) throws -> Void
        /// Nil where only the kind of error is the same everywhere.
        let expected: DatabaseError?
    }

    static let refused: [Case] = [
        Case(
            testDescription: "a primary key twice",
            statement: Self.addUser("u"),
            expected: .uniqueViolation("users.id")
        ),
        Case(
            testDescription: "a pair twice",
            statement: Self.addUser("v", issuer: "i", subject: "s"),
            expected: .uniqueViolation("users.issuer, users.subject")
        ),
        Case(
            testDescription: "a second active credential",
            statement: Self.addCredential("d", provider: "p", isActive: true),
            expected: .uniqueViolation("credentials.group_id, credentials.provider")
        ),
        Case(
            testDescription: "a group that is not there",
            statement: Self.addUser("v", group: "nowhere"),
            expected: .foreignKeyViolation
        ),
        Case(
            testDescription: "a key for a user of another group",
            statement: Self.addKey("k", group: "h", user: "u", digest: 1),
            expected: .foreignKeyViolation
        ),
        Case(
            testDescription: "no name",
            statement: Self.addUser("v", name: nil),
            expected: .notNullViolation("users.name")
        ),
        Case(testDescription: "an unknown role", statement: Self.addUser("v", role: "root"), expected: nil),
        Case(testDescription: "an issuer without subject", statement: Self.addUser("v", issuer: "i"), expected: nil),
    ]

    @Test(arguments: Driver.all, Self.refused)
    func `what the schema forbids is refused by name`(driver: Driver, example: Case) async throws {
        try await driver.withStore { database in
            try await database.write { try Self.seed($0) }
            let error = await failure { try await database.write { try example.statement($0) } }
            if let expected = example.expected {
                #expect(error == expected)
            } else if case .checkViolation = error {
            } else {
                Issue.record("not a check violation: \(String(describing: error))")
            }
        }
    }

    static let allowed: [Case] = [
        Case(
            testDescription: "a second credential that is not active",
            statement: Self.addCredential("d", provider: "p", isActive: false),
            expected: nil
        ),
        Case(
            testDescription: "an active credential of another provider",
            statement: Self.addCredential("d", provider: "q", isActive: true),
            expected: nil
        ),
        Case(testDescription: "a second user without issuer", statement: Self.addUser("v"), expected: nil),
        Case(testDescription: "a key of a user", statement: Self.addKey("k", user: "u", digest: 1), expected: nil),
    ]

    @Test(arguments: Driver.all, Self.allowed)
    func `what the schema allows goes in`(driver: Driver, example: Case) async throws {
        try await driver.withStore { database in
            try await database.write { session in
                try Self.seed(session)
                try example.statement(session)
            }
        }
    }

    @Test(arguments: Driver.all)
    func `deleting a group takes its users, keys and credentials with it`(driver: Driver) async throws {
        try await driver.withStore { database in
            try await database.write { session in
                try Self.seed(session)
                try Self.addKey("k", user: "u", digest: 1)(session)
                try Self.addKey("l", group: "h", digest: 2)(session)
                try session.execute("DELETE FROM groups WHERE id = 'g'")
            }
            let left = try await database.read { session in
                [
                    try session.rows("SELECT id FROM users").count,
                    try session.rows("SELECT id FROM gateway_keys").count,
                    try session.rows("SELECT id FROM credentials").count,
                ]
            }
            #expect(left == [0, 1, 0])
        }
    }

    @Test(arguments: Driver.all)
    func `no error holds a value that was bound`(driver: Driver) async throws {
        let canary = "sk-canary-0123456789"
        try await driver.withStore { database in
            try await database.write { try Self.seed($0) }
            let attempts: [@Sendable (any SQLSession) throws -> Void] = [
                Self.addUser("u", issuer: canary, subject: canary),
                Self.addUser("v", group: canary),
                Self.addUser("v", role: canary),
                { try $0.execute("INSERT INTO nowhere (x) VALUES (\(canary))") },
                { try $0.execute("INSERT INTO store_revision (id, revision) VALUES (2, \(canary))") },
                { _ = try $0.rows("SELECT * FROM users WHERE \(canary)") },
            ]
            for attempt in attempts {
                guard let error = await failure(of: { try await database.write(attempt) }) else { continue }
                #expect(!"\(error)".contains(canary))
                #expect(!String(reflecting: error).contains(canary))
                #expect(!error.description.contains(canary))
            }
        }
    }
}
