import Auth
import Core
import Database
import HTTP
import Logging
import Metering
import NIOCore
import Pipeline
import Providers
import SQLite
import Telemetry
import TestKit
import Testing

/// A gateway with a journal, a ledger and a clock that the test moves: for calls that have company.
@MainActor final class RaceRoad {
    /// One attempt as the ledger has it.
    struct Row: Equatable {
        var number: Int64
        var provider: String
        var variant: String
        var outcome: String
        var code: String
        var source: String
        var isCharged: Bool
        var output: Int64?
        var cost: Int64 = 0
        var charged: Int64 = 0
    }

    nonisolated static let wallTime = UnixTime(seconds: 1_795_262_400)

    let clock = RaceClock()
    let transport = FakeTransport()
    let metrics = CallMetrics(loops: 1)
    let calls = CallBook(loops: 1, keep: 100)
    let instruments: Instruments
    let gateway: Gateway
    let database: SQLiteDatabase
    let meter: Meter
    private let fold: LedgerFold
    private let keeper: JournalKeeper
    private let folder: ScratchFolder
    /// What the test sends, to be taken back when its client leaves.
    private var tasks: [Task<Void, Never>] = []
    private var finished = 0
    /// Whether a request is not answered yet.
    var isBusy: Bool { self.finished < self.tasks.count }

    init(
        hedge: HedgeTerms? = nil,
        shadow: ShadowEntry? = nil,
        targets: [String] = ["openai", "mistral"],
        split: Split? = nil,
        drains: Bool = false,
        retriesMax: Int = 0,
        budgets: [BudgetRule] = []
    ) async throws {
        self.folder = try ScratchFolder()
        let clock = self.clock
        let database = try SQLiteDatabase.inMemory()
        self.database = database
        try await MigrationRunner().run(on: database, now: Self.wallTime)
        try await database.write { session in
            let group = GroupID("demo")
            try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(group), 'D', 0, 0)")
        }
        let epoch = try await database.write { try LedgerStore().newEpoch(instance: "t", now: Self.wallTime, in: $0) }
        let (writer, encoder, keeper) = try Journal.open(
            folder: "\(self.folder.path)/journal",
            epoch: epoch,
            key: JournalKey([UInt8](repeating: 7, count: 16)),
            options: JournalOptions(now: { Self.wallTime }) { Issue.record("the journal failed: \($0)") }
        )
        self.keeper = keeper
        self.meter = Meter(epoch: epoch, journal: writer, encoder: encoder, keeper: keeper)
        let surroundings = LedgerFold.Surroundings(now: { Self.wallTime }, onFault: { Issue.record("\($0)") })
        self.fold = LedgerFold(meter: self.meter, keeper: keeper, database: database, surroundings: surroundings)
        try await self.fold.install(budgets)
        let captured = CapturedLog()
        self.instruments = Instruments(
            metrics: self.metrics,
            log: nil,
            live: LiveCalls(),
            logger: Logger(label: "test") { _ in captured },
            meter: self.meter,
            shadows: ShadowBook(
                database: database,
                logger: Logger(label: "test") { _ in captured },
                wallClock: { Self.wallTime },
                monotonicClock: { clock.now }
            ),
            calls: self.calls,
            wallClock: { Self.wallTime },
            monotonicClock: { clock.now }
        )
        let snapshot = try Self.snapshot(hedge, shadow, targets, split, drains: drains, retriesMax: retriesMax)
        self.gateway = Gateway(
            snapshots: SnapshotBox(snapshot, loops: 1, metrics: self.metrics),
            instruments: self.instruments,
            options: GatewayOptions(version: "test", publicURL: "http://127.0.0.1:8080"),
            loops: 1
        )
        self.transport.waits = { clock.makeWait() }
    }

    private static func snapshot(
        _ hedge: HedgeTerms?,
        _ shadow: ShadowEntry?,
        _ targets: [String],
        _ split: Split?,
        drains: Bool,
        retriesMax: Int
    ) throws -> Snapshot {
        let models = ["openai": "gpt-4o-mini", "mistral": "mistral-small-latest", "groq": "llama-3.3-70b-versatile"]
        var route = RouteEntry(
            name: "fast",
            targets: targets.map { .init(provider: $0, model: models[$0] ?? "m") },
            retriesMax: retriesMax
        )
        route.hedge = hedge
        route.shadow = shadow
        route.split = split
        let next = RouteEntry(name: "next", targets: [.init(provider: "groq", model: "m")], retriesMax: retriesMax)
        let names = models.keys.sorted() + ["claude"]
        let catalog = try Catalog(
            providers: names.map { name in
                var entry = ProviderEntry(name: name, kind: name == "claude" ? .anthropic : .openAI)
                entry.onDisconnect = drains ? .drain : .cancel
                return entry
            },
            routes: [route, next],
            defaultProvider: "openai",
            userAgent: "turnpike/test"
        )
        let principal = Principal(group: GroupID("demo"), keyID: "dev")
        return Snapshot(
            catalog: catalog,
            keys: try KeyTable([KeyTable.Entry(digest: KeyDigest(of: Road.key), principal: principal)]),
            credentials: try CredentialBook(
                names.map {
                    CredentialBook.Entry(group: GroupID("demo"), provider: $0, apiKey: Secret(Road.providerKey))
                },
                catalog: catalog
            ),
            prices: PriceBook(rules: [
                PriceRule(name: "groq/*", rates: Rates(input: 1_000_000, output: 2_000_000, source: "test")),
                PriceRule(name: "claude/*", rates: UnitRoadTests.claude),
                PriceRule(name: "openai/spoken", rates: UnitRoadTests.spoken),
                PriceRule(name: "openai/heard", rates: UnitRoadTests.heard),
                PriceRule(name: "openai/ranked", rates: UnitRoadTests.ranked),
            ]),
            loaded: Self.wallTime
        )
    }

    // MARK: - Clients

    /// Sends a request and goes on at once.
    func begin(_ body: String, path: String = "/v1/chat/completions", fields: String = "") -> FakeExchange {
        let head =
            "POST \(path) HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer \(Road.key)\r\n\(fields)"
            + "content-length: \(body.utf8.count)\r\n\r\n"
        let exchange = FakeExchange(head, body: body, transport: self.transport, arrival: self.clock.now)
        self.tasks.append(
            Task {
                await MainExecutor.serve(exchange, by: self.gateway)
                self.finished += 1
            }
        )
        return exchange
    }

    /// The client of the last request leaves.
    func leave(_ exchange: FakeExchange) {
        exchange.isGone = true
        self.tasks.last?.cancel()
    }

    /// Waits until all requests are answered.
    func finish() async {
        for task in self.tasks { await task.value }
        self.tasks = []
        self.finished = 0
    }

    /// Lets everything run that can.
    func settle() async { for _ in 0..<200 { await Task.yield() } }

    // MARK: - Books

    /// What the ledger has, in the order of the attempts.
    func rows() async throws -> [Row] {
        try await self.fold.fold()
        return try await self.database.read { session in
            try session.rows("SELECT * FROM ledger ORDER BY attempt_id").map { row in
                Row(
                    number: try row.integer("number"),
                    provider: try row.text("provider"),
                    variant: try row.text("variant"),
                    outcome: try row.text("outcome"),
                    code: try row.text("code"),
                    source: try row.text("usage_source"),
                    isCharged: try row.bool("is_charged"),
                    output: try row.optionalInteger("output_tokens"),
                    cost: try row.integer("cost"),
                    charged: try row.integer("charged")
                )
            }
        }
    }

    /// Attempts of each call that its caller is charged for.
    func chargedAttempts() async throws -> [Int64] {
        try await self.fold.fold()
        return try await self.database.read { session in
            try session.rows(
                "SELECT request_id, SUM(is_charged) AS charged, COUNT(*) AS rows FROM ledger GROUP BY request_id"
            ).map { try $0.integer("charged") }
        }
    }

    /// How many second attempts became what.
    var hedges: [String: Int] {
        let gauge = self.instruments.hedges.gauges.first { $0.name == "turnpike_hedges_total" }
        var counts: [String: Int] = [:]
        for sample in gauge?.samples() ?? [] where sample.value > 0 {
            counts[sample.labels.last?.1 ?? ""] = Int(sample.value)
        }
        return counts
    }

    /// Teaches the alias that its streams take 100 ms.
    func teach(_ script: FakeUpstream.Script) async {
        for _ in 0..<100 {
            self.transport.scripts.append(script)
            _ = self.begin(StreamTests.ask)
            await self.finish()
        }
    }

    func close() async throws { try await self.keeper.close() }
}
