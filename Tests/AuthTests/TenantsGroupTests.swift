import Auth
import Core
import Database
import Testing

@Suite struct TenantsGroupTests {
    @Test func `a group is kept as it was made`() async throws {
        let store = try await TenantStore()
        let group = try Group(id: GroupID("acme"), name: "  Acme GmbH & Söhne  ", now: TenantStore.now)
        try await store.write { try store.groups.insert(group, in: $0) }
        let found = try await store.write { try store.groups.get(GroupID("acme"), in: $0) }
        #expect(found == group)
        #expect(found.name == "Acme GmbH & Söhne")
    }

    @Test(arguments: [
        "", "-a", "_a", "a b", "a/b", "a.b", "ä", "a\0", "a\n", "'; DROP TABLE groups; --", "../etc",
        String(repeating: "a", count: 65), "\u{202E}a", "a%", "${HOME}",
    ])
    func `an id that is not an id is refused`(id: String) {
        #expect(throws: TenantError.self) { try Group(id: GroupID(id), now: TenantStore.now) }
        #expect(throws: TenantError.self) {
            try User(id: UserID(id), group: GroupID("g"), name: "n", now: TenantStore.now)
        }
    }

    @Test(arguments: ["a", "A1", "team-7_x", "default", String(repeating: "z", count: 64), "0"])
    func `an id that is one is taken`(id: String) throws {
        #expect(try Group(id: GroupID(id), now: TenantStore.now).name == id)
    }

    @Test(arguments: [
        "", "   ", "\n", "a\nb", "a\u{0}b", "a\u{1B}[31m", "a\u{2028}b", "a\u{202E}b", "a\u{200B}", "\u{E000}",
        String(repeating: "x", count: 201), "x" + String(repeating: "\u{301}", count: 900),
    ])
    func `a name that could forge or hide text is refused`(name: String) async throws {
        let expected = TenantError.invalid(field: "name", expected: "1 to 200 characters on one line")
        #expect(throws: expected) { try Group(id: GroupID("g"), name: name, now: TenantStore.now) }
        let store = try await TenantStore()
        try await store.addGroup("g")
        let failure = await store.failure {
            try store.groups.rename(GroupID("g"), to: name, now: TenantStore.now, in: $0)
        }
        #expect(failure == expected)
    }

    @Test(arguments: ["x", "Zoë", "漢字", "👩‍👩‍👧‍👦 family", "O'Brien; DROP TABLE", String(repeating: "x", count: 200)])
    func `a name of people is taken`(name: String) throws {
        #expect(try Group(id: GroupID("g"), name: name, now: TenantStore.now).name == name)
    }

    @Test func `an id exists once`() async throws {
        let store = try await TenantStore()
        try await store.addGroup("acme")
        let again = try Group(id: GroupID("acme"), now: TenantStore.now)
        #expect(await store.failure { try store.groups.insert(again, in: $0) } == .duplicateID("acme"))
    }

    @Test func `what is not there says so`() async throws {
        let store = try await TenantStore()
        let id = GroupID("nobody")
        #expect(await store.failure { try store.groups.get(id, in: $0) } == .groupNotFound)
        #expect(await store.failure { try store.groups.delete(id, in: $0) } == .groupNotFound)
        let renamed = await store.failure { try store.groups.rename(id, to: "n", now: TenantStore.now, in: $0) }
        #expect(renamed == .groupNotFound)
        #expect(try await store.write { try store.groups.find(id, in: $0) } == nil)
        #expect(try await store.revision() == 0)
    }

    @Test func `a new name takes its time along`() async throws {
        let store = try await TenantStore()
        try await store.addGroup("acme")
        let later = TenantStore.at(60)
        try await store.write { try store.groups.rename(GroupID("acme"), to: "Acme 2", now: later, in: $0) }
        let found = try await store.write { try store.groups.get(GroupID("acme"), in: $0) }
        #expect(found.name == "Acme 2" && found.updatedAt == later && found.createdAt == TenantStore.now)
    }

    @Test func `each change is counted once, and a refused one is not`() async throws {
        let store = try await TenantStore()
        try await store.addGroup("a")
        #expect(try await store.revision() == 1)
        try await store.write { try store.groups.rename(GroupID("a"), to: "b", now: TenantStore.now, in: $0) }
        #expect(try await store.revision() == 2)
        let again = try Group(id: GroupID("a"), now: TenantStore.now)
        _ = await store.failure { try store.groups.insert(again, in: $0) }
        #expect(try await store.revision() == 2)
        try await store.write { try store.groups.delete(GroupID("a"), in: $0) }
        #expect(try await store.revision() == 3)
    }

    @Test func `a group goes with its people and their keys, but not with the last administrator`() async throws {
        let store = try await TenantStore()
        try await store.addGroup("a")
        try await store.addGroup("b")
        try await store.addUser("root", group: "a", role: .systemAdmin)
        try await store.addUser("bob", group: "b")
        try await store.addKey("kb", group: "b", draft: .init(name: "k", owner: .user(UserID("bob"))))
        #expect(await store.failure { try store.groups.delete(GroupID("a"), in: $0) } == .lastSystemAdmin)
        try await store.write { try store.groups.delete(GroupID("b"), in: $0) }
        #expect(await store.failure { try store.users.get(UserID("bob"), in: $0) } == .userNotFound)
        #expect(try await store.table().count == 0)
        try await store.addGroup("c")
        try await store.addUser("root2", group: "c", role: .systemAdmin)
        try await store.write { try store.groups.delete(GroupID("a"), in: $0) }
        #expect(await store.failure { try store.groups.delete(GroupID("c"), in: $0) } == .lastSystemAdmin)
    }

    @Test func `a store without any administrator lets groups go`() async throws {
        let store = try await TenantStore()
        try await store.addGroup("a")
        try await store.write { try store.groups.delete(GroupID("a"), in: $0) }
        #expect(try await store.write { try store.groups.list(in: $0).items.isEmpty })
    }

    // MARK: - Pages

    @Test(arguments: [1, 2, 3, 7, 200])
    func `pages together are the list, each row once`(limit: Int) async throws {
        let store = try await TenantStore()
        // Several of one moment, so that the id decides.
        for number in 0..<7 { try await store.addGroup("g\(number)", at: Int64(number / 3)) }
        var cursor: String?
        var found: [String] = []
        var pages = 0
        repeat {
            let request = try PageRequest(limit: limit, cursor: cursor)
            let page = try await store.write { try store.groups.list(request, in: $0) }
            #expect(page.items.count <= limit)
            found += page.items.map(\.id.text)
            cursor = page.nextCursor
            pages += 1
        } while cursor != nil && pages < 20
        #expect(found == (0..<7).map { "g\($0)" })
        #expect(pages == (7 + limit - 1) / limit)
    }

    @Test func `a page goes on in its place when rows come and go`() async throws {
        let store = try await TenantStore()
        for number in 0..<6 { try await store.addGroup("g\(number)", at: Int64(number)) }
        let first = try await store.write { try store.groups.list(try PageRequest(limit: 3), in: $0) }
        try await store.write { session in
            for id in ["g0", "g2", "g3"] { try store.groups.delete(GroupID(id), in: session) }
        }
        try await store.addGroup("g9", at: 9)
        let request = try PageRequest(limit: 3, cursor: first.nextCursor)
        let second = try await store.write { try store.groups.list(request, in: $0) }
        #expect(second.items.map(\.id.text) == ["g4", "g5", "g9"])
        #expect(second.nextCursor == nil)
    }

    @Test func `who may see one group is shown one`() async throws {
        let store = try await TenantStore()
        for id in ["a", "b", "c"] { try await store.addGroup(id) }
        let page = try await store.write { try store.groups.list(only: GroupID("b"), in: $0) }
        #expect(page.items.map(\.id.text) == ["b"])
    }

    @Test(arguments: [0, -1, 201, .max, .min])
    func `a page of no size or too large is refused`(limit: Int) {
        #expect(throws: PageError.badLimit) { try PageRequest(limit: limit) }
    }

    @Test(arguments: [
        "", "x", "g1", "0", "0000000000000000", "00000000000000006", "000000000000000G61", "000000000000000061ff",
        "' OR 1=1 --", "0000000000000000" + "00", String(repeating: "0", count: 500), "000000000000000061é",
        "0000000000000000 61", "000000000000000061 ", "-000000000000000161",
    ])
    func `a cursor that we did not make is refused`(cursor: String) {
        #expect(throws: PageError.badCursor) { try PageRequest(cursor: cursor) }
    }

    @Test func `a list has 50 rows unless it is told otherwise`() throws {
        #expect(try PageRequest().limit == 50)
        #expect(PageRequest.first.limit == 50)
    }
}
