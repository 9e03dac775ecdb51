import NIOCore

/// The settings table: every key of `turnpike.yaml`, once.
///
/// To add a setting: one row here, one line in `SettingsBuilder`, and `turnpike docs --write docs`.
package enum SettingsTable {
    /// Every row, in the order of the docs.
    package static let rows: [Setting] =
        Self.general + Self.server + Self.log + Self.storage + Self.credentials + Self.auth + Self.providers
        + Self.models + Self.routing + Self.resilience + Self.racing + Self.upstream + Self.health
        + Self.agents + Self.tools + Self.limits + Self.ledger + Self.budgets + Self.prices
        + Self.idempotency + Self.responses + Self.chat + Self.translation + Self.bootstrap + Self.bootstrapPeople
        + Self.later

    /// The row of a key without chosen names.
    package static func row(_ path: String) -> Setting? { Self.rows.first { $0.path == path } }

    private static let general: [Setting] = [
        Setting(
            path: "environment",
            kind: .choice(["development", "production"]),
            standard: "development",
            help: "`production` refuses generated keys, the simulator, and plain HTTP beyond loopback.",
            example: "production"
        ),
        Setting(
            path: "data_dir",
            kind: .anyText("a path"),
            standard: "./data",
            help: "Where Turnpike keeps what must survive a restart, the first key among it.",
            example: "/var/lib/turnpike",
            reload: .boot
        ),
        Setting(
            path: "simulator",
            kind: .bool,
            standard: "false",
            help: "Starts the built-in simulator and adds it as the provider `simulator`.",
            example: "true",
            reload: .boot
        ),
        Setting(
            path: "defaults.model",
            kind: .text(expected: "a model name", check: SettingRule.isModelName),
            standard: "anthropic/claude-3-haiku-20240307",
            help: "The model that `chat`, `doctor` and the examples use.",
            example: "fast",
            aliases: [.init(name: "AI_DEFAULT_MODEL")]
        ),
        Setting(
            path: "defaults.provider",
            kind: .text(expected: "a provider name", check: SettingRule.isProviderName),
            standard: "openrouter",
            help: "Where a model goes that names no alias and no provider.",
            example: "openai"
        ),
    ]

    private static let server: [Setting] = [
        Setting(
            path: "server.listen",
            kind: .address,
            standard: "127.0.0.1:8080",
            help: "Address and port for clients; `:8080` is every interface, port 0 lets the system choose.",
            example: "127.0.0.1:9090",
            reload: .boot
        ),
        Setting(
            path: "server.admin_listen",
            kind: .address,
            standard: nil,
            help: "Second address, where alone `/api/v1` but sessions, `/metrics` and `/dashboard` are served.",
            example: "127.0.0.1:8081",
            reload: .boot
        ),
        Setting(
            path: "server.max_body",
            kind: .size(1_024...2_000_000_000),
            standard: "20MB",
            help: "Largest request body.",
            example: "5MB"
        ),
        Setting(
            path: "server.max_upload",
            kind: .size(1_024...100_000_000_000),
            standard: "200MB",
            help: "Largest request body that is sent on while it comes in: forms with files, and `/p/`.",
            example: "1GB"
        ),
        Setting(
            path: "server.max_inflight_body",
            kind: .size(65_536...1_000_000_000_000),
            standard: "512MB",
            help: "Most request body bytes held at once, over all calls; beyond it calls are refused with 503.",
            example: "64MB"
        ),
        Setting(
            path: "server.max_head",
            kind: .size(1_024...1_048_576),
            standard: "32KiB",
            help: "Largest request head.",
            example: "16KiB"
        ),
        Setting(
            path: "server.max_connections",
            kind: .integer(0...10_000_000),
            standard: "0",
            help: "Most client connections at once; 0 takes it from the descriptor limit.",
            example: "1000"
        ),
        Setting(
            path: "server.head_timeout",
            kind: .duration(.milliseconds(10)...(.minutes(10))),
            standard: "10s",
            help: "Longest time for a request's head to arrive.",
            example: "5s"
        ),
        Setting(
            path: "server.idle_timeout",
            kind: .duration(.milliseconds(10)...(.hours(24))),
            standard: "75s",
            help: "How long a connection may wait between two calls.",
            example: "30s"
        ),
        Setting(
            path: "server.heartbeat",
            kind: .duration(.milliseconds(10)...(.minutes(10))),
            standard: "15s",
            help: "Silence on a stream after which the client gets a keep-alive.",
            example: "5s"
        ),
        Setting(
            path: "server.drain",
            kind: .duration(.zero...(.hours(24))),
            standard: "30s",
            help: "How long running calls may take to finish after SIGTERM.",
            example: "5s"
        ),
        Setting(
            path: "server.half_close",
            kind: .choice(["refuse", "allow"]),
            standard: "refuse",
            help: "`refuse`: a client that closes its sending side has left. `allow`: it still gets its answer.",
            example: "allow"
        ),
        Setting(
            path: "server.tls.certificate_file",
            kind: .anyText("a path"),
            standard: nil,
            help: "PEM file with the certificate chain for clients; read again when it changes.",
            example: "/etc/turnpike/tls.crt"
        ),
        Setting(
            path: "server.tls.key_file",
            kind: .anyText("a path"),
            standard: nil,
            help: "PEM file with the private key of that certificate.",
            example: "/etc/turnpike/tls.key"
        ),
        Setting(
            path: "server.behind_proxy",
            kind: .bool,
            standard: "false",
            help: "Whether a proxy in front does TLS; loopback peers are then not trusted as local.",
            example: "true"
        ),
        Setting(
            path: "server.trusted_proxies",
            kind: .list(expected: "an address or network (10.0.0.0/8)", check: SettingRule.isNetwork),
            standard: nil,
            help: "Proxies whose `x-forwarded-for` is believed, for limits by address.",
            example: "10.0.0.0/8"
        ),
        Setting(
            path: "server.settings_url",
            kind: .text(expected: "an http(s) URL", check: SettingRule.isWebURL),
            standard: nil,
            help: "Page where a group adds its provider key; goes into `AI_NOT_CONFIGURED`.",
            example: "https://example.com/settings"
        ),
        Setting(
            path: "server.loops",
            kind: .integer(0...256),
            standard: "0",
            help: "Event loops; 0 is one for each core.",
            example: "2",
            reload: .boot
        ),
    ]

    private static let log: [Setting] = [
        Setting(
            path: "log.level",
            kind: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            standard: "info",
            help: "Least important messages to log.",
            example: "debug",
            reload: .boot
        ),
        Setting(
            path: "log.calls",
            kind: .bool,
            standard: "true",
            help: "Whether each call writes one line.",
            example: "false",
            reload: .boot
        ),
        Setting(
            path: "log.file",
            kind: .anyText("a path"),
            standard: nil,
            help: "File to append the log to; none is standard error.",
            example: "/var/log/turnpike.log",
            reload: .boot
        ),
    ]
}
