import NIOCore
import Providers

extension SettingsTable {
    /// How an alias chooses among its targets, besides its strategy; see `docs/routing.md`.
    static let routing: [Setting] = [
        Setting(
            path: "models.<alias>.targets[].max_concurrent",
            kind: .integer(1...1_000_000),
            standard: nil,
            help: "Most calls under way there at a time, by whatever alias; what is more goes to the other targets.",
            example: "16"
        ),
        Setting(
            path: "models.<alias>.sticky",
            kind: .choice(Stickiness.allCases.map(\.rawValue)),
            standard: nil,
            help: "Send each `user` or each `session` to the same target as long as that can serve, so that the "
                + "provider finds its prompt cached. Not with `fallback` and `cheapest`.",
            example: "session"
        ),
        Setting(
            path: "models.<alias>.slow_start",
            kind: .duration(.zero...(.minutes(10))),
            standard: "10s",
            help: "A target that has recovered gets a tenth of its calls back at once, all of them after this time.",
            example: "30s"
        ),
        Setting(
            path: "models.<alias>.split.by",
            kind: .choice(Stickiness.allCases.map(\.rawValue) + ["call"]),
            standard: "user",
            help: "Who stays on one side of the experiment; with `call` nobody does.",
            example: "session"
        ),
        Setting(
            path: "models.<alias>.split.variants[].name",
            kind: .text(expected: "a name (letters, digits, '-', '_', '.')", check: SettingRule.isProviderName),
            standard: nil,
            help: "The side's name in the ledger, in reports and in the log.",
            example: "canary",
            isRequired: true
        ),
        Setting(
            path: "models.<alias>.split.variants[].weight",
            kind: .integer(0...1_000_000),
            standard: "1",
            help: "Its share of the users, sessions or calls.",
            example: "5"
        ),
        Setting(
            path: "models.<alias>.split.variants[].model",
            kind: .text(expected: "a model name", check: SettingRule.isModelName),
            standard: nil,
            help: "The alias whose targets serve it; else the targets of this one.",
            example: "fast-next"
        ),
    ]
}
