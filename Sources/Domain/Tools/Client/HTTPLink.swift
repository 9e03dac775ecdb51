package import Core
internal import NIOConcurrencyHelpers
package import NIOCore
package import Transport

/// Where a tool server is reached over HTTP, and what it is sent besides messages.
package struct ToolEndpoint: Sendable {
    package let endpoint: Endpoint
    /// With its question mark; empty for none.
    package let query: String
    /// The server's own credential among them; never anything of a caller (row 100).
    package let fields: [(name: String, value: Secret<String>)]

    package init(endpoint: Endpoint, query: String = "", fields: [(name: String, value: Secret<String>)] = []) {
        self.endpoint = endpoint
        self.query = query
        self.fields = fields
    }
}

/// A tool server over streamable HTTP, of either generation.
///
/// Asks first in the newer way and falls back to a session; which one it was is remembered, and asked again if the
/// server does not know it any more. A session that the server has forgotten (404) is made anew, once a call.
package final class HTTPLink: ServerLink {
    /// How long a server has for the answer to `initialize` and `server/discover`, and for each page of its list.
    static let askMax = TimeAmount.seconds(15)
    /// How long it has to take note of something.
    static let noteMax = TimeAmount.seconds(2)

    private struct State {
        var era: MCP.Era?
        var sessionID: String?
        var nextID: Int64 = 1
        var isClosed = false
    }

    let server: String
    private let address: ToolEndpoint
    private let dialer: ToolDialer
    private let client: JSONValue
    private let onNews: @Sendable (ServerNews) -> Void
    private let clock: @Sendable () -> NIODeadline
    private let state = NIOLockedValueBox(State())
    private let notes: AsyncStream<FetchRequest>
    private let noteSender: AsyncStream<FetchRequest>.Continuation

    /// - Parameters:
    ///   - server: Its name in the settings, for errors.
    ///   - client: `clientInfo`.
    package init(
        server: String,
        address: ToolEndpoint,
        dialer: ToolDialer,
        client: JSONValue,
        onNews: @escaping @Sendable (ServerNews) -> Void,
        clock: @escaping @Sendable () -> NIODeadline
    ) {
        self.server = server
        self.address = address
        self.dialer = dialer
        self.client = client
        self.onNews = onNews
        self.clock = clock
        (self.notes, self.noteSender) = AsyncStream.makeStream(
            of: FetchRequest.self,
            bufferingPolicy: .bufferingOldest(64)
        )
    }

    /// Which generation the server speaks, as far as it is known.
    package var era: MCP.Era? { self.state.withLockedValue { $0.era } }

    /// Sends what nobody waits for: that a request was given up.
    package func run() async {
        for await note in self.notes { _ = try? await self.dialer.send(note, id: nil) { _ in nil } }
    }

    package func close() {
        self.state.withLockedValue { $0.isClosed = true }
        self.noteSender.finish()
    }

    package func list() async throws(ToolError) -> [ToolDefinition] {
        var tools: [ToolDefinition] = []
        var cursor: String?
        for _ in 0..<MCPResults.pagesMax {
            let deadline = self.clock() + Self.askMax
            let result = try await self.ask(MCP.Method.listTools, MCPRequests.list(cursor: cursor), until: deadline)
            let page = try self.use { () throws(UnusableTool) in try MCPResults.page(result) }
            tools += page.tools
            guard tools.count <= MCPResults.toolsMax else {
                throw .badAnswer(server: self.server, "it has more than \(MCPResults.toolsMax) tools")
            }
            guard let next = page.nextCursor else { return tools }
            cursor = next
        }
        throw .badAnswer(server: self.server, "its list has more than \(MCPResults.pagesMax) pages")
    }

    package func call(
        _ tool: ToolDefinition,
        arguments: JSONValue,
        for caller: ToolCaller,
        deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)?
    ) async throws(ToolError) -> ToolOutcome {
        let token: Int64? = progress == nil ? nil : 1
        let params = MCPRequests.call(tool.name, arguments: arguments, progressToken: token)
        let result = try await self.ask(
            MCP.Method.callTool,
            params,
            about: tool.name,
            fields: tool.fields(for: arguments),
            until: deadline,
            progress: progress
        )
        return try self.use { () throws(UnusableTool) in try MCPResults.outcome(of: result) }
    }

    private func use<Value>(_ body: () throws(UnusableTool) -> Value) throws(ToolError) -> Value {
        do throws(UnusableTool) { return try body() } catch { throw .badAnswer(server: self.server, error.reason) }
    }

    // MARK: - Requests

    /// Asks in the way the server is known to speak, or finds that out; once more if it has changed meanwhile.
    private func ask(
        _ method: String,
        _ params: JSONValue,
        about name: String? = nil,
        fields: [(name: String, value: String)] = [],
        until deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)? = nil
    ) async throws(ToolError) -> JSONValue {
        for attempt in 0..<2 {
            let era = try await self.agreedEra(until: deadline)
            let request = Request(method: method, params: params, name: name, fields: fields, era: era)
            switch try await self.exchange(request, until: deadline, progress: progress) {
            case .result(let result): return result
            case .fault(let fault): throw .failed(server: self.server, code: fault.code, message: fault.message)
            case .unknownEra where attempt == 0:
                // Nothing of the request was done: it was not even understood.
                self.state.withLockedValue {
                    $0.era = nil; $0.sessionID = nil
                }
            case .unknownEra:
                throw .badAnswer(server: self.server, "it forgets its sessions at once")
            case .status(let status):
                throw self.unusable(status)
            }
        }
        throw .badAnswer(server: self.server, "it forgets its sessions at once")
    }

    private func unusable(_ status: Int) -> ToolError {
        switch status {
        case 401, 403: .refused(server: self.server, status: status)
        case 200: .badAnswer(server: self.server, "its answer ended before the result")
        default: .unreachable(server: self.server, "it answers with status \(status)")
        }
    }

    private func agreedEra(until deadline: NIODeadline) async throws(ToolError) -> MCP.Era {
        if let era = self.era { return era }
        let limit = min(deadline, self.clock() + Self.askMax)
        let discover = Request(method: MCP.Method.discover, params: [:], era: .stateless)
        switch try await self.exchange(discover, until: limit) {
        case .result(let result):
            let versions = result["supportedVersions"]?.arrayValue?.compactMap(\.stringValue) ?? []
            if versions.contains(MCP.statelessVersion) {
                self.state.withLockedValue { $0.era = .stateless }
                return .stateless
            }
        case .status(let status) where status == 401 || status == 403 || status == 429 || status >= 500:
            throw self.unusable(status)
        case .fault, .status, .unknownEra:
            break  // It does not know the newer generation.
        }
        return try await self.beginSession(until: limit)
    }

    private func beginSession(until deadline: NIODeadline) async throws(ToolError) -> MCP.Era {
        let params = MCPRequests.initialize(client: self.client)
        let request = Request(method: MCP.Method.initialize, params: params, era: nil)
        let result: JSONValue
        switch try await self.exchange(request, until: deadline) {
        case .result(let answer): result = answer
        case .fault(let fault): throw .failed(server: self.server, code: fault.code, message: fault.message)
        case .status(let status): throw self.unusable(status)
        case .unknownEra: throw .badAnswer(server: self.server, "it answers with status 404")
        }
        guard let version = result["protocolVersion"]?.stringValue, MCP.sessionVersions.contains(version) else {
            throw .badAnswer(server: self.server, "it speaks no version of MCP that this gateway does")
        }
        let era = MCP.Era.session(version: version)
        self.state.withLockedValue { $0.era = era }
        let note = RPCMessage.notification(method: MCP.Method.initialized, params: [:])
        let fetch = self.fetch(note, Request(method: MCP.Method.initialized, params: [:], era: era), until: deadline)
        _ = try await self.send(fetch, id: nil, until: deadline) { _ in nil }
        return era
    }

    // MARK: - One exchange

    /// What is asked, before it has an id.
    private struct Request: Sendable {
        var method: String
        var params: JSONValue
        /// The tool's name, which goes along as a field.
        var name: String?
        var fields: [(name: String, value: String)] = []
        /// Nil for the first message of a session.
        var era: MCP.Era?
    }

    private enum Answer {
        case result(JSONValue)
        case fault(RPCFault)
        /// The session is gone, or the server speaks the other generation.
        case unknownEra
        case status(Int)
    }

    private func exchange(
        _ request: Request,
        until deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)? = nil
    ) async throws(ToolError) -> Answer {
        let id = try self.takeID()
        var params = request.params
        if request.era == .stateless { params = MCPRequests.stateless(params, client: self.client) }
        let message = RPCMessage.request(id: id, method: request.method, params: params)
        let fetch = self.fetch(message, request, until: deadline)
        let reply: ToolReply
        do throws(ToolError) {
            reply = try await self.send(fetch, id: id, until: deadline) { [self] message in
                self.take(message, request, progress)
            }
        } catch {
            if error.isGivenUp { self.noteCancelled(id, request) }
            throw error
        }
        if request.method == MCP.Method.initialize { self.state.withLockedValue { $0.sessionID = reply.sessionID } }
        return self.judge(reply, request)
    }

    private func judge(_ reply: ToolReply, _ request: Request) -> Answer {
        // Whatever the body says of it, this is about the credential.
        if reply.status == 401 || reply.status == 403 { return .status(reply.status) }
        switch reply.message {
        case .result(_, let result): return .result(result)
        case .failure(_, let fault):
            let isAboutEra = fault.code == RPCFault.unsupportedVersion || fault.code == RPCFault.invalidRequest
            return isAboutEra && request.era != nil && reply.status >= 400 ? .unknownEra : .fault(fault)
        default: break
        }
        guard reply.status == 404, case .session? = request.era else { return .status(reply.status) }
        return .unknownEra
    }

    /// Takes what is not the answer.
    ///
    /// - Returns: What the server is to be sent because of it.
    private func take(
        _ message: RPCMessage,
        _ request: Request,
        _ progress: (@Sendable (String) -> Void)?
    ) -> FetchRequest? {
        switch message {
        case .notification(MCP.Method.progress, let params):
            progress?(params.progressText)
        case .notification(MCP.Method.toolsChanged, _):
            self.onNews(.toolsChanged)
        case .request(let id, let method, _):
            return self.fetch(MCPRequests.answer(to: method, id), request, until: self.clock() + Self.noteMax)
        case .notification, .result, .failure:
            break
        }
        return nil
    }

    private func takeID() throws(ToolError) -> RPCID {
        let id = self.state.withLockedValue { state -> Int64? in
            guard !state.isClosed else { return nil }
            defer { state.nextID += 1 }
            return state.nextID
        }
        guard let id else { throw .closed(server: self.server) }
        return .integer(id)
    }

    /// In the older generation a server goes on after its client has left, unless it is told.
    private func noteCancelled(_ id: RPCID, _ request: Request) {
        guard case .session? = request.era else { return }
        let note = MCPRequests.cancelled(id, reason: "Nobody waits for it any more.")
        self.noteSender.yield(self.fetch(note, request, until: self.clock() + Self.noteMax))
    }

    private func fetch(_ message: RPCMessage, _ request: Request, until deadline: NIODeadline) -> FetchRequest {
        var fields: [(name: String, value: String)] = [("accept", "application/json, text/event-stream")]
        switch request.era {
        case .stateless:
            fields += [("\(MCP.Field.version)", MCP.statelessVersion)]
            if case .request = message {
                fields.append(("\(MCP.Field.method)", request.method))
                if let name = request.name { fields.append(("\(MCP.Field.name)", MCP.fieldValue(name))) }
                fields += request.fields
            }
        case .session(let version):
            fields.append(("\(MCP.Field.version)", version))
            if let id = self.state.withLockedValue({ $0.sessionID }) { fields.append(("\(MCP.Field.session)", id)) }
        case nil:
            break
        }
        fields += self.address.fields.map { field in (field.name, field.value.reveal { $0 }) }
        let left = max(.milliseconds(1), deadline - self.clock())
        return FetchRequest(
            "POST",
            self.address.endpoint,
            path: self.address.query,
            fields: fields,
            body: message.bytes,
            timeouts: Timeouts(
                connect: min(.seconds(10), left),
                firstByte: left,
                idle: left,
                total: left,
                streamMax: left
            )
        )
    }

    private func send(
        _ request: FetchRequest,
        id: RPCID?,
        until deadline: NIODeadline,
        onMessage: @escaping @Sendable (RPCMessage) -> FetchRequest?
    ) async throws(ToolError) -> ToolReply {
        do {
            return try await self.dialer.send(request, id: id, onMessage: onMessage)
        } catch let error as ToolError {
            throw error
        } catch let error as RPCFault {
            throw .badAnswer(server: self.server, error.message)
        } catch let error as FetchError {
            throw .badAnswer(server: self.server, "\(error)")
        } catch let error as TransportError {
            throw ToolError(error, server: self.server, limit: request.timeouts.total)
        } catch {
            throw .cancelled
        }
    }
}

extension ToolError {
    /// What an HTTP call without an answer means.
    init(_ error: TransportError, server: String, limit: TimeAmount) {
        switch error {
        case .timeout(_, let limit, _): self = .timedOut(server: server, limit: .nanoseconds(limit.nanoseconds))
        case .nameNotResolved: self = .unreachable(server: server, "its name has no address")
        case .forbiddenAddress:
            self = .unreachable(server: server, "its address is not a public one, and its entry does not allow others")
        case .connectFailed: self = .unreachable(server: server, "nobody accepts the connection")
        case .tlsFailed: self = .unreachable(server: server, "its certificate is not trusted")
        case .closedBeforeHead: self = .unreachable(server: server, "it closed the connection without an answer")
        case .closedInBody: self = .badAnswer(server: server, "its answer broke off")
        case .protocolViolation: self = .badAnswer(server: server, "it is not HTTP")
        case .bodyTooLarge(let limit): self = .badAnswer(server: server, "it is larger than \(limit) bytes")
        }
    }

    /// Whether the server may still be at it.
    var isGivenUp: Bool {
        switch self {
        case .timedOut, .cancelled: true
        default: false
        }
    }
}
