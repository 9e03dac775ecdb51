import ArgumentParser
import Core
import Engine
import Wire

struct CredentialCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credential",
        abstract: "Provider keys of groups, sealed in the store.",
        subcommands: [
            Add.self, List.self, Show.self, Test.self, Replace.self, Deactivate.self, Activate.self, Delete.self,
            VerifyCommand.self, RotateCommand.self,
        ]
    )

    /// Where a provider's key comes from in the environment.
    static let variable = "TURNPIKE_PROVIDER_KEY"

    private static let columns: [Table.Column] = [
        .init("ID", "id"), .init("PROVIDER", "provider"), .init("KEY", "keyHint"), .init("ACTIVE", "active"),
        .init("STATE") { row in
            if row["readable"]?.boolValue == false { return "needs key" }
            return row["rejectedAt"]?.stringValue == nil ? "ok" : "refused by the provider"
        },
        .init("LAST USED", time: "lastUsedAt"), .init("CREATED", time: "createdAt"),
    ]

    /// One credential of one group.
    struct Credential: ParsableArguments {
        @Argument(help: "The credential's id.")
        var id: String

        @OptionGroup var owner: GroupOption

        func path(_ more: String? = nil) -> String {
            AdminPath("groups", self.owner.group, "credentials", self.id).text + (more.map { "/\($0)" } ?? "")
        }
    }

    /// A provider's key, never as an argument.
    struct ProviderKey: ParsableArguments {
        @Option(help: "A file with the provider's key, - for standard input; else TURNPIKE_PROVIDER_KEY, or a prompt.")
        var keyFile: String?

        @Flag(help: "Try the key first, and store it only if the provider takes it.")
        var test = false

        func members(_ prompt: String) throws -> [(String, JSONValue)] {
            let variable = CredentialCommand.variable
            let key = try SecretInput.read(path: self.keyFile, variable: variable, prompt: prompt)
            return [("apiKey", key.reveal { .string($0) }), ("test", .bool(self.test))]
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a group a key for a provider.")

        @Argument(help: "The provider's name: openrouter, openai, …")
        var provider: String

        @OptionGroup var owner: GroupOption
        @OptionGroup var key: ProviderKey
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let members = try self.key.members("The key for \(self.provider)")
            let body = JSONValue.object([("provider", .string(self.provider))] + members)
            let path = AdminPath("groups", self.owner.group, "credentials").text
            let answer = try await AdminDoor.with(self.options, creates: true) { try await $0.call(.post, path, body) }
            let data = answer["data"] ?? .null
            AdminOutput.done(
                answer,
                "Credential \(Table.text(data["id"])) (\(Table.text(data["keyHint"]))) of group "
                    + "\(self.owner.group) for \(self.provider) is in use",
                asJSON: self.options.json
            )
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a group's provider keys, hints only.")

        @OptionGroup var owner: GroupOption

        @Option(help: "Only for this provider.")
        var provider: String?

        @Flag(help: "Only those in use.")
        var active = false

        @Flag(help: "Only those that the provider refused.")
        var rejected = false

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("groups", self.owner.group, "credentials")
            path.add("provider", self.provider)
            if self.active { path.add("active", "true") }
            if self.rejected { path.add("rejected", "true") }
            let (wanted, page) = (path, self.page)
            let answer = try await AdminDoor.with(self.options) { try await $0.list(wanted, page) }
            AdminOutput.list(answer, CredentialCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a provider key's hint and state.")

        @OptionGroup var credential: Credential
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.credential.path()
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, path) }
            AdminOutput.object(answer, asJSON: self.options.json)
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try a key against its provider; exits with 1 if it is refused."
        )

        @OptionGroup var credential: Credential
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.credential.path("test")
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.post, path) }
            let test = answer["data"]?["test"] ?? .null
            let outcome = Table.text(test["outcome"])
            var sentence = "The provider's verdict: \(outcome)"
            if let reason = test["reason"]?.stringValue { sentence += " (\(reason))" }
            if let status = test["providerStatus"]?.intValue { sentence += " (status \(status))" }
            AdminOutput.done(answer, sentence, asJSON: self.options.json)
            if outcome == "refused" { throw CommandFailure("") }
        }
    }

    struct Replace: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a new key in the place of one: the new one is in use, or the old one stays."
        )

        @OptionGroup var credential: Credential
        @OptionGroup var key: ProviderKey
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.credential.path("replace")
            let body = JSONValue.object(try self.key.members("The new key"))
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.post, path, body) }
            let data = answer["data"] ?? .null
            AdminOutput.done(
                answer,
                "Credential \(Table.text(data["id"])) (\(Table.text(data["keyHint"]))) is in use in its place",
                asJSON: self.options.json
            )
        }
    }

    struct Deactivate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switch a provider key off.")

        @OptionGroup var credential: Credential
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.credential.path("deactivate")
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.patch, path) }
            AdminOutput.done(answer, "Credential \(self.credential.id) is off", asJSON: self.options.json)
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switch a provider key on again.")

        @OptionGroup var credential: Credential
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.credential.path("activate")
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.patch, path) }
            AdminOutput.done(answer, "Credential \(self.credential.id) is in use", asJSON: self.options.json)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a provider key.")

        @OptionGroup var credential: Credential
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.credential.path()
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.delete, path) }
            AdminOutput.done(answer, "Credential \(self.credential.id) is gone", asJSON: self.options.json)
        }
    }
}
