internal import Chat
internal import Core
internal import NIOCore
internal import Pipeline
internal import Transport
internal import Wire

/// Puts the events of an answer in a session onto a connection that follows it.
///
/// Confined to its loop.
final class SessionReply: ReplySink {
    private let exchange: any ServerExchange
    private let requestID: RequestID
    private let heartbeat: TimeAmount
    private let seq: Int
    /// Events that the client has had, here and before.
    private var events: Int
    private(set) var hasContent = false
    /// Whether the answer on this connection is over, and nothing may be added.
    private var isOver = false

    /// - Parameters:
    ///   - seq: The number of the answer's message; events are named after it.
    ///   - start: How many events the client has had before.
    init(_ exchange: any ServerExchange, _ requestID: RequestID, seq: Int, from start: Int, heartbeat: TimeAmount) {
        self.exchange = exchange
        self.requestID = requestID
        self.heartbeat = heartbeat
        self.seq = seq
        self.events = start
    }

    /// Fills silences from here on; the first heartbeat commits the status.
    func expectStream() {
        self.exchange.onSilence(self.heartbeat) { [unowned self] in
            self.open()
            self.exchange.write { FrontEnd.writeHeartbeat(.openAIChat, into: &$0) }
            self.exchange.flushNow()
        }
    }

    /// Says that the server goes down, at once and without waiting; who comes back finds what was said in the session.
    func hurry() {
        guard !self.isOver else { return }
        if self.hasContent { return self.fail(GatewayError.goingDown) }
        self.isOver = true
        Answer(GatewayError.goingDown, dialect: .native, requestID: self.requestID)
            .sendNow(on: self.exchange, requestID: self.requestID)
    }

    private func open() {
        guard !self.hasContent else { return }
        self.hasContent = true
        var fields = ByteBuffer()
        fields.writeStaticString("x-request-id: ")
        self.requestID.write(into: &fields)
        fields.writeCRLF()
        FrontEnd.writeStreamFields(into: &fields)
        // What models say is never to be taken for a page (row 106).
        fields.writeField("x-content-type-options", "nosniff")
        self.exchange.begin(status: 200, fields: fields, body: .stream)
    }

    func whole(_ answer: WholeReply) throws {
        throw GatewayError(.internalFailure, "A session's answer comes in events.")
    }

    func begin(_ head: StreamHead) {
        if !self.isOver { self.open() }
    }

    func event(_ event: ServerSentEvent, isContent: Bool) {
        guard !self.isOver else { return }
        self.open()
        self.events += 1
        let id = SessionEventID(seq: self.seq, number: self.events)
        self.exchange.write { buffer in
            buffer.writeString("id: \(id.text)\n")
            FrontEnd.write(event, into: &buffer)
        }
    }

    func flush() {
        if !self.isOver { self.exchange.flushNow() }
    }

    func end() {
        guard !self.isOver else { return }
        self.isOver = true
        self.open()
        self.exchange.finishNow()
    }

    /// The last event says what went wrong, in the native shape.
    func fail(_ error: GatewayError) {
        let body = ErrorBodies.body(of: error, dialect: .native, requestID: self.requestID)
        guard !self.isOver else { return }
        self.isOver = true
        self.open()
        self.events += 1
        let id = SessionEventID(seq: self.seq, number: self.events)
        self.exchange.write { buffer in
            buffer.writeString("id: \(id.text)\n")
            SSEWriter.write(data: body, type: "error", into: &buffer)
        }
        self.exchange.finishNow()
    }

    var hasCredit: Bool { self.exchange.hasCredit }

    func awaitCredit() async throws { try await self.exchange.awaitCredit() }
}

@available(*, unavailable, message: "confined to its loop")
extension SessionReply: Sendable {}

/// What an event of a session is called: the number of the answer's message, and its own in that answer, from 1.
struct SessionEventID: Equatable {
    let seq: Int
    let number: Int

    init(seq: Int, number: Int) {
        self.seq = seq
        self.number = number
    }

    /// The id that a client has sent as `Last-Event-ID`; nil if it is none of a session's.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let seq = Int(parts[0]), let number = Int(parts[1]),
            (1...Self.numberMax).contains(seq), (1...Self.numberMax).contains(number)
        else { return nil }
        self.init(seq: seq, number: number)
    }

    /// Far more than there can be, and far from where counting on would overflow.
    private static let numberMax = 1 << 50

    var text: String { "\(self.seq)-\(self.number)" }
}
