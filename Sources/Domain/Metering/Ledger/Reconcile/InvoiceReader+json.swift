internal import Core

extension InvoiceReader {
    func readJSON(_ text: String, into invoice: inout Invoice) throws(InvoiceError) {
        let json: JSONValue
        do { json = try JSONValue.parse(text) } catch {
            throw InvoiceError("the file is not JSON: byte \(error.offset) is wrong")
        }
        // One page of an answer, or several pages in a list.
        for page in json.arrayValue ?? [json] {
            guard let items = page["data"]?.arrayValue ?? (page["day"] ?? page["date"] != nil ? [page] : nil) else {
                throw InvoiceError("the file has no list called data, as the providers' answers have")
            }
            for item in items { try self.read(item, into: &invoice) }
        }
    }

    private func read(_ item: JSONValue, into invoice: inout Invoice) throws(InvoiceError) {
        guard let results = item["results"]?.arrayValue ?? item["result"]?.arrayValue else {
            // A line of its own, as OpenRouter's activity has them.
            guard let day = Self.day(item["date"] ?? item["day"]) else {
                throw InvoiceError("an entry has no date: \(item.text.prefix(120))")
            }
            return invoice.add(try Self.activity(item), Invoice.Key(day: day, model: Self.model(item)))
        }
        guard let day = Self.day(item["start_time"] ?? item["starting_at"]) else {
            throw InvoiceError("a bucket has no start_time or starting_at")
        }
        for result in results {
            invoice.add(try Self.result(result), Invoice.Key(day: day, model: Self.model(result)))
        }
    }

    private static func model(_ item: JSONValue) -> String {
        if let model = item["model"]?.stringValue { return model }
        // OpenAI's costs name `gpt-4o-2024-08-06, input`.
        let lineItem = item["line_item"]?.stringValue ?? ""
        return lineItem.split(separator: ",").first.map(String.init) ?? ""
    }

    /// A result in a bucket of OpenAI's or Anthropic's.
    private static func result(_ item: JSONValue) throws(InvoiceError) -> Invoice.Line {
        var line = Invoice.Line()
        line.requests = try Self.count(item, "num_model_requests")
        line.outputTokens = try Self.count(item, "output_tokens")
        if item["uncached_input_tokens"] != nil {
            // Anthropic's: the kinds of input stand side by side.
            let creation = item["cache_creation"] ?? .null
            line.inputTokens = Self.sum([
                try Self.count(item, "uncached_input_tokens"), try Self.count(item, "cache_read_input_tokens"),
                try Self.count(creation, "ephemeral_5m_input_tokens"),
                try Self.count(creation, "ephemeral_1h_input_tokens"),
            ])
        } else {
            line.inputTokens = try Self.count(item, "input_tokens")
        }
        guard let amount = item["amount"] else { return line }
        if let value = amount["value"] {
            try Self.checkCurrency(amount)
            line.cost = try Self.dollars(value)
        } else {
            // Anthropic's costs are in cents.
            try Self.checkCurrency(item)
            line.cost = try Self.dollars(amount, shiftedBy: "e-2")
        }
        return line
    }

    /// A line of OpenRouter's activity.
    private static func activity(_ item: JSONValue) throws(InvoiceError) -> Invoice.Line {
        let cost = item["usage"] ?? item["cost_usd"] ?? item["cost"]
        let (prompt, completion) = (try Self.count(item, "prompt_tokens"), try Self.count(item, "completion_tokens"))
        let (input, output) = (try Self.count(item, "input_tokens"), try Self.count(item, "output_tokens"))
        return Invoice.Line(
            requests: try Self.count(item, "requests"),
            inputTokens: prompt ?? input,
            outputTokens: completion ?? output,
            cost: try cost.map { value throws(InvoiceError) in try Self.dollars(value) }
        )
    }

    private static func checkCurrency(_ item: JSONValue) throws(InvoiceError) {
        guard let currency = item["currency"]?.stringValue else { return }
        guard currency.lowercased() == "usd" else {
            throw InvoiceError("an amount is in \(currency); only US dollars are compared")
        }
    }

    private static func count(_ item: JSONValue, _ name: String) throws(InvoiceError) -> Int64? {
        guard let value = item[name], !value.isNull else { return nil }
        guard let count = value.intValue, count >= 0 else {
            throw InvoiceError("\(name) is not a count: \(value.text)")
        }
        return Int64(count)
    }

    private static func dollars(_ value: JSONValue, shiftedBy exponent: String = "") throws(InvoiceError)
        -> MicroDollars
    {
        let text = value.stringValue ?? value.text
        guard let amount = Self.dollars(text, shiftedBy: exponent) else {
            throw InvoiceError("an amount is not a number: \(value.text)")
        }
        return amount
    }
}
