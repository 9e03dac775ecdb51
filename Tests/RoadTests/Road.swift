import Agents
import Auth
import Core
import HTTP
import Limits
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import Telemetry
import Tools
import Transport

/// A whole gateway without sockets: real stages, real front door, scripted providers.
///
/// Unless a test asks for it, nothing is tried twice: one script, one call.
struct Road {
    static let key = "tp_test-key-of-the-group-demo"
    static let providerKey = "sk-canary-0123456789abcdef0123456789abcdef"

    let gateway: Gateway
    let metrics = CallMetrics(loops: 1)
    let live = LiveCalls()
    let transport = FakeTransport()
    let lines = NIOLockedValueBox<[String]>([])
    let logged: CapturedLog
    let credentials = CredentialNews()
    /// What the gateway remembers of its calls.
    let calls = CallBook(loops: 1)
    /// How its providers are doing.
    let health = HealthBook(loops: 1)
    let probes = ProbeBook()
    let guards: GuardBook

    init(
        providers: [ProviderEntry] = [
            ProviderEntry(name: "openai"), ProviderEntry(name: "openrouter"), ProviderEntry(name: "mistral"),
            ProviderEntry(name: "local", baseURL: "http://127.0.0.1:9/v1", allowPrivate: true),
        ],
        routes: [RouteEntry] = [
            RouteEntry(
                name: "fast",
                targets: [
                    .init(provider: "openai", model: "gpt-4o-mini"),
                    .init(provider: "openrouter", model: "openai/gpt-4o"),
                ]
            )
        ],
        credentialsFor: [String] = ["openai", "openrouter", "mistral"],
        more: [CredentialBook.Entry] = [],
        defaultProvider: String? = "openai",
        defaultModel: String? = nil,
        retriesMax: Int = 0,
        principal: Principal = Principal(group: GroupID("demo"), keyID: "dev"),
        failures: FailureGuard? = nil,
        running: RunningAnswers? = nil,
        keyed: KeyedAnswers? = nil,
        responses: ResponseBook? = nil,
        sessions: SessionBook? = nil,
        limits: RoadLimits = RoadLimits(),
        desk: LimitDesk = LimitDesk(),
        heldBytes: HeldBytes = HeldBytes(),
        drains: Drains = Drains(),
        targets: TargetBook = TargetBook(),
        agents: [AgentProfile] = [],
        tools: ToolServers? = nil,
        monotonicClock: @escaping @Sendable () -> NIODeadline = { .now() },
        shouldShed: @escaping @Sendable () -> Duration? = { nil }
    ) throws {
        func limited<Entry>(_ entries: [Entry], _ path: WritableKeyPath<Entry, Int>) -> [Entry] {
            entries.map { entry in
                var entry = entry
                entry[keyPath: path] = retriesMax
                return entry
            }
        }
        let catalog = try Catalog(
            providers: limited(providers, \.retriesMax),
            routes: limited(routes, \.retriesMax),
            defaultProvider: defaultProvider,
            defaultModel: defaultModel,
            userAgent: "turnpike/test"
        )
        let keys = try KeyTable([KeyTable.Entry(digest: KeyDigest(of: Self.key), principal: principal)])
        let credentials = try CredentialBook(
            credentialsFor.map {
                CredentialBook.Entry(group: GroupID("demo"), provider: $0, apiKey: Secret(Self.providerKey))
            } + more,
            catalog: catalog
        )
        let snapshot = Snapshot(
            catalog: catalog,
            keys: keys,
            credentials: credentials,
            limits: limits,
            targets: targets,
            agents: AgentBook(agents),
            loaded: UnixTime(seconds: 1_700_000_000)
        )
        let captured = CapturedLog()
        self.logged = captured
        let logger = Logger(label: "test") { _ in captured }
        self.guards = GuardBook(logger: logger)
        let instruments = Instruments(
            metrics: self.metrics,
            log: nil,
            live: self.live,
            logger: logger,
            credentials: self.credentials,
            failures: failures,
            limits: desk,
            guards: self.guards,
            running: running,
            keyed: keyed,
            drains: drains,
            responses: responses,
            heldBytes: heldBytes,
            sessions: sessions,
            calls: self.calls,
            health: self.health,
            tools: tools,
            probes: self.probes,
            wallClock: { UnixTime(seconds: 1_700_000_000) },
            monotonicClock: monotonicClock
        )
        self.gateway = Gateway(
            snapshots: SnapshotBox(snapshot, loops: 1, metrics: self.metrics),
            instruments: instruments,
            options: GatewayOptions(version: "test", publicURL: "http://127.0.0.1:8080", shouldShed: shouldShed),
            loops: 1
        )
    }

    /// Sends a chat request with the right key.
    func chat(
        _ body: String,
        fields: String = "",
        arrival: NIODeadline = .now(),
        during: (FakeExchange) -> Void = { _ in }
    ) async -> FakeExchange {
        await self.send("POST", "/v1/chat/completions", body: body, fields: fields, arrival: arrival, during: during)
    }

    /// Sends any request; `key` nil sends none.
    func send(
        _ method: String,
        _ path: String,
        body: String = "",
        fields: String = "",
        key: String? = Road.key,
        arrival: NIODeadline = .now(),
        during: (FakeExchange) -> Void = { _ in }
    ) async -> FakeExchange {
        let authorization = key.map { "authorization: Bearer \($0)\r\n" } ?? ""
        let head =
            "\(method) \(path) HTTP/1.1\r\nhost: gateway\r\n\(authorization)\(fields)"
            + "content-length: \(body.utf8.count)\r\n\r\n"
        let exchange = FakeExchange(head, body: body, transport: self.transport, arrival: arrival)
        during(exchange)
        await MainExecutor.serve(exchange, by: self.gateway)
        return exchange
    }

    /// The Prometheus text of this gateway.
    var exposition: String { String(buffer: self.metrics.exposition(version: "test", gauges: [])) }
}

/// Keeps what is logged, at every level.
struct CapturedLog: LogHandler {
    private let box = NIOLockedValueBox<[String]>([])
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    var text: String { self.box.withLockedValue { $0.joined(separator: "\n") } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = "\(event.level) \(event.message) \(event.metadata ?? [:])"
        self.box.withLockedValue { $0.append(line) }
    }
}
