internal import Core

extension InvoiceReader {
    /// Which columns of a CSV hold what, by their numbers.
    private struct Layout {
        var columns: [Column: Int] = [:]
        /// Kinds of input that stand side by side and make the input together.
        var inputParts: [Int] = []

        var hasFigures: Bool {
            !self.inputParts.isEmpty || [.inputTokens, .outputTokens, .cost].contains { self.columns[$0] != nil }
        }
    }

    /// The usual names of a column, in lower case with `_` for everything else; the first that is there is taken.
    private static func names(of column: Column) -> [String] {
        switch column {
        case .day:
            [
                "day", "date", "usage_date_utc", "usage_date", "start_time_iso", "created_at", "timestamp",
                "start_time",
            ]
        case .model:
            [
                "model", "model_version", "model_name", "model_permaslug", "snapshot_id", "upstreammodel",
                "line_item",
            ]
        case .requests: ["requests", "num_model_requests", "num_requests", "n_requests", "calls"]
        case .inputTokens:
            ["input_tokens", "inputtokens", "tokens_prompt", "prompt_tokens", "n_context_tokens_total"]
        case .outputTokens:
            [
                "output_tokens", "outputtokens", "tokens_completion", "completion_tokens",
                "n_generated_tokens_total", "usage_output_tokens",
            ]
        case .cost: ["cost_usd", "costusd", "cost_total", "amount_value", "amount_usd", "cost", "usage", "amount"]
        }
    }

    /// As Anthropic's export has them.
    private static let inputParts = [
        "usage_input_tokens_no_cache", "usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h",
        "usage_input_tokens_cache_write", "usage_input_tokens_cache_read",
    ]

    func readCSV(_ text: String, into invoice: inout Invoice) throws(InvoiceError) {
        var reader = CSVReader(text)
        guard let header = try reader.next() else { throw InvoiceError("the file is empty") }
        let layout = try self.layout(header)
        guard let day = layout.columns[.day] else {
            throw InvoiceError("no column is a day; say which: day=Date")
        }
        guard layout.hasFigures else {
            throw InvoiceError("no column has tokens or a cost; say which: cost_usd=Amount")
        }
        while let cells = try reader.next() {
            // Empty lines, and sums below the table, have no day.
            guard let text = Self.cell(day, cells), !text.lowercased().hasPrefix("total") else { continue }
            guard let date = Self.day(text) ?? Self.day(Int64(text).map { .integer($0) }) else {
                throw InvoiceError("line \(reader.line): '\(text)' is not a day")
            }
            let model = layout.columns[.model].flatMap { Self.cell($0, cells) } ?? ""
            invoice.add(
                try Self.used(cells, layout, line: reader.line),
                Invoice.Key(day: date, model: model.split(separator: ",").first.map(String.init) ?? "")
            )
        }
    }

    private func layout(_ header: [String]) throws(InvoiceError) -> Layout {
        let names = header.map { Self.plain($0) }
        var layout = Layout()
        for column in Column.allCases {
            if let given = self.columns[column] {
                guard let index = names.firstIndex(of: Self.plain(given)) else {
                    throw InvoiceError("there is no column '\(given)'; there are \(header.joined(separator: ", "))")
                }
                layout.columns[column] = index
            } else {
                layout.columns[column] = Self.names(of: column).lazy.compactMap { names.firstIndex(of: $0) }.first
            }
        }
        if layout.columns[.inputTokens] == nil {
            layout.inputParts = Self.inputParts.compactMap { names.firstIndex(of: $0) }
        }
        return layout
    }

    private static func used(_ cells: [String], _ layout: Layout, line: Int) throws(InvoiceError) -> Invoice.Line {
        func count(_ index: Int?) throws(InvoiceError) -> Int64? {
            guard let text = index.flatMap({ Self.cell($0, cells) }) else { return nil }
            guard let count = Int64(text.replacing(",", with: "")), count >= 0 else {
                throw InvoiceError("line \(line): '\(text)' is not a count")
            }
            return count
        }
        var used = Invoice.Line()
        used.requests = try count(layout.columns[.requests])
        used.outputTokens = try count(layout.columns[.outputTokens])
        var input = [try count(layout.columns[.inputTokens])]
        for part in layout.inputParts { input.append(try count(part)) }
        used.inputTokens = Self.sum(input)
        if let text = layout.columns[.cost].flatMap({ Self.cell($0, cells) }) {
            guard let amount = Self.dollars(text) else {
                throw InvoiceError("line \(line): '\(text)' is not an amount")
            }
            used.cost = amount
        }
        return used
    }

    /// A cell that is there and says something.
    private static func cell(_ index: Int, _ cells: [String]) -> String? {
        guard index < cells.count else { return nil }
        let text = cells[index].trimmingSpaces
        return text.isEmpty ? nil : text
    }

    private static func plain(_ name: String) -> String {
        let mapped = name.trimmingSpaces.lowercased().unicodeScalars.map { scalar in
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
        }
        return String(mapped)
    }
}
