internal import Core

/// Reads what providers export: usage and costs as JSON from their APIs, or as CSV from their pages.
///
/// - OpenAI: `/v1/organization/usage/…` (grouped by model) and `/v1/organization/costs`.
/// - Anthropic: `/v1/organizations/usage_report/messages` and `/v1/organizations/cost_report`, and the console's CSV.
/// - OpenRouter: `/api/v1/activity`, and the activity page's CSV.
/// - Any other CSV whose columns have one of the usual names, or are named by the caller.
///
/// Facts from the providers' API references as of November 2026. Several files of one provider, such as one with usage
/// and one with costs, are added into one invoice.
package struct InvoiceReader: Sendable {
    /// The most that a file may have, in bytes.
    package static let fileBytesMax = 256 << 20

    /// What a column of a CSV can hold; the raw value is its name where one is given by hand.
    package enum Column: String, Sendable, CaseIterable {
        case day, model, requests
        case inputTokens = "input_tokens"
        case outputTokens = "output_tokens"
        /// In dollars.
        case cost = "cost_usd"
    }

    /// Columns that are named by hand.
    let columns: [Column: String]

    /// - Parameter columns: `day=Date,model=SKU,cost_usd=Amount`: what is called otherwise than usual.
    package init(columns: String = "") throws(InvoiceError) {
        var named: [Column: String] = [:]
        for part in columns.split(separator: ",") {
            let halves = part.split(separator: "=", maxSplits: 1)
            guard halves.count == 2 else { throw InvoiceError("columns are given as day=Date,model=SKU") }
            guard let column = Column(rawValue: String(halves[0])) else {
                let known = Column.allCases.map(\.rawValue).joined(separator: ", ")
                throw InvoiceError("there is no column '\(halves[0])'; there are \(known)")
            }
            named[column] = String(halves[1])
        }
        self.columns = named
    }

    /// Reads one file and adds what it says.
    package func read(_ text: String, into invoice: inout Invoice) throws(InvoiceError) {
        let start = text.utf8.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if start == UInt8(ascii: "{") || start == UInt8(ascii: "[") {
            try self.readJSON(text, into: &invoice)
        } else {
            try self.readCSV(text, into: &invoice)
        }
    }

    // MARK: - What both have

    /// Reads an amount, with a dollar sign and thousands' commas as pages write them.
    static func dollars(_ text: String, shiftedBy exponent: String = "") -> MicroDollars? {
        let plain = String(text.unicodeScalars.filter { $0 != "$" && $0 != "," && $0 != " " })
        if !exponent.isEmpty, plain.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return nil }
        return MicroDollars(dollars: plain + exponent)
    }

    /// The day in UTC: of seconds since 1970, a date, or a time.
    static func day(_ value: JSONValue?) -> String? {
        switch value {
        case .integer(let seconds) where (0...253_402_300_799).contains(seconds): UnixTime(seconds: seconds).dayText
        case .string(let text): Self.day(text)
        default: nil
        }
    }

    static func day(_ text: String) -> String? {
        let text = text.trimmingSpaces
        if text.utf8.count == 10, UnixTime(rfc3339: text + "T00:00:00Z") != nil { return text }
        if let time = UnixTime(rfc3339: text) { return time.dayText }
        // `2026-11-20 10:00:00`, with or without a fraction, as some exports have it; in UTC.
        let parts = text.split(separator: " ")
        guard parts.count == 2, let time = UnixTime(rfc3339: parts[0] + "T" + parts[1] + "Z") else { return nil }
        return time.dayText
    }

    static func sum(_ counts: [Int64?]) -> Int64? {
        let known = counts.compactMap { $0 }
        guard !known.isEmpty else { return nil }
        return known.reduce(0) { sum, count in
            let (next, isOver) = sum.addingReportingOverflow(count)
            return isOver ? .max : next
        }
    }
}

extension String {
    /// Without white space and byte order marks at its ends.
    var trimmingSpaces: String {
        let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace || scalar == "\u{FEFF}" }
        let scalars = self.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(scalars[first...last])
    }
}
