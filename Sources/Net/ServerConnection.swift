import Core
import NIOCore
import NIOTLS
import Transport
import Wire

/// One client's connection: reads requests one after the other and hands each to the handler, in order, within the
/// connection's one task.
///
/// Confined to its loop.
///
/// `ServerConnection+request.swift` has the way in, `ServerConnection+response.swift` the way out.
final class ServerConnection: ChannelInboundHandler, WheelTimerOwner {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Where the connection stands; the timer's meaning follows from it.
    enum Phase {
        /// TLS is being agreed on, at most `handshakeTimeout`. Next: `idle`.
        case handshake
        /// Between requests, at most `idleTimeout`. Next: `head`.
        case idle
        /// A head is coming in, at most `headTimeout` from its first byte. Next: `busy`.
        case head
        /// The handler runs and has not asked for the body, or has it. Next: `body`, `idle`, `lingering`.
        case busy
        /// The handler waits for the body. Next: `busy`.
        case body
        /// The answer is out and so is our FIN; what still comes in is thrown away. Next: `closed`.
        case lingering
        case closed
    }

    let server: HTTPServer.Shared
    let terms: HTTPServer.Shared.Terms
    let runtime: LoopRuntime
    let isSecure: Bool
    let isAdministrative: Bool
    let peer: PeerAddress
    let waiter: LoopWaiter
    let timer: WheelTimer
    var context: ChannelHandlerContext?
    var phase: Phase
    var task: Task<Void, Never>?

    // The request.
    var head = HTTPHead()
    var headBytes = ByteBuffer()
    var arrival = NIODeadline.now()
    /// Bytes from the client that nobody has parsed yet.
    var inbound: ByteBuffer?
    var fault: RequestFault?
    var isRequestReady = false
    var requestWaiter: UnsafeContinuation<Void, Never>?
    var body = BodyState()
    var isReadingPaused = false

    // The response.
    var response = ResponseState()

    init(
        server: HTTPServer.Shared,
        terms: HTTPServer.Shared.Terms,
        runtime: LoopRuntime,
        isSecure: Bool,
        isAdministrative: Bool,
        peer: PeerAddress
    ) {
        self.server = server
        self.terms = terms
        self.runtime = runtime
        self.isSecure = isSecure
        self.isAdministrative = isAdministrative
        self.peer = peer
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
        self.phase = isSecure ? .handshake : .idle
    }

    // MARK: The connection's task

    /// Serves requests until the connection ends.
    func serve() async {
        while await self.nextRequest() {
            self.server.noteBusy(1)
            if let fault = self.fault {
                await self.server.handler.refuse(fault, rawHead: self.headBytes, exchange: self)
                self.response.closesAfterwards = true
            } else {
                await self.server.handler.handle(self)
            }
            self.exchangeIsOver()
            self.server.noteBusy(-1)
        }
    }

    /// Waits for a complete head or a fault; false when the connection is gone.
    private func nextRequest() async -> Bool {
        if !self.isRequestReady, self.phase != .closed, self.phase != .lingering {
            await withUnsafeContinuation { self.requestWaiter = $0 }
        }
        guard self.isRequestReady, self.phase != .closed else { return false }
        self.isRequestReady = false
        return true
    }

    func wakeForRequest() {
        guard let continuation = self.requestWaiter else { return }
        self.requestWaiter = nil
        continuation.resume()
    }

    /// Brings the connection to its next request, or to its end.
    private func exchangeIsOver() {
        self.server.load.releaseBody(self.body.reserved)
        self.body.pieces?.detach()
        guard self.phase != .closed else { return }
        let isComplete = self.response.isFinished && self.body.isConsumed
        if !isComplete || self.response.closesAfterwards || self.server.isDraining {
            self.endConnection(gracefully: self.response.isFinished)
            return
        }
        self.resetExchange()
        self.phase = .idle
        self.timer.arm(.now() + self.terms.options.idleTimeout)
        self.resumeReading()
        if let bytes = self.inbound {
            self.inbound = nil
            self.take(bytes)
        }
    }

    private func resetExchange() {
        self.head.reset()
        self.body = BodyState()
        self.response.reset()
        self.fault = nil
    }

    /// Ends the connection.
    ///
    /// Closing a socket with unread bytes makes the kernel send a reset, which can take the answer away from the
    /// client; so after a complete answer our side is closed first and the rest is read and dropped.
    func endConnection(gracefully: Bool) {
        guard let context = self.context, self.phase != .closed, self.phase != .lingering else { return }
        guard gracefully else {
            context.close(promise: nil)
            return
        }
        self.phase = .lingering
        self.inbound = nil
        self.timer.arm(.now() + self.terms.options.lingerTimeout)
        self.resumeReading()
        if self.isSecure {
            // TLS has no half-close here: close once everything written is out.
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.assumeIsolated().whenComplete { _ in self.context?.close(promise: nil) }
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer()), promise: written)
        } else {
            context.close(mode: .output, promise: nil)
        }
        self.wakeForRequest()
    }

    // MARK: Clocks

    func timerFired() {
        switch self.phase {
        case .handshake, .lingering:
            self.context?.close(promise: nil)
        case .idle:
            self.context?.close(promise: nil)
        case .head:
            self.refuse(
                .timeout("The request head did not arrive within \(self.terms.options.headTimeout.seconds) s.")
            )
        case .body:
            self.checkBodyPace()
        case .busy:
            self.responseTimerFired()
        case .closed:
            break
        }
    }

    // MARK: Draining

    /// Finishes what runs and takes nothing new.
    func drain() {
        switch self.phase {
        case .idle, .handshake:
            // Nothing is owed and nothing is unread: no need to wait for the client's FIN.
            self.context?.close(promise: nil)
        case .head:
            self.endConnection(gracefully: true)
        case .busy, .body, .lingering, .closed:
            break
        }
    }

    /// The drain time is over: the handler says so in-band, where it can, and its task is cancelled.
    func hurry() {
        self.runtime.executor.scope {
            if let action = self.response.onHurry {
                self.response.onHurry = nil
                action()
            }
            self.task?.cancel()
        }
    }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.timer.owner = self
        self.runtime.connections.add(self)
        let options = self.terms.options
        self.timer.arm(.now() + (self.isSecure ? options.handshakeTimeout : options.idleTimeout))
        self.task = ConnectionTask.start(self)
        if self.server.isDraining { self.drain() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.timer.owner = nil
        self.timer.disarm()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent, self.phase == .handshake {
            self.phase = .idle
            self.timer.arm(.now() + self.terms.options.idleTimeout)
        }
        if case .inputClosed? = event as? ChannelEvent { self.inputClosed() }
        context.fireUserInboundEventTriggered(event)
    }

    /// The client's FIN, where half-closed clients are allowed to wait for their answer.
    private func inputClosed() {
        self.runtime.executor.scope {
            self.response.closesAfterwards = true
            switch self.phase {
            case .idle, .head, .handshake, .lingering: self.context?.close(promise: nil)
            case .body: self.waiter.fail(CancellationError())
            case .busy: self.body.pieces?.fail(CancellationError())
            case .closed: break
            }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.runtime.executor.scope { self.waiter.wake() }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.runtime.executor.scope {
            self.phase = .closed
            self.runtime.connections.remove(self)
            self.server.load.connectionClosed()
            self.response.onSilence = nil
            self.response.onHurry = nil
            // The client is gone: whatever is done for it ends now.
            self.body.pieces?.fail(CancellationError())
            self.task?.cancel()
            self.task = nil
            self.wakeForRequest()
        }
        context.fireChannelInactive()
    }
}

extension TimeAmount {
    /// Whole seconds, for messages.
    var seconds: Int64 { self.nanoseconds / 1_000_000_000 }
}
