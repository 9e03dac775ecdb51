/// Writes an answer as the named events of Cohere's v2.
///
/// Contents are counted by themselves, and so are tool calls; a call's `tool_calls` is an object here, not a list.
struct CohereEvents: EventSource {
    private enum Phase { case start, parts, finish(left: Int), done, late, end }

    private let answer: CohereAnswer
    private let behaviour: Behaviour
    private let format: EventFormat
    private var walk: ChoiceWalk
    private var pieces = PieceText()
    private var phase = Phase.start
    private var hasLongLine: Bool
    /// The number of the content or call that is being told.
    private var contents = 0
    private var calls = 0

    init(_ answer: CohereAnswer) {
        self.answer = answer
        self.behaviour = answer.behaviour
        let format = EventFormat(answer.behaviour.sse)
        self.format = format
        self.hasLongLine = answer.behaviour.lineBytes == nil
        let delta = Self.delta("text", index: 0)
        let frame =
            format.open(1, event: "content-delta").count + delta.open.utf8.count + delta.close.utf8.count
            + format.close(1).count
        self.walk = ChoiceWalk(answer.choice.parts.map { $0.fitted(to: answer.behaviour.eventBytes, frame: frame) })
    }

    // MARK: - The order of events

    mutating func next(_ number: Int) -> StreamEvent? {
        while true {
            switch self.phase {
            case .start:
                self.phase = .parts
                return self.start(number)
            case .parts:
                if !self.hasLongLine {
                    self.hasLongLine = true
                    return self.longLine(number)
                }
                if let event = self.part(number) { return event }
                self.phase = .finish(left: self.behaviour.usage == .double ? 2 : 1)
            case .finish(let left):
                self.phase = left > 1 ? .finish(left: left - 1) : .done
                return self.finish(number, tellsUsage: self.behaviour.usage != .late)
            case .done:
                self.phase = self.behaviour.usage == .late ? .late : .end
                if !self.behaviour.omitsDone {
                    let bytes = self.format.plain("[DONE]", isLast: self.behaviour.usage != .late)
                    return StreamEvent(parts: [bytes], mark: Mark(events: 1))
                }
            case .late:
                self.phase = .end
                return self.finish(number, tellsUsage: true)
            case .end: return nil
            }
        }
    }

    func garbage(_ number: Int) -> [UInt8] { self.format.plain("{\"this is\": not JSON") }

    mutating func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        let delta = JSONValue.object([
            .init("finish_reason", .string("ERROR")), .init("error", .string(failure.message)),
        ])
        return self.event(number, "message-end", [.init("delta", delta)])
    }

    // MARK: - Events

    private mutating func start(_ number: Int) -> StreamEvent {
        let message = JSONValue.object([
            .init("role", .string("assistant")), .init("content", .array([])), .init("tool_plan", .string("")),
            .init("tool_calls", .array([])), .init("citations", .array([])),
        ])
        var event = self.event(
            number,
            "message-start",
            [.init("delta", .object([.init("message", message)]))],
            id: self.answer.id
        )
        event.mark.tokens = self.answer.completion.usage.reasoning
        event.parts.insert(self.format.preamble, at: 0)
        return event
    }

    private mutating func part(_ number: Int) -> StreamEvent? {
        while let stop = self.walk.next() {
            switch stop {
            case .open(let index):
                let part = self.walk.parts[index]
                if self.answer.isPlan(part) { continue }
                return self.open(number, part)
            case .piece(let index, let piece):
                let part = self.walk.parts[index]
                return self.delta(number, part, self.pieces.escaped(part.pieces, piece))
            case .close(let index):
                let part = self.walk.parts[index]
                if self.answer.isPlan(part) { continue }
                return self.close(number, part)
            }
        }
        return nil
    }

    private func open(_ number: Int, _ part: Completion.Part) -> StreamEvent {
        guard case .tool(_, let id, let name, _) = part.kind else {
            let word = part.kind == .reasoning ? "thinking" : "text"
            let content = JSONValue.object([.init("type", .string(word)), .init(word, .string(""))])
            return self.event(
                number,
                "content-start",
                [.init("index", .integer(self.contents)), Self.message("content", content)]
            )
        }
        var event = self.event(
            number,
            "tool-call-start",
            [
                .init("index", .integer(self.calls)),
                Self.message("tool_calls", CohereAnswer.call(id, name, arguments: "")),
            ]
        )
        event.mark.tokens = part.openingTokens
        return event
    }

    private func delta(_ number: Int, _ part: Completion.Part, _ text: [UInt8]) -> StreamEvent {
        let name: String
        let delta: (open: String, close: String)
        switch part.kind {
        case .tool:
            name = "tool-call-delta"
            delta = (
                "\"type\":\"\(name)\",\"index\":\(self.calls),\"delta\":{\"message\":{\"tool_calls\":{\"function\":"
                    + "{\"arguments\":\"",
                "\"}}}}}"
            )
        case .text where self.answer.isPlan(part):
            name = "tool-plan-delta"
            delta = ("\"type\":\"\(name)\",\"delta\":{\"message\":{\"tool_plan\":\"", "\"}}}")
        default:
            name = "content-delta"
            delta = Self.delta(part.kind == .reasoning ? "thinking" : "text", index: self.contents)
        }
        let tokens = part.kind == .reasoning ? 0 : part.pieces.tokensEach
        let parts = [
            self.format.open(number, event: name), Array(delta.open.utf8), text, Array(delta.close.utf8),
            self.format.close(number),
        ]
        return StreamEvent(parts: parts, mark: Mark(events: 1, tokens: tokens), isWord: true)
    }

    private static func delta(_ word: String, index: Int) -> (open: String, close: String) {
        (
            "\"type\":\"content-delta\",\"index\":\(index),\"delta\":{\"message\":{\"content\":{\"\(word)\":\"",
            "\"}}}}"
        )
    }

    private mutating func close(_ number: Int, _ part: Completion.Part) -> StreamEvent {
        if CohereAnswer.isTool(part) {
            self.calls += 1
            return self.event(number, "tool-call-end", [.init("index", .integer(self.calls - 1))])
        }
        self.contents += 1
        return self.event(number, "content-end", [.init("index", .integer(self.contents - 1))])
    }

    private func finish(_ number: Int, tellsUsage: Bool) -> StreamEvent {
        var delta: [JSONValue.Member] = [.init("finish_reason", .string(self.answer.finishReason))]
        let usage = tellsUsage ? self.answer.usage : nil
        if let usage { delta.append(.init("usage", usage)) }
        var event = self.event(number, "message-end", [.init("delta", .object(delta))])
        event.mark.hasUsage = usage != nil
        return event
    }

    /// One event whose line is as long as the fault says; its text is one letter over and over.
    private func longLine(_ number: Int) -> StreamEvent {
        let delta = Self.delta("text", index: 0)
        let before = self.format.open(number, event: "content-delta") + Array(delta.open.utf8)
        let after = Array(delta.close.utf8) + self.format.close(number)
        let count = self.behaviour.lineBytes ?? 0
        return StreamEvent(parts: [before], mark: Mark(events: 1), stretch: (UInt8(ascii: "L"), count, after))
    }

    // MARK: - Bytes

    private static func message(_ key: String, _ value: JSONValue) -> JSONValue.Member {
        .init("delta", .object([.init("message", .object([.init(key, value)]))]))
    }

    private func event(
        _ number: Int,
        _ name: String,
        _ members: [JSONValue.Member],
        id: String? = nil
    ) -> StreamEvent {
        let head: [JSONValue.Member] = (id.map { [.init("id", .string($0))] } ?? []) + [.init("type", .string(name))]
        let json = Array(JSONValue.object(head + members).text.utf8.dropFirst())
        let parts = [self.format.open(number, event: name), json, self.format.close(number)]
        return StreamEvent(parts: parts, mark: Mark(events: 1))
    }
}
