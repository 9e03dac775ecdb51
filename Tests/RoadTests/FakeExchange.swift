import Core
import NIOCore
import NIOEmbedded
import TestKit
import Testing
import Transport
import Wire

/// The client's side of one request, in memory: what the gateway sends is kept for a look.
final class FakeExchange: ServerExchange {
    private(set) var head = HTTPHead()
    let headBytes: ByteBuffer
    private let body: ByteBuffer
    var peer = PeerAddress(text: "203.0.113.7", port: 40_000, isLoopback: false)
    let isSecure = false
    /// Whether it came in on the listener for administration.
    var isAdministrative = false
    let fake: FakeTransport
    var transport: any LoopTransport { self.fake }
    let arrival: NIODeadline
    var isDraining = false

    private(set) var status = 0
    private(set) var fields = ""
    private(set) var framing: ResponseBody?
    /// What left with each flush.
    private(set) var batches: [String] = []
    private var pending = ByteBuffer()
    private(set) var bytesSent = 0
    private(set) var isFinished = false
    private(set) var wasBodyRead = false
    private(set) var silence: (() -> Void)?
    private(set) var hurry: (() -> Void)?
    /// The client is gone: everything that waits is cancelled.
    var isGone = false

    init(_ request: String, body: String = "", transport: FakeTransport, arrival: NIODeadline = .now()) {
        self.arrival = arrival
        self.headBytes = ByteBuffer(string: request)
        self.body = ByteBuffer(string: body)
        self.fake = transport
        do {
            _ = try self.headBytes.withUnsafeReadableBytes { try self.head.parseRequest($0, limits: HTTPLimits()) }
        } catch {
            preconditionFailure("the test's request is no request: \(error)")
        }
    }

    /// All of the answer's body.
    var sent: String { self.batches.joined() }
    var json: JSONValue? { try? JSONValue.parse(self.sent) }
    var isResponseStarted: Bool { self.status != 0 }

    /// The value of an answer's field.
    func field(_ name: String) -> String? {
        self.fields.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map {
            String($0.dropFirst(name.count + 2))
        }
    }

    /// Whether the body comes after the head.
    var isBodyLate = false

    func takeBody(limit: Int) throws(RequestFault) -> ByteBuffer? {
        self.wasBodyRead = true
        guard self.body.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
        return self.isBodyLate ? nil : self.body
    }

    func awaitBody(limit: Int) async throws -> ByteBuffer {
        if self.isGone { throw CancellationError() }
        return self.body
    }

    /// The pieces in which a streamed body comes; nil: in one.
    var pieces: [String]?

    func takePieces(limit: Int, held: Int) throws(RequestFault) -> any BodySource {
        self.wasBodyRead = true
        let pieces = self.pieces?.map { ByteBuffer(string: $0) } ?? [self.body]
        guard pieces.reduce(0, { $0 + $1.readableBytes }) <= limit else { throw .bodyTooLarge(limit: limit) }
        return ScriptedBody(pieces, isChunked: self.head.framing == .chunked, canRewind: false)
    }

    func begin(status: Int, fields: ByteBuffer, body: ResponseBody) {
        precondition(self.status == 0, "an answer can begin only once")
        self.status = status
        self.fields = String(buffer: fields)
        self.framing = body
    }

    func write(_ bytes: ByteBuffer) { self.pending.writeImmutableBuffer(bytes) }
    func write(_ append: (inout ByteBuffer) -> Void) { append(&self.pending) }

    func flushNow() {
        self.bytesSent += self.pending.readableBytes
        if self.pending.readableBytes > 0 { self.batches.append(String(buffer: self.pending)) }
        self.pending.clear()
    }

    func finishNow() {
        self.flushNow()
        self.isFinished = !self.isGone
    }

    var hasCredit: Bool { !self.isGone }
    func awaitCredit() async throws { if self.isGone { throw CancellationError() } }

    func closeAfterwards() {}
    func onSilence(_ interval: TimeAmount, _ action: (() -> Void)?) { self.silence = action }
    func onHurry(_ action: (() -> Void)?) { self.hurry = action }
}

/// The way to the providers, in memory: each call to `open` takes the next script.
final class FakeTransport: LoopTransport {
    let eventLoop: any EventLoop = EmbeddedEventLoop()
    let loopIndex = 0
    /// What the providers do, one script for each request, in order.
    var scripts: [FakeUpstream.Script] = []
    /// What was sent to them.
    private(set) var requests: [String] = []
    private(set) var endpoints: [Endpoint] = []
    private(set) var deadlines: [NIODeadline] = []
    private(set) var upstreams: [FakeUpstream] = []
    /// What is waited for before a request is sent.
    var duringDial: (() async -> Void)?

    func open(_ request: UpstreamRequest) async throws -> any UpstreamExchange {
        await self.duringDial?()
        if let isWanted = request.isWanted, !isWanted() { throw CancellationError() }
        var bytes = request.bytes
        for part in request.rest { bytes.writeImmutableBuffer(part) }
        while let part = try await request.upload?.read() { bytes.writeImmutableBuffer(part) }
        self.requests.append(String(buffer: bytes))
        self.endpoints.append(request.endpoint)
        self.deadlines.append(request.deadline)
        guard !self.scripts.isEmpty else {
            Issue.record("the gateway called a provider that no script is for")
            throw TransportError.connectFailed("no script")
        }
        let upstream = try FakeUpstream(self.scripts.removeFirst())
        self.upstreams.append(upstream)
        return upstream
    }

    func sleep(for duration: TimeAmount) async throws {}
    /// What happens while something waits for its turn until the given time; nil: the time is over at once.
    var duringWait: ((NIODeadline) throws -> Void)?
    /// Makes waits that end otherwise; nil: as `duringWait` says.
    var waits: (() -> any LoopWait)?
    func makeWait() -> any LoopWait {
        self.waits?() ?? FakeWait { [weak self] in try self?.duringWait?($0) }
    }
    func takeBuffer() -> ByteBuffer { ByteBuffer() }
    func giveBuffer(_ buffer: inout ByteBuffer) {}

    /// The body of the n-th request.
    func body(_ number: Int = 0) -> String {
        let parts = self.requests[number].split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count > 1 ? String(parts[1]) : ""
    }
}

/// A wait that is over when the test says so.
private final class FakeWait: LoopWait, @unchecked Sendable {
    // Safety: made and used by one test, on one task; `wake` touches nothing.
    private let during: (NIODeadline) throws -> Void

    init(_ during: @escaping (NIODeadline) throws -> Void) { self.during = during }

    func wait(until deadline: NIODeadline) async throws { try self.during(deadline) }
    func wake() {}
}

/// One answer of a provider, step by step.
final class FakeUpstream: UpstreamExchange {
    enum Step {
        case bytes(String)
        case fail(any Error)
        /// Runs in the middle of the gateway's waiting for more.
        case meanwhile(() -> Void)
        /// What is waited for before more comes.
        case pause(() async -> Void)
    }

    struct Script {
        var head: String
        var steps: [Step]
        var openFailure: (any Error)?

        /// A whole JSON answer.
        static func json(_ body: String, status: Int = 200, fields: String = "") -> Script {
            let head =
                "HTTP/1.1 \(status) X\r\ncontent-type: application/json\r\n\(fields)"
                + "content-length: \(body.utf8.count)\r\n\r\n"
            return Script(head: head, steps: body.isEmpty ? [] : [.bytes(body)])
        }

        /// A stream.
        static func stream(_ steps: Step..., fields: String = "") -> Script {
            Script(
                head:
                    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\(fields)transfer-encoding: chunked\r\n\r\n",
                steps: steps
            )
        }

        /// A connection that could not be used.
        static func failure(_ error: any Error) -> Script { Script(head: "", steps: [], openFailure: error) }
    }

    private(set) var head = HTTPHead()
    let headBytes: ByteBuffer
    let isFreshConnection = true
    private var steps: [Step]
    private(set) var isAbandoned = false
    private(set) var clocks: [ClockName] = []

    init(_ script: Script) throws {
        if let failure = script.openFailure { throw failure }
        self.headBytes = ByteBuffer(string: script.head)
        self.steps = script.steps
        _ = try self.headBytes.withUnsafeReadableBytes {
            try self.head.parseResponse($0, toHead: false, limits: HTTPLimits())
        }
    }

    /// Nothing is there before it was waited for, as from a socket.
    private var wasAwaited = false

    func poll() throws -> UpstreamPiece {
        guard self.wasAwaited else { return .later }
        self.wasAwaited = false
        while !self.steps.isEmpty {
            if self.isAbandoned { throw TransportError.closedInBody }
            switch self.steps.removeFirst() {
            case .bytes(let text): return .bytes(ByteBuffer(string: text))
            case .fail(let error): throw error
            case .meanwhile(let action): action()
            case .pause(let action):
                self.steps.insert(.pause(action), at: 0)
                return .later
            }
        }
        if self.isAbandoned { throw TransportError.closedInBody }
        return .end
    }

    func wait() async throws {
        self.wasAwaited = true
        guard case .pause(let action)? = self.steps.first else { return }
        self.steps.removeFirst()
        await action()
        try Task.checkCancellation()
    }

    func setDeadline(_ deadline: NIODeadline, limit: TimeAmount, clock: ClockName) { self.clocks.append(clock) }
    func abandon() { self.isAbandoned = true }
}
