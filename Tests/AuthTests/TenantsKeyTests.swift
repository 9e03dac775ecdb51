import Auth
import Core
import Database
import SQLite
import Testing

@Suite struct TenantsKeyTests {
    private static func store() async throws -> TenantStore {
        let store = try await TenantStore()
        try await store.addGroup("a")
        try await store.addGroup("b")
        try await store.addUser("ann", group: "a", role: .groupAdmin)
        try await store.addUser("bob", group: "b")
        return store
    }

    private static let (a, b) = (GroupID("a"), GroupID("b"))

    @Test func `a key is kept as it was made, and its secret is not`() async throws {
        let store = try await Self.store()
        let draft = GatewayKeyRecord.Draft(
            name: "ci",
            owner: .user(UserID("ann")),
            scopes: [.inference, .admin],
            allowedModels: ["fast", "openai/*", "quote\"and\\"],
            allowedRoutes: ["/v1/*"],
            expiresAt: TenantStore.at(60)
        )
        let made = try await store.addKey("k1", group: "a", draft: draft)
        let found = try await store.write { try store.keys.get(GatewayKeyID("k1"), of: Self.a, in: $0) }
        #expect(found == made)
        #expect(found.owner == .user(UserID("ann")) && found.scopes == [.inference, .admin])
        #expect(found.allowedModels == ["fast", "openai/*", "quote\"and\\"])
        #expect(try await store.write { try store.keys.find(KeyDigest(of: "secret-of-k1"), in: $0) } == made)
        #expect(try await store.write { try store.keys.find(KeyDigest(of: "secret-of-k2"), in: $0) } == nil)
        let text = try await store.database.read { session in
            try session.rows("SELECT * FROM gateway_keys").flatMap(\.values).map { "\($0)" }.joined()
        }
        #expect(!text.contains("secret-of"))
    }

    @Test func `the table knows whose key it is, their role and their limits`() async throws {
        let store = try await Self.store()
        let draft = GatewayKeyRecord.Draft(
            name: "ci",
            owner: .user(UserID("ann")),
            scopes: [.inference, .admin],
            allowedModels: ["fast"],
            allowedRoutes: ["/v1/chat/*", "/v1/models"]
        )
        try await store.addKey("k1", group: "a", draft: draft)
        try await store.addKey("k2", group: "b", draft: .init(name: "bot", owner: .agent("helper")))
        try await store.addKey("k3", group: "b")
        let ann = try #require(try await store.principal("secret-of-k1"))
        #expect(ann.group == Self.a && ann.keyID == "k1" && ann.user == UserID("ann"))
        #expect(ann.role == .groupAdmin && ann.scopes == [.inference, .admin])
        #expect(ann.mayUse(model: "fast") && !ann.mayUse(model: "slow"))
        #expect(ann.mayCall(path: "/v1/chat/completions") && ann.mayCall(path: "/v1/models"))
        #expect(!ann.mayCall(path: "/v1/models/x") && !ann.mayCall(path: "/v1/embeddings"))
        let bot = try #require(try await store.principal("secret-of-k2"))
        #expect(bot.owner == .agent("helper") && bot.role == .member && bot.user == nil)
        #expect(bot.mayCall(path: "/anything") && bot.mayUse(model: "anything"))
        let plain = try #require(try await store.principal("secret-of-k3"))
        #expect(plain.owner == .group && plain.role == .member && plain.scopes == .inference)
        #expect(try await store.principal("secret-of-k4") == nil)
    }

    @Test func `nothing of another group is found (row 44)`() async throws {
        let store = try await Self.store()
        try await store.addKey("k1", group: "a")
        let id = GatewayKeyID("k1")
        var random = KeyTests.Counting()
        let new = GatewayKey(using: &random)
        let now = TenantStore.now
        let attempts: [@Sendable (any SQLSession) throws -> Void] = [
            { _ = try store.keys.get(id, of: Self.b, in: $0) },
            { try store.keys.update(id, of: Self.b, .init(name: "x"), now: now, in: $0) },
            { try store.keys.revoke(id, of: Self.b, now: now, in: $0) },
            {
                _ = try store.keys.rotate(
                    id,
                    of: Self.b,
                    to: new,
                    overlap: .zero,
                    createdBy: "x",
                    now: now,
                    in: $0
                )
            },
        ]
        for attempt in attempts { #expect(await store.failure(attempt) == .keyNotFound) }
        #expect(try await store.write { try store.keys.list(of: Self.b, now: now, in: $0) }.items.isEmpty)
        #expect(try await store.principal("secret-of-k1") != nil)
    }

    @Test func `a key belongs to somebody of its own group`() async throws {
        let store = try await Self.store()
        for (owner, group) in [("bob", Self.a), ("nobody", Self.a), ("ann", GroupID("z"))] {
            let draft = GatewayKeyRecord.Draft(name: "k", owner: .user(UserID(owner)))
            let key = try GatewayKeyRecord(
                draft,
                id: GatewayKeyID("k1"),
                group: group,
                createdBy: "t",
                now: TenantStore.now
            )
            let failure = await store.failure { try store.keys.insert(key, digest: KeyDigest(of: "s"), in: $0) }
            #expect(failure == .userNotFound)
        }
        let lost = try GatewayKeyRecord(
            .init(name: "k"),
            id: GatewayKeyID("k1"),
            group: GroupID("z"),
            createdBy: "t",
            now: TenantStore.now
        )
        #expect(
            await store.failure { try store.keys.insert(lost, digest: KeyDigest(of: "s"), in: $0) } == .groupNotFound
        )
    }

    @Test func `ids and secrets exist once, in all groups together`() async throws {
        let store = try await Self.store()
        let key = try await store.addKey("k1", group: "a")
        #expect(
            await store.failure { try store.keys.insert(key, digest: KeyDigest(of: "x"), in: $0) } == .duplicateID("k1")
        )
        let other = try GatewayKeyRecord(
            .init(name: "k"),
            id: GatewayKeyID("k2"),
            group: Self.b,
            createdBy: "t",
            now: TenantStore.now
        )
        let digest = KeyDigest(of: "secret-of-k1")
        #expect(await store.failure { try store.keys.insert(other, digest: digest, in: $0) } == .duplicateSecret)
    }

    struct BadDraft: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let draft: GatewayKeyRecord.Draft
        let field: String
    }

    static let bad: [BadDraft] = [
        BadDraft(testDescription: "no name", draft: .init(name: ""), field: "name"),
        BadDraft(testDescription: "a name of two lines", draft: .init(name: "a\nb"), field: "name"),
        BadDraft(testDescription: "no scope", draft: .init(name: "k", scopes: []), field: "scopes"),
        BadDraft(testDescription: "an empty agent", draft: .init(name: "k", owner: .agent("")), field: "agentId"),
        BadDraft(
            testDescription: "no model at all",
            draft: .init(name: "k", allowedModels: []),
            field: "allowedModels"
        ),
        BadDraft(
            testDescription: "an empty model",
            draft: .init(name: "k", allowedModels: [""]),
            field: "allowedModels"
        ),
        BadDraft(
            testDescription: "a star within",
            draft: .init(name: "k", allowedModels: ["a*b"]),
            field: "allowedModels"
        ),
        BadDraft(
            testDescription: "a route with a space",
            draft: .init(name: "k", allowedRoutes: ["/v1 /x"]),
            field: "allowedRoutes"
        ),
        BadDraft(
            testDescription: "too many models",
            draft: .init(name: "k", allowedModels: .init(repeating: "m", count: 201)),
            field: "allowedModels"
        ),
        BadDraft(
            testDescription: "a long model",
            draft: .init(name: "k", allowedModels: [String(repeating: "m", count: 257)]),
            field: "allowedModels"
        ),
        BadDraft(
            testDescription: "an end that has come",
            draft: .init(name: "k", expiresAt: TenantStore.now),
            field: "expiresAt"
        ),
        BadDraft(
            testDescription: "an end long ago",
            draft: .init(name: "k", expiresAt: UnixTime(milliseconds: .min)),
            field: "expiresAt"
        ),
    ]

    @Test(arguments: Self.bad)
    func `what breaks a rule is refused by its field`(example: BadDraft) {
        let error = #expect(throws: TenantError.self) {
            try GatewayKeyRecord(
                example.draft,
                id: GatewayKeyID("k"),
                group: Self.a,
                createdBy: "t",
                now: TenantStore.now
            )
        }
        guard case .invalid(let field, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(field == example.field)
    }

    @Test(arguments: [KeyOwner.group, .agent("bot")])
    func `rights of an administrator need a person`(owner: KeyOwner) {
        #expect(throws: TenantError.scopeNeedsUser) {
            try GatewayKeyRecord(
                .init(name: "k", owner: owner, scopes: [.admin]),
                id: GatewayKeyID("k"),
                group: Self.a,
                createdBy: "t",
                now: TenantStore.now
            )
        }
    }

    @Test func `scopes have names`() throws {
        #expect(try KeyScopes(names: ["admin", "inference"]).names == ["inference", "admin"])
        for names in [[], ["root"], ["inference", ""], ["Inference"]] {
            #expect(throws: TenantError.self) { try KeyScopes(names: names) }
        }
    }

    // MARK: - The end of a key

    @Test func `a revoked key is unknown, and stays revoked since the first time (row 43)`() async throws {
        let store = try await Self.store()
        try await store.addKey("k1", group: "a")
        let revision = try await store.revision()
        for seconds: Int64 in [1, 2] {
            let key = try await store.write {
                try store.keys.revoke(GatewayKeyID("k1"), of: Self.a, now: TenantStore.at(seconds), in: $0)
            }
            #expect(key.revokedAt == TenantStore.at(1))
        }
        #expect(try await store.revision() == revision + 1)
        #expect(try await store.principal("secret-of-k1", at: 3) == nil)
    }

    @Test func `a key ends at its time, in a table loaded before`() async throws {
        let store = try await Self.store()
        try await store.addKey("k1", group: "a", draft: .init(name: "k", expiresAt: TenantStore.at(60)))
        let table = try await store.table()
        func isKnown(at time: UnixTime) -> Bool {
            var text = "secret-of-k1"
            return text.withUTF8 { table.principal(for: UnsafeRawBufferPointer($0), now: time) } != nil
        }
        #expect(isKnown(at: UnixTime(milliseconds: TenantStore.at(60).milliseconds - 1)))
        #expect(!isKnown(at: TenantStore.at(60)))
        #expect(try await store.table(at: 60).count == 0)
    }

    @Test func `keys of a disabled person do not work until they are enabled again`() async throws {
        let store = try await Self.store()
        try await store.addKey("k1", group: "a", draft: .init(name: "k", owner: .user(UserID("ann"))))
        for isEnabled in [false, true] {
            try await store.write {
                try store.users.setEnabled(isEnabled, UserID("ann"), of: Self.a, now: TenantStore.now, in: $0)
            }
            #expect((try await store.principal("secret-of-k1") != nil) == isEnabled)
        }
        try await store.write { try store.users.delete(UserID("ann"), of: Self.a, in: $0) }
        #expect(try await store.principal("secret-of-k1") == nil)
        let failure = await store.failure { try store.keys.get(GatewayKeyID("k1"), of: Self.a, in: $0) }
        #expect(failure == .keyNotFound)
    }

    @Test func `a change of role reaches the keys a person has`() async throws {
        let store = try await Self.store()
        try await store.addKey("k1", group: "a", draft: .init(name: "k", owner: .user(UserID("ann"))))
        try await store.write {
            try store.users.update(UserID("ann"), of: Self.a, .init(role: .member), now: TenantStore.now, in: $0)
        }
        #expect(try await store.principal("secret-of-k1")?.role == .member)
    }

    // MARK: - Changes and lists

    @Test func `only what is given changes, and limits can be taken away`() async throws {
        let store = try await Self.store()
        let draft = GatewayKeyRecord.Draft(name: "k", allowedModels: ["m"], expiresAt: TenantStore.at(60))
        let made = try await store.addKey("k1", group: "a", draft: draft)
        let id = GatewayKeyID("k1")
        let same = try await store.write {
            try store.keys.update(id, of: Self.a, .init(), now: TenantStore.at(1), in: $0)
        }
        #expect(same == made)
        let changes = GatewayKeyStore.Changes(
            name: "new",
            allowedModels: .some(nil),
            allowedRoutes: ["/v1/*"],
            expiresAt: .some(nil)
        )
        let changed = try await store.write {
            try store.keys.update(id, of: Self.a, changes, now: TenantStore.at(1), in: $0)
        }
        #expect(changed.name == "new" && changed.allowedModels == nil && changed.expiresAt == nil)
        #expect(changed.allowedRoutes == ["/v1/*"])
        #expect(try await store.write { try store.keys.get(id, of: Self.a, in: $0) } == changed)
        let admin = await store.failure {
            try store.keys.update(id, of: Self.a, .init(scopes: [.admin]), now: TenantStore.at(1), in: $0)
        }
        #expect(admin == .scopeNeedsUser)
    }

    @Test func `a key that has ended does not come back`() async throws {
        let store = try await Self.store()
        try await store.addKey("k1", group: "a", draft: .init(name: "k", expiresAt: TenantStore.at(60)))
        let longer = GatewayKeyStore.Changes(expiresAt: TenantStore.at(600))
        let failure = await store.failure {
            try store.keys.update(GatewayKeyID("k1"), of: Self.a, longer, now: TenantStore.at(60), in: $0)
        }
        #expect(failure == .keyNotActive)
    }

    @Test func `lists are filtered by group, owner and state`() async throws {
        let store = try await Self.store()
        try await store.addKey("a1", group: "a", draft: .init(name: "k", owner: .user(UserID("ann"))), at: 1)
        try await store.addKey("a2", group: "a", draft: .init(name: "k", owner: .agent("bot")), at: 2)
        try await store.addKey("a3", group: "a", draft: .init(name: "k", expiresAt: TenantStore.at(50)), at: 3)
        try await store.addKey("b1", group: "b", at: 4)
        try await store.write { try store.keys.revoke(GatewayKeyID("a2"), of: Self.a, now: TenantStore.at(5), in: $0) }
        func ids(_ group: GroupID?, _ filter: GatewayKeyStore.Filter) async throws -> [String] {
            try await store.write { try store.keys.list(of: group, filter: filter, now: TenantStore.at(50), in: $0) }
                .items.map(\.id.text)
        }
        #expect(try await ids(Self.a, .init()) == ["a1", "a2", "a3"])
        #expect(try await ids(nil, .init()) == ["a1", "a2", "a3", "b1"])
        #expect(try await ids(Self.a, .init(owner: .user(UserID("ann")))) == ["a1"])
        #expect(try await ids(Self.a, .init(owner: .agent("bot"))) == ["a2"])
        #expect(try await ids(nil, .init(owner: .group)) == ["a3", "b1"])
        #expect(try await ids(Self.a, .init(isActive: true)) == ["a1"])
        #expect(try await ids(Self.a, .init(isActive: false)) == ["a2", "a3"])
    }

    @Test func `the time of last use moves forward alone and is no change`() async throws {
        let store = try await Self.store()
        try await store.addKey("k1", group: "a")
        let revision = try await store.revision()
        for (seconds, expected): (Int64, Int64) in [(10, 10), (5, 10), (20, 20)] {
            try await store.write {
                try store.keys.noteUse(
                    [GatewayKeyID("k1"): TenantStore.at(seconds), GatewayKeyID("gone"): TenantStore.now],
                    in: $0
                )
            }
            let key = try await store.write { try store.keys.get(GatewayKeyID("k1"), of: Self.a, in: $0) }
            #expect(key.lastUsedAt == TenantStore.at(expected))
        }
        #expect(try await store.revision() == revision)
    }
}
