import NIOCore

/// Answers that are wrong on purpose.
extension AnswerBuilder {
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
            let failure = FailureBodies.failure(
                502,
                behaviour: behaviour,
                dialect: self.dialect,
                instead: "Provider returned error"
            )
            return self.whole(200, self.dialect.errorBody(failure, sequence: self.sequence))
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

    var explicitDelay: Int {
        self.behaviour.headMilliseconds ?? self.behaviour.firstEventMilliseconds ?? 0
    }

    private func failed(_ status: Int) -> AnswerSteps {
        var body = FailureBodies.body(
            status,
            behaviour: self.behaviour,
            dialect: self.dialect,
            sequence: self.sequence,
            key: self.key
        )
        if let value = self.behaviour.retryAfter, self.dialect.hasRetryAfterField {
            body.fields.append(("retry-after", value))
        }
        if let value = self.behaviour.retryAfterMilliseconds { body.fields.append(("retry-after-ms", value)) }
        if let seconds = self.behaviour.retryAfterDateSeconds {
            body.fields.append(("retry-after", HTTPDate.text(self.now + seconds)))
        }
        return self.whole(status, body)
    }

    func whole(_ status: Int, _ body: ErrorBody) -> AnswerSteps {
        let content = Content(
            status: status,
            type: body.contentType,
            fields: body.fields,
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

    private func hugeBody(_ size: Int) -> AnswerSteps {
        let opening = Array(self.dialect.textFrame.opening.utf8)
        let closing = Array(self.dialect.textFrame.closing.utf8)
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

    func endlessBody() -> AnswerSteps {
        var framing = BodyFraming(isChunked: !self.behaviour.isHTTP10, behaviour: Behaviour())
        let content = Content(status: 200, type: "application/json")
        var steps = self.head(content, length: nil, framing: framing)
        steps.append(.write(framing.piece([Array(self.dialect.textFrame.opening.utf8)]), Mark()))
        steps.append(.forever(framing.piece([Array(Pieces.fillerText(4096).utf8)])))
        return AnswerSteps(steps)
    }
}
