import Auth
import Core
import Glibc
import Limits
package import Logging
import Metering
import NIOCore
package import Net
import Operations
package import Pipeline
import Providers
package import Telemetry
package import Tools
package import Transport
import Vault

/// The gateway without its front door: loops, store, accounting, and all that calls read and leave their traces in.
///
/// The server and the library stand on the same one.
package struct GatewayEngine: Sendable {
    package let store: Store
    package let runtime: NetRuntime
    package let snapshots: SnapshotBox
    package let keeper: SnapshotKeeper
    package let news: StoreNews
    package let accounting: Accounting
    package let keyed: KeyedAnswers
    package let instruments: Instruments
    package let tools: ToolServers
    package let watch: HealthWatch
    /// How many loops calls are spread over.
    package let loops: Int
    private let identities: Identities
    private let logger: Logger

    /// What is given to an engine by whoever stands in front of it.
    package struct Surroundings: Sendable {
        /// Told about the loops' lag; nil where nobody sheds load.
        package var load: ServerLoad?
        package var metrics: CallMetrics
        /// Where calls write their lines; nil: none does.
        package var log: CallLog?
        package var logger: Logger
        /// Starts the tool servers that are programs; nil: none of them can be.
        package var launcher: (any ProgramLauncher)?

        package init(
            load: ServerLoad? = nil,
            metrics: CallMetrics,
            log: CallLog? = nil,
            logger: Logger,
            launcher: (any ProgramLauncher)? = nil
        ) {
            self.load = load
            self.metrics = metrics
            self.log = log
            self.logger = logger
            self.launcher = launcher
        }
    }

    /// Puts an engine together; nothing runs yet but its loops.
    ///
    /// When this returns, budgets are as the processes before it left them.
    ///
    /// - Parameters:
    ///   - settings: What to start with, providers that need no file entry included.
    ///   - store: Open, with all in it that the settings bring.
    package static func make(
        _ settings: Settings,
        store: Store,
        _ surroundings: Surroundings
    ) async throws -> GatewayEngine {
        let loops = settings.server.loopCount
        let logger = surroundings.logger
        let runtime = try await NetRuntime(loopCount: loops, upstream: settings.upstream, load: surroundings.load)
        do {
            return try await Self.make(settings, store, runtime, surroundings)
        } catch {
            logger.debug("The engine cannot be put together", metadata: [LogKeys.errorReason: "\(error)"])
            await runtime.shutdown()
            throw error
        }
    }

    private static func make(
        _ settings: Settings,
        _ store: Store,
        _ runtime: NetRuntime,
        _ surroundings: Surroundings
    ) async throws -> GatewayEngine {
        let (loops, logger) = (runtime.loopCount, surroundings.logger)
        let (first, snapshot) = try await Self.firstSnapshot(settings, store, runtime, logger)
        let instance = InstanceName.make()
        let budgets = BudgetTroubles(now: { SystemClock.now })
        let accounting = try await Accounting.open(settings, store, instance: instance, logger: logger) {
            budgets.add($0)
        }
        try await accounting.fold.install(first.budgets)
        let snapshots = SnapshotBox(snapshot, loops: loops, metrics: surroundings.metrics)
        let keeper = SnapshotKeeper(first, store: store, snapshots: snapshots, logger: logger) {
            try await accounting.fold.install($0)
        }
        let tools = ToolAssembly.make(
            store,
            dialer: runtime.toolDialer,
            launcher: surroundings.launcher,
            logger: logger
        )
        tools.use(settings.tools)
        let keyed = Self.keyed(store, accounting, snapshots, logger)
        let instruments = Self.instruments(settings, store, snapshots, surroundings, accounting, keyed, tools)
        return GatewayEngine(
            store: store,
            runtime: runtime,
            snapshots: snapshots,
            keeper: keeper,
            news: StoreNews(store, instruments.credentials, keeper, logger, instance: instance),
            accounting: accounting,
            keyed: keyed,
            instruments: instruments,
            tools: tools,
            watch: HealthWatch(
                instruments,
                snapshots,
                keeper,
                runtime.fetcher,
                budgets,
                gateway: settings.server.listen
            ),
            loops: loops,
            identities: first.identities,
            logger: logger
        )
    }

    // MARK: - Life

    /// Says in the store that this gateway lives: a rotation of keys that begins from now on has to wait for it.
    package func announce() async { await self.news.beat(self.store.keyring.ids, SystemClock.now) }

    /// Keeps everything going until cancelled.
    package func run() async {
        let (store, tools) = (self.store, self.instruments.tools)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keeper.run() }
            group.addTask { try await self.identities.run() }
            group.addTask { try await self.news.run() }
            group.addTask { try await self.accounting.run() }
            group.addTask { try await self.keyed.run() }
            group.addTask { try await self.instruments.running.run() }
            group.addTask { try await self.instruments.shadows?.run() }
            group.addTask { try await self.instruments.responses?.run() }
            group.addTask { try await self.instruments.sessions?.run() }
            group.addTask { try await self.rotation(of: store).run() }
            group.addTask { try await self.watch.run() }
            group.addTask { await tools?.run() }
        }
    }

    /// Puts other settings in force, whole or not at all.
    ///
    /// - Throws: What is wrong with them; what is in force stays then.
    package func use(_ settings: Settings) async throws {
        try await self.keeper.use(settings)
        self.instruments.limits.use(settings.limitRules, now: .now())
        self.instruments.guards.use(settings.guardRules)
        self.instruments.calls?.use(keep: settings.health.callsKept)
        self.runtime.use(settings.upstream)
        self.instruments.tools?.use(settings.tools)
    }

    /// Closes the books, once no call is running any more and `run` has ended.
    ///
    /// The loops go on until `runtime.shutdown()`.
    package func finish() async {
        // What is read for nobody is settled before the books are closed.
        await self.instruments.drains.finish()
        await self.news.finish()
        await self.keyed.finish()
        await self.instruments.shadows?.finish()
        await self.instruments.responses?.finish()
        await self.instruments.sessions?.finish()
        await self.accounting.finish()
    }

    // MARK: - Parts

    /// Where calls leave their traces, with the rules of the settings in force.
    private static func instruments(
        _ settings: Settings,
        _ store: Store,
        _ snapshots: SnapshotBox,
        _ surroundings: Surroundings,
        _ accounting: Accounting,
        _ keyed: KeyedAnswers,
        _ tools: ToolServers
    ) -> Instruments {
        let (loops, logger) = (settings.server.loopCount, surroundings.logger)
        let instruments = Instruments(
            metrics: surroundings.metrics,
            log: settings.log.logsCalls ? surroundings.log : nil,
            live: LiveCalls(),
            logger: logger,
            failures: FailureGuard(perMinute: settings.failureLimit),
            meter: accounting.meter,
            running: RunningAnswers(runOn: { snapshots.current().limits.idempotency.runOn }),
            keyed: keyed,
            shadows: ShadowBook(database: store.database, logger: logger, wallClock: { SystemClock.now }),
            responses: Self.responses(store, snapshots, logger),
            sessions: SessionBook(
                database: store.database,
                epoch: accounting.meter.epoch,
                logger: logger,
                wallClock: { SystemClock.now },
                generator: { SystemRandomNumberGenerator() }
            ),
            calls: CallBook(loops: loops, keep: settings.health.callsKept),
            health: HealthBook(loops: loops),
            tools: tools,
            wallClock: { SystemClock.now }
        )
        instruments.limits.use(settings.limitRules, now: .now())
        instruments.guards.use(settings.guardRules)
        return instruments
    }

    /// The keys that clients give their requests.
    private static func keyed(
        _ store: Store,
        _ accounting: Accounting,
        _ snapshots: SnapshotBox,
        _ logger: Logger
    ) -> KeyedAnswers {
        KeyedAnswers(
            database: store.database,
            epoch: accounting.meter.epoch,
            limits: { snapshots.current().limits.idempotency },
            logger: logger,
            wallClock: { SystemClock.now }
        )
    }

    /// The responses that are kept for their clients.
    private static func responses(_ store: Store, _ snapshots: SnapshotBox, _ logger: Logger) -> ResponseBook {
        ResponseBook(
            database: store.database,
            limits: { snapshots.current().limits.responses },
            logger: logger,
            wallClock: { SystemClock.now }
        )
    }

    /// What calls read at first, from settings and store.
    private static func firstSnapshot(
        _ settings: Settings,
        _ store: Store,
        _ runtime: NetRuntime,
        _ logger: Logger
    ) async throws -> (FirstSnapshot, Snapshot) {
        let first = FirstSnapshot(
            settings: settings,
            environment: try EnvironmentCredentials(settings),
            contents: try await StoreContents.load(store, withPeople: !settings.issuers.isEmpty, now: SystemClock.now),
            identities: Identities(fetcher: runtime.fetcher, store: store, logger: logger)
        )
        let snapshot = try SnapshotMaker.make(
            settings,
            first.contents,
            catalog: try SnapshotMaker.catalog(settings, reusing: nil),
            environment: first.environment,
            vault: store.vault,
            identities: first.identities
        )
        return (first, snapshot)
    }

    private func rotation(of store: Store) -> BackgroundRotation {
        let logger = self.logger
        return BackgroundRotation(store: store, keeper: self.keeper, instanceID: self.news.instanceID) {
            $1
                ? logger.warning("Credentials cannot be re-sealed yet", metadata: [LogKeys.errorReason: "\($0)"])
                : logger.info("\($0)")
        }
    }
}

extension FailureGuard {
    /// A guard for a number of failures a minute, by address and by key; nil for 0.
    ///
    /// 15 times as many stop an address altogether.
    fileprivate convenience init?(perMinute: Int) {
        guard perMinute > 0 else { return nil }
        var chance = SystemRandomNumberGenerator()
        let limit = Double(perMinute)
        let limits = FailureLimiter.Limits(perAddress: limit, perPrefix: limit, hardPerAddress: 15 * limit)
        self.init(limits: limits, seed: chance.next())
    }
}

extension Settings.Server {
    /// Event loops to run: as many as there are cores, unless a number is set.
    package var loopCount: Int { self.loops > 0 ? self.loops : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

extension StoreNews {
    fileprivate init(
        _ store: Store,
        _ news: CredentialNews,
        _ keeper: SnapshotKeeper,
        _ logger: Logger,
        instance: String
    ) {
        self.init(
            store: store,
            news: news,
            sources: { KeySources(await keeper.current) },
            keeper: keeper,
            logger: logger,
            instanceID: instance
        )
    }
}
