import ArgumentParser
import Core
import Engine
import Wire

/// `turnpike tool`.
struct ToolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tool",
        abstract: "Tool servers (MCP): what tools there are, and which of them may be called.",
        discussion: """
            turnpike tool list
            turnpike tool approve files read_file
            turnpike tool call tasks add_task '{"title": "Buy milk"}'

            Tool servers are named in the settings file, under tools.servers.
            """,
        subcommands: [List.self, Test.self, Approve.self, Call.self]
    )

    static let columns: [Table.Column] = [
        .init("SERVER", "server"), .init("TOOL", "name"), .init("STANDING", "standing"),
        .init("CHANGES THINGS") { ($0["readOnly"]?.boolValue ?? false) ? "no" : "yes" },
        .init("APPROVED BY", "approvedBy"),
        .init("WHAT") { tool in
            let text = tool["title"]?.stringValue ?? tool["description"]?.stringValue ?? ""
            return String(text.prefix { $0 != "\n" }.prefix(60))
        },
    ]

    /// A row for each tool, and one for each server that has none.
    static func rows(_ servers: [JSONValue]) -> JSONValue {
        let rows = servers.flatMap { server -> [JSONValue] in
            let name = ("server", server["name"] ?? .null)
            let tools = (server["tools"]?.arrayValue ?? []).map { JSONValue.object([name] + ($0.objectValue ?? [])) }
            let error = server["error"]?.stringValue ?? "It has no tools."
            return tools.isEmpty
                ? [.object([name, ("name", ""), ("standing", "away"), ("title", .string(error))])] : tools
        }
        return ["data": .array(rows), "nextCursor": .null]
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tools of all servers.")

        @Flag(help: "Ask each server now; lists may be a minute old otherwise.")
        var fresh = false

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("tools")
            if self.fresh { path.add("fresh", "true") }
            let target = path.text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, target) }
            let shown = self.options.json ? answer : ToolCommand.rows(answer["data"]?.arrayValue ?? [])
            AdminOutput.list(shown, ToolCommand.columns, asJSON: self.options.json)
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask a server for its tools now; fails if it has none."
        )

        @Argument(help: "The server's name in the settings.")
        var server: String

        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = AdminPath("tools", self.server).text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, path) }
            let data = answer["data"] ?? .null
            let shown = self.options.json ? ["data": [data], "nextCursor": .null] : ToolCommand.rows([data])
            AdminOutput.list(shown, ToolCommand.columns, asJSON: self.options.json)
            if let error = data["error"]?.stringValue { throw CommandFailure(error) }
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Approve tools as they are now.")

        @Argument(help: "The server's name in the settings.")
        var server: String

        @Argument(help: "The tools; all of the server that are not approved if not given.")
        var tools: [String] = []

        @Option(help: "The hash that the one tool must have, as 'tool list --json' shows it.")
        var digest: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var body: [(String, JSONValue)] = []
            if !self.tools.isEmpty { body.append(("tools", .array(self.tools.map { .string($0) }))) }
            if let digest = self.digest { body.append(("digest", .string(digest))) }
            let (path, json) = (AdminPath("tools", self.server, "approve").text, JSONValue.object(body))
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.post, path, json) }
            let names = self.tools.isEmpty ? "All tools" : self.tools.joined(separator: ", ")
            AdminOutput.done(
                answer,
                "\(names) of \(self.server) may be called as they are now.",
                asJSON: self.options.json
            )
        }
    }

    struct Call: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Call a tool, to try it.")

        @Argument(help: "The server's name in the settings.")
        var server: String

        @Argument(help: "The tool.")
        var tool: String

        @Argument(help: "Its arguments, as a JSON object.")
        var arguments = "{}"

        @OptionGroup var options: AdminOptions

        func run() async throws {
            guard let arguments = try? JSONValue.parse(self.arguments), arguments.objectValue != nil else {
                throw CommandFailure("the arguments are not a JSON object", isMisuse: true)
            }
            let body: JSONValue = ["tool": .string(self.tool), "arguments": arguments]
            let path = AdminPath("tools", self.server, "call").text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.post, path, body) }
            AdminOutput.done(answer, answer["data"]?["text"]?.stringValue ?? "", asJSON: self.options.json)
            if answer["data"]?["isError"]?.boolValue == true { throw CommandFailure("the tool says that it failed") }
        }
    }
}
