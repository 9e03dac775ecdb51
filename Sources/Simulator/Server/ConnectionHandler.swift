import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection: collects requests, has them decided, and notices how and when the client leaves.
///
/// Requests are parsed by NIOHTTP1 (llhttp), answers are written as bytes by `AnswerRunner`. Confined to its event
/// loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Next: `receiving` with a head.
        case idle
        /// Next: `answering` when the body is complete, or at once if a fault says so.
        case receiving(Request)
        /// Next: `idle`, or `closing`.
        case answering(AnswerRunner, Request)
        /// Nothing that comes is of interest any more.
        case closing
    }

    private final class Request {
        let head: HTTPRequestHead
        let record: CallRecord
        let sequence: Int
        let early: Behaviour?
        var body = ByteBuffer()
        var bodyBytes = 0
        var isComplete = false
        /// What reads a body that is too large to be held.
        var upload: MultipartReader?

        init(
            head: HTTPRequestHead,
            record: CallRecord,
            sequence: Int,
            early: Behaviour?,
            upload: MultipartReader?
        ) {
            self.head = head
            self.record = record
            self.sequence = sequence
            self.early = early
            self.upload = upload
        }

        /// Takes a piece of the body.
        ///
        /// - Returns: Whether it may go on.
        func take(_ bytes: inout ByteBuffer) -> Bool {
            self.bodyBytes += bytes.readableBytes
            guard self.upload != nil else {
                guard self.bodyBytes <= ConnectionHandler.bodyBytesLimit else { return false }
                self.body.writeBuffer(&bytes)
                return true
            }
            self.upload?.take(bytes)
            if self.body.readableBytes < RecordedCall.bodyLimit { self.body.writeBuffer(&bytes) }
            return self.bodyBytes <= ConnectionHandler.uploadBytesLimit
        }
    }

    /// Larger request bodies are refused; uploads, which are not held, may be larger.
    private static let bodyBytesLimit = 128 << 20
    private static let uploadBytesLimit = 4 << 30
    /// Parts of pipelined requests that wait for the answer before them.
    private static let backlogLimit = 256

    private let service: CallService
    private let number: Int
    private let isTLS: Bool
    private let serverName: String?
    private let accepted: NIODeadline
    private var state = State.idle
    private var backlog = CircularBuffer<HTTPServerRequestPart>()
    private var isLocal = false

    init(service: CallService, number: Int, isTLS: Bool, serverName: String?, accepted: NIODeadline) {
        self.service = service
        self.isTLS = isTLS
        self.number = number
        self.serverName = serverName
        self.accepted = accepted
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let address = context.remoteAddress?.ipAddress
        self.isLocal = address?.hasPrefix("127.") == true || address == "::1"
    }

    // MARK: - What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data)
        if case .answering(_, let request) = self.state {
            // The rest of a body that is not wanted, or a pipelined request.
            guard request.isComplete else {
                if case .end = part { request.isComplete = true }
                return
            }
            self.backlog.append(part)
            if self.backlog.count > Self.backlogLimit { context.close(promise: nil) }
            return
        }
        self.take(part, context: context)
    }

    private func take(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        switch (part, self.state) {
        case (.head(let head), .idle): self.begin(head, context: context)
        case (.body(var bytes), .receiving(let request)):
            if !request.take(&bytes) { self.answer(request, context: context) }
        case (.end, .receiving(let request)):
            request.isComplete = true
            self.answer(request, context: context)
        default: break
        }
    }

    private func begin(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        var call = self.newCall()
        call.method = head.method.rawValue
        call.path = head.uri
        call.headerFields = head.headers
        let early = self.service.early(head)
        call.options = early?.keys ?? []
        let (record, sequence) = self.service.begin(call)
        let request = Request(
            head: head,
            record: record,
            sequence: sequence,
            early: early,
            upload: self.service.upload(head)
        )
        self.state = .receiving(request)
        if let early, let action = early.onHead {
            self.perform(action, on: request, context: context)
        } else if let early, early.leavesBodyUnread {
            self.setReading(false, context: context)
            self.answer(request, context: context)
        } else {
            if let bytes = early?.slowReadBytes { self.readSlowly(bytes, context: context) }
            if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
                let go = ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")
                context.writeAndFlush(self.wrapOutboundOut(go), promise: nil)
            }
        }
    }

    private func newCall() -> RecordedCall {
        var call = RecordedCall()
        call.connection = self.number
        call.serverName = self.serverName
        call.acceptedNanoseconds = self.accepted.uptimeNanoseconds
        call.headReceivedNanoseconds = self.service.options.clocks.monotonic().uptimeNanoseconds
        return call
    }

    // MARK: - Answering

    private func answer(_ request: Request, context: ChannelHandlerContext) {
        let now = self.service.options.clocks.monotonic()
        if request.isComplete { request.record.update { $0.bodyCompleteNanoseconds = now.uptimeNanoseconds } }
        let kept = request.body.readableBytesView.prefix(RecordedCall.bodyLimit)
        self.service.recorder.setBody(Array(kept), size: request.bodyBytes, of: request.record)
        let upload = request.upload?.finish()
        request.record.update { $0.upload = upload }
        let decision: CallService.Decision
        if request.bodyBytes > (upload == nil ? Self.bodyBytesLimit : Self.uploadBytesLimit) {
            decision = self.service.tooLarge(request.head, sequence: request.sequence)
        } else {
            decision = self.service.decide(
                .init(
                    head: request.head,
                    body: request.body,
                    record: request.record,
                    sequence: request.sequence,
                    isLocal: self.isLocal,
                    upload: upload
                ),
                early: request.early
            )
        }
        request.body = ByteBuffer()
        let runner = AnswerRunner(
            context: context,
            record: request.record,
            decision: decision,
            clock: self.service.options.clocks.monotonic
        ) { ending in
            self.answered(request, ending, context: context)
        }
        self.state = .answering(runner, request)
        runner.advance()
    }

    /// The whole answer was handed to the socket, or was cut short by a fault.
    private func answered(_ request: Request, _ ending: Ending, context: ChannelHandlerContext) {
        self.service.end(request.record, AnswerRunner.isComplete(ending) ? .completed : .cut)
        guard case .keepAlive = ending else {
            self.state = .closing
            return
        }
        guard request.isComplete else {
            self.state = .closing
            context.close(promise: nil)
            return
        }
        self.state = .idle
        while case .idle = self.state, let part = self.backlog.popFirst() { self.take(part, context: context) }
        while case .receiving = self.state, let part = self.backlog.popFirst() { self.take(part, context: context) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .answering(let runner, _) = self.state { runner.advance() }
        context.fireChannelWritabilityChanged()
    }

    // MARK: - How it ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            if case .answering(let runner, _) = self.state, runner.ignoresClientClose { return }
            self.clientLeft(.clientClosed)
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let problem = error as? HTTPParserError {
            self.parserFailed(problem, context: context)
            return
        }
        // Over TLS, FIN without the goodbye before it is an error too.
        let isEnd = (error as? NIOSSLError) == .uncleanShutdown
        self.clientLeft(isEnd ? .clientClosed : .clientReset)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Without TLS a FIN has been noticed before this, so only a write that failed can have led here.
        self.clientLeft(self.isTLS ? .clientClosed : .clientReset)
        context.fireChannelInactive()
    }

    private func clientLeft(_ ending: RecordedCall.Ending) {
        switch self.state {
        case .idle, .closing: break
        case .receiving(let request): self.service.end(request.record, ending)
        case .answering(let runner, let request):
            runner.stop()
            self.service.end(request.record, ending)
        }
        self.state = .closing
    }

    /// What came is no HTTP.
    ///
    /// It is recorded all the same: whoever sent it must not have.
    private func parserFailed(_ problem: HTTPParserError, context: ChannelHandlerContext) {
        // An unfinished message at the end of input is a client that left, which is noticed by itself.
        if problem == .invalidEOFState { return }
        let record: CallRecord
        switch self.state {
        case .closing: return
        case .answering(let runner, _) where runner.ignoresClientClose: return
        case .answering:
            context.close(promise: nil)
            return
        case .receiving(let request): record = request.record
        case .idle: record = self.service.begin(self.newCall()).record
        }
        record.update {
            $0.problem = "\(problem)"
            $0.status = 400
        }
        self.service.end(record, .malformed)
        self.state = .closing
        let answer = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: answer))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    // MARK: - Early faults

    private func perform(_ action: Behaviour.Early, on request: Request, context: ChannelHandlerContext) {
        switch action {
        case .stall: self.setReading(true, context: context)
        case .close, .reset:
            self.service.end(request.record, .cut)
            self.state = .closing
            ConnectionCut.perform(action == .reset ? .reset : .close, on: context)
        }
    }

    private func setReading(_ isOn: Bool, context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: isOn)
    }

    /// Reads so many bytes every ten milliseconds.
    private func readSlowly(_ bytes: Int, context: ChannelHandlerContext) {
        self.setReading(false, context: context)
        try? context.channel.syncOptions?.setOption(
            .recvAllocator,
            value: FixedSizeRecvByteBufferAllocator(capacity: max(1, bytes))
        )
        try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        self.readOnce(context: context)
    }

    private func readOnce(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        guard case .receiving = self.state else {
            self.setReading(true, context: context)
            return
        }
        context.read()
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { self.readOnce(context: context) }
    }
}
