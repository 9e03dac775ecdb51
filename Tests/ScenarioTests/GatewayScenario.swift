import Auth
import Core
import Database
import Glibc
import HTTP
import Limits
import Logging
import Metering
import NIOCore
import Net
import Pipeline
import Providers
import SQLite
import Simulator
import Telemetry
import TestKit
import Transport

/// The whole gateway in this process: real sockets, real loops, and the simulator as its provider.
struct GatewayScenario {
    static let key = "tp_scenario_0123456789abcdefghij"
    /// A key of another group.
    static let otherKey = "tp_otherscenario_0123456789abcde"
    static let providerKey = "sk-provider-canary-0123456789"

    /// What only some tests need.
    struct Extras {
        var onDisconnect = DisconnectPolicy.cancel
        var meter: Meter?
        var drains = Drains()
        /// When calls of `fast` get a second attempt.
        var hedge: HedgeTerms?
        /// What the provider calls the model of `fast`, with its options.
        var model = "sim"
    }

    let port: Int
    let simulator: SimulatorServer
    let server: HTTPServer
    let load: ServerLoad
    let runtime: NetRuntime
    let desk: LimitDesk
    private let logFile: String
    private let log: CallLog
    private let writer: LineWriter

    /// Runs `body` with a gateway whose alias `fast` has the given targets, the simulator last.
    static func with<Result>(
        heartbeat: TimeAmount = .seconds(15),
        timeouts: Timeouts = Timeouts(),
        deadPorts: [Int] = [],
        limits: [LimitRule] = [],
        extras: Extras = Extras(),
        _ body: (GatewayScenario) async throws -> Result
    ) async throws -> Result {
        var options = SimulatorOptions()
        options.pace = .none
        let simulator = try await SimulatorServer.start(options)
        let scenario = try await Self.start(
            simulator,
            heartbeat: heartbeat,
            timeouts: timeouts,
            deadPorts: deadPorts,
            extras: extras
        )
        scenario.desk.use(limits, now: .now())
        do {
            let result = try await body(scenario)
            await scenario.stop()
            return result
        } catch {
            await scenario.stop()
            throw error
        }
    }

    private static func start(
        _ simulator: SimulatorServer,
        heartbeat: TimeAmount,
        timeouts: Timeouts,
        deadPorts: [Int],
        extras: Extras
    ) async throws -> GatewayScenario {
        let dead = deadPorts.map { ("dead\($0)", "http://127.0.0.1:\($0)/v1") }
        let places = dead + [("sim", "\(simulator.baseURL)/v1"), ("router", "\(simulator.baseURL)/api/v1")]
        let entries = places.map { name, url in
            var entry = ProviderEntry(name: name, kind: .openAI, baseURL: url, allowPrivate: true, timeouts: timeouts)
            entry.onDisconnect = extras.onDisconnect
            return entry
        }
        let targets = dead.map { RouteEntry.TargetEntry(provider: $0.0, model: "sim", weight: 1) }
        var route = RouteEntry(
            name: "fast",
            strategy: .fallback,
            targets: targets + [.init(provider: "sim", model: extras.model, weight: 1)],
            retriesMax: 2,
            timeouts: timeouts
        )
        route.hedge = extras.hedge
        let catalog = try Catalog(
            providers: entries,
            routes: [route],
            defaultProvider: "sim",
            defaultModel: "fast",
            timeouts: timeouts,
            userAgent: "turnpike/test",
            reusing: nil
        )
        let gatewayKey = try GatewayKey(bootstrap: Self.key, name: "scenario")
        let principal = Principal(
            group: .defaultGroup,
            keyID: gatewayKey.id,
            role: .systemAdmin,
            scopes: [.inference, .admin],
            allowedModels: nil
        )
        let credentials = [GroupID.defaultGroup, GroupID("other")].flatMap { group in
            places.map { CredentialBook.Entry(group: group, provider: $0.0, apiKey: Secret(Self.providerKey)) }
        }
        let otherKey = try GatewayKey(bootstrap: Self.otherKey, name: "other")
        let other = Principal(group: GroupID("other"), keyID: otherKey.id)
        let snapshot = Snapshot(
            catalog: catalog,
            keys: try KeyTable([
                KeyTable.Entry(digest: gatewayKey.digest, principal: principal, isDisabled: false),
                KeyTable.Entry(digest: otherKey.digest, principal: other),
            ]),
            credentials: try CredentialBook(credentials, catalog: catalog),
            limits: RoadLimits(bodyBytesMax: 1 << 20, heartbeat: heartbeat),
            loaded: UnixTime(seconds: 1)
        )
        return try await Self.assemble(simulator, snapshot, extras)
    }

    private static func assemble(
        _ simulator: SimulatorServer,
        _ snapshot: Snapshot,
        _ extras: Extras
    ) async throws -> GatewayScenario {
        let logFile = "/tmp/turnpike-scenario-\(getpid())-\(simulator.port).log"
        let writer = LineWriter(descriptor: open(logFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600))
        let log = CallLog(loops: 2, writer: writer)
        let metrics = CallMetrics(loops: 2)
        let load = ServerLoad(limits: .init(connectionsMax: 1000))
        let runtime = try await NetRuntime(loopCount: 2, load: load)
        let desk = LimitDesk()
        let clock: @Sendable () -> UnixTime = { UnixTime(seconds: Int64(time(nil))) }
        let logger = Logger(label: "scenario") { label in
            JSONLogHandler(label: label, level: .trace, writer: writer, now: clock)
        }
        let instruments = Instruments(
            metrics: metrics,
            log: log,
            live: LiveCalls(),
            logger: logger,
            limits: desk,
            meter: extras.meter,
            keyed: try await Self.keyed(snapshot, logger, clock),
            drains: extras.drains,
            wallClock: clock
        )
        let gateway = Gateway(
            snapshots: SnapshotBox(snapshot, loops: 2, metrics: metrics),
            instruments: instruments,
            options: GatewayOptions(version: "test", publicURL: "http://127.0.0.1"),
            loops: 2
        )
        let server = HTTPServer(runtime: runtime, handler: gateway, load: load)
        let address = try await server.listen(host: "127.0.0.1", port: 0)
        return GatewayScenario(
            port: address?.port ?? 0,
            simulator: simulator,
            server: server,
            load: load,
            runtime: runtime,
            desk: desk,
            logFile: logFile,
            log: log,
            writer: writer
        )
    }

    /// Answers that may outlive their connection, over a store in memory.
    private static func keyed(
        _ snapshot: Snapshot,
        _ logger: Logger,
        _ clock: @escaping @Sendable () -> UnixTime
    ) async throws -> KeyedAnswers {
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: clock())
        try await database.write { session in
            let group = GroupID.defaultGroup
            try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(group), 'G', 0, 0)")
        }
        let limits = snapshot.limits.idempotency
        return KeyedAnswers(database: database, epoch: 1, limits: { limits }, logger: logger, wallClock: clock)
    }

    private func stop() async {
        self.server.hurry()
        await self.server.drain(within: .zero)
        await self.runtime.shutdown()
        try? await self.simulator.stop()
        unlink(self.logFile)
    }

    /// Every line that was logged so far, at trace level.
    func logText() -> String {
        self.log.flush()
        self.writer.drain()
        guard let file = fopen(self.logFile, "r") else { return "" }
        defer { fclose(file) }
        var text: [UInt8] = []
        var byte = fgetc(file)
        while byte != EOF {
            text.append(UInt8(truncatingIfNeeded: byte))
            byte = fgetc(file)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Sends a chat request on a new connection.
    func chat(_ model: String, stream: Bool, extra: String = "", fields: String = "") async throws -> RawPeer {
        let peer = try await RawPeer.connect(port: self.port)
        try await peer.send(Self.request(model, stream: stream, extra: extra, fields: fields))
        return peer
    }

    /// A chat request as it goes over the wire.
    static func request(_ model: String, stream: Bool, extra: String = "", fields: String = "") -> String {
        let messages = #"[{"role":"user","content":"canary-prompt"}]"#
        let body = #"{"model":"\#(model)","stream":\#(stream),"messages":\#(messages)\#(extra)}"#
        return "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(Self.key)\r\n"
            + "\(fields)content-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Waits until `condition` holds of the simulator's record, for 20 s at most.
    func waitForRecord(_ condition: ([RecordedCall]) -> Bool) async throws -> Bool {
        for _ in 0..<2000 {
            if condition(self.simulator.record()) { return true }
            try await self.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
        }
        return false
    }
}
