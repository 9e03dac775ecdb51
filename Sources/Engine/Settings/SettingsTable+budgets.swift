import Core
import NIOCore

/// The keys about what is spent and how it is written down.
extension SettingsTable {
    static let ledger: [Setting] = [
        Setting(
            path: "ledger.durability",
            kind: .choice(["process", "power"]),
            standard: "process",
            help: "What a call's entry in the journal outlives before the call goes out: the end of this process, or a "
                + "power failure too, for which each call waits for the disk.",
            example: "power",
            reload: .boot
        ),
        Setting(
            path: "ledger.sync",
            kind: .duration(.milliseconds(1)...(.seconds(10))),
            standard: "50ms",
            help: "After what time at most an entry of the journal is on the disk.",
            example: "10ms",
            reload: .boot
        ),
        Setting(
            path: "ledger.journal_max",
            kind: .size((64 << 20)...(1 << 40)),
            standard: "1GiB",
            help: "Room for the journal while the store cannot take it; beyond it calls are refused with 503.",
            example: "4GiB",
            reload: .boot
        ),
        Self.unpriced,
    ]

    static let budgets: [Setting] =
        Self.scope(of: "budgets.<name>", verb: "counts") + [
            Setting(
                path: "budgets.<name>.usd",
                kind: .text(expected: "an amount of dollars", check: SettingRule.isAmount),
                standard: nil,
                help: "How much may be spent, in dollars.",
                example: "100",
                isRequired: true
            ),
            Setting(
                path: "budgets.<name>.per",
                kind: .choice(["day", "week", "month", "total"]),
                standard: "month",
                help: "When it renews, in UTC: at midnight, on Mondays, on the first, or never.",
                example: "day"
            ),
            Setting(
                path: "budgets.<name>.mode",
                kind: .choice(["hard", "soft"]),
                standard: "hard",
                help: "`hard` lets no call in that could overrun it; `soft` only warns.",
                example: "soft"
            ),
            Setting(
                path: "budgets.<name>.alerts",
                kind: .list(expected: "a percentage from 1 to 1000", check: SettingRule.isPercentage),
                standard: "80, 100",
                help: "At what shares of it to warn, in percent.",
                example: "50, 90"
            ),
        ]

    /// The five keys that say which calls a rule is about.
    static func scope(of section: String, verb: String) -> [Setting] {
        Scope.Dimension.allCases.map { dimension in
            let what = dimension == .key ? "gateway key (its id)" : dimension.rawValue
            return Setting(
                path: "\(section).\(dimension.rawValue)",
                kind: .anyText("a \(dimension.rawValue), or *"),
                standard: nil,
                help: "The \(what) whose calls it \(verb); `\"*\"` is each one by itself.",
                example: dimension == .model ? "fast" : "\"*\""
            )
        }
    }
}

extension SettingRule {
    /// A number of dollars, not negative, with at most nine digits before the point.
    static func isAmount(_ text: String) -> Bool {
        guard let amount = MicroDollars(dollars: text) else { return false }
        return amount >= .zero && amount <= MicroDollars(1_000_000_000_000_000)
    }

    static func isPercentage(_ text: String) -> Bool { Int(text).map { (1...1000).contains($0) } ?? false }
}
