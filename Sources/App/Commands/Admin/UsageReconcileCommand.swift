import ArgumentParser
import Core
import Engine
import Metering
import Wire

/// `turnpike usage reconcile`.
struct UsageReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Compare a provider's own figures with the ledger, by day and model; exits with 1 if they differ.",
        discussion: """
            Takes what providers export: OpenAI's usage and costs, Anthropic's usage and cost reports, OpenRouter's \
            activity, as JSON from their APIs or as CSV from their pages, or any CSV with the columns day, model, \
            input_tokens, output_tokens and cost_usd, in any order, some of them, or named with --columns. Give --file \
            more than once where tokens and costs are in files of their own. Costs are read as US dollars, \
            days as UTC.
            """
    )

    @Option(help: "The provider, as the settings name it.")
    var provider: String

    @Option(help: "What the provider exported; may be given more than once.")
    var file: [String]

    @Option(help: "Columns of a CSV that have other names: day=Date,model=SKU,cost_usd=Amount.")
    var columns = ""

    @Option(help: "Not before this day (2026-11-20); else the first one of the files.")
    var from: String?

    @Option(help: "Before this day; else the one after the last of the files.")
    var to: String?

    @Option(help: "How far two figures may be apart: 1%, or 0.01.")
    var tolerance = "1%"

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let tolerance = try Self.share(self.tolerance)
        let theirs = try self.invoice()
        guard let days = theirs.days else { throw CommandFailure("no day of the files is between --from and --to") }
        // Of a day nothing is left out: from its midnight to the next one.
        let last = try Self.midnight(days.last, "a day of the file")
        var path = AdminPath("usage")
        path.add("from", self.from ?? days.first)
        path.add("to", self.to ?? last.adding(days: 1).dayText)
        path.add("provider", self.provider)
        path.add("by", "day,upstreamModel")
        path.add("limit", "200")
        let wanted = path
        let ours = try await AdminDoor.with(self.options) { try await Self.ledger($0, wanted) }
        let result = Reconciliation(theirs, with: ours, tolerance: tolerance)
        if self.options.json { Terminal.output.line(self.json(result).text) } else { self.show(result) }
        guard result.differences.isEmpty else { throw CommandFailure("") }
    }

    // MARK: - Both sides

    private func invoice() throws -> Invoice {
        let (from, to) = (
            try self.from.map { try Self.midnight($0, "--from") }, try self.to.map { try Self.midnight($0, "--to") }
        )
        var all = Invoice()
        do {
            let reader = try InvoiceReader(columns: self.columns)
            for path in self.file {
                do {
                    try reader.read(try SmallFile.read(path, bytesMax: InvoiceReader.fileBytesMax), into: &all)
                } catch let error as InvoiceError {
                    throw InvoiceError("\(path): \(error)")
                }
            }
        } catch let error as InvoiceError {
            throw CommandFailure(error.description)
        } catch let error as SmallFile.Failure {
            throw CommandFailure(error.description)
        }
        var kept = Invoice()
        for (key, line) in all.lines {
            if let from, key.day < from.dayText { continue }
            if let to, key.day >= to.dayText { continue }
            kept.add(line, key)
        }
        return kept
    }

    private static func ledger(_ door: AdminDoor, _ path: AdminPath) async throws -> Invoice {
        var invoice = Invoice()
        var cursor: String?
        repeat {
            var next = path
            next.add("cursor", cursor)
            let page = try await door.call(.get, next.text)
            for row in page["data"]?.arrayValue ?? [] {
                let usage = row["usage"] ?? .null
                let line = Invoice.Line(
                    requests: row["attempts"]?.intValue.map { Int64($0) },
                    inputTokens: usage["inputTokens"]?.intValue.map { Int64($0) },
                    outputTokens: usage["outputTokens"]?.intValue.map { Int64($0) },
                    cost: row["costUsd"].flatMap { MicroDollars(dollars: $0.text) }
                )
                let day = row["day"]?.stringValue ?? ""
                invoice.add(line, Invoice.Key(day: day, model: row["upstreamModel"]?.stringValue ?? ""))
            }
            cursor = page["nextCursor"]?.stringValue
        } while cursor != nil
        return invoice
    }

    private static func midnight(_ day: String, _ name: String) throws -> UnixTime {
        guard day.utf8.count == 10, let time = UnixTime(rfc3339: day + "T00:00:00Z") else {
            throw CommandFailure("\(name) must be a day like 2026-11-20, not '\(day)'", isMisuse: true)
        }
        return time
    }

    /// `1%` or `0.01`.
    static func share(_ text: String) throws -> Double {
        let isPercent = text.hasSuffix("%")
        let number = Double(isPercent ? String(text.dropLast()) : text)
        guard let number, number.isFinite, (0...1).contains(isPercent ? number / 100 : number) else {
            throw CommandFailure("--tolerance must be like 1% or 0.01, not '\(text)'", isMisuse: true)
        }
        return isPercent ? number / 100 : number
    }

    // MARK: - Showing

    private func show(_ result: Reconciliation) {
        if !result.differences.isEmpty {
            let columns: [Table.Column] = [
                .init("DAY", "day"), .init("MODEL", "model"), .init("WHAT", "kind"),
                .init("INPUT") { Self.both($0, "inputTokens") }, .init("OUTPUT") { Self.both($0, "outputTokens") },
                .init("COST $") { Self.both($0, "costUsd") },
            ]
            Terminal.output.write(Table(columns: columns).text(result.differences.map(Self.json)))
            Terminal.output.line("Figures are the provider's, then the ledger's.")
        }
        let (theirs, ours) = (result.theirs.cost ?? .zero, result.ours.cost ?? .zero)
        Terminal.output.line(
            "\(result.differences.count) of \(result.differences.count + result.agreed) days and models differ by more "
                + "than \(self.tolerance); \(self.provider) says \(theirs), the ledger \(ours)"
        )
    }

    private static func both(_ row: JSONValue, _ figure: String) -> String {
        "\(Table.text(row["theirs"]?[figure])) / \(Table.text(row["ours"]?[figure]))"
    }

    private func json(_ result: Reconciliation) -> JSONValue {
        [
            "ok": .bool(result.differences.isEmpty),
            "provider": .string(self.provider),
            "tolerance": .number("\(result.tolerance)"),
            "agreed": .integer(Int64(result.agreed)),
            "theirs": Self.json(result.theirs),
            "ours": Self.json(result.ours),
            "differences": .array(result.differences.map(Self.json)),
        ]
    }

    private static func json(_ difference: Reconciliation.Difference) -> JSONValue {
        [
            "day": .string(difference.key.day),
            "model": difference.key.model.isEmpty ? .null : .string(difference.key.model),
            "kind": .string(difference.kind.rawValue),
            "theirs": Self.json(difference.theirs),
            "ours": Self.json(difference.ours),
        ]
    }

    private static func json(_ line: Invoice.Line) -> JSONValue {
        [
            "requests": line.requests.map { .integer($0) } ?? .null,
            "inputTokens": line.inputTokens.map { .integer($0) } ?? .null,
            "outputTokens": line.outputTokens.map { .integer($0) } ?? .null,
            "costUsd": line.cost.map { .number($0.dollars) } ?? .null,
        ]
    }
}
