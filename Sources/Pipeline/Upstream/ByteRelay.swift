internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// Hands an answer on as the bytes that it is, each as soon as it comes.
struct ByteRelay {
    let call: Call
    let instruments: Instruments
    /// What the answer's head says to the client.
    let head: ByteHead
    /// Whether an answer of no bytes is one.
    let mayBeEmpty: Bool

    /// Relays the whole answer.
    ///
    /// - Throws: `ProviderFault` or `TransportError` if it breaks off; the client's connection has to break off then.
    func run(_ upstream: any UpstreamExchange, _ reply: any ReplySink) async throws {
        var tap = UsageTap(upstream.headBytes, type: upstream.head.first(.contentType)?.value)
        var piece = try await upstream.read()
        guard piece != nil || self.mayBeEmpty else { throw ProviderFault.unreadable }
        try self.begin(upstream, reply)
        while let bytes = piece {
            try self.call.drain?.take(bytes.readableBytes)
            tap.take(bytes)
            self.call.usage = tap.usage
            try reply.bytes(bytes)
            try reply.flush()
            try self.call.checkpoint(self.instruments)
            if !reply.hasCredit { try await reply.awaitCredit() }
            piece = try await upstream.read()
        }
        // An exchange that was abandoned looks as if it had ended.
        if self.call.isHurried {
            throw GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
        }
        tap.end()
        self.call.usage = tap.usage
        self.call.settle(.whole, self.instruments)
        try reply.end()
    }

    /// From here on the answer has begun, and nobody else can give it.
    private func begin(_ upstream: any UpstreamExchange, _ reply: any ReplySink) throws {
        let now = self.instruments.monotonicClock()
        self.call.firstContent = now
        self.call.noteAnswerBegins(now: now)
        self.call.noteTargetWorks(now: now)
        self.call.releaseBody()
        if let limit = self.call.target?.timeouts.streamMax {
            upstream.setDeadline(now + limit, limit: limit, clock: .streamMax)
        }
        try reply.begin(self.head)
    }
}
