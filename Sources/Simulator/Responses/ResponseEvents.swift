/// Writes an answer as the events of the Responses API, each with its number.
struct ResponseEvents: EventSource {
    private enum Phase {
        case preamble, created, progress, items, end, over
    }

    /// An event that has not been given its number.
    private struct Draft {
        var name: String
        var members: [JSONValue.Member]
        var mark = Mark(events: 1)
    }

    private let answer: ResponseAnswer
    private let format: EventFormat
    private var walk: ChoiceWalk
    private var phase = Phase.preamble
    private var waiting: [Draft] = []
    private var text = PieceText()
    private var hasLongLine = false

    init(_ answer: ResponseAnswer) {
        self.answer = answer
        let format = EventFormat(answer.behaviour.sse)
        self.format = format
        self.walk = ChoiceWalk(answer.parts)
        let parts = answer.parts.enumerated().map { index, part in
            let frame = self.frame(part, index, 0)
            return part.fitted(to: answer.behaviour.eventBytes, frame: frame.open.count + frame.close.count)
        }
        self.walk = ChoiceWalk(parts)
    }

    mutating func next(_ number: Int) -> StreamEvent? {
        while self.waiting.isEmpty {
            switch self.phase {
            case .preamble:
                self.phase = .created
                if !self.format.preamble.isEmpty { return StreamEvent(parts: [self.format.preamble], mark: Mark()) }
            case .created:
                self.phase = .progress
                self.tell("response.created", [.init("response", self.answer.unfinished(status: "in_progress"))])
            case .progress:
                self.phase = .items
                self.tell("response.in_progress", [.init("response", self.answer.unfinished(status: "in_progress"))])
            case .items:
                guard let stop = self.walk.next() else {
                    self.phase = .end
                    continue
                }
                if let event = self.event(stop, number) { return event }
            case .end:
                self.phase = .over
                self.tell(
                    "response.\(self.answer.status)",
                    [.init("response", self.answer.whole)],
                    Mark(events: 1, hasUsage: self.answer.usage != nil)
                )
            case .over: return nil
            }
        }
        let isLast = self.waiting.count == 1 && self.phase == .over
        return self.write(self.waiting.removeFirst(), number, isLast: isLast)
    }

    func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        self.write(
            Draft(
                name: "error",
                members: [
                    .init("code", .string(failure.code ?? failure.type)), .init("message", .string(failure.message)),
                    .init("param", failure.param.map { .string($0) } ?? .null),
                ]
            ),
            number
        )
    }

    func garbage(_ number: Int) -> [UInt8] {
        self.format.open(number, event: "response.output_text.delta") + Array("\"this is\": not JSON".utf8)
            + self.format.close(number)
    }

    // MARK: - Writing

    private mutating func tell(_ name: String, _ members: [JSONValue.Member], _ mark: Mark = Mark(events: 1)) {
        self.waiting.append(Draft(name: name, members: members, mark: mark))
    }

    private func write(_ draft: Draft, _ number: Int, isLast: Bool = false) -> StreamEvent {
        let json = JSONValue.object(
            [.init("type", .string(draft.name)), .init("sequence_number", .integer(number))] + draft.members
        ).text
        let close = isLast && self.answer.behaviour.sse.contains(.nofinal) ? [] : self.format.close(number)
        return StreamEvent(
            parts: [self.format.open(number, event: draft.name), Array(json.utf8.dropFirst()), close],
            mark: draft.mark
        )
    }

    // MARK: - Items

    private mutating func event(_ stop: ChoiceWalk.Stop, _ number: Int) -> StreamEvent? {
        switch stop {
        case .open(let index): self.open(self.walk.parts[index], index)
        case .piece(let index, let piece): return self.piece(self.walk.parts[index], index, piece, number)
        case .close(let index): self.close(self.walk.parts[index], index)
        }
        return nil
    }

    private func place(_ part: Completion.Part, _ index: Int) -> [JSONValue.Member] {
        [.init("item_id", .string(self.answer.itemID(part, index))), .init("output_index", .integer(index))]
    }

    private mutating func open(_ part: Completion.Part, _ index: Int) {
        var mark = Mark(events: 1, tokens: part.openingTokens)
        if part.kind == .reasoning { mark.tokens += self.answer.completion.usage.reasoning }
        let item = self.answer.item(part, index, status: "in_progress")
        self.tell("response.output_item.added", [.init("output_index", .integer(index)), .init("item", item)], mark)
        let place = self.place(part, index)
        switch part.kind {
        case .text, .refusal:
            let content = self.answer.content(part, isEmpty: true)
            self.tell(
                "response.content_part.added",
                place + [.init("content_index", .integer(0)), .init("part", content)]
            )
        case .reasoning where self.answer.request.showsSummary:
            self.tell(
                "response.reasoning_summary_part.added",
                place + [.init("summary_index", .integer(0)), .init("part", ResponseAnswer.summary(""))]
            )
        default: break
        }
    }

    private mutating func close(_ part: Completion.Part, _ index: Int) {
        let place = self.place(part, index)
        let whole = part.pieces.joined
        switch part.kind {
        case .text, .refusal:
            let (name, key) = part.kind == .text ? ("output_text", "text") : ("refusal", "refusal")
            let inside = place + [.init("content_index", .integer(0))]
            var done = inside + [.init(key, .string(whole))]
            if part.kind == .text { done.append(.init("logprobs", .array([]))) }
            self.tell("response.\(name).done", done)
            let content = self.answer.content(part, isEmpty: false)
            self.tell("response.content_part.done", inside + [.init("part", content)])
        case .reasoning where self.answer.request.showsSummary:
            let inside = place + [.init("summary_index", .integer(0))]
            self.tell("response.reasoning_summary_text.done", inside + [.init("text", .string(whole))])
            self.tell(
                "response.reasoning_summary_part.done",
                inside + [.init("part", ResponseAnswer.summary(whole))]
            )
        case .reasoning: break
        case .tool(_, _, let name, let isCustom):
            guard !isCustom else {
                self.tell("response.custom_tool_call_input.done", place + [.init("input", .string(whole))])
                break
            }
            self.tell(
                "response.function_call_arguments.done",
                place + [.init("arguments", .string(whole)), .init("name", .string(name))]
            )
        }
        let isCut = self.answer.status == "incomplete" && index == self.walk.parts.count - 1
        let item = self.answer.item(part, index, status: isCut ? "incomplete" : "completed")
        self.tell("response.output_item.done", [.init("output_index", .integer(index)), .init("item", item)])
    }

    // MARK: - Pieces

    private mutating func piece(
        _ part: Completion.Part,
        _ index: Int,
        _ piece: Int,
        _ number: Int
    ) -> StreamEvent? {
        if part.kind == .reasoning, !self.answer.request.showsSummary { return nil }
        if let count = self.answer.behaviour.lineBytes, part.kind == .text, !self.hasLongLine {
            self.hasLongLine = true
            let frame = self.frame(part, index, number)
            // The piece itself, which the walk has passed, is told with the long line.
            let text = self.text.escaped(part.pieces, piece)
            return StreamEvent(
                parts: [frame.open, text],
                mark: Mark(events: 1, tokens: part.pieces.tokensEach),
                isWord: true,
                stretch: (UInt8(ascii: "L"), count, frame.close)
            )
        }
        let frame = self.frame(part, index, number)
        return StreamEvent(
            parts: [frame.open, self.text.escaped(part.pieces, piece), frame.close],
            mark: Mark(events: 1, tokens: part.kind == .reasoning ? 0 : part.pieces.tokensEach),
            isWord: true
        )
    }

    /// The bytes around a piece of text.
    private func frame(
        _ part: Completion.Part,
        _ index: Int,
        _ number: Int
    ) -> (open: [UInt8], close: [UInt8]) {
        let (name, more): (String, String)
        switch part.kind {
        case .text: (name, more) = ("output_text", ",\"content_index\":0,\"logprobs\":[]")
        case .refusal: (name, more) = ("refusal", ",\"content_index\":0")
        case .reasoning: (name, more) = ("reasoning_summary_text", ",\"summary_index\":0")
        case .tool(_, _, _, let isCustom):
            (name, more) = (isCustom ? "custom_tool_call_input" : "function_call_arguments", "")
        }
        // Events of a given size need numbers of one width.
        let spaces = self.answer.behaviour.eventBytes == nil ? 0 : max(0, 10 - "\(number)".utf8.count)
        let wide = String(repeating: " ", count: spaces) + "\(number)"
        let json =
            "\"type\":\"response.\(name).delta\",\"sequence_number\":\(wide),"
            + "\"item_id\":\"\(self.answer.itemID(part, index))\",\"output_index\":\(index)\(more),\"delta\":\""
        return (
            self.format.open(number, event: "response.\(name).delta") + Array(json.utf8),
            Array("\"}".utf8) + self.format.close(number)
        )
    }
}
