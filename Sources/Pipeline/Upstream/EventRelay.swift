internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// Hands on the events of an answer that is no conversation: pictures as they become clear, sound, transcripts.
struct EventRelay {
    let call: Call
    let instruments: Instruments

    /// Relays the whole stream.
    ///
    /// - Throws: `ProviderFault` or `TransportError` if it breaks off, cannot be read or carries an error.
    func run(_ upstream: any UpstreamExchange, _ reply: any ReplySink) async throws {
        var reader = SSEReader()
        var isComplete = false
        try self.begin(upstream, reply)
        while let bytes = try await upstream.read() {
            try self.call.drain?.take(bytes.readableBytes)
            reader.feed(bytes)
            while let event = try Self.next(&reader) {
                if try self.pass(event, upstream, reply) { isComplete = true }
            }
            try reply.flush()
            try self.call.checkpoint(self.instruments)
            if !reply.hasCredit { try await reply.awaitCredit() }
        }
        if self.call.isHurried {
            throw GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
        }
        // Where the body ends with its connection, only the last event shows that it is whole.
        guard isComplete || (upstream.head.framing != .untilClose && reply.hasContent) else {
            throw TransportError.closedInBody
        }
        self.call.settle(.whole, self.instruments)
        try reply.end()
    }

    private func begin(_ upstream: any UpstreamExchange, _ reply: any ReplySink) throws {
        var fields = self.call.transport.takeBuffer()
        AnswerFields.write(self.call, upstream, isSettled: false, into: &fields)
        try reply.begin(StreamHead(fields: fields))
    }

    private static func next(_ reader: inout SSEReader) throws -> ServerSentEvent? {
        do throws(SSEError) { return try reader.next() } catch { throw ProviderFault.unreadable }
    }

    /// - Returns: Whether it is the last event.
    private func pass(
        _ event: ServerSentEvent,
        _ upstream: any UpstreamExchange,
        _ reply: any ReplySink
    ) throws -> Bool {
        guard event.data.readableBytes > 0 else { return false }
        if event.data.hasWord("[done]", in: 0..<event.data.readableBytes) {
            try reply.event(event, isContent: false)
            return true
        }
        let scan: UsageScan
        do throws(JSONError) { scan = try UsageScan(event.data) } catch { throw ProviderFault.unreadable }
        if scan.hasError { throw ProviderFault(inSuccess: event.data) }
        if let usage = scan.usage { self.call.usage.merge(usage) }
        if scan.isLast, self.call.operation.makesImages {
            self.call.usage.images = (self.call.usage.images ?? 0) + 1
        }
        if self.call.firstContent == nil { self.noteFirstContent(upstream) }
        try reply.event(event, isContent: true)
        return scan.isLast
    }

    private func noteFirstContent(_ upstream: any UpstreamExchange) {
        let now = self.instruments.monotonicClock()
        self.call.firstContent = now
        self.call.noteAnswerBegins(now: now)
        self.call.noteTargetWorks(now: now)
        self.call.releaseBody()
        guard let limit = self.call.target?.timeouts.streamMax else { return }
        upstream.setDeadline(now + limit, limit: limit, clock: .streamMax)
    }
}
