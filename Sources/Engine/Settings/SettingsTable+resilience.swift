import NIOCore

extension SettingsTable {
    /// What is tried again, and when a target is left alone; see `docs/resilience.md`.
    static let resilience: [Setting] = [
        Setting(
            path: "providers.<name>.retry.percent",
            kind: .integer(0...1_000),
            standard: "10",
            help: "How many of a hundred calls that went there first may be tried again, over any ten seconds.",
            example: "20"
        ),
        Setting(
            path: "providers.<name>.retry.per_second",
            kind: .integer(0...1_000_000),
            standard: "3",
            help: "Tries a second that are always allowed, however few calls there are.",
            example: "1"
        ),
        Setting(
            path: "providers.<name>.breaker.enabled",
            kind: .bool,
            standard: "true",
            help: "Whether targets that fail are left alone for a while.",
            example: "false"
        ),
        Setting(
            path: "providers.<name>.breaker.failures",
            kind: .integer(1...100_000),
            standard: "5",
            help: "Failures within the window after which a model is left alone, if they are `percent` of its calls; "
                + "twice as many in a row are enough.",
            example: "20"
        ),
        Setting(
            path: "providers.<name>.breaker.percent",
            kind: .integer(1...100),
            standard: "50",
            help: "How many of a hundred calls within the window must have failed as well.",
            example: "25"
        ),
        Setting(
            path: "providers.<name>.breaker.window",
            kind: .duration(.seconds(1)...(.hours(1))),
            standard: "30s",
            help: "How far back failures count.",
            example: "60s"
        ),
        Setting(
            path: "providers.<name>.breaker.slow",
            kind: .duration(.milliseconds(1)...(.hours(24))),
            standard: nil,
            help: "Calls that take longer than this count as failed: a stream to its first content, others as a whole.",
            example: "20s"
        ),
        Setting(
            path: "providers.<name>.breaker.cooldown",
            kind: .duration(.milliseconds(10)...(.hours(1))),
            standard: "5s",
            help: "The longest that a model is left alone before one call tries it again; at first a fifth of that.",
            example: "10s"
        ),
        Setting(
            path: "models.<alias>.on_too_long",
            kind: .text(expected: "a model name", check: SettingRule.isModelName),
            standard: nil,
            help: "The alias whose targets get requests that are longer than a model of this one takes.",
            example: "long-context"
        ),
        Setting(
            path: "models.<alias>.on_content_refused",
            kind: .text(expected: "a model name", check: SettingRule.isModelName),
            standard: nil,
            help: "The alias whose targets get requests that a provider's content filter does not let pass.",
            example: "unfiltered"
        ),
    ]
}
