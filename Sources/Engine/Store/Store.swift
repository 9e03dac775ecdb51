package import Audit
import Core
package import Database
import NIOConcurrencyHelpers
import SQLite
package import Vault

/// The store of this process: the database, the keys for it, and what goes through both.
package final class Store: Sendable {
    /// What opening found out.
    package struct Opening: Sendable {
        /// Whether the database was made now.
        package var isNew: Bool
        /// Whether the encryption key was made now.
        package var isKeyNew: Bool
        package var standing: KeyRingStore.Standing
    }

    package let database: any Database
    /// The file, for people.
    package let path: String
    package let opening: Opening
    private let ring: NIOLockedValueBox<Keyring>

    private init(database: any Database, path: String, ring: Keyring, opening: Opening) {
        self.database = database
        self.path = path
        self.ring = NIOLockedValueBox(ring)
        self.opening = opening
    }

    /// Opens the database of `settings`, brings it to this build's schema, and reads the keys for it.
    ///
    /// - Throws: `CommandFailure` with one line for the operator; nothing was changed then but for a schema that was
    ///   brought forward.
    package static func open(_ settings: Settings, environment: [String: String] = SettingsEnvironment.all) async throws
        -> Store
    {
        let path = settings.storage.path
        let isNew = SmallFile.stamp(path) == nil
        let database: SQLiteDatabase
        do {
            database = try SQLiteDatabase.open(path: path)
        } catch {
            throw Self.failure(error, path)
        }
        do {
            return try await Self.prepare(
                database,
                path: path,
                isNew: isNew,
                keys: KeySources(settings, environment: environment)
            )
        } catch {
            await database.close()
            throw Self.failure(error, path)
        }
    }

    /// Opens a store that is there without changing anything in it; for `doctor`.
    ///
    /// - Throws: `CommandFailure`; also for a store of an older schema, which the next start brings forward.
    package static func look(at settings: Settings) async throws -> Store {
        let path = settings.storage.path
        let database: SQLiteDatabase
        do { database = try SQLiteDatabase.open(path: path) } catch { throw Self.failure(error, path) }
        do {
            let runner = MigrationRunner()
            let version = try await database.read { try runner.version(in: $0) }
            guard version == runner.latest else {
                throw CommandFailure("\(path) has schema \(version); the next start brings it to \(runner.latest)")
            }
            let ring = try await KeySources(settings).read(createsFile: false).ring
            let (active, standing) = try await database.read { session in
                let active = try KeyRingStore().activeID(in: session)
                return (active, try Self.standing(of: ring, active, in: session))
            }
            return Store(
                database: database,
                path: path,
                ring: active.map { ring.sealing(with: $0) } ?? ring,
                opening: Opening(isNew: false, isKeyNew: false, standing: standing)
            )
        } catch {
            await database.close()
            throw Self.failure(error, path)
        }
    }

    /// How the keys of the settings stand to a store in which nothing may be changed.
    private static func standing(
        of ring: Keyring,
        _ active: KeyID?,
        in session: any SQLSession
    ) throws -> KeyRingStore.Standing {
        guard let active, active != ring.primary.id else { return .current }
        if ring.ids.contains(active) { return try KeyRingStore().wish(of: ring, active, in: session) }
        let labels = try CredentialStore.sealedKey.labels(in: session)
        return .activeKeyMissing(active, rows: labels[active.text] ?? 0)
    }

    /// The rest of `open`, over any database.
    static func prepare(
        _ database: any Database,
        path: String,
        isNew: Bool,
        keys: KeySources
    ) async throws -> Store {
        try await MigrationRunner().run(on: database, now: SystemClock.now)
        let sealed = try await database.read { session in
            try EncryptedColumns.all.reduce(0) { try $0 + $1.count(in: session) }
        }
        let found = try await keys.read(createsFile: sealed == 0)
        let (standing, ring) = try await database.write { session in
            try KeyRingStore().reconcile(found.ring, now: SystemClock.now, in: session)
        }
        return Store(
            database: database,
            path: path,
            ring: ring,
            opening: Opening(isNew: isNew, isKeyNew: found.isNew, standing: standing)
        )
    }

    /// The keys in force.
    package var keyring: Keyring { self.ring.withLockedValue { $0 } }

    /// What is wrong with the keys although the store can be read; names no key but by its id.
    package var trouble: String? {
        let ring = self.keyring
        guard !ring.ids.contains(ring.activeID) else { return nil }
        return "the encryption key \(ring.activeID.short) that the store seals with is not in the settings"
    }

    /// Seals and opens with the keys in force.
    package var vault: Vault { Vault(self.keyring) }

    package var credentials: CredentialStore { CredentialStore(vault: self.vault) }

    /// The audit log, signed with the key that seals.
    package var audit: AuditLog { AuditLog(self.keyring) }

    /// Reads the keys again, compares them with the store, and puts them in force.
    ///
    /// - Returns: How they stand to each other, and whether the ring is another one than before.
    /// - Throws: `CommandFailure`, `DatabaseError`; the old keys stay then.
    @discardableResult
    func readKeys(_ sources: KeySources) async throws -> (standing: KeyRingStore.Standing, isChanged: Bool) {
        let found = try await sources.read(createsFile: false)
        let (standing, ring) = try await self.database.write { session in
            try KeyRingStore().reconcile(found.ring, now: SystemClock.now, in: session)
        }
        let isChanged = self.ring.withLockedValue { old in
            defer { old = ring }
            return old.ids != ring.ids || old.activeID != ring.activeID
        }
        return (standing, isChanged)
    }

    /// Seals with the key that the store names; for when another process has changed it.
    ///
    /// - Returns: Whether that is another one than before.
    package func follow(_ active: KeyID?) -> Bool {
        guard let active else { return false }
        return self.ring.withLockedValue { ring in
            guard ring.activeID != active else { return false }
            ring = ring.sealing(with: active)
            return true
        }
    }

    package func close() async { await self.database.close() }

    /// One line for an operator.
    package static func failure(_ error: any Error, _ path: String) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let advice =
            switch error {
            case .busy: "; stop what holds it, or wait"
            case .newerSchema: "; start that version, or restore a backup from before it"
            case .notADatabase: "; set storage.url to another file"
            default: ""
            }
        return CommandFailure("\(path): \(error)\(advice)")
    }
}

extension AuditLog {
    /// Signs the end of the log with the key that seals; accepts what any key of the ring has signed.
    init(_ ring: Keyring) {
        let active = ring.keys.first { $0.id == ring.activeID } ?? ring.primary
        self.init(signer: Self.signer(active), others: ring.keys.filter { $0.id != active.id }.map(Self.signer))
    }

    private static func signer(_ key: SealingKey) -> AuditSigner {
        AuditSigner(keyID: key.id.text) { key.mac($0, purpose: "audit head") }
    }
}
