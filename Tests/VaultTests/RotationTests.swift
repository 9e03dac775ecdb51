import Core
import Database
import NIOConcurrencyHelpers
import TestKit
import Testing

@testable import Vault

@Suite struct RotationTests {
    @Test func `afterwards the new key alone opens every row, and the old one is retired`() async throws {
        let store = try await StoreFixture()
        try await store.fill(20)
        let before = try await store.contents(store.ring)
        let records = NIOLockedValueBox<[RotationReport]>([])
        let surroundings = store.surroundings { report, _ in records.withLockedValue { $0.append(report) } }
        let report = try await store.rotation(batchRows: 7, surroundings: surroundings).run()
        #expect(try await store.contents(Keyring(primary: store.new)) == before)
        #expect(report.total == 20 && report.resealed == 20 && report.alreadyNew == 0 && report.passes == 1)
        #expect(report.backupPath == "backup.db" && !report.wasResumed && report.editedMeanwhile == 0)
        #expect(records.withLockedValue { $0 } == [report])
        let entries = try await store.database.read { try KeyRingStore().entries(in: $0) }
        #expect(entries.first { $0.id == store.old.id }?.state == .retired)
        #expect(entries.first { $0.id == store.new.id }?.state == .active)
        let state = try #require(try await store.database.read { try RotationStore().state(in: $0) })
        #expect(state.stage == .finished && state.leaseHolder == nil)
        let labels = try await store.database.read { try CredentialStore.sealedKey.labels(in: $0) }
        #expect(labels == [store.new.id.text: 20])
    }

    @Test func `a store in a file rotates while others read and write it (row 62)`() async throws {
        let folder = try ScratchFolder()
        let store = try await StoreFixture(file: "\(folder.path)/store.db")
        try await store.fill(RotationFaultTests.rows * 10)
        let before = try await store.contents(store.ring)
        let names = Array(before.keys.sorted())
        let isDone = NIOLockedValueBox(false)
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                var opened = 0
                while !isDone.withLockedValue({ $0 }) {
                    let id = names[opened % names.count]
                    let bytes = try await store.database.read { try store.credentials.open(id, group: nil, in: $0) }
                    #expect(bytes.plain == before[id])
                    opened += 1
                }
                return opened
            }
            let report = try await store.rotation(batchRows: 25).run()
            isDone.withLockedValue { $0 = true }
            #expect(report.resealed == names.count)
            for try await opened in group { #expect(opened > 0) }
        }
        #expect(try await store.contents(Keyring(primary: store.new)) == before)
    }

    @Test func `running it again does nothing and says so`() async throws {
        let store = try await StoreFixture()
        try await store.fill(5)
        _ = try await store.rotation().run()
        let before = try await store.database.read { try CredentialStore.sealedKey.rows(after: "", limit: 9, in: $0) }
        let again = try await store.rotation().run()
        let after = try await store.database.read { try CredentialStore.sealedKey.rows(after: "", limit: 9, in: $0) }
        #expect(again.resealed == 0 && again.alreadyNew == 5 && again.wasResumed)
        #expect(before.map(\.blob) == after.map(\.blob))
    }

    @Test func `a dry run counts and changes nothing`() async throws {
        let store = try await StoreFixture()
        try await store.fill(5)
        let beat = InstanceStore.Instance(id: "gw-1", version: "1", keyIDs: [store.old.id], seenAt: store.clock.now)
        try await store.database.write { try InstanceStore().beat(beat, in: $0) }
        let report = try await store.rotation { $0.isDryRun = true }.run()
        #expect(report.total == 5 && report.resealed == 0 && report.lacking == ["gw-1"] && report.isDryRun)
        #expect(try await store.database.read { try RotationStore().state(in: $0) } == nil)
        #expect(try await store.contents(Keyring(primary: store.old)).count == 5)
    }

    @Test func `what cannot work is refused before anything is changed`() async throws {
        let store = try await StoreFixture()
        try await store.fill(3)
        #expect(await store.failure(of: store.rotation { $0.new = store.old.id }) == .sameKey)
        let stranger = try SealingKey(seed: 3).id
        #expect(await store.failure(of: store.rotation { $0.new = stranger }) == .keyMissing(stranger))
        let reversed = store.rotation { plan in
            plan.old = store.new.id
            plan.new = store.old.id
        }
        #expect(await store.failure(of: reversed) == nil, "from a key nothing is under, to the one in use")
        #expect(try await store.contents(Keyring(primary: store.old)).count == 3)
    }

    @Test func `a row that nobody can open stops it at the beginning, by its name`() async throws {
        let store = try await StoreFixture()
        try await store.fill(6)
        let id = try #require(try await store.contents(store.ring).keys.sorted().last)
        try await store.plant([1, 2, 3], in: id)
        guard case .unreadable(let rows) = await store.failure(of: store.rotation()) else {
            Issue.record("it was not refused")
            return
        }
        #expect(rows.map(\.place) == [SealedPlace(column: "credentials.enc_key", id: id)])
        #expect(try await store.database.read { try RotationStore().state(in: $0) } == nil)
    }

    @Test func `a sealed column that nobody declared stops it (row 63)`() async throws {
        let store = try await StoreFixture()
        try await store.database.write { session in
            try session.execute("CREATE TABLE tools (id TEXT PRIMARY KEY, enc_token BLOB, encoding TEXT)")
        }
        #expect(await store.failure(of: store.rotation()) == .unregisteredColumns(["tools.enc_token"]))
    }

    @Test func `every sealed column of the schema is in the registry (row 63)`() async throws {
        let store = try await StoreFixture()
        #expect(try await store.database.read { try EncryptedColumns.unregistered(in: $0) } == [])
        #expect(
            try await store.database.read { try EncryptedColumns.unregistered(beside: [], in: $0) }
                == ["credentials.enc_key"]
        )
    }

    @Test func `a gateway without the new key stops it, by its name; force goes on and says so (row 64)`() async throws
    {
        let store = try await StoreFixture()
        try await store.fill(4)
        let (old, new) = (store.old.id, store.new.id)
        let start = store.clock.now
        try await store.database.write { session in
            for (name, keys) in [("gw-1", [old, new]), ("gw-2", [old])] {
                let instance = InstanceStore.Instance(id: name, version: "1", keyIDs: keys, seenAt: start)
                try InstanceStore().beat(instance, in: session)
            }
        }
        #expect(await store.failure(of: store.rotation()) == .instancesLackKey(["gw-2"], key: new))
        #expect(try await store.contents(Keyring(primary: store.old)).count == 4)
        let state = try #require(try await store.database.read { try RotationStore().state(in: $0) })
        #expect(state.stage == .keyAdded && state.leaseHolder == nil)
        let active = try await store.database.read { try KeyRingStore().activeID(in: $0) }
        #expect(active == old)

        let forced = try await store.rotation { $0.isForced = true }.run()
        #expect(forced.lacking == ["gw-2"] && forced.isForced && forced.wasResumed && forced.resealed == 4)
    }

    @Test func `a gateway that has been silent, or has left, is not waited for`() async throws {
        let store = try await StoreFixture()
        try await store.fill(1)
        let start = store.clock.now
        let old = store.old.id
        try await store.database.write { session in
            for name in ["gw-1", "gw-2"] {
                let instance = InstanceStore.Instance(id: name, version: "1", keyIDs: [old], seenAt: start)
                try InstanceStore().beat(instance, in: session)
            }
            try InstanceStore().leave("gw-1", in: session)
        }
        store.clock.advance(milliseconds: InstanceStore.silenceMilliseconds)
        #expect(await store.failure(of: store.rotation()) == .instancesLackKey(["gw-2"], key: store.new.id))
        store.clock.advance(milliseconds: 1)
        #expect(await store.failure(of: store.rotation()) == nil)
    }

    @Test func `a label that lies is found by the last look, and the old key is not retired (row 65)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(8)
        let id = try #require(try await store.contents(store.ring).keys.sorted().first)
        let row = try #require(try await store.database.read { try CredentialStore.sealedKey.row(id, in: $0) })
        // The header claims the new key; the ciphertext is under the old one. It appears while rows are re-sealed.
        let lying = Array(row.blob[..<5]) + store.new.id.bytes + row.blob[21...]
        let planted = NIOLockedValueBox(false)
        var surroundings = store.surroundings()
        surroundings.pause = {
            let isFirst = planted.withLockedValue { done in
                defer { done = true }
                return !done
            }
            if isFirst { try await store.plant(lying, label: store.new.id, in: id) }
        }
        guard case .notVerified(let rows) = await store.failure(of: store.rotation(surroundings: surroundings)) else {
            Issue.record("the lie was believed")
            return
        }
        #expect(rows.map(\.place.id) == [id])
        let disposal = KeyDisposal(store.database, ring: store.ring)
        await #expect(throws: KeyDisposal.Failure.self) {
            try await disposal.retire(store.old.id, now: store.clock.now) { _ in }
        }
        let look = try await Verification.run(store.database, ring: try store.ring.only(store.new.id))
        #expect(look.badCount == 1 && look.bad.map(\.place.id) == [id] && look.rows(under: store.new.id) == 8)
    }

    @Test func `a wrong label beside a good blob is put right`() async throws {
        let store = try await StoreFixture()
        try await store.fill(3)
        let id = try #require(try await store.contents(store.ring).keys.first)
        let row = try #require(try await store.database.read { try CredentialStore.sealedKey.row(id, in: $0) })
        try await store.plant(row.blob, label: store.new.id, in: id)
        let before = try await Verification.run(store.database, ring: store.ring)
        #expect(before.mislabelled == 1 && before.isComplete)
        let report = try await store.rotation().run()
        #expect(report.resealed == 3)
        let after = try await Verification.run(store.database, ring: Keyring(primary: store.new))
        #expect(after.mislabelled == 0 && after.isComplete)
    }

    @Test func `keys that are added and changed meanwhile win, and end up under the new key (row 62)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(30)
        let victims = Array(try await store.contents(store.ring).keys.sorted())
        let round = NIOLockedValueBox(0)
        let expected = NIOLockedValueBox<[String: [UInt8]]>([:])
        var surroundings = store.surroundings()
        surroundings.pause = {
            let turn = round.withLockedValue { value in
                value += 1
                return value
            }
            guard turn <= 5 else { return }
            // A gateway that has not noticed the flip, and replaces the sealed bytes of one row under the old key.
            let row = try #require(
                try await store.database.read { try CredentialStore.sealedKey.row(victims[turn], in: $0) }
            )
            let text = Array("edited-\(turn)".utf8)
            let stale = try Vault(Keyring(primary: store.old)).seal(bytes: text, for: row.context)
            try await store.plant(stale.blob, label: store.old.id, in: row.id)
            expected.withLockedValue { $0[row.id] = text }
            // One that goes through the store seals with the new key at once.
            let added = NewCredential(
                group: StoreFixture.acme,
                provider: "added-\(turn)",
                key: Secret("added-\(turn)-key"),
                createdBy: "t"
            )
            let now = store.clock.now
            let record = try await store.database.write { try store.credentials.create(added, now: now, in: $0) }
            #expect(record.keyID == store.new.id)
        }
        let report = try await store.rotation(batchRows: 3, surroundings: surroundings).run()
        let after = try await store.contents(Keyring(primary: store.new))
        #expect(after.count == 35 && report.total == 35 && report.passes >= 2)
        for (id, text) in expected.withLockedValue({ $0 }) { #expect(after[id] == text) }
    }

    @Test func `a row that changes between reading and writing keeps the change (row 62)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(1)
        let row = try #require(
            try await store.database.read { try CredentialStore.sealedKey.rows(after: "", limit: 1, in: $0) }.first
        )
        let edited = try Vault(Keyring(primary: store.old)).seal(bytes: [1, 2, 3], for: row.context)
        try await store.plant(edited.blob, in: row.id)
        let late = try Vault(Keyring(primary: store.new)).seal(bytes: [9], for: row.context)
        let replaced = try await store.database.write { try CredentialStore.sealedKey.replace(row, with: late, in: $0) }
        #expect(!replaced)
        #expect(try await store.contents(store.ring)[row.id] == [1, 2, 3])
    }
}
