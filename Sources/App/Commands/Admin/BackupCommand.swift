import ArgumentParser
import Core
import Database
import Engine
import SQLite

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Make a consistent, checked copy of the store, also while a gateway runs.",
        discussion: """
            The copy holds sealed provider keys: without the encryption key of now it is worth nothing, so keep that \
            key, but not beside the copy. turnpike restore puts it back.
            """
    )

    @Argument(help: "The file to make; else one in the folder backups of data_dir.")
    var path: String?

    @Flag(help: "Replace a file that is there.")
    var replace = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let settings = try LocalStore.settings(config: self.options.config)
        let store = settings.storage.path
        guard SmallFile.stamp(store) != nil else { throw CommandFailure("there is no store at \(store) yet") }
        let path = self.path ?? settings.inDataFolder("backups/turnpike-\(Self.fileTime()).db")
        do {
            if self.path == nil { try SmallFile.makeFolder(settings.inDataFolder("backups")) }
            // Without the encryption key: a copy needs none.
            let database = try SQLiteDatabase.open(path: store)
            do {
                try await database.backup(to: path, replacing: self.replace)
            } catch {
                await database.close()
                throw error
            }
            await database.close()
        } catch DatabaseError.exists(let taken) {
            throw CommandFailure("\(taken) is there already; choose another name, or --replace")
        } catch let failure as SmallFile.Failure {
            throw CommandFailure("\(failure)")
        } catch {
            throw Store.failure(error, store)
        }
        let digest = try FileDigest.sha256(of: path)
        if self.options.json {
            let answer: JSONValue = ["path": .string(path), "sha256": .string(digest)]
            Terminal.output.line(answer.text)
        } else {
            Terminal.output.line("\(path)\nSHA-256 \(digest)")
        }
    }

    /// The time of day in a form that file names can have: `20261121-065120`.
    static func fileTime() -> String {
        CommandTime.text(SystemClock.now).prefix(19).filter { $0.isNumber || $0 == "T" }.replacing("T", with: "-")
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of the store; refuses while a gateway has it open.",
        discussion: """
            The backup is checked before anything is touched. The store that was there is renamed, not deleted. The \
            settings must have the encryption keys of the backup's time: turnpike credential verify says so.
            """
    )

    @Argument(help: "The backup.")
    var path: String

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let settings = try LocalStore.settings(config: self.options.config)
        let store = settings.storage.path
        try SecretInput.confirm("Put \(self.path) in the place of \(store)?", isConfirmed: self.yes)
        let moved: [String]
        do {
            moved = try SQLiteDatabase.restore(self.path, to: store)
        } catch .busy {
            throw CommandFailure("\(store) is open: stop the gateway first")
        } catch .exists {
            throw CommandFailure("\(self.path) is the store itself")
        } catch {
            throw CommandFailure("\(self.path): \(error)")
        }
        if self.options.json {
            let answer: JSONValue = ["store": .string(store), "movedTo": .array(moved.map { .string($0) })]
            Terminal.output.line(answer.text)
            return
        }
        Terminal.output.line("\(store) is as \(self.path) has it")
        for name in moved { Terminal.output.line("what was there is \(name) now") }
        Terminal.output.line("Check that the settings have its keys: turnpike credential verify")
    }
}
