import ArgumentParser
import Core
import Database
import Engine
import SQLite
import Vault

/// `turnpike credential rotate`.
struct RotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Change the encryption key: re-seal every provider key, verify, retire the old key.",
        discussion: """
            With the gateway stopped, or beside it. Makes a backup first, proves at the end that the new key alone \
            opens everything, and goes on where it stopped when it is run again. Arguments can be seen by everybody on \
            the machine: rather give keys by file or on standard input. docs/rotation.md is the runbook.
            """
    )

    @Option(help: "The key to leave, 64 hex digits, or - for a line of standard input; else what the settings give.")
    var oldKey: String?

    @Option(help: "A file with the key to leave, or -.")
    var oldKeyFile: String?

    @Option(help: "The new key, 64 hex digits, or - for a line of standard input.")
    var newKey: String?

    @Option(help: "A file with the new key, or -.")
    var newKeyFile: String?

    @Flag(help: "Open every row and count; change nothing.")
    var dryRun = false

    @Flag(help: "Go on although a running gateway lacks the new key; its calls will fail.")
    var force = false

    @OptionGroup var options: StoreOptions

    /// How long to wait for running gateways to notice a key in their key file.
    private static let patience = Duration.seconds(15)

    func validate() throws {
        guard self.oldKey == nil || self.oldKeyFile == nil, self.newKey == nil || self.newKeyFile == nil else {
            throw ValidationError("give each key once: by --…-key, or by --…-key-file")
        }
    }

    func run() async throws {
        let settings = try LocalStore.settings(config: self.options.config)
        ProcessHardening.apply()
        do {
            let (old, new) = try self.givenKeys()
            let report = try await self.rotate(settings, old: old, new: new)
            self.show(report)
        } catch let error as EncryptionKeyError {
            throw CommandFailure("\(error)")
        }
    }

    // MARK: - Keys

    private func givenKeys() throws -> (old: KeyMaterial?, new: KeyMaterial?) {
        var lines = KeyLines()
        let old = try Self.material(hex: self.oldKey, file: self.oldKeyFile, "old key", &lines)
        let new = try Self.material(hex: self.newKey, file: self.newKeyFile, "new key", &lines)
        return (old, new)
    }

    private static func material(
        hex: String?,
        file: String?,
        _ source: String,
        _ lines: inout KeyLines
    ) throws -> KeyMaterial? {
        switch (hex, file) {
        case ("-", _), (_, "-"): return try KeyMaterial(hex: try lines.next(), source: "\(source) of standard input")
        case (let hex?, _): return try KeyMaterial(hex: hex, source: source)
        case (nil, let path?): return try KeyFile(path).read().first
        case (nil, nil): return nil
        }
    }

    // MARK: - Work

    private func rotate(_ settings: Settings, old: KeyMaterial?, new: KeyMaterial?) async throws -> RotationReport {
        let sources = KeySources(settings)
        // Keys that were given must do, so that nothing has to be in the environment for this.
        let known: Keyring?
        do {
            known = try await sources.read(createsFile: false).ring
        } catch {
            guard old != nil, new != nil else { throw error }
            known = nil
        }
        let database = try await self.open(settings)
        do {
            let (active, last) = try await database.read { session in
                (try KeyRingStore().activeID(in: session), try RotationStore().state(in: session))
            }
            let newKey = try new.map { SealingKey($0) } ?? known.map { try Self.newKey($0, active) }
            let oldKey = try old.map { SealingKey($0) } ?? known.map { try Self.oldKey($0, active, newKey, last) }
            guard let oldKey, let newKey else {
                throw CommandFailure("give --old-key-file and --new-key-file", isMisuse: true)
            }
            let ring = Keyring(primary: oldKey, previous: [newKey] + (known?.keys ?? []), active: oldKey.id)
            let rotation = KeyRotation(
                actor: "command",
                database: database,
                ring: ring,
                materials: [old, new].compactMap(\.self),
                keyFile: Self.file(sources, with: [oldKey.id, newKey.id]),
                backupFolder: settings.inDataFolder("backups")
            )
            let plan = Rotation.Plan(
                old: oldKey.id,
                new: newKey.id,
                holder: InstanceName.make(),
                isForced: self.force,
                isDryRun: self.dryRun
            )
            let report = try await self.run(plan, rotation)
            await database.close()
            return report
        } catch {
            await database.close()
            if let error = error as? RotationError { throw CommandFailure(Self.sentence(error)) }
            throw Store.failure(error, settings.storage.path)
        }
    }

    private func open(_ settings: Settings) async throws -> SQLiteDatabase {
        let path = settings.storage.path
        guard SmallFile.stamp(path) != nil else { throw CommandFailure("there is no store at \(path) yet") }
        do {
            let database = try SQLiteDatabase.open(path: path)
            try await MigrationRunner().run(on: database, now: SystemClock.now)
            return database
        } catch {
            throw Store.failure(error, path)
        }
    }

    /// Runs it; gateways that take their keys from the same file get a moment to notice the new one.
    private func run(_ plan: Rotation.Plan, _ rotation: KeyRotation) async throws -> RotationReport {
        let bar = ProgressBar(isShown: !self.options.json)
        defer { bar.finish() }
        let end = ContinuousClock.now + Self.patience
        while true {
            do {
                return try await rotation.run(plan, progress: { bar.show($0.done, of: $0.total) })
            } catch RotationError.instancesLackKey where rotation.keyFile != nil && ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// The key that the store seals with; where that is the new one already, the one that its rotation came from, so
    /// that the same command finishes what was cut off.
    private static func oldKey(
        _ ring: Keyring,
        _ active: KeyID?,
        _ new: SealingKey?,
        _ last: RotationState?
    ) throws -> SealingKey {
        guard let active else { return ring.primary }
        if active == new?.id {
            guard let last, last.new == active, let key = ring.keys.first(where: { $0.id == last.old }) else {
                throw CommandFailure("the store is sealed with that key already")
            }
            return key
        }
        guard let key = ring.keys.first(where: { $0.id == active }) else {
            throw CommandFailure(
                "the store is sealed with key \(active), which is not in the settings: give --old-key-file"
            )
        }
        return key
    }

    /// What the settings name first, where it is not what the store seals with.
    private static func newKey(_ ring: Keyring, _ active: KeyID?) throws -> SealingKey {
        guard let active, ring.primary.id != active else {
            throw CommandFailure("which key is the new one? give --new-key-file", isMisuse: true)
        }
        return ring.primary
    }

    /// The key file of the settings, if it has one of the keys: it is to have the new one.
    private static func file(_ sources: KeySources, with ids: [KeyID]) -> KeyFile? {
        guard let file = (try? sources.keyFile()) ?? nil, let keys = try? file.read() else { return nil }
        return keys.contains { ids.contains($0.id) } ? file : nil
    }

    /// The error, with the rows that are to blame in lines of their own.
    private static func sentence(_ error: RotationError) -> String {
        switch error {
        case .unreadable(let rows), .notVerified(let rows):
            rows.prefix(20).reduce("\(error)") { $0 + "\n  \($1)" }
        default: "\(error)"
        }
    }

    // MARK: - Report

    private func show(_ report: RotationReport) {
        if self.options.json {
            Terminal.output.line(report.json.text)
            return
        }
        var text = "from key \(report.old)\nto key   \(report.new)\n"
        if report.isDryRun {
            text +=
                "\(report.total) rows open, \(report.alreadyNew) of them under the new key already; "
                + "nothing was changed\n"
            for name in report.lacking { text += "running without the new key: \(name)\n" }
            Terminal.output.write(text)
            return
        }
        text += "\(report.total) rows: \(report.resealed) re-sealed, \(report.alreadyNew) were under the new key"
        text += report.editedMeanwhile > 0 ? ", \(report.editedMeanwhile) edited meanwhile\n" : "\n"
        text += "verified with the new key alone, in \(report.passes) passes and \(report.milliseconds) ms\n"
        if let path = report.backupPath { text += "backup   \(path)\nSHA-256  \(report.backupDigest ?? "-")\n" }
        for name in report.lacking { text += "FORCED: \(name) cannot open credentials any more\n" }
        text += "The old key is retired. Keep it as long as there are backups from before; put the new one into the "
        text += "settings of every gateway that does not take it from the key file.\n"
        Terminal.output.write(text)
    }
}

/// Lines of standard input, read once.
private struct KeyLines {
    mutating func next() throws -> String {
        guard let line = readLine() else { throw CommandFailure("standard input has too few lines for the keys") }
        return String(line.drop(while: \.isWhitespace).prefix { !$0.isWhitespace })
    }
}
