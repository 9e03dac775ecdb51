import ArgumentParser
import Audit
import Core
import Database
import Engine
import Glibc
import NIOCore
import Wire

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "The log of everything administrative, whose records cannot be changed unseen.",
        subcommands: [List.self, Verify.self, Export.self]
    )

    private static let columns: [Table.Column] = [
        .init("SEQ", "seq"), .init("TIME", time: "at"), .init("ACTOR", "actor"), .init("ACTION", "action"),
        .init("GROUP", "groupId"), .init("OBJECT", "objectId"), .init("OUTCOME", "outcome"),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List records, the newest first.")

        @Option(help: "Only about this group.")
        var group: String?

        @Option(help: "Only what this user, key or command did.")
        var actor: String?

        @Option(help: "Only this, such as credential.create.")
        var action: String?

        @Option(help: "Only about this object.")
        var object: String?

        @Option(help: "Only what ended as done, refused or failed.")
        var outcome: String?

        @Option(help: "Not before this time.")
        var since: String?

        @Option(help: "Before this time.")
        var until: String?

        @Option(help: "At most so many, 1 to 200.")
        var limit = 50

        @Option(help: "Where the page before ended.")
        var cursor: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("audit")
            for (name, value) in [
                ("group", self.group), ("actor", self.actor), ("action", self.action), ("objectId", self.object),
                ("outcome", self.outcome), ("since", self.since), ("until", self.until),
                ("limit", String(self.limit)), ("cursor", self.cursor),
            ] { path.add(name, value) }
            let wanted = path.text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, wanted) }
            AdminOutput.list(answer, AuditCommand.columns, asJSON: self.options.json)
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every record, the chain and its signed end; exits with 1 if anything was changed.",
            discussion: """
                Prints the signed end. Write it down elsewhere and give it back later with --head: it proves that the \
                log was not put back to an older state as a whole.
                """
        )

        @Option(help: "A signed end that was noted earlier; the log must still contain it.")
        var head: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("audit", "verify")
            path.add("head", self.head)
            let wanted = path.text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, wanted) }
            let data = answer["data"] ?? answer
            let isIntact = data["intact"]?.boolValue == true
            if self.options.json {
                Terminal.output.line(answer.text)
            } else if isIntact {
                Terminal.output.line("\(Table.text(data["records"])) records, all as they were written")
                Terminal.output.line("signed end: \(Table.text(data["head"]))")
            } else {
                let fault = data["fault"] ?? .null
                Terminal.output.line("record \(Table.text(fault["seq"])): \(Table.text(fault["reason"]))")
            }
            if !isIntact { throw CommandFailure(self.options.json ? "" : "the audit log is not as it was written") }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the whole log as lines of JSON, the oldest first, and its signed end.",
            discussion: "Reads the store on this machine, whether a gateway runs or not."
        )

        @Option(help: "The file to write, readable by its owner only; else standard output.")
        var output: String?

        @Option(help: "The settings file; else TURNPIKE_CONFIG, else turnpike.yaml if there is one.")
        var config: String?

        func run() async throws {
            let descriptor = try self.descriptor()
            let terminal = Terminal(descriptor: descriptor)
            try await LocalStore.with(try LocalStore.settings(config: self.config)) { store in
                try await store.audit.export(from: store.database) { lines in
                    guard terminal.write(String(buffer: lines)) else {
                        throw CommandFailure("the log cannot be written")
                    }
                }
            }
            if descriptor != STDOUT_FILENO, fsync(descriptor) != 0 || close(descriptor) != 0 {
                throw CommandFailure("the log cannot be written: \(String(cString: strerror(errno)))")
            }
        }

        private func descriptor() throws -> CInt {
            guard let path = self.output else { return STDOUT_FILENO }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
            return descriptor
        }
    }
}
