internal import Core
internal import Database
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Everything about one tool server: its link, its list, who is inside, and whether it is left alone.
final class ServerDesk: Sendable {
    /// How long a list is good for, and how long one that cannot be renewed is used.
    static let freshFor = TimeAmount.seconds(60)
    static let usableFor = TimeAmount.minutes(10)
    /// How long a server has for its whole list.
    static let listMax = TimeAmount.seconds(25)
    /// Failures in a row after which it is left alone, for how long at first and at most.
    static let failuresMax = 5
    static let pauseMin = TimeAmount.seconds(5)
    static let pauseMax = TimeAmount.seconds(60)
    /// How often a tool that is off is looked up again, in case somebody approved it.
    static let secondLook = TimeAmount.seconds(1)

    struct List: Sendable {
        var tools: [ListedTool]
        var fetchedAt: NIODeadline

        func tool(_ name: String) -> ListedTool? { self.tools.first { $0.definition.name == name } }
    }

    private struct State {
        var list: List?
        /// Whether the server said that its list is another one now.
        var isStale = false
        var failures = 0
        var pause = ServerDesk.pauseMin
        var pausedUntil: NIODeadline?
        var figures = ToolServerFigures()
        /// Changes that were told already.
        var told: Set<String> = []
    }

    let name: String
    /// Nil for a server of this process.
    let settings: ToolServerSettings?
    let link: any ServerLink
    private let pinning: ToolServers.Pinning?
    private let clock: @Sendable () -> NIODeadline
    private let onEvent: @Sendable (ToolEvent) -> Void
    private let turnstile: Turnstile
    private let fetching = SingleFlight<List>()
    private let state = NIOLockedValueBox(State())

    /// - Parameter pinning: Nil: all of its tools are approved.
    init(
        name: String,
        settings: ToolServerSettings?,
        link: any ServerLink,
        pinning: ToolServers.Pinning?,
        clock: @escaping @Sendable () -> NIODeadline,
        onEvent: @escaping @Sendable (ToolEvent) -> Void
    ) {
        self.name = name
        self.settings = settings
        self.link = link
        self.pinning = pinning
        self.clock = clock
        self.onEvent = onEvent
        self.turnstile = Turnstile(limit: settings?.concurrent ?? 64)
    }

    var timeout: TimeAmount { self.settings?.timeout ?? .seconds(30) }

    /// Forgets how fresh the list is.
    func markStale() { self.state.withLockedValue { $0.isStale = true } }

    // MARK: - The list

    /// The list, renewed where it is old; an old one where it cannot be had.
    ///
    /// - Parameters:
    ///   - isFresh: Whether it has to be of now.
    ///   - isAdmitted: Whether it was asked already if the server is left alone.
    func list(isFresh: Bool = false, isAdmitted: Bool = false) async throws(ToolError) -> List {
        let now = self.clock()
        let kept = self.state.withLockedValue { state -> List? in
            guard !state.isStale, !isFresh, let list = state.list, now - list.fetchedAt < Self.freshFor else {
                return nil
            }
            return list
        }
        if let kept { return kept }
        do throws(ToolError) {
            if !isAdmitted { try self.checkPause() }
            return try await self.fetching.run { [self] () throws(ToolError) in try await self.fetch() }
        } catch {
            guard !isFresh, error != .cancelled, let old = self.state.withLockedValue({ $0.list }),
                self.clock() - old.fetchedAt < Self.usableFor
            else { throw error }
            return old
        }
    }

    private func fetch() async throws(ToolError) -> List {
        let link = self.link
        let late = ToolError.timedOut(server: self.name, limit: .nanoseconds(Self.listMax.nanoseconds))
        self.state.withLockedValue { $0.isStale = false }
        do throws(ToolError) {
            let tools = try await within(Self.listMax, else: late) { () throws(ToolError) in try await link.list() }
            var names: Set<String> = []
            guard tools.allSatisfy({ names.insert($0.name).inserted }) else {
                throw .badAnswer(server: self.name, "it has two tools of one name")
            }
            let list = List(tools: try await self.judge(tools), fetchedAt: self.clock())
            self.state.withLockedValue { $0.list = list }
            self.note(nil)
            return list
        } catch {
            self.note(error)
            self.onEvent(.listFailed(server: self.name, error))
            throw error
        }
    }

    /// Holds tools against what was approved, and approves what is new where the settings say so.
    private func judge(_ tools: [ToolDefinition]) async throws(ToolError) -> [ListedTool] {
        guard let pinning = self.pinning, let settings = self.settings else {
            return tools.map {
                ListedTool(definition: $0, digest: $0.digest, standing: .approved, approvedBy: "built_in")
            }
        }
        let digests = tools.map(\.digest)
        var pins: [String: ToolPin]
        do {
            pins = try await pinning.read(self.name)
            let new = zip(tools, digests).filter { tool, _ in
                settings.approval == .firstUse && pins[tool.name] == nil && settings.pins[tool.name] == nil
            }
            if !new.isEmpty {
                try await pinning.pinNew(new.map { (ToolName(server: self.name, tool: $0.0.name), $0.1) })
                pins = try await pinning.read(self.name)
            }
        } catch {
            throw .unreachable(server: self.name, "the store of approved tools did not answer")
        }
        let listed = zip(tools, digests).map { tool, digest in
            let pin = settings.pins[tool.name] ?? pins[tool.name]?.digest
            let standing: ToolStanding = pin == nil ? .pending : pin == digest ? .approved : .changed
            let approver = settings.pins[tool.name] == nil ? pins[tool.name]?.approvedBy : "settings"
            return ListedTool(definition: tool, digest: digest, standing: standing, approvedBy: approver)
        }
        self.tellChanges(listed)
        return listed
    }

    /// Each change is told once.
    private func tellChanges(_ tools: [ListedTool]) {
        let changed = tools.filter { $0.standing == .changed }
        let new = self.state.withLockedValue { state in
            if state.told.count > 10_000 { state.told = [] }
            return changed.filter { state.told.insert("\($0.definition.name) \($0.digest)").inserted }
        }
        for tool in new { self.onEvent(.changed(ToolName(server: self.name, tool: tool.definition.name))) }
    }

    /// A tool that may be called.
    private func approved(_ name: String) async throws(ToolError) -> ToolDefinition {
        var list = try await self.list(isAdmitted: true)
        let isWanting = list.tool(name).map { $0.standing != .approved } ?? true
        if isWanting, self.clock() - list.fetchedAt >= Self.secondLook {
            list = try await self.list(isFresh: true, isAdmitted: true)
        }
        let full = ToolName(server: self.name, tool: name)
        guard let tool = list.tool(name) else { throw .unknownTool(full) }
        switch tool.standing {
        case .approved: return tool.definition
        case .changed: throw .changed(full)
        case .pending: throw .notApproved(full)
        }
    }

    // MARK: - Calls

    func call(
        _ tool: String,
        arguments: JSONValue,
        for caller: ToolCaller,
        deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)?
    ) async throws(ToolError) -> ToolOutcome {
        let started = self.clock()
        let limit = min(self.timeout, deadline - started)
        let end = started + limit
        let late = ToolError.timedOut(server: self.name, limit: .nanoseconds(limit.nanoseconds))
        self.state.withLockedValue { $0.figures.running += 1 }
        do throws(ToolError) {
            try self.checkPause()
            let outcome = try await within(limit, else: late) { [self] () throws(ToolError) in
                guard await self.turnstile.enter() else {
                    throw Task.isCancelled ? .cancelled : .busy(server: self.name)
                }
                defer { self.turnstile.leave() }
                let definition = try await self.approved(tool)
                return try await self.link.call(
                    definition,
                    arguments: arguments,
                    for: caller,
                    deadline: end,
                    progress: progress
                )
            }
            self.note(nil)
            self.count(tool, caller, outcome.isError ? "tool" : "ok", since: started, outcome)
            return outcome
        } catch {
            self.note(error)
            self.count(tool, caller, error.label, since: started, nil)
            throw error
        }
    }

    private func count(
        _ tool: String,
        _ caller: ToolCaller,
        _ label: String,
        since started: NIODeadline,
        _ outcome: ToolOutcome?
    ) {
        let time = self.clock() - started
        self.state.withLockedValue { state in
            state.figures.running -= 1
            state.figures.calls += 1
            state.figures.seconds += Double(time.nanoseconds) / 1e9
            if label != "ok" { state.figures.errors[label, default: 0] += 1 }
        }
        let name = ToolName(server: self.name, tool: tool)
        let bytes = outcome?.text.utf8.count ?? 0
        self.onEvent(
            .called(name, caller: caller, outcome: label, milliseconds: time.nanoseconds / 1_000_000, textBytes: bytes)
        )
    }

    var figures: ToolServerFigures { self.state.withLockedValue { $0.figures } }

    // MARK: - Leaving it alone

    private func checkPause() throws(ToolError) {
        let now = self.clock()
        let rest = self.state.withLockedValue { state -> TimeAmount? in
            guard let until = state.pausedUntil else { return nil }
            guard now >= until else { return until - now }
            // The next one tries; the others wait for what comes of it.
            state.pausedUntil = now + .seconds(1)
            return nil
        }
        if let rest { throw .paused(server: self.name, retryAfter: .nanoseconds(rest.nanoseconds)) }
    }

    /// Notes how a call or a look at the list came out.
    private func note(_ error: ToolError?) {
        let now = self.clock()
        let pause = self.state.withLockedValue { state -> TimeAmount? in
            guard let error else {
                (state.failures, state.pause, state.pausedUntil) = (0, Self.pauseMin, nil)
                return nil
            }
            guard error.isServersFault else { return nil }
            state.failures += 1
            guard state.failures >= Self.failuresMax else { return nil }
            let pause = state.pause
            state.pausedUntil = now + pause
            state.pause = min(pause + pause, Self.pauseMax)
            return pause
        }
        if let pause { self.onEvent(.paused(server: self.name, seconds: pause.nanoseconds / 1_000_000_000)) }
    }
}
