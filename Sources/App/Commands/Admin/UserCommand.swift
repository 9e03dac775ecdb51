import ArgumentParser
import Auth
import Core
import Wire

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "People of a group, and what they may administer.",
        subcommands: [Add.self, List.self, Show.self, Update.self, Disable.self, Enable.self, Delete.self]
    )

    private static let columns: [Table.Column] = [
        .init("ID", "id"), .init("NAME", "name"), .init("EMAIL", "email"), .init("ROLE", "role"),
        .init("DISABLED", "disabled"), .init("CREATED", time: "createdAt"),
    ]

    /// One person of one group.
    struct Person: ParsableArguments {
        @Argument(help: "The person's id.")
        var id: String

        @OptionGroup var owner: GroupOption

        var path: String { AdminPath("groups", self.owner.group, "users", self.id).text }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a person.")

        @Argument(help: "The person's name.")
        var name: String

        @OptionGroup var owner: GroupOption

        @Option(help: "An address.")
        var email: String?

        @Option(help: "member, group_admin or system_admin.")
        var role = Role.member.rawValue

        @Option(help: "The iss of the person's tokens, with --subject.")
        var issuer: String?

        @Option(help: "The sub of the person's tokens, with --issuer.")
        var subject: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var body: [(String, JSONValue)] = [("name", .string(self.name)), ("role", .string(self.role))]
            for (name, value) in [("email", self.email), ("issuer", self.issuer), ("subject", self.subject)] {
                if let value { body.append((name, .string(value))) }
            }
            let path = AdminPath("groups", self.owner.group, "users").text
            let given = JSONValue.object(body)
            let answer = try await AdminDoor.with(self.options, creates: true) { try await $0.call(.post, path, given) }
            let id = Table.text(answer["data"]?["id"])
            AdminOutput.done(answer, "User \(id) of group \(self.owner.group) is there", asJSON: self.options.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List people, those added first first.")

        @OptionGroup var owner: GroupOption

        @Option(help: "Only people with this role.")
        var role: String?

        @Option(help: "Only who has this address.")
        var email: String?

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("groups", self.owner.group, "users")
            path.add("role", self.role)
            path.add("email", self.email)
            let (wanted, page) = (path, self.page)
            let answer = try await AdminDoor.with(self.options) { try await $0.list(wanted, page) }
            AdminOutput.list(answer, UserCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a person.")

        @OptionGroup var person: Person
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.person.path
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, path) }
            AdminOutput.object(answer, asJSON: self.options.json)
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change a person's name, address or role.")

        @OptionGroup var person: Person

        @Option(help: "The new name.")
        var name: String?

        @Option(help: "The new address; - takes it away.")
        var email: String?

        @Option(help: "member, group_admin or system_admin.")
        var role: String?

        @OptionGroup var options: AdminOptions

        func validate() throws {
            if self.name == nil, self.email == nil, self.role == nil {
                throw ValidationError("give --name, --email or --role")
            }
        }

        func run() async throws {
            var body: [(String, JSONValue)] = []
            if let name = self.name { body.append(("name", .string(name))) }
            if let email = self.email { body.append(("email", email == "-" ? .null : .string(email))) }
            if let role = self.role { body.append(("role", .string(role))) }
            let (path, given) = (self.person.path, JSONValue.object(body))
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.patch, path, given) }
            AdminOutput.done(answer, "User \(self.person.id) is changed", asJSON: self.options.json)
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop a person's keys and tokens from working, at once."
        )

        @OptionGroup var person: Person
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.person.path
            let answer = try await AdminDoor.with(self.options) {
                try await $0.call(.patch, path, ["disabled": true])
            }
            AdminOutput.done(answer, "User \(self.person.id) is disabled", asJSON: self.options.json)
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a person's keys and tokens work again.")

        @OptionGroup var person: Person
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.person.path
            let answer = try await AdminDoor.with(self.options) {
                try await $0.call(.patch, path, ["disabled": false])
            }
            AdminOutput.done(answer, "User \(self.person.id) is enabled", asJSON: self.options.json)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a person with their gateway keys.")

        @OptionGroup var person: Person
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.person.path
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.delete, path) }
            AdminOutput.done(answer, "User \(self.person.id) is gone", asJSON: self.options.json)
        }
    }
}
