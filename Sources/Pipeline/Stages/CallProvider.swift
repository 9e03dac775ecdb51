internal import Chat
internal import Core
internal import Logging
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Transport
internal import Wire

/// Sends the request to the target's provider and pushes what comes back, event by event or whole.
struct CallProvider: Stage {
    /// Bodies up to this size are copied behind the head, so that a request leaves in one write.
    private static let copiedBodyMax = 64 << 10
    /// What is read of a failed answer; the rest of a longer one is not worth the wait.
    private static let errorBytesMax = 256 << 10

    let instruments: Instruments

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        guard let target = call.target, let index = call.index else {
            throw GatewayError(.internalFailure, "The call has no target.")
        }
        let edits = RequestEdits(
            body: call.body,
            index: index,
            operation: call.operation,
            model: target.modelJSON,
            quirks: target.provider.family.quirks
        )
        do {
            let upstream = try await self.open(call, target, edits)
            call.upstream = upstream
            defer {
                call.upstream = nil
                upstream.abandon()
            }
            try await self.relay(upstream, call, target, edits, reply)
        } catch let error as TransportError {
            self.note(error, call, target)
            throw GatewayError(error, provider: target.provider)
        } catch let fault as ProviderFault {
            self.note(fault, call, target)
            throw GatewayError(
                fault,
                provider: target.provider,
                credential: call.credential,
                model: call.model,
                nearest: { call.snapshot.catalog.nearestModel(to: call.model) }
            )
        }
    }

    private func open(_ call: Call, _ target: CallTarget, _ edits: RequestEdits) async throws -> any UpstreamExchange {
        let transport = call.transport
        var timeouts = target.timeouts
        if let timeout = call.timeout, timeout < timeouts.total { timeouts.total = timeout }
        var bytes = transport.takeBuffer()
        let length = edits.length(of: call.body)
        Self.writeHead(call, target, length: length, into: &bytes)
        var rest: [ByteBuffer] = []
        if length <= Self.copiedBodyMax {
            edits.write(call.body, into: &bytes)
        } else {
            rest = edits.pieces(of: call.body)
        }
        var request = UpstreamRequest(
            endpoint: target.provider.endpoint,
            bytes: bytes,
            timeouts: timeouts,
            deadline: call.exchange.arrival + timeouts.total
        )
        request.rest = rest
        bytes = ByteBuffer()
        let upstream = try await transport.open(request)
        transport.giveBuffer(&request.bytes)
        return upstream
    }

    /// The request's head: what is rendered for the provider, the group's key, and the few fields that may pass
    /// (row 15).
    private static func writeHead(_ call: Call, _ target: CallTarget, length: Int, into bytes: inout ByteBuffer) {
        target.provider.writeHead(call.operation, model: target.model, into: &bytes)
        call.credential?.writeLine(into: &bytes)
        var hasTrace = false
        if call.head.contains(.traceparent) || call.head.contains(.openAIBeta) {
            call.headBytes.withUnsafeReadableBytes { raw in
                for field in call.head.fields {
                    switch field.name {
                    case .traceparent, .tracestate, .openAIBeta:
                        guard !call.head.isHopByHop(field, in: raw) else { continue }
                        if field.name == .traceparent { hasTrace = true }
                        bytes.writeBytes(UnsafeRawBufferPointer(rebasing: raw[field.line]))
                    default:
                        continue
                    }
                }
            }
        }
        if !hasTrace { Self.writeTrace(call, into: &bytes) }
        bytes.writeField("content-length", decimal: length)
        bytes.writeCRLF()
    }

    /// A `traceparent` of our own (W3C Trace Context), not sampled, so that a provider's log can be joined with ours.
    private static func writeTrace(_ call: Call, into bytes: inout ByteBuffer) {
        bytes.writeStaticString("traceparent: 00-")
        bytes.writeFixedHex(call.chance.high | 1)
        bytes.writeFixedHex(call.chance.low)
        bytes.writeStaticString("-")
        bytes.writeFixedHex((call.chance.low ^ UInt64(truncatingIfNeeded: call.attempts)) | 1)
        bytes.writeStaticString("-00\r\n")
    }

    private func relay(
        _ upstream: any UpstreamExchange,
        _ call: Call,
        _ target: CallTarget,
        _ edits: RequestEdits,
        _ reply: any ReplySink
    ) async throws {
        let head = upstream.head
        guard (200..<300).contains(head.status) else { throw try await self.fault(upstream, call) }
        if let field = head.first(.contentEncoding), !upstream.headBytes.hasWord("identity", in: field.value) {
            throw ProviderFault.encoded
        }
        let type = head.first(.contentType)?.value
        let isEvents = type.map { upstream.headBytes.hasPrefix("text/event-stream", in: $0) } ?? false
        if call.isStream, isEvents {
            let relay = StreamRelay(call: call, target: target, edits: edits, now: self.instruments.monotonicClock)
            try await relay.run(upstream, reply)
            return
        }
        guard !isEvents else { throw ProviderFault.unreadable }
        let body = try await Self.readAll(upstream, limit: call.snapshot.limits.answerBytesMax)
        guard let scan = try? AnswerScan(body, inChoices: false) else { throw ProviderFault.unreadable }
        if scan.hasError { throw ProviderFault(inSuccess: body) }
        // A stream was asked for, and what came is a whole answer, which no client waits for.
        if call.isStream { throw ProviderFault.unreadable }
        if let usage = scan.usage { call.usage = usage }
        var fields = call.transport.takeBuffer()
        AnswerFields.write(call, target, edits, upstream, into: &fields)
        try await reply.whole(WholeReply(status: head.status, fields: fields, body: body))
        call.transport.giveBuffer(&fields)
    }

    /// What an answer with a failure status means.
    private func fault(_ upstream: any UpstreamExchange, _ call: Call) async throws -> ProviderFault {
        let head = upstream.head
        let wait = AnswerFields.retryAfter(upstream, now: self.instruments.wallClock())
        var body = ByteBuffer()
        if !head.contains(.contentEncoding) {
            do {
                body = try await Self.readAll(upstream, limit: Self.errorBytesMax)
            } catch is TransportError {
                // The status is known and says enough; what is missing of the body was words.
            }
        }
        return ProviderFault(status: head.status, body: body, retryAfter: wait)
    }

    private static func readAll(_ upstream: any UpstreamExchange, limit: Int) async throws -> ByteBuffer {
        if case .length(let count) = upstream.head.framing, count > limit {
            throw TransportError.bodyTooLarge(limit: limit)
        }
        guard var body = try await upstream.read() else { return ByteBuffer() }
        while var more = try await upstream.read() {
            guard body.readableBytes + more.readableBytes <= limit else {
                throw TransportError.bodyTooLarge(limit: limit)
            }
            body.writeBuffer(&more)
        }
        return body
    }

    /// Both kinds of errors describe themselves in our own words.
    private func note(_ error: any Error, _ call: Call, _ target: CallTarget) {
        guard !call.isHurried else { return }
        self.instruments.logger.debug(
            "An attempt at a provider failed",
            metadata: [
                LogKeys.requestID: "\(call.id.text)", LogKeys.provider: "\(target.provider.name)",
                LogKeys.attempt: "\(call.attempts)", LogKeys.errorReason: "\(error)",
            ]
        )
    }
}

extension ByteBuffer {
    /// Sixteen lower-case hexadecimal digits.
    mutating func writeFixedHex(_ word: UInt64) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 16) { bytes in
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index)) & 15
                bytes[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
            }
            return 16
        }
    }
}
