import ArgumentParser
import Core
import Engine
import Wire

/// `turnpike shadow`.
struct ShadowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow",
        abstract: "Compare what clients were answered with what shadow targets said.",
        discussion: """
            An alias with shadow.target in the settings sends copies of some calls to another target. No client sees \
            its answers; they are kept here beside the clients' own.
            """,
        subcommands: [Summary.self, List.self, Show.self],
        defaultSubcommand: Summary.self
    )

    static let summaryColumns: [Table.Column] = [
        .init("MODEL", "model"), .init("SHADOW") { Self.target($0["shadowProvider"], $0["shadowModel"]) },
        .init("COMPARED", "comparisons"), .init("FAILED", "shadowFailed"), .init("LIKE") { Self.percent($0) },
        .init("CLIENT MS", "clientMedianMs"), .init("SHADOW MS", "shadowMedianMs"), .init("CLIENT $", "clientCostUsd"),
        .init("SHADOW $", "shadowCostUsd"),
    ]

    static let columns: [Table.Column] = [
        .init("ID", "id"), .init("TIME", time: "createdAt"), .init("MODEL", "model"),
        .init("SHADOW") { Self.target($0["shadow"]?["provider"], $0["shadow"]?["model"]) },
        .init("LIKE") { Self.percent($0) },
        .init("CLIENT MS") { Table.text($0["client"]?["totalMs"]) },
        .init("SHADOW MS") { Table.text($0["shadow"]?["totalMs"]) },
        .init("SHADOW CODE") { Table.text($0["shadow"]?["code"]) },
        .init("REQUEST", "requestId"),
    ]

    private static func target(_ provider: JSONValue?, _ model: JSONValue?) -> String {
        "\(Table.text(provider))/\(Table.text(model))"
    }

    /// How much of the words is the same.
    static func percent(_ object: JSONValue) -> String {
        object["likeness"]?.doubleValue.map { "\(Int(($0 * 100).rounded()))%" } ?? "-"
    }

    struct Summary: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "How the comparisons come out, by alias and target.")

        @Option(help: "Only of this alias.")
        var model: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("shadow-summary")
            path.add("model", self.model)
            let wanted = path.text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, wanted) }
            AdminOutput.list(answer, ShadowCommand.summaryColumns, asJSON: self.options.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List comparisons, the newest first.")

        @Option(help: "Only of this alias.")
        var model: String?

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("shadows")
            path.add("model", self.model)
            let (wanted, page) = (path, self.page)
            let answer = try await AdminDoor.with(self.options) { try await $0.list(wanted, page) }
            AdminOutput.list(answer, ShadowCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one comparison, with both answers.")

        @Argument(help: "The comparison's id; see turnpike shadow list.")
        var id: String

        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = AdminPath("shadows", self.id).text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, path) }
            guard !self.options.json, let found = answer["data"] else {
                AdminOutput.object(answer, asJSON: self.options.json)
                return
            }
            Terminal.output.write(Self.text(found, .output))
        }

        /// Both answers as a person reads them: the figures side by side, then what was said.
        static func text(_ found: JSONValue, _ terminal: Terminal) -> String {
            let facts = (found.objectValue ?? []).filter { $0.0 != "client" && $0.0 != "shadow" }
            var text = Table.object(.object(facts))
            for side in ["client", "shadow"] {
                let members = found[side]?.objectValue ?? []
                text += "\n" + terminal.styled(side.uppercased(), .bold) + "\n"
                text += Table.object(.object(members.filter { $0.0 != "text" && $0.0 != "textIsCut" }))
                let said = found[side]?["text"]?.stringValue ?? ""
                // What a model said may not move the cursor.
                if !said.isEmpty { text += "\n" + Terminal.printable(said) + "\n" }
                if found[side]?["textIsCut"] == .bool(true) { text += "[there was more]\n" }
            }
            return text
        }
    }
}
