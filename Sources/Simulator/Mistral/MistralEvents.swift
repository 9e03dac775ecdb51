/// Writes an answer as chunks of Mistral's chat: calls whole in the last chunk, and usage with them.
struct MistralEvents: EventSource {
    private enum Phase {
        case preamble
        case role(Int)
        case pieces(Int)
        case done, over
    }

    private let answer: MistralAnswer
    private let format: EventFormat
    private let head: String
    private var walk = ChoiceWalk([])
    private var phase = Phase.preamble
    private var text = PieceText()
    private var hasLongLine = false

    init(_ answer: MistralAnswer) {
        self.answer = answer
        self.format = EventFormat(answer.behaviour.sse)
        self.head = String(JSONValue.object(answer.head("chat.completion.chunk")).text.dropFirst().dropLast())
    }

    private var choices: [Completion.Choice] { self.answer.completion.choices }

    mutating func next(_ number: Int) -> StreamEvent? {
        while true {
            switch self.phase {
            case .preamble:
                self.phase = .role(0)
                if !self.format.preamble.isEmpty { return StreamEvent(parts: [self.format.preamble], mark: Mark()) }
            case .role(let index):
                guard index < self.choices.count else {
                    self.phase = .done
                    continue
                }
                self.phase = .pieces(index)
                self.walk = ChoiceWalk(self.spoken(index))
                let delta = "{\"role\":\"assistant\",\"content\":\"\"}"
                let tokens = self.answer.completion.usage.reasoning / self.choices.count
                return self.chunk(index, delta, number, mark: Mark(events: 1, tokens: tokens))
            case .pieces(let index):
                guard let stop = self.walk.next() else {
                    self.phase = .role(index + 1)
                    return self.finish(index, number)
                }
                if case .piece(let part, let piece) = stop { return self.piece(index, part, piece, number) }
            case .done:
                self.phase = .over
                if !self.answer.behaviour.omitsDone {
                    return StreamEvent(parts: [self.format.plain("[DONE]", isLast: true)], mark: Mark(events: 1))
                }
            case .over: return nil
            }
        }
    }

    func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        self.event(MistralDialect.errorObject(failure).text, number, Mark(events: 1))
    }

    func garbage(_ number: Int) -> [UInt8] { self.format.plain("{\"this is\": not JSON") }

    // MARK: - Chunks

    /// The parts of a choice that come piece by piece.
    private func spoken(_ index: Int) -> [Completion.Part] {
        self.choices[index].parts.filter { part in
            if case .tool = part.kind { return false }
            return true
        }.map { part in
            let frame = self.frame(index, part.kind)
            let size =
                self.format.open(0).count + frame.open.utf8.count - 1 + frame.close.utf8.count
                + self.format.close(0).count
            return part.fitted(to: self.answer.behaviour.eventBytes, frame: size)
        }
    }

    private func event(_ json: String, _ number: Int, _ mark: Mark) -> StreamEvent {
        StreamEvent(
            parts: [self.format.open(number), Array(json.utf8.dropFirst()), self.format.close(number)],
            mark: mark
        )
    }

    private func chunk(
        _ index: Int,
        _ delta: String,
        _ number: Int,
        finish: String? = nil,
        usage: String? = nil,
        mark: Mark = Mark(events: 1)
    ) -> StreamEvent {
        let reason = finish.map { JSONText.quoted($0) } ?? "null"
        let tail = usage.map { ",\"usage\":\($0)" } ?? ""
        let choice = "{\"index\":\(index),\"delta\":\(delta),\"finish_reason\":\(reason)}"
        return self.event("{\(self.head),\"choices\":[\(choice)]\(tail)}", number, mark)
    }

    private func finish(_ index: Int, _ number: Int) -> StreamEvent {
        let choice = self.choices[index]
        var delta = "{\"content\":\"\"}"
        var mark = Mark(events: 1)
        if let calls = self.answer.calls(choice) {
            delta = "{\"content\":\"\",\"tool_calls\":\(calls.text)}"
            for part in choice.parts {
                if case .tool = part.kind { mark.tokens += part.tokens }
            }
        }
        let usage = index == self.choices.count - 1 ? self.answer.usage : nil
        mark.hasUsage = usage != nil
        return self.chunk(index, delta, number, finish: choice.finish, usage: usage, mark: mark)
    }

    private mutating func piece(_ choice: Int, _ index: Int, _ piece: Int, _ number: Int) -> StreamEvent {
        let part = self.walk.parts[index]
        let frame = self.frame(choice, part.kind)
        let open = self.format.open(number) + Array(frame.open.utf8.dropFirst())
        let close = Array(frame.close.utf8) + self.format.close(number)
        let text = self.text.escaped(part.pieces, piece)
        let tokens = part.kind == .reasoning ? 0 : part.pieces.tokensEach
        var event = StreamEvent(parts: [open, text, close], mark: Mark(events: 1, tokens: tokens), isWord: true)
        if let count = self.answer.behaviour.lineBytes, part.kind == .text, !self.hasLongLine {
            self.hasLongLine = true
            event.parts = [open, text]
            event.stretch = (UInt8(ascii: "L"), count, close)
        }
        return event
    }

    /// The chunk around a piece of text, first brace included.
    private func frame(_ index: Int, _ kind: Completion.Part.Kind) -> (open: String, close: String) {
        let head = "{\(self.head),\"choices\":[{\"index\":\(index),\"delta\":{\"content\":"
        let tail = "},\"finish_reason\":null}]}"
        guard kind == .reasoning else { return ("\(head)\"", "\"\(tail)") }
        let open = "\(head)[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\""
        return (open, "\"}]}]\(tail)")
    }
}
