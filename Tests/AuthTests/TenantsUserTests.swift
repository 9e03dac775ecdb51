import Auth
import Core
import Database
import Testing

@Suite struct TenantsUserTests {
    private static func store() async throws -> TenantStore {
        let store = try await TenantStore()
        try await store.addGroup("a")
        try await store.addGroup("b")
        return store
    }

    @Test func `a person is kept as they were made`() async throws {
        let store = try await Self.store()
        let identity = User.Identity(issuer: "https://issuer.example", subject: "42")
        let user = try await store.addUser(
            "ann",
            group: "a",
            role: .groupAdmin,
            email: " ann@example.com ",
            identity: identity
        )
        #expect(user.email == "ann@example.com")
        #expect(try await store.write { try store.users.get(UserID("ann"), of: GroupID("a"), in: $0) } == user)
        #expect(try await store.write { try store.users.find(identity, in: $0) } == user)
        let other = User.Identity(issuer: "https://other.example", subject: "42")
        #expect(try await store.write { try store.users.find(other, in: $0) } == nil)
    }

    @Test func `nobody of another group is found (row 44)`() async throws {
        let store = try await Self.store()
        try await store.addUser("ann", group: "a")
        let (ann, other) = (UserID("ann"), GroupID("b"))
        let now = TenantStore.now
        let attempts: [@Sendable (any SQLSession) throws -> Void] = [
            { _ = try store.users.get(ann, of: other, in: $0) },
            { try store.users.update(ann, of: other, .init(role: .systemAdmin), now: now, in: $0) },
            { try store.users.setEnabled(false, ann, of: other, now: now, in: $0) },
            { try store.users.delete(ann, of: other, in: $0) },
        ]
        for attempt in attempts { #expect(await store.failure(attempt) == .userNotFound) }
        let page = try await store.write { try store.users.list(of: other, in: $0) }
        #expect(page.items.isEmpty)
        let left = try await store.write { try store.users.get(ann, of: GroupID("a"), in: $0) }
        #expect(left.role == .member && left.isEnabled)
    }

    @Test func `two people have two ids and two identities`() async throws {
        let store = try await Self.store()
        let identity = User.Identity(issuer: "i", subject: "s")
        try await store.addUser("ann", group: "a", identity: identity)
        let now = TenantStore.now
        let sameID = try User(id: UserID("ann"), group: GroupID("b"), name: "n", now: now)
        #expect(await store.failure { try store.users.insert(sameID, in: $0) } == .duplicateID("ann"))
        let sameIdentity = try User(id: UserID("bob"), group: GroupID("b"), name: "n", identity: identity, now: now)
        #expect(await store.failure { try store.users.insert(sameIdentity, in: $0) } == .duplicateIdentity)
        let nowhere = try User(id: UserID("cid"), group: GroupID("z"), name: "n", now: now)
        #expect(await store.failure { try store.users.insert(nowhere, in: $0) } == .groupNotFound)
    }

    @Test(arguments: [
        "", "x", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b", "a\0@b", String(repeating: "a", count: 251) + "@b.c",
        "a@\u{202E}b",
    ])
    func `an address that is none is refused`(email: String) {
        let error = #expect(throws: TenantError.self) {
            try User(id: UserID("u"), group: GroupID("g"), name: "n", email: email, now: TenantStore.now)
        }
        guard case .invalid("email", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        ("", "s"), ("i", ""), ("i\n", "s"), ("i", "s\0"), (String(repeating: "i", count: 513), "s"),
        ("i", String(repeating: "s", count: 256)),
    ])
    func `an identity that is none is refused`(issuer: String, subject: String) {
        #expect(throws: TenantError.self) {
            let identity = User.Identity(issuer: issuer, subject: subject)
            return try User(id: UserID("u"), group: GroupID("g"), name: "n", identity: identity, now: TenantStore.now)
        }
    }

    @Test func `only what is given changes`() async throws {
        let store = try await Self.store()
        let before = try await store.addUser("ann", group: "a", role: .groupAdmin, email: "a@b.c")
        let (ann, group, later) = (UserID("ann"), GroupID("a"), TenantStore.at(5))
        let same = try await store.write { try store.users.update(ann, of: group, .init(), now: later, in: $0) }
        #expect(same.name == before.name && same.email == "a@b.c" && same.role == .groupAdmin)
        #expect(same.updatedAt == later && same.createdAt == before.createdAt)
        let without = try await store.write {
            try store.users.update(ann, of: group, .init(email: .some(nil)), now: later, in: $0)
        }
        #expect(without.email == nil)
        let member = try await store.write {
            try store.users.update(ann, of: group, .init(name: "Ann", role: .member), now: later, in: $0)
        }
        #expect(try await store.write { try store.users.get(ann, in: $0) } == member)
        #expect(member.name == "Ann" && member.role == .member)
    }

    // MARK: - The last administrator

    enum Removal: String, CaseIterable { case demote, disable, delete }

    @Sendable private static func remove(
        _ id: String,
        by removal: Removal,
        from store: TenantStore,
        in session: any SQLSession
    ) throws {
        let (id, group, now) = (UserID(id), GroupID("a"), TenantStore.now)
        switch removal {
        case .demote: try store.users.update(id, of: group, .init(role: .groupAdmin), now: now, in: session)
        case .disable: try store.users.setEnabled(false, id, of: group, now: now, in: session)
        case .delete: try store.users.delete(id, of: group, in: session)
        }
    }

    @Test(arguments: Removal.allCases, Removal.allCases)
    func `the last administrator stays, whichever way the others went`(first: Removal, second: Removal) async throws {
        let store = try await Self.store()
        try await store.addUser("root", group: "a", role: .systemAdmin)
        try await store.addUser("root2", group: "a", role: .systemAdmin)
        try await store.addUser("boss", group: "a", role: .groupAdmin)
        try await store.write { try Self.remove("root", by: first, from: store, in: $0) }
        let failure = await store.failure { try Self.remove("root2", by: second, from: store, in: $0) }
        #expect(failure == .lastSystemAdmin)
        let left = try await store.write { try store.users.get(UserID("root2"), in: $0) }
        #expect(left.role == .systemAdmin && left.isEnabled)
    }

    @Test func `two administrators who remove each other at once leave one`() async throws {
        let store = try await Self.store()
        for id in ["root", "root2"] { try await store.addUser(id, group: "a", role: .systemAdmin) }
        let failures = await withTaskGroup(of: TenantError?.self) { group in
            for id in ["root", "root2"] {
                group.addTask { await store.failure { try Self.remove(id, by: .delete, from: store, in: $0) } }
            }
            return await group.reduce(into: [TenantError?]()) { $0.append($1) }
        }
        #expect(failures.count { $0 == nil } == 1)
        #expect(failures.count { $0 == .lastSystemAdmin } == 1)
    }

    @Test func `the only administrator may keep their role and change their name`() async throws {
        let store = try await Self.store()
        try await store.addUser("root", group: "a", role: .systemAdmin)
        let changes = UserStore.Changes(name: "Root", role: .systemAdmin)
        let root = try await store.write {
            try store.users.update(UserID("root"), of: GroupID("a"), changes, now: TenantStore.now, in: $0)
        }
        #expect(root.name == "Root" && root.role == .systemAdmin)
    }

    @Test func `disabling twice keeps the first time, and enabling takes it away`() async throws {
        let store = try await Self.store()
        try await store.addUser("ann", group: "a")
        let (ann, group) = (UserID("ann"), GroupID("a"))
        for seconds: Int64 in [1, 2] {
            let user = try await store.write {
                try store.users.setEnabled(false, ann, of: group, now: TenantStore.at(seconds), in: $0)
            }
            #expect(user.disabledAt == TenantStore.at(1))
        }
        let user = try await store.write {
            try store.users.setEnabled(true, ann, of: group, now: TenantStore.at(3), in: $0)
        }
        #expect(user.isEnabled)
    }

    @Test func `lists are filtered by group, role, state and address`() async throws {
        let store = try await Self.store()
        try await store.addUser("a1", group: "a", role: .groupAdmin, email: "Ann@Example.com", at: 1)
        try await store.addUser("a2", group: "a", at: 2)
        try await store.addUser("a3", group: "a", at: 3)
        try await store.addUser("b1", group: "b", at: 4)
        try await store.write {
            try store.users.setEnabled(false, UserID("a2"), of: GroupID("a"), now: TenantStore.now, in: $0)
        }
        func ids(_ group: String?, _ filter: UserStore.Filter) async throws -> [String] {
            let group = group.map { GroupID($0) }
            return try await store.write { try store.users.list(of: group, filter: filter, in: $0) }.items.map(
                \.id.text
            )
        }
        #expect(try await ids("a", .init()) == ["a1", "a2", "a3"])
        #expect(try await ids(nil, .init()) == ["a1", "a2", "a3", "b1"])
        #expect(try await ids("a", .init(role: .member)) == ["a2", "a3"])
        #expect(try await ids("a", .init(isEnabled: true)) == ["a1", "a3"])
        #expect(try await ids("a", .init(isEnabled: false)) == ["a2"])
        #expect(try await ids(nil, .init(role: .member, isEnabled: true)) == ["a3", "b1"])
        #expect(try await ids("a", .init(email: "ann@example.COM")) == ["a1"])
        #expect(try await ids("a", .init(email: "%")) == [])
    }

    @Test func `ids made here are ids and differ`() throws {
        var random = SystemRandomNumberGenerator()
        let ids = (0..<100).map { _ in UserID(using: &random) }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { TenantRule.isID($0.text) })
    }
}
