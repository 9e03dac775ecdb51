import Core
import NIOCore
import Transport
import Wire

/// The body of a client's request, handed out as it comes.
///
/// Confined to its connection's loop. What was read and not taken is one read of the socket and what came before
/// reading stopped; the client is held back by TCP then. Only the time in which somebody waits for the client counts
/// against it.
final class RequestPieces: BodySource, WheelTimerOwner {
    let length: Int?
    var onReady: (() -> Void)?
    private let limit: Int
    /// Nil once the exchange is over.
    private var connection: ServerConnection?
    private let options: ServerOptions
    private let waiter: LoopWaiter
    private let timer: WheelTimer
    private var decoder: HTTPBodyDecoder
    /// What has come and was not taken.
    private var piece: ByteBuffer?
    private var isGivenOut = false
    private var received = 0
    private var failure: (any Error)?
    /// How long the client was waited for, and since when it is again.
    private var waited = TimeAmount.zero
    private var waitingSince: NIODeadline?

    init(of connection: ServerConnection, length: Int?, limit: Int) {
        self.connection = connection
        self.length = length
        self.limit = limit
        self.options = connection.terms.options
        self.waiter = LoopWaiter(executor: connection.runtime.executor)
        self.timer = WheelTimer(wheel: connection.runtime.wheel)
        self.decoder = HTTPBodyDecoder(length == 0 ? .none : connection.head.framing)
    }

    // MARK: - The reader's side

    var canRewind: Bool { self.length == 0 }

    func poll() throws -> UpstreamPiece {
        if self.piece == nil, !self.decoder.isComplete, let pending = self.connection?.inbound {
            self.connection?.inbound = nil
            self.take(pending)
        }
        if let bytes = self.piece {
            self.piece = nil
            self.isGivenOut = true
            self.connection?.resumeReading()
            return .bytes(bytes)
        }
        if let failure = self.failure { throw failure }
        if self.decoder.isComplete { return .end }
        self.ask()
        return .later
    }

    func wait() async throws {
        try await self.waiter.wait { self.piece != nil || self.failure != nil || self.decoder.isComplete }
    }

    func rewind() -> Bool { !self.isGivenOut }

    /// Lets the client send, and counts how long it takes.
    private func ask() {
        guard let connection = self.connection else { return self.fail(CancellationError()) }
        let mayContinue = connection.head.expectsContinue && !connection.isResponseStarted
        if mayContinue, self.received == 0, self.waitingSince == nil { connection.sendContinue() }
        connection.resumeReading()
        guard self.waitingSince == nil else { return }
        let now = NIODeadline.now()
        self.waitingSince = now
        self.timer.owner = self
        self.timer.arm(now + self.step)
    }

    // MARK: - The client's side

    /// Takes bytes of the socket, up to the end of the body; what is behind it is left to the connection.
    func take(_ bytes: ByteBuffer) {
        guard self.failure == nil, let connection = self.connection else { return }
        self.stopClock()
        let consumed: Int
        do throws(HTTPParseError) {
            consumed = try self.decode(bytes)
        } catch {
            return self.fail(RequestFault.malformed(error.rawValue))
        }
        if self.received > self.limit { return self.fail(RequestFault.bodyTooLarge(limit: self.limit)) }
        if self.decoder.isComplete {
            connection.body.isConsumed = true
            var rest = bytes
            rest.moveReaderIndex(forwardBy: consumed)
            connection.inbound = rest.readableBytes > 0 ? rest : nil
        }
        self.notify()
    }

    /// Puts the payload behind what waits to be taken: a slice of what came where it is in one piece.
    private func decode(_ bytes: ByteBuffer) throws(HTTPParseError) -> Int {
        var first: (start: Int, count: Int)?
        var joined: ByteBuffer?
        let limits = self.options.limits
        let consumed = try bytes.withBytes { raw throws(HTTPParseError) in
            try self.decoder.decode(raw, limits: limits) { start, count in
                self.received += count
                guard let known = first else { return first = (start, count) }
                if joined == nil {
                    var buffer = ByteBuffer()
                    buffer.writeBytes(UnsafeRawBufferPointer(rebasing: raw[known.start..<known.start + known.count]))
                    joined = buffer
                }
                joined?.writeBytes(UnsafeRawBufferPointer(rebasing: raw[start..<start + count]))
            }
        }
        guard
            var payload = joined
                ?? first.flatMap({ bytes.getSlice(at: bytes.readerIndex + $0.start, length: $0.count) })
        else { return consumed }
        if self.piece == nil {
            self.piece = payload
        } else {
            self.piece?.writeBuffer(&payload)
            self.connection?.pauseReading()
        }
        return consumed
    }

    /// Ends the body where it is.
    ///
    /// The first reason counts; one that comes after the end changes nothing.
    func fail(_ error: any Error) {
        guard self.failure == nil, !self.decoder.isComplete else { return }
        self.stopClock()
        self.failure = error
        self.piece = nil
        self.connection?.pauseReading()
        self.notify()
    }

    private func notify() {
        self.waiter.wake()
        self.onReady?()
    }

    /// The exchange is over, and the connection goes on without this reader.
    func detach() {
        self.onReady = nil
        self.fail(CancellationError())
        self.timer.disarm()
        self.timer.owner = nil
        self.connection = nil
    }

    // MARK: - The client's clock

    private var step: TimeAmount { min(.seconds(1), self.options.bodyGrace) }

    private func stopClock() {
        guard let since = self.waitingSince else { return }
        self.waited = self.waited + (.now() - since)
        self.waitingSince = nil
    }

    /// At least 1 KiB a second after a grace of 5 s, as for bodies that are read whole (row 6).
    func timerFired() {
        guard let since = self.waitingSince else { return }
        let waited = self.waited + (.now() - since)
        let expected = (waited - self.options.bodyGrace).nanoseconds / 1_000_000_000 * 1024
        if waited >= self.options.pieceTimeout {
            let text = "The request body did not arrive within \(self.options.pieceTimeout.seconds) s."
            self.fail(RequestFault.timeout(text))
        } else if waited >= self.options.bodyGrace, Int64(self.received) <= expected {
            self.fail(RequestFault.timeout("The request body came slower than 1 KiB a second."))
        } else {
            self.timer.arm(.now() + self.step)
        }
    }
}
