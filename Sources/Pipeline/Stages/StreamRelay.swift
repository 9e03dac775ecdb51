internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// Reads a provider's stream and pushes its events on, each as soon as it is complete.
///
/// Every chunk is checked and looked at once: for an error, for usage, and until the first content for content. What
/// the client did not ask for, because the gateway did, is taken out again.
final class StreamRelay {
    /// How long the end of the body is waited for after the last event, so that the connection can be used again.
    private static let endMax = TimeAmount.seconds(1)

    let call: Call
    let instruments: Instruments
    private var events: ProviderEvents
    /// For a chunk that something was taken out of; reused from chunk to chunk.
    private var scratch = ByteBuffer()
    /// What reads and writes the events; nil where OpenAI's chat goes on as it came.
    let codec: StreamCodec?
    /// Whether usage was asked for in the client's name, and must be taken out again.
    private let hidesUsage: Bool
    private var isFinished = false
    var isDone = false

    /// - Throws: If the stream cannot be put into the client's dialect.
    init(call: Call, instruments: Instruments) throws {
        self.call = call
        self.instruments = instruments
        self.codec = try StreamCodec(call)
        self.events = ProviderEvents(of: call.target?.provider.family, hasCodec: self.codec != nil)
        self.hidesUsage = call.edits?.addsUsage ?? false
    }

    /// Relays the whole stream.
    ///
    /// - Throws: `ProviderFault` or `TransportError` if it breaks off, cannot be read or carries an error.
    func run(_ upstream: any UpstreamExchange, _ reply: any ReplySink) async throws {
        try self.begin(upstream, reply)
        while try self.advance(upstream, reply) {
            if reply.hasCredit { try await upstream.wait() } else { try await reply.awaitCredit() }
        }
        if try self.end(upstream, reply) { await self.readEnd(upstream) }
    }

    @inline(never)
    private func begin(_ upstream: any UpstreamExchange, _ reply: any ReplySink) throws {
        var fields = self.call.transport.takeBuffer()
        AnswerFields.write(self.call, upstream, into: &fields)
        try reply.begin(StreamHead(fields: fields))
    }

    /// Passes on what has come.
    ///
    /// - Returns: Whether more may come; false at the end of the stream.
    @inline(never)
    private func advance(_ upstream: any UpstreamExchange, _ reply: any ReplySink) throws -> Bool {
        while !self.isDone {
            switch try upstream.poll() {
            case .later: return true
            case .end: return false
            case .bytes(let bytes):
                try self.call.drain?.take(bytes.readableBytes)
                self.events.feed(bytes)
                while !self.isDone, let event = try self.events.next() {
                    try self.pass(event, upstream, reply)
                }
                try reply.flush()
                try self.call.checkpoint(self.instruments)
                if !reply.hasCredit { return !self.isDone }
            }
        }
        return false
    }

    /// Ends the answer.
    ///
    /// - Returns: Whether the connection may be good for another call once the end of the body has come.
    @inline(never)
    private func end(_ upstream: any UpstreamExchange, _ reply: any ReplySink) throws -> Bool {
        let mayGoOn = self.isDone
        if let codec = self.codec {
            try self.passUnfinished(upstream, reply)
            if !self.isDone { try self.finish(codec, upstream, reply) }
        } else if !self.isDone {
            try self.passUnfinishedDone(upstream, reply)
        }
        // Some providers never send [DONE]; then only a finished choice shows that the answer is whole.
        guard self.isDone || self.isFinished else { throw TransportError.closedInBody }
        self.call.settle(.whole, self.instruments)
        try reply.end()
        return mayGoOn
    }

    /// Takes a last event without its end for what it says; half of one shows that the stream was cut.
    private func passUnfinished(_ upstream: any UpstreamExchange, _ reply: any ReplySink) throws {
        guard !self.isDone, let event = try self.events.last() else { return }
        try self.pass(event, upstream, reply)
    }

    /// Takes a last `[DONE]` for what it says although the blank line behind it is missing.
    ///
    /// Any other event without its end does not count, as WHATWG HTML §9.2.6 has it, whatever it is.
    private func passUnfinishedDone(_ upstream: any UpstreamExchange, _ reply: any ReplySink) throws {
        guard let event = try? self.events.last(), Self.isDone(event) else { return }
        try self.pass(event, upstream, reply)
    }

    private static func isDone(_ event: ServerSentEvent) -> Bool {
        event.data.readableBytes >= 6 && event.data.hasPrefix("[done]", in: 0..<6)
    }

    private func pass(
        _ event: ServerSentEvent,
        _ upstream: any UpstreamExchange,
        _ reply: any ReplySink
    ) throws {
        if let codec = self.codec { return try self.pass(event, by: codec, upstream, reply) }
        let data = event.data
        if Self.isDone(event) {
            self.isDone = true
            // Before the client knows that it has everything: from here on nothing is billed as cut off.
            self.call.settle(.whole, self.instruments)
            try reply.event(ServerSentEvent(data: data), isContent: false)
            return
        }
        // An event without data says nothing to an OpenAI client.
        guard data.readableBytes > 0 else { return }
        let isEarly = self.call.firstContent == nil
        let scan: AnswerScan
        do throws(JSONError) {
            scan = try AnswerScan(data, inChoices: isEarly)
        } catch {
            throw ProviderFault.unreadable
        }
        if scan.hasError { throw ProviderFault(inSuccess: data) }
        if let usage = scan.usage { self.call.usage = usage }
        if !self.isFinished { self.isFinished = AnswerScan.saysFinished(data) }
        if isEarly, scan.hasContent || scan.isFinished { self.noteFirstContent(upstream) }
        self.call.output.add(data)
        guard self.hidesUsage, let cut = scan.usageCut else {
            try reply.event(ServerSentEvent(data: data), isContent: self.call.firstContent != nil)
            return
        }
        // The chunk that is there for usage alone goes; in the others only the member goes.
        guard scan.usage == nil || scan.hasChoices else { return }
        data.withUnsafeReadableBytes { bytes in
            self.scratch.clear()
            self.scratch.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<cut.lowerBound]))
            self.scratch.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[cut.upperBound...]))
        }
        try reply.event(ServerSentEvent(data: self.scratch), isContent: self.call.firstContent != nil)
    }

    /// From here on the answer has begun: the total limit gives way to the one for streams.
    func noteFirstContent(_ upstream: any UpstreamExchange) {
        let now = self.instruments.monotonicClock()
        self.call.firstContent = now
        self.call.noteAnswerBegins(now: now)
        self.call.noteTargetWorks(now: now)
        // No other target can answer any more, so the request is not needed again.
        self.call.releaseBody()
        guard let limit = self.call.target?.timeouts.streamMax else { return }
        upstream.setDeadline(now + limit, limit: limit, clock: .streamMax)
    }

    /// Takes in the end of a body after its last event.
    ///
    /// The client has its answer already, so nothing is thrown.
    private func readEnd(_ upstream: any UpstreamExchange) async {
        upstream.setDeadline(self.instruments.monotonicClock() + Self.endMax, limit: Self.endMax, clock: .idle)
        do {
            while try await upstream.read() != nil {}
        } catch {
            upstream.abandon()
        }
    }
}
