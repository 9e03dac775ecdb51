import Auth
import Core
import Database
import Testing

/// A key is replaced without a moment in which neither works.
@Suite struct TenantsRotationTests {
    private static let group = GroupID("a")
    private static let old = GatewayKeyID("k1")

    private static func store(_ draft: GatewayKeyRecord.Draft) async throws -> TenantStore {
        let store = try await TenantStore()
        try await store.addGroup("a")
        try await store.addUser("ann", group: "a")
        try await store.addKey("k1", group: "a", draft: draft)
        return store
    }

    private static func key(_ seed: UInt64 = 0) -> GatewayKey {
        var random = KeyTests.Counting(word: seed)
        return GatewayKey(using: &random)
    }

    private static func rotate(
        _ store: TenantStore,
        _ id: GatewayKeyID = Self.old,
        to new: GatewayKey = Self.key(),
        overlap: Duration,
        at seconds: Int64 = 0
    ) async throws -> (old: GatewayKeyRecord, new: GatewayKeyRecord) {
        try await store.write {
            try store.keys.rotate(
                id,
                of: Self.group,
                to: new,
                overlap: overlap,
                createdBy: "ann",
                now: TenantStore.at(seconds),
                in: $0
            )
        }
    }

    @Test func `both keys work during the overlap, then the new one alone`() async throws {
        let draft = GatewayKeyRecord.Draft(
            name: "ci",
            owner: .user(UserID("ann")),
            allowedModels: ["m"],
            allowedRoutes: ["/v1/*"]
        )
        let store = try await Self.store(draft)
        let new = Self.key()
        let (old, replacement) = try await Self.rotate(store, to: new, overlap: .seconds(60))
        #expect(old.replacedBy == replacement.id && old.expiresAt == TenantStore.at(60) && old.revokedAt == nil)
        #expect(replacement.name == "ci" && replacement.owner == .user(UserID("ann")))
        #expect(replacement.allowedModels == ["m"] && replacement.allowedRoutes == ["/v1/*"])
        #expect(replacement.expiresAt == nil && replacement.createdBy == "ann")
        let secret = new.text.reveal { $0 }
        for (seconds, oldWorks): (Int64, Bool) in [(0, true), (59, true), (60, false), (61, false)] {
            #expect((try await store.principal("secret-of-k1", at: seconds) != nil) == oldWorks)
            #expect(try await store.principal(secret, at: seconds)?.keyID == replacement.id.text)
        }
    }

    @Test func `without an overlap the old key ends at once`() async throws {
        let store = try await Self.store(.init(name: "k"))
        _ = try await Self.rotate(store, overlap: .zero)
        #expect(try await store.principal("secret-of-k1") == nil)
        #expect(try await store.table().count == 1)
    }

    @Test func `an overlap never lengthens a life`() async throws {
        let store = try await Self.store(.init(name: "k", expiresAt: TenantStore.at(30)))
        let (old, new) = try await Self.rotate(store, overlap: .seconds(3600))
        #expect(old.expiresAt == TenantStore.at(30))
        #expect(new.expiresAt == TenantStore.at(30))
    }

    @Test(arguments: [Duration.seconds(-1), .milliseconds(-1), .seconds(30 * 24 * 3600 + 1), .seconds(Int64.max)])
    func `an overlap that is none is refused`(overlap: Duration) async throws {
        let store = try await Self.store(.init(name: "k"))
        await #expect(throws: TenantError.invalid(field: "overlap", expected: "0 seconds to 30 days")) {
            try await Self.rotate(store, overlap: overlap)
        }
    }

    @Test func `a key is rotated once, and only while it works`() async throws {
        let store = try await Self.store(.init(name: "k"))
        let (_, new) = try await Self.rotate(store, overlap: .seconds(60))
        await #expect(throws: TenantError.keyNotActive) {
            try await Self.rotate(store, to: Self.key(9), overlap: .seconds(60))
        }
        // The new one can be.
        _ = try await Self.rotate(store, new.id, to: Self.key(99), overlap: .seconds(60))
        try await store.addKey("k2", group: "a")
        try await store.write {
            try store.keys.revoke(GatewayKeyID("k2"), of: Self.group, now: TenantStore.now, in: $0)
        }
        await #expect(throws: TenantError.keyNotActive) {
            try await Self.rotate(store, GatewayKeyID("k2"), to: Self.key(999), overlap: .zero)
        }
        try await store.addKey("k3", group: "a", draft: .init(name: "k", expiresAt: TenantStore.at(5)))
        await #expect(throws: TenantError.keyNotActive) {
            try await Self.rotate(store, GatewayKeyID("k3"), to: Self.key(9999), overlap: .zero, at: 5)
        }
    }

    @Test func `a rotation that fails leaves the old key as it was`() async throws {
        let store = try await Self.store(.init(name: "k"))
        let taken = Self.key()
        _ = try await store.addKey(taken.id, group: "a")
        let revision = try await store.revision()
        await #expect(throws: TenantError.duplicateID(taken.id)) {
            try await Self.rotate(store, to: taken, overlap: .zero)
        }
        let old = try await store.write { try store.keys.get(Self.old, of: Self.group, in: $0) }
        #expect(old.replacedBy == nil && old.expiresAt == nil)
        #expect(try await store.revision() == revision)
        #expect(try await store.principal("secret-of-k1") != nil)
    }
}
