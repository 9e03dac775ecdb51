import Audit
package import Core
import Crypto
package import Database
import Glibc
import NIOCore
package import Vault

/// What a rotation needs of this machine: backups, the key file, the audit log.
package struct KeyRotation: Sendable {
    /// Who it is in the audit log.
    package var actor: String
    package var database: any Database
    /// Both keys, and what else the settings have.
    package var ring: Keyring
    /// Old and new, for the key file.
    package var materials: [KeyMaterial]
    /// The file that the settings take the key from, if it has one of the two keys.
    package var keyFile: KeyFile?
    /// Where backups go.
    package var backupFolder: String

    package init(
        actor: String,
        database: any Database,
        ring: Keyring,
        materials: [KeyMaterial],
        keyFile: KeyFile?,
        backupFolder: String
    ) {
        self.actor = actor
        self.database = database
        self.ring = ring
        self.materials = materials
        self.keyFile = keyFile
        self.backupFolder = backupFolder
    }

    /// Moves every credential from one key to the other.
    ///
    /// - Throws: `RotationError`.
    package func run(
        _ plan: Rotation.Plan,
        progress: @escaping @Sendable (RotationProgress) -> Void = { _ in },
        pause: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> RotationReport {
        var surroundings = Rotation.Surroundings(
            now: { SystemClock.now },
            backUp: { try await self.backUp(before: plan.new) },
            record: { report, session in try self.record(report, in: session) },
            progress: progress,
            pause: pause,
            hasDied: { InstanceName.hasDied($0) }
        )
        if let keyFile = self.keyFile {
            let materials = self.materials
            surroundings.keepBothKeys = { old in try keyFile.arrange(first: old, adding: materials) }
            surroundings.putNewKeyFirst = { new in try keyFile.arrange(first: new, adding: materials) }
        }
        return try await Rotation(plan, database: self.database, ring: self.ring, surroundings: surroundings).run()
    }

    private func backUp(before new: KeyID) async throws -> Rotation.Backup {
        try SmallFile.makeFolder(self.backupFolder)
        let path = "\(self.backupFolder)/before-key-\(new.short)-\(SystemClock.now.milliseconds).db"
        try await self.database.backup(to: path)
        return Rotation.Backup(path: path, digest: try FileDigest.sha256(of: path))
    }

    private func record(_ report: RotationReport, in session: any SQLSession) throws {
        let entry = AuditEntry(
            actor: self.actor,
            action: "keyring.rotate",
            objectKind: "keyring",
            objectID: report.new.text,
            details: report.json
        )
        try AuditLog(self.ring.sealing(with: report.new)).append(entry, now: SystemClock.now, in: session)
    }
}

extension RotationReport {
    /// For the audit log and `--json`; holds no key.
    package var json: JSONValue {
        [
            "oldKeyId": .string(self.old.text), "newKeyId": .string(self.new.text), "dryRun": .bool(self.isDryRun),
            "forced": .bool(self.isForced), "rows": .integer(Int64(self.total)),
            "alreadyNew": .integer(Int64(self.alreadyNew)), "resealed": .integer(Int64(self.resealed)),
            "editedMeanwhile": .integer(Int64(self.editedMeanwhile)), "passes": .integer(Int64(self.passes)),
            "gatewaysWithoutKey": .array(self.lacking.map { .string($0) }), "resumed": .bool(self.wasResumed),
            "backup": self.backupPath.map { .string($0) } ?? .null,
            "backupSHA256": self.backupDigest.map { .string($0) } ?? .null, "ms": .integer(self.milliseconds),
        ]
    }
}

/// The digest of a whole file.
package enum FileDigest {
    /// SHA-256 as hexadecimal digits.
    package static func sha256(of path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var hash = SHA256()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            hash.update(data: chunk[..<count])
        }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}

/// Rotates beside calls where the settings name another key first than the store seals with.
///
/// Starts once every running gateway has both keys; several gateways may try, one does it.
struct BackgroundRotation: Sendable {
    let store: Store
    let keeper: SnapshotKeeper
    let instanceID: String
    let say: @Sendable (_ message: String, _ isProblem: Bool) -> Void

    /// How often it is looked whether there is something to do.
    private static let pause = Duration.seconds(3)

    /// Goes on until cancelled.
    func run() async throws {
        var lastProblem = ""
        while true {
            try await Task.sleep(for: Self.pause)
            do {
                if let (old, new) = try await self.wanted() { try await self.rotate(old, new) }
                lastProblem = ""
            } catch RotationError.held {
                // Somebody else is at it.
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // The rotation gives cancellation a name of its own.
                if Task.isCancelled { throw CancellationError() }
                // Said once: what is missing is often missing for a while.
                let problem = "\(error)"
                if problem != lastProblem { self.say(problem, true) }
                lastProblem = problem
            }
        }
    }

    /// Which keys the settings want to be exchanged, or nil.
    ///
    /// What somebody began is finished if the settings want the same, and else left to whoever began it: what looks
    /// like a way back may be a rotation by command whose change of the key file has not been read yet.
    private func wanted() async throws -> (old: KeyID, new: KeyID)? {
        let ring = self.store.keyring
        let state = try await self.store.database.read { try RotationStore().state(in: $0) }
        if let state, state.stage != .finished {
            return ring.primary.id == state.new && ring.ids.contains(state.old) ? (state.old, state.new) : nil
        }
        guard ring.activeID != ring.primary.id, ring.ids.contains(ring.activeID) else { return nil }
        let sources = KeySources(await self.keeper.current)
        let standing = try await self.store.readKeys(sources).standing
        guard case .rotationWanted(let old, let new) = standing else { return nil }
        return (old, new)
    }

    private func rotate(_ old: KeyID, _ new: KeyID) async throws {
        let settings = await self.keeper.current
        let rotation = KeyRotation(
            actor: "gateway \(self.instanceID)",
            database: self.store.database,
            ring: self.store.keyring,
            materials: [],
            keyFile: nil,
            backupFolder: settings.inDataFolder("backups")
        )
        let plan = Rotation.Plan(old: old, new: new, holder: self.instanceID, batchRows: 100)
        let report = try await rotation.run(plan, pause: { try await Task.sleep(for: .milliseconds(20)) })
        try await self.keeper.applyNow()
        self.say("Credentials are sealed with key \(report.new.short) now: \(report.resealed) re-sealed", false)
    }
}
