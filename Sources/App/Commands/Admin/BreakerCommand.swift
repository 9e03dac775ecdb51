import ArgumentParser
import Core
import Operations
import Wire

/// `turnpike breaker`.
struct BreakerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker",
        abstract: "Breakers: which models of which providers are left alone, and why.",
        discussion: """
            turnpike breaker open openai --model gpt-4o --for 600
            turnpike breaker close openai

            Breakers are in the memory of the running gateway; a new start begins with all of them closed.
            """,
        subcommands: [List.self, Open.self, Close.self]
    )

    static let columns: [Table.Column] = [
        .init("PROVIDER", "provider"), .init("MODEL", "model"), .init("CREDENTIAL", "credentialId"),
        .init("STATE", "state"), .init("FAILED") { "\($0["failures"]?.intValue ?? 0)/\($0["calls"]?.intValue ?? 0)" },
        .init("REFUSED", "refused"), .init("OPENS IN") { BreakerCommand.time($0["opensInMs"], whenNull: "on command") },
        .init("COOLS FOR") { BreakerCommand.time($0["coolsForMs"], whenNull: "") },
    ]

    private static func time(_ json: JSONValue?, whenNull: String) -> String {
        guard let milliseconds = json?.intValue else { return whenNull }
        return milliseconds == 0 ? "" : "\((milliseconds + 999) / 1000) s"
    }

    /// What a person may say about which breakers are meant.
    struct Selection: ParsableArguments {
        @Argument(help: "The provider's name.")
        var provider: String

        @Option(help: "What the provider calls the model; all of its models if not given.")
        var model: String?

        @Option(help: "The provider key's id; all if not given.")
        var credential: String?

        var members: [(String, JSONValue)] {
            var members: [(String, JSONValue)] = [("provider", .string(self.provider))]
            if let model = self.model { members.append(("model", .string(model))) }
            if let credential = self.credential { members.append(("credentialId", .string(credential))) }
            return members
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the targets that calls went to.")

        @Flag(help: "Only those that are left alone.")
        var open = false

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var answer = try await AdminDoor.with(self.options) { try await $0.call(.get, AdminPath("breakers").text) }
            if self.open {
                let rows = answer["data"]?.arrayValue?.filter { $0["state"] != "closed" || $0["coolsForMs"] != .null }
                answer = ["data": .array(rows ?? []), "nextCursor": .null]
            }
            AdminOutput.list(answer, BreakerCommand.columns, asJSON: self.options.json)
        }
    }

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep calls away from a provider, from one of its models, or from one of its keys."
        )

        @OptionGroup var selection: Selection

        @Option(name: .customLong("for"), help: "For so many seconds; until 'breaker close' if not given.")
        var seconds: Int?

        @OptionGroup var options: AdminOptions

        func validate() throws {
            guard let seconds = self.seconds else { return }
            let range = 1...Administration.breakerSecondsMax
            guard range.contains(seconds) else {
                throw ValidationError("--for must be \(range.lowerBound) to \(range.upperBound) seconds")
            }
        }

        func run() async throws {
            var body = self.selection.members
            if let seconds = self.seconds { body.append(("seconds", .integer(Int64(seconds)))) }
            let until = self.seconds.map { "for \($0) s" } ?? "until you close it"
            try await BreakerCommand.change("open", body, self.options) {
                "Calls stay away from \($0) \(until)."
            }
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let calls go there again, whatever kept them away."
        )

        @OptionGroup var selection: Selection
        @OptionGroup var options: AdminOptions

        func run() async throws {
            try await BreakerCommand.change("close", self.selection.members, self.options) {
                "Calls go to \($0) again."
            }
        }
    }

    private static func change(
        _ verb: String,
        _ members: [(String, JSONValue)],
        _ options: AdminOptions,
        _ sentence: (String) -> String
    ) async throws {
        let body = JSONValue.object(members)
        let answer = try await AdminDoor.with(options) {
            try await $0.call(.post, AdminPath("breakers", verb).text, body)
        }
        let target = [body["provider"]?.stringValue, body["model"]?.stringValue].compactMap(\.self)
            .joined(separator: "/")
        AdminOutput.done(answer, sentence(target), asJSON: options.json)
    }
}
