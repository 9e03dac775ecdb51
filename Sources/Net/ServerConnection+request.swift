import Core
import NIOCore
import Transport
import Wire

/// What is known about the body of the request under way.
struct BodyState {
    /// Nil until the handler asks.
    var decoder: HTTPBodyDecoder?
    var bytes = ByteBuffer()
    var limit = 0
    /// Bytes set aside in the process-wide figure.
    var reserved = 0
    var askedAt = NIODeadline.uptimeNanoseconds(0)
    /// Whether nothing of the body is left in the connection.
    var isConsumed = false
    var failure: RequestFault?
    /// The reader of a body that is taken piece by piece.
    var pieces: RequestPieces?
}

extension ServerConnection {
    // MARK: Bytes from the socket

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        self.runtime.executor.scope { self.take(bytes) }
    }

    /// Takes bytes as the phase wants them.
    ///
    /// Pipelined requests wait in `inbound`, up to `pipelineBytesMax`.
    func take(_ bytes: ByteBuffer) {
        var bytes = bytes
        if var pending = self.inbound {
            pending.writeBuffer(&bytes)
            bytes = pending
            self.inbound = nil
        }
        switch self.phase {
        case .idle, .head, .handshake:
            self.parseHead(bytes)
        case .body:
            self.takeBody(bytes)
        case .busy:
            if let pieces = self.body.pieces, !self.body.isConsumed { return pieces.take(bytes) }
            self.inbound = bytes
            if bytes.readableBytes > self.terms.options.pipelineBytesMax { self.pauseReading() }
        case .lingering, .closed:
            break
        }
    }

    private func parseHead(_ bytes: ByteBuffer) {
        if self.phase != .head {
            self.phase = .head
            self.timer.arm(.now() + self.terms.options.headTimeout)
        }
        let isComplete: Bool
        do throws(HTTPParseError) {
            isComplete = try bytes.withBytes { raw throws(HTTPParseError) in
                try self.head.parseRequest(raw, limits: self.terms.options.limits)
            }
        } catch {
            self.headBytes = bytes
            self.refuse(error.isTooLarge ? .headTooLarge : .malformed(error.rawValue))
            return
        }
        guard isComplete else {
            self.inbound = bytes
            return
        }
        var bytes = bytes
        // A copy into our own small buffer, so that the socket's receive buffer is not held as long as the call.
        self.headBytes.clear()
        if let head = bytes.readSlice(length: self.head.byteCount) { self.headBytes.writeImmutableBuffer(head) }
        if bytes.readableBytes > 0 { self.inbound = bytes }
        self.arrival = .now()
        self.timer.disarm()
        self.phase = .busy
        // `Content-Length: 0` is a whole body that needs no byte to arrive.
        self.body.isConsumed = self.head.framing == .none || self.head.framing == .length(0)
        self.response.closesAfterwards = !self.head.keepAlive
        self.isRequestReady = true
        self.wakeForRequest()
    }

    /// Ends what comes in with a fault, which the handler turns into an answer.
    func refuse(_ fault: RequestFault) {
        self.fault = fault
        self.timer.disarm()
        self.phase = .busy
        self.inbound = nil
        self.arrival = .now()
        self.isRequestReady = true
        self.response.closesAfterwards = true
        self.wakeForRequest()
    }

    func pauseReading() {
        guard !self.isReadingPaused, let channel = self.context?.channel else { return }
        self.isReadingPaused = true
        try? channel.syncOptions?.setOption(.autoRead, value: false)
    }

    func resumeReading() {
        guard self.isReadingPaused, let channel = self.context?.channel else { return }
        self.isReadingPaused = false
        try? channel.syncOptions?.setOption(.autoRead, value: true)
    }

    // MARK: The body

    func takeBody(limit: Int) throws(RequestFault) -> ByteBuffer? {
        if self.head.hasUnknownExpectation { throw RequestFault.unsupported("This expectation cannot be met.") }
        switch self.head.framing {
        case .none, .untilClose, .length(0):
            return ByteBuffer()
        case .length(let count):
            if count > limit { throw RequestFault.bodyTooLarge(limit: limit) }
            try self.reserveBody(count)
            return self.wholeBody(count)
        case .chunked:
            return nil
        }
    }

    /// The body where all of it came with the head: a slice, not a copy.
    private func wholeBody(_ count: Int) -> ByteBuffer? {
        guard var pending = self.inbound, let bytes = pending.readSlice(length: count) else { return nil }
        self.inbound = pending.readableBytes > 0 ? pending : nil
        self.body.isConsumed = true
        return bytes
    }

    /// Throws a body away that nobody asked for, if all of it is here, so that the connection can go on.
    func dropBufferedBody() {
        guard !self.body.isConsumed, self.body.pieces == nil, case .length(let count) = self.head.framing else {
            return
        }
        _ = self.wholeBody(count)
    }

    func awaitBody(limit: Int) async throws -> ByteBuffer {
        self.body.limit = limit
        self.body.decoder = HTTPBodyDecoder(self.head.framing)
        if case .length(let count) = self.head.framing { self.body.bytes.reserveCapacity(min(count, 1 << 20)) }
        self.body.askedAt = .now()
        if self.head.expectsContinue, self.inbound == nil { self.sendContinue() }
        self.phase = .body
        self.timer.arm(.now() + min(.seconds(1), self.terms.options.bodyGrace))
        defer {
            if self.phase == .body {
                self.phase = .busy
                self.timer.disarm()
            }
        }
        self.resumeReading()
        if let bytes = self.inbound {
            self.inbound = nil
            self.takeBody(bytes)
        }
        while !self.body.isConsumed {
            if let failure = self.body.failure { throw failure }
            try await self.waiter.wait()
        }
        // Handed over, not shared: the caller decides how long it lives.
        let bytes = self.body.bytes
        self.body.bytes = ByteBuffer()
        return bytes
    }

    func takePieces(limit: Int, held: Int) throws(RequestFault) -> any BodySource {
        if self.head.hasUnknownExpectation { throw RequestFault.unsupported("This expectation cannot be met.") }
        var length: Int?
        switch self.head.framing {
        case .none, .untilClose: length = 0
        case .length(let count): length = count
        case .chunked: break
        }
        if let length, length > limit { throw RequestFault.bodyTooLarge(limit: limit) }
        try self.reserveBody(min(length ?? held, held))
        let pieces = RequestPieces(of: self, length: length, limit: limit)
        self.body.pieces = pieces
        return pieces
    }

    func sendContinue() {
        guard let context = self.context else { return }
        var interim = self.runtime.takeBuffer()
        interim.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        context.writeAndFlush(self.wrapOutboundOut(interim), promise: nil)
        self.runtime.giveBuffer(&interim)
    }

    private func takeBody(_ bytes: ByteBuffer) {
        guard self.body.failure == nil, var decoder = self.body.decoder else { return }
        let consumed: Int
        do throws(HTTPParseError) {
            consumed = try bytes.withBytes { raw throws(HTTPParseError) in
                try decoder.decode(raw, limits: self.terms.options.limits) { start, count in
                    // Past the limit nothing more is kept; the length alone is the verdict.
                    if self.body.bytes.readableBytes + count <= self.body.limit {
                        let part = UnsafeRawBufferPointer(rebasing: raw[start..<start + count])
                        self.body.bytes.writeBytes(part)
                    } else {
                        self.body.failure = .bodyTooLarge(limit: self.body.limit)
                    }
                }
            }
        } catch {
            self.failBody(.malformed(error.rawValue))
            return
        }
        self.body.decoder = decoder
        if self.body.failure == nil, self.head.framing == .chunked {
            do { try self.reserveBody(self.body.bytes.readableBytes) } catch { self.failBody(error) }
        }
        if let failure = self.body.failure {
            self.failBody(failure)
            return
        }
        guard decoder.isComplete else { return }
        self.body.isConsumed = true
        var rest = bytes
        rest.moveReaderIndex(forwardBy: consumed)
        self.inbound = rest.readableBytes > 0 ? rest : nil
        self.waiter.wake()
    }

    private func failBody(_ fault: RequestFault) {
        self.body.failure = fault
        self.pauseReading()
        self.waiter.wake()
    }

    /// Raises what this body has set aside to `count` bytes.
    private func reserveBody(_ count: Int) throws(RequestFault) {
        guard count > self.body.reserved else { return }
        guard self.server.load.reserveBody(count - self.body.reserved) else {
            throw .overloaded(retryAfter: .seconds(1))
        }
        self.body.reserved = count
    }

    /// At least 1 KiB/s after a grace of 5 s, and no more than 60 s in all: an idle timer does not stop one byte a
    /// second (row 6).
    func checkBodyPace() {
        let elapsed = NIODeadline.now() - self.body.askedAt
        let options = self.terms.options
        let expected = (elapsed - options.bodyGrace).nanoseconds / 1_000_000_000 * 1024
        if elapsed >= options.bodyTimeout {
            self.failBody(.timeout("The request body did not arrive within \(options.bodyTimeout.seconds) s."))
        } else if elapsed >= options.bodyGrace, Int64(self.body.bytes.readableBytes) <= expected {
            self.failBody(.timeout("The request body came slower than 1 KiB a second."))
        } else {
            self.timer.arm(.now() + min(.seconds(1), options.bodyGrace))
        }
    }
}
