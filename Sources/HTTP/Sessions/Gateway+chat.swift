internal import Auth
internal import Conversations
internal import Core
internal import NIOCore
internal import Operations
internal import Pipeline
internal import Transport
internal import Wire

extension Gateway {
    /// `POST /api/chat`: a message and its conversation in, a reply out, in time and whatever happens to providers.
    ///
    /// - Throws: `GatewayError` for what the caller did wrong or may not do; no provider's failure.
    func chat(_ principal: Principal, on exchange: any ServerExchange, _ id: RequestID) async throws -> Answer {
        guard let desk = self.sessions else {
            throw GatewayError(.notImplemented, "This gateway has no store to keep conversations in.")
        }
        if exchange.isDraining { throw GatewayError.goingDown }
        let caller = self.caller(principal, exchange, id)
        let rule = caller.snapshot.limits.chat
        let deadline = exchange.arrival + rule.timeout
        let wish = try await ChatWish(exchange, limit: 2 * SessionRule.messageBytesMax)
        let conversation = try await self.conversation(wish, rule, caller, desk)
        let message = PostedMessage(
            session: conversation,
            content: wish.content,
            text: wish.message,
            model: nil,
            timeout: rule.timeout
        )
        var reply: SessionMessage?
        Self.tellShutdown(on: exchange, id)
        defer { exchange.onHurry(nil) }
        do {
            let answer = try await desk.post(message, by: caller)
            do {
                try await answer.end(by: deadline, on: exchange.transport)
            } catch {
                await answer.settle()
                throw error
            }
            let stored = try await desk.message(answer.seq, of: conversation, for: .own(of: principal))
            if stored.status == .complete { reply = stored }
        } catch let error as GatewayError {
            guard Self.mayFallBack(error) else { throw error }
        }
        var texts: [[String: String]] = []
        if reply == nil {
            // Its agent's first; without a store there are still the others.
            let own = try? await desk.fallbackTexts(of: conversation, for: caller)
            texts = [own ?? [:], rule.fallback]
        }
        return Answer(json: Self.chatAnswer(reply, wish, texts, conversation, exchange))
    }

    private func conversation(
        _ wish: ChatWish,
        _ rule: ChatRule,
        _ caller: InnerCaller,
        _ desk: SessionDesk
    ) async throws -> String {
        if let conversation = wish.conversation { return conversation }
        return try await desk.open(agent: wish.agent ?? rule.agent, for: caller)
    }

    private static func chatAnswer(
        _ reply: SessionMessage?,
        _ wish: ChatWish,
        _ texts: [[String: String]],
        _ conversation: String,
        _ exchange: any ServerExchange
    ) -> JSONValue {
        let text: String
        if let reply {
            text = reply.text
        } else {
            let accepted = exchange.headBytes.withUnsafeReadableBytes { bytes in
                exchange.head.first(named: "accept-language", in: bytes).map {
                    String(decoding: bytes[$0.value], as: UTF8.self)
                }
            }
            text = FallbackText.find(accepted: accepted, message: wish.message, in: texts)
        }
        return [
            "reply": .string(text),
            "conversationId": .string(conversation),
            "model": reply?.model.map { .string($0) } ?? .null,
            "usage": reply?.usage?.sessionJSON ?? .null,
            "fallback": .bool(reply == nil),
        ]
    }

    /// Whether it is no provider's answer that is missing, and nothing that the caller has to put right.
    private static func mayFallBack(_ error: GatewayError) -> Bool {
        switch error.code {
        case .notConfigured, .credentialRejected, .credentialUnreadable, .providerRateLimited, .providerRefused,
            .providerError, .providerUnavailable, .providerTimeout, .overloaded, .clientGone, .internalFailure,
            .modelUnpriced:
            true
        default: false
        }
    }
}

/// What `/api/chat` is sent: `{message, conversationId?, agentId?}`.
struct ChatWish {
    let message: String
    let conversation: String?
    let agent: String?

    /// The message as a session keeps it.
    var content: ByteBuffer {
        var bytes = ByteBuffer()
        JSONValue.string(self.message).write(into: &bytes)
        return bytes
    }

    init(_ exchange: any ServerExchange, limit: Int) async throws {
        let body = try await JSONBody.read(exchange, limit: limit) ?? .null
        guard let members = body.objectValue else { throw GatewayError.invalid("body", expected: "a JSON object") }
        for (name, _) in members where !["message", "conversationId", "agentId"].contains(name) {
            throw GatewayError.invalid(name, expected: "left out: there are message, conversationId and agentId")
        }
        guard let message = body["message"]?.stringValue, message.contains(where: { !$0.isWhitespace }) else {
            throw GatewayError.invalid("message", expected: "a text that is not empty")
        }
        self.message = message
        self.conversation = try Self.name("conversationId", in: body)
        self.agent = try Self.name("agentId", in: body)
    }

    private static func name(_ field: String, in body: JSONValue) throws(GatewayError) -> String? {
        switch body[field] {
        case nil, .null?: return nil
        case .string(let text)? where (1...256).contains(text.utf8.count): return text
        default: throw GatewayError.invalid(field, expected: "a name, or left out")
        }
    }
}
