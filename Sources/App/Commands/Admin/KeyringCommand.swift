import ArgumentParser
import Audit
import Core
import Database
import Engine
import Vault

struct KeyringCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyring",
        abstract: "Encryption keys: make one, see which there are, end one.",
        subcommands: [Generate.self, List.self, Retire.self, Destroy.self]
    )

    struct Generate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an encryption key: 64 hex digits on standard output, or in a new private file."
        )

        @Option(help: "The file to make, readable by its owner only; nothing is replaced.")
        var output: String?

        func run() async throws {
            do throws(EncryptionKeyError) {
                if let path = self.output {
                    let key = try KeyFile(path).create()
                    Terminal.output.line("\(path) has the new key \(key.id)")
                    return
                }
                let key: KeyMaterial
                do throws(VaultError) {
                    key = try KeyMaterial(newFrom: .system, source: "generated")
                } catch {
                    throw .vault(error)
                }
                let digits = try? key.withHexDigits { String(decoding: $0, as: UTF8.self) }
                guard let digits else { throw .vault(.noGuardedMemory) }
                Terminal.output.line(digits)
                Terminal.error.line("Key \(key.id). Keep a copy elsewhere: without it no backup helps.")
            } catch {
                throw CommandFailure("\(error)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the keys that the store and the settings know, never the keys themselves.",
            aliases: ["show"]
        )

        @OptionGroup var options: StoreOptions

        func run() async throws {
            let settings = try LocalStore.settings(config: self.options.config)
            let (entries, ring, labels) = try await LocalStore.with(settings) { store in
                let (entries, labels) = try await store.database.read { session in
                    (try KeyRingStore().entries(in: session), try CredentialStore.sealedKey.labels(in: session))
                }
                return (entries, store.keyring, labels)
            }
            let rows: [JSONValue] = entries.map { entry in
                let source = ring.keys.first { $0.id == entry.id }?.source
                return [
                    "keyId": .string(entry.id.text), "state": .string(entry.state.rawValue),
                    "rows": .integer(Int64(labels[entry.id.text] ?? 0)), "source": source.map { .string($0) } ?? .null,
                    "createdAt": KeyringCommand.time(entry.createdAt),
                    "changedAt": KeyringCommand.time(entry.changedAt),
                ]
            }
            let columns: [Table.Column] = [
                .init("KEY ID", "keyId"), .init("STATE", "state"), .init("ROWS", "rows"),
                .init("FROM") { $0["source"]?.stringValue ?? "not in the settings" },
                .init("SINCE", time: "changedAt"),
            ]
            AdminOutput.list(["data": .array(rows), "nextCursor": .null], columns, asJSON: self.options.json)
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that no row needs a key any more, after opening every row without it."
        )

        @Argument(help: "The key id, 32 hex digits.")
        var id: String

        @OptionGroup var options: StoreOptions

        func run() async throws {
            let id = try KeyringCommand.id(self.id)
            try await KeyringCommand.dispose(self.options) { store, disposal in
                try await disposal.retire(id, now: SystemClock.now) { session in
                    try KeyringCommand.record("keyring.retire", id, store, in: session)
                }
            }
            let sentence =
                "Key \(id) is retired: it can leave the settings. Keep it as long as there are backups from its time."
            AdminOutput.done(["keyId": .string(id.text), "state": "retired"], sentence, asJSON: self.options.json)
        }
    }

    struct Destroy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that a retired key is gone for good, and take it out of the key file.",
            discussion: """
                Backups from before it was retired are unreadable from then on. Turnpike cannot erase the copies that \
                you, a vault, a snapshot or a disk have; docs/rotation.md says what that means.
                """
        )

        @Argument(help: "The key id, 32 hex digits.")
        var id: String

        @Option(help: "The key id once more.")
        var confirm: String

        @Option(help: "How long backups are kept, from the key's retirement on.")
        var retention = "30d"

        @OptionGroup var options: StoreOptions

        func run() async throws {
            let id = try KeyringCommand.id(self.id)
            let retention = try CommandTime.seconds(self.retention) * 1_000
            let settings = try LocalStore.settings(config: self.options.config)
            let file = (try? KeySources(settings).keyFile()) ?? nil
            try await KeyringCommand.dispose(self.options) { store, disposal in
                let rotation = try await store.database.read { try RotationStore().state(in: $0) }
                if let rotation, rotation.old == id, let path = rotation.backupPath {
                    Terminal.error.line("unreadable without this key: \(path), and all backups from before it")
                }
                try await disposal.destroy(
                    id,
                    confirmation: self.confirm,
                    retention: retention,
                    now: SystemClock.now,
                    remove: { if let file, file.exists { try file.remove(id) } },
                    record: { try KeyringCommand.record("keyring.destroy", id, store, in: $0) }
                )
            }
            let sentence =
                "Key \(id) is noted as destroyed, and is not in the key file. Backups from before its "
                + "retirement are lost."
            AdminOutput.done(["keyId": .string(id.text), "state": "destroyed"], sentence, asJSON: self.options.json)
        }
    }

    // MARK: -

    private static func id(_ text: String) throws -> KeyID {
        guard let id = KeyID(text) else {
            throw CommandFailure("\"\(text)\" is not a key id: 32 hex digits", isMisuse: true)
        }
        return id
    }

    private static func time(_ time: UnixTime) -> JSONValue { .string(CommandTime.text(time)) }

    private static func record(_ action: String, _ id: KeyID, _ store: Store, in session: any SQLSession) throws {
        let entry = AuditEntry(actor: "command", action: action, objectKind: "keyring", objectID: id.text)
        try store.audit.append(entry, now: SystemClock.now, in: session)
    }

    private static func dispose(
        _ options: StoreOptions,
        _ use: @Sendable (Store, KeyDisposal) async throws -> Void
    ) async throws {
        try await LocalStore.with(try LocalStore.settings(config: options.config)) { store in
            do {
                try await use(store, KeyDisposal(store.database, ring: store.keyring))
            } catch let failure as KeyDisposal.Failure {
                throw CommandFailure(Self.sentence(failure))
            } catch let error as EncryptionKeyError {
                throw CommandFailure("\(error)")
            }
        }
    }

    private static func sentence(_ failure: KeyDisposal.Failure) -> String {
        switch failure {
        case .unknownKey(let id): "the store has never heard of key \(id)"
        case .isActive(let id): "the store seals with key \(id); rotate to another one first"
        case .stillNeeded(let rows, let first):
            "\(rows) rows cannot be opened without it, first: \(first.map(\.description).joined(separator: "; "))"
        case .notRetired(let id, let state): "key \(id) is \(state.rawValue); only a retired key can be destroyed"
        case .tooEarly(let end):
            "backups from its time may still be wanted until \(CommandTime.text(end)) (--retention says how long)"
        case .notConfirmed: "--confirm is not the id of the key; nothing was changed"
        }
    }
}
