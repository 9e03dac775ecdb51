internal import Auth
internal import Chat
internal import Conversations
internal import Core
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Pipeline
internal import Transport
internal import Wire

/// What can be done with a session besides administering it.
package enum SessionAction: Sendable, Equatable {
    /// Say something, and be answered.
    case post
    /// Follow the answer that is under way.
    case stream
    /// End it.
    case cancel
}

extension Gateway {
    /// Serves a request about a running session.
    func serve(
        _ action: SessionAction,
        _ session: String,
        for principal: Principal,
        on exchange: any ServerExchange,
        _ id: RequestID
    ) async throws {
        guard let desk = self.sessions else {
            throw GatewayError(.notImplemented, "This gateway has no store to keep sessions in.")
        }
        switch action {
        case .post:
            if exchange.isDraining { throw GatewayError.goingDown }
            let post = try await SessionPost(exchange, session: session, limit: self.bodyBytesMax(exchange))
            let caller = self.caller(principal, exchange, id)
            let answer = try await desk.post(post.message, by: caller)
            do {
                if post.isStream { return try await self.follow(answer, from: 0, on: exchange, id) }
                Self.tellShutdown(on: exchange, id)
                try await answer.end()
            } catch {
                await answer.settle()
                throw error
            }
            let message = try await desk.message(answer.seq, of: session, for: .own(of: principal))
            guard !exchange.isResponseStarted else { return }
            try await Self.answer(message).send(on: exchange, requestID: id)
        case .stream:
            let answer = try await desk.current(session, for: Self.access(principal))
            let start = try Self.start(of: exchange, in: answer)
            if start > 0, answer.hasAll(before: start) {
                // What tells an `EventSource` not to come again (WHATWG, server-sent events).
                return try await Answer(status: 204, body: ByteBuffer()).send(on: exchange, requestID: id)
            }
            try await self.follow(answer, from: start, on: exchange, id)
        case .cancel:
            let seq = try await desk.cancel(session, for: Self.access(principal))
            let number: JSONValue = seq.map { .integer(Int64($0)) } ?? .null
            let json: JSONValue = ["data": ["cancelled": .bool(seq != nil), "seq": number]]
            try await Answer(json: json).send(on: exchange, requestID: id)
        }
    }

    /// Ends the answer that runs under the request's `Idempotency-Key`.
    func cancelKeyed(_ principal: Principal, _ exchange: any ServerExchange) throws(GatewayError) -> Answer {
        let id = try self.instruments.running.cancel(exchange.head, exchange.headBytes, of: principal)
        return Answer(json: ["data": ["cancelled": .bool(id != nil), "requestId": id.map { .string($0) } ?? .null]])
    }

    /// Has a client that waits for a whole answer be told, if the server will not wait for it.
    static func tellShutdown(on exchange: any ServerExchange, _ id: RequestID) {
        exchange.onHurry {
            guard !exchange.isResponseStarted else { return }
            Answer(GatewayError.goingDown, dialect: .native, requestID: id).sendNow(on: exchange, requestID: id)
        }
    }

    /// Who a call of the gateway's own is made for.
    func caller(
        _ principal: Principal,
        _ exchange: any ServerExchange,
        _ id: RequestID
    ) -> InnerCaller {
        let loop = exchange.transport.loopIndex
        return InnerCaller(
            principal: principal,
            exchange: exchange,
            snapshot: self.snapshots.current(loop: loop),
            requestID: id,
            chance: self.chances[loop].withLockedValue { $0.pair() },
            time: self.instruments.wallClock()
        )
    }

    private func bodyBytesMax(_ exchange: any ServerExchange) -> Int {
        let limits = self.snapshots.current(loop: exchange.transport.loopIndex).limits
        return min(limits.bodyBytesMax, 2 * SessionRule.messageBytesMax)
    }

    /// Administrators of a group may watch, and end, what goes on in it.
    private static func access(_ principal: Principal) -> SessionAccess {
        switch principal.role {
        case .systemAdmin where principal.scopes.contains(.admin): .all
        case .groupAdmin where principal.scopes.contains(.admin): .group(principal.group)
        default: .own(of: principal)
        }
    }

    /// How many events a client has had of an answer.
    private static func start(of exchange: any ServerExchange, in answer: SessionAnswer) throws(GatewayError) -> Int {
        guard let field = exchange.head.first(.lastEventID) else { return 0 }
        let text = exchange.headBytes.withUnsafeReadableBytes { String(decoding: $0[field.value], as: UTF8.self) }
        guard let id = SessionEventID(text), id.seq <= answer.seq else {
            var error = GatewayError(.invalidRequest, "Last-Event-ID is not the id of an event of a session.")
            error.details = [(key: "field", value: "Last-Event-ID"), (key: "expected", value: "such as 12-34")]
            throw error
        }
        guard id.seq == answer.seq else {
            throw GatewayError(.gone, "That answer is over. It is in the session's messages, as number \(id.seq).")
        }
        return id.number
    }

    private func follow(
        _ answer: SessionAnswer,
        from start: Int,
        on exchange: any ServerExchange,
        _ id: RequestID
    ) async throws {
        let heartbeat = self.snapshots.current(loop: exchange.transport.loopIndex).limits.heartbeat
        let reply = SessionReply(exchange, id, seq: answer.seq, from: start, heartbeat: heartbeat)
        reply.expectStream()
        exchange.onHurry { reply.hurry() }
        defer {
            exchange.onSilence(.zero, nil)
            exchange.onHurry(nil)
        }
        do {
            try await answer.follow(into: reply, from: start)
        } catch let error as GatewayError where reply.hasContent || (start > 0 && error.code != .gone) {
            // Who has had the beginning gets the error as everybody else who followed.
            reply.fail(error)
        }
        if !reply.hasCredit { try await reply.awaitCredit() }
    }

    private static func answer(_ message: SessionMessage) -> Answer {
        var body = ByteBuffer(string: "{\"data\":")
        message.write(into: &body)
        body.writeStaticString("}")
        var answer = Answer(body: body)
        answer.fields.writeField("cache-control", "no-store")
        answer.fields.writeField("x-content-type-options", "nosniff")
        return answer
    }
}

extension GatewayError {
    /// What is told to those whom the server cannot serve any more.
    static var goingDown: GatewayError {
        GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
    }
}
