package import Core
internal import Database
internal import NIOConcurrencyHelpers
package import NIOCore
internal import Transport

/// The tool servers of the gateway: the one thing that the road asks about tools.
///
/// Safe to use from anywhere. `run` has to run for servers that are programs, and for servers to hear of calls that
/// were given up.
package final class ToolServers: Sendable {
    /// How long a question after offers waits for a server that has no list yet.
    static let offerMax = TimeAmount.seconds(5)
    /// The largest arguments of a call, in bytes.
    package static let argumentsBytesMax = 262_144

    /// How pins are read and made.
    struct Pinning: Sendable {
        let read: @Sendable (_ server: String) async throws -> [String: ToolPin]
        let pinNew: @Sendable (_ tools: [(ToolName, String)]) async throws -> Void
    }

    private struct State {
        var desks: [ServerDesk] = []
        var isRunning = false
        var isOver = false
    }

    private let surroundings: Surroundings
    private let state = NIOLockedValueBox(State())
    /// Links that `run` has to run.
    private let births: AsyncStream<any ServerLink>
    private let onBirth: AsyncStream<any ServerLink>.Continuation

    /// - Parameter local: Servers of this process; their names are taken.
    package init(_ surroundings: Surroundings, local: [LocalToolServer] = []) {
        self.surroundings = surroundings
        (self.births, self.onBirth) = AsyncStream.makeStream(of: (any ServerLink).self)
        let desks = local.map { local in
            ServerDesk(
                name: local.name,
                settings: nil,
                link: LocalLink(local),
                pinning: nil,
                clock: surroundings.clock,
                onEvent: surroundings.onEvent
            )
        }
        self.state.withLockedValue { $0.desks = desks }
    }

    // MARK: - Life

    /// Takes the servers of the settings; one that did not change keeps its link, its list and its figures.
    package func use(_ servers: [ToolServerSettings]) {
        let made = NIOLockedValueBox<[ServerDesk]>([])
        let gone = self.state.withLockedValue { state -> [ServerDesk] in
            guard !state.isOver else { return [] }
            let old = state.desks
            let local = old.filter { $0.settings == nil }
            let kept = servers.filter { server in !local.contains { $0.name == server.name } }
            let desks = kept.map { settings in
                if let desk = old.first(where: { $0.settings == settings }) { return desk }
                let desk = self.desk(for: settings)
                made.withLockedValue { $0.append(desk) }
                return desk
            }
            state.desks = local + desks
            return old.filter { desk in !state.desks.contains { $0 === desk } }
        }
        for desk in gone { desk.link.close() }
        for desk in made.withLockedValue({ $0 }) { self.onBirth.yield(desk.link) }
    }

    /// Lives until cancelled; then every program is ended, with all it started.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await link in self.births { group.addTask { await link.run() } }
            self.close()
            group.cancelAll()
        }
    }

    /// Runs while `body` does; for commands.
    package func running<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.run() }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    /// Ends all links; for those who do not `run`.
    package func close() {
        let desks = self.state.withLockedValue { state in
            state.isOver = true
            return state.desks
        }
        for desk in desks { desk.link.close() }
        self.onBirth.finish()
    }

    private func desk(for settings: ToolServerSettings) -> ServerDesk {
        let relay = NewsRelay()
        let (name, onEvent) = (settings.name, self.surroundings.onEvent)
        let onNews: @Sendable (ServerNews) -> Void = { news in
            switch news {
            case .toolsChanged: relay.desk?.markStale()
            case .started:
                relay.desk?.markStale()
                onEvent(.started(server: name))
            case .ended(let reason): onEvent(.ended(server: name, reason))
            case .errorLine(let line): onEvent(.errorLine(server: name, line))
            }
        }
        let desk = ServerDesk(
            name: name,
            settings: settings,
            link: self.link(for: settings, onNews),
            pinning: self.pinning,
            clock: self.surroundings.clock,
            onEvent: onEvent
        )
        relay.desk = desk
        return desk
    }

    private func link(
        for settings: ToolServerSettings,
        _ onNews: @escaping @Sendable (ServerNews) -> Void
    ) -> any ServerLink {
        let client = MCPRequests.client(version: self.surroundings.version)
        switch settings.way {
        case .http(let address):
            return HTTPLink(
                server: settings.name,
                address: address,
                dialer: self.surroundings.dialer,
                client: client,
                onNews: onNews,
                clock: self.surroundings.clock
            )
        case .program(let plan):
            guard let launcher = self.surroundings.launcher else { return NoLink(server: settings.name) }
            return StdioLink(
                server: settings.name,
                plan: plan,
                launcher: launcher,
                client: client,
                onNews: onNews,
                clock: self.surroundings.clock
            )
        }
    }

    private var pinning: Pinning {
        let surroundings = self.surroundings
        return Pinning(
            read: { server in try await surroundings.database.read { try PinStore().pins(of: server, in: $0) } },
            pinNew: { tools in
                let now = surroundings.wallClock()
                let pins = tools.map { name, digest in
                    ToolPin(name: name, digest: digest, approvedBy: ToolPin.firstUse, approvedAt: now)
                }
                try await surroundings.database.write { session in
                    let made = try PinStore().pinNew(pins, in: session)
                    if !made.isEmpty { try surroundings.onPin(made, session) }
                }
            }
        )
    }

    private func find(_ server: String) throws(ToolError) -> ServerDesk {
        let desks = self.state.withLockedValue { $0.desks }
        guard let desk = desks.first(where: { $0.name == server }) else { throw .unknownServer(server) }
        return desk
    }

    /// The server for an agent of a group: one that other groups' agents alone may use is as if there were none.
    private func find(_ server: String, for group: GroupID) throws(ToolError) -> ServerDesk {
        let desk = try self.find(server)
        guard desk.settings?.groups?.contains(group) ?? true else { throw .unknownServer(server) }
        return desk
    }

    // MARK: - What the road asks

    /// The tools that grants give now.
    ///
    /// Lists are kept for a minute; a server without one is waited for, 5 s at most, all of them at once.
    ///
    /// - Parameter group: Whose agent has the grants.
    /// - Returns: Offers in the order of the grants, none twice; and the grants that give nothing, with the reason.
    package func offers(
        _ grants: [ToolGrant],
        for group: GroupID
    ) async -> (offers: [ToolOffer], missing: [MissingTools]) {
        var names: [String] = []
        for grant in grants where !names.contains(grant.server) { names.append(grant.server) }
        let lists = await withTaskGroup(of: (String, Result<ServerDesk.List, ToolError>).self) { tasks in
            for name in names {
                tasks.addTask {
                    do throws(ToolError) {
                        let desk = try self.find(name, for: group)
                        let late = ToolError.timedOut(server: name, limit: .nanoseconds(Self.offerMax.nanoseconds))
                        let list = try await within(Self.offerMax, else: late) { () throws(ToolError) in
                            try await desk.list()
                        }
                        return (name, .success(list))
                    } catch {
                        return (name, .failure(error))
                    }
                }
            }
            return await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var offers: [ToolOffer] = []
        var missing: [MissingTools] = []
        for grant in grants {
            do throws(ToolError) {
                guard let list = lists[grant.server] else { throw .unknownServer(grant.server) }
                let found = try Self.offers(grant, try list.get())
                offers += found.filter { new in !offers.contains { $0.name == new.name } }
            } catch {
                missing.append(MissingTools(grant: grant, error: error))
            }
        }
        return (offers, missing)
    }

    private static func offers(_ grant: ToolGrant, _ list: ServerDesk.List) throws(ToolError) -> [ToolOffer] {
        switch grant {
        case .readOnly(let server):
            return list.tools.filter { $0.standing == .approved && $0.definition.isReadOnly }
                .map { ToolOffer($0.definition, of: server) }
        case .tool(let name):
            guard let tool = list.tool(name.tool) else { throw .unknownTool(name) }
            switch tool.standing {
            case .approved: return [ToolOffer(tool.definition, of: name.server)]
            case .changed: throw .changed(name)
            case .pending: throw .notApproved(name)
            }
        }
    }

    /// Calls a tool, if it is the one that was approved.
    ///
    /// Whether the caller may use it is for whoever asks to know.
    ///
    /// - Parameters:
    ///   - arguments: An object.
    ///   - deadline: When the call is given up; its server's own `timeout` may be sooner.
    ///   - progress: Called from anywhere, with what the server says of how it goes on.
    package func call(
        _ name: ToolName,
        arguments: JSONValue,
        for caller: ToolCaller,
        deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)? = nil
    ) async throws(ToolError) -> ToolOutcome {
        guard arguments.objectValue != nil else { throw .badArguments("they are no object") }
        guard arguments.text.utf8.count <= Self.argumentsBytesMax else {
            throw .badArguments("they are larger than \(Self.argumentsBytesMax) bytes")
        }
        let desk = try caller.agent == nil ? self.find(name.server) : self.find(name.server, for: caller.group)
        return try await desk.call(
            name.tool,
            arguments: arguments,
            for: caller,
            deadline: deadline,
            progress: progress
        )
    }

    // MARK: - What administrators ask

    /// The names of all servers, those of this process first.
    package var names: [String] { self.state.withLockedValue { $0.desks.map(\.name) } }

    /// What calls came to, by server.
    package var figures: [(server: String, figures: ToolServerFigures)] {
        self.state.withLockedValue { $0.desks }.map { ($0.name, $0.figures) }
    }

    /// What there is to say about a server.
    ///
    /// - Parameter isFresh: Whether its list has to be of now.
    /// - Throws: `.unknownServer` alone; what else went wrong is in the report.
    package func report(on server: String, isFresh: Bool) async throws(ToolError) -> ToolServerReport {
        let desk = try self.find(server)
        var report = ToolServerReport(
            name: server,
            kind: desk.settings?.way.kind ?? "built_in",
            address: desk.settings?.way.address ?? "",
            tools: [],
            figures: desk.figures
        )
        do throws(ToolError) {
            report.tools = try await desk.list(isFresh: isFresh).tools
        } catch {
            report.error = error
        }
        return report
    }

    /// The same for all servers, asked at once.
    package func reports(isFresh: Bool) async -> [ToolServerReport] {
        let names = self.names
        let found = await withTaskGroup(of: ToolServerReport?.self) { group in
            for name in names { group.addTask { try? await self.report(on: name, isFresh: isFresh) } }
            return await group.reduce(into: [String: ToolServerReport]()) { $0[$1?.name ?? ""] = $1 }
        }
        return names.compactMap { found[$0] }
    }

    /// Looks at what was approved again, at the next call.
    package func forgetLists() { for desk in self.state.withLockedValue({ $0.desks }) { desk.markStale() } }
}

extension ToolOffer {
    fileprivate init(_ tool: ToolDefinition, of server: String) {
        self.init(
            name: ToolName(server: server, tool: tool.name),
            description: tool.description,
            schema: tool.inputSchema,
            isReadOnly: tool.isReadOnly,
            isDestructive: tool.isDestructive,
            isIdempotent: tool.isIdempotent
        )
    }
}

/// Joins a link to its desk, which is made after it.
private final class NewsRelay: Sendable {
    private let box = NIOLockedValueBox<WeakDesk>(WeakDesk())

    private struct WeakDesk: Sendable {
        weak let desk: ServerDesk?
        init(_ desk: ServerDesk? = nil) { self.desk = desk }
    }

    var desk: ServerDesk? {
        get { self.box.withLockedValue { $0.desk } }
        set { self.box.withLockedValue { $0 = WeakDesk(newValue) } }
    }
}

/// The link of a program where none may be started.
private final class NoLink: ServerLink {
    private let server: String

    init(server: String) { self.server = server }

    func list() async throws(ToolError) -> [ToolDefinition] {
        throw .stopped(server: self.server, "is not started by this command")
    }

    func call(
        _ tool: ToolDefinition,
        arguments: JSONValue,
        for caller: ToolCaller,
        deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)?
    ) async throws(ToolError) -> ToolOutcome {
        throw .stopped(server: self.server, "is not started by this command")
    }

    func run() async {}
    func close() {}
}
