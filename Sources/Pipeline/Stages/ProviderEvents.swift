internal import Chat
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// Takes a provider's stream apart into its events, in whatever way that provider sends them.
struct ProviderEvents {
    private var reader = SSEReader()
    /// In place of `reader` where the stream comes in Amazon's frames.
    private var frames: EventStreamReader?
    /// Whether events may be what no client of their dialect can read.
    private let mends: Bool

    /// - Parameter hasCodec: Whether a codec reads the events, which takes those of relatives as they come.
    init(of family: Family?, hasCodec: Bool) {
        self.mends = !hasCodec && family?.quirks.answersInLists ?? false
        if family?.kind == .bedrock { self.frames = EventStreamReader() }
    }

    mutating func feed(_ bytes: ByteBuffer) {
        if self.frames == nil { self.reader.feed(bytes) } else { self.frames?.feed(bytes) }
    }

    /// The next event that is complete; nil until more is fed.
    ///
    /// - Throws: `ProviderFault` if there is an error in its place, or something that is no event.
    mutating func next() throws -> ServerSentEvent? {
        do {
            guard self.frames == nil else { return try self.nextFrame() }
            guard let event = try self.reader.next() else { return nil }
            return self.mends ? try Self.mended(event) : event
        } catch let error where error is SSEError || error is EventStreamError {
            throw ProviderFault.unreadable
        }
    }

    /// Takes the end of the body: hands out a last event that lacks nothing but the blank line behind it.
    ///
    /// - Throws: `TransportError.closedInBody` if half of one is left, which shows that the stream was cut; otherwise
    ///   like `next`.
    mutating func last() throws -> ServerSentEvent? {
        if self.frames != nil {
            guard self.frames?.finish() == false else { throw TransportError.closedInBody }
            return nil
        }
        var rest = self.reader
        guard rest.finish() else { return nil }
        self.reader.feed(ByteBuffer(string: "\n\n"))
        // `data` alone is a line without a value, and the beginning of one that has some.
        guard let event = try self.next(), event.data.readableBytes > 0 else { throw TransportError.closedInBody }
        return event
    }

    private mutating func nextFrame() throws -> ServerSentEvent? {
        guard let message = try self.frames?.next() else { return nil }
        if message.kind == .event { return ServerSentEvent(data: message.payload, type: message.type) }
        let exception = String(buffer: message.type)
        throw ProviderFault(status: nil, body: message.payload, retryAfter: nil, exception: exception)
    }

    private static func mended(_ event: ServerSentEvent) throws -> ServerSentEvent {
        var event = event
        if let data = AnswerEdits.mended(event.data) { event.data = data }
        if AnswerEdits.saysError(event.data) { throw ProviderFault(inSuccess: event.data) }
        return event
    }
}
