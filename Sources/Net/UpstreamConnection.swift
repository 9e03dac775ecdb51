import Core
import NIOCore
import NIOSSL
import NIOTLS
import Transport
import Wire

/// One connection to an upstream: an HTTP/1.1 client that carries one exchange at a time.
///
/// Confined to its loop.
final class UpstreamConnection: ChannelInboundHandler, WheelTimerOwner {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Nothing under way. Next: `head`.
        case idle
        /// The request is out. Next: `body`, `complete`.
        case head
        /// The head is there. Next: `complete`.
        case body
        /// The whole answer is there. Next: `idle`.
        case complete
        /// The end.
        case closed
    }

    let endpoint: Endpoint
    private let runtime: LoopRuntime
    private var context: ChannelHandlerContext?
    let waiter: LoopWaiter
    private let timer: WheelTimer

    private var state = State.idle
    private(set) var head = HTTPHead()
    private(set) var headBytes = ByteBuffer()
    private var body = HTTPBodyDecoder(.none)
    private var interimCount = 0
    /// Whether any byte came back in this exchange.
    private(set) var sawBytes = false
    /// Bytes of an unfinished head.
    private var unparsed: ByteBuffer?
    /// Decoded body bytes nobody has read yet.
    private var received: ByteBuffer?
    private var isPaused = false
    private var failure: (any Error)?

    private var timeouts = Timeouts()
    private var deadline = NIODeadline.distantFuture
    private var deadlineError = TransportError.closedBeforeHead
    private var armedError = TransportError.closedBeforeHead

    /// Whether requests may be sent: connected, and TLS done.
    private(set) var isReady: Bool
    private(set) var handshakeFailure: TransportError?
    var handshakeWaiter: LoopWaiter?

    init(endpoint: Endpoint, isSecure: Bool, _ runtime: LoopRuntime) {
        self.endpoint = endpoint
        self.isReady = !isSecure
        self.runtime = runtime
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
    }

    // MARK: One exchange

    /// Sends a request and waits for the head of the answer.
    ///
    /// On any error the connection is closed.
    func exchange(_ request: UpstreamRequest) async throws {
        guard self.state == .idle, let context = self.context else { throw TransportError.closedBeforeHead }
        self.state = .head
        self.head.reset()
        self.sawBytes = false
        self.interimCount = 0
        self.failure = nil
        self.timeouts = request.timeouts
        self.setDeadline(request.deadline, limit: request.timeouts.total, clock: .total)
        self.arm(request.timeouts.firstByte, .firstByte)
        self.send(request, context)
        do {
            while self.state == .head, self.failure == nil { try await self.waiter.wait() }
            if let failure = self.failure { throw failure }
        } catch {
            self.close()
            throw error
        }
    }

    private func send(_ request: UpstreamRequest, _ context: ChannelHandlerContext) {
        guard !request.rest.isEmpty else {
            context.writeAndFlush(self.wrapOutboundOut(request.bytes), promise: nil)
            return
        }
        context.write(self.wrapOutboundOut(request.bytes), promise: nil)
        for part in request.rest { context.write(self.wrapOutboundOut(part), promise: nil) }
        // The first-byte clock starts when a large body is out, not when it was handed over.
        self.arm(until: self.deadline, self.deadlineError)
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenSuccess {
            if self.state == .head { self.arm(self.timeouts.firstByte, .firstByte) }
        }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer()), promise: sent)
    }

    /// The decoded bytes of the body that have come.
    func poll() throws -> UpstreamPiece {
        if let bytes = self.received {
            self.received = nil
            self.resumeReading()
            return .bytes(bytes)
        }
        if self.state == .complete { return .end }
        if let failure = self.failure { throw failure }
        return .later
    }

    /// Starts the clock for the next bytes.
    func armIdleClock() { self.arm(self.timeouts.idle, .idle) }

    func setDeadline(_ deadline: NIODeadline, limit: TimeAmount, clock: ClockName) {
        self.deadline = deadline
        self.deadlineError = .timeout(clock, limit: limit, didSend: true)
    }

    /// Whether the connection can carry another exchange.
    var isReusable: Bool {
        self.state == .complete && self.head.keepAlive && self.head.framing != .untilClose
            && self.unparsed == nil && self.received == nil && self.context?.channel.isActive == true
    }

    /// Makes a reusable connection ready to wait in the pool.
    func becomeIdle() {
        self.state = .idle
        self.timer.arm(.now() + UpstreamPool.idleFor)
    }

    func close() {
        self.context?.close(promise: nil)
    }

    // MARK: Clocks

    private func arm(_ amount: TimeAmount, _ clock: ClockName) {
        self.arm(until: .now() + amount, .timeout(clock, limit: amount, didSend: true))
    }

    private func arm(until deadline: NIODeadline, _ error: TransportError) {
        self.armedError = deadline <= self.deadline ? error : self.deadlineError
        self.timer.arm(min(deadline, self.deadline))
    }

    func timerFired() {
        switch self.state {
        case .idle:
            self.close()
        case .head, .body:
            // With nobody waiting it is the client that is slow; its own clock runs.
            guard self.waiter.isWaiting else { return }
            self.fail(self.armedError)
            self.close()
        case .complete, .closed:
            break
        }
    }

    private func fail(_ error: any Error) {
        if self.failure == nil { self.failure = error }
        self.waiter.wake()
    }

    // MARK: Bytes from the socket

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.runtime.executor.scope {
            self.sawBytes = true
            do throws(HTTPParseError) {
                try self.take(&bytes)
            } catch {
                self.fail(TransportError.protocolViolation("\(error)"))
                self.close()
            }
        }
    }

    private func take(_ bytes: inout ByteBuffer) throws(HTTPParseError) {
        if self.state == .head {
            if var pending = self.unparsed {
                pending.writeBuffer(&bytes)
                bytes = pending
                self.unparsed = nil
            }
            try self.parseHeads(&bytes)
        }
        switch self.state {
        case .body:
            try self.decodeBody(&bytes)
        case .head, .closed:
            break
        case .idle, .complete:
            // Bytes that no request asked for: the connection cannot be trusted with another.
            if bytes.readableBytes > 0 {
                self.unparsed = bytes
                self.close()
            }
        }
        if self.state != .head { self.waiter.wake() }
    }

    /// Parses heads until a final one; keeps what is incomplete.
    private func parseHeads(_ bytes: inout ByteBuffer) throws(HTTPParseError) {
        while bytes.readableBytes > 0 {
            let readable = bytes
            let isComplete = try readable.withBytes { raw throws(HTTPParseError) in
                try self.head.parseResponse(raw, toHead: false, limits: .upstream)
            }
            guard isComplete else {
                self.unparsed = bytes
                return
            }
            guard let headBytes = bytes.readSlice(length: self.head.byteCount) else { return }
            if self.head.status >= 200 {
                // A copy into our own small buffer, so that the socket's receive buffer can be used again.
                self.headBytes.clear()
                self.headBytes.writeImmutableBuffer(headBytes)
                self.body = HTTPBodyDecoder(self.head.framing)
                self.state = self.body.isComplete ? .complete : .body
                return
            }
            self.interimCount += 1
            guard self.head.status != 101, self.interimCount <= 8 else { throw .badStatus }
            self.head.reset()
        }
    }

    private func decodeBody(_ bytes: inout ByteBuffer) throws(HTTPParseError) {
        guard bytes.readableBytes > 0 else { return }
        var first: (start: Int, count: Int)?
        var joined: ByteBuffer?
        let readable = bytes
        let consumed = try readable.withBytes { raw throws(HTTPParseError) in
            try self.body.decode(raw, limits: HTTPLimits.upstream) { start, count in
                guard let known = first else {
                    first = (start, count)
                    return
                }
                if joined == nil {
                    joined = self.runtime.takeBuffer()
                    joined?.writeBytes(UnsafeRawBufferPointer(rebasing: raw[known.start..<known.start + known.count]))
                }
                joined?.writeBytes(UnsafeRawBufferPointer(rebasing: raw[start..<start + count]))
            }
        }
        if var payload = joined ?? first.flatMap({ bytes.getSlice(at: bytes.readerIndex + $0.start, length: $0.count) })
        {
            if self.received == nil {
                self.received = payload
            } else {
                self.received?.writeBuffer(&payload)
                self.pauseReading()
            }
        }
        if self.body.isComplete {
            self.state = .complete
            self.timer.disarm()
            bytes.moveReaderIndex(forwardBy: consumed)
            if bytes.readableBytes > 0 { self.unparsed = bytes }
        }
    }

    private func pauseReading() {
        guard !self.isPaused, let channel = self.context?.channel else { return }
        self.isPaused = true
        try? channel.syncOptions?.setOption(.autoRead, value: false)
    }

    private func resumeReading() {
        guard self.isPaused, let channel = self.context?.channel else { return }
        self.isPaused = false
        try? channel.syncOptions?.setOption(.autoRead, value: true)
    }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.timer.owner = self
        self.runtime.dialer.counters.noteOpen()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.timer.owner = nil
        self.timer.disarm()
        self.runtime.dialer.counters.noteClosed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.runtime.executor.scope {
                if !self.hasRightName(context) {
                    self.handshakeFailure = .tlsFailed("the certificate is not for \(self.endpoint.host)")
                }
                self.isReady = true
                self.handshakeWaiter?.wake()
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Addresses are checked by the TLS library against the socket; names are checked here once more, by name alone.
    private func hasRightName(_ context: ChannelHandlerContext) -> Bool {
        if (try? SocketAddress(ipAddress: self.endpoint.host, port: 0)) != nil { return true }
        guard let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate() else { return false }
        return CertificateName.covers(self.endpoint.host, certificate)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.runtime.executor.scope {
            if !self.isReady {
                self.handshakeFailure = .tlsFailed(Self.describe(error))
                self.isReady = true
                self.handshakeWaiter?.wake()
            }
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.runtime.executor.scope {
            switch self.state {
            case .idle:
                self.runtime.pool.remove(self)
            case .head:
                self.fail(TransportError.closedBeforeHead)
            case .body:
                do throws(HTTPParseError) {
                    try self.body.close()
                    self.state = .complete
                    self.waiter.wake()
                } catch {
                    self.fail(TransportError.closedInBody)
                }
            case .complete, .closed:
                break
            }
            if self.state != .complete { self.state = .closed }
            if !self.isReady {
                self.handshakeFailure = self.handshakeFailure ?? .tlsFailed("closed during the handshake")
                self.isReady = true
                self.handshakeWaiter?.wake()
            }
        }
        context.fireChannelInactive()
    }

    /// The library's own words about a failed handshake: certificate names and reasons, no data.
    private static func describe(_ error: any Error) -> String {
        switch error {
        case NIOSSLError.handshakeFailed(let reason): "handshake failed: \(reason)"
        case let error as NIOSSLExtraError: "\(error)"
        default: "\(error)"
        }
    }
}
