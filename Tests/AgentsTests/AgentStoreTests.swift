import Agents
import Core
import Database
import SQLite
import Testing

/// Agents in the store, and the book that calls read.
@Suite struct AgentStoreTests {
    private static let demo = GroupID("demo")

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

    private static func add(
        _ id: String,
        group: String = "demo",
        _ json: String = AgentProfileTests.whole,
        at time: Int64 = 1_000,
        in database: SQLiteDatabase
    ) async throws -> AgentProfile {
        let group = GroupID(group)
        let profile = try AgentProfile(authored: try JSONValue.parse(json), id: id, group: group)
        return try await database.write { session in
            try AgentStore().insert(profile, of: group, by: "ann", now: UnixTime(milliseconds: time), in: session)
        }
    }

    @Test func `what was added comes back whole, to its own group alone`() async throws {
        let database = try await Self.store()
        let added = try await Self.add("tasks", in: database)
        #expect(added.version == 1)
        #expect(added.createdBy == "ann")
        #expect(added.createdAt == UnixTime(milliseconds: 1_000))
        #expect(try await database.read { try AgentStore().get("tasks", of: Self.demo, in: $0) } == added)
        await #expect(throws: AgentError.notFound) {
            try await database.read { try AgentStore().get("tasks", of: GroupID("other"), in: $0) }
        }
        await #expect(throws: AgentError.duplicateID("tasks")) { try await Self.add("tasks", in: database) }
        await #expect(throws: AgentError.groupNotFound) { try await Self.add("tasks", group: "no", in: database) }
        _ = try await Self.add("tasks", group: "other", "{}", in: database)
        #expect(try await database.read { try AgentStore().all(in: $0) }.count == 2)
    }

    @Test func `of two who change the same version one is told`() async throws {
        let database = try await Self.store()
        let added = try await Self.add("tasks", in: database)
        let first = try await database.write { session in
            try AgentStore().update(
                "tasks",
                of: Self.demo,
                ["model": "gpt-4o"],
                expecting: added.version,
                now: UnixTime(milliseconds: 2_000),
                in: session
            )
        }
        #expect(first.version == 2)
        #expect(first.model == "gpt-4o")
        #expect(first.updatedAt == UnixTime(milliseconds: 2_000))
        await #expect(throws: AgentError.changed(version: 2)) {
            try await database.write { session in
                try AgentStore().update(
                    "tasks",
                    of: Self.demo,
                    ["model": "other"],
                    expecting: 1,
                    now: UnixTime(milliseconds: 3_000),
                    in: session
                )
            }
        }
        await #expect(throws: AgentError.self) {
            try await database.write { session in
                try AgentStore().update(
                    "tasks",
                    of: Self.demo,
                    ["mode": "none"],
                    expecting: nil,
                    now: UnixTime(milliseconds: 3_000),
                    in: session
                )
            }
        }
        #expect(try await database.read { try AgentStore().get("tasks", of: Self.demo, in: $0) } == first)
    }

    @Test func `each change counts up the store's revision`() async throws {
        let database = try await Self.store()
        func revision() async throws -> Int64 { try await database.read { try $0.revision() } }
        let before = try await revision()
        _ = try await Self.add("tasks", in: database)
        let added = try await revision()
        try await database.write { session in
            _ = try AgentStore().update(
                "tasks",
                of: Self.demo,
                ["model": "x"],
                expecting: nil,
                now: UnixTime(milliseconds: 2_000),
                in: session
            )
        }
        let updated = try await revision()
        try await database.write { try AgentStore().delete("tasks", of: Self.demo, in: $0) }
        let deleted = try await revision()
        #expect([before, added, updated, deleted] == [before, before + 1, before + 2, before + 3])
    }

    @Test func `agents go with their group, and lists go on where they ended`() async throws {
        let database = try await Self.store()
        for (index, id) in ["a", "b", "c"].enumerated() {
            _ = try await Self.add(id, "{}", at: Int64(index), in: database)
            _ = try await Self.add(id, group: "other", "{}", at: Int64(index), in: database)
        }
        let first = try await database.read { session in
            try AgentStore().list(try PageRequest(limit: 4), of: nil, in: session)
        }
        #expect(first.items.map(\.id) == ["a", "a", "b", "b"])
        let rest = try await database.read { session in
            try AgentStore().list(try PageRequest(limit: 4, cursor: first.nextCursor), of: nil, in: session)
        }
        #expect(rest.items.map(\.id) == ["c", "c"])
        let own = try await database.read { try AgentStore().list(of: Self.demo, in: $0) }
        #expect(own.items.map(\.id) == ["a", "b", "c"])
        try await database.write { try $0.execute("DELETE FROM groups WHERE id = 'other'") }
        #expect(try await database.read { try AgentStore().all(in: $0) }.count == 3)
    }

    @Test func `a profile that this build cannot read keeps nobody from theirs`() async throws {
        let database = try await Self.store()
        _ = try await Self.add("good", "{}", in: database)
        _ = try await Self.add("odd", "{}", in: database)
        try await database.write {
            try $0.execute("UPDATE agents SET profile = '{\"later\":1}' WHERE agent_id = 'odd'")
        }
        #expect(try await database.read { try AgentStore().all(in: $0) }.map(\.id) == ["good"])
        #expect(try await database.read { try AgentStore().list(of: nil, in: $0) }.items.count == 2)
        try await database.write { try AgentStore().delete("odd", of: Self.demo, in: $0) }
    }

    @Test func `a group's own agent goes before that of every group, and the settings' before the store's`() throws {
        func profile(_ id: String, _ group: String?, _ name: String, _ source: AgentProfile.Source) -> AgentProfile {
            var profile = AgentProfile(id: id, group: group.map { GroupID($0) }, name: name)
            profile.source = source
            return profile
        }
        let book = AgentBook([
            profile("a", nil, "common", .settings), profile("a", "demo", "stored", .store),
            profile("b", "demo", "stored", .store), profile("b", "demo", "file", .settings),
            profile("c", nil, "common", .settings), profile("d", "other", "theirs", .store),
        ])
        #expect(book.agent("a", for: Self.demo)?.name == "stored")
        #expect(book.agent("a", for: GroupID("other"))?.name == "common")
        #expect(book.agent("b", for: Self.demo)?.name == "file")
        #expect(book.agent("d", for: Self.demo) == nil)
        #expect(book.ids(for: Self.demo) == ["a", "b", "c"])
        let again = AgentBook([profile("c", nil, "common", .settings)], reusing: book)
        #expect(again.ready("c", for: Self.demo) === book.ready("c", for: Self.demo))
        let changed = AgentBook([profile("c", nil, "other", .settings)], reusing: book)
        #expect(changed.ready("c", for: Self.demo) !== book.ready("c", for: Self.demo))
    }
}
