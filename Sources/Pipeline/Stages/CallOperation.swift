internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// Calls the provider for what is no conversation: pictures, sound, transcripts, moderations, reranking.
///
/// Requests go on as they came, but for the model's name; so do answers, whole, in events or in bytes.
struct CallOperation: Detour {
    private let conversation: CallProvider
    private let instruments: Instruments

    init(instruments: Instruments) {
        self.instruments = instruments
        self.conversation = CallProvider(instruments: instruments)
    }

    func concerns(_ call: Call) -> Bool { call.operation.isApart }

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
            if kind != .failure { self.conversation.noteSuccess(call) }
            switch kind {
            case .failure: throw try await self.conversation.fault(upstream, call)
            case .events: try await EventRelay(call: call, instruments: self.instruments).run(upstream, reply)
            case .bytes: try await self.byteRelay(upstream, call).run(upstream, reply)
            case .whole:
                let limit = call.snapshot.limits.answerBytesMax
                try self.answer(try await CallProvider.readAll(upstream, call, limit: limit), upstream, call, reply)
            }
            if !reply.hasCredit { try await reply.awaitCredit() }
        } catch {
            throw self.conversation.understand(error, call)
        }
    }

    // MARK: - The request

    private static func open(_ call: Call) async throws -> any UpstreamExchange {
        guard call.upload != nil else { return try await CallProvider.open(call) }
        var request = try self.request(for: call)
        defer {
            request.bytes.wipe(call.keyRange)
            call.transport.giveBuffer(&request.bytes)
        }
        return try await call.transport.open(request)
    }

    private static func request(for call: Call) throws -> UpstreamRequest {
        guard let target = call.target, let upload = call.upload else {
            throw GatewayError(.internalFailure, "The call has no target.")
        }
        guard upload.prepare(model: target.model) else {
            throw GatewayError(.internalFailure, "The upload was sent, and cannot be sent again.")
        }
        var timeouts = target.timeouts
        if let timeout = call.timeout, timeout < timeouts.total { timeouts.total = timeout }
        var bytes = call.transport.takeBuffer()
        try UpstreamHead.writeForm(call, target, length: upload.length, into: &bytes)
        var request = UpstreamRequest(
            endpoint: target.provider.endpoint,
            bytes: bytes,
            timeouts: timeouts,
            deadline: call.exchange.arrival + timeouts.total
        )
        request.upload = upload
        if let drain = call.drain { request.isWanted = { !drain.hasLeft } }
        return request
    }

    // MARK: - The answer

    private enum Kind { case whole, events, bytes, failure }

    private static func kind(of upstream: any UpstreamExchange, _ call: Call) throws -> Kind {
        let head = upstream.head
        guard (200..<300).contains(head.status) else { return .failure }
        if let field = head.first(.contentEncoding), !upstream.headBytes.hasWord("identity", in: field.value) {
            throw ProviderFault.encoded
        }
        guard let type = head.first(.contentType)?.value else {
            return call.operation.mayAnswerBytes ? .bytes : .whole
        }
        if upstream.headBytes.hasPrefix("text/event-stream", in: type) { return .events }
        if upstream.headBytes.isJSONType(in: type) { return .whole }
        // A page of HTML is no sound and no transcript: somebody on the way has answered.
        guard call.operation.mayAnswerBytes, !upstream.headBytes.hasPrefix("text/html", in: type) else {
            throw ProviderFault.unreadable
        }
        return .bytes
    }

    private func answer(
        _ body: ByteBuffer,
        _ upstream: any UpstreamExchange,
        _ call: Call,
        _ reply: any ReplySink
    ) throws {
        let body = try Self.read(body, of: call)
        if call.seat != nil { call.noteAnswerBegins(now: self.instruments.monotonicClock()) }
        // Before the client has it: whoever got an answer is in the journal, even if the gateway dies now.
        call.settle(.whole, self.instruments)
        var fields = call.transport.takeBuffer()
        AnswerFields.write(call, upstream, into: &fields)
        try reply.whole(WholeReply(status: upstream.head.status, fields: fields, body: body))
        call.transport.giveBuffer(&fields)
    }

    /// Looks through an answer, and puts it into the client's words where it has others.
    private static func read(_ body: ByteBuffer, of call: Call) throws -> ByteBuffer {
        if let translation = call.translation {
            guard let answer = try translation.answer(body, of: call) else { throw ProviderFault.unreadable }
            return answer
        }
        guard let scan = try? UsageScan(body) else { throw ProviderFault.unreadable }
        if scan.hasError { throw ProviderFault(inSuccess: body) }
        if let usage = scan.usage { call.usage = usage }
        if call.operation.makesImages { call.usage.images = scan.dataCount }
        return body
    }

    private func byteRelay(_ upstream: any UpstreamExchange, _ call: Call) -> ByteRelay {
        var fields = ByteBuffer()
        AnswerFields.write(call, upstream, isSettled: false, into: &fields)
        if let type = upstream.head.first(.contentType) {
            upstream.headBytes.withUnsafeReadableBytes { raw in
                try? fields.writeField("content-type", raw[type.value])
            }
        } else {
            fields.writeField("content-type", "application/octet-stream")
        }
        // Bytes are never to be taken for a page.
        fields.writeStaticString("x-content-type-options: nosniff\r\n")
        var length: Int?
        if case .length(let count) = upstream.head.framing { length = count }
        let head = ByteHead(status: upstream.head.status, length: length, fields: fields)
        return ByteRelay(call: call, instruments: self.instruments, head: head, mayBeEmpty: false)
    }
}
