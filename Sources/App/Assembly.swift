import Auth
import Core
import Glibc
import HTTP
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Net
import Pipeline
import Providers
import Telemetry
import UnixSignals
import Wire

/// Puts the modules together: the only place that knows them all.
struct Assembly: Sendable {
    let runtime: NetRuntime
    let server: HTTPServer
    let snapshots: SnapshotBox
    let log: CallLog
    let writer: LineWriter
    let logger: Logger
    let identity: ServerIdentity?
    let isReady: NIOLockedValueBox<Bool>

    /// Runs the gateway until it was told to stop and has drained.
    ///
    /// - Parameters:
    ///   - settings: What to start with: the first key, credentials and providers that need no file entry included.
    ///   - watcher: Run for reloads; it hands over each new whole set of settings.
    ///   - writer: Where log lines go.
    ///   - onListening: Called once, when clients can connect, with the address in use.
    static func serve(
        settings: Settings,
        watcher: SettingsWatcher,
        writer: LineWriter,
        logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void
    ) async throws {
        // Signals are caught before anybody can know that we are here.
        let stops = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let descriptors = DescriptorLimit.raise()
        let assembly = try await Self.make(settings, descriptors: descriptors, writer: writer, logger: logger)
        let listen = settings.server.listen
        let address = try await assembly.server.listen(host: listen.host, port: listen.port, tls: { assembly.identity })
        onListening(ListenAddress(host: listen.host, port: address?.port ?? listen.port))
        assembly.startTimers()
        await assembly.live(stops: stops, hangups: hangups, watcher: watcher)
    }

    private static func make(
        _ settings: Settings,
        descriptors: Int,
        writer: LineWriter,
        logger: Logger
    ) async throws -> Assembly {
        let server = settings.server
        // Each call needs a descriptor on both sides; 64 stay for files and everything else.
        let connectionsMax = server.connectionsMax > 0 ? server.connectionsMax : max(16, (descriptors - 64) / 2)
        let load = ServerLoad(limits: .init(connectionsMax: connectionsMax, bodyBytesMax: server.inflightBodyBytesMax))
        let loops = server.loops > 0 ? server.loops : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let runtime = try await NetRuntime(loopCount: loops, load: load)
        let metrics = CallMetrics(loops: loops)
        let snapshots = SnapshotBox(try Self.snapshot(settings, reusing: nil), loops: loops, metrics: metrics)
        let log = CallLog(loops: loops, writer: writer)
        let instruments = Instruments(
            metrics: metrics,
            log: settings.log.logsCalls ? log : nil,
            live: LiveCalls(),
            logger: logger,
            wallClock: { SystemClock.now }
        )
        let identity = try server.tls.map {
            try ServerIdentity(certificateFile: $0.certificateFile, keyFile: $0.keyFile)
        }
        let isReady = NIOLockedValueBox(true)
        let gateway = Gateway(
            snapshots: snapshots,
            instruments: instruments,
            options: HTTP.GatewayOptions(
                version: Version.text,
                publicURL: "\(identity == nil ? "http" : "https")://\(server.listen.urlHost):\(server.listen.port)",
                trustsLoopback: !server.isBehindProxy,
                isReady: { isReady.withLockedValue { $0 } },
                shouldShed: { load.retryAfter() },
                gauges: Self.gauges(load: load, upstream: runtime.dialer.counters, log: log, identity: identity)
            ),
            loops: loops
        )
        var options = ServerOptions()
        options.limits.headBytesMax = server.headBytesMax
        options.idleTimeout = server.idleTimeout
        options.headTimeout = server.headTimeout
        options.allowsHalfClose = server.allowsHalfClose
        return Assembly(
            runtime: runtime,
            server: HTTPServer(runtime: runtime, handler: gateway, options: options, load: load),
            snapshots: snapshots,
            log: log,
            writer: writer,
            logger: logger,
            identity: identity,
            isReady: isReady
        )
    }

    // MARK: Settings into snapshots

    /// Everything a call reads, from settings that were checked.
    ///
    /// Whole, or an error and nothing.
    static func snapshot(_ settings: Settings, reusing old: Snapshot?) throws -> Snapshot {
        let catalog = try Catalog(
            providers: settings.providers.map(\.entry),
            routes: settings.routeEntries,
            defaultProvider: settings.defaults.provider,
            defaultModel: settings.defaults.model,
            timeouts: Timeouts(),
            userAgent: "turnpike/\(Version.text)",
            reusing: old?.catalog
        )
        var keys: [KeyTable.Entry] = []
        for group in settings.groups {
            for key in group.keys {
                let known = try key.secret.reveal { try GatewayKey(bootstrap: $0, name: key.name) }
                let isFirst = group.id == .defaultGroup && key.name == FirstKey.keyName
                let principal = Principal(
                    group: group.id,
                    keyID: known.id,
                    owner: nil,
                    scopes: isFirst ? [.inference, .admin] : [.inference],
                    allowedModels: nil
                )
                keys.append(KeyTable.Entry(digest: known.digest, principal: principal, isDisabled: false))
            }
        }
        return Snapshot(
            catalog: catalog,
            keys: try KeyTable(keys),
            credentials: try CredentialBook(settings.credentialEntries, catalog: catalog),
            limits: RoadLimits(
                bodyBytesMax: settings.server.bodyBytesMax,
                heartbeat: settings.server.heartbeat,
                settingsURL: settings.server.settingsURL
            ),
            loaded: SystemClock.now
        )
    }

    private static func gauges(
        load: ServerLoad,
        upstream: UpstreamCounters,
        log: CallLog,
        identity: ServerIdentity?
    ) -> [Gauge] {
        var gauges = [
            Gauge(name: "turnpike_client_connections", help: "Open client connections.") { Double(load.connections) },
            Gauge(name: "turnpike_upstream_connections", help: "Open upstream connections, idle ones included.") {
                Double(upstream.open)
            },
            Gauge(name: "turnpike_request_body_bytes", help: "Bytes of request bodies in memory.") {
                Double(load.bodyBytesInFlight)
            },
            Gauge(name: "turnpike_resident_memory_bytes", help: "Resident memory of the process.") {
                Double(ProcessMemory.residentBytes)
            },
            Gauge(name: "turnpike_upstream_dials_total", help: "Upstream connections made.", type: .counter) {
                Double(upstream.dials)
            },
            Gauge(name: "turnpike_upstream_reuses_total", help: "Calls on a pooled connection.", type: .counter) {
                Double(upstream.reuses)
            },
            Gauge(name: "turnpike_shed_total", help: "Connections and calls refused for load.", type: .counter) {
                Double(load.shed)
            },
            Gauge(name: "turnpike_log_lines_dropped_total", help: "Log lines lost.", type: .counter) {
                Double(log.dropped)
            },
        ]
        if let identity {
            gauges.append(
                Gauge(name: "turnpike_certificate_expiry_timestamp_seconds", help: "End of the server's certificate.") {
                    Double(identity.notAfter)
                }
            )
        }
        return gauges
    }

    // MARK: Life

    private func startTimers() {
        let log = self.log
        self.runtime.every(.milliseconds(200)) { loopIndex in
            if loopIndex == 0 { log.flush() }
        }
    }

    /// Lives until the first stop signal, then drains.
    ///
    /// A second signal ends the patience.
    private func live(stops: UnixSignalsSequence, hangups: UnixSignalsSequence, watcher: SettingsWatcher) async {
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await watcher.run(hangups: hangups) { settings in
                    self.snapshots.replace(try Self.snapshot(settings, reusing: self.snapshots.current()))
                }
            }
            if let identity = self.identity { group.addTask { try await self.watch(identity) } }
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
        self.log.flush()
        self.writer.drain()
        await self.runtime.shutdown()
    }

    /// Looks at the certificate files every few seconds, and warns before the certificate ends.
    private func watch(_ identity: ServerIdentity) async throws {
        var warnedAt = Int.max
        while true {
            do {
                if try identity.reloadIfChanged() {
                    warnedAt = .max
                    self.logger.info("Certificate reloaded")
                }
            } catch {
                self.logger.error(
                    "The certificate cannot be read; the old one stays",
                    metadata: [LogKeys.errorReason: "\(error)"]
                )
            }
            let days = (identity.notAfter - Int(SystemClock.now.seconds)) / 86_400
            if let limit = [1, 7, 14].first(where: { days < $0 }), limit < warnedAt {
                warnedAt = limit
                self.logger.warning("The certificate ends soon", metadata: [LogKeys.count: "\(days)"])
            }
            try await Task.sleep(for: .seconds(5))
        }
    }
}
