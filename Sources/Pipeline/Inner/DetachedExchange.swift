internal import NIOCore
internal import Transport
internal import Wire

/// What a call has in the place of its client's connection if nobody waits on one for its answer: a copy of another
/// call, or one that the gateway makes itself.
///
/// The connection serves its next request while such a call may still be ending, so it must not hold on to it.
final class DetachedExchange: ServerExchange {
    let head: HTTPHead
    let headBytes: ByteBuffer
    let peer: PeerAddress
    let isAdministrative: Bool
    let isSecure: Bool
    let transport: any LoopTransport
    let arrival: NIODeadline
    private let body: ByteBuffer

    /// The exchange of a copy, which has the call's body already.
    convenience init(of call: Call, arrival: NIODeadline) {
        self.init(
            beside: call.exchange,
            head: call.head,
            headBytes: call.headBytes,
            body: ByteBuffer(),
            arrival: arrival
        )
    }

    /// The exchange of a request of its own.
    ///
    /// - Parameter other: The connection that made it necessary: whose it is, and on which loop.
    init(
        beside other: any ServerExchange,
        head: HTTPHead,
        headBytes: ByteBuffer,
        body: ByteBuffer,
        arrival: NIODeadline
    ) {
        self.head = head
        self.headBytes = headBytes
        self.peer = other.peer
        self.isAdministrative = other.isAdministrative
        self.isSecure = other.isSecure
        self.transport = other.transport
        self.arrival = arrival
        self.body = body
    }

    /// The exchange of a request that came over no connection at all.
    init(
        on transport: any LoopTransport,
        head: HTTPHead,
        headBytes: ByteBuffer,
        body: ByteBuffer,
        arrival: NIODeadline
    ) {
        self.head = head
        self.headBytes = headBytes
        self.peer = PeerAddress(text: "in-process", port: 0, isLoopback: true)
        self.isAdministrative = false
        self.isSecure = true
        self.transport = transport
        self.arrival = arrival
        self.body = body
    }

    var isResponseStarted: Bool { false }
    var bytesSent: Int { 0 }
    var isDraining: Bool { false }

    func takeBody(limit: Int) throws(RequestFault) -> ByteBuffer? { self.body }
    func awaitBody(limit: Int) async throws -> ByteBuffer { self.body }
    func takePieces(limit: Int, held: Int) throws(RequestFault) -> any BodySource {
        // Only the client's own call can read what its client sends.
        throw .unsupported("This body cannot be read a second time.")
    }
    func begin(status: Int, fields: ByteBuffer, body: ResponseBody) {}
    func write(_ bytes: ByteBuffer) {}
    func write(_ append: (inout ByteBuffer) -> Void) {}
    func flushNow() {}
    func finishNow() {}
    var hasCredit: Bool { true }
    func awaitCredit() async throws {}
    func closeAfterwards() {}
    func onSilence(_ interval: TimeAmount, _ action: (() -> Void)?) {}
    func onHurry(_ action: (() -> Void)?) {}
}

@available(*, unavailable, message: "confined to its loop")
extension DetachedExchange: Sendable {}
