package import Core
internal import NIOConcurrencyHelpers
package import NIOCore
package import Transport

/// A tool server that is a program of this machine, spoken to over its standard input and output.
///
/// `run` starts it and starts it again when it ends, waiting longer each time; calls wait until it is there. Each
/// program is asked anew which generation it speaks.
package final class StdioLink: ServerLink {
    /// How long a program has to say which generation it speaks.
    static let askMax = TimeAmount.seconds(20)
    /// The wait before the first restart; it doubles up to the longest.
    static let pauseMin = Duration.seconds(1)
    static let pauseMax = Duration.seconds(60)
    /// Messages that wait to be written.
    static let outboxMax = 256
    /// Lines of standard error that are told in a second, and the longest, in bytes.
    static let errorLinesMax = 20
    static let errorLineBytesMax = 500

    private struct Waiter {
        let continuation: CheckedContinuation<Result<JSONValue, ToolError>, Never>
        let progress: (@Sendable (String) -> Void)?
    }

    private struct State {
        var isClosed = false
        /// What the program in charge reads; nil while there is none.
        var outbox: AsyncStream<ByteBuffer>.Continuation?
        var era: MCP.Era?
        var nextID: Int64 = 1
        var nextToken: UInt64 = 1
        var requests: [Int64: Waiter] = [:]
        /// Who waits for a program that has said which generation it speaks.
        var waiting: [UInt64: CheckedContinuation<Result<MCP.Era, ToolError>, Never>] = [:]
        /// Why the last program ended.
        var lastEnd = "has not been started"
        var hasEnded = false
        var stop: AsyncStream<Void>.Continuation?
    }

    let server: String
    private let plan: ProgramPlan
    private let launcher: any ProgramLauncher
    private let client: JSONValue
    private let onNews: @Sendable (ServerNews) -> Void
    private let clock: @Sendable () -> NIODeadline
    private let pause: @Sendable (Duration) async throws -> Void
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - pause: Waits between two starts.
    package init(
        server: String,
        plan: ProgramPlan,
        launcher: any ProgramLauncher,
        client: JSONValue,
        onNews: @escaping @Sendable (ServerNews) -> Void,
        clock: @escaping @Sendable () -> NIODeadline,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.server = server
        self.plan = plan
        self.launcher = launcher
        self.client = client
        self.onNews = onNews
        self.clock = clock
        self.pause = pause
    }

    // MARK: - Life

    /// Keeps the program running until the link is closed or the task is cancelled.
    package func run() async {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let isClosed = self.state.withLockedValue { state in
            state.stop = stop
            return state.isClosed
        }
        guard !isClosed else { return }
        await withTaskGroup { group in
            group.addTask { await self.keepRunning() }
            group.addTask { for await _ in stops {} }
            await group.next()
            group.cancelAll()
        }
        self.close()
    }

    package func close() {
        let stop = self.state.withLockedValue { state in
            state.isClosed = true
            defer { state.stop = nil }
            return state.stop
        }
        stop?.finish()
        self.fail(with: .closed(server: self.server), waiting: true)
    }

    private func keepRunning() async {
        var wait = Self.pauseMin
        while !Task.isCancelled {
            let started = self.clock()
            let reason = await self.runOnce()
            self.state.withLockedValue { state in
                state.lastEnd = reason
                state.hasEnded = true
            }
            // What waits for a program hears why there is none, and does not wait for the next one.
            self.fail(with: .stopped(server: self.server, reason), waiting: true)
            guard !Task.isCancelled else { return }
            self.onNews(.ended(reason))
            if self.clock() - started > .minutes(1) { wait = Self.pauseMin }
            do { try await self.pause(wait) } catch { return }
            wait = min(wait * 2, Self.pauseMax)
        }
    }

    /// Runs the program once; says why it ended.
    private func runOnce() async -> String {
        let (input, outbox) = AsyncStream.makeStream(
            of: ByteBuffer.self,
            bufferingPolicy: .bufferingOldest(Self.outboxMax)
        )
        let lines = NIOLockedValueBox(LineSplitter(lineBytesMax: RPCMessage.bytesMax, overflow: .fail))
        let errors = NIOLockedValueBox(ErrorLines())
        self.state.withLockedValue { state in
            state.outbox = outbox
            // A new program knows nothing of what the last one was asked.
            state.nextID = 1
        }
        self.onNews(.started)
        do {
            let end = try await withThrowingTaskGroup(of: ProgramEnd?.self) { group in
                group.addTask {
                    try await self.launcher.run(self.plan, input: input) { piece in
                        for line in lines.withLockedValue({ $0.take(piece) }) { self.take(line) }
                        // It can never be understood again.
                        guard !lines.withLockedValue({ $0.isBroken }) else {
                            throw ProgramFailure("wrote a message larger than \(RPCMessage.bytesMax) bytes")
                        }
                    } errors: { piece in
                        for line in errors.withLockedValue({ $0.take(piece, now: self.clock()) }) {
                            self.onNews(.errorLine(line))
                        }
                    }
                }
                group.addTask {
                    try await self.greet()
                    return nil
                }
                while let end = try await group.next() {
                    guard let end else { continue }
                    group.cancelAll()
                    return end
                }
                throw CancellationError()
            }
            outbox.finish()
            return end.sentence
        } catch let error as ProgramFailure {
            outbox.finish()
            return error.description
        } catch let error as ToolError {
            outbox.finish()
            return "was ended: \(error)"
        } catch {
            outbox.finish()
            return "was ended"
        }
    }

    /// Finds out which generation the program speaks, and lets those go on who waited for that.
    ///
    /// - Throws: `ToolError` if it is no tool server as far as we can tell; it is ended then, and started again later.
    private func greet() async throws {
        let late = ToolError.timedOut(server: self.server, limit: .nanoseconds(Self.askMax.nanoseconds))
        let era = try await within(Self.askMax, else: late) { () throws(ToolError) in try await self.agree() }
        let waiting = self.state.withLockedValue { state in
            state.era = era
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for waiter in waiting { waiter.resume(returning: .success(era)) }
    }

    private func agree() async throws(ToolError) -> MCP.Era {
        do throws(ToolError) {
            let params = MCPRequests.stateless([:], client: self.client)
            let result = try await self.request(MCP.Method.discover, params, progress: nil)
            let versions = result["supportedVersions"]?.arrayValue?.compactMap(\.stringValue) ?? []
            if versions.contains(MCP.statelessVersion) { return .stateless }
        } catch {
            // It may not know the newer generation.
            guard case .failed = error else { throw error }
        }
        let params = MCPRequests.initialize(client: self.client)
        let result = try await self.request(MCP.Method.initialize, params, progress: nil)
        guard let version = result["protocolVersion"]?.stringValue, MCP.sessionVersions.contains(version) else {
            throw .badAnswer(server: self.server, "it speaks no version of MCP that this gateway does")
        }
        self.send(.notification(method: MCP.Method.initialized, params: [:]))
        return .session(version: version)
    }

    // MARK: - Requests

    package func list() async throws(ToolError) -> [ToolDefinition] {
        try await self.asking { [self] in
            var tools: [ToolDefinition] = []
            var cursor: String?
            for _ in 0..<MCPResults.pagesMax {
                let era = try await self.readyEra()
                let params = self.params(MCPRequests.list(cursor: cursor), era)
                let page = try MCPResults.page(try await self.request(MCP.Method.listTools, params, progress: nil))
                tools += page.tools
                guard tools.count <= MCPResults.toolsMax else {
                    throw UnusableTool("it has more than \(MCPResults.toolsMax) tools")
                }
                guard let next = page.nextCursor else { return tools }
                cursor = next
            }
            throw UnusableTool("its list has more than \(MCPResults.pagesMax) pages")
        }
    }

    package func call(
        _ tool: ToolDefinition,
        arguments: JSONValue,
        for caller: ToolCaller,
        deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)?
    ) async throws(ToolError) -> ToolOutcome {
        try await self.asking { [self] in
            let era = try await self.readyEra()
            let result = try await self.request(MCP.Method.callTool, progress: progress) { id in
                let token: Int64? = progress == nil ? nil : id
                return self.params(MCPRequests.call(tool.name, arguments: arguments, progressToken: token), era)
            }
            return try MCPResults.outcome(of: result)
        }
    }

    private func asking<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws(ToolError) -> Value {
        do {
            return try await body()
        } catch let error as ToolError {
            throw error
        } catch let error as UnusableTool {
            throw .badAnswer(server: self.server, error.reason)
        } catch {
            throw .cancelled
        }
    }

    private func params(_ params: JSONValue, _ era: MCP.Era) -> JSONValue {
        era == .stateless ? MCPRequests.stateless(params, client: self.client) : params
    }

    private func readyEra() async throws(ToolError) -> MCP.Era {
        let token = self.state.withLockedValue { state in
            defer { state.nextToken += 1 }
            return state.nextToken
        }
        let result: Result<MCP.Era, ToolError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Result<MCP.Era, ToolError>? = self.state.withLockedValue { state in
                    if let era = state.era { return .success(era) }
                    if state.isClosed { return .failure(.closed(server: self.server)) }
                    if Task.isCancelled { return .failure(.cancelled) }
                    if state.outbox == nil, state.hasEnded {
                        return .failure(.stopped(server: self.server, state.lastEnd))
                    }
                    state.waiting[token] = continuation
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let waiter = self.state.withLockedValue { $0.waiting.removeValue(forKey: token) }
            waiter?.resume(returning: .failure(.cancelled))
        }
        return try result.get()
    }

    private func request(
        _ method: String,
        _ params: JSONValue,
        progress: (@Sendable (String) -> Void)?
    ) async throws(ToolError) -> JSONValue {
        try await self.request(method, progress: progress) { _ in params }
    }

    private func request(
        _ method: String,
        progress: (@Sendable (String) -> Void)?,
        _ params: (Int64) -> JSONValue
    ) async throws(ToolError) -> JSONValue {
        let id = self.state.withLockedValue { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        let message = RPCMessage.request(id: .integer(id), method: method, params: params(id))
        let result: Result<JSONValue, ToolError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let failure: ToolError? = self.state.withLockedValue { state in
                    if Task.isCancelled { return .cancelled }
                    guard state.outbox != nil else { return .stopped(server: self.server, state.lastEnd) }
                    state.requests[id] = Waiter(continuation: continuation, progress: progress)
                    return nil
                }
                if let failure { continuation.resume(returning: .failure(failure)) } else { self.send(message) }
            }
        } onCancel: {
            guard let waiter = self.state.withLockedValue({ $0.requests.removeValue(forKey: id) }) else { return }
            self.send(MCPRequests.cancelled(.integer(id), reason: "Nobody waits for it any more."))
            waiter.continuation.resume(returning: .failure(.cancelled))
        }
        return try result.get()
    }

    private func send(_ message: RPCMessage) {
        var bytes = message.bytes
        bytes.writeInteger(UInt8(ascii: "\n"))
        guard let outbox = self.state.withLockedValue({ $0.outbox }) else { return }
        if case .dropped = outbox.yield(bytes), case .request(.integer(let id), _, _) = message {
            let waiter = self.state.withLockedValue { $0.requests.removeValue(forKey: id) }
            waiter?.continuation.resume(returning: .failure(.busy(server: self.server)))
        }
    }

    /// Takes a line of the program; what is no message is passed over, as some programs print there.
    private func take(_ line: ByteBuffer) {
        guard let message = try? RPCMessage.parse(line) else { return }
        switch message {
        case .result(.integer(let id), let result):
            let waiter = self.state.withLockedValue { $0.requests.removeValue(forKey: id) }
            waiter?.continuation.resume(returning: .success(result))
        case .failure(.integer(let id)?, let fault):
            let error = ToolError.failed(server: self.server, code: fault.code, message: fault.message)
            let waiter = self.state.withLockedValue { $0.requests.removeValue(forKey: id) }
            waiter?.continuation.resume(returning: .failure(error))
        case .notification(MCP.Method.progress, let params):
            guard let id = params[MCP.Meta.progressToken]?.intValue else { return }
            self.state.withLockedValue { $0.requests[Int64(id)]?.progress }?(params.progressText)
        case .notification(MCP.Method.toolsChanged, _):
            self.onNews(.toolsChanged)
        case .request(let id, let method, _):
            self.send(MCPRequests.answer(to: method, id))
        case .result, .failure, .notification:
            break
        }
    }

    /// Ends what is under way, because there is no program any more that could answer it.
    private func fail(with error: ToolError, waiting: Bool) {
        let (requests, waiters) = self.state.withLockedValue { state in
            defer {
                state.requests = [:]
                state.waiting = [:]
                state.era = nil
                state.outbox = nil
            }
            return (state.requests.values, state.waiting.values)
        }
        for request in requests { request.continuation.resume(returning: .failure(error)) }
        for waiter in waiters { waiter.resume(returning: .failure(error)) }
    }
}

extension ProgramEnd {
    /// To be put behind "The program".
    var sentence: String {
        switch self {
        case .exited(let code): "ended with status \(code)"
        case .signalled(let signal): "was ended by signal \(signal)"
        case .tooManyProcesses: "was ended: it had started too many processes"
        }
    }
}
