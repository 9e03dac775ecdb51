internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Resilience
internal import Transport
internal import Wire

/// Sends a request of `/p/{provider}/…` to its provider as it is, with the group's own credential, and hands the
/// answer back as it is.
///
/// Nothing is tried again, and no redirect is followed. What the answer says it used is counted where it can be read.
struct PassThrough: Detour {
    /// What is read of a failed answer, to take out what must not be shown.
    private static let errorBytesMax = 256 << 10

    private let conversation: CallProvider
    private let instruments: Instruments

    init(instruments: Instruments) {
        self.instruments = instruments
        self.conversation = CallProvider(instruments: instruments)
    }

    func concerns(_ call: Call) -> Bool { call.operation == .passThrough }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        do {
            let upstream = try await Self.open(call)
            call.upstream = upstream
            call.upstreamStatus = upstream.head.status
            call.noteProviderLimits(upstream, self.instruments)
            defer {
                call.upstream = nil
                upstream.abandon()
            }
            let status = upstream.head.status
            if let field = upstream.head.first(.contentEncoding),
                !upstream.headBytes.hasWord("identity", in: field.value)
            {
                throw ProviderFault.encoded
            }
            switch status {
            case 200..<300:
                self.conversation.noteSuccess(call)
                let head = Self.head(call, upstream, length: Self.length(upstream))
                try await ByteRelay(call: call, instruments: self.instruments, head: head, mayBeEmpty: true)
                    .run(upstream, reply)
            case 300..<400, 401, 403, 407:
                // Where a redirect leads, and what is said of a key, is for the gateway alone.
                throw try await self.conversation.fault(upstream, call)
            default:
                try await self.refuse(upstream, call, reply)
            }
            if !reply.hasCredit { try await reply.awaitCredit() }
        } catch {
            throw self.conversation.understand(error, call)
        }
    }

    // MARK: - The request

    private static func open(_ call: Call) async throws -> any UpstreamExchange {
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
        guard upload.rewind() else {
            throw GatewayError(.internalFailure, "The body was sent, and cannot be sent again.")
        }
        if target.provider.auth == .aws, upload.length != 0, !upload.isWhole {
            throw GatewayError(
                .invalidRequest,
                "What is signed has to be known: send at most 1 MiB of JSON to '\(target.provider.name)'."
            )
        }
        var timeouts = target.timeouts
        if let timeout = call.timeout, timeout < timeouts.total { timeouts.total = timeout }
        var bytes = call.transport.takeBuffer()
        try UpstreamHead.writePassThrough(call, target, into: &bytes)
        var request = UpstreamRequest(
            endpoint: target.provider.endpoint,
            bytes: bytes,
            timeouts: timeouts,
            deadline: call.exchange.arrival + timeouts.total
        )
        // Without a body the head ends the request, and there is nothing to send behind it.
        if upload.length != 0 { request.upload = upload }
        return request
    }

    // MARK: - The answer

    private static func length(_ upstream: any UpstreamExchange) -> Int? {
        switch upstream.head.framing {
        case .none: 0
        case .length(let count): count
        case .chunked, .untilClose: nil
        }
    }

    private static func head(_ call: Call, _ upstream: any UpstreamExchange, length: Int?) -> ByteHead {
        var fields = ByteBuffer()
        let head = upstream.head
        if let name = call.target?.provider.name {
            fields.writeStaticString("x-turnpike-provider: ")
            fields.writeString(name)
            fields.writeCRLF()
        }
        fields.writeField("x-turnpike-attempts", decimal: call.attempts)
        upstream.headBytes.withUnsafeReadableBytes { raw in
            for field in head.fields where !head.isHopByHop(field, in: raw) {
                if field.name == .xRequestID {
                    try? fields.writeField("x-turnpike-upstream-request-id", raw[field.value])
                } else if Self.passes(field, raw) {
                    fields.writeBytes(UnsafeRawBufferPointer(rebasing: raw[field.line]))
                }
            }
        }
        return ByteHead(status: head.status, length: length, fields: fields)
    }

    /// Whether a field of the provider's is the client's business, and not the way's between us and the provider.
    private static func passes(_ field: HTTPField, _ raw: UnsafeRawBufferPointer) -> Bool {
        switch field.name {
        case .setCookie, .contentLength, .contentEncoding, .date, .server, .location, .wwwAuthenticate, .host, .expect,
            .turnpikeTimeoutMS, .turnpikeCache, .turnpikeMetadata, .turnpikeSession, .turnpikeStrict:
            return false
        case .other:
            let name = String(decoding: raw[field.nameRange], as: UTF8.self).lowercased()
            let prefixes = [
                "x-turnpike-", "access-control-", "strict-transport", "alt-svc", "set-cookie", "nel", "report-to",
            ]
            return !prefixes.contains { name.hasPrefix($0) }
        default:
            return true
        }
    }

    /// Hands on a provider's refusal or failure, in its own words but without anything that looks like a key.
    private func refuse(_ upstream: any UpstreamExchange, _ call: Call, _ reply: any ReplySink) async throws {
        let status = upstream.head.status
        let body = try await CallProvider.readAll(upstream, call, limit: Self.errorBytesMax)
        let text = String(buffer: body)
        let shown = ByteBuffer(string: call.credential?.scrub(text) ?? text)
        self.note(status, upstream, call)
        try reply.begin(Self.head(call, upstream, length: shown.readableBytes))
        try reply.bytes(shown)
        try reply.end()
    }

    /// What a failure says of the provider, and of what the call cost: nothing was made of it.
    private func note(_ status: Int, _ upstream: any UpstreamExchange, _ call: Call) {
        let now = self.instruments.monotonicClock()
        if status == 429 || status == 503 {
            call.coolProvider(
                for: AnswerFields.retryAfter(upstream, now: self.instruments.wallClock()),
                self.instruments
            )
        }
        call.settle(status >= 500 ? .providerFailed : .refused, code: "upstream_\(status)", self.instruments)
        call.returnPermit(status >= 500 ? .failure : .refusal, now: now)
    }
}
