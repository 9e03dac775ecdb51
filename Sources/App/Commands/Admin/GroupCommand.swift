import ArgumentParser
import Core
import Wire

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Groups: the tenants that own people, gateway keys and provider keys.",
        subcommands: [Create.self, List.self, Show.self, Rename.self, Delete.self]
    )

    private static let columns: [Table.Column] = [
        .init("ID", "id"), .init("NAME", "name"), .init("CREATED", time: "createdAt"),
    ]

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a group.")

        @Argument(help: "Its id: letters, digits, - and _; made by chance if not given.")
        var id: String?

        @Option(help: "Its name for people; the id if not given.")
        var name: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var body: [(String, JSONValue)] = []
            if let id = self.id { body.append(("id", .string(id))) }
            if let name = self.name { body.append(("name", .string(name))) }
            let given = JSONValue.object(body)
            let answer = try await AdminDoor.with(self.options, creates: true) {
                try await $0.call(.post, "/groups", given)
            }
            let id = Table.text(answer["data"]?["id"])
            AdminOutput.done(answer, "Group \(id) is there", asJSON: self.options.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List groups, the oldest first.")

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let page = self.page
            let answer = try await AdminDoor.with(self.options) { try await $0.list(AdminPath("groups"), page) }
            AdminOutput.list(answer, GroupCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a group.")

        @Argument(help: "Its id.")
        var id: String

        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = AdminPath("groups", self.id).text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, path) }
            AdminOutput.object(answer, asJSON: self.options.json)
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a group another name; its id stays.")

        @Argument(help: "Its id.")
        var id: String

        @Argument(help: "Its new name.")
        var name: String

        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = AdminPath("groups", self.id).text
            let body: JSONValue = ["name": .string(self.name)]
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.patch, path, body) }
            AdminOutput.done(answer, "Group \(self.id) is called \(self.name)", asJSON: self.options.json)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a group with its people, gateway keys and provider keys."
        )

        @Argument(help: "Its id.")
        var id: String

        @Flag(help: "Do not ask.")
        var yes = false

        @OptionGroup var options: AdminOptions

        func run() async throws {
            let question = "Delete group \(self.id) with its people, gateway keys and provider keys?"
            try SecretInput.confirm(question, isConfirmed: self.yes)
            let path = AdminPath("groups", self.id).text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.delete, path) }
            AdminOutput.done(answer, "Group \(self.id) is gone", asJSON: self.options.json)
        }
    }
}
