import Audit
import Auth
import Core
import Database
import NIOConcurrencyHelpers
import SQLite
import Testing
import Vault

@testable import Operations

@Suite struct AdministrationTests {
    private let red = AdministrationFixture.red
    private let blue = AdministrationFixture.blue

    @Test func `a group administrator can make no system administrator, by no way (row 46)`() async throws {
        let store = try await AdministrationFixture()
        let (api, admin) = (store.administration, store.admin)
        let boss = try await api.createUser(NewUser(name: "Boss", role: .systemAdmin), in: self.red, by: store.system)
        let own = GatewayKeyRecord.Draft(name: "own", owner: .user(boss.id), scopes: [.admin])
        let key = try await api.createKey(own, in: self.red, by: store.system).record.id
        let before = try await store.database.read { try $0.revision() }
        let identity = User.Identity(issuer: "https://id.example", subject: "victim")
        let refused: [GatewayError.Code?] = [
            await code { try await api.createUser(NewUser(name: "x", role: .systemAdmin), in: red, by: admin) },
            await code { try await api.createUser(NewUser(name: "x", identity: identity), in: red, by: admin) },
            await code {
                try await api.updateUser(UserID("ada"), of: red, .init(role: .systemAdmin), isEnabled: nil, by: admin)
            },
            await code { try await api.updateUser(boss.id, of: red, .init(role: .member), isEnabled: nil, by: admin) },
            await code { try await api.updateUser(boss.id, of: red, .init(name: "x"), isEnabled: nil, by: admin) },
            await code { try await api.updateUser(boss.id, of: red, .init(), isEnabled: false, by: admin) },
            await code { try await api.deleteUser(boss.id, of: red, by: admin) },
            await code { try await api.createKey(own, in: red, by: admin) },
            await code { try await api.rotateKey(key, of: red, overlap: .zero, by: admin) },
            await code { try await api.updateKey(key, of: red, .init(name: "x"), by: admin) },
            await code { try await api.revokeKey(key, of: red, by: admin) },
        ]
        #expect(refused.allSatisfy { $0 == .forbidden }, "\(refused)")
        #expect(try await store.database.read { try $0.revision() } == before)
        let records = try await store.records().suffix(refused.count)
        #expect(records.allSatisfy { $0.outcome == "refused" && $0.actor == "ada" && $0.details.contains("FORBIDDEN") })
    }

    @Test func `the last system administrator cannot be lost, by no way`() async throws {
        let store = try await AdministrationFixture()
        let (api, system, root) = (store.administration, store.system, UserID("root"))
        let refused: [GatewayError.Code?] = [
            await code { try await api.updateUser(root, of: blue, .init(role: .member), isEnabled: nil, by: system) },
            await code { try await api.updateUser(root, of: blue, .init(name: "x"), isEnabled: false, by: system) },
            await code { try await api.deleteUser(root, of: blue, by: system) },
            await code { try await api.deleteGroup(blue, by: system) },
        ]
        #expect(refused.allSatisfy { $0 == .conflict }, "\(refused)")
        let user = try await api.user(root, of: self.blue, by: system)
        #expect(user.name == "root" && user.isEnabled && user.role == .systemAdmin)
        // With a second one, the first may go.
        _ = try await api.createUser(NewUser(name: "Two", role: .systemAdmin), in: self.red, by: system)
        try await api.deleteGroup(self.blue, by: system)
        #expect(await code { try await api.group(blue, by: system) } == .notFound)
    }

    @Test func `a change is announced once it is committed, and a refused one is not`() async throws {
        let store = try await AdministrationFixture()
        _ = try await store.administration.renameGroup(self.red, to: "Red", by: store.admin)
        #expect(store.changes.withLockedValue { $0 } == 1)
        #expect(await code { try await store.administration.renameGroup(blue, to: "x", by: store.admin) } == .notFound)
        #expect(
            await code { try await store.administration.renameGroup(red, to: " ", by: store.admin) } == .invalidRequest
        )
        #expect(store.changes.withLockedValue { $0 } == 1)
        let records = try await store.records()
        #expect(records.map(\.outcome) == ["done", "refused"] && records[0].details.contains("\"keyId\":\"k1\""))
    }

    @Test func `somebody who is refused without end cannot fill the audit log`() async throws {
        let store = try await AdministrationFixture()
        let limit = RefusalBudget.perMinute
        for _ in 0..<(limit + 30) {
            _ = await code { try await store.administration.deleteGroup(red, by: store.admin) }
        }
        #expect(try await store.records().count == limit)
        store.clock.withLockedValue { $0 = UnixTime(seconds: $0.seconds + 60) }
        _ = await code { try await store.administration.deleteGroup(red, by: store.admin) }
        let last = try #require(try await store.records().last)
        #expect(last.details.contains("\"unrecordedBefore\":30"))
    }

    @Test(arguments: [
        (CredentialTest.refused(status: 401), GatewayError.Code.credentialRejected),
        (.unknown("the provider answered 500"), .providerUnavailable),
    ])
    func `a key that its provider does not take is not stored if it was to be tried`(
        test: CredentialTest,
        expected: GatewayError.Code
    ) async throws {
        let store = try await AdministrationFixture(test: test)
        let (api, admin) = (store.administration, store.admin)
        let draft = CredentialDraft(provider: "openai", key: Secret("sk-0123456789abcdef"), isTested: true)
        #expect(await code { try await api.createCredential(draft, in: red, by: admin) } == expected)
        let none = try await api.listCredentials(of: self.red, filter: .init(), after: nil, limit: 5, by: admin)
        #expect(none.items.isEmpty)
        var untested = draft
        untested.isTested = false
        let stored = try await api.createCredential(untested, in: self.red, by: admin)
        let replaced = await code {
            try await api.replaceCredential(stored.record.id, of: red, with: draft.key, isTested: true, by: admin)
        }
        #expect(replaced == expected)
        #expect(try await api.credential(stored.record.id, of: self.red, by: admin).record.isActive)
    }

    @Test func `a key is not tried for somebody who may not store it, nor where there is no room for it`() async throws
    {
        let store = try await AdministrationFixture(test: .refused(status: 401))
        let draft = CredentialDraft(provider: "openai", key: Secret("sk-0123456789abcdef"), isTested: true)
        let (api, admin) = (store.administration, store.admin)
        #expect(await code { try await api.createCredential(draft, in: blue, by: admin) } == .notFound)
        var untested = draft
        untested.isTested = false
        _ = try await api.createCredential(untested, in: self.red, by: admin)
        #expect(await code { try await api.createCredential(draft, in: red, by: admin) } == .duplicateCredential)
    }

    @Test func `a store without room refuses changes as unrecorded, and lookups as unavailable (row 54)`() async throws
    {
        let store = try await AdministrationFixture()
        for error in [DatabaseError.full, .ioFailed, .readOnly] {
            #expect(GatewayError(administration: TenantError.store(error), isChange: true).code == .auditUnavailable)
            #expect(GatewayError(administration: error, isChange: true).code == .auditUnavailable)
            #expect(
                GatewayError(administration: CredentialStoreError.database(error), isChange: false).code
                    == .storeUnavailable
            )
        }
        try await store.database.write { session in
            let pages = try session.first("PRAGMA page_count")?.integer("page_count") ?? 0
            _ = try session.rows(pages > 0 ? "PRAGMA max_page_count = 1" : "PRAGMA page_count")
        }
        var outcome: GatewayError.Code?
        for number in 0..<200 where outcome == nil {
            let name = String(repeating: "n", count: 200)
            outcome = await code {
                try await store.administration.createGroup(id: GroupID("g\(number)"), name: name, by: store.system)
            }
            if outcome != nil {
                #expect(
                    await code { try await store.administration.group(GroupID("g\(number)"), by: store.system) }
                        == .notFound
                )
            }
        }
        #expect(outcome == .auditUnavailable)
        #expect(try await store.administration.group(self.red, by: store.system).name == "red")
    }
}
