internal import Auth
internal import Chat
internal import Core
internal import NIOCore
internal import Pipeline
internal import Providers
internal import Telemetry
internal import Transport
internal import Wire

extension Gateway {
    /// Checks a row's policy.
    ///
    /// - Returns: Who calls, where a key was shown; nil for open routes and for this machine itself.
    /// - Throws: `GatewayError` with `UNAUTHENTICATED` or `FORBIDDEN`.
    func admit(
        _ exchange: any ServerExchange,
        _ row: RouteRow,
        _ snapshot: Snapshot
    ) async throws -> Principal? {
        switch row.policy {
        case .open:
            return nil
        case .keyOrLoopback:
            if self.isThisMachine(exchange, snapshot) { return nil }
            if exchange.isAdministrative, row.isOpenToAdministrators { return nil }
            return try await self.caller(exchange, snapshot)
        case .road, .admin:
            // What a role may do is decided where the action is known.
            return try await self.caller(exchange, snapshot)
        case .key(let scopes):
            let principal = try await self.caller(exchange, snapshot)
            guard principal.scopes.isSuperset(of: scopes) else {
                throw GatewayError(.forbidden, "This key may not do that.")
            }
            return principal
        }
    }

    /// Holds a key's own list of paths against the one that is called, whatever the row.
    func checkRoute(_ principal: Principal, _ exchange: any ServerExchange) throws(GatewayError) {
        guard principal.allowedRoutes != nil else { return }
        let head = exchange.head
        let path = exchange.headBytes.withUnsafeReadableBytes { bytes in
            Array(bytes[head.targetRange.range].prefix { $0 != UInt8(ascii: "?") })
        }
        guard principal.mayCall(path: String(decoding: path, as: UTF8.self)) else {
            throw GatewayError(.forbidden, "This key may not call this route.")
        }
    }

    private func caller(_ exchange: any ServerExchange, _ snapshot: Snapshot) async throws -> Principal {
        try CallerIdentity.checkBlock(exchange, self.instruments, snapshot.limits)
        do {
            let now = self.instruments.wallClock()
            return try await CallerIdentity.identify(exchange.head, exchange.headBytes, in: snapshot, now: now)
        } catch let error as GatewayError {
            throw CallerIdentity.refused(error, exchange, self.instruments, snapshot.limits)
        }
    }

    /// Whether the request comes from this machine and not through a proxy on it.
    ///
    /// The `Host` must be a loopback name too: a page in this machine's browser could otherwise have its own name
    /// resolve to 127.0.0.1 and read what comes back.
    private func isThisMachine(_ exchange: any ServerExchange, _ snapshot: Snapshot) -> Bool {
        let head = exchange.head
        guard snapshot.limits.trustsLoopback, exchange.peer.isLoopback, !head.contains(.origin),
            !head.contains(.forwarded), !head.contains(.xForwardedFor), !head.contains(.xRealIP)
        else { return false }
        guard let host = head.first(.host)?.value else { return true }
        let bytes = exchange.headBytes
        return ["127.0.0.1", "localhost", "[::1]"].contains { (name: StaticString) in
            let end = host.lowerBound + name.utf8CodeUnitCount
            guard bytes.hasPrefix(name, in: host) else { return false }
            return end == host.upperBound || bytes.getInteger(at: bytes.readerIndex + end) == UInt8(ascii: ":")
        }
    }

    func readiness(isDraining: Bool) -> Answer {
        if isDraining { return Answer(status: 503, json: ["status": "draining"]) }
        guard self.options.isReady() else { return Answer(status: 503, json: ["status": "not ready"]) }
        // Most calls can be served: taking the whole gateway out would only make it worse (row 60).
        return Answer(
            json: self.options.trouble().map { ["status": "degraded", "reason": .string($0)] } ?? ["status": "ready"]
        )
    }

    func metrics() -> Answer {
        return Answer(
            contentType: "text/plain; version=0.0.4; charset=utf-8",
            body: self.instruments.metrics.exposition(version: self.options.version, gauges: self.options.gauges)
        )
    }

    /// The text of a path's last part, escapes resolved.
    static func text(_ parameter: Range<Int>?, _ exchange: any ServerExchange) throws(GatewayError) -> String {
        let start = Int(exchange.head.targetRange.start)
        let text = parameter.flatMap { range in
            exchange.headBytes.withUnsafeReadableBytes { bytes in
                HTTPTarget.decoded(bytes[(start + range.lowerBound)..<(start + range.upperBound)])
            }
        }
        guard let text else { throw GatewayError(.invalidRequest, "The path is not valid text.") }
        return text
    }

    /// Shows finished calls as server-sent events until the client leaves or the server goes down.
    ///
    /// Only this machine and system administrators see the calls of other groups than their own.
    func showCalls(on exchange: any ServerExchange, _ id: RequestID, to principal: Principal?) async throws {
        let seesAll = principal.map { $0.scopes.contains(.admin) && $0.role == .systemAdmin } ?? true
        guard let reader = self.instruments.live.join(group: seesAll ? nil : principal?.group.text) else {
            throw GatewayError(.overloaded, "Too many are watching already.", retryAfter: .seconds(5))
        }
        defer { self.instruments.live.leave(reader) }
        var fields = ByteBuffer()
        fields.writeStaticString("x-request-id: ")
        id.write(into: &fields)
        fields.writeCRLF()
        FrontEnd.writeStreamFields(into: &fields)
        exchange.begin(status: 200, fields: fields, body: .stream)
        exchange.write { FrontEnd.writeHeartbeat(.openAIChat, into: &$0) }
        try await exchange.flush()
        exchange.onSilence(.seconds(15)) {
            exchange.write { FrontEnd.writeHeartbeat(.openAIChat, into: &$0) }
            exchange.flushNow()
        }
        defer { exchange.onSilence(.zero, nil) }
        while !exchange.isDraining {
            let (calls, lost) = self.instruments.live.take(reader)
            if lost > 0 {
                let json: JSONValue = ["count": .integer(Int64(lost))]
                exchange.write { SSEWriter.write(data: ByteBuffer(string: json.text), type: "lost", into: &$0) }
            }
            for call in calls {
                exchange.write { SSEWriter.write(data: LiveCall.json(call), type: "call", into: &$0) }
            }
            if lost > 0 || !calls.isEmpty { try await exchange.flush() }
            try await exchange.transport.sleep(for: .milliseconds(100))
        }
        try await exchange.finish()
    }
}

/// A finished call as `turnpike tail` reads it.
enum LiveCall {
    static func json(_ call: CallRecord) -> ByteBuffer {
        var time = ByteBuffer()
        call.time.writeRFC3339(into: &time)
        let json: JSONValue = [
            "time": .string(String(buffer: time)),
            "id": .string(call.id.text),
            "group": .string(call.group),
            "route": .string("\(call.operation)"),
            "model": .string(call.modelAsked),
            "provider": .string(call.provider),
            "upstreamModel": .string(call.upstreamModel),
            "status": .integer(Int64(call.status)),
            "code": call.code.map { .string($0.rawValue) } ?? .null,
            "stream": .bool(call.isStream),
            "tokensIn": call.inputTokens.map { .integer(Int64($0)) } ?? .null,
            "tokensOut": call.outputTokens.map { .integer(Int64($0)) } ?? .null,
            "ms": .integer(call.total.milliseconds),
            "ttftMs": call.firstToken.map { .integer($0.milliseconds) } ?? .null,
            "attempts": .integer(Int64(call.attempts)),
        ]
        var buffer = ByteBuffer()
        json.write(into: &buffer)
        return buffer
    }
}
