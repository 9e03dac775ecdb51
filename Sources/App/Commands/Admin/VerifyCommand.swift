import ArgumentParser
import Core
import Database
import Engine
import Vault

/// `turnpike credential verify`.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Open every provider key of the store, count rows by encryption key; exits with 1 if one does not open.",
        discussion: "Reads the store on this machine, whether a gateway runs or not. Shows no key."
    )

    @Option(help: "Use this key file alone, to prove that no other key is needed; - for standard input.")
    var keyFile: String?

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let settings = try LocalStore.settings(config: self.options.config)
        let alone = try self.givenRing()
        let (look, entries) = try await LocalStore.with(settings) { store in
            let ring = alone ?? store.keyring
            let look = try await Verification.run(store.database, ring: ring)
            return (look, try await store.database.read { try KeyRingStore().entries(in: $0) })
        }
        self.show(look, entries)
        guard look.isComplete else { throw CommandFailure("") }
    }

    private func givenRing() throws -> Keyring? {
        guard let path = self.keyFile else { return nil }
        do throws(EncryptionKeyError) {
            if path == "-" {
                let line = readLine() ?? ""
                return Keyring(primary: SealingKey(try KeyMaterial(hex: line, source: "standard input")))
            }
            let keys = try KeyFile(path).read().prefix(1).map { SealingKey($0) }
            return keys.first.map { Keyring(primary: $0) }
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private func show(_ look: Verification, _ entries: [KeyRingStore.Entry]) {
        let ids = entries.map(\.id) + look.rowsByKey.keys.filter { id in !entries.contains { $0.id == id } }
        func state(_ id: KeyID) -> String { entries.first { $0.id == id }?.state.rawValue ?? "unknown" }
        if self.options.json {
            let keys: [JSONValue] = ids.map { id in
                ["keyId": .string(id.text), "state": .string(state(id)), "rows": .integer(Int64(look.rows(under: id)))]
            }
            let bad: [JSONValue] = look.bad.map { row in
                [
                    "column": .string(row.place.column), "id": .string(row.place.id),
                    "groupId": .string(row.group.text),
                    "reason": .string(row.reason),
                ]
            }
            let answer: JSONValue = [
                "ok": .bool(look.isComplete), "rows": .integer(Int64(look.total)),
                "bad": .integer(Int64(look.badCount)), "mislabelled": .integer(Int64(look.mislabelled)),
                "keys": .array(keys), "badRows": .array(bad),
            ]
            Terminal.output.line(answer.text)
            return
        }
        for id in ids {
            let rows = look.rows(under: id)
            var line = "key \(id)  \(state(id))  \(rows) rows"
            if rows == 0, look.isComplete, state(id) != "active" { line += "  no longer needed by this store" }
            Terminal.output.line(line)
        }
        for row in look.bad.prefix(50) { Terminal.output.line("BAD  \(row)") }
        Terminal.output.line(
            look.isComplete ? "\(look.total) rows, all open" : "\(look.badCount) of \(look.total) rows do not open"
        )
    }
}
