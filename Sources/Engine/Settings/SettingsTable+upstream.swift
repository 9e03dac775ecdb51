import NIOCore
import Net

extension SettingsTable {
    /// How connections to providers are kept.
    static let upstream: [Setting] = [
        Setting(
            path: "upstream.idle",
            kind: .duration(.milliseconds(100)...(.hours(1))),
            standard: "55s",
            help: "How long a connection to a provider may wait for its next call; a provider that announces less "
                + "(`keep-alive: timeout=…`) is believed.",
            example: "20s"
        ),
        Setting(
            path: "upstream.idle_max",
            kind: .integer(0...100_000),
            standard: "256",
            help: "Connections to one provider that each event loop keeps waiting.",
            example: "32"
        ),
        Setting(
            path: "upstream.life",
            kind: .duration(.seconds(1)...(.hours(24))),
            standard: "10m",
            help: "After what time a connection takes no further call, so that new servers behind a balancer get "
                + "their share.",
            example: "1h"
        ),
        Setting(
            path: "upstream.resolve_every",
            kind: .duration(.seconds(1)...(.hours(1))),
            standard: "30s",
            help: "How often the name of a provider in use is resolved again; connections to addresses that went away "
                + "take no further call.",
            example: "10s"
        ),
    ]
}

extension SettingsBuilder {
    /// `upstream:`.
    func upstream() -> UpstreamOptions {
        UpstreamOptions(
            idleFor: self.values.duration("upstream.idle"),
            idleMax: self.values.integer("upstream.idle_max"),
            life: self.values.duration("upstream.life"),
            resolveEvery: self.values.duration("upstream.resolve_every")
        )
    }
}
