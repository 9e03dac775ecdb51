import Auth
import Core
import Glibc
import HTTP
import Limits
import Logging
import Metering
import NIOConcurrencyHelpers
import NIOCore
import Net
import Operations
import Pipeline
import Providers
import Telemetry
import Tools
import UnixSignals
import Vault
import Wire

/// Puts the modules together: the only place that knows them all.
struct Assembly: Sendable {
    let runtime: NetRuntime
    let server: HTTPServer
    let keeper: SnapshotKeeper
    let identities: Identities
    let news: StoreNews
    let accounting: Accounting
    let keyed: KeyedAnswers
    let log: CallLog
    let writer: LineWriter
    let logger: Logger
    let terms: ServerTerms
    let instruments: Instruments
    let watch: HealthWatch
    let isReady: NIOLockedValueBox<Bool>

    /// Runs the gateway until it was told to stop and has drained.
    ///
    /// - Parameters:
    ///   - settings: What to start with, providers that need no file entry included.
    ///   - store: Open, with all in it that the settings bring.
    ///   - watcher: Run for reloads; it hands over each new whole set of settings.
    ///   - writer: Where log lines go.
    ///   - onListening: Called once, when clients can connect, with the address in use.
    static func serve(
        settings: Settings,
        store: Store,
        watcher: SettingsWatcher,
        writer: LineWriter,
        logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void
    ) async throws {
        // Signals are caught before anybody can know that we are here.
        let stops = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let descriptors = DescriptorLimit.raise()
        let assembly = try await Self.make(
            settings,
            store: store,
            descriptors: descriptors,
            writer: writer,
            logger: logger
        )
        // Before anybody can call: a rotation that begins now has to wait for us.
        await assembly.news.beat(store.keyring.ids, SystemClock.now)
        let listen = settings.server.listen
        let address: SocketAddress?
        do {
            let terms = assembly.terms
            address = try await assembly.server.listen(host: listen.host, port: listen.port, tls: { terms.identity })
            if let admin = settings.server.adminListen {
                try await assembly.server.listen(
                    host: admin.host,
                    port: admin.port,
                    isAdministrative: true,
                    tls: { terms.identity }
                )
            }
        } catch {
            // Nobody is to wait for a gateway that never was.
            await assembly.news.finish()
            await assembly.keyed.finish()
            await assembly.accounting.finish()
            throw error
        }
        onListening(ListenAddress(host: listen.host, port: address?.port ?? listen.port))
        assembly.startTimers()
        await assembly.live(stops: stops, hangups: hangups, watcher: watcher)
    }

    private static func make(
        _ settings: Settings,
        store: Store,
        descriptors: Int,
        writer: LineWriter,
        logger: Logger
    ) async throws -> Assembly {
        let server = settings.server
        let terms = try ServerTerms(server, descriptors: descriptors)
        let load = terms.load
        let loops = server.loopCount
        let runtime = try await NetRuntime(loopCount: loops, upstream: settings.upstream, load: load)
        let metrics = CallMetrics(loops: loops)
        let (first, snapshot) = try await Self.firstSnapshot(settings, store, runtime, logger)
        let instance = InstanceName.make()
        let budgets = BudgetTroubles(now: { SystemClock.now })
        let accounting = try await Accounting.open(settings, store, instance: instance, logger: logger) {
            budgets.add($0)
        }
        try await accounting.fold.install(first.budgets)
        let snapshots = SnapshotBox(snapshot, loops: loops, metrics: metrics)
        let keeper = SnapshotKeeper(first, store: store, snapshots: snapshots, logger: logger) {
            try await accounting.fold.install($0)
        }
        let tools = ToolAssembly.make(store, dialer: runtime.toolDialer, logger: logger)
        tools.use(settings.tools)
        let log = CallLog(loops: loops, writer: writer)
        let keyed = Self.keyed(store, accounting, snapshots, logger)
        let instruments = Self.instruments(settings, store, snapshots, metrics, log, accounting, keyed, tools, logger)
        let watch = HealthWatch(instruments, snapshots, keeper, runtime.fetcher, budgets, gateway: server.listen)
        let isReady = NIOLockedValueBox(true)
        let lists = ModelLists(settings: { await keeper.current }, fetcher: runtime.fetcher, now: { .now() })
        let gateway = Gateway(
            snapshots: snapshots,
            instruments: instruments,
            options: HTTP.GatewayOptions(
                version: Version.text,
                publicURL: "\(server.tls == nil ? "http" : "https")://\(server.listen.urlHost):\(server.listen.port)",
                isReady: { isReady.withLockedValue { $0 } },
                trouble: { store.trouble },
                shouldShed: { load.retryAfter() },
                gauges: Gauges.all(load: load, upstream: runtime.dialer.counters, log: log, terms: terms)
                    + Gauges.money(accounting, instruments) + keyed.gauges + instruments.running.gauges
                    + (instruments.responses?.gauges ?? []) + (instruments.sessions?.gauges ?? [])
                    + Gauges.resilience(instruments.guards, now: instruments.monotonicClock)
                    + snapshot.targets.gauges(now: { .now() }) + watch.gauges
                    + Gauges.tools(tools),
                hasAdminListener: server.adminListen != nil,
                admin: Self.administration(store, keeper, snapshots, runtime, instruments, tools),
                toolServers: ToolAssembly.fronts(store),
                listModels: { await lists.models(of: $0) }
            ),
            loops: loops
        )
        return Assembly(
            runtime: runtime,
            server: HTTPServer(
                runtime: runtime,
                handler: gateway,
                options: ServerTerms.options(server),
                load: load
            ),
            keeper: keeper,
            identities: first.identities,
            news: StoreNews(store, instruments.credentials, keeper, logger, instance: instance),
            accounting: accounting,
            keyed: keyed,
            log: log,
            writer: writer,
            logger: logger,
            terms: terms,
            instruments: instruments,
            watch: watch,
            isReady: isReady
        )
    }

    /// Where calls leave their traces, with the rules of the settings in force.
    private static func instruments(
        _ settings: Settings,
        _ store: Store,
        _ snapshots: SnapshotBox,
        _ metrics: CallMetrics,
        _ log: CallLog,
        _ accounting: Accounting,
        _ keyed: KeyedAnswers,
        _ tools: ToolServers,
        _ logger: Logger
    ) -> Instruments {
        let loops = settings.server.loopCount
        let instruments = Instruments(
            metrics: metrics,
            log: settings.log.logsCalls ? log : nil,
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
                wallClock: { SystemClock.now }
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

    // MARK: Life

    private func startTimers() {
        let log = self.log
        let drains = self.instruments.drains
        self.runtime.every(.milliseconds(200)) { loopIndex in
            guard loopIndex == 0 else { return }
            log.flush()
            drains.cutOverdue()
        }
    }

    /// Lives until the first stop signal, then drains.
    ///
    /// A second signal ends the patience.
    private func live(stops: UnixSignalsSequence, hangups: UnixSignalsSequence, watcher: SettingsWatcher) async {
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await watcher.run(hangups: hangups) { settings in
                    // What can fail comes first, so that a reload is whole or nothing.
                    let identity = try ServerTerms.identity(settings.server)
                    try await self.keeper.use(settings)
                    self.instruments.limits.use(settings.limitRules, now: .now())
                    self.instruments.guards.use(settings.guardRules)
                    self.instruments.calls?.use(keep: settings.health.callsKept)
                    self.terms.use(settings.server, identity)
                    self.server.apply(ServerTerms.options(settings.server))
                    self.runtime.use(settings.upstream)
                    self.instruments.tools?.use(settings.tools)
                }
            }
            group.addTask { try await self.keeper.run() }
            group.addTask { try await self.identities.run() }
            group.addTask { try await self.news.run() }
            group.addTask { try await self.accounting.run() }
            group.addTask { try await self.keyed.run() }
            group.addTask { try await self.instruments.running.run() }
            group.addTask { try await self.instruments.shadows?.run() }
            group.addTask { try await self.instruments.responses?.run() }
            group.addTask { try await self.instruments.sessions?.run() }
            group.addTask { try await self.rotation().run() }
            group.addTask { try await self.watch.run() }
            group.addTask { await self.instruments.tools?.run() }
            group.addTask { try await self.terms.watch(self.logger) }
            let (firstStop, onFirstStop) = AsyncStream.makeStream(of: Void.self)
            group.addTask {
                var count = 0
                for await _ in stops {
                    count += 1
                    if count == 1 { onFirstStop.finish() } else { self.server.hurry() }
                }
            }
            for await _ in firstStop {}
            self.isReady.withLockedValue { $0 = false }
            let limit = watcher.current.settings.server.drain
            self.logger.info("Draining", metadata: [LogKeys.duration: "\(limit.milliseconds)"])
            let count = await self.server.drain(within: .nanoseconds(limit.nanoseconds))
            group.cancelAll()
            self.logger.info("Stopped", metadata: [LogKeys.count: "\(count)"])
        }
        // What is read for nobody is settled before the books are closed.
        await self.instruments.drains.finish()
        await self.news.finish()
        await self.keyed.finish()
        await self.instruments.shadows?.finish()
        await self.instruments.responses?.finish()
        await self.instruments.sessions?.finish()
        await self.accounting.finish()
        self.log.flush()
        self.writer.drain()
        await self.runtime.shutdown()
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

    /// The administrative API, whose changes are in force when it answers.
    private static func administration(
        _ store: Store,
        _ keeper: SnapshotKeeper,
        _ snapshots: SnapshotBox,
        _ runtime: NetRuntime,
        _ instruments: Instruments,
        _ tools: ToolServers
    ) -> AdminAPI {
        let tester = LiveTester(settings: { await keeper.current }, fetcher: runtime.fetcher)
        let surroundings = AdministrationSurroundings.make(
            store: store,
            tester: tester,
            providers: { snapshots.current().catalog.providers.map(\.name) },
            settingsBudgets: { await keeper.current.budgets },
            settingsAgents: { await keeper.current.agents },
            standings: { instruments.meter?.standings(at: SystemClock.now) ?? [] },
            recentCalls: { id in instruments.calls?.calls(withID: id).map(\.remembered) ?? [] },
            routes: { snapshots.current().catalog.routes },
            tools: tools,
            breakers: BreakerPanel(instruments.guards, now: instruments.monotonicClock),
            // If this fails, the keeper's own look applies the change within a second.
            onChange: { try? await keeper.applyNow() }
        )
        return AdminAPI(Administration(database: store.database, surroundings: surroundings))
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

    private func rotation() -> BackgroundRotation {
        let logger = self.logger
        return BackgroundRotation(store: self.keeper.store, keeper: self.keeper, instanceID: self.news.instanceID) {
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
    fileprivate var loopCount: Int { self.loops > 0 ? self.loops : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
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
