import Agents
import ArgumentParser
import Core
import Engine
import Wire

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Agents: a model with a prompt, parameters, tools and intents, asked for as agent/<id>.",
        subcommands: [Add.self, List.self, Show.self, Update.self, Delete.self]
    )

    static let columns: [Table.Column] = [
        .init("ID", "id"), .init("GROUP") { $0["group"]?.stringValue ?? "(all)" }, .init("NAME", "name"),
        .init("MODEL", "model"), .init("MODE", "mode"), .init("TOOLS", "tools"),
        .init("INTENTS") { "\($0["intents"]?.arrayValue?.count ?? 0)" }, .init("VERSION", "version"),
        .init("FROM", "source"), .init("UPDATED", time: "updatedAt"),
    ]

    /// One agent of a group.
    struct Reference: ParsableArguments {
        @Argument(help: "The agent's id.")
        var agent: String

        @Option(help: "The group whose agent is meant.")
        var group = "default"

        var path: AdminPath {
            var path = AdminPath("agents", self.agent)
            path.add("group", self.group)
            return path
        }
    }

    /// What both making and changing may say; options go before the file.
    struct Terms: ParsableArguments {
        @Option(help: "A YAML or JSON file with the agent as the API has it; - for standard input.")
        var file: String?

        @Option(help: "What people call it.")
        var name: String?

        @Option(help: "An alias or a model.")
        var model: String?

        @Option(help: "The provider that the model is asked for at.")
        var provider: String?

        @Option(help: "What the model is told before anything else.")
        var prompt: String?

        @Option(help: "A file with the prompt.")
        var promptFile: String?

        @Option(help: "Who answers: tools, ai or both.")
        var mode: String?

        @Option(name: .customLong("tool"), help: "A tool it may use: server/tool or server/*; may be given again.")
        var tools: [String] = []

        @Option(help: "How hot the model samples, 0 to 2.")
        var temperature: Double?

        @Option(help: "The most tokens of an answer.")
        var maxOutputTokens: Int?

        func validate() throws {
            if self.prompt != nil, self.promptFile != nil {
                throw ValidationError("give --prompt or --prompt-file, not both")
            }
        }

        /// The members of a body: those of the file, and what options say over them.
        func members() throws -> [(String, JSONValue)] {
            var said: [(String, JSONValue)] = []
            func add(_ name: String, _ text: String?) {
                if let text { said.append((name, .string(text))) }
            }
            add("name", self.name)
            add("model", self.model)
            add("provider", self.provider)
            add("prompt", try self.promptFile.map { try AgentFile.text($0) } ?? self.prompt)
            add("mode", self.mode)
            if !self.tools.isEmpty { said.append(("tools", .array(self.tools.map { .string($0) }))) }
            var parameters: [(String, JSONValue)] = []
            if let temperature = self.temperature { parameters.append(("temperature", .number("\(temperature)"))) }
            if let most = self.maxOutputTokens { parameters.append(("maxOutputTokens", .integer(Int64(most)))) }
            if !parameters.isEmpty { said.append(("parameters", .object(parameters))) }
            guard let file = self.file else { return said }
            let read = try AgentFile.read(try AgentFile.text(file), name: file)
            return AgentProfile.merge(.object(said), into: .object(read)).objectValue ?? []
        }
    }

    /// What the API itself says of an agent, and nobody may send.
    private static let told: Set<String> = ["source", "createdBy", "createdAt", "updatedAt", "group", "id"]

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an agent.",
            discussion: """
                Examples:
                  turnpike agent add writer --group demo --model fast --prompt 'You write plainly.'
                  turnpike agent add tasks --group demo --file tasks.yaml

                Clients then ask for the model agent/writer.
                """
        )

        @Argument(help: "The agent's id; the file's if not given.")
        var agent: String?

        @OptionGroup var group: GroupOption
        @OptionGroup var terms: Terms
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let members = try self.terms.members()
            let written = members.first { $0.0 == "id" }?.1.stringValue
            guard let id = self.agent ?? written else {
                throw CommandFailure("give the agent's id, or a file with one", isMisuse: true)
            }
            var body: [(String, JSONValue)] = [("id", .string(id)), ("group", .string(self.group.group))]
            body += members.filter { !AgentCommand.told.contains($0.0) && $0.0 != "version" }
            let given = JSONValue.object(body)
            let answer = try await AdminDoor.with(self.options, creates: true) {
                try await $0.call(.post, AdminPath("agents").text, given)
            }
            let text = "Agent \(id) is there: clients ask for the model agent/\(id)"
            AdminOutput.done(answer, text, asJSON: self.options.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List agents, those of the settings file first.")

        @Option(help: "Only what this group can use.")
        var group: String?

        @Option(help: "Only those of the settings file (settings), or only the others (api).")
        var source: String?

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("agents")
            path.add("group", self.group)
            path.add("source", self.source)
            let (wanted, page) = (path, self.page)
            let answer = try await AdminDoor.with(self.options) { try await $0.list(wanted, page) }
            AdminOutput.list(answer, AgentCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show an agent, as its group has it.")

        @OptionGroup var reference: Reference
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.reference.path
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, path.text) }
            AdminOutput.object(answer, asJSON: self.options.json)
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change an agent; what is not said stays, and null in a file takes away.",
            discussion: "A file with a version in it is refused if the agent was changed since."
        )

        @OptionGroup var reference: Reference
        @OptionGroup var terms: Terms
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let members = try self.terms.members().filter { !AgentCommand.told.contains($0.0) }
            guard !members.isEmpty else {
                throw CommandFailure("say what to change, with --file or an option", isMisuse: true)
            }
            let (path, given) = (self.reference.path, JSONValue.object(members))
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.patch, path.text, given) }
            let version = answer["data"]?["version"]?.intValue ?? 0
            let text = "Agent \(self.reference.agent) is at version \(version) now"
            AdminOutput.done(answer, text, asJSON: self.options.json)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an agent; keys that belong to it find no agent any more."
        )

        @OptionGroup var reference: Reference
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.reference.path
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.delete, path.text) }
            AdminOutput.done(answer, "Agent \(self.reference.agent) is gone", asJSON: self.options.json)
        }
    }
}
