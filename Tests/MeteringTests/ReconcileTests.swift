import Core
import Metering
import Testing

@Suite struct ReconcileTests {
    private static func invoice(_ texts: String..., columns: String = "") throws -> Invoice {
        var invoice = Invoice()
        let reader = try InvoiceReader(columns: columns)
        for text in texts { try reader.read(text, into: &invoice) }
        return invoice
    }

    private static func line(
        _ invoice: Invoice,
        _ day: String,
        _ model: String
    ) throws -> Invoice.Line {
        try #require(invoice.lines[Invoice.Key(day: day, model: model)], "\(invoice.lines.keys)")
    }

    // MARK: - What providers export

    @Test func `usage and costs from OpenAI's API come together`() throws {
        let usage = """
            {"object":"page","data":[{"object":"bucket","start_time":1795132800,"end_time":1795219200,"results":[
            {"object":"organization.usage.completions.result","input_tokens":5000,"output_tokens":1000,
            "input_cached_tokens":4000,"num_model_requests":5,"model":"gpt-4o-2024-08-06","batch":false},
            {"object":"organization.usage.completions.result","input_tokens":10,"output_tokens":20,
            "num_model_requests":1,"model":"gpt-4o-2024-08-06","batch":true}]}],"has_more":false,"next_page":null}
            """
        let costs = """
            {"object":"page","data":[{"object":"bucket","start_time":1795132800,"end_time":1795219200,"results":[
            {"object":"organization.costs.result","amount":{"value":0.06,"currency":"usd"},
            "line_item":"gpt-4o-2024-08-06, input"},
            {"object":"organization.costs.result","amount":{"value":"1.2e-05","currency":"usd"},
            "line_item":"gpt-4o-2024-08-06, output"}]}]}
            """
        let invoice = try Self.invoice(usage, costs)
        #expect(
            try Self.line(invoice, "2026-11-20", "gpt-4o-2024-08-06")
                == Invoice.Line(requests: 6, inputTokens: 5010, outputTokens: 1020, cost: MicroDollars(60_012))
        )
        #expect(invoice.lines.count == 1)
    }

    @Test func `Anthropic's reports count every kind of input, and their amounts are cents`() throws {
        let usage = """
            {"data":[{"starting_at":"2026-11-20T00:00:00Z","ending_at":"2026-11-21T00:00:00Z","results":[
            {"uncached_input_tokens":1500,"cache_creation":{"ephemeral_1h_input_tokens":1000,
            "ephemeral_5m_input_tokens":500},"cache_read_input_tokens":200,"output_tokens":500,
            "server_tool_use":{"web_search_requests":10},"model":"claude-sonnet-4-20250514"}]}],"has_more":false}
            """
        let costs = """
            {"data":[{"starting_at":"2026-11-20T00:00:00Z","ending_at":"2026-11-21T00:00:00Z","results":[
            {"currency":"USD","amount":"123.45","model":"claude-sonnet-4-20250514","cost_type":"tokens"}]}]}
            """
        #expect(
            try Self.line(Self.invoice(usage, costs), "2026-11-20", "claude-sonnet-4-20250514")
                == Invoice.Line(inputTokens: 3200, outputTokens: 500, cost: MicroDollars(1_234_500))
        )
        let csv = """
            usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
            usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,\
            usage_output_tokens,web_search_count
            2026-11-20,claude-sonnet-4-20250514,"a, b",Default,standard,≤ 200k,100,20,3,1,50,0
            2026-11-20,claude-sonnet-4-20250514,c,Default,standard,≤ 200k,1000,0,0,0,5,0
            """
        #expect(
            try Self.line(Self.invoice(csv), "2026-11-20", "claude-sonnet-4-20250514")
                == Invoice.Line(inputTokens: 1124, outputTokens: 55)
        )
    }

    @Test func `OpenRouter's activity is read as JSON and as CSV`() throws {
        let json = """
            {"data":[{"date":"2026-11-20","model":"openai/gpt-4.1","model_permaslug":"openai/gpt-4.1-2025-04-14",
            "provider_name":"OpenAI","usage":0.015,"byok_usage_inference":0,"requests":5,"prompt_tokens":50,
            "completion_tokens":125,"reasoning_tokens":25}]}
            """
        #expect(
            try Self.line(Self.invoice(json), "2026-11-20", "openai/gpt-4.1")
                == Invoice.Line(requests: 5, inputTokens: 50, outputTokens: 125, cost: MicroDollars(15_000))
        )
        let csv =
            "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug\\r\\n"
            .replacing("\\r\\n", with: "\r\n")
            + "gen-1,2026-11-20 23:59:59.123,0.01,10,20,openai/gpt-4.1-2025-04-14\r\n"
            + "gen-2,2026-11-20 00:00:00,0.0000005,1,2,openai/gpt-4.1-2025-04-14\r\n"
        #expect(
            try Self.line(Self.invoice(csv), "2026-11-20", "openai/gpt-4.1-2025-04-14")
                == Invoice.Line(inputTokens: 11, outputTokens: 22, cost: MicroDollars(10_001))
        )
    }

    @Test func `any CSV is read by the usual names, or by those that are given`() throws {
        let usual =
            "\u{FEFF}day,model,input_tokens,output_tokens,cost_usd\n"
            + "2026-11-20,m,\"1,000\",5,\"$1,234.56\"\n\nTotal,,,,9\n"
        #expect(
            try Self.line(Self.invoice(usual), "2026-11-20", "m")
                == Invoice.Line(inputTokens: 1000, outputTokens: 5, cost: MicroDollars(1_234_560_000))
        )
        let other = "When;is,SKU,Price\n2026-11-20T23:30:00-01:00,m,1\n"
        let invoice = try Self.invoice(other, columns: "day=when;is,model=sku,cost_usd=price")
        #expect(try Self.line(invoice, "2026-11-21", "m").cost == MicroDollars(1_000_000))
    }

    @Test(arguments: [
        ("", "the file is empty"),
        ("{", "not JSON"),
        ("{\"error\":1}", "no list called data"),
        ("{\"data\":[{\"results\":[]}]}", "no start_time"),
        ("{\"data\":[{\"model\":\"m\"}]}", "no date"),
        ("{\"data\":[{\"start_time\":1,\"results\":[{\"input_tokens\":-1}]}]}", "not a count"),
        ("{\"data\":[{\"start_time\":1,\"results\":[{\"amount\":{\"value\":1,\"currency\":\"eur\"}}]}]}", "in eur"),
        ("{\"data\":[{\"start_time\":1,\"results\":[{\"amount\":\"much\"}]}]}", "not a number"),
        ("model,cost\nm,1\n", "no column is a day"),
        ("day,model\n2026-11-20,m\n", "no column has tokens or a cost"),
        ("day,cost\nyesterday,1\n", "line 2: 'yesterday' is not a day"),
        ("day,cost\n2026-11-20,1\n2026-11-20,x\n", "line 3: 'x' is not an amount"),
        ("day,input_tokens\n2026-11-20,1.5\n", "line 2: '1.5' is not a count"),
        ("day,cost\n2026-11-20,\"1\n", "a quote does not end"),
    ])
    func `what cannot be read says what and where`(text: String, words: String) {
        let error = #expect(throws: InvoiceError.self) { try Self.invoice(text) }
        #expect(error?.description.contains(words) == true, "\(error.map(\.description) ?? "")")
    }

    @Test func `a column that is not there is said with those that are`() {
        #expect(throws: InvoiceError("there is no column 'Datum'; there are day, cost")) {
            try Self.invoice("day,cost\n2026-11-20,1\n", columns: "day=Datum")
        }
        #expect(throws: InvoiceError.self) { try InvoiceReader(columns: "tokens=x") }
        #expect(throws: InvoiceError.self) { try InvoiceReader(columns: "day") }
    }

    @Test func `no text makes the reader trap`() throws {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "day", "cost", ",", "\"", "\n", "\r\n", "2026-11-20", "1", "-", "{", "}", "[", "]", "\"data\":", ":",
            "\"results\"", "null", "9223372036854775807", "1e400", "\u{FEFF}", "é", "\u{0}",
        ]
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0..<20, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            _ = try? Self.invoice(text)
        }
    }

    // MARK: - The comparison

    private static func side(_ lines: [(String, String, Int64, Int64, Int64)]) -> Invoice {
        var invoice = Invoice()
        for (day, model, input, output, cost) in lines {
            invoice.add(
                Invoice.Line(inputTokens: input, outputTokens: output, cost: MicroDollars(cost)),
                Invoice.Key(day: day, model: model)
            )
        }
        return invoice
    }

    @Test func `differences are listed by day and model, each with both sides' figures`() {
        let theirs = Self.side([
            ("2026-11-20", "a", 1000, 100, 5000), ("2026-11-20", "b", 10, 1, 50), ("2026-11-21", "a", 1000, 100, 5000),
            ("2026-11-22", "d", 0, 0, 0),
        ])
        let ours = Self.side([
            ("2026-11-20", "a", 1005, 100, 5000), ("2026-11-21", "a", 1000, 100, 5100), ("2026-11-21", "c", 1, 1, 1),
        ])
        let result = Reconciliation(theirs, with: ours, tolerance: 0.01)
        #expect(result.differences.map(\.kind) == [.missingHere, .differs, .missingThere])
        #expect(result.differences.map(\.key.model) == ["b", "a", "c"])
        #expect(result.differences[1].theirs.cost == MicroDollars(5000))
        #expect(result.differences[1].ours.cost == MicroDollars(5100))
        #expect(result.agreed == 2)
        #expect(result.theirs.cost == MicroDollars(10_050))
        #expect(result.ours.cost == MicroDollars(10_101))
        #expect(Reconciliation(theirs, with: ours, tolerance: 0).differences.count == 4)
        #expect(Reconciliation(ours, with: ours, tolerance: 0).differences.isEmpty)
    }

    @Test func `only what the provider states is compared`() {
        var theirs = Invoice()
        theirs.add(Invoice.Line(cost: MicroDollars(100)), Invoice.Key(day: "2026-11-20", model: ""))
        let ours = Self.side([("2026-11-20", "a", 7, 8, 60), ("2026-11-20", "b", 9, 9, 40)])
        let result = Reconciliation(theirs, with: ours, tolerance: 0)
        #expect(result.differences.isEmpty)
        #expect(result.agreed == 1)
    }

    @Test(arguments: [
        ("gpt-4o-2024-08-06", "gpt-4o"), ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("GPT-4o", "gpt-4o"), ("gpt-4o", "gpt-4o-2024-11-20"),
    ])
    func `a dated version of a model is that model`(theirs: String, ours: String) {
        let result = Reconciliation(
            Self.side([("2026-11-20", theirs, 1, 1, 1)]),
            with: Self.side([("2026-11-20", ours, 1, 1, 1)]),
            tolerance: 0
        )
        #expect(result.differences.isEmpty)
    }

    @Test(arguments: ["gpt-4o-mini", "o1-1234-56-78", "llama-3-70000000", "a-1"])
    func `numbers that are no date stay`(model: String) {
        let result = Reconciliation(
            Self.side([("2026-11-20", model, 1, 1, 1)]),
            with: Self.side([("2026-11-20", model.split(separator: "-").first.map(String.init) ?? "", 1, 1, 1)]),
            tolerance: 0
        )
        #expect(result.differences.count == 2)
    }
}
