internal import Auth
internal import Chat
internal import Core
internal import Logging
internal import Metering
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Transport
internal import Wire

/// Sends the request to the target's provider and pushes what comes back, event by event or whole.
struct CallProvider: Layer {
    /// Bodies up to this size are copied behind the head, so that a request leaves in one write.
    private static let copiedBodyMax = 64 << 10
    /// What is read of a failed answer; the rest of a longer one is not worth the wait.
    private static let errorBytesMax = 256 << 10

    let instruments: Instruments

    // What this function and those it awaits keep in variables is kept by every open stream: their work is done in
    // functions that do not wait and are not inlined.
    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        do {
            call.translation = nil
            let upstream = try await Self.open(call)
            call.upstream = upstream
            call.upstreamStatus = upstream.head.status
            call.noteProviderLimits(upstream, self.instruments)
            defer {
                call.upstream = nil
                upstream.abandon()
            }
            let kind = try Self.kind(of: upstream, call)
            if kind != .failure { self.noteSuccess(call) }
            switch kind {
            case .stream:
                let relay = try StreamRelay(call: call, instruments: self.instruments)
                try await relay.run(upstream, reply)
            case .whole:
                try await self.relayWhole(upstream, call, reply)
            case .failure:
                throw try await self.fault(upstream, call)
            }
            if !reply.hasCredit { try await reply.awaitCredit() }
        } catch {
            throw self.understand(error, call)
        }
    }

    @inline(never)
    static func open(_ call: Call) async throws -> any UpstreamExchange {
        var request = try Self.request(for: call)
        defer {
            // The bytes are out, or never will be: the key goes, and their buffer can serve the next call.
            request.bytes.wipe(call.keyRange)
            call.transport.giveBuffer(&request.bytes)
        }
        return try await call.transport.open(request)
    }

    @inline(never)
    private func relayWhole(
        _ upstream: any UpstreamExchange,
        _ call: Call,
        _ reply: any ReplySink
    ) async throws {
        let limit = call.snapshot.limits.answerBytesMax
        let body = try await Self.readAll(upstream, call, limit: limit)
        if let answer = try Self.read(body, of: call) { return try self.answer(answer, upstream, call, reply) }
        try await self.relayMore(call, reply, limit: limit)
    }

    /// Sends the further requests of an attempt that takes several, and answers with what all of them brought.
    @inline(never)
    private func relayMore(_ call: Call, _ reply: any ReplySink, limit: Int) async throws {
        while true {
            call.noteParts(self.instruments)
            let upstream = try await Self.open(call)
            call.upstream = upstream
            defer { upstream.abandon() }
            guard try Self.kind(of: upstream, call) == .whole else { throw try await self.fault(upstream, call) }
            let body = try await Self.readAll(upstream, call, limit: limit)
            if let answer = try Self.read(body, of: call) { return try self.answer(answer, upstream, call, reply) }
        }
    }

    /// What an answer's head says will follow.
    private enum Kind { case stream, whole, failure }

    @inline(never)
    private static func kind(of upstream: any UpstreamExchange, _ call: Call) throws -> Kind {
        let head = upstream.head
        guard (200..<300).contains(head.status) else { return .failure }
        if let field = head.first(.contentEncoding), !upstream.headBytes.hasWord("identity", in: field.value) {
            throw ProviderFault.encoded
        }
        let type = head.first(.contentType)?.value
        let isEvents = type.map { Self.isStream(upstream.headBytes, $0, call) } ?? false
        if isEvents, !call.isStream { throw ProviderFault.unreadable }
        return isEvents ? .stream : .whole
    }

    private static func isStream(_ head: ByteBuffer, _ type: Range<Int>, _ call: Call) -> Bool {
        if head.hasPrefix("text/event-stream", in: type) { return true }
        return call.target?.provider.family.kind == .bedrock
            && head.hasPrefix("application/vnd.amazon.eventstream", in: type)
    }

    /// The attempt's request, ready for the wire.
    @inline(never)
    private static func request(for call: Call) throws -> UpstreamRequest {
        guard let target = call.target else {
            throw GatewayError(.internalFailure, "The call has no target.")
        }
        let body = try UpstreamBody(call, for: target)
        var timeouts = target.timeouts
        if let timeout = call.timeout, timeout < timeouts.total { timeouts.total = timeout }
        var bytes = call.transport.takeBuffer()
        let length = body.length
        // All the room at once: if the buffer moved later on, a key would stay behind in memory that nobody wipes.
        let lines = call.headBytes.readableBytes + (target.provider.auth == .aws ? 16 << 10 : 2 << 10)
        bytes.reserveCapacity(minimumWritableBytes: lines + (length <= Self.copiedBodyMax ? length : 0))
        try UpstreamHead.write(call, target, body: body, into: &bytes)
        var rest: [ByteBuffer] = []
        if length <= Self.copiedBodyMax {
            body.write(into: &bytes)
        } else {
            rest = body.pieces
        }
        var request = UpstreamRequest(
            endpoint: target.provider.endpoint,
            bytes: bytes,
            timeouts: timeouts,
            deadline: call.exchange.arrival + timeouts.total
        )
        request.rest = rest
        // A client that leaves while the provider is being dialled pays for nothing.
        if let drain = call.drain { request.isWanted = { !drain.hasLeft } }
        return request
    }

    /// Checks a whole answer and pushes it on.
    @inline(never)
    private func answer(
        _ body: ByteBuffer,
        _ upstream: any UpstreamExchange,
        _ call: Call,
        _ reply: any ReplySink
    ) throws {
        if call.seat != nil { call.noteAnswerBegins(now: self.instruments.monotonicClock()) }
        // Before the client has it: whoever got an answer is in the journal, even if the gateway dies now.
        call.settle(.whole, self.instruments)
        var fields = call.transport.takeBuffer()
        AnswerFields.write(call, upstream, into: &fields)
        try reply.whole(WholeReply(status: upstream.head.status, fields: fields, body: body))
        call.transport.giveBuffer(&fields)
    }

    /// Looks through an answer, and puts it into the client's dialect where that is another.
    ///
    /// - Returns: Nil if another request has to go out first.
    private static func read(_ body: ByteBuffer, of call: Call) throws -> ByteBuffer? {
        // A stream was asked for, and what came is a whole answer, which no client waits for.
        if call.isStream { throw ProviderFault.unreadable }
        if let translation = call.translation { return try translation.answer(body, of: call) }
        if call.operation == .chat, call.format != .openAIChat {
            try call.read(body, as: call.format)
            return body
        }
        let body = call.target.flatMap { AnswerEdits.mended(body, of: $0.provider.family) } ?? body
        guard let scan = try? AnswerScan(body, inChoices: false) else { throw ProviderFault.unreadable }
        if scan.hasError { throw ProviderFault(inSuccess: body) }
        if let usage = scan.usage { call.usage = usage }
        if call.isToBeCounted(body) { call.output.add(body) }
        return body
    }

    /// What an answer with a failure status means.
    @inline(never)
    func fault(_ upstream: any UpstreamExchange, _ call: Call) async throws -> ProviderFault {
        let head = upstream.head
        let wait = AnswerFields.retryAfter(upstream, now: self.instruments.wallClock())
        var body = ByteBuffer()
        if !head.contains(.contentEncoding) {
            do {
                body = try await Self.readAll(upstream, call, limit: Self.errorBytesMax)
            } catch is TransportError {
                // The status is known and says enough; what is missing of the body was words.
            }
        }
        let isAmazon = call.target?.provider.family.kind == .bedrock
        let fault = ProviderFault(
            status: head.status,
            body: body,
            retryAfter: wait,
            exception: isAmazon ? AnswerFields.exception(upstream) : nil
        )
        if case .rateLimited(let wait, _) = fault { call.coolProvider(for: wait, self.instruments) }
        return fault
    }

    static func readAll(_ upstream: any UpstreamExchange, _ call: Call, limit: Int) async throws -> ByteBuffer {
        if case .length(let count) = upstream.head.framing, count > limit {
            throw TransportError.bodyTooLarge(limit: limit)
        }
        guard var body = try await upstream.read() else { return ByteBuffer() }
        try call.drain?.take(body.readableBytes)
        while var more = try await upstream.read() {
            try call.drain?.take(more.readableBytes)
            guard body.readableBytes + more.readableBytes <= limit else {
                throw TransportError.bodyTooLarge(limit: limit)
            }
            body.writeBuffer(&more)
        }
        return body
    }

    /// The error in the gateway's words; what it is not the provider's doing passes as it is.
    @inline(never)
    func understand(_ error: any Error, _ call: Call) -> any Error {
        guard let provider = call.target?.provider else { return error }
        switch error {
        case let error as TransportError:
            if error.didSend { call.mayHaveWorked = true }
            self.note(error, call, provider)
            return GatewayError(error, provider: provider)
        case let error as CredentialUnreadable:
            self.instruments.logger.error(
                "A stored credential cannot be read",
                metadata: [
                    LogKeys.requestID: "\(call.id.text)", LogKeys.provider: "\(provider.name)",
                    LogKeys.credentialID: "\(error.id)", LogKeys.errorReason: "\(error.cause.map { "\($0)" } ?? "")",
                ]
            )
            return GatewayError(error, provider: provider)
        case let fault as RequestFault:
            // Its client sent too much, too slowly, or broke off.
            return GatewayError(fault)
        case let fault as ProviderFault:
            if !fault.isRefusal { call.mayHaveWorked = true }
            self.note(fault, call, provider)
            if case .credentialRejected = fault { self.noteRejection(call, provider) }
            return GatewayError(
                fault,
                provider: provider,
                credential: call.credential,
                model: call.model,
                nearest: { call.snapshot.catalog.nearestModel(to: call.model) }
            )
        default:
            return error
        }
    }

    func noteSuccess(_ call: Call) {
        call.mayHaveWorked = true
        guard let credential = call.credential else { return }
        self.instruments.credentials.noteSuccess(credential, at: call.time)
    }

    private func noteRejection(_ call: Call, _ provider: Provider) {
        guard let credential = call.credential else { return }
        guard self.instruments.credentials.noteRejection(credential, at: call.time) else { return }
        if let group = call.principal?.group {
            let refusal = HealthBook.Refusal(group: group, provider: provider.name, credentialID: credential.id)
            self.instruments.health?.noteRefusal(refusal)
        }
        self.instruments.logger.warning(
            "A provider refused a credential",
            metadata: [
                LogKeys.requestID: "\(call.id.text)", LogKeys.provider: "\(provider.name)",
                LogKeys.credentialID: "\(credential.id)",
            ]
        )
    }

    /// Both kinds of errors describe themselves in our own words.
    private func note(_ error: any Error, _ call: Call, _ provider: Provider) {
        guard !call.isHurried else { return }
        self.instruments.logger.debug(
            "An attempt at a provider failed",
            metadata: [
                LogKeys.requestID: "\(call.id.text)", LogKeys.provider: "\(provider.name)",
                LogKeys.attempt: "\(call.attempts)", LogKeys.errorReason: "\(error)",
            ]
        )
    }
}
