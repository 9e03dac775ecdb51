import Auth
import Core
package import Logging
package import Metering
import NIOConcurrencyHelpers
import NIOCore
package import Operations
package import Pipeline
import Providers
import Telemetry
import Transport

/// Looks every second at how providers, keys and budgets are doing, and tells people what is wrong: in the log, and at
/// a webhook.
package struct HealthWatch: Sendable {
    package let instruments: Instruments
    package let snapshots: SnapshotBox
    package let settings: @Sendable () async -> Settings
    let sender: AlertSender
    let prober: Prober
    package let budgets: BudgetTroubles
    package let logger: Logger
    /// What is wrong now, for the metrics.
    let firing = NIOLockedValueBox<[AlertKind: Int]>([:])

    /// - Parameter gateway: Where it listens; together with the machine's name it names the gateway in alerts.
    init(
        _ instruments: Instruments,
        _ snapshots: SnapshotBox,
        _ keeper: SnapshotKeeper,
        _ fetcher: Fetcher,
        _ budgets: BudgetTroubles,
        gateway: ListenAddress
    ) {
        self.instruments = instruments
        self.snapshots = snapshots
        self.settings = { await keeper.current }
        self.budgets = budgets
        self.logger = instruments.logger
        self.sender = AlertSender(
            webhook: { await keeper.current.health.alerts.webhook },
            fetcher: fetcher,
            gateway: "\(InstanceName.host):\(gateway.port)",
            logger: instruments.logger
        )
        self.prober = Prober(
            settings: { await keeper.current },
            fetcher: fetcher,
            book: instruments.probes,
            wallClock: instruments.wallClock,
            monotonicClock: instruments.monotonicClock
        )
    }

    /// Goes on until cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.sender.run() }
            group.addTask { try await self.prober.run() }
            group.addTask { try await self.watch() }
            try await group.waitForAll()
        }
    }

    private func watch() async throws {
        var eye = HealthEye()
        while true {
            try await Task.sleep(for: .seconds(1))
            let settings = await self.settings()
            let alerts = eye.look(
                self.instruments,
                self.snapshots.current(),
                settings.health.alerts,
                budgets: self.budgets
            )
            self.firing.withLockedValue { $0 = eye.firing }
            for alert in alerts { self.tell(alert, hasWebhook: settings.health.alerts.webhook != nil) }
        }
    }

    private func tell(_ alert: Alert, hasWebhook: Bool) {
        let metadata: Logger.Metadata = [
            "kind": "\(alert.condition.kind.rawValue)", "subject": "\(alert.condition.subject)",
            "status": "\(alert.status.rawValue)", "since": "\(alert.since.rfc3339)",
        ]
        switch alert.status {
        case .firing, .still: self.logger.warning("Alert: \(alert.summary)", metadata: metadata)
        case .resolved: self.logger.notice("Alert: \(alert.summary)", metadata: metadata)
        }
        if hasWebhook { self.sender.send(alert) }
    }
}

/// What has been seen so far; a value, so that a look can be tested.
struct HealthEye {
    private var book = AlertBook()
    /// Keys that their provider refused, until it takes them or they are gone.
    private var refused: [HealthBook.Refusal] = []

    /// Refused keys at most; further ones are in the log of calls alone.
    private static let refusedMax = 500

    /// How many of each kind are going on.
    var firing: [AlertKind: Int] { Dictionary(grouping: self.book.firing, by: \.kind).mapValues(\.count) }

    /// Looks at everything, and says what people are told.
    mutating func look(
        _ instruments: Instruments,
        _ snapshot: Snapshot,
        _ alerts: Settings.Alerts,
        budgets: BudgetTroubles
    ) -> [Alert] {
        self.book.rules = alerts.book
        let now = instruments.monotonicClock()
        let time = instruments.wallClock()
        let names = snapshot.catalog.providers.map(\.name)
        let providers = instruments.providerHealth(of: names, now: now)
        let minutes = instruments.health?.figures(of: names, now: now, pieces: AlertRules.piecesOfMinute)
        let models = Set(snapshot.catalog.upstreamModels + snapshot.catalog.routes.compactMap(\.shadow?.target.model))
        var conditions: [AlertCondition] = []
        for (index, provider) in providers.enumerated() {
            let minute = minutes?[index] ?? HealthFigures()
            conditions += alerts.rules.conditions(provider, minute: minute, models: models) {
                self.book.isFiring($0, $1)
            }
        }
        conditions += self.refusals(instruments, snapshot) + budgets.conditions(at: time)
        return self.book.observe(conditions, now: now, time: time)
    }

    private mutating func refusals(_ instruments: Instruments, _ snapshot: Snapshot) -> [AlertCondition] {
        for refusal in instruments.health?.takeRefusals() ?? []
        where !self.refused.contains(refusal) && self.refused.count < Self.refusedMax {
            self.refused.append(refusal)
        }
        self.refused.removeAll { refusal in
            guard let provider = snapshot.catalog.provider(named: refusal.provider) else { return true }
            let credential = snapshot.credentials.row(of: refusal.group).credential(for: provider)
            return credential.map { $0.id != refusal.credentialID || !$0.isRejected } ?? true
        }
        return self.refused.map { refusal in
            AlertCondition(
                .credentialRejected,
                refusal.credentialID,
                "The provider '\(refusal.provider)' refuses the credential of the group '\(refusal.group.text)'.",
                [
                    .init("provider", .string(refusal.provider)), .init("groupId", .string(refusal.group.text)),
                    .init("credentialId", .string(refusal.credentialID)),
                ]
            )
        }
    }
}

/// Budgets that have passed a threshold, until they renew.
package final class BudgetTroubles: Sendable {
    /// Thresholds that are remembered at most; the oldest give way.
    private static let countMax = 500

    private struct Trouble {
        var condition: AlertCondition
        var until: UnixTime
    }

    private let troubles = NIOLockedValueBox<[Trouble]>([])
    private let now: @Sendable () -> UnixTime

    init(now: @escaping @Sendable () -> UnixTime) { self.now = now }

    /// A budget passed one of its thresholds.
    package func add(_ alert: BudgetAlert) {
        let rule = alert.rule
        let spent = rule.text(of: alert.spent)
        let limit = rule.text(of: rule.limit)
        // One that never renews is told of for a day.
        let until = alert.renewsAt ?? UnixTime(milliseconds: self.now().milliseconds + 86_400_000)
        let condition = AlertCondition(
            .budget,
            "\(rule.name) \(alert.subject.text) \(alert.percent)",
            "The budget '\(rule.name)' for \(alert.subject.text) has passed \(alert.percent) %: \(spent) of \(limit).",
            [
                .init("budget", .string(rule.name)), .init("for", .string(alert.subject.text)),
                .init("percent", .integer(Int64(alert.percent))), .init("spent", .string(spent)),
                .init("limit", .string(limit)),
                .init("renewsAt", alert.renewsAt.map { .string($0.rfc3339) } ?? .null),
            ]
        )
        self.troubles.withLockedValue { troubles in
            troubles.removeAll { $0.condition.subject == condition.subject }
            if troubles.count >= Self.countMax { troubles.removeFirst() }
            troubles.append(Trouble(condition: condition, until: until))
        }
    }

    /// Those that go on.
    func conditions(at time: UnixTime) -> [AlertCondition] {
        self.troubles.withLockedValue { troubles in
            troubles.removeAll { $0.until <= time }
            return troubles.map(\.condition)
        }
    }
}

extension KeptCall {
    /// The call for the control path, which knows nothing of the road.
    package var remembered: RememberedCall {
        RememberedCall(group: self.record.group, user: self.user, keyID: self.record.keyID, story: self.json)
    }
}
