internal import Core
internal import NIOCore
package import Tools
internal import Transport
internal import Wire

/// Serves a tool server of this process over streamable HTTP, in both generations of MCP.
///
/// Answers are JSON; there are no streams, since nothing is ever said unasked.
package struct MCPFront: Sendable {
    package let server: MCPServer
    package let sessions: MCPSessions

    package init(_ server: MCPServer, sessions: MCPSessions = MCPSessions()) {
        self.server = server
        self.sessions = sessions
    }

    /// Answers a request whose caller is known.
    ///
    /// - Parameter holder: Whose sessions these are: the id of the key.
    /// - Throws: `RequestFault` of the body, `CancellationError`.
    func answer(_ exchange: any ServerExchange, holder: String, for caller: ToolCaller) async throws -> Answer {
        let fields = MCPFields(exchange)
        switch exchange.head.method {
        case .post: return try await self.post(exchange, fields, holder, caller)
        case .delete:
            guard let id = fields.session, self.sessions.end(id, by: holder) else { return Self.noSession }
            return Answer(status: 204, body: ByteBuffer())
        default:
            var answer = Answer(status: 405, body: ByteBuffer())
            answer.fields.writeField("allow", "POST, DELETE")
            return answer
        }
    }

    private func post(
        _ exchange: any ServerExchange,
        _ fields: MCPFields,
        _ holder: String,
        _ caller: ToolCaller
    ) async throws -> Answer {
        guard fields.isJSON else { return Self.failure(415, nil, "The body must be application/json.") }
        let body = try await exchange.readBody(limit: RPCMessage.bytesMax)
        let message: RPCMessage
        do throws(RPCFault) {
            message = try RPCMessage.parse(body)
        } catch {
            return Self.answer(.failure(id: nil, error), status: 400)
        }
        guard case .request(let id, let method, let params) = message else {
            // Whatever a client notes or answers, nothing here waits for it.
            return Answer(status: 202, body: ByteBuffer())
        }
        if MCPServer.isStateless(params) || fields.version == MCP.statelessVersion {
            if let fault = fields.mismatch(method, params) { return Self.answer(.failure(id: id, fault), status: 400) }
            return await self.answer(message, caller)
        }
        if method == MCP.Method.initialize {
            var random = SystemRandomNumberGenerator()
            let session = self.sessions.begin(for: holder, random: (random.next(), random.next()), now: .now())
            var answer = await self.answer(message, caller)
            answer.fields.writeStaticString("mcp-session-id: ")
            answer.fields.writeString(session)
            answer.fields.writeCRLF()
            return answer
        }
        guard let session = fields.session else {
            return Self.failure(400, id, "There is no session: begin with initialize, or say the version in _meta.")
        }
        guard self.sessions.use(session, by: holder, now: .now()) else { return Self.noSession }
        if let version = fields.version, !MCP.sessionVersions.contains(version) {
            return Self.failure(400, id, "This version is not spoken here.")
        }
        return await self.answer(message, caller)
    }

    private func answer(_ message: RPCMessage, _ caller: ToolCaller) async -> Answer {
        guard let answer = await self.server.answer(message, for: caller) else {
            return Answer(status: 202, body: ByteBuffer())
        }
        guard case .failure(_, let fault) = answer, case .request(_, _, let params) = message,
            MCPServer.isStateless(params)
        else { return Self.answer(answer, status: 200) }
        switch fault.code {
        case RPCFault.methodNotFound: return Self.answer(answer, status: 404)
        case RPCFault.internalError: return Self.answer(answer, status: 200)
        default: return Self.answer(answer, status: 400)
        }
    }

    private static func answer(_ message: RPCMessage, status: Int) -> Answer {
        var answer = Answer(status: status, body: message.bytes)
        answer.fields.writeField("cache-control", "no-store")
        return answer
    }

    private static func failure(_ status: Int, _ id: RPCID?, _ message: String) -> Answer {
        Self.answer(.failure(id: id, RPCFault(RPCFault.invalidRequest, message)), status: status)
    }

    /// The same for one that never was, one that is over and another's.
    private static let noSession = Self.failure(404, nil, "There is no such session.")
}

/// The fields of a request that MCP gives a meaning to.
struct MCPFields {
    let version: String?
    let session: String?
    let method: String?
    let name: String?
    let isJSON: Bool
    /// The web page that asks, where a browser does.
    let origin: String?
    let host: String?

    init(_ exchange: any ServerExchange) {
        let (head, bytes) = (exchange.head, exchange.headBytes)
        func text(_ name: StaticString) -> String? {
            bytes.withUnsafeReadableBytes { raw in
                head.first(named: name, in: raw).map { String(decoding: raw[$0.value], as: UTF8.self) }
            }
        }
        func known(_ name: HTTPFieldName) -> String? {
            head.first(name).map { field in
                bytes.withUnsafeReadableBytes { String(decoding: $0[field.value], as: UTF8.self) }
            }
        }
        self.version = text(MCP.Field.version)
        self.session = text(MCP.Field.session)
        self.method = text(MCP.Field.method)
        self.name = text(MCP.Field.name)
        self.isJSON = known(.contentType)?.lowercased().hasPrefix("application/json") ?? false
        self.origin = known(.origin)
        self.host = known(.host)
    }

    /// What says something else in the fields than in the message (MCP 2026-07-28: both must be the same).
    func mismatch(_ method: String, _ params: JSONValue) -> RPCFault? {
        func fault(_ field: StaticString) -> RPCFault {
            RPCFault(RPCFault.headerMismatch, "The field \(field) must say what the message says.")
        }
        guard let version = params["_meta"]?[MCP.Meta.version]?.stringValue, version == self.version else {
            return fault(MCP.Field.version)
        }
        guard self.method == method else { return fault(MCP.Field.method) }
        guard method == MCP.Method.callTool else { return nil }
        guard let name = params["name"]?.stringValue, self.name.flatMap({ MCP.text(ofField: $0) }) == name else {
            return fault(MCP.Field.name)
        }
        return nil
    }
}
