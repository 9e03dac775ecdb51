import NIOCore

/// Turns what is to be said into steps on the connection: heads, framing, pauses and the faults among them.
struct AnswerBuilder {
    var behaviour: Behaviour
    /// In whose words and manners the answer comes.
    var dialect: any Dialect
    var sequence: Int
    /// Milliseconds before the first word and between words, unless the behaviour says otherwise.
    var pace: (first: Int, between: Int)
    /// Seconds since 1970.
    var now: Int
    var key: String
    /// Whether the client wants the connection closed, or speaks HTTP/1.0.
    var clientCloses: Bool
    var isHead = false

    /// What the answer's head and body are made of, before framing.
    struct Content {
        var status: Int
        var type: String
        var fields: [(name: String, value: String)] = []
        var reason: String?
        /// Time to pass before the head, in milliseconds.
        var delay = 0
    }

    // MARK: - Answers

    /// A finished JSON body.
    ///
    /// `delay` is in milliseconds.
    func json(_ bytes: [UInt8], status: Int = 200, mark: Mark = Mark(), delay: Int = 0) -> AnswerSteps {
        self.body(bytes, type: "application/json", status: status, mark: mark, delay: delay)
    }

    /// A finished body of any type.
    ///
    /// `delay` is in milliseconds.
    func body(
        _ bytes: [UInt8],
        type: String,
        status: Int = 200,
        mark: Mark = Mark(),
        delay: Int = 0
    ) -> AnswerSteps {
        let content = Content(
            status: self.behaviour.status ?? status,
            type: type,
            delay: self.behaviour.headMilliseconds ?? delay
        )
        return self.whole(content, bytes, mark)
    }

    /// An error that the request earned by itself.
    func failure(_ failure: APIFailure) -> AnswerSteps {
        self.whole(failure.status, self.dialect.errorBody(failure, sequence: self.sequence))
    }

    /// A completion as one body, which takes as long as its stream would.
    ///
    /// `body` is not called for a body without end.
    func whole(
        _ completion: Completion,
        type: String = "application/json",
        body: () -> [UInt8]
    ) -> AnswerSteps {
        if self.behaviour.isEndless { return self.endlessBody() }
        let mark = Mark(
            tokens: completion.usage.completion,
            hasUsage: self.behaviour.usage != Behaviour.UsageFault.none
        )
        let words = max(0, min(completion.usage.completion - completion.usage.reasoning, 1 << 20) - 1)
        let first = self.behaviour.firstEventMilliseconds ?? self.pace.first
        let between = self.behaviour.intervalMilliseconds ?? self.pace.between
        return self.body(body(), type: type, mark: mark, delay: first + between * words)
    }

    /// An answer as a stream of events.
    ///
    /// `warmUp` follows the head at once, if the dialect has something to say before it has an answer.
    func stream(
        _ source: any EventSource,
        type: String = "text/event-stream; charset=utf-8",
        warmUp: [UInt8] = []
    ) -> AnswerSteps {
        let first = self.behaviour.firstEventMilliseconds ?? self.pace.first
        // Most send the head with the first word; some answer at once and keep the connection warm.
        let headDelay = self.behaviour.headMilliseconds ?? (self.dialect.sendsHeadAtOnce ? 0 : first)
        var framing = self.framing(isStream: true)
        let content = Content(
            status: self.behaviour.status ?? 200,
            type: type,
            fields: [("cache-control", "no-cache")],
            delay: headDelay
        )
        var before = self.head(content, length: nil, framing: framing)
        if !warmUp.isEmpty { before.append(.write(framing.piece([warmUp]), Mark())) }
        if first > headDelay { before.append(.pause(milliseconds: first - headDelay)) }
        let stream = AnswerStream(
            source,
            dialect: self.dialect,
            behaviour: self.behaviour,
            interval: self.behaviour.intervalMilliseconds ?? self.pace.between,
            framing: framing
        )
        return AnswerSteps(before, stream: stream, after: [.end(self.ending(framing))])
    }

    // MARK: - Heads and framing

    func whole(_ content: Content, _ bytes: [UInt8], _ mark: Mark) -> AnswerSteps {
        var framing = self.framing(isStream: false)
        var body = bytes
        if self.behaviour.isGzipped, !framing.isChunked {
            var gzip = StoredGzip()
            body = gzip.block(bytes) + gzip.end()
            framing = BodyFraming(isChunked: false, behaviour: Behaviour())
        }
        let hasBody = content.status != 204 && content.status != 304 && !self.isHead
        var steps = self.head(content, length: framing.isChunked ? nil : body.count, framing: framing)
        if hasBody {
            var piece = framing.isChunked && body.isEmpty ? ByteBuffer() : framing.piece([body])
            var end = framing.end()
            piece.writeBuffer(&end)
            self.append(piece, mark, to: &steps)
        }
        steps.append(.end(self.ending(framing)))
        return AnswerSteps(steps)
    }

    /// Adds a body, in one write with its head unless they are to be told apart.
    private func append(_ body: ByteBuffer, _ mark: Mark, to steps: inout [Step]) {
        guard self.behaviour.drip == nil, case .write(var both, let head)? = steps.last else {
            steps.append(.write(body, mark))
            return
        }
        both.writeImmutableBuffer(body)
        steps[steps.count - 1] = .write(
            both,
            Mark(isHead: true, status: head.status, tokens: mark.tokens, hasUsage: mark.hasUsage)
        )
    }

    func framing(isStream: Bool) -> BodyFraming {
        let isChunked: Bool
        switch self.behaviour.framing {
        case .close: isChunked = false
        case .chunked: isChunked = true
        case .length: isChunked = isStream
        case nil: isChunked = isStream || self.behaviour.hasTrailers
        }
        return BodyFraming(isChunked: isChunked && !self.behaviour.isHTTP10, behaviour: self.behaviour)
    }

    /// Whether the end of the connection is what ends the body.
    private func readsUntilClose(_ framing: BodyFraming, length: Int?) -> Bool {
        !framing.isChunked && (length == nil || self.behaviour.framing == .close)
    }

    func head(_ content: Content, length: Int?, framing: BodyFraming) -> [Step] {
        var steps: [Step] = []
        if content.delay > 0 { steps.append(.pause(milliseconds: content.delay)) }
        if self.behaviour.stallsBeforeHead {
            steps.append(self.behaviour.stallMilliseconds.map { .pause(milliseconds: $0) } ?? .stall)
        }
        steps += self.informational()
        var fields = [(name: "content-type", value: self.behaviour.contentType ?? content.type)]
        let own = content.fields.map(\.name)
        fields += self.dialect.headFields(status: content.status, sequence: self.sequence)
            .filter { !own.contains($0.name) }
        fields += content.fields
        if self.behaviour.isGzipped { fields.append(("content-encoding", "gzip")) }
        if content.status != 204 { fields += self.framingFields(framing, length: length) }
        if self.saysClose(framing, length: length) { fields.append(("connection", "close")) }
        let head = ResponseHead(status: content.status, reason: content.reason, fields: fields)
        steps.append(.write(head.bytes(self.behaviour), Mark(isHead: true, status: head.status)))
        if let size = self.behaviour.headerLineBytes {
            steps.append(.write(ByteBuffer(string: "x-sim-line: "), Mark(isHead: true)))
            steps.append(.fill(UInt8(ascii: "H"), count: size))
            steps.append(.write(ByteBuffer(string: "\r\n\r\n"), Mark(isHead: true)))
        }
        if self.behaviour.hasEndlessHeaders {
            steps.append(.forever(ByteBuffer(string: "x-sim-endless: \(String(repeating: "e", count: 200))\r\n")))
        }
        if self.behaviour.stallsAfterHead {
            steps.append(self.behaviour.stallMilliseconds.map { .pause(milliseconds: $0) } ?? .stall)
        }
        return steps
    }

    private func informational() -> [Step] {
        guard let count = self.behaviour.informational, count > 0 else { return [] }
        let status = self.behaviour.informationalStatus ?? 103
        let one = "HTTP/1.1 \(status) Early\r\nlink: </style.css>; rel=preload\r\n\r\n"
        var steps: [Step] = []
        var left = count
        while left > 0 {
            let some = min(left, 1000)
            steps.append(.write(ByteBuffer(string: String(repeating: one, count: some)), Mark(isHead: true)))
            left -= some
        }
        return steps
    }

    private func framingFields(_ framing: BodyFraming, length: Int?) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if framing.isChunked { fields.append(("transfer-encoding", "chunked")) }
        if framing.hasTrailers { fields.append(("trailer", "x-sim-trailer")) }
        // For a stream the length is not known; a wrong one needs some number to be wrong about.
        let size = length ?? 1000
        switch self.behaviour.contentLength {
        case nil:
            if let length, !framing.isChunked, self.behaviour.framing != .close {
                fields.append(("content-length", "\(length)"))
            }
        case .short: fields.append(("content-length", "\(max(0, size - 5))"))
        case .long: fields.append(("content-length", "\(size + 10)"))
        case .twice: fields += [("content-length", "\(size)"), ("content-length", "\(size)")]
        case .differing: fields += [("content-length", "\(size)"), ("content-length", "\(size + 1)")]
        case .negative: fields.append(("content-length", "-\(size)"))
        case .plus: fields.append(("content-length", "+\(size)"))
        case .list: fields.append(("content-length", "\(size), \(size)"))
        case .withChunked:
            if !framing.isChunked { fields.append(("transfer-encoding", "chunked")) }
            fields.append(("content-length", "\(size)"))
        }
        return fields
    }

    private func saysClose(_ framing: BodyFraming, length: Int?) -> Bool {
        self.behaviour.closesConnection || self.clientCloses || self.readsUntilClose(framing, length: length)
    }

    func ending(_ framing: BodyFraming) -> Ending {
        if let wait = self.behaviour.closesIdleMilliseconds { return .close(afterMilliseconds: wait) }
        if self.behaviour.closesIdle || self.behaviour.isHTTP10 || self.behaviour.contentLength == .long {
            return .close(afterMilliseconds: 0)
        }
        if self.behaviour.closesConnection || self.clientCloses || self.behaviour.framing == .close {
            return .close(afterMilliseconds: 0)
        }
        return .keepAlive
    }
}
