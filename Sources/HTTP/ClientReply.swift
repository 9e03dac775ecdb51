internal import Chat
internal import Core
internal import NIOCore
internal import Pipeline
internal import Providers
internal import Transport
internal import Wire

/// The end of the road: puts an answer onto the client's connection.
///
/// Holds a stream's head and its lifecycle events until the first content, so that until then another target or a real
/// status is still possible. Confined to its loop.
final class ClientReply: ReplySink {
    private enum State {
        /// Nothing was sent. Next: `open`, `bytes`, `over`.
        case waiting
        /// The head of a stream is out. Next: `over`.
        case open
        /// The head of an answer in bytes is out. Next: `broken`, `over`.
        case bytes
        /// Bytes can say nothing of a failure: the connection breaks off, so that they do not pass for whole.
        case broken
        /// The answer is complete, or is an error.
        case over
    }

    private let call: Call
    private let exchange: any ServerExchange
    private var state = State.waiting
    private(set) var hasContent = false
    /// The fields of the stream that is being held.
    private var fields = ByteBuffer()
    private var held: [ServerSentEvent] = []
    private var heldBytes = 0
    /// Events that were sent, where they have numbers.
    private var events = 0

    init(_ call: Call) {
        self.call = call
        self.exchange = call.exchange
    }

    func expectStream() {
        self.exchange.onSilence(self.call.snapshot.limits.heartbeat) { self.beat() }
    }

    func whole(_ answer: WholeReply) throws {
        guard self.state == .waiting else {
            throw GatewayError(.internalFailure, "A whole answer came after a stream had begun.")
        }
        self.state = .over
        self.hasContent = true
        self.call.status = answer.status
        var fields = self.call.transport.takeBuffer()
        self.writeCommon(into: &fields)
        fields.writeField("content-type", answer.contentType)
        fields.writeImmutableBuffer(answer.fields)
        self.exchange.begin(status: answer.status, fields: fields, body: .length(answer.body.readableBytes))
        self.call.transport.giveBuffer(&fields)
        self.exchange.write(answer.body)
        self.exchange.finishNow()
    }

    func begin(_ head: StreamHead) throws {
        self.fields = head.fields
        self.held.removeAll()
        self.heldBytes = 0
    }

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        if !self.hasContent {
            guard isContent else { return self.hold(event) }
            self.release()
        }
        self.write(event)
    }

    func begin(_ head: ByteHead) throws {
        guard self.state == .waiting else {
            throw GatewayError(.internalFailure, "An answer in bytes came after a stream had begun.")
        }
        self.state = .bytes
        self.hasContent = true
        self.exchange.onSilence(.zero, nil)
        self.call.status = head.status
        var fields = self.call.transport.takeBuffer()
        self.writeCommon(into: &fields)
        fields.writeImmutableBuffer(head.fields)
        let hasNoBody = head.status == 204 || head.status == 304
        self.exchange.begin(
            status: head.status,
            fields: fields,
            body: hasNoBody ? .none : head.length.map { .length($0) } ?? .stream
        )
        self.call.transport.giveBuffer(&fields)
    }

    func bytes(_ bytes: ByteBuffer) { self.exchange.write(bytes) }

    func flush() {
        if self.state == .open || self.state == .bytes { self.exchange.flushNow() }
    }

    func end() {
        guard self.state != .broken else { return }
        if !self.hasContent { self.release() }
        self.state = .over
        self.exchange.finishNow()
    }

    func fail(_ error: GatewayError) {
        if self.state == .bytes || self.state == .broken { return self.state = .broken }
        self.tell(error)
        self.exchange.finishNow()
    }

    var hasCredit: Bool { self.state == .waiting || self.exchange.hasCredit }

    func awaitCredit() async throws { try await self.exchange.awaitCredit() }

    /// Says that the server goes down, at once and without waiting; the answer is over with it.
    func hurry() {
        self.call.hurry()
        if self.state == .bytes { return self.state = .broken }
        self.tell(GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1)))
        self.exchange.flushNow()
    }

    // MARK: - Holding back

    /// Keeps a lifecycle event for later.
    ///
    /// Where there are too many, the stream is let through as it is.
    private func hold(_ event: ServerSentEvent) {
        self.held.append(event)
        self.heldBytes += event.data.readableBytes
        if self.heldBytes > self.call.snapshot.limits.heldBytesMax { self.release() }
    }

    /// Sends the head, unless a heartbeat has, and what was held.
    ///
    /// From here on the answer is this one.
    private func release() {
        self.hasContent = true
        if self.state == .waiting {
            self.open(saying: self.fields)
        }
        self.call.transport.giveBuffer(&self.fields)
        for event in self.held { self.write(event) }
        self.held.removeAll()
    }

    /// Sends an event, with its number where the client may come back for the rest.
    private func write(_ event: ServerSentEvent) {
        guard let before = self.call.eventsBefore else {
            return self.exchange.write { FrontEnd.write(event, into: &$0) }
        }
        self.events += 1
        let number = UInt64(before + self.events)
        self.exchange.write { FrontEnd.write(event, id: number, into: &$0) }
    }

    private func open(saying served: ByteBuffer) {
        self.state = .open
        self.call.status = 200
        var fields = self.call.transport.takeBuffer()
        self.writeCommon(into: &fields)
        FrontEnd.writeStreamFields(into: &fields)
        fields.writeImmutableBuffer(served)
        self.exchange.begin(status: 200, fields: fields, body: .stream)
        self.call.transport.giveBuffer(&fields)
    }

    /// Fills a silence.
    ///
    /// The first one commits the status, and cannot say who will serve.
    private func beat() {
        guard self.state != .over else { return }
        if self.state == .waiting { self.open(saying: ByteBuffer()) }
        let format = self.call.format
        self.exchange.write { FrontEnd.writeHeartbeat(format, into: &$0) }
        self.exchange.flushNow()
    }

    /// Puts an error where it belongs: into the status and the body, or behind what was sent.
    private func tell(_ error: GatewayError) {
        defer { self.state = .over }
        switch self.state {
        case .over, .bytes, .broken:
            // A whole answer that could not be sent to its end has nobody left to be told.
            return
        case .open:
            let (id, format) = (self.call.id, self.call.format)
            self.exchange.write { FrontEnd.writeError(error, format, requestID: id, into: &$0) }
        case .waiting:
            self.call.status = ErrorBodies.status(of: error, dialect: self.call.dialect)
            let body = ErrorBodies.body(of: error, dialect: self.call.dialect, requestID: self.call.id)
            var fields = ByteBuffer()
            self.writeCommon(into: &fields)
            fields.writeField("content-type", "application/json")
            if let provider = self.call.target?.provider, self.call.attempts > 0 {
                fields.writeStaticString("x-turnpike-provider: ")
                fields.writeString(provider.name)
                fields.writeCRLF()
                fields.writeField("x-turnpike-attempts", decimal: self.call.attempts)
            }
            ErrorBodies.writeFields(of: error, attempts: self.call.attempts, into: &fields)
            self.exchange.begin(status: self.call.status, fields: fields, body: .length(body.readableBytes))
            self.exchange.write(body)
        }
    }

    private func writeCommon(into fields: inout ByteBuffer) {
        fields.writeStaticString("x-request-id: ")
        self.call.id.write(into: &fields)
        fields.writeCRLF()
        if self.call.format == .anthropic {
            // The name that Anthropic's SDKs know.
            fields.writeStaticString("request-id: ")
            self.call.id.write(into: &fields)
            fields.writeCRLF()
        }
        if let standing = self.call.limits.standing { RateLimitFields.write(standing, into: &fields) }
        fields.writeImmutableBuffer(self.call.extraFields)
    }
}

@available(*, unavailable, message: "confined to its loop")
extension ClientReply: Sendable {}
