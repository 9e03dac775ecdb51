import Core

/// The keys about what calls cost.
extension SettingsTable {
    static let unpriced = Setting(
        path: "ledger.unpriced",
        kind: .choice(["refuse_budgeted", "refuse", "free"]),
        standard: "refuse_budgeted",
        help: "What becomes of a call whose price nobody knows. `refuse`: it gets a 403. `refuse_budgeted`: only where "
            + "a hard budget of money applies to it; else it goes out and costs nothing. `free`: it costs nothing.",
        example: "refuse"
    )

    static let prices: [Setting] =
        [
            Setting(
                path: "prices.<name>",
                kind: .choice(["free"]),
                standard: nil,
                help: "`free`: costs nothing. Or a map of these keys:",
                example: "free"
            ),
            Self.price("input", "a million tokens that are read"),
            Self.price("output", "a million tokens that are written"),
            Self.price("cached_input", "a million tokens that are read from the provider's cache; else as `input`"),
            Self.price("cache_write", "a million tokens that are written into that cache; else as `input`"),
            Self.price(
                "cache_write_1h",
                "a million tokens that are written into that cache to stay for an hour; else twice `input`"
            ),
            Self.price("reasoning", "a million tokens of hidden reasoning; else as `output`"),
            Self.price("audio_input", "a million tokens of sound that are read; else as `input`"),
            Self.price("audio_output", "a million tokens of sound that are made; else as `output`"),
            Self.price("image", "one picture that is made"),
            Self.price("request", "each request that is answered, besides its tokens"),
            Self.price("characters", "a million characters that are spoken"),
            Self.price(
                "minute",
                "a minute of sound that is written down. Counted is what the provider says; where it says nothing, "
                    + "a second for 16,000 bytes of the file, marked as estimated"
            ),
            Self.price(
                "searches",
                "a thousand searches of rerankers. Counted is what the provider says; where it says nothing, one for "
                    + "each hundred documents, marked as estimated"
            ),
        ] + [
            Setting(
                path: "prices.<name>.context",
                kind: .integer(1...1_000_000_000),
                standard: nil,
                help: "Tokens the model can hold.",
                example: "128000"
            ),
            Setting(
                path: "prices.<name>.max_output",
                kind: .integer(1...1_000_000_000),
                standard: nil,
                help: "Tokens of its longest answer; what a hard budget sets aside where a request names no limit.",
                example: "16384"
            ),
        ]

    private static func price(_ key: String, _ what: String) -> Setting {
        Setting(
            path: "prices.<name>.\(key)",
            kind: .text(expected: "a price in dollars, such as 0.15", check: SettingRule.isPrice),
            standard: nil,
            help: "Dollars for \(what).",
            example: "0.15"
        )
    }
}

extension SettingRule {
    /// A plain decimal number of dollars, at most a million, with at most six digits behind the point, so that it is
    /// kept as it was written.
    static func isPrice(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count <= 2, (1...7).contains(whole.count),
            parts.count == 1 || (1...6).contains(parts[1].count),
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let amount = MicroDollars(dollars: text)
        else { return false }
        return amount <= MicroDollars(1_000_000_000_000)
    }
}
