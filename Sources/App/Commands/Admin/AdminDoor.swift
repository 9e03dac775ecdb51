import Auth
import Core
import Database
import Engine
import Glibc
import HTTP
import NIOCore
import Operations
import Programs
import Tools
import Transport
import Wire

/// The one way to the administration: through the running gateway if one answers, else to the store itself.
///
/// Both answer by the same table of routes, in the same shapes.
struct AdminDoor: Sendable {
    private enum Way: Sendable {
        case gateway(GatewayAccess, CommandClient)
        case store(AdminAPI)
    }

    private let way: Way

    /// Lends a door to `use`.
    ///
    /// The gateway is taken if it answers and there is a key for it. One that was named must answer.
    ///
    /// - Parameter creates: Whether a store that is not there is made.
    static func with<Result: Sendable>(
        _ options: AdminOptions,
        creates: Bool = false,
        _ use: (AdminDoor) async throws -> Result
    ) async throws -> Result {
        let input = SettingsSource.ofProcess(configPath: options.config)
        let environment = input.environment
        let isNamed = options.url != nil || environment["TURNPIKE_URL"]?.isEmpty == false
        guard !options.store || !isNamed else {
            throw CommandFailure("--store is for the store on this machine; leave the URL out", isMisuse: true)
        }
        guard !options.store else {
            return try await Self.withStore(try Settings.load(input).settings, creates: creates, use)
        }
        let access = try GatewayAccess(options.gateway, isAdministrative: true)
        if access.key != nil || isNamed {
            let found: Result? = try await CommandClient.with { client in
                guard try await Self.answers(access, client, mustAnswer: isNamed) else { return nil }
                return try await use(AdminDoor(way: .gateway(access, client)))
            }
            if let found { return found }
        }
        return try await Self.withStore(access.settings, creates: creates, use)
    }

    /// Whether a gateway is there; asked without the key, so that nobody else gets it.
    private static func answers(
        _ access: GatewayAccess,
        _ client: CommandClient,
        mustAnswer: Bool
    ) async throws -> Bool {
        var request = CommandRequest(method: "GET", endpoint: access.endpoint, path: "/healthz")
        request.timeouts = Timeouts(connect: .seconds(2), firstByte: .seconds(5), idle: .seconds(5), total: .seconds(8))
        do {
            let answer = try await client.send(request)
            if answer.status == 200 { return true }
            guard mustAnswer else { return false }
            throw CommandFailure("\(access.url) is not a gateway: status \(answer.status)")
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            guard mustAnswer else { return false }
            throw access.explain(error)
        }
    }

    private static func withStore<Result: Sendable>(
        _ settings: Settings,
        creates: Bool,
        _ use: (AdminDoor) async throws -> Result
    ) async throws -> Result {
        try await LocalStore.with(settings, creates: creates) { store in
            try await Bootstrap.run(settings, store: store)
            return try await CommandClient.with { client in
                let tester = LiveTester(settings: { settings }, fetcher: client.fetcher)
                let tools = ToolAssembly.make(
                    store,
                    dialer: client.toolDialer,
                    launcher: try? ProgramRunner.throughItself(),
                    logger: nil
                )
                tools.use(settings.tools)
                let administration = Administration(
                    database: store.database,
                    surroundings: AdministrationSurroundings.make(
                        store: store,
                        tester: tester,
                        providers: { settings.providers.map(\.name) },
                        settingsBudgets: { settings.budgets },
                        settingsAgents: { settings.agents },
                        tools: tools
                    )
                )
                return try await tools.running {
                    try await use(AdminDoor(way: .store(AdminAPI(administration))))
                }
            }
        }
    }

    // MARK: - Calls

    /// Sends one request.
    ///
    /// - Parameter path: Below `/api/v1`, with its query; see `AdminPath`.
    /// - Returns: The answer's body; null for none.
    /// - Throws: `CommandFailure` with the reason that the API gave.
    func call(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let target = "/api/v1" + path
        switch self.way {
        case .gateway(let access, let client):
            var request = access.request(String(buffer: ByteBuffer(staticString: method.text)), target, body: body)
            if body != nil { request.fields.append(("content-type", "application/json")) }
            let answer: CommandAnswer
            do { answer = try await client.send(request) } catch { throw access.explain(error) }
            guard (200..<300).contains(answer.status) else { throw Self.refusal(answer, access) }
            return answer.body.readableBytes == 0 ? .null : try JSONValue.parse(answer.body)
        case .store(let api):
            var random = SystemRandomNumberGenerator()
            let answer = await api.answer(
                AdminRequest(method, target, body: body),
                by: .command(),
                requestID: RequestID(high: random.next(), low: random.next())
            )
            guard (200..<300).contains(answer.status) else { throw Self.refusal(answer.json) }
            return answer.json ?? .null
        }
    }

    /// All of a list, or one page where the person asked for one.
    ///
    /// - Returns: `{"data":[…],"nextCursor":…}`.
    func list(_ path: AdminPath, _ page: PageOptions) async throws -> JSONValue {
        var cursor = page.cursor
        var items: [JSONValue] = []
        while true {
            var path = path
            path.add("limit", page.limit.map(String.init) ?? "200")
            path.add("cursor", cursor)
            let answer = try await self.call(.get, path.text)
            items += answer["data"]?.arrayValue ?? []
            cursor = answer["nextCursor"]?.stringValue
            if page.limit != nil || cursor == nil { break }
        }
        return ["data": .array(items), "nextCursor": cursor.map { .string($0) } ?? .null]
    }

    private static func refusal(_ answer: CommandAnswer, _ access: GatewayAccess) -> CommandFailure {
        if answer.status == 401 { return access.explain(answer) }
        let failure = Self.refusal(try? JSONValue.parse(answer.body))
        guard answer.status == 403 else { return failure }
        return CommandFailure(
            "\(failure.message) (the key may not do this: give an administrator's with --gateway-key-file, or --store "
                + "on the gateway's machine)"
        )
    }

    private static func refusal(_ json: JSONValue?) -> CommandFailure {
        let message = json?["error"]?.stringValue ?? "the gateway failed"
        guard let details = json?["details"], details != .null else { return CommandFailure(message) }
        if let field = details["field"]?.stringValue, message.contains(field) { return CommandFailure(message) }
        return CommandFailure("\(message) \(details.text)")
    }
}

/// A path of the API with its query, each part escaped.
struct AdminPath: Sendable {
    private(set) var text: String
    private var hasQuery = false

    /// - Parameter parts: `["groups", id, "keys"]`.
    init(_ parts: String...) { self.text = parts.map { "/" + Self.escaped($0) }.joined() }

    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        self.text += (self.hasQuery ? "&" : "?") + name + "=" + Self.escaped(value)
        self.hasQuery = true
    }

    /// RFC 3986's unreserved characters stay.
    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: String(UnicodeScalar(byte))
            default: "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }.joined()
    }
}
