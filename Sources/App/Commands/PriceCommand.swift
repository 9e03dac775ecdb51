import ArgumentParser
import Core
import Engine
import Metering
import Providers

/// `turnpike price`: what models cost by the settings and the built-in list; asks no gateway.
struct PriceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "price",
        abstract: "Look at what models cost.",
        subcommands: [List.self, Show.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the prices in force: those of the settings, then the built-in ones.",
            discussion: "With <text>, only those of models and providers that have it in their names."
        )

        @Argument(help: "What names must have in them.")
        var text: String?

        @OptionGroup var options: Options

        func run() throws {
            let book = try self.options.settings().priceBook
            let wanted = self.text?.lowercased() ?? ""
            let entries = book.entries.filter { entry in
                wanted.isEmpty || "\(entry.provider)/\(entry.model)".lowercased().contains(wanted)
            }
            let rows = entries.map { PriceCommand.row($0.facts, $0.model, $0.provider, ("page", $0.page)) }
            self.options.write(rows, of: book)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show what a call for a model costs, at each target that may answer it.",
            discussion: "<model> is what clients ask for: an alias, provider/model, or one of the default provider."
        )

        @Argument(help: "The model.")
        var model: String

        @OptionGroup var options: Options

        func run() throws {
            var settings = try self.options.settings()
            let book = settings.priceBook
            // It costs nothing wherever it listens.
            if settings.simulator { settings.addSimulator(baseURL: "http://127.0.0.1:9/v1") }
            let catalog = try SnapshotMaker.catalog(settings, reusing: nil)
            let rows = PriceCommand.targets(of: self.model, in: catalog).map { target in
                let provider = target.provider
                let seller = PriceBook.Seller(
                    provider: provider.name,
                    family: provider.family.name,
                    needsNoCredential: provider.needsNoCredential
                )
                let facts = book.facts(for: target.model, at: seller)
                let reports = ("reported", JSONValue.bool(facts.rates.takesReportedCost))
                return PriceCommand.row(facts, target.model, provider.name, reports)
            }
            guard !rows.isEmpty else { throw CommandFailure("no provider answers calls for \(self.model)") }
            self.options.write(rows, of: book)
        }
    }

    struct Options: ParsableArguments {
        @Option(help: "The settings file; else TURNPIKE_CONFIG, else turnpike.yaml if there is one.")
        var config: String?

        @Flag(help: "Print one JSON object.")
        var json = false

        func settings() throws -> Settings {
            do {
                return try Settings.load(SettingsSource.ofProcess(configPath: self.config)).settings
            } catch {
                Terminal.error.write(error.summary)
                throw CommandFailure("", isMisuse: error.isMisuse)
            }
        }

        func write(_ rows: [JSONValue], of book: PriceBook) {
            if self.json {
                let answer = JSONValue.object([("version", .string(book.version)), ("prices", .array(rows))])
                Terminal.output.line(answer.text)
            } else {
                Terminal.output.write(PriceCommand.table.text(rows))
                Terminal.output.line("\nDollars for a million tokens; prices \(book.version).")
            }
        }
    }

    // MARK: Parts

    /// Where a call for a model may go: an alias's targets, a provider that is named, else the default one.
    private static func targets(of model: String, in catalog: Catalog) -> [(provider: Provider, model: String)] {
        if let route = catalog.route(named: model) { return route.targets.map { ($0.provider, $0.model) } }
        let parts = model.split(separator: "/", maxSplits: 1)
        if parts.count == 2, let provider = catalog.provider(named: String(parts[0])) {
            return [(provider, String(parts[1]))]
        }
        return catalog.defaultProvider.map { [($0, model)] } ?? []
    }

    private static let table = Table(columns: [
        Table.Column("PROVIDER", "provider"), Table.Column("MODEL", "model"), Table.Column("INPUT", "input"),
        Table.Column("CACHED", "cachedInput"), Table.Column("OUTPUT", "output"), Table.Column("CONTEXT", "context"),
        Table.Column("MAX OUTPUT", "maxOutput"), Table.Column("PRICE FROM", "source"),
    ])

    /// A price as JSON, in dollars as text, so that nothing is rounded.
    private static func row(
        _ facts: ModelFacts,
        _ model: String,
        _ provider: String,
        _ more: (String, JSONValue)
    ) -> JSONValue {
        let rates = facts.rates
        func dollars(_ rate: Int64?) -> JSONValue {
            guard rates.isPriced, let rate else { return .null }
            return .string(MicroDollars(rate).dollars)
        }
        func number(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
        let long = rates.long.map { long in
            JSONValue.object([
                ("above", .integer(Int64(long.above))), ("inputPercent", .integer(Int64(long.inputPercent))),
                ("outputPercent", .integer(Int64(long.outputPercent))),
            ])
        }
        return .object([
            ("provider", provider.isEmpty ? .null : .string(provider)), ("model", .string(model)),
            ("input", dollars(rates.input)), ("cachedInput", dollars(rates.cachedInput)),
            ("cacheWrite", dollars(rates.cacheWrite)), ("cacheWrite1h", dollars(rates.cacheWriteLong)),
            ("output", dollars(rates.output)),
            ("reasoning", dollars(rates.reasoning)), ("audioInput", dollars(rates.audioInput)),
            ("audioOutput", dollars(rates.audioOutput)), ("image", dollars(rates.image == 0 ? nil : rates.image)),
            ("request", dollars(rates.request == 0 ? nil : rates.request)),
            ("characters", dollars(rates.characters == 0 ? nil : rates.characters)),
            ("minute", dollars(rates.minute == 0 ? nil : rates.minute)),
            ("searches", dollars(rates.searches == 0 ? nil : rates.searches)), ("longRequests", long ?? .null),
            ("context", number(facts.contextMax)), ("maxOutput", number(facts.outputMax)),
            ("source", .string(rates.source)), more,
        ])
    }

    private static func row(
        _ facts: ModelFacts,
        _ model: String,
        _ provider: String,
        _ more: (String, String)
    ) -> JSONValue {
        self.row(facts, model, provider, (more.0, JSONValue.string(more.1)))
    }
}
