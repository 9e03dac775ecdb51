import Core
import Database
import Testing

@testable import Vault

@Suite struct KeyRingTests {
    private func standing(_ store: StoreFixture, _ ring: Keyring) async throws -> (KeyRingStore.Standing, KeyID) {
        let now = store.clock.now
        return try await store.database.write { session in
            let (standing, ring) = try KeyRingStore().reconcile(ring, now: now, in: session)
            return (standing, ring.activeID)
        }
    }

    @Test func `the store says which key seals, until a rotation changes it`() async throws {
        let store = try await StoreFixture()
        try await store.fill(2)
        #expect(try await self.standing(store, Keyring(primary: store.old)) == (.current, store.old.id))
        let wanted = Keyring(primary: store.new, previous: [store.old])
        #expect(
            try await self.standing(store, wanted)
                == (.rotationWanted(from: store.old.id, to: store.new.id), store.old.id)
        )
        _ = try await store.rotation().run()
        #expect(try await self.standing(store, wanted) == (.current, store.new.id))
    }

    @Test func `settings that were not changed after a rotation do not undo it`() async throws {
        let store = try await StoreFixture()
        try await store.fill(2)
        _ = try await store.rotation().run()
        let unchanged = Keyring(primary: store.old, previous: [store.new])
        #expect(
            try await self.standing(store, unchanged)
                == (.retiredKeyFirst(store.old.id, active: store.new.id), store.new.id)
        )
    }

    @Test func `without the active key nothing is sealed, until nothing needs it (row 60)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(2)
        let stranger = Keyring(primary: store.new)
        let (standing, active) = try await self.standing(store, stranger)
        #expect(standing == .activeKeyMissing(store.old.id, rows: 2) && active == store.old.id)
        let credentials = CredentialStore(vault: Vault(stranger.sealing(with: active)))
        let new = NewCredential(group: StoreFixture.acme, provider: "x", key: Secret("new-key"), createdBy: "t")
        let now = store.clock.now
        await #expect(throws: CredentialStoreError.vault(.activeKeyMissing(store.old.id))) {
            try await store.database.write { _ = try credentials.create(new, now: now, in: $0) }
        }
        _ = try await store.database.write { try $0.execute("DELETE FROM credentials") }
        #expect(try await self.standing(store, stranger) == (.current, store.new.id))
        _ = try await store.database.write { try credentials.create(new, now: now, in: $0) }
    }

    @Test func `a gateway that has not heard of the flip seals with the new key`() async throws {
        let store = try await StoreFixture()
        let stale = store.credentials
        _ = try await store.rotation().run()
        let new = NewCredential(group: StoreFixture.acme, provider: "x", key: Secret("new-key"), createdBy: "t")
        let now = store.clock.now
        let record = try await store.database.write { try stale.create(new, now: now, in: $0) }
        #expect(record.keyID == store.new.id)
    }

    @Test func `rows that calls come across are re-sealed, and each only once`() async throws {
        let store = try await StoreFixture()
        try await store.fill(3)
        let before = try await store.contents(store.ring)
        let ids = Array(before.keys) + ["gone"]
        let (now, new) = (store.clock.now, store.new.id)
        _ = try await store.database.write { try KeyRingStore().activate(new, now: now, in: $0) }
        #expect(try await store.database.write { try store.credentials.reseal(ids, in: $0) } == 3)
        #expect(try await store.database.write { try store.credentials.reseal(ids, in: $0) } == 0)
        #expect(try await store.contents(Keyring(primary: store.new)) == before)
    }

    @Test func `a key is destroyed only after retirement, the time of the backups, and its name typed again (row 66)`()
        async throws
    {
        let store = try await StoreFixture()
        try await store.fill(2)
        let old = store.old.id
        let disposal = KeyDisposal(store.database, ring: store.ring)
        func destroy(_ confirmation: String? = nil) async -> KeyDisposal.Failure? {
            do {
                try await disposal.destroy(
                    old,
                    confirmation: confirmation ?? old.text,
                    retention: 1000,
                    now: store.clock.now,
                    remove: {},
                    record: { _ in }
                )
                return nil
            } catch {
                return error as? KeyDisposal.Failure
            }
        }
        #expect(await destroy() == .notRetired(old, .active))
        await #expect(throws: KeyDisposal.Failure.isActive(old)) {
            try await disposal.retire(old, now: store.clock.now) { _ in }
        }
        _ = try await store.rotation().run()
        #expect(await destroy("yes") == .notConfirmed)
        let end = UnixTime(milliseconds: store.clock.now.milliseconds + 1000)
        #expect(await destroy() == .tooEarly(until: end))
        store.clock.advance(milliseconds: 1000)
        let id = try #require(try await store.contents(store.ring).keys.first)
        let row = try #require(try await store.database.read { try CredentialStore.sealedKey.row(id, in: $0) })
        let back = try Vault(Keyring(primary: store.old)).seal(bytes: [1], for: row.context)
        try await store.plant(back.blob, in: id)
        guard case .stillNeeded(rows: 1, _) = await destroy() else {
            Issue.record("a row still needs the key")
            return
        }
        try await store.plant(row.blob, in: id)
        #expect(await destroy() == nil)
        #expect(try await store.database.read { try KeyRingStore().state(of: old, in: $0) } == .destroyed)
        let again = store.rotation { plan in
            plan.old = store.new.id
            plan.new = old
        }
        #expect(await store.failure(of: again) == .keyDestroyed(old))
    }

    @Test func `without its audit record a key is neither retired nor destroyed (row 54)`() async throws {
        let store = try await StoreFixture()
        let (old, new) = (store.old.id, store.new.id)
        let now = store.clock.now
        _ = try await store.database.write { try KeyRingStore().activate(new, now: now, in: $0) }
        let disposal = KeyDisposal(store.database, ring: store.ring)
        await #expect(throws: TestFailure.injected) {
            try await disposal.retire(old, now: now) { _ in throw TestFailure.injected }
        }
        #expect(try await store.database.read { try KeyRingStore().state(of: old, in: $0) } == .decryptOnly)
    }
}
