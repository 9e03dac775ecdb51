import ArgumentParser
import Core
import Engine
import Metering
import Wire

struct BudgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budget",
        abstract: "Budgets: how much may be spent, by whom, and how much is.",
        subcommands: [Add.self, List.self, Show.self, Update.self, Delete.self]
    )

    static let columns: [Table.Column] = [
        .init("ID", "id"), .init("NAME", "name"), .init("COUNTS", BudgetText.about), .init("LIMIT", BudgetText.limit),
        .init("MODE", "mode"), .init("SPENT") { BudgetText.amount($0, "spent") }, .init("USED", BudgetText.used),
        .init("RENEWS", time: "renewsAt"),
    ]

    /// One budget, as a person names it.
    struct Reference: ParsableArguments {
        @Argument(help: "The budget's id, or its name.")
        var budget: String

        /// The path of the budget; a name is looked for in the list.
        func path(_ door: AdminDoor) async throws -> AdminPath {
            guard !self.budget.hasPrefix("bud_"), !self.budget.hasPrefix("settings:") else {
                return AdminPath("budgets", self.budget)
            }
            let all = try await door.list(AdminPath("budgets"), try PageOptions.parse([]))["data"]?.arrayValue ?? []
            let ids = all.filter { $0["name"] == .string(self.budget) }.compactMap { $0["id"]?.stringValue }
            switch ids.count {
            case 1: return AdminPath("budgets", ids[0])
            case 0: throw CommandFailure("there is no budget named \(self.budget); see turnpike budget list")
            default: throw CommandFailure("several budgets have this name; take an id: \(ids.joined(separator: ", "))")
            }
        }
    }

    /// What both making and changing may say.
    struct Terms: ParsableArguments {
        enum Mode: String, EnumerableFlag { case hard, soft }

        @Option(help: "How many dollars: 100, 12.50, 1k.")
        var usd: String?

        @Option(help: "How many requests: 1000, 10k.")
        var requests: String?

        @Option(help: "How many tokens, read and written: 500k, 1M.")
        var tokens: String?

        @Option(help: "When it renews, in UTC: day, week, month or total.")
        var per: String?

        @Flag(exclusivity: .exclusive, help: "Let no call in that could overrun it, or only warn.")
        var mode: Mode?

        @Option(name: .customLong("alert"), help: "Warn at this percentage of it; may be given again.")
        var alerts: [String] = []

        @Option(help: "What it is called, in refusals and warnings.")
        var name: String?

        func validate() throws {
            guard [self.usd, self.requests, self.tokens].compactMap(\.self).count <= 1 else {
                throw ValidationError("give one of --usd, --requests and --tokens")
            }
            _ = try self.limit()
            _ = try self.percentages()
        }

        /// The limit and its unit, if one was given.
        func limit() throws -> (unit: BudgetUnit, amount: Int64)? {
            let given: [(BudgetUnit, String?)] = [
                (.money, self.usd), (.requests, self.requests), (.tokens, self.tokens),
            ]
            for (unit, text) in given {
                guard let text else { continue }
                guard let amount = BudgetText.amount(text, in: unit) else {
                    throw ValidationError("--\(unit.name) must be \(unit.expectation), such as 100 or 10k")
                }
                return (unit, amount)
            }
            return nil
        }

        private func percentages() throws -> [JSONValue] {
            try self.alerts.flatMap { $0.split(separator: ",") }.map { text in
                guard let value = Int64(text.drop { $0 == " " }.prefix { $0 != "%" }), (1...1000).contains(value) else {
                    throw ValidationError("--alert must be a percentage from 1 to 1000")
                }
                return .integer(value)
            }
        }

        /// The members of a body.
        func members() throws -> [(String, JSONValue)] {
            var body: [(String, JSONValue)] = []
            if let name = self.name { body.append(("name", .string(name))) }
            if let limit = try self.limit() { body.append(("limit", limit.unit.json(limit.amount))) }
            if let per = self.per { body.append(("per", .string(per))) }
            if let mode = self.mode { body.append(("mode", .string(mode.rawValue))) }
            if !self.alerts.isEmpty { body.append(("alerts", .array(try self.percentages()))) }
            return body
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a budget for a group, for people, keys, agents or models, or for everything.",
            discussion: """
                Examples:
                  turnpike budget add --group demo --usd 100 --per month --alert 50 --alert 80
                  turnpike budget add --group demo --user '*' --model gpt-4o --usd 5 --per day
                  turnpike budget add --group '*' --tokens 10M --per day --soft

                '*' counts each by itself; what is not given does not matter.
                """
        )

        @Option(help: "The group it belongs to, or '*' for each; all groups together if not given.")
        var group: String?

        @Option(help: "A person's id, or '*'.")
        var user: String?

        @Option(help: "A gateway key's id, or '*'.")
        var key: String?

        @Option(help: "An agent's id, or '*'.")
        var agent: String?

        @Option(help: "A model by the name that clients use, or '*'.")
        var model: String?

        @OptionGroup var terms: Terms
        @OptionGroup var options: AdminOptions

        func validate() throws {
            guard try self.terms.limit() != nil else { throw ValidationError("give --usd, --requests or --tokens") }
        }

        func run() async throws {
            var body = try self.terms.members()
            if let unit = try self.terms.limit()?.unit { body.append(("unit", .string(unit.name))) }
            if let group = self.group { body.append(("group", .string(group))) }
            let scope = [("user", self.user), ("key", self.key), ("agent", self.agent), ("model", self.model)]
            let named = scope.compactMap { name, value in value.map { (name, JSONValue.string($0)) } }
            if !named.isEmpty { body.append(("scope", .object(named))) }
            let given = JSONValue.object(body)
            let answer = try await AdminDoor.with(self.options, creates: true) {
                try await $0.call(.post, AdminPath("budgets").text, given)
            }
            AdminOutput.done(answer, BudgetText.sentence(answer["data"] ?? .null), asJSON: self.options.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List budgets with what is spent, those of the settings file first."
        )

        @Option(help: "Only budgets of this group.")
        var group: String?

        @Option(help: "Only those of the settings file (settings), or only the others (api).")
        var source: String?

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("budgets")
            path.add("group", self.group)
            path.add("source", self.source)
            let (wanted, page) = (path, self.page)
            let answer = try await AdminDoor.with(self.options) { try await $0.list(wanted, page) }
            AdminOutput.list(answer, BudgetCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a budget, and what each has spent where each is counted by itself."
        )

        @OptionGroup var reference: Reference
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let reference = self.reference
            let answer = try await AdminDoor.with(self.options) { door in
                try await door.call(.get, try await reference.path(door).text)
            }
            guard !self.options.json, let budget = answer["data"] else {
                AdminOutput.object(answer, asJSON: self.options.json)
                return
            }
            let members = (budget.objectValue ?? []).filter { $0.0 != "subjects" }
            Terminal.output.write(Table.object(.object(members)))
            guard let subjects = budget["subjects"]?.arrayValue, let first = subjects.first?.objectValue else { return }
            let names = first.map(\.0).filter { Scope.Dimension(rawValue: $0) != nil }
            let columns = names.map { Table.Column($0.uppercased(), $0) }
            let amounts = ["spent", "reserved", "remaining"].map { Table.Column($0.uppercased(), $0) }
            Terminal.output.write("\n" + Table(columns: columns + amounts).text(subjects))
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a budget's limit, window, mode, alerts or name; what is spent stays spent."
        )

        @OptionGroup var reference: Reference
        @OptionGroup var terms: Terms

        @Flag(help: "Warn at no percentage.")
        var noAlerts = false

        @OptionGroup var options: AdminOptions

        func validate() throws {
            if try self.terms.members().isEmpty, !self.noAlerts {
                throw ValidationError("give --usd, --requests, --tokens, --per, --hard, --soft, --alert or --name")
            }
            if self.noAlerts, !self.terms.alerts.isEmpty { throw ValidationError("give --alert or --no-alerts") }
        }

        func run() async throws {
            var body = try self.terms.members()
            if self.noAlerts { body.append(("alerts", [])) }
            let (reference, given, unit) = (self.reference, JSONValue.object(body), try self.terms.limit()?.unit)
            let answer = try await AdminDoor.with(self.options) { door in
                let path = try await reference.path(door).text
                if let unit {
                    let known = try await door.call(.get, path)["data"]?["unit"]?.stringValue ?? ""
                    guard known == unit.name else {
                        let text = "the budget counts \(known), not \(unit.name); make another one for that"
                        throw CommandFailure(text, isMisuse: true)
                    }
                }
                return try await door.call(.patch, path, given)
            }
            AdminOutput.done(answer, BudgetText.sentence(answer["data"] ?? .null), asJSON: self.options.json)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a budget; what it counted stays in the ledger."
        )

        @OptionGroup var reference: Reference
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let reference = self.reference
            let answer = try await AdminDoor.with(self.options) { door in
                try await door.call(.delete, try await reference.path(door).text)
            }
            AdminOutput.done(answer, "Budget \(self.reference.budget) is gone", asJSON: self.options.json)
        }
    }
}
