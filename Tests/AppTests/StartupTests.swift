import Audit
import Auth
import Core
import Database
import Glibc
import NIOCore
import Providers
import SQLite
import Testing
import Vault

@testable import Engine
@testable import turnpike

@Suite struct StartupTests {
    private static let bootstrap = """
        bootstrap:
          groups:
            - id: demo
              name: Demo
              users: [ { id: anna, role: group_admin } ]
              credentials: [ { provider: openai, api_key: sk-canary-bootstrap-0123456789 } ]
              keys:
                - { name: dev, secret: tp_test_canary-dev-0123456789 }
                - { name: boss, secret: tp_test_canary-boss-0123456789, user: anna, scopes: [inference, admin] }
            - id: other
              keys: [ { name: dev, secret: tp_test_canary-other-0123456789 } ]
        """

    /// Opens the store as `serve` does, lends it, and closes it.
    @discardableResult
    private func start<Result: Sendable>(
        _ settings: Settings,
        _ use: (Startup) async throws -> Result
    ) async throws -> Result {
        let startup = try await Startup.open(settings)
        do {
            let result = try await use(startup)
            await startup.store.close()
            return result
        } catch {
            await startup.store.close()
            throw error
        }
    }

    /// The one line that a refused start prints.
    private func refusal(_ settings: Settings) async throws -> String {
        do {
            try await self.start(settings) { _ in }
            return ""
        } catch let failure as CommandFailure {
            return failure.message
        }
    }

    private func principal(_ key: String, _ startup: Startup) async throws -> Principal? {
        let contents = try await StoreContents.load(startup.store, withPeople: false, now: SystemClock.now)
        return Array(key.utf8).withUnsafeBytes { contents.keys.principal(for: $0, now: SystemClock.now) }
    }

    // MARK: - The first start

    @Test func `the first start makes a store, its key, the group default and an administrator`() async throws {
        let folder = try DataFolder()
        try await self.start(try folder.settings()) { startup in
            #expect(startup.isFirstKeyNew && startup.store.opening.isNew && startup.store.opening.isKeyNew)
            let key = try #require(startup.firstKey).reveal { $0 }
            let principal = try #require(try await self.principal(key, startup))
            #expect(principal.group == .defaultGroup)
            #expect(principal.user == Bootstrap.adminID)
            #expect(principal.role == .systemAdmin)
            #expect(principal.scopes == [.inference, .admin])
        }
        for name in ["turnpike.db", "encryption.key", "first-key"] {
            #expect(SmallFile.stamp("\(folder.path)/\(name)")?.mode == 0o600, "\(name)")
        }
    }

    @Test func `the second start finds all of it, shows no key and writes no record`() async throws {
        let folder = try DataFolder()
        let settings = try folder.settings(Self.bootstrap.replacing("tp_test", with: "tp_once"))
        let first = try await self.start(settings) { startup in
            try await startup.store.database.read { try startup.store.audit.verify(in: $0).count }
        }
        #expect(first == 8, "two groups, a person, a credential, three keys, and default")
        try await self.start(settings) { startup in
            #expect(!startup.isFirstKeyNew && !startup.store.opening.isNew && !startup.store.opening.isKeyNew)
            let verdict = try await startup.store.database.read { try startup.store.audit.verify(in: $0) }
            #expect(verdict.isIntact)
            #expect(verdict.count == first)
        }
    }

    @Test func `the first key works again after another start, and is not made where there are keys`() async throws {
        let folder = try DataFolder()
        let key = try await self.start(try folder.settings()) { try #require($0.firstKey).reveal { $0 } }
        try await self.start(try folder.settings()) { startup in
            let again = try #require(startup.firstKey).reveal { $0 }
            #expect(again == key)
            #expect(!startup.isFirstKeyNew)
            #expect(try await self.principal(key, startup) != nil)
        }
        unlink(folder.path + "/first-key")
        try await self.start(try folder.settings()) { startup in
            #expect(startup.firstKey == nil, "somebody has a key already")
        }
    }

    // MARK: - Bootstrap

    @Test func `what the settings bring is put into the store once, and never overwritten`() async throws {
        let folder = try DataFolder()
        let settings = try folder.settings(Self.bootstrap)
        let (dev, boss) = ("tp_test_canary-dev-0123456789", "tp_test_canary-boss-0123456789")
        try await self.start(settings) { startup in
            #expect(startup.firstKey == nil)
            #expect(try await self.principal(dev, startup)?.group == GroupID("demo"))
            let admin = try #require(try await self.principal(boss, startup))
            #expect(admin.role == .groupAdmin && admin.scopes.contains(.admin) && admin.user == UserID("anna"))
            #expect(try await self.principal("tp_test_canary-other-0123456789", startup)?.group == GroupID("other"))
            try await startup.store.database.write { session in
                let id = try #require(try GatewayKeyStore().find(KeyDigest(of: dev), in: session)).id
                try GatewayKeyStore().revoke(id, of: GroupID("demo"), now: SystemClock.now, in: session)
                try GroupStore().rename(GroupID("demo"), to: "Changed", now: SystemClock.now, in: session)
            }
        }
        try await self.start(settings) { startup in
            #expect(try await self.principal(dev, startup) == nil, "a revoked key stays revoked")
            let group = try await startup.store.database.read { try GroupStore().get(GroupID("demo"), in: $0) }
            #expect(group.name == "Changed")
        }
    }

    @Test func `a key that another group has is refused, and nothing is taken over`() async throws {
        let folder = try DataFolder()
        try await self.start(try folder.settings(Self.bootstrap)) { _ in }
        let moved = """
            bootstrap:
              groups:
                - { id: third, keys: [ { name: dev, secret: tp_test_canary-dev-0123456789 } ] }
            """
        let line = try await self.refusal(try folder.settings(moved))
        #expect(line == "bootstrap: the key dev of group third is a key of group demo already")
        try await self.start(try folder.settings(Self.bootstrap)) { startup in
            let third = try await startup.store.database.read { try GroupStore().find(GroupID("third"), in: $0) }
            #expect(third == nil)
        }
    }

    @Test func `keys of the environment go to the group default alone, and give way to the store`() async throws {
        let folder = try DataFolder()
        let settings = try folder.settings(
            "bootstrap: { groups: [ { id: default }, { id: demo } ] }",
            ["OPENAI_API_KEY": "sk-canary-environment-1"]
        )
        try await self.start(settings) { startup in
            let environment = try EnvironmentCredentials(settings)
            func entries() async throws -> [CredentialBook.Entry] {
                let contents = try await StoreContents.load(startup.store, withPeople: false, now: SystemClock.now)
                return contents.credentialEntries(startup.store.vault, environment: environment)
            }
            let before = try await entries()
            #expect(before.map(\.group) == [.defaultGroup])
            #expect(before.map(\.id) == ["env:OPENAI_API_KEY"])
            var opened = ByteBuffer()
            try before.first?.open(&opened)
            #expect(String(buffer: opened) == "sk-canary-environment-1")
            let new = NewCredential(
                group: .defaultGroup,
                provider: "openai",
                key: Secret("sk-canary-stored-1"),
                createdBy: "test"
            )
            let credentials = startup.store.credentials
            let made = try await startup.store.database.write {
                try credentials.create(new, now: SystemClock.now, in: $0)
            }
            #expect(try await entries().map(\.id) == [made.id])
        }
    }

    /// Row 51.
    @Test func `no file in the data folder holds a provider key or a key of the settings`() async throws {
        let folder = try DataFolder()
        let settings = try folder.settings(Self.bootstrap, ["OPENAI_API_KEY": "sk-canary-environment-1"])
        try await self.start(settings) { startup in
            try await startup.store.database.backup(to: folder.path + "/copy.db")
            #expect(try !folder.everything().contains("canary"))
        }
        #expect(try !folder.everything().contains("canary"))
    }

    // MARK: - Starts that are refused (row 48)

    @Test func `a weak, short, missing or public encryption key refuses the start with one line`() async throws {
        let zeros = String(repeating: "0", count: 64)
        let folder = try DataFolder()
        #expect(
            try await self.refusal(try folder.settings(nil, ["CREDENTIAL_ENCRYPTION_KEY": zeros]))
                .contains("setting credentials.encryption_key is not safe")
        )
        let gone = try folder.settings("credentials: { encryption_key: 'file:\(folder.path)/nope' }")
        #expect(try await self.refusal(gone) == "key file \(folder.path)/nope: No such file or directory")
        try SmallFile.writePrivate("abc\n", to: folder.keyFile, replacing: false)
        #expect(try await self.refusal(try folder.settings()).contains("must be 64 hexadecimal digits"))
        unlink(folder.keyFile)
        try await self.start(try folder.settings()) { _ in }
        chmod(folder.keyFile, 0o644)
        let line = try await self.refusal(try folder.settings())
        #expect(line.contains("can be read by others (mode 0644)") && !line.contains("\n"))
    }

    @Test func `a key file that is gone is not made anew where it is needed`() async throws {
        let folder = try DataFolder()
        try await self.start(try folder.settings(Self.bootstrap)) { _ in }
        unlink(folder.keyFile)
        let line = try await self.refusal(try folder.settings(Self.bootstrap))
        #expect(line.contains("encryption.key: No such file or directory"))
        #expect(SmallFile.stamp(folder.keyFile) == nil)
    }

    @Test func `production makes neither an encryption key nor a gateway key`() async throws {
        let folder = try DataFolder()
        let yaml = "environment: production\ncredentials: { encryption_key: 'file:\(folder.path)/k' }"
        #expect(try await self.refusal(try folder.settings(yaml)).contains("No such file"))
        _ = try KeyFile(folder.path + "/k").create()
        try await self.start(try folder.settings(yaml)) { startup in
            #expect(startup.firstKey == nil)
            #expect(startup.warnings.contains { $0.contains("nobody has a gateway key yet") })
        }
        #expect(SmallFile.stamp(folder.path + "/first-key") == nil)
        #expect(SmallFile.stamp(folder.keyFile) == nil)
    }

    @Test func `a store of a later version, or no store at all, refuses the start`() async throws {
        let folder = try DataFolder()
        try await self.start(try folder.settings()) { startup in
            try await startup.store.database.write { session in
                try session.execute(
                    "INSERT INTO schema_version (version, name, checksum, applied_at) VALUES (9999, 'x', 1, 1)"
                )
            }
        }
        #expect(try await self.refusal(try folder.settings()).contains("schema version 9999"))
        let other = try DataFolder()
        try SmallFile.writePrivate(
            String(repeating: "no database ", count: 1000),
            to: other.path + "/turnpike.db",
            replacing: false
        )
        #expect(try await self.refusal(try other.settings()).contains("turnpike.db: the file is not a database"))
    }

    // MARK: - Keys that change

    @Test func `another key in front of the old one is noticed, and the old one goes on sealing`() async throws {
        let folder = try DataFolder()
        try await self.start(try folder.settings(Self.bootstrap)) { _ in }
        let new = try KeyFile(folder.path + "/new").create()
        let yaml =
            Self.bootstrap + """

                credentials:
                  encryption_key: file:\(folder.path)/new
                  previous_keys: [ "file:\(folder.keyFile)" ]
                """
        try await self.start(try folder.settings(yaml)) { startup in
            guard case .rotationWanted(let old, let wanted) = startup.store.opening.standing else {
                Issue.record("\(startup.store.opening.standing)")
                return
            }
            #expect(wanted == new.id)
            #expect(startup.store.keyring.activeID == old)
            #expect(startup.warnings.contains { $0.contains("re-sealed as soon as") })
        }
        let alone = Self.bootstrap + "\ncredentials: { encryption_key: 'file:\(folder.path)/new' }"
        try await self.start(try folder.settings(alone)) { startup in
            #expect(startup.warnings.contains { $0.contains("1 credentials cannot be read") })
        }
    }
}
