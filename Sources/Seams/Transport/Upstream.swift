package import Core
package import NIOCore
package import Wire

/// What one event loop offers to the calls that run on it.
///
/// Confined to that loop.
package protocol LoopTransport: AnyObject {
    /// The loop everything here happens on.
    var eventLoop: any EventLoop { get }
    /// Number of the loop, from 0; for state that is sharded by loop.
    var loopIndex: Int { get }

    /// Sends a request and waits for the head of its answer.
    ///
    /// Takes an idle connection of this loop or dials a new one through the one dialer, with the address guard. An idle
    /// connection that died before any byte came back is replaced once.
    ///
    /// A body that is sent while it comes in goes over an idle connection only if it can be sent again.
    ///
    /// - Throws: `TransportError`, or `CancellationError` when the caller was cancelled; the connection is closed then.
    ///   What `UpstreamRequest.upload` throws comes out as it is.
    func open(_ request: UpstreamRequest) async throws -> any UpstreamExchange

    /// Waits on the coarse wheel, to within its tick (25 ms).
    func sleep(for duration: TimeAmount) async throws

    /// A wait on this loop that something elsewhere may end.
    func makeWait() -> any LoopWait

    /// A cleared buffer from this loop's scratch list.
    func takeBuffer() -> ByteBuffer
    /// Gives a buffer back. Nothing else may still refer to its bytes, or the next user pays for a copy.
    func giveBuffer(_ buffer: inout ByteBuffer)
}

/// One caller's wait on its loop for something that happens elsewhere, possibly on another loop.
package protocol LoopWait: AnyObject, Sendable {
    /// Waits until `deadline`, to within the wheel's tick (25 ms) and never less, or until `wake`.
    ///
    /// One caller at a time, on the loop that the wait was made on; it goes on there. A wake that came before counts.
    ///
    /// - Throws: `CancellationError`.
    func wait(until deadline: NIODeadline) async throws

    /// Ends the wait, or the next one. A hint: whoever waited looks again. Called from any thread.
    func wake()
}

/// A request to an upstream, ready for the wire.
package struct UpstreamRequest {
    package var endpoint: Endpoint
    /// The head with its blank line, and the body or its beginning.
    package var bytes: ByteBuffer
    /// What follows `bytes`, where the body is too large to be worth copying.
    package var rest: [ByteBuffer] = []
    /// The body where it is sent while it comes in; `bytes` is the head alone then, and there is no `rest`.
    ///
    /// The head has to frame it: by the source's length, or as chunked where it has none. The upstream may answer
    /// before it has all of it; it is sent on then, until the exchange is abandoned.
    package var upload: (any BodySource)?
    package var timeouts: Timeouts
    /// When the whole attempt ends, whatever its clocks say.
    package var deadline: NIODeadline
    /// Asked once a connection is there: if false, nothing is sent, and `open` throws `CancellationError`.
    ///
    /// For calls that are not cancelled when nobody wants them any more.
    package var isWanted: (() -> Bool)?

    package init(endpoint: Endpoint, bytes: ByteBuffer, timeouts: Timeouts, deadline: NIODeadline) {
        self.endpoint = endpoint
        self.bytes = bytes
        self.timeouts = timeouts
        self.deadline = deadline
    }
}

/// The answer of an upstream while it comes in.
///
/// Confined to its loop.
///
/// Whoever opened it reads to the end or calls `abandon`: a connection is pooled only after a complete answer.
package protocol UpstreamExchange: AnyObject {
    var head: HTTPHead { get }
    /// The head's bytes; offsets of `head` point into it.
    var headBytes: ByteBuffer { get }
    /// Whether a new connection had to be made.
    var isFreshConnection: Bool { get }

    /// What has come of the body, without waiting.
    ///
    /// Nothing is read from the socket while nobody asks: at most two reads (32 KiB) is buffered.
    ///
    /// - Throws: `TransportError.closedInBody`, `.timeout`, `.protocolViolation`.
    func poll() throws -> UpstreamPiece

    /// Waits until `poll` may have something else to say than `.later`.
    ///
    /// - Throws: `CancellationError`; the connection is closed then.
    func wait() async throws

    /// Replaces the overall deadline from here on, with the name it has in errors.
    func setDeadline(_ deadline: NIODeadline, limit: TimeAmount, clock: ClockName)

    /// Ends the exchange now. The connection is closed unless the answer was complete. Safe to repeat.
    func abandon()
}

/// A part of a body.
package enum UpstreamPiece {
    /// Bytes without transfer coding, at least one.
    case bytes(ByteBuffer)
    /// There is nothing yet.
    case later
    /// The body is complete.
    case end
}

extension UpstreamExchange {
    /// The next bytes of the body, waited for where they have not come yet; nil after the last.
    ///
    /// - Throws: As `poll` and `wait`.
    package func read() async throws -> ByteBuffer? {
        while true {
            switch try self.poll() {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .later: try await self.wait()
            }
        }
    }
}
