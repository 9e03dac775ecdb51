import Database
import TestKit
import Testing

/// What every driver promises about transactions, readers, writers and tasks that are cancelled.
@Suite struct TransactionContractTests {
    struct Refusal: Error, Equatable { let number: Int }

    private static func makeCounter(in database: any Database) async throws {
        try await database.write { session in
            try session.execute("CREATE TABLE counter (id \(.integer) NOT NULL PRIMARY KEY, n \(.integer) NOT NULL)")
            try session.execute("INSERT INTO counter (id, n) VALUES (1, 0)")
        }
    }

    @Sendable private static func value(_ session: any SQLSession) throws -> Int64 {
        try session.rows("SELECT n FROM counter WHERE id = 1")[0].integer("n")
    }

    @Test(arguments: Driver.all)
    func `an error takes everything back and comes out unchanged`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            await #expect(throws: Refusal(number: 7)) {
                try await database.write { session in
                    try session.execute("UPDATE counter SET n = 100")
                    try session.execute("CREATE TABLE half (id \(.integer) NOT NULL PRIMARY KEY)")
                    throw Refusal(number: 7)
                }
            }
            #expect(try await database.read { try Self.value($0) } == 0)
            #expect(await failure { try await database.read { try $0.rows("SELECT * FROM half") } } != nil)
            #expect(try await database.write { try $0.execute("UPDATE counter SET n = 1") } == 1)
        }
    }

    @Test(arguments: Driver.all)
    func `a body sees its own changes, and its result comes back after the commit`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            let inside = try await database.write { session in
                try session.execute("UPDATE counter SET n = 5")
                return try Self.value(session)
            }
            #expect(inside == 5)
            #expect(try await database.read { try Self.value($0) } == 5)
        }
    }

    @Test(arguments: Driver.all)
    func `a read cannot write`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            let error = await failure { try await database.read { try $0.execute("UPDATE counter SET n = 9") } }
            #expect(error == .readOnly)
            #expect(try await database.read { try Self.value($0) } == 0)
        }
    }

    @Test(arguments: Driver.all)
    func `writers at the same time lose no update`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        for _ in 0..<10 {
                            try await database.write { session in
                                let before = try Self.value(session)
                                try session.execute("UPDATE counter SET n = \(before + 1) WHERE id = 1")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await database.read { try Self.value($0) } == 200)
        }
    }

    @Test(arguments: Driver.concurrent)
    func `a reader sees one state, whatever is written meanwhile`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            let gate = Gate()
            async let seen = database.read { session in
                let before = try Self.value(session)
                gate.arriveAndWait()
                return [before, try Self.value(session)]
            }
            await gate.waitForArrival()
            try await database.write { try $0.execute("UPDATE counter SET n = 1") }
            gate.open()
            #expect(try await seen == [0, 0])
            #expect(try await database.read { try Self.value($0) } == 1)
        }
    }

    @Test(arguments: Driver.concurrent)
    func `nobody sees what is not committed`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            let gate = Gate()
            async let written = database.write { session in
                try session.execute("UPDATE counter SET n = 1")
                gate.arriveAndWait()
                return try Self.value(session)
            }
            await gate.waitForArrival()
            #expect(try await database.read { try Self.value($0) } == 0)
            gate.open()
            #expect(try await written == 1)
            #expect(try await database.read { try Self.value($0) } == 1)
        }
    }

    @Test(arguments: Driver.all)
    func `a task that is cancelled ends its statement and leaves nothing`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            let gate = Gate()
            await withThrowingTaskGroup(of: Int64.self) { group in
                group.addTask {
                    try await database.write { session in
                        try session.execute("UPDATE counter SET n = 1")
                        gate.arriveAndWait()
                        // Never ends by itself.
                        let endless = try session.rows(
                            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n"
                        )
                        return try endless[0].integer("i")
                    }
                }
                await gate.waitForArrival()
                gate.open()
                group.cancelAll()
                let result = await group.nextResult()
                #expect(throws: CancellationError.self) { try result?.get() }
            }
            #expect(try await database.read { try Self.value($0) } == 0)
            #expect(try await database.write { try $0.execute("UPDATE counter SET n = 2") } == 1)
        }
    }

    @Test(arguments: Driver.all)
    func `a body that swallows the interruption still commits nothing`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            await withThrowingTaskGroup(of: Void.self) { group in
                let gate = Gate()
                group.addTask {
                    try await database.write { session in
                        try session.execute("UPDATE counter SET n = 1")
                        gate.arriveAndWait()
                        _ = try? session.rows("SELECT n FROM counter")
                    }
                }
                await gate.waitForArrival()
                group.cancelAll()
                gate.open()
                let result = await group.nextResult()
                #expect(throws: CancellationError.self) { try result?.get() }
            }
            #expect(try await database.read { try Self.value($0) } == 0)
        }
    }

    @Test(arguments: Driver.all)
    func `after closing, everything says so`(driver: Driver) async throws {
        let folder = try ScratchFolder()
        let database = try await driver.open(folder)
        try await Self.makeCounter(in: database)
        await database.close()
        await database.close()
        #expect(await failure { try await database.read { try Self.value($0) } } == .closed)
        #expect(await failure { try await database.write { try Self.value($0) } } == .closed)
        #expect(await failure { try await database.backup(to: "\(folder.path)/copy.db") } == .closed)
    }

    @Test(arguments: Driver.concurrent)
    func `closing waits for what is running`(driver: Driver) async throws {
        try await driver.withDatabase { database in
            try await Self.makeCounter(in: database)
            let gate = Gate()
            async let written = database.write { session in
                gate.arriveAndWait()
                return try session.execute("UPDATE counter SET n = 1")
            }
            await gate.waitForArrival()
            async let closed: Void = database.close()
            gate.open()
            #expect(try await written == 1)
            await closed
        }
    }
}
