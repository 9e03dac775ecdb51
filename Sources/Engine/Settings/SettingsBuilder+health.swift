package import Core
package import NIOCore
package import Telemetry
import Transport

extension Settings {
    /// `explain:`, `alerts:` and the probes of providers.
    package struct Health: Sendable, Equatable {
        /// Calls of each kind that are remembered.
        package var callsKept = 2000
        /// By provider; those that are missing are not probed.
        package var probes: [String: Probe] = [:]
        package var alerts = Alerts()
    }

    /// How one provider is probed.
    package struct Probe: Sendable, Equatable {
        package var every: TimeAmount
        /// Behind the provider's base URL, with its slash; nil for the place where its kind lists models.
        package var path: String?
    }

    /// `alerts:`.
    package struct Alerts: Sendable, Equatable {
        package var webhook: Webhook?
        package var rules = AlertRules()
        package var book = AlertBook.Rules()
    }

    /// Where alerts are sent.
    package struct Webhook: Sendable, Equatable {
        /// Addresses of webhooks have their secrets in them.
        package var url: Secret<String>
        package var authorization: Secret<String>?
        /// Whether loopback, private and link-local addresses may be dialled.
        package var allowPrivate: Bool

        package static func == (left: Webhook, right: Webhook) -> Bool {
            let hasSameField =
                switch (left.authorization, right.authorization) {
                case (nil, nil): true
                case (let one?, let other?): one.holdsSame(as: other)
                default: false
                }
            return hasSameField && left.allowPrivate == right.allowPrivate && left.url.holdsSame(as: right.url)
        }
    }
}

extension SettingsBuilder {
    /// `explain:`, `alerts:` and `providers.<name>.probe:`.
    mutating func health(isProduction: Bool) -> Settings.Health {
        Settings.Health(
            callsKept: self.values.integer("explain.keep"),
            probes: self.probes(),
            alerts: self.alerts(isProduction: isProduction)
        )
    }

    private mutating func probes() -> [String: Settings.Probe] {
        var probes: [String: Settings.Probe] = [:]
        for name in self.values.names(under: "providers") {
            let path = SettingPath(["providers", name, "probe"])
            guard let every = self.values.optionalDuration(path.child("every")) else {
                if self.values.entries[path.child("path")] != nil { self.note(path, "needs every beside path") }
                continue
            }
            probes[name] = Settings.Probe(every: every, path: self.values.optionalText(path.child("path")))
        }
        return probes
    }

    private mutating func alerts(isProduction: Bool) -> Settings.Alerts {
        var alerts = Settings.Alerts()
        alerts.rules = AlertRules(
            errorPercent: self.values.integer("alerts.error_percent"),
            latency: self.values.optionalDuration("alerts.latency"),
            callsMin: self.values.integer("alerts.min_calls")
        )
        alerts.book = AlertBook.Rules(
            calm: self.values.duration("alerts.calm"),
            repeatEvery: self.values.duration("alerts.repeat")
        )
        let kinds = self.values.list("alerts.kinds").compactMap { AlertKind(rawValue: $0) }
        if !kinds.isEmpty { alerts.book.kinds = Set(kinds) }
        let allowsPrivate = self.values.bool("alerts.allow_private")
        let authorization = self.values.optionalText("alerts.authorization")
        guard let url = self.values.optionalText("alerts.webhook") else {
            if authorization != nil { self.note("alerts.authorization", "needs alerts.webhook beside it") }
            return alerts
        }
        if isProduction, url.hasPrefix("http://"), !allowsPrivate {
            self.note(
                "alerts.webhook",
                "production refuses plain HTTP: use https://, or alerts.allow_private for one in your network"
            )
        }
        alerts.webhook = Settings.Webhook(
            url: Secret(url),
            authorization: authorization.map { Secret($0) },
            allowPrivate: allowsPrivate
        )
        return alerts
    }
}
