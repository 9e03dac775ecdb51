internal import NIOCore
internal import Transport
internal import Wire

/// What a copy of a call has in the place of its client's connection: the same request, and nobody to answer.
///
/// The connection serves its next request while a copy may still be ending, so a copy must not hold on to it.
final class DetachedExchange: ServerExchange {
    let head: HTTPHead
    let headBytes: ByteBuffer
    let peer: PeerAddress
    let isAdministrative: Bool
    let isSecure: Bool
    let transport: any LoopTransport
    let arrival: NIODeadline

    init(of call: Call, arrival: NIODeadline) {
        self.head = call.head
        self.headBytes = call.headBytes
        self.peer = call.exchange.peer
        self.isAdministrative = call.exchange.isAdministrative
        self.isSecure = call.exchange.isSecure
        self.transport = call.transport
        self.arrival = arrival
    }

    var isResponseStarted: Bool { false }
    var bytesSent: Int { 0 }
    var isDraining: Bool { false }

    func takeBody(limit: Int) throws(RequestFault) -> ByteBuffer? { ByteBuffer() }
    func awaitBody(limit: Int) async throws -> ByteBuffer { ByteBuffer() }
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
