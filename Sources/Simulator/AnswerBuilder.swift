import NIOCore

/// Turns what is to be said into steps on the connection: heads, framing, pauses and the faults among them.
struct AnswerBuilder {
    var behaviour: Behaviour
    var flavour: Flavour
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
    private struct Content {
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
        let content = Content(
            status: self.behaviour.status ?? status,
            type: "application/json",
            delay: self.behaviour.headMilliseconds ?? delay
        )
        return self.whole(content, bytes, mark)
    }

    /// An error that the request earned by itself.
    func failure(_ failure: APIFailure) -> AnswerSteps {
        self.whole(
            Content(status: failure.status, type: "application/json", delay: self.explicitDelay),
            failure.body(self.flavour),
            Mark()
        )
    }

    /// A completion as one body or as a stream.
    func completion(_ completion: Completion, isStream: Bool, includesUsage: Bool) -> AnswerSteps {
        let first = self.behaviour.firstEventMilliseconds ?? self.pace.first
        let between = self.behaviour.intervalMilliseconds ?? self.pace.between
        guard isStream else {
            if self.behaviour.isEndless { return self.endlessBody() }
            let mark = Mark(
                tokens: completion.usage.completion,
                hasUsage: self.behaviour.usage != Behaviour.UsageFault.none
            )
            let words = max(0, min(completion.usage.completion - completion.usage.reasoning, 1 << 20) - 1)
            let delay = first + between * words
            return self.json(ChatBody.bytes(completion, behaviour: self.behaviour), mark: mark, delay: delay)
        }
        // OpenRouter answers at once and keeps the connection warm; others send the head with the first word.
        let headDelay = self.behaviour.headMilliseconds ?? (self.flavour == .openRouter ? 0 : first)
        var framing = self.framing(isStream: true)
        let content = Content(
            status: self.behaviour.status ?? 200,
            type: "text/event-stream; charset=utf-8",
            fields: [("cache-control", "no-cache")],
            delay: headDelay
        )
        var before = self.head(content, length: nil, framing: framing)
        if self.flavour == .openRouter {
            let comment = EventFormat(self.behaviour.sse).comment("OPENROUTER PROCESSING")
            before.append(.write(framing.piece(comment), Mark()))
        }
        if first > headDelay { before.append(.pause(milliseconds: first - headDelay)) }
        let stream = ChatStream(
            completion,
            behaviour: self.behaviour,
            includesUsage: includesUsage,
            interval: between,
            framing: framing
        )
        return AnswerSteps(before, stream: stream, after: [.end(self.ending(framing))])
    }

    /// The answer of a behaviour that does not care what was asked.
    ///
    /// Nil if there is no such fault.
    func replacement(isStream: Bool) -> AnswerSteps? {
        let behaviour = self.behaviour
        if behaviour.cutBeforeHead {
            let pause: [Step] = self.explicitDelay > 0 ? [.pause(milliseconds: self.explicitDelay)] : []
            return AnswerSteps(pause + [.end(.cut(behaviour.cut ?? .close))])
        }
        if behaviour.stallsBeforeHead, behaviour.stallMilliseconds == nil { return AnswerSteps([.stall]) }
        if behaviour.switchesProtocols { return self.switching() }
        if let size = behaviour.gzipBombBytes { return self.bomb(size, isStream: isStream) }
        if let status = behaviour.redirect {
            let content = Content(status: status, type: "text/plain", fields: self.locationFields)
            return self.whole(content, Array("Moved.\n".utf8), Mark())
        }
        if let size = behaviour.bodyBytes { return self.hugeBody(size) }
        if let depth = behaviour.nestingDepth { return self.deepBody(depth, isStream: isStream) }
        if behaviour.answersErrorWithStatus200 {
            let failure = FailureBodies.failure(502, behaviour: behaviour, instead: "Provider returned error")
            return self.whole(
                Content(status: 200, type: "application/json", delay: self.explicitDelay),
                failure.body(self.flavour),
                Mark()
            )
        }
        if let status = behaviour.status ?? behaviour.errorBody.map({ _ in 500 }),
            status >= 300 || behaviour.errorBody != nil
        {
            return self.failed(status)
        }
        if behaviour.status == 204 {
            return self.whole(Content(status: 204, type: "application/json"), [], Mark())
        }
        return nil
    }

    // MARK: - Faulty answers

    private var explicitDelay: Int {
        self.behaviour.headMilliseconds ?? self.behaviour.firstEventMilliseconds ?? 0
    }

    private func failed(_ status: Int) -> AnswerSteps {
        let body = FailureBodies.body(status, behaviour: self.behaviour, flavour: self.flavour, key: self.key)
        var fields = body.fields
        if let value = self.behaviour.retryAfter { fields.append(("retry-after", value)) }
        if let value = self.behaviour.retryAfterMilliseconds { fields.append(("retry-after-ms", value)) }
        if let seconds = self.behaviour.retryAfterDateSeconds {
            fields.append(("retry-after", HTTPDate.text(self.now + seconds)))
        }
        let content = Content(
            status: status,
            type: body.contentType,
            fields: fields,
            reason: body.reason,
            delay: self.explicitDelay
        )
        return self.whole(content, body.bytes, Mark())
    }

    private func switching() -> AnswerSteps {
        let head = ResponseHead(
            status: 101,
            reason: "Switching Protocols",
            fields: [("upgrade", "websocket"), ("connection", "upgrade")]
        )
        return AnswerSteps([
            .write(head.bytes(self.behaviour), Mark(isHead: true, status: head.status)),
            .write(ByteBuffer(bytes: [0x81, 0x02, 0x68, 0x69]), Mark()),
            .stall,
        ])
    }

    private func bomb(_ size: Int, isStream: Bool) -> AnswerSteps {
        let opening = "{\"id\":\"sim\",\"object\":\"chat.completion\",\"choices\":[],\"padding\":\""
        let body = GzipBomb.body(
            prefix: Array((isStream ? "data: \(opening)" : opening).utf8),
            count: size,
            suffix: Array((isStream ? "\"}\n\ndata: [DONE]\n\n" : "\"}").utf8)
        )
        let content = Content(
            status: self.behaviour.redirect ?? self.behaviour.status ?? 200,
            type: isStream ? "text/event-stream" : "application/json",
            fields: [("content-encoding", "gzip")] + self.locationFields
        )
        return self.whole(content, body, Mark())
    }

    private var locationFields: [(name: String, value: String)] {
        guard self.behaviour.redirect != nil else { return [] }
        return [("location", self.behaviour.location ?? "http://127.0.0.1:9/elsewhere")]
    }

    private static let openingOfBody = """
        {"id":"chatcmpl-sim","object":"chat.completion","created":0,"model":"sim","choices":[{"index":0,\
        "finish_reason":"stop","message":{"role":"assistant","content":"
        """

    private func hugeBody(_ size: Int) -> AnswerSteps {
        let opening = Array(Self.openingOfBody.utf8)
        let closing = Array("\"}}]}".utf8)
        let fill = max(0, size - opening.count - closing.count)
        return self.assembled(opening, [(UInt8(ascii: "B"), fill)], closing)
    }

    private func deepBody(_ depth: Int, isStream: Bool) -> AnswerSteps {
        let opening = "{\"id\":\"chatcmpl-sim\",\"choices\":"
        return self.assembled(
            Array((isStream ? "data: \(opening)" : opening).utf8),
            [(UInt8(ascii: "["), depth), (UInt8(ascii: "]"), depth)],
            Array((isStream ? "}\n\ndata: [DONE]\n\n" : "}").utf8),
            type: isStream ? "text/event-stream" : "application/json"
        )
    }

    /// A JSON body too large to be held: made while it is written.
    private func assembled(
        _ opening: [UInt8],
        _ fills: [(UInt8, Int)],
        _ closing: [UInt8],
        type: String = "application/json"
    ) -> AnswerSteps {
        let size = fills.reduce(opening.count + closing.count) { $0 + $1.1 }
        let framing = BodyFraming(isChunked: false, behaviour: Behaviour())
        let content = Content(status: self.behaviour.status ?? 200, type: type)
        var steps = self.head(content, length: size, framing: framing)
        steps.append(.write(ByteBuffer(bytes: opening), Mark()))
        for (byte, count) in fills { steps.append(.fill(byte, count: count)) }
        steps.append(.write(ByteBuffer(bytes: closing), Mark()))
        steps.append(.end(self.ending(framing)))
        return AnswerSteps(steps)
    }

    private func endlessBody() -> AnswerSteps {
        var framing = BodyFraming(isChunked: !self.behaviour.isHTTP10, behaviour: Behaviour())
        let content = Content(status: 200, type: "application/json")
        var steps = self.head(content, length: nil, framing: framing)
        steps.append(.write(framing.piece(Array(Self.openingOfBody.utf8)), Mark()))
        steps.append(.forever(framing.piece(Array(Pieces.fillerText(4096).utf8))))
        return AnswerSteps(steps)
    }

    // MARK: - Heads and framing

    private func whole(_ content: Content, _ bytes: [UInt8], _ mark: Mark) -> AnswerSteps {
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
            var piece = framing.isChunked && body.isEmpty ? ByteBuffer() : framing.piece(body)
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

    private func framing(isStream: Bool) -> BodyFraming {
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

    private func head(_ content: Content, length: Int?, framing: BodyFraming) -> [Step] {
        var steps: [Step] = []
        if content.delay > 0 { steps.append(.pause(milliseconds: content.delay)) }
        if self.behaviour.stallsBeforeHead {
            steps.append(self.behaviour.stallMilliseconds.map { .pause(milliseconds: $0) } ?? .stall)
        }
        steps += self.informational()
        var fields = [(name: "content-type", value: self.behaviour.contentType ?? content.type)]
        fields += self.usualFields(status: content.status, except: content.fields.map(\.name))
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

    private func usualFields(status: Int, except names: [String]) -> [(name: String, value: String)] {
        let isLimited = status == 429
        var fields: [(name: String, value: String)]
        switch self.flavour {
        case .openAI:
            fields = [
                ("x-request-id", "req_sim\(self.sequence)"), ("openai-processing-ms", "7"),
                ("openai-version", "2020-10-01"), ("openai-organization", "simulator"),
                ("x-ratelimit-limit-requests", "10000"),
                ("x-ratelimit-remaining-requests", isLimited ? "0" : "9999"),
                ("x-ratelimit-reset-requests", isLimited ? "1s" : "6ms"),
                ("x-ratelimit-limit-tokens", "2000000"), ("x-ratelimit-remaining-tokens", "1999000"),
                ("x-ratelimit-reset-tokens", "30ms"),
            ]
        case .openRouter:
            fields = [("x-generation-id", "gen-sim\(self.sequence)")]
        case .azure:
            fields = [
                ("apim-request-id", "sim-\(self.sequence)"), ("x-ms-region", "Simulated"),
                ("x-ratelimit-remaining-requests", isLimited ? "0" : "9999"),
                ("x-ratelimit-remaining-tokens", "1999000"),
            ]
        }
        fields.removeAll { field in names.contains(field.name) }
        return fields
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

    private func ending(_ framing: BodyFraming) -> Ending {
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
