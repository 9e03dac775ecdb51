import NIOCore
import Providers

/// The keys inside maps and lists whose names the operator chooses.
extension SettingsTable {
    static let providers: [Setting] =
        [
            Setting(
                path: "providers.<name>.kind",
                kind: .choice(["openai", "anthropic", "cohere", "gemini", "bedrock", "azure"]),
                standard: "openai",
                help: "The wire dialect it speaks; a provider with a known name needs no word about it.",
                example: "anthropic"
            ),
            Setting(
                path: "providers.<name>.base_url",
                kind: .text(expected: "an http(s) URL", check: SettingRule.isWebURL),
                standard: nil,
                help: "What stands before `/chat/completions`; known for the usual providers.",
                example: "https://llm.example.com/v1",
                aliases: [.init(name: "AI_GATEWAY_URL")]
            ),
            Setting(
                path: "providers.<name>.allow_private",
                kind: .bool,
                standard: "false",
                help: "Whether it may be at a loopback, private or link-local address.",
                example: "true"
            ),
            Setting(
                path: "providers.<name>.auth",
                kind: .choice(AuthStyle.allCases.map(\.rawValue)),
                standard: nil,
                help: "How the key is sent; `none` needs no credential. Known for the usual providers.",
                example: "none"
            ),
            Setting(
                path: "providers.<name>.api_version",
                kind: .anyText("a version"),
                standard: nil,
                help: "Azure's `api-version`.",
                example: "2024-10-21"
            ),
            Setting(
                path: "providers.<name>.region",
                kind: .anyText("a region"),
                standard: nil,
                help: "Amazon's region, for Bedrock; without it, the one in `base_url`, else `AWS_REGION` or "
                    + "`AWS_DEFAULT_REGION`, else us-east-1.",
                example: "eu-central-1"
            ),
            Setting(
                path: "providers.<name>.urls",
                kind: .choice(["v1", "deployments"]),
                standard: nil,
                help: "Azure's URLs: v1 (the usual), or one for each deployment, which needs `api_version`.",
                example: "deployments"
            ),
            Setting(
                path: "providers.<name>.ca_file",
                kind: .anyText("a path"),
                standard: nil,
                help: "PEM file of the authorities trusted for it, in place of the system's.",
                example: "/etc/turnpike/ca.pem"
            ),
            Setting(
                path: "providers.<name>.max_retries",
                kind: .integer(0...20),
                standard: "2",
                help: "Further attempts after the first, at other targets or at the same, where no alias says it.",
                example: "0",
                aliases: [.init(name: "AI_MAX_RETRIES")]
            ),
            Setting(
                path: "providers.<name>.on_disconnect",
                kind: .choice(DisconnectPolicy.allCases.map(\.rawValue)),
                standard: "cancel",
                help: "When a client leaves: close the provider's connection at once (`cancel`), or read on to learn "
                    + "what is billed (`drain`), at most 15 s and 1 MiB, 32 at a time.",
                example: "drain"
            ),
        ] + Self.timeouts(of: "providers.<name>", standards: ["5s", "30s", "30s", "120s", "30m"])

    static let models: [Setting] =
        [
            Setting(
                path: "models.<alias>.strategy",
                kind: .choice(Strategy.allCases.map(\.rawValue)),
                standard: "fallback",
                help: "How to choose among the targets.",
                example: "weighted"
            ),
            Setting(
                path: "models.<alias>.targets[].provider",
                kind: .text(expected: "a provider name", check: SettingRule.isProviderName),
                standard: nil,
                help: "Where to call.",
                example: "openai",
                isRequired: true
            ),
            Setting(
                path: "models.<alias>.targets[].model",
                kind: .text(expected: "a model name", check: SettingRule.isModelName),
                standard: nil,
                help: "The model's name there.",
                example: "gpt-4o-mini",
                isRequired: true
            ),
            Setting(
                path: "models.<alias>.targets[].weight",
                kind: .integer(0...1_000_000),
                standard: "1",
                help: "Share of the calls, for `weighted` and `least_busy`; 0: only where the others cannot.",
                example: "3"
            ),
            Setting(
                path: "models.<alias>.max_retries",
                kind: .integer(0...20),
                standard: nil,
                help:
                    "Further attempts after the first, at other targets or the same; else the first's provider says.",
                example: "1"
            ),
        ] + Self.timeouts(of: "models.<alias>", standards: [nil, nil, nil, nil, nil])

    static let bootstrap: [Setting] = [
        Setting(
            path: "bootstrap.groups[].id",
            kind: .text(expected: "a group id (letters, digits, '-', '_')", check: SettingRule.isGroupID),
            standard: nil,
            help: "The group.",
            example: "demo",
            isRequired: true
        ),
        Setting(
            path: "bootstrap.groups[].name",
            kind: .anyText(),
            standard: nil,
            help: "Its name for people.",
            example: "Demo"
        ),
        Setting(
            path: "bootstrap.groups[].credentials[].provider",
            kind: .text(expected: "a provider name", check: SettingRule.isProviderName),
            standard: nil,
            help: "Whose key it is.",
            example: "openrouter",
            isRequired: true
        ),
        Setting(
            path: "bootstrap.groups[].credentials[].api_key",
            kind: .text(expected: "a provider key (visible ASCII)", check: SettingRule.isProviderKey),
            standard: nil,
            help: "The provider's key.",
            example: "${OPENROUTER_API_KEY}",
            isSecret: true,
            isRequired: true
        ),
        Setting(
            path: "bootstrap.groups[].keys[].name",
            kind: .anyText(),
            standard: nil,
            help: "Its name for people.",
            example: "dev",
            isRequired: true
        ),
        Setting(
            path: "bootstrap.groups[].keys[].secret",
            kind: .text(expected: "20 to 200 visible ASCII characters", check: SettingRule.isGatewaySecret),
            standard: nil,
            help: "What the client sends: 20 to 200 visible ASCII characters.",
            example: "${TURNPIKE_DEV_KEY}",
            isSecret: true,
            isRequired: true
        ),
    ]

    private static func timeouts(of section: String, standards: [String?]) -> [Setting] {
        let isProvider = section.hasPrefix("providers")
        let rows: [(key: String, help: String, example: String)] = [
            ("connect", "Until the connection stands, DNS and TLS included.", "2s"),
            ("first_byte", "From the end of the request to the first byte of the answer.", "10s"),
            ("idle", "Longest silence inside an answer.", "10s"),
            ("total", "The whole call; for a stream, up to its first content.", "60s"),
            ("stream_max", "From a stream's first content to its end.", "10m"),
        ]
        return zip(rows, standards).map { row, standard in
            let isTotal = isProvider && row.key == "total"
            return Setting(
                path: "\(section).timeouts.\(row.key)",
                kind: .duration(.milliseconds(1)...(.hours(24))),
                standard: standard,
                help: isProvider ? row.help : row.help + " Else the provider's.",
                example: row.example,
                aliases: isTotal ? [.init(name: "AI_REQUEST_TIMEOUT_MS", unit: "ms")] : []
            )
        }
    }

    /// Keys of the contract that this version checks but does not act on.
    static let later: [Setting] = [
        Self.later(
            "redis.url",
            .text(expected: "redis://… or rediss://…", check: SettingRule.isRedisURL),
            nil,
            "Shared limits and cache for many instances.",
            "redis://127.0.0.1:6379",
            isSecret: true
        ),
        Self.later("events.driver", .choice(["embedded", "kafka"]), "embedded", "Where events go.", "kafka"),
        Self.later(
            "events.brokers",
            .list(expected: "host:port", check: SettingRule.isHostAndPort),
            nil,
            "Kafka's brokers.",
            "127.0.0.1:9092"
        ),
        Self.later("events.topics", .opaque(isList: false), nil, "Names of the topics.", "{ billing-usage: usage }"),
    ]

    private static func later(
        _ path: String,
        _ kind: SettingKind,
        _ standard: String?,
        _ help: String,
        _ example: String,
        isSecret: Bool = false
    ) -> Setting {
        Setting(
            path: path,
            kind: kind,
            standard: standard,
            help: help,
            example: example,
            isSecret: isSecret,
            availability: .later
        )
    }
}
