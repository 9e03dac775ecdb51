import Core
import Database
import Glibc
import NIOConcurrencyHelpers
import SQLite
import TestKit
import Testing

@testable import Vault

/// A migrated store with two groups, a clock that is moved by hand, and an old and a new key.
struct StoreFixture: Sendable {
    let database: any Database
    let clock = HandClock()
    let old: SealingKey
    let new: SealingKey

    static let acme = GroupID("acme")
    static let bolt = GroupID("bolt")

    init(file: String? = nil) async throws {
        self.database = try file.map { try SQLiteDatabase.open(path: $0) } ?? SQLiteDatabase.inMemory()
        self.old = try SealingKey(seed: 100)
        self.new = try SealingKey(seed: 200)
        _ = try await MigrationRunner().run(on: self.database, now: self.clock.now)
        let now = self.clock.now
        let old = self.old
        try await self.database.write { session in
            for group in [Self.acme, Self.bolt] {
                try session.execute(
                    """
                    INSERT INTO groups (id, name, created_at, updated_at)
                    VALUES (\(group), \(group.text), \(now), \(now))
                    """
                )
            }
            _ = try KeyRingStore().reconcile(Keyring(primary: old), now: now, in: session)
        }
    }

    /// The old key first, as before a rotation, with the new one to read.
    var ring: Keyring { Keyring(primary: self.old, previous: [self.new]) }

    /// A store that seals with the old key, as long as the store says so.
    var credentials: CredentialStore { CredentialStore(vault: Vault(self.ring)) }

    /// Adds `count` credentials under the active key, alternating between the groups.
    func fill(_ count: Int) async throws {
        let store = self.credentials
        let now = self.clock.now
        try await self.database.write { session in
            for index in 0..<count {
                let group = index % 2 == 0 ? Self.acme : Self.bolt
                let new = NewCredential(
                    group: group,
                    provider: "p\(index)",
                    key: Secret("key-of-row-\(index)"),
                    createdBy: "test"
                )
                _ = try store.create(new, now: now, in: session)
            }
        }
    }

    /// What each row holds, opened with `ring`; throws if one cannot be opened.
    func contents(_ ring: Keyring) async throws -> [String: [UInt8]] {
        let vault = Vault(ring)
        let rows = try await self.database.read {
            try CredentialStore.sealedKey.rows(after: "", limit: 100_000, in: $0)
        }
        var contents: [String: [UInt8]] = [:]
        for row in rows { contents[row.id] = try vault.open(blob: row.blob, for: row.context) }
        return contents
    }

    func surroundings(
        record: @escaping @Sendable (RotationReport, any SQLSession) throws -> Void = { _, _ in }
    ) -> Rotation.Surroundings {
        let clock = self.clock
        return Rotation.Surroundings(
            now: { clock.now },
            backUp: { Rotation.Backup(path: "backup.db", digest: "00") },
            record: record
        )
    }

    func rotation(
        _ database: (any Database)? = nil,
        holder: String = "one",
        batchRows: Int = 500,
        surroundings: Rotation.Surroundings? = nil,
        change: (inout Rotation.Plan) -> Void = { _ in }
    ) -> Rotation {
        var plan = Rotation.Plan(old: self.old.id, new: self.new.id, holder: holder, batchRows: batchRows)
        change(&plan)
        return Rotation(
            plan,
            database: database ?? self.database,
            ring: self.ring,
            surroundings: surroundings ?? self.surroundings()
        )
    }

    /// What a rotation fails with; nil if it does not.
    func failure(of rotation: Rotation) async -> RotationError? {
        do {
            _ = try await rotation.run()
            return nil
        } catch {
            return error as? RotationError ?? .interrupted("not an error of a rotation: \(error)")
        }
    }

    /// Overwrites a sealed key behind the store's back.
    func plant(_ blob: [UInt8], label: KeyID? = nil, in id: String) async throws {
        try await self.database.write { session in
            try session.execute("UPDATE credentials SET enc_key = \(blob) WHERE id = \(id)")
            if let label {
                try session.execute("UPDATE credentials SET key_id = \(label.text) WHERE id = \(id)")
            }
        }
    }
}

/// A clock that stands still until it is moved.
final class HandClock: Sendable {
    private let time = NIOLockedValueBox(UnixTime(milliseconds: 1_700_000_000_000))

    var now: UnixTime { self.time.withLockedValue { $0 } }

    func advance(milliseconds: Int64) { self.time.withLockedValue { $0.milliseconds += milliseconds } }
}

extension ScratchFolder {
    /// Writes a file with the given mode, whatever the umask.
    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        let path = "\(self.path)/\(name)"
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let bytes = Array(text.utf8)
        try #require(Glibc.write(file, bytes, bytes.count) == bytes.count)
        try #require(fchmod(file, mode) == 0)
        return path
    }
}
