import Agents
import Audit
import Auth
import Conversations
import Core
import Database
import HTTP
import Logging
import Metering
import NIOConcurrencyHelpers
import NIOCore
import Operations
import Pipeline
import Providers
import SQLite
import Telemetry
import Tools
import Transport
import Vault

/// Whoever calls the administrative API in these tests.
enum Caller: String, CaseIterable, Sendable {
    /// No key at all.
    case anonymous
    /// A key of the group `red` itself, for calls to models.
    case application
    /// A system administrator's key that is good for calls to models alone.
    case administratorsApplication
    /// A member of `red`, whose key has the scope `admin`.
    case member
    case adminOfRed
    case adminOfBlue
    /// Belongs to `blue`.
    case systemAdmin

    var secret: String? { self == .anonymous ? nil : "tp_secret-of-\(self.rawValue)" }

    var role: Role {
        switch self {
        case .adminOfRed, .adminOfBlue: .groupAdmin
        case .systemAdmin: .systemAdmin
        default: .member
        }
    }

    var group: GroupID { self == .adminOfBlue || self == .systemAdmin ? AdminRoad.blue : AdminRoad.red }
}

/// A whole gateway with a store in memory, two groups, and one of each kind of caller.
final class AdminRoad: Sendable {
    static let red = GroupID("red")
    static let blue = GroupID("blue")
    static let now = UnixTime(seconds: 1_700_000_000)
    /// As a settings file has them.
    static let settingsBudgets = [
        BudgetRule(name: "file", scope: Scope([.group: .one("red")]), limit: 5_000_000, window: .day)
    ]
    /// As a settings file has them: one of every group, and one of `red`.
    static let settingsAgents: [AgentProfile] = ["common", "file"].map { id in
        var agent = AgentProfile(id: id, group: id == "file" ? AdminRoad.red : nil)
        agent.source = .settings
        return agent
    }
    static let providerKey = "sk-canary-aaaabbbbccccdddd-tail"

    let database: SQLiteDatabase
    let administration: Administration
    let guards = GuardBook()
    let gateway: Gateway
    let test = NIOLockedValueBox<CredentialTest>(.accepted(after: .milliseconds(12)))
    let tested = NIOLockedValueBox<[String]>([])
    /// What the gateway counts, as far as the API can see.
    let standings = NIOLockedValueBox<[BudgetBook.Standing]>([])
    /// The id of a call that the member of `red` made.
    static let rememberedID = "req-of/the:member"
    /// The calls that the gateway remembers.
    let remembered = NIOLockedValueBox([
        RememberedCall(
            group: "red",
            user: "member",
            keyID: "key-member",
            story: ["id": .string(AdminRoad.rememberedID), "summary": "It went well."]
        )
    ])
    let logged = CapturedLog()
    private let vault: Vault

    /// One tool server, a part of this process.
    private static func tools(_ database: SQLiteDatabase) -> ToolServers {
        let surroundings = ToolServers.Surroundings(
            dialer: ToolDialer { _ in throw CancellationError() },
            launcher: nil,
            database: database,
            version: "1",
            wallClock: { Self.now }
        )
        let echo = ToolDefinition(name: "echo", description: "Says it again.", inputSchema: ["type": "object"])
        let demo = LocalToolServer(name: "demo", title: "Demo", version: "1", instructions: "", tools: [echo]) {
            ToolOutcome(text: "\($0) \($1.text) \($2.group)")
        }
        return ToolServers(surroundings, local: [demo])
    }

    init(hasAdminListener: Bool = false) async throws {
        let database = try SQLiteDatabase.inMemory()
        self.database = database
        try await MigrationRunner().run(on: database, now: Self.now)
        let key = SealingKey(try KeyMaterial(newFrom: .system, source: "test"))
        let ring = Keyring(primary: key)
        self.vault = Vault(ring)
        try await Self.fill(database, ring)
        let metrics = CallMetrics(loops: 1)
        let snapshots = SnapshotBox(try await Self.snapshot(database), loops: 1, metrics: metrics)
        let log = AuditLog(signer: AuditSigner(keyID: key.id.text) { key.mac($0, purpose: "audit head") })
        let (vault, test, tested, captured, standings, remembered) = (
            self.vault, self.test, self.tested, self.logged, self.standings, self.remembered
        )
        let guards = self.guards
        self.administration = Administration(
            database: database,
            surroundings: Administration.Surroundings(
                vault: { vault },
                audit: { log },
                now: { Self.now },
                generator: { SystemRandomNumberGenerator() },
                providers: { ["openai", "mistral"] },
                liveTest: { provider, key in
                    let text = key.withBytes { String(decoding: $0, as: UTF8.self) }
                    tested.withLockedValue { $0.append("\(provider) \(text)") }
                    return test.withLockedValue { $0 }
                },
                settingsBudgets: { Self.settingsBudgets },
                settingsAgents: { Self.settingsAgents },
                standings: { standings.withLockedValue { $0 } },
                recentCalls: { id in
                    remembered.withLockedValue { $0.filter { $0.story["id"] == .string(id) } }
                },
                routes: { Self.routes },
                tools: Self.tools(database),
                breakers: BreakerPanel(guards, now: { .now() }),
                onChange: {
                    guard let snapshot = try? await Self.snapshot(database) else { return }
                    snapshots.replace(snapshot)
                }
            )
        )
        self.gateway = Gateway(
            snapshots: snapshots,
            instruments: Instruments(
                metrics: metrics,
                log: nil,
                live: LiveCalls(),
                logger: Logger(label: "test") { _ in captured },
                guards: guards,
                wallClock: { Self.now }
            ),
            options: GatewayOptions(
                version: "test",
                publicURL: "http://127.0.0.1:8080",
                hasAdminListener: hasAdminListener,
                admin: AdminAPI(self.administration)
            ),
            loops: 1
        )
    }

    /// The aliases of the settings, of which one is split.
    private static let routes: [Route] = {
        var fast = RouteEntry(name: "fast", targets: [.init(provider: "openai", model: "old")])
        fast.split = Split(variants: [
            .init(name: "canary", weight: 5, route: "next"), .init(name: "control", weight: 95),
        ])
        let next = RouteEntry(name: "next", targets: [.init(provider: "openai", model: "new")])
        let provider = ProviderEntry(name: "openai")
        return (try? Catalog(providers: [provider], routes: [fast, next], userAgent: "turnpike/test").routes) ?? []
    }()

    private static func snapshot(_ database: SQLiteDatabase) async throws -> Snapshot {
        let catalog = try Catalog(
            providers: [ProviderEntry(name: "openai")],
            routes: [],
            defaultProvider: "openai",
            userAgent: "turnpike/test"
        )
        let entries = try await database.read { try GatewayKeyStore().activeEntries(now: Self.now, in: $0) }
        let agents = try await database.read { try AgentStore().all(in: $0) }
        return Snapshot(
            catalog: catalog,
            keys: try KeyTable(entries),
            credentials: try CredentialBook([], catalog: catalog),
            agents: AgentBook(agents + Self.settingsAgents),
            loaded: Self.now
        )
    }

    private static func fill(_ database: SQLiteDatabase, _ ring: Keyring) async throws {
        try await database.write { session in
            _ = try KeyRingStore().reconcile(ring, now: Self.now, in: session)
            for group in [Self.red, Self.blue] { try GroupStore().insert(Group(id: group, now: Self.now), in: session) }
            for caller in Caller.allCases where caller != .anonymous {
                try Self.add(caller, in: session)
            }
        }
    }

    private static func add(_ caller: Caller, in session: any SQLSession) throws {
        var draft = GatewayKeyRecord.Draft(name: caller.rawValue)
        var group = caller.group
        if caller != .application {
            // The administrator with a weak key sits in blue, to have no key of red that a group admin could take.
            if caller == .administratorsApplication { group = Self.red }
            let user = try User(
                id: UserID(caller.rawValue),
                group: group,
                name: caller.rawValue,
                role: caller == .administratorsApplication ? .systemAdmin : caller.role,
                now: Self.now
            )
            try UserStore().insert(user, in: session)
            draft.owner = .user(user.id)
            if caller != .administratorsApplication { draft.scopes = [.inference, .admin] }
        }
        let record = try GatewayKeyRecord(
            draft,
            id: GatewayKeyID("key-\(caller.rawValue)"),
            group: group,
            createdBy: "test",
            now: Self.now
        )
        try GatewayKeyStore().insert(record, digest: KeyDigest(of: caller.secret ?? ""), in: session)
    }

    // MARK: - Requests

    func send(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        as caller: Caller = .systemAdmin,
        secret: String? = nil,
        fields: String = "",
        during: (FakeExchange) -> Void = { _ in }
    ) async -> FakeExchange {
        let text = body.map(\.text) ?? ""
        return await self.send(
            method,
            path,
            text: text,
            secret: secret ?? caller.secret,
            fields: fields,
            during: during
        )
    }

    func send(
        _ method: String,
        _ path: String,
        text: String,
        secret: String?,
        fields: String = "",
        during: (FakeExchange) -> Void = { _ in }
    ) async -> FakeExchange {
        let authorization = secret.map { "authorization: Bearer \($0)\r\n" } ?? ""
        let head =
            "\(method) \(path) HTTP/1.1\r\nhost: gateway\r\n\(authorization)\(fields)"
            + "content-length: \(text.utf8.count)\r\n\r\n"
        let exchange = FakeExchange(head, body: text, transport: FakeTransport())
        during(exchange)
        await MainExecutor.serve(exchange, by: self.gateway)
        return exchange
    }

    // MARK: - The store behind it

    func revision() async throws -> Int64 { try await self.database.read { try $0.revision() } }

    /// A person, a key, a credential and a budget of a group, made for one request.
    struct Objects: Sendable {
        let user: String
        let key: String
        let credential: String
        let provider: String
        var budget = "bud_404"
        var shadow = "sha_404"
        /// Belongs to the member of `red`, or to nobody who could ask in another group.
        var session = "ses_404"
        var agent = "agent-404"
    }

    /// What a client of a group was answered, beside what a shadow target said.
    static func comparison(_ id: String, of group: GroupID) -> ShadowAnswer {
        var sides = ["openai", "mistral"].map { ShadowAnswer.Side(provider: $0, model: "m") }
        sides[0].text = "It is twelve."
        sides[1].text = "It is noon."
        return ShadowAnswer(
            id: id,
            group: group,
            alias: "fast",
            requestID: "req_1",
            createdAt: Self.now,
            operation: "chat",
            isStream: false,
            client: sides[0],
            shadow: sides[1]
        )
    }

    /// A conversation of the member of `red`, with one question and its answer in it.
    static func talk(_ id: String, in group: GroupID, _ session: any SQLSession) throws -> String {
        let (store, owner) = (SessionStore(), SessionOwner.user(UserID(Caller.member.rawValue)))
        let draft = SessionDraft(title: "Talk")
        _ = try store.insert(draft, id: id, of: owner, in: group, now: Self.now, in: session)
        let question = NewMessage(
            session: id,
            access: .own(owner, in: group),
            content: ByteBuffer(string: #""What time is it?""#),
            tokens: 5,
            requestID: "req_1",
            epoch: 1
        )
        let turn = try store.begin(question, now: Self.now, in: session) { _ in HistoryTerms() }
        let answer = ByteBuffer(string: #"[{"type":"text","text":"Twelve."}]"#)
        let end = AnswerEnd(.complete, content: answer, tokens: 3, finish: "stop", model: "m", provider: "openai")
        try store.finish(turn.answerSeq, of: id, end, now: Self.now, in: session)
        return id
    }

    private let counter = NIOLockedValueBox(0)

    func objects(of group: GroupID) async throws -> Objects {
        let number = self.counter.withLockedValue { count in
            count += 1
            return count
        }
        let vault = self.vault
        return try await self.database.write { session in
            let user = try User(id: UserID("u\(number)"), group: group, name: "User", now: Self.now)
            try UserStore().insert(user, in: session)
            let key = try GatewayKeyRecord(
                GatewayKeyRecord.Draft(name: "key", owner: .user(user.id)),
                id: GatewayKeyID("k\(number)"),
                group: group,
                createdBy: "test",
                now: Self.now
            )
            try GatewayKeyStore().insert(key, digest: KeyDigest(of: "tp_made-for-\(number)-0123456789"), in: session)
            let credential = try CredentialStore(vault: vault).create(
                NewCredential(
                    group: group,
                    provider: "p\(number)",
                    key: Secret(Self.providerKey),
                    createdBy: "test"
                ),
                now: Self.now,
                in: session
            )
            let budget = try Budget(
                Budget.Draft(name: "b\(number)", group: group, limit: "10"),
                id: "bud_\(number)",
                manager: .group,
                createdBy: "test",
                now: Self.now
            )
            try BudgetStore().insert(budget, in: session)
            let shadow = Self.comparison("sha_\(number)", of: group)
            try ShadowStore().insert([shadow], in: session)
            let talk = try Self.talk("ses_\(number)", in: group, session)
            let agent = try AgentStore().insert(
                AgentProfile(authored: ["model": "gpt-4o"], id: "agent-\(number)", group: group),
                of: group,
                by: "test",
                now: Self.now,
                in: session
            )
            return Objects(
                user: user.id.text,
                key: key.id.text,
                credential: credential.id,
                provider: "p\(number)",
                budget: budget.id,
                shadow: shadow.id,
                session: talk,
                agent: agent.id
            )
        }
    }

    /// The audit log, the oldest first.
    func audit() async throws -> [AuditRecord] {
        let audit = self.administration.surroundings.audit()
        return try await self.database.read { try audit.list(limit: 200, in: $0).records.reversed() }
    }
}
