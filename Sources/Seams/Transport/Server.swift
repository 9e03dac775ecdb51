package import NIOCore
package import Wire

/// Answers requests.
///
/// Called on the connection's loop, once per request, in order.
package protocol RequestHandler: Sendable {
    /// Answers one request. When it returns without having finished the answer, the connection is closed.
    func handle(_ exchange: any ServerExchange) async

    /// Answers bytes that are not a request, or one that the server refuses by itself. The connection closes after.
    ///
    /// - Parameter rawHead: What was read of the head, possibly nothing. Only good for guessing the dialect.
    func refuse(_ fault: RequestFault, rawHead: ByteBuffer, exchange: any ServerExchange) async

    /// Ends what goes on without a connection: the server's drain time is over. Called once, from any thread.
    func hurry()
}

extension RequestHandler {
    package func hurry() {}
}

/// How long the body of an answer is.
package enum ResponseBody: Sendable, Equatable {
    /// Exactly this many bytes follow.
    case length(Int)
    /// Chunked for HTTP/1.1, until the close for HTTP/1.0.
    case stream
    /// No body and no length, for 204 and 304.
    case none
}

/// One request and its answer, confined to the connection's loop.
///
/// The object serves the next request of its connection afterwards: keep nothing of it once `finish` was called.
/// All waits end with `CancellationError` when the client goes away.
package protocol ServerExchange: AnyObject {
    /// The parsed head; its offsets point into `headBytes`.
    var head: HTTPHead { get }
    /// The head's bytes, blank line included.
    var headBytes: ByteBuffer { get }
    /// Who is on the other side.
    var peer: PeerAddress { get }
    /// Whether this connection came in where administration is served.
    var isAdministrative: Bool { get }
    /// Whether this connection came in over TLS.
    var isSecure: Bool { get }
    /// The way out of this loop: upstream connections, timers, buffers.
    var transport: any LoopTransport { get }
    /// When the head was complete.
    var arrival: NIODeadline { get }
    /// Whether any part of an answer has been handed over.
    var isResponseStarted: Bool { get }
    /// Bytes handed to the client's socket for this answer.
    var bytesSent: Int { get }
    /// Whether the server is shutting down, so that no new work should start.
    var isDraining: Bool { get }

    /// The whole request body if it is here already; nil where `awaitBody` is needed.
    ///
    /// - Throws: `RequestFault.bodyTooLarge` for a length beyond `limit`, `.overloaded`, `.unsupported`.
    func takeBody(limit: Int) throws(RequestFault) -> ByteBuffer?

    /// Waits for the whole request body, once `takeBody` gave none. Sends `100 Continue` where the client waits for it.
    ///
    /// - Throws: `RequestFault.bodyTooLarge` at the byte that passes `limit`, `.timeout` when it comes too slowly,
    ///   `.malformed`, `.overloaded`.
    func awaitBody(limit: Int) async throws -> ByteBuffer

    /// The body for reading it piece by piece, in place of `takeBody` and `awaitBody`; asked for once.
    ///
    /// Sends `100 Continue` where the client waits for it, once a piece is asked for that is not here. An answer may
    /// begin while the body still comes; the connection closes after it then.
    ///
    /// - Parameters:
    ///   - limit: The most bytes the body may have.
    ///   - held: How many of them the caller keeps in memory at most; set aside until the answer is over.
    /// - Throws: `RequestFault.bodyTooLarge` for a length beyond `limit`, `.overloaded`, `.unsupported`.
    func takePieces(limit: Int, held: Int) throws(RequestFault) -> any BodySource

    /// Starts the answer.
    /// - Parameters:
    ///   - fields: Complete header lines with CRLF; framing, `date` and `connection` are added here.
    func begin(status: Int, fields: ByteBuffer, body: ResponseBody)

    /// Adds body bytes; they leave with the next flush.
    func write(_ bytes: ByteBuffer)

    /// Adds body bytes in place: `append` writes into the buffer that leaves with the next flush.
    func write(_ append: (inout ByteBuffer) -> Void)

    /// Hands what was written to the socket, without waiting.
    func flushNow()

    /// Ends the answer and hands everything to the socket, without waiting.
    func finishNow()

    /// Whether the client has taken enough of what was handed over; if not, `awaitCredit` before writing more.
    var hasCredit: Bool { get }

    /// Waits until the client has taken enough.
    func awaitCredit() async throws

    /// Closes the connection once the answer is out.
    func closeAfterwards()

    /// Calls `action` on the loop whenever nothing was sent for `interval`, until the answer is finished; nil stops it.
    func onSilence(_ interval: TimeAmount, _ action: (() -> Void)?)

    /// Calls `action` once, when the server's drain time is over and this answer must end now. The handler's task is
    /// cancelled right after, so that it gets out of whatever it waits for; `finish` still ends the answer.
    func onHurry(_ action: (() -> Void)?)
}

extension ServerExchange {
    /// The whole request body, waited for where it has not come yet.
    package func readBody(limit: Int) async throws -> ByteBuffer {
        if let body = try self.takeBody(limit: limit) { return body }
        return try await self.awaitBody(limit: limit)
    }

    /// Hands what was written to the socket and waits while more than the byte credit is outstanding.
    package func flush() async throws {
        self.flushNow()
        if !self.hasCredit { try await self.awaitCredit() }
    }

    /// Ends the answer and waits until the client has taken most of it.
    package func finish() async throws {
        self.finishNow()
        if !self.hasCredit { try await self.awaitCredit() }
    }
}

/// The other side of a connection.
package struct PeerAddress: Sendable {
    /// Numeric address without port, `unix` for a local socket.
    package var text: String
    package var port: Int
    /// Whether it is this machine.
    package var isLoopback: Bool

    package init(text: String, port: Int, isLoopback: Bool) {
        self.text = text
        self.port = port
        self.isLoopback = isLoopback
    }
}
