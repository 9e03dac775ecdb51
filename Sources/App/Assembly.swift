import Auth
import Core
import Engine
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
import Programs
import Providers
import Telemetry
import Tools
import UnixSignals
import Vault
import Wire

/// Puts the modules together: the only place that knows them all.
struct Assembly: Sendable {
    let engine: GatewayEngine
    let server: HTTPServer
    let log: CallLog
    let writer: LineWriter
    let logger: Logger
    let terms: ServerTerms
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
        await assembly.engine.announce()
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
            await assembly.engine.news.finish()
            await assembly.engine.keyed.finish()
            await assembly.engine.accounting.finish()
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
        let metrics = CallMetrics(loops: server.loopCount)
        let log = CallLog(loops: server.loopCount, writer: writer)
        let engine = try await GatewayEngine.make(
            settings,
            store: store,
            GatewayEngine.Surroundings(
                load: load,
                metrics: metrics,
                log: log,
                logger: logger,
                launcher: try? ProgramRunner.throughItself()
            )
        )
        let (runtime, instruments, keeper) = (engine.runtime, engine.instruments, engine.keeper)
        let snapshots = engine.snapshots
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
                gauges: Self.gauges(engine, terms, log),
                hasAdminListener: server.adminListen != nil,
                admin: Self.administration(store, keeper, snapshots, runtime, instruments, engine.tools),
                toolServers: ToolAssembly.fronts(store),
                listModels: { await lists.models(of: $0) }
            ),
            loops: engine.loops
        )
        return Assembly(
            engine: engine,
            server: HTTPServer(
                runtime: runtime,
                handler: gateway,
                options: ServerTerms.options(server),
                load: load
            ),
            log: log,
            writer: writer,
            logger: logger,
            terms: terms,
            isReady: isReady
        )
    }

    /// Everything that `/metrics` shows beside the calls.
    private static func gauges(_ engine: GatewayEngine, _ terms: ServerTerms, _ log: CallLog) -> [Gauge] {
        let instruments = engine.instruments
        var gauges = Gauges.all(
            load: terms.load,
            upstream: engine.runtime.dialer.counters,
            log: log,
            terms: terms
        )
        gauges += Gauges.money(engine.accounting, instruments) + engine.keyed.gauges + instruments.running.gauges
        gauges += (instruments.responses?.gauges ?? []) + (instruments.sessions?.gauges ?? [])
        gauges += Gauges.resilience(instruments.guards, now: instruments.monotonicClock)
        gauges += engine.snapshots.current().targets.gauges(now: { .now() }) + engine.watch.gauges
        return gauges + Gauges.tools(engine.tools)
    }

    // MARK: Life

    private func startTimers() {
        let log = self.log
        let drains = self.engine.instruments.drains
        self.engine.runtime.every(.milliseconds(200)) { loopIndex in
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
                    try await self.engine.use(settings)
                    self.terms.use(settings.server, identity)
                    self.server.apply(ServerTerms.options(settings.server))
                }
            }
            group.addTask { await self.engine.run() }
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
        await self.engine.finish()
        self.log.flush()
        self.writer.drain()
        await self.engine.runtime.shutdown()
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
}
