package import Agents
import Auth
import Core
import Database
package import Logging
package import Metering
package import Pipeline
package import Providers
import Telemetry
package import Vault

/// Keeps what calls read equal to the settings and the store.
///
/// One at a time: a reload of the settings and a change of the store never overwrite each other.
package actor SnapshotKeeper {
    /// How often the store is looked at for changes of other processes; a look costs some 60 µs.
    static let pollMilliseconds: Int64 = 250

    package nonisolated let store: Store
    private let snapshots: SnapshotBox
    private let identities: Identities
    private let logger: Logger
    /// Puts budgets in force.
    private let useBudgets: @Sendable ([BudgetRule]) async throws -> Void
    private var budgets: [BudgetRule]
    private var settings: Settings
    private var environment: EnvironmentCredentials
    private var contents: StoreContents
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var hasWarned = false

    /// - Parameter useBudgets: Called with all budgets whenever one has changed; those of `first` are in force.
    package init(
        _ first: FirstSnapshot,
        store: Store,
        snapshots: SnapshotBox,
        logger: Logger,
        useBudgets: @escaping @Sendable ([BudgetRule]) async throws -> Void = { _ in }
    ) {
        self.useBudgets = useBudgets
        self.budgets = first.budgets
        self.store = store
        self.snapshots = snapshots
        self.identities = first.identities
        self.logger = logger
        self.settings = first.settings
        self.environment = first.environment
        self.contents = first.contents
    }

    // MARK: - Changes

    /// Puts in force what the store has now; returns once it is, so that a revoked key is refused from then on.
    ///
    /// - Throws: `DatabaseError`; what is in force stays then, and the next look tries again.
    package func applyNow() async throws {
        try await self.alone {
            let (revision, active) = try await self.store.database.read { session in
                (try session.revision(), try KeyRingStore().activeID(in: session))
            }
            let isResealed = self.store.follow(active)
            guard revision != self.contents.revision || isResealed else { return }
            try await self.load()
        }
    }

    /// Puts other settings in force, with what the store has now.
    ///
    /// - Throws: `CommandFailure`, `DatabaseError`, `CatalogError`; what is in force stays then.
    package func use(_ settings: Settings) async throws {
        try await self.alone {
            try await self.store.readKeys(KeySources(settings))
            try await Bootstrap.run(settings, store: self.store)
            let environment = try EnvironmentCredentials(settings)
            let old = (self.settings, self.environment)
            (self.settings, self.environment) = (settings, environment)
            do {
                try await self.load(isCatalogChanged: true)
            } catch {
                (self.settings, self.environment) = old
                throw error
            }
        }
    }

    /// Puts the ring of keys in force that the store's keys were changed to.
    func rebuild() async throws { try await self.alone { try await self.load() } }

    /// What is in force, for those who need its settings.
    package var current: Settings { self.settings }

    private func load(isCatalogChanged: Bool = false) async throws {
        let contents = try await StoreContents.load(
            self.store,
            withPeople: !self.settings.issuers.isEmpty,
            now: SystemClock.now
        )
        let old = self.snapshots.current()
        let snapshot = try SnapshotMaker.make(
            self.settings,
            contents,
            catalog: isCatalogChanged ? SnapshotMaker.catalog(self.settings, reusing: old.catalog) : old.catalog,
            environment: self.environment,
            vault: self.store.vault,
            identities: self.identities,
            targets: old.targets,
            agents: old.agents
        )
        let budgets = self.settings.budgetRules + contents.budgets
        if budgets != self.budgets { try await self.useBudgets(budgets) }
        self.budgets = budgets
        self.contents = contents
        self.snapshots.replace(snapshot)
    }

    /// Runs `body` when nobody else does.
    private func alone<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        while self.isBusy { await withCheckedContinuation { self.waiting.append($0) } }
        self.isBusy = true
        defer {
            self.isBusy = false
            let waiting = self.waiting
            self.waiting = []
            for one in waiting { one.resume() }
        }
        return try await body()
    }

    // MARK: - Life

    /// Looks for changes of other processes until cancelled (row 43).
    package func run() async throws {
        while true {
            try await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
            do {
                try await self.applyNow()
                if self.hasWarned { self.logger.info("The store can be read again") }
                self.hasWarned = false
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // What is in force goes on: calls need no store. Said once, not four times a second.
                if !self.hasWarned {
                    self.logger.error(
                        "The store cannot be read; what is in force stays",
                        metadata: [LogKeys.errorReason: "\(error)"]
                    )
                }
                self.hasWarned = true
            }
        }
    }
}

/// What the first snapshot was made of.
package struct FirstSnapshot: Sendable {
    package var settings: Settings
    package var environment: EnvironmentCredentials
    package var contents: StoreContents
    var identities: Identities

    /// All budgets, of the settings and of the store.
    package var budgets: [BudgetRule] { self.settings.budgetRules + self.contents.budgets }
}

/// Makes snapshots from settings and store.
package enum SnapshotMaker {
    /// The providers and routes of `settings`.
    package static func catalog(_ settings: Settings, reusing old: Catalog?) throws -> Catalog {
        try Catalog(
            providers: settings.providers.map(\.entry),
            routes: settings.routeEntries,
            defaultProvider: settings.defaults.provider,
            defaultModel: settings.defaults.model,
            timeouts: Timeouts(),
            userAgent: "turnpike/\(Version.text)",
            reusing: old
        )
    }

    private static func limits(_ settings: Settings) -> RoadLimits {
        let server = settings.server
        var limits = RoadLimits(
            bodyBytesMax: server.bodyBytesMax,
            heartbeat: server.heartbeat,
            settingsURL: server.settingsURL
        )
        limits.uploadBytesMax = server.uploadBytesMax
        limits.trustsLoopback = !server.isBehindProxy
        limits.trustedProxies = server.trustedProxies
        limits.idempotency = settings.idempotency
        limits.responses = settings.responses
        limits.chat = settings.chat
        limits.refusesLosses = settings.translation.isStrict
        limits.structure = settings.structure
        limits.strictGroups = settings.translation.strictGroups
        return limits
    }

    /// Everything a call reads: whole, or an error and nothing.
    ///
    /// - Parameters:
    ///   - targets: What is known of targets; that of the snapshot which this one replaces.
    ///   - agents: Those in force, of which all are taken over that did not change.
    package static func make(
        _ settings: Settings,
        _ contents: StoreContents,
        catalog: Catalog,
        environment: EnvironmentCredentials,
        vault: Vault,
        identities: Identities,
        targets: TargetBook = TargetBook(),
        agents: AgentBook = .empty
    ) throws -> Snapshot {
        Snapshot(
            catalog: catalog,
            keys: contents.keys,
            credentials: try CredentialBook(
                contents.credentialEntries(vault, environment: environment),
                catalog: catalog
            ),
            identities: try identities.book(settings.issuers, people: contents.people, groups: contents.groups),
            limits: Self.limits(settings),
            prices: settings.priceBook,
            targets: targets,
            agents: AgentBook(contents.agents + settings.agents, reusing: agents),
            loaded: SystemClock.now
        )
    }
}
