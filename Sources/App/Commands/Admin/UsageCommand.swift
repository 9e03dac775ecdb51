import ArgumentParser
import Core
import Engine
import Metering
import Wire

struct UsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "What was used and what it cost.",
        subcommands: [UsageReportCommand.self, UsageVerifyCommand.self, UsageReconcileCommand.self],
        defaultSubcommand: UsageReportCommand.self
    )
}

/// Which usage a command is about.
struct UsageSelection: ParsableArguments {
    @Option(help: "Not before: \(UsageMoment.expectation), or all.")
    var from: String?

    @Option(help: "Before; as --from.")
    var to: String?

    @Option(help: "Only this group.")
    var group: String?

    @Option(help: "Only this person.")
    var user: String?

    @Option(help: "Only this gateway key.")
    var key: String?

    @Option(help: "Only this agent.")
    var agent: String?

    @Option(help: "Only this model, by the name that clients use.")
    var model: String?

    @Option(help: "Only this operation, such as chat.")
    var operation: String?

    @Option(help: "Only this provider.")
    var provider: String?

    @Option(help: "Only this model, by the provider's name.")
    var upstreamModel: String?

    @Option(help: "Only this provider key.")
    var credential: String?

    @Option(help: "Only this side of an experiment.")
    var variant: String?

    /// The path of the report, from a moment on if none is given.
    func path(standardFrom: String?) -> AdminPath {
        var path = AdminPath("usage")
        let from = self.from ?? standardFrom
        path.add("from", from == "all" ? nil : from)
        path.add("to", self.to)
        for (name, value) in [
            ("group", self.group), ("user", self.user), ("key", self.key), ("agent", self.agent),
            ("model", self.model), ("operation", self.operation), ("provider", self.provider),
            ("upstreamModel", self.upstreamModel), ("credential", self.credential), ("variant", self.variant),
        ] { path.add(name, value) }
        return path
    }
}

/// `turnpike usage`, or `turnpike usage report`.
struct UsageReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show sums, or single attempts; this month's by model if nothing else is asked for.",
        discussion: """
            turnpike usage --by day --from -7d
            turnpike usage --by group,user --from month --csv
            turnpike usage --rows --model fast --limit 20
            turnpike usage --rows --all --from 2026-11-01 --csv > november.csv
            """
    )

    @Option(help: "What to group by, with commas: \(UsageDimension.allCases.map(\.rawValue).joined(separator: ", ")).")
    var by: String?

    @Flag(help: "Single attempts, the newest first, instead of sums.")
    var rows = false

    @Option(help: "At most so many lines; 50 for --rows, all for sums if not given.")
    var limit: Int?

    @Flag(help: "All attempts.")
    var all = false

    @Flag(help: "Print CSV; all attempts with --rows, unless --limit is given.")
    var csv = false

    @OptionGroup var selection: UsageSelection
    @OptionGroup var options: AdminOptions

    private static let pageMax = 200

    func validate() throws {
        if self.csv, self.options.json { throw ValidationError("--csv and --json do not go together") }
        if self.rows, self.by != nil { throw ValidationError("--by is for sums; leave it out with --rows") }
        if self.all, self.limit != nil { throw ValidationError("--all and --limit do not go together") }
        for name in (self.by ?? "").split(separator: ",") where UsageDimension(rawValue: String(name)) == nil {
            throw ValidationError("--by takes \(UsageDimension.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        if let limit = self.limit, limit < 1 { throw ValidationError("--limit is 1 or more") }
    }

    func run() async throws {
        var path = self.selection.path(standardFrom: self.rows ? nil : "month")
        let by = self.rows ? nil : self.by ?? "model"
        path.add("rows", self.rows ? "true" : nil)
        path.add("by", by)
        let wanted = path
        let most = self.limit ?? (self.rows && !self.all && !self.csv ? 50 : Int.max)
        try await AdminDoor.with(self.options) { door in
            var output = UsageOutput(
                dimensions: by?.split(separator: ",").compactMap { UsageDimension(rawValue: String($0)) },
                style: self.csv ? .csv : self.options.json ? .json : .table
            )
            try await self.pages(door, wanted, most: most) { page in try output.take(page) }
            try output.finish()
        }
        if !self.rows, self.selection.from == nil, !self.csv, !self.options.json {
            Terminal.error.line("since the beginning of the month, UTC; --from all for everything")
        }
    }

    /// Hands over a page after the other, until nothing is left or enough was shown.
    private func pages(
        _ door: AdminDoor,
        _ path: AdminPath,
        most: Int,
        _ take: (JSONValue) throws -> Void
    ) async throws {
        var rest = most
        var cursor: String?
        repeat {
            var next = path
            next.add("limit", String(min(rest, Self.pageMax)))
            next.add("cursor", cursor)
            let page = try await door.call(.get, next.text)
            try take(page)
            rest -= page["data"]?.arrayValue?.count ?? 0
            cursor = page["nextCursor"]?.stringValue
        } while cursor != nil && rest > 0
    }
}

/// Shows a report, page by page where that is possible.
struct UsageOutput {
    enum Style { case table, csv, json }

    /// What sums are grouped by; nil for rows.
    let dimensions: [UsageDimension]?
    let style: Style
    private var kept: [JSONValue] = []
    private var total = JSONValue.null
    private var next = JSONValue.null
    private var shown = 0

    init(dimensions: [UsageDimension]?, style: Style) {
        self.dimensions = dimensions
        self.style = style
    }

    mutating func take(_ page: JSONValue) throws {
        let rows = page["data"]?.arrayValue ?? []
        if let total = page["total"], !total.isNull { self.total = total }
        self.next = page["nextCursor"] ?? .null
        switch self.style {
        case .table: self.kept += rows
        case .csv:
            if self.shown == 0 {
                try self.write(self.dimensions.map { UsageSums.csvHeader($0) } ?? LedgerRow.csvHeader)
            }
            try self.write(rows.map { UsageCSV.line($0) }.joined())
        case .json:
            let lines = rows.map(\.text).joined(separator: ",")
            try self.write(self.shown == 0 ? "{\"data\":[" + lines : rows.isEmpty ? "" : "," + lines)
        }
        self.shown += max(1, rows.count)
    }

    mutating func finish() throws {
        switch self.style {
        case .csv: break
        case .json:
            let total = self.dimensions == nil ? "" : ",\"total\":\(self.total.text)"
            try self.write("],\"nextCursor\":\(self.next.text)\(total)}\n")
        case .table:
            try self.write(self.table())
            if !self.next.isNull { Terminal.error.line("there is more: --limit N, or --all") }
        }
    }

    private func write(_ text: String) throws {
        guard Terminal.output.write(text) else { throw CommandFailure("the report cannot be written") }
    }

    private func table() -> String {
        guard let dimensions = self.dimensions else { return Table(columns: Self.rowColumns).text(self.kept) }
        var rows = self.kept
        // What costs most comes first, unless it is a course of time.
        if !dimensions.contains(where: \.isTime) {
            rows.sort { ($0["costUsd"]?.doubleValue ?? 0) > ($1["costUsd"]?.doubleValue ?? 0) }
        }
        if !self.total.isNull, rows.count != 1 {
            let name = dimensions.first.map { [($0.member, JSONValue.string("total"))] } ?? []
            rows.append(.object(name + (self.total.objectValue ?? [])))
        }
        let names = dimensions.map { Table.Column($0.rawValue.uppercased(), $0.member) }
        return Table(columns: names + Self.sumColumns).text(rows)
    }

    private static let sumColumns: [Table.Column] = [
        .init("CALLS", "calls"), .init("ATTEMPTS", "attempts"), .init("FAILED", "failed"),
        .init("INPUT") { Table.text($0["usage"]?["inputTokens"]) },
        .init("CACHED") { Table.text($0["usage"]?["cachedInputTokens"]) },
        .init("OUTPUT") { Table.text($0["usage"]?["outputTokens"]) },
        .init("COST $", "costUsd"), .init("CHARGED $", "chargedUsd"),
    ]

    private static let rowColumns: [Table.Column] = [
        .init("TIME", time: "startedAt"), .init("GROUP", "groupId"), .init("KEY", "keyId"), .init("MODEL", "model"),
        .init("PROVIDER", "provider"), .init("OUTCOME", "outcome"),
        .init("INPUT") { Table.text($0["usage"]?["inputTokens"]) },
        .init("OUTPUT") { Table.text($0["usage"]?["outputTokens"]) },
        .init("COST $", "costUsd"), .init("SOURCE", "usageSource"), .init("REQUEST", "requestId"),
    ]
}
