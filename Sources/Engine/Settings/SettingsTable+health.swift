import NIOCore
import Telemetry
import Transport

extension SettingsTable {
    /// What is remembered of calls, how providers are probed, and who is told when something is wrong; see
    /// `docs/health.md`.
    static let health: [Setting] =
        [
            Setting(
                path: "explain.keep",
                kind: .integer(0...100_000),
                standard: "2000",
                help: "Calls that `turnpike explain` knows all about: so many that went straight, and so many that "
                    + "failed or took a turn. About 1 KB each; 0 for none.",
                example: "500"
            ),
            Setting(
                path: "providers.<name>.probe.every",
                kind: .duration(.seconds(1)...(.hours(24))),
                standard: nil,
                help: "How often to ask it something cheap without a key, to see whether it is there; else never.",
                example: "30s"
            ),
            Setting(
                path: "providers.<name>.probe.path",
                kind: .text(expected: "a path behind base_url, such as /models", check: Self.isProbePath),
                standard: nil,
                help: "What to ask; its list of models if not given. Any answer below 500 but 429 is a good one.",
                example: "/health"
            ),
        ] + Self.alerts

    private static let alerts: [Setting] = [
        Setting(
            path: "alerts.webhook",
            kind: .text(expected: "an http(s) URL", check: WebhookURL.isOne),
            standard: nil,
            help: "Where alerts are sent as JSON, in one POST each; without it they are in the log alone.",
            example: "https://hooks.example.com/services/T0/B0/x",
            isSecret: true
        ),
        Setting(
            path: "alerts.authorization",
            kind: .text(expected: "visible ASCII", check: Self.isFieldValue),
            standard: nil,
            help: "The `authorization` that is sent with them.",
            example: "Bearer of-the-webhook",
            isSecret: true
        ),
        Setting(
            path: "alerts.allow_private",
            kind: .bool,
            standard: "false",
            help: "Whether the webhook may be at a loopback, private or link-local address.",
            example: "true"
        ),
        Setting(
            path: "alerts.kinds",
            kind: .list(expected: "one of \(Self.alertKinds)") { AlertKind(rawValue: $0) != nil },
            standard: nil,
            help: "What is told, in the log and to the webhook; all kinds if not given: \(Self.alertKinds).",
            example: "breaker_open"
        ),
        Setting(
            path: "alerts.error_percent",
            kind: .integer(1...100),
            standard: "50",
            help: "Share of a provider's attempts in a minute that fail, in percent, from which on people are told.",
            example: "20"
        ),
        Setting(
            path: "alerts.latency",
            kind: .duration(.milliseconds(1)...(.minutes(10))),
            standard: nil,
            help: "The longest time that 95 of 100 answers may take to begin; else any.",
            example: "20s"
        ),
        Setting(
            path: "alerts.min_calls",
            kind: .integer(1...1_000_000),
            standard: "20",
            help: "Attempts in a minute from which on `error_percent` and `latency` are judged.",
            example: "5"
        ),
        Setting(
            path: "alerts.calm",
            kind: .duration(.zero...(.hours(24))),
            standard: "60s",
            help: "How long a trouble has to be away before people are told that it is over.",
            example: "5m"
        ),
        Setting(
            path: "alerts.repeat",
            kind: .duration(.zero...(.hours(720))),
            standard: "0s",
            help: "How often a trouble that goes on is told again; 0: never.",
            example: "4h"
        ),
    ]

    private static let alertKinds = AlertKind.allCases.map(\.rawValue).joined(separator: ", ")

    private static func isProbePath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= 1024 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func isFieldValue(_ text: String) -> Bool {
        (1...8192).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    }
}

/// The address of a webhook: an endpoint, and what stands behind its path.
struct WebhookURL {
    let base: String
    /// With its question mark; empty for none.
    let query: String

    init(_ text: String) {
        let base = text.prefix { $0 != "?" }
        self.base = String(base)
        self.query = String(text.dropFirst(base.count))
    }

    static func isOne(_ text: String) -> Bool {
        guard text.utf8.count <= 4096, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("#") else {
            return false
        }
        return (try? Endpoint(url: WebhookURL(text).base, allowPrivate: true)) != nil
    }
}
