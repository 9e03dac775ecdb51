/// Writes an answer as the events of the Messages API.
struct MessageEvents: EventSource {
    private enum Phase {
        case preamble, start, blocks
        /// So many are left.
        case delta(Int)
        case stop, end
    }

    private let answer: MessageAnswer
    private let format: EventFormat
    private var walk: ChoiceWalk
    private var phase = Phase.preamble
    private var text = PieceText()
    /// The bytes around the pieces of the block that is being told.
    private var frame: (index: Int, bytes: (open: [UInt8], close: [UInt8]))?
    private var hasPinged = false
    private var hasLongLine = false
    private var waiting: [StreamEvent] = []

    init(_ answer: MessageAnswer) {
        self.answer = answer
        let format = EventFormat(answer.behaviour.sse)
        self.format = format
        let size = answer.behaviour.eventBytes
        self.walk = ChoiceWalk(
            answer.choice.parts.map { part in
                let frame = Self.delta(0, part.kind, format, 0)
                return part.fitted(to: size, frame: frame.open.count + frame.close.count)
            }
        )
    }

    mutating func next(_ number: Int) -> StreamEvent? {
        if !self.waiting.isEmpty { return self.waiting.removeFirst() }
        while true {
            switch self.phase {
            case .preamble:
                self.phase = .start
                if !self.format.preamble.isEmpty { return StreamEvent(parts: [self.format.preamble], mark: Mark()) }
            case .start:
                self.phase = .blocks
                return self.start(number)
            case .blocks:
                if let stop = self.walk.next() {
                    if let event = self.event(stop, number) { return event }
                    continue
                }
                self.phase = .delta(self.answer.behaviour.usage == .double ? 2 : 1)
            case .delta(let left):
                self.phase = left > 1 ? .delta(left - 1) : .stop
                return self.ending(number)
            case .stop:
                self.phase = .end
                return self.event("message_stop", "{\"type\":\"message_stop\"}", number, isLast: true)
            case .end: return nil
            }
        }
    }

    func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        let sequence = self.answer.completion.sequence
        return self.event("error", AnthropicDialect.errorObject(failure, sequence: sequence).text, number)
    }

    func garbage(_ number: Int) -> [UInt8] {
        self.format.open(number, event: "content_block_delta") + Array("\"this is\": not JSON".utf8)
            + self.format.close(number)
    }

    // MARK: - Events

    private func event(
        _ name: String,
        _ json: String,
        _ number: Int,
        mark: Mark = Mark(events: 1),
        isLast: Bool = false
    ) -> StreamEvent {
        let close = isLast && self.answer.behaviour.sse.contains(.nofinal) ? [] : self.format.close(number)
        return StreamEvent(
            parts: [self.format.open(number, event: name), Array(json.utf8.dropFirst()), close],
            mark: mark
        )
    }

    private func start(_ number: Int) -> StreamEvent {
        var message = JSONValue.object(
            self.answer.head + [
                .init("content", .array([])), .init("stop_reason", .null), .init("stop_sequence", .null),
            ]
        ).text
        // The real one, too, says 1 before it knows.
        if let usage = self.answer.usage(output: 1) { message = "\(message.dropLast()),\"usage\":\(usage)}" }
        return self.event("message_start", "{\"type\":\"message_start\",\"message\":\(message)}", number)
    }

    private func ending(_ number: Int) -> StreamEvent {
        let delta = JSONValue.object(self.answer.ending).text
        var mark = Mark(events: 1)
        var json = "{\"type\":\"message_delta\",\"delta\":\(delta)"
        if let usage = self.answer.usage(output: nil) {
            json += ",\"usage\":\(usage)"
            mark.hasUsage = true
        }
        return self.event("message_delta", json + "}", number, mark: mark)
    }

    private mutating func event(_ stop: ChoiceWalk.Stop, _ number: Int) -> StreamEvent? {
        switch stop {
        case .open(let index): return self.open(index, number)
        case .piece(let index, let piece): return self.piece(index, piece, number)
        case .close(let index): return self.close(index, number)
        }
    }

    private mutating func open(_ index: Int, _ number: Int) -> StreamEvent {
        let part = self.walk.parts[index]
        var mark = Mark(events: 1, tokens: part.openingTokens)
        if part.kind == .reasoning { mark.tokens += self.answer.completion.usage.reasoning }
        if !self.hasPinged {
            self.hasPinged = true
            self.waiting.append(self.event("ping", "{\"type\": \"ping\"}", number + 1))
        }
        if case .tool = part.kind { self.waiting.append(self.emptyInput(index, part, number + self.waiting.count + 1)) }
        let block = self.answer.block(part, isWhole: false).text
        let json = "{\"type\":\"content_block_start\",\"index\":\(index),\"content_block\":\(block)}"
        return self.event("content_block_start", json, number, mark: mark)
    }

    /// Arguments begin with nothing, and those of a tool that needs none end with it, too.
    private func emptyInput(_ index: Int, _ part: Completion.Part, _ number: Int) -> StreamEvent {
        let frame = Self.delta(index, part.kind, self.format, number)
        let tokens = part.pieces.joined == "{}" ? part.pieces.tokens : 0
        return StreamEvent(parts: [frame.open, frame.close], mark: Mark(events: 1, tokens: tokens))
    }

    private mutating func piece(_ index: Int, _ piece: Int, _ number: Int) -> StreamEvent? {
        let part = self.walk.parts[index]
        switch part.kind {
        case .reasoning where !self.answer.request.showsThoughts: return nil
        case .tool where part.pieces.joined == "{}": return nil
        default: break
        }
        let frame = self.frame(index, part.kind, number)
        let text = self.text.escaped(part.pieces, piece)
        let tokens = part.kind == .reasoning ? 0 : part.pieces.tokensEach
        let event = StreamEvent(
            parts: [frame.open, text, frame.close],
            mark: Mark(events: 1, tokens: tokens),
            isWord: true
        )
        guard let count = self.answer.behaviour.lineBytes, !self.hasLongLine, part.kind == .text else { return event }
        self.hasLongLine = true
        self.waiting.append(event)
        return StreamEvent(
            parts: [frame.open],
            mark: Mark(events: 1),
            stretch: (UInt8(ascii: "L"), count, frame.close)
        )
    }

    private mutating func close(_ index: Int, _ number: Int) -> StreamEvent {
        let part = self.walk.parts[index]
        var events: [StreamEvent] = []
        if part.kind == .reasoning {
            let delta = JSONValue.object([
                .init("type", .string("signature_delta")),
                .init("signature", .string(self.answer.signature(of: part))),
            ])
            events.append(self.delta(index, delta, number))
        } else if part.kind == .text, let citation = self.answer.request.citation {
            let delta = JSONValue.object([
                .init("type", .string("citations_delta")), .init("citation", citation),
            ])
            events.append(self.delta(index, delta, number))
        }
        let json = "{\"type\":\"content_block_stop\",\"index\":\(index)}"
        events.append(self.event("content_block_stop", json, number + events.count))
        self.waiting += events.dropFirst()
        return events[0]
    }

    private func delta(_ index: Int, _ delta: JSONValue, _ number: Int) -> StreamEvent {
        let json = "{\"type\":\"content_block_delta\",\"index\":\(index),\"delta\":\(delta.text)}"
        return self.event("content_block_delta", json, number)
    }

    /// The bytes around a piece of text, made once for each block unless the line ends change from event to event.
    private mutating func frame(
        _ index: Int,
        _ kind: Completion.Part.Kind,
        _ number: Int
    ) -> (open: [UInt8], close: [UInt8]) {
        if let frame = self.frame, frame.index == index, !self.answer.behaviour.sse.contains(.mixed) {
            return frame.bytes
        }
        let bytes = Self.delta(index, kind, self.format, number)
        self.frame = (index, bytes)
        return bytes
    }

    /// The bytes around a piece of text.
    private static func delta(
        _ index: Int,
        _ kind: Completion.Part.Kind,
        _ format: EventFormat,
        _ number: Int
    ) -> (open: [UInt8], close: [UInt8]) {
        let (type, key): (String, String)
        switch kind {
        case .text, .refusal: (type, key) = ("text_delta", "text")
        case .reasoning: (type, key) = ("thinking_delta", "thinking")
        case .tool: (type, key) = ("input_json_delta", "partial_json")
        }
        let json =
            "\"type\":\"content_block_delta\",\"index\":\(index),\"delta\":{\"type\":\"\(type)\",\"\(key)\":\""
        return (
            format.open(number, event: "content_block_delta") + Array(json.utf8),
            Array("\"}}".utf8) + format.close(number)
        )
    }
}
