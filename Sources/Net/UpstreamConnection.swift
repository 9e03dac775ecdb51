import Core
import NIOCore
import Transport
import Wire

/// One connection to an upstream: an HTTP/1.1 client that carries one exchange at a time.
///
/// Confined to its loop.
final class UpstreamConnection: ChannelInboundHandler, WheelTimerOwner {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        /// Nothing under way. Next: `head`, `closed`.
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

    /// A connection that dies sooner than this after a request was most likely dead before it: what the upstream did
    /// had to come across a network, while an answer takes an upstream at least this long to break.
    private static let staleFor = TimeAmount.seconds(1)
    /// The largest part of a request that is written without noting that it went out.
    private static let partMax = 256 << 10

    let shelf: UpstreamShelf
    /// The address it was made to.
    let address: SocketAddress
    /// When it is too old to be used again.
    let retireAt: NIODeadline
    /// The answer of the resolver that `address` was last looked up in.
    var checkedRound = -1
    let runtime: LoopRuntime
    var context: ChannelHandlerContext?
    let waiter: LoopWaiter
    let timer: WheelTimer

    var state = State.idle
    var head = HTTPHead()
    var headBytes = ByteBuffer()
    var body = HTTPBodyDecoder(.none)
    var interimCount = 0
    /// Whether any byte came back in this exchange.
    var sawBytes = false
    /// Bytes of an unfinished head.
    var unparsed: ByteBuffer?
    /// Decoded body bytes nobody has read yet.
    var received: ByteBuffer?
    var isPaused = false
    private(set) var failure: (any Error)?

    private var timeouts = Timeouts()
    private var sentAt = NIODeadline.distantPast
    /// Whether a part of a large request has not gone out.
    var isSending = false
    /// The body that is being sent while it comes in.
    var upload: Upload?
    private var deadline = NIODeadline.distantFuture
    private var deadlineError = TransportError.closedBeforeHead
    private var armedError = TransportError.closedBeforeHead
    /// How long it may stand idle; nil before its first answer.
    private var idleFor: TimeAmount?
    /// Why it ends; nil while it does not.
    private(set) var endReason: UpstreamEnd?

    /// Whether a call got it, and not another one that was made at the same time.
    var isMade = false
    private var isOnShelf = true
    /// Whether requests may be sent: connected, and TLS done.
    var isReady: Bool
    var handshakeFailure: TransportError?
    /// Called once, when `isReady` or `handshakeFailure` is known.
    var onReady: (() -> Void)?

    init(_ shelf: UpstreamShelf, at address: SocketAddress, isSecure: Bool, _ runtime: LoopRuntime) {
        self.shelf = shelf
        self.address = address
        shelf.openCount += 1
        self.retireAt = runtime.retirement()
        self.isReady = !isSecure
        self.runtime = runtime
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
    }

    // MARK: One exchange

    /// Sends a request and waits for the head of the answer.
    ///
    /// On any error the connection is closed.
    func exchange(_ request: UpstreamRequest, now: NIODeadline) async throws {
        self.sawBytes = false
        self.sentAt = now
        guard self.state == .idle, let context = self.context else { throw TransportError.closedBeforeHead }
        self.state = .head
        self.head.reset()
        self.interimCount = 0
        self.failure = nil
        self.timeouts = request.timeouts
        self.setDeadline(request.deadline, limit: request.timeouts.total, clock: .total)
        self.send(request, context)
        do {
            while self.state == .head, self.failure == nil { try await self.waiter.wait() }
            if let failure = self.failure { throw failure }
        } catch {
            self.end(.call)
            throw error
        }
    }

    private func send(_ request: UpstreamRequest, _ context: ChannelHandlerContext) {
        if let source = request.upload { return self.startUpload(source, behind: request.bytes, context) }
        guard !request.rest.isEmpty else {
            self.arm(self.timeouts.firstByte, .firstByte, from: self.sentAt)
            context.writeAndFlush(self.wrapOutboundOut(request.bytes), promise: nil)
            return
        }
        // The first-byte clock starts when a large body is out, not when it was handed over; until then the upstream
        // has to take one part of it after the other.
        self.isSending = true
        self.arm(self.timeouts.idle, .idle, from: self.sentAt)
        context.write(self.wrapOutboundOut(request.bytes), promise: nil)
        var rest = request.rest
        for index in rest.indices {
            while let part = rest[index].readSlice(length: min(rest[index].readableBytes, Self.partMax)),
                part.readableBytes > 0
            {
                context.write(self.wrapOutboundOut(part), promise: self.partPromise(context, isLast: false))
            }
        }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer()), promise: self.partPromise(context, isLast: true))
    }

    func partPromise(_ context: ChannelHandlerContext, isLast: Bool) -> EventLoopPromise<Void> {
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            if isLast { self.isSending = false }
            guard self.state == .head else { return }
            self.arm(
                isLast ? self.timeouts.firstByte : self.timeouts.idle,
                isLast ? .firstByte : .idle,
                from: .now()
            )
        }
        return promise
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

    /// Whether the connection can carry another exchange.
    var isReusable: Bool {
        self.state == .complete && self.head.keepAlive && self.head.framing != .untilClose && !self.isSending
            && self.unparsed == nil && self.received == nil && self.context?.channel.isActive == true
    }

    /// Whether the upstream ends the connection with this answer: it says so, or sends what nobody asked for.
    var isLastAnswer: Bool { self.state == .complete && (!self.head.keepAlive || self.unparsed != nil) }

    /// Whether an exchange that ended without a head most likely never reached anybody: the upstream had given the
    /// idle connection up by then.
    var wasStale: Bool { !self.sawBytes && NIODeadline.now() - self.sentAt < Self.staleFor }

    /// Whether the answer is not to the request: the upstream gave the idle connection up, with a 408 where others
    /// just close.
    ///
    /// RFC 9110 section 15.5.9: a request in transit may be repeated on a new connection then.
    var saysStale: Bool { self.head.status == 408 && !self.head.keepAlive }

    /// Makes a reusable connection ready to wait in the pool.
    func becomeIdle(now: NIODeadline) {
        self.state = .idle
        let limit = self.idleFor ?? self.announcedIdle()
        self.idleFor = limit
        self.timer.arm(min(now + limit, self.retireAt))
    }

    /// How long the upstream says, in its first answer, that it keeps an idle connection: `keep-alive: timeout=5`.
    ///
    /// We close a second sooner, or a half where that is all, so that no request goes out while it closes.
    private func announcedIdle() -> TimeAmount {
        let limit = self.runtime.options.idleFor
        guard let field = self.head.first(.keepAlive) else { return limit }
        let seconds = self.headBytes.withUnsafeReadableBytes { KeepAlive.timeout($0[field.value]) }
        guard let seconds else { return limit }
        return min(limit, seconds > 1 ? .seconds(seconds - 1) : .milliseconds(500))
    }

    /// Its shelf goes with the last of its connections.
    ///
    /// Safe to repeat.
    func leaveShelf() {
        guard self.isOnShelf else { return }
        self.isOnShelf = false
        self.shelf.openCount -= 1
        if self.shelf.openCount == 0 { self.runtime.pool.drop(self.shelf) }
    }

    /// Closes the connection; the first reason counts.
    func end(_ reason: UpstreamEnd) {
        self.stopUpload()
        if self.endReason == nil { self.endReason = reason }
        if self.state == .idle {
            // At once: with TLS some time passes before the channel is closed.
            self.runtime.pool.remove(self)
            self.state = .closed
        }
        self.context?.close(promise: nil)
    }

    // MARK: Clocks

    /// Starts the clock for the next bytes.
    func armIdleClock() { self.arm(self.timeouts.idle, .idle, from: .now()) }

    /// Leaves the overall deadline alone.
    func armDeadline() {
        self.armedError = self.deadlineError
        self.timer.arm(self.deadline)
    }

    func setDeadline(_ deadline: NIODeadline, limit: TimeAmount, clock: ClockName) {
        self.deadline = deadline
        self.deadlineError = .timeout(clock, limit: limit, didSend: true)
    }

    private func arm(_ amount: TimeAmount, _ clock: ClockName, from start: NIODeadline) {
        let deadline = start + amount
        self.armedError =
            deadline <= self.deadline ? .timeout(clock, limit: amount, didSend: true) : self.deadlineError
        self.timer.arm(min(deadline, self.deadline))
    }

    func timerFired() {
        switch self.state {
        case .idle:
            self.end(self.retireAt <= .now() ? .life : .idle)
        case .head, .body:
            // With nobody waiting it is the client that is slow; its own clock runs.
            guard self.waiter.isWaiting else { return }
            self.runtime.figures.note(self.armedError)
            self.fail(self.armedError)
            self.end(.call)
        case .complete, .closed:
            break
        }
    }

    func fail(_ error: any Error) {
        if self.failure == nil { self.failure = error }
        self.waiter.wake()
    }
}
