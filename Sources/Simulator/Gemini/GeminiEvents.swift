/// Writes an answer as the chunks of `streamGenerateContent`: each is a whole `GenerateContentResponse`.
///
/// With `alt=sse` they are server-sent events whose lines end in CRLF; without, they are the elements of one JSON array
/// that grows. There is no end mark but the end of the body.
struct GeminiEvents: EventSource {
    private enum Phase {
        case blocked, telling, finishing(next: Int), usage(left: Int), close, end
    }

    private let answer: GeminiAnswer
    private let behaviour: Behaviour
    private let isSSE: Bool
    private let format: EventFormat
    private let identity: String
    private var walks: [ChoiceWalk]
    private var pieces = PieceText()
    private var hasCalled: [Bool]
    /// Tokens of each choice that no event has told yet.
    private var untold: [Int]
    private var told = 0
    private var turn = 0
    private var phase: Phase
    private var isFirst = true
    private var hasLongLine: Bool

    init(_ answer: GeminiAnswer, isSSE: Bool) {
        self.answer = answer
        self.behaviour = answer.behaviour
        self.isSSE = isSSE
        self.format = EventFormat(answer.behaviour.sse, lineEnd: .crlf)
        let identity = JSONValue.object(answer.identity).text.dropFirst().dropLast()
        self.identity = String(identity)
        let choices = answer.completion.choices
        self.untold = answer.tokens
        self.hasCalled = choices.map { _ in false }
        self.phase = answer.isPromptBlocked ? .blocked : .telling
        self.hasLongLine = answer.behaviour.lineBytes == nil
        self.walks = []
        self.walks = choices.enumerated().map { index, choice in
            let frame = self.frameBytes(index)
            return ChoiceWalk(answer.parts(choice).map { $0.fitted(to: answer.behaviour.eventBytes, frame: frame) })
        }
    }

    /// The size of an event with no text in it.
    private func frameBytes(_ index: Int) -> Int {
        self.open(1).count + self.head(index).utf8.count + 1 + self.tail(index).utf8.count + self.close(1).count
    }

    // MARK: - The order of events

    mutating func next(_ number: Int) -> StreamEvent? {
        while true {
            switch self.phase {
            case .blocked:
                self.phase = .close
                return self.chunk(number, [.init("promptFeedback", self.answer.promptFeedback)], isLast: true)
            case .telling:
                if !self.hasLongLine {
                    self.hasLongLine = true
                    return self.longLine(number)
                }
                if let event = self.piece(number) { return event }
                self.phase = .finishing(next: 0)
            case .finishing(let index):
                guard index < self.walks.count else {
                    self.phase = .usage(left: self.extraUsageEvents)
                    continue
                }
                self.phase = .finishing(next: index + 1)
                return self.finish(index, number)
            case .usage(let left):
                self.phase = left > 1 ? .usage(left: left - 1) : .close
                if left > 0 { return self.chunk(number, [], isLast: true) }
            case .close:
                self.phase = .end
                if !self.isSSE { return StreamEvent(parts: [Array("]".utf8)], mark: Mark()) }
            case .end: return nil
            }
        }
    }

    func garbage(_ number: Int) -> [UInt8] {
        self.isSSE ? self.format.plain("{\"this is\": not JSON") : Array(",\r\n{\"this is\": not JSON".utf8)
    }

    mutating func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        let json = "\"error\":\(GeminiErrors.object(failure).text)}"
        let end = self.isSSE ? "" : "]"
        self.phase = .end
        let parts = [self.open(number), Array(json.utf8), self.close(number), Array(end.utf8)]
        return StreamEvent(parts: parts, mark: Mark(events: 1))
    }

    // MARK: - Events

    private mutating func piece(_ event: Int) -> StreamEvent? {
        for _ in self.walks.indices {
            let index = self.turn
            self.turn = (self.turn + 1) % self.walks.count
            while let stop = self.walks[index].next() {
                switch stop {
                case .open(let number):
                    let part = self.walks[index].parts[number]
                    if case .tool = part.kind { return self.call(part, index, event) }
                case .piece(let number, let piece):
                    let part = self.walks[index].parts[number]
                    if case .tool = part.kind { continue }
                    return self.text(part, self.pieces.escaped(part.pieces, piece), index, event)
                case .close: continue
                }
            }
        }
        return nil
    }

    private mutating func text(
        _ part: Completion.Part,
        _ text: [UInt8],
        _ index: Int,
        _ number: Int
    ) -> StreamEvent {
        let isThought = part.kind == .reasoning
        let tokens = isThought ? 0 : part.pieces.tokensEach
        self.note(tokens, index)
        let parts = [
            self.open(number), Array(self.head(index).utf8), text,
            Array((isThought ? "\",\"thought\":true" : "\"").utf8), Array(self.tail(index).utf8), self.close(number),
        ]
        return StreamEvent(parts: parts, mark: self.mark(tokens), isWord: true)
    }

    private mutating func call(_ part: Completion.Part, _ index: Int, _ number: Int) -> StreamEvent {
        let call = self.answer.call(part, isFirst: !self.hasCalled[index])
        self.hasCalled[index] = true
        self.note(part.tokens, index)
        let content = JSONValue.object([.init("parts", .array([call])), .init("role", .string("model"))])
        let candidate = JSONValue.object([.init("content", content), .init("index", .integer(index))])
        var event = self.chunk(number, [.init("candidates", .array([candidate]))], isLast: false)
        event.mark = self.mark(part.tokens)
        event.isWord = true
        return event
    }

    private mutating func finish(_ index: Int, _ number: Int) -> StreamEvent {
        let choice = self.answer.completion.choices[index]
        let reason = GeminiAnswer.finishReason(choice)
        var members: [JSONValue.Member] = []
        if reason == "STOP" || reason == "MAX_TOKENS" {
            // The last chunk has an empty text, and the signature of what was thought stands on it.
            var part: [JSONValue.Member] = [.init("text", .string(""))]
            if self.answer.signs, !self.hasCalled[index] {
                part.append(.init("thoughtSignature", .string(GeminiTurns.signature(""))))
            }
            let content: [JSONValue.Member] = [
                .init("parts", .array([.object(part)])), .init("role", .string("model")),
            ]
            members.append(.init("content", .object(content)))
        }
        members.append(.init("finishReason", .string(reason)))
        members.append(.init("index", .integer(index)))
        let tokens = self.untold[index]
        self.note(tokens, index)
        let isLast = index == self.walks.count - 1
        var event = self.chunk(number, [.init("candidates", .array([.object(members)]))], isLast: isLast)
        event.mark.tokens += tokens
        return event
    }

    private var extraUsageEvents: Int {
        switch self.behaviour.usage {
        case .late, .double: return 1
        default: return 0
        }
    }

    private mutating func chunk(_ number: Int, _ members: [JSONValue.Member], isLast: Bool) -> StreamEvent {
        var members = members
        var mark = self.mark(0)
        let isLate = self.behaviour.usage == .late && !members.isEmpty
        if isLast ? !isLate : self.tellsUsageEarly, let usage = self.answer.usage(told: isLast ? nil : self.told) {
            members.append(.init("usageMetadata", usage))
            mark.hasUsage = isLast
        }
        let json = JSONValue.object(members + self.answer.identity).text
        return StreamEvent(parts: [self.open(number), Array(json.utf8.dropFirst()), self.close(number)], mark: mark)
    }

    /// One event whose line is as long as the fault says; its text is one letter over and over.
    private mutating func longLine(_ number: Int) -> StreamEvent {
        let before = self.open(number) + Array(self.head(0).utf8)
        let after = Array("\"\(self.tail(0))".utf8) + self.close(number)
        let count = self.behaviour.lineBytes ?? 0
        return StreamEvent(parts: [before], mark: self.mark(0), stretch: (UInt8(ascii: "L"), count, after))
    }

    /// Whether chunks before the last tell the usage so far, as the API's do.
    private var tellsUsageEarly: Bool {
        self.behaviour.eventBytes == nil && self.behaviour.usage != .late && self.behaviour.usage != .inChoice
    }

    private mutating func note(_ tokens: Int, _ index: Int) {
        self.untold[index] -= tokens
        self.told += tokens
    }

    /// What an event is worth; the first one carries the hidden thoughts.
    private mutating func mark(_ tokens: Int) -> Mark {
        let hidden = self.isFirst ? self.answer.completion.usage.reasoning : 0
        self.isFirst = false
        return Mark(events: 1, tokens: tokens + hidden)
    }

    // MARK: - Bytes

    private func head(_ index: Int) -> String { "\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" }

    private func tail(_ index: Int) -> String {
        let choice = self.answer.completion.choices[index]
        // Old models say in every chunk that they have stopped: only the last one counts.
        let early = self.answer.completion.model.contains("gemini-1")
        let finish = early ? ",\"finishReason\":\"\(GeminiAnswer.finishReason(choice))\"" : ""
        var usage = ""
        if self.tellsUsageEarly, let sofar = self.answer.usage(told: self.told) {
            usage = ",\"usageMetadata\":\(sofar.text)"
        }
        return "}],\"role\":\"model\"}\(finish),\"index\":\(index)}]\(usage),\(self.identity)}"
    }

    private func open(_ number: Int) -> [UInt8] {
        guard self.isSSE else { return Array((number == 0 ? "[{" : ",\r\n{").utf8) }
        return (number == 0 ? self.format.preamble : []) + self.format.open(number)
    }

    private func close(_ number: Int) -> [UInt8] {
        self.isSSE ? self.format.close(number) : [UInt8(ascii: "\n")]
    }
}
