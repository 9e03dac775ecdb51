import Core
import Database
import Glibc
import NIOConcurrencyHelpers
import Testing

@testable import Vault

@Suite struct RotationFaultTests {
    /// How many rows the exhaustive test has: `TURNPIKE_ROTATION_ROWS`, or 20.
    static let rows = getenv("TURNPIKE_ROTATION_ROWS").flatMap { Int(String(cString: $0)) } ?? 20

    @Test(arguments: [true, false])
    func `whichever step fails, every row opens, and the next run finishes (row 61)`(isCrash: Bool) async throws {
        var failures = 0
        let batch = max(6, Self.rows / 20)
        for step in 1... {
            let store = try await StoreFixture()
            try await store.fill(Self.rows)
            let before = try await store.contents(store.ring)
            let faulty = FaultyDatabase(store.database, failAt: step, isCrash: isCrash)
            let failure = await store.failure(of: store.rotation(faulty, holder: "first", batchRows: batch))
            guard faulty.hasFailed else {
                #expect(failure == nil)
                break
            }
            failures += 1
            #expect(try await store.contents(store.ring) == before, "step \(step)")
            // A killed run leaves its lease behind; one that failed has let go of it, unless that is what failed.
            store.clock.advance(milliseconds: 60_001)
            let again = await store.failure(of: store.rotation(holder: "second", batchRows: batch))
            #expect(again == nil, "step \(step)")
            #expect(try await store.contents(Keyring(primary: store.new)) == before, "step \(step)")
            let state = try await store.database.read { try KeyRingStore().state(of: store.old.id, in: $0) }
            #expect(state == .retired, "step \(step)")
        }
        #expect(failures > 60, "only \(failures) steps were found")
    }

    @Test func `a run that was killed again and again gets there (row 61)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(40)
        let before = try await store.contents(store.ring)
        var runs = 0
        while runs < 200 {
            runs += 1
            // Each run gets a little further than the one before it, since looking around costs the same every time.
            let faulty = FaultyDatabase(store.database, failAt: 10 + runs, isCrash: true)
            if await store.failure(of: store.rotation(faulty, holder: "run-\(runs)", batchRows: 2)) == nil { break }
            #expect(try await store.contents(store.ring) == before)
            store.clock.advance(milliseconds: 60_001)
        }
        #expect(runs > 5 && runs < 200)
        #expect(try await store.contents(Keyring(primary: store.new)) == before)
    }

    @Test func `a second run is refused while the first lives, and takes over when its lease ends (row 67)`()
        async throws
    {
        let store = try await StoreFixture()
        try await store.fill(10)
        let dead = FaultyDatabase(store.database, failAt: 30, isCrash: true)
        #expect(await store.failure(of: store.rotation(dead, holder: "first", batchRows: 2)) != nil)
        let state = try #require(try await store.database.read { try RotationStore().state(in: $0) })
        let until = try #require(state.leaseUntil)
        #expect(state.leaseHolder == "first" && until.milliseconds - store.clock.now.milliseconds <= 60_000)
        #expect(await store.failure(of: store.rotation(holder: "second")) == .held(by: "first", until: until))
        store.clock.advance(milliseconds: 60_000)
        let report = try await store.rotation(holder: "second").run()
        #expect(report.wasResumed)
        #expect(try await store.contents(Keyring(primary: store.new)).count == 10)
    }

    @Test func `two at once: one runs, the other is told so (row 67)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(10)
        let second = NIOLockedValueBox<RotationError?>(nil)
        var surroundings = store.surroundings()
        surroundings.pause = {
            let failure = await store.failure(of: store.rotation(holder: "second"))
            second.withLockedValue { $0 = failure }
        }
        _ = try await store.rotation(holder: "first", surroundings: surroundings).run()
        guard case .held(by: "first", _) = second.withLockedValue({ $0 }) else {
            Issue.record("the second run was not refused")
            return
        }
    }

    @Test func `a run that was silent for too long stops when another has taken over (row 67)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(10)
        let taken = NIOLockedValueBox(false)
        var surroundings = store.surroundings()
        surroundings.pause = {
            let isFirst = taken.withLockedValue { done in
                defer { done = true }
                return !done
            }
            guard isFirst else { return }
            store.clock.advance(milliseconds: 60_000)
            _ = try await store.rotation(holder: "second").run()
        }
        let first = store.rotation(holder: "first", batchRows: 2, surroundings: surroundings)
        #expect(await store.failure(of: first) == .leaseLost)
        #expect(try await store.contents(Keyring(primary: store.new)).count == 10)
    }

    @Test func `a backup that fails stops it before the first row (row 67)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(10)
        let before = try await store.database.read { try CredentialStore.sealedKey.rows(after: "", limit: 99, in: $0) }
        var surroundings = store.surroundings()
        surroundings.backUp = { throw DatabaseError.full }
        let failure = await store.failure(of: store.rotation(surroundings: surroundings))
        #expect(failure == .backupFailed("\(DatabaseError.full)"))
        let after = try await store.database.read { try CredentialStore.sealedKey.rows(after: "", limit: 99, in: $0) }
        #expect(before.map(\.blob) == after.map(\.blob))
        #expect(try await store.database.read { try KeyRingStore().activeID(in: $0) } == store.old.id)
        #expect(await store.failure(of: store.rotation()) == nil)
    }

    @Test func `without its audit record the old key is not retired, and the next run retires it (row 54)`()
        async throws
    {
        let store = try await StoreFixture()
        try await store.fill(10)
        let surroundings = store.surroundings { _, _ in throw TestFailure.injected }
        guard case .auditFailed = await store.failure(of: store.rotation(surroundings: surroundings)) else {
            Issue.record("the missing record went unnoticed")
            return
        }
        let read = { try await store.database.read { try KeyRingStore().state(of: store.old.id, in: $0) } }
        #expect(try await read() == .decryptOnly)
        // Whoever writes in between is not overlooked, although everything had been verified.
        let id = try #require(try await store.contents(store.ring).keys.first)
        let row = try #require(try await store.database.read { try CredentialStore.sealedKey.row(id, in: $0) })
        let late = try Vault(Keyring(primary: store.old)).seal(bytes: [1, 2, 3], for: row.context)
        try await store.plant(late.blob, label: store.old.id, in: id)
        #expect(await store.failure(of: store.rotation()) == nil)
        #expect(try await read() == .retired)
        #expect(try await store.contents(Keyring(primary: store.new))[id] == [1, 2, 3])
    }

    @Test func `a rotation that stopped halfway can be turned back`() async throws {
        let store = try await StoreFixture()
        try await store.fill(10)
        let before = try await store.contents(store.ring)
        let dead = FaultyDatabase(store.database, failAt: 60, isCrash: true)
        #expect(await store.failure(of: store.rotation(dead, batchRows: 2)) != nil)
        store.clock.advance(milliseconds: 60_001)
        let third = try SealingKey(seed: 300)
        let ring = store.ring.adding(third)
        let astray = Rotation(
            Rotation.Plan(old: store.old.id, new: third.id, holder: "x"),
            database: store.database,
            ring: ring,
            surroundings: store.surroundings()
        )
        #expect(await store.failure(of: astray) == .unfinished(from: store.old.id, to: store.new.id))
        let back = store.rotation { plan in
            plan.old = store.new.id
            plan.new = store.old.id
        }
        #expect(await store.failure(of: back) == nil)
        #expect(try await store.contents(Keyring(primary: store.old)) == before)
    }

    @Test func `a row whose content changed under the same seal is found by the last look`() async throws {
        let store = try await StoreFixture()
        try await store.fill(4)
        let id = try #require(try await store.contents(store.ring).keys.sorted().first)
        var surroundings = store.surroundings()
        surroundings.pause = {
            let row = try #require(try await store.database.read { try CredentialStore.sealedKey.row(id, in: $0) })
            let other = Vault(Keyring(primary: store.new), entropy: .fixed(Array(row.blob[21..<45])))
            try await store.plant(other.seal(bytes: [1, 2, 3], for: row.context).blob, in: id)
        }
        guard case .notVerified(let rows) = await store.failure(of: store.rotation(surroundings: surroundings)) else {
            Issue.record("the change went unnoticed")
            return
        }
        #expect(rows.map(\.place.id) == [id] && rows[0].reason == "its content is not what it was")
    }

    @Test func `progress is told batch by batch, and a pause that ends the run leaves one that goes on`() async throws {
        let store = try await StoreFixture()
        try await store.fill(10)
        let heard = NIOLockedValueBox<[RotationProgress]>([])
        var surroundings = store.surroundings()
        surroundings.progress = { progress in heard.withLockedValue { $0.append(progress) } }
        surroundings.pause = {
            if heard.withLockedValue({ $0.count }) == 2 { throw CancellationError() }
        }
        let first = store.rotation(holder: "first", batchRows: 3, surroundings: surroundings)
        #expect(await store.failure(of: first) == .interrupted("cancelled"))
        #expect(heard.withLockedValue { $0.map(\.done) } == [3, 6])
        #expect(heard.withLockedValue { $0.allSatisfy { $0.total == 10 } })
        let state = try #require(try await store.database.read { try RotationStore().state(in: $0) })
        #expect(state.stage == .resealing && state.resealed == 6 && state.leaseHolder == nil)
        surroundings.pause = {}
        let report = try await store.rotation(holder: "second", batchRows: 3, surroundings: surroundings).run()
        #expect(report.resealed == 4 && report.alreadyNew == 6 && report.wasResumed)
        #expect(heard.withLockedValue { $0.map(\.done) } == [3, 6, 9, 10])
    }

    @Test func `a key file that cannot be written stops it before the flip`() async throws {
        let store = try await StoreFixture()
        try await store.fill(3)
        var surroundings = store.surroundings()
        surroundings.keepBothKeys = { _ in throw TestFailure.injected }
        guard case .keyFileFailed = await store.failure(of: store.rotation(surroundings: surroundings)) else {
            Issue.record("it went on without the file")
            return
        }
        #expect(try await store.database.read { try KeyRingStore().activeID(in: $0) } == store.old.id)
        #expect(try await store.contents(Keyring(primary: store.old)).count == 3)
    }
}
