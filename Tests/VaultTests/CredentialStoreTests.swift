import Core
import Database
import NIOCore
import Testing

@testable import Vault

@Suite struct CredentialStoreTests {
    private let acme = StoreFixture.acme
    private let bolt = StoreFixture.bolt

    private func new(_ group: GroupID, _ provider: String = "openai", key: String = "sk-or-v1-abcdefx4f2")
        -> NewCredential
    {
        NewCredential(group: group, provider: provider, key: Secret(key), createdBy: "admin")
    }

    /// Runs `body` in one transaction, at the time of the store's clock, and says how often it counted up the revision.
    private func write<Result: Sendable>(
        _ store: StoreFixture,
        _ body: @escaping @Sendable (CredentialStore, UnixTime, any SQLSession) throws -> Result
    ) async throws -> (result: Result, revisions: Int64) {
        let (credentials, now) = (store.credentials, store.clock.now)
        return try await store.database.write { session in
            let before = try session.revision()
            let result = try body(credentials, now, session)
            return (result, try session.revision() - before)
        }
    }

    private func failure(
        _ store: StoreFixture,
        _ body: @escaping @Sendable (CredentialStore, UnixTime, any SQLSession) throws -> Void
    ) async -> CredentialStoreError? {
        do {
            _ = try await self.write(store, body)
            return nil
        } catch {
            return error as? CredentialStoreError
        }
    }

    @Test func `a new credential is active, sealed for its place, and shows a hint only`() async throws {
        let store = try await StoreFixture()
        let new = self.new(self.acme)
        let (record, revisions) = try await self.write(store) { try $0.create(new, now: $1, in: $2) }
        #expect(revisions == 1)
        #expect(record.isActive && record.keyHint == "sk-or-v1…x4f2" && record.createdBy == "admin")
        #expect(record.group == self.acme && record.provider == "openai" && record.keyID == store.old.id)
        #expect(record.createdAt == store.clock.now && record.lastUsedAt == nil && record.rejectedAt == nil)
        #expect(record.id.hasPrefix("cred_") && record.id.count == 29)
        #expect(record.isReadable(with: store.ring) && !record.isReadable(with: Keyring(primary: store.new)))
        let active = try await store.database.read { try store.credentials.active(in: $0) }
        let sealed = try #require(active.first?.sealed)
        var head = ByteBuffer()
        try Vault(store.ring).open(sealed, into: &head)
        #expect(String(buffer: head) == "sk-or-v1-abcdefx4f2")
        let rows = try await store.database.read { try $0.rows("SELECT * FROM credentials") }
        #expect(!"\(rows)".contains("abcdef"))
    }

    @Test func `hints show 8 and 4 characters, and nothing of a short key`() {
        #expect(CredentialRecord.hint(of: Secret("123456789012")) == "***")
        #expect(CredentialRecord.hint(of: Secret("")) == "***")
        #expect(CredentialRecord.hint(of: Secret("1234567890123")) == "12345678…0123")
        #expect(CredentialRecord.hint(of: Secret("sk-ant-api03-secretsecret-tail")) == "sk-ant-a…tail")
    }

    @Test func `a second active key for the same provider is a duplicate; another group, or an inactive one, is not`()
        async throws
    {
        let store = try await StoreFixture()
        let (acme, bolt) = (self.new(self.acme), self.new(self.bolt))
        let (first, _) = try await self.write(store) { try $0.create(acme, now: $1, in: $2) }
        #expect(
            await self.failure(store) { _ = try $0.create(acme, now: $1, in: $2) } == .duplicate(provider: "openai")
        )
        _ = try await self.write(store) { try $0.create(bolt, now: $1, in: $2) }
        let off = try await self.write(store) { try $0.deactivate(first.id, group: nil, now: $1, in: $2) }
        #expect(!off.result.isActive && off.revisions == 1)
        let again = try await self.write(store) { try $0.deactivate(first.id, group: nil, now: $1, in: $2) }
        #expect(again.revisions == 0)
        _ = try await self.write(store) { try $0.create(acme, now: $1, in: $2) }
        #expect(
            await self.failure(store) { _ = try $0.activate(first.id, group: nil, now: $1, in: $2) }
                == .duplicate(provider: "openai")
        )
    }

    @Test func `another group's credential is not found, whatever one wants with it`() async throws {
        let store = try await StoreFixture()
        let (acme, bolt) = (self.new(self.acme), self.bolt)
        let (record, _) = try await self.write(store) { try $0.create(acme, now: $1, in: $2) }
        let id = record.id
        let attempts: [@Sendable (CredentialStore, UnixTime, any SQLSession) throws -> Void] = [
            { _ = try $0.find(id, group: bolt, in: $2) },
            { _ = try $0.deactivate(id, group: bolt, now: $1, in: $2) },
            { _ = try $0.activate(id, group: bolt, now: $1, in: $2) },
            { _ = try $0.delete(id, group: bolt, in: $2) },
            { _ = try $0.open(id, group: bolt, in: $2) },
            { _ = try $0.replace(id, group: bolt, with: Secret("another-key"), by: "x", now: $1, in: $2) },
            { _ = try $0.find("cred_none", group: nil, in: $2) },
        ]
        for attempt in attempts { #expect(await self.failure(store, attempt) == .notFound) }
        let found = try await store.database.read { try store.credentials.find(id, group: nil, in: $0) }
        #expect(found == record)
    }

    @Test func `what cannot be a key or a provider is refused, and so is a group that is not there`() async throws {
        let store = try await StoreFixture()
        for key in ["", "with space", "line\r\nbreak", "ümlaut", String(repeating: "x", count: 4097)] {
            let new = self.new(self.acme, key: key)
            #expect(await self.failure(store) { _ = try $0.create(new, now: $1, in: $2) } == .badKey)
        }
        for provider in ["", "a\nb", String(repeating: "x", count: 101)] {
            let new = self.new(self.acme, provider)
            #expect(await self.failure(store) { _ = try $0.create(new, now: $1, in: $2) } == .badProvider)
        }
        let nobody = self.new(GroupID("nobody"))
        #expect(
            await self.failure(store) { _ = try $0.create(nobody, now: $1, in: $2) } == .unknownGroup(GroupID("nobody"))
        )
    }

    @Test func `replacing makes the new key active or leaves the old one as it was`() async throws {
        let store = try await StoreFixture()
        let acme = self.new(self.acme)
        let (old, _) = try await self.write(store) { try $0.create(acme, now: $1, in: $2) }
        #expect(
            await self.failure(store) {
                _ = try $0.replace(old.id, group: nil, with: Secret("bad key"), by: "x", now: $1, in: $2)
            } == .badKey
        )
        #expect(try await store.database.read { try store.credentials.find(old.id, group: nil, in: $0) }.isActive)
        // It fails after the old one was switched off; the transaction takes that back.
        let broken = CredentialStore(vault: Vault(store.ring), entropy: .failing)
        let now = store.clock.now
        await #expect(throws: CredentialStoreError.vault(.noRandomness)) {
            try await store.database.write {
                _ = try broken.replace(old.id, group: nil, with: Secret("new-key-1"), by: "x", now: now, in: $0)
            }
        }
        #expect(try await store.database.read { try store.credentials.find(old.id, group: nil, in: $0) }.isActive)
        let (new, _) = try await self.write(store) {
            try $0.replace(old.id, group: nil, with: Secret("sk-new-0123456789"), by: "x", now: $1, in: $2)
        }
        let active = try await store.database.read { try store.credentials.active(in: $0) }
        #expect(active.map(\.id) == [new.id] && new.id != old.id && new.createdBy == "x")
        let opened = try await store.database.read { try store.credentials.open(new.id, group: self.acme, in: $0) }
        #expect(opened.plain == Array("sk-new-0123456789".utf8))
    }

    @Test func `deleting a group deletes its credentials`() async throws {
        let store = try await StoreFixture()
        try await store.fill(4)
        _ = try await store.database.write { try $0.execute("DELETE FROM groups WHERE id = \(StoreFixture.acme)") }
        let left = try await store.database.read { try store.credentials.list(CredentialFilter(), in: $0) }
        #expect(left.records.count == 2 && left.records.allSatisfy { $0.group == StoreFixture.bolt })
    }

    @Test func `pages cover everything once, whatever is added or deleted between them`() async throws {
        let store = try await StoreFixture()
        try await store.fill(25)
        var seen: [String] = []
        var cursor: String?
        repeat {
            let after = cursor
            let page = try await store.database.read {
                try store.credentials.list(CredentialFilter(), after: after, limit: 7, in: $0)
            }
            seen += page.records.map(\.id)
            cursor = page.next
            store.clock.advance(milliseconds: 1)
            let (gone, fresh, isEarly) = (seen[0], self.new(self.acme, "late-\(seen.count)"), seen.count < 20)
            _ = try await self.write(store) { credentials, now, session in
                _ = try? credentials.delete(gone, group: nil, in: session)
                if isEarly { _ = try credentials.create(fresh, now: now, in: session) }
            }
        } while cursor != nil && seen.count < 200
        #expect(Set(seen).count == seen.count && seen.count >= 25)
        for bad in ["x", "1", ".", "99999999999999999999.x"] {
            await #expect(throws: CredentialStoreError.badCursor) {
                try await store.database.read {
                    _ = try store.credentials.list(CredentialFilter(), after: bad, in: $0)
                }
            }
        }
    }

    @Test func `filters narrow the list`() async throws {
        let store = try await StoreFixture()
        try await store.fill(6)
        let all = try await store.database.read { try store.credentials.list(CredentialFilter(), in: $0) }.records
        let (off, bad) = (all[0].id, all[1].id)
        _ = try await self.write(store) { credentials, now, session in
            _ = try credentials.deactivate(off, group: nil, now: now, in: session)
            try credentials.markRejected(bad, at: now, in: session)
        }
        func count(_ filter: CredentialFilter) async throws -> Int {
            try await store.database.read { try store.credentials.list(filter, in: $0) }.records.count
        }
        #expect(try await count(CredentialFilter(group: self.acme)) == 3)
        #expect(try await count(CredentialFilter(provider: "p3")) == 1)
        #expect(try await count(CredentialFilter(isActive: false)) == 1)
        #expect(try await count(CredentialFilter(isActive: true)) == 5)
        #expect(try await count(CredentialFilter(isRejected: true)) == 1)
        #expect(try await count(CredentialFilter(group: GroupID("nobody"))) == 0)
    }

    @Test func `the first refusal is kept, acceptance and activation forget it`() async throws {
        let store = try await StoreFixture()
        let acme = self.new(self.acme)
        let (record, _) = try await self.write(store) { try $0.create(acme, now: $1, in: $2) }
        let id = record.id
        let start = store.clock.now
        let first = try await self.write(store) { try $0.markRejected(id, at: $1, in: $2) }
        store.clock.advance(milliseconds: 5)
        let second = try await self.write(store) { try $0.markRejected(id, at: $1, in: $2) }
        #expect(first.result && first.revisions == 1 && !second.result && second.revisions == 0)
        let find = { try await store.database.read { try store.credentials.find(id, group: nil, in: $0) } }
        #expect(try await find().rejectedAt == start)
        #expect(try await find().isActive)
        #expect(try await self.write(store) { try $0.markAccepted(id, in: $2) }.result)
        #expect(try await find().rejectedAt == nil)
        _ = try await self.write(store) { try $0.markRejected(id, at: $1, in: $2) }
        _ = try await self.write(store) { try $0.activate(id, group: nil, now: $1, in: $2) }
        #expect(try await find().rejectedAt == nil)
        #expect(try await self.write(store) { try $0.markRejected("gone", at: $1, in: $2) }.result == false)
    }

    @Test func `times of last use move forward only, and wake nobody`() async throws {
        let store = try await StoreFixture()
        try await store.fill(2)
        let ids = try await store.database.read { try store.credentials.list(CredentialFilter(), in: $0) }
            .records.map(\.id)
        let late = UnixTime(milliseconds: 2000)
        let early = UnixTime(milliseconds: 1000)
        for uses in [[ids[0]: late, "gone": late], [ids[0]: early, ids[1]: early]] {
            let (_, revisions) = try await self.write(store) { try $0.noteUses(uses, in: $2) }
            #expect(revisions == 0)
        }
        let records = try await store.database.read { try store.credentials.list(CredentialFilter(), in: $0) }.records
        #expect(records.map(\.lastUsedAt) == [late, early])
    }

    @Test func `a damaged row does not keep the others out of the book (row 60)`() async throws {
        let store = try await StoreFixture()
        try await store.fill(3)
        let id = try #require(try await store.contents(store.ring).keys.first)
        try await store.plant([0], in: id)
        let active = try await store.database.read { try store.credentials.active(in: $0) }
        #expect(active.count == 3 && active.filter { $0.sealed == nil }.map(\.id) == [id])
    }
}
