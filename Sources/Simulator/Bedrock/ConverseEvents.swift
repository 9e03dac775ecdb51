/// Writes an answer as the binary event stream of ConverseStream.
///
/// Blocks of text and thought begin without an event; only a tool's is opened. The usage comes behind `messageStop`.
/// Every payload carries a padding `p` of changing length, as Bedrock's do.
struct ConverseEvents: EventSource {
    private enum Phase { case start, blocks, stop, metadata(left: Int), end }

    /// The largest payload that the format allows.
    private static let payloadLimit = 16 << 20
    private static let padding = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)

    private let answer: ConverseAnswer
    private let behaviour: Behaviour
    private var walk: ChoiceWalk
    private var pieces = PieceText()
    private var phase = Phase.start
    private var hasLongLine: Bool
    /// What has been said in the current part, for its signature.
    private var thought: [UInt8] = []
    private var waiting: [StreamEvent] = []

    init(_ answer: ConverseAnswer) {
        self.answer = answer
        self.behaviour = answer.behaviour
        self.hasLongLine = answer.behaviour.lineBytes == nil
        let frame = Self.frameBytes
        self.walk = ChoiceWalk(answer.choice.parts.map { $0.fitted(to: answer.behaviour.eventBytes, frame: frame) })
    }

    /// The size of an event with an empty text in it.
    private static var frameBytes: Int {
        let payload = Self.payload([.init("contentBlockIndex", .integer(0))], delta: "\"text\":\"\"", padding: 4)
        return EventStreamMessage.event("contentBlockDelta", payload).bytes.count
    }

    // MARK: - The order of events

    mutating func next(_ number: Int) -> StreamEvent? {
        if !self.waiting.isEmpty { return self.waiting.removeFirst() }
        while true {
            switch self.phase {
            case .start:
                self.phase = .blocks
                let tokens = self.answer.completion.usage.reasoning
                return self.event(number, "messageStart", [.init("role", .string("assistant"))], tokens: tokens)
            case .blocks:
                if !self.hasLongLine {
                    self.hasLongLine = true
                    return self.longLine(number)
                }
                if let event = self.block(number) { return event }
                self.phase = .stop
            case .stop:
                self.phase = .metadata(left: self.behaviour.usage == .double ? 2 : 1)
                return self.stop(number)
            case .metadata(let left):
                self.phase = left > 1 ? .metadata(left: left - 1) : .end
                if let event = self.metadata(number) { return event }
            case .end: return nil
            }
        }
    }

    func garbage(_ number: Int) -> [UInt8] {
        // A message whose checksum is right and whose payload is not.
        EventStreamMessage.event("contentBlockDelta", Array("{\"this is\": not JSON".utf8)).bytes
    }

    mutating func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        StreamEvent(parts: [BedrockErrors.inStream(failure).bytes], mark: Mark(events: 1))
    }

    // MARK: - Blocks

    private mutating func block(_ number: Int) -> StreamEvent? {
        while let stop = self.walk.next() {
            switch stop {
            case .open(let index):
                self.thought = []
                guard case .tool(_, let id, let name, _) = self.walk.parts[index].kind else { continue }
                return self.open(number, index, id: id, name: name)
            case .piece(let index, let piece):
                let part = self.walk.parts[index]
                let text = self.pieces.escaped(part.pieces, piece)
                if case .tool = part.kind, Self.isEmpty(part) { continue }
                return self.delta(number, index, part, text)
            case .close(let index):
                let part = self.walk.parts[index]
                // A block without a delta was never there, unless it was opened.
                if part.pieces.count == 0, !Self.isTool(part) { continue }
                let close = self.event(number, "contentBlockStop", [.init("contentBlockIndex", .integer(index))])
                guard part.kind == .reasoning else { return close }
                self.waiting.append(close)
                return self.signature(number, index, part)
            }
        }
        return nil
    }

    private mutating func open(_ number: Int, _ index: Int, id: String, name: String) -> StreamEvent {
        let part = self.walk.parts[index]
        let use = JSONValue.object([
            .init("name", .string(name)), .init("toolUseId", .string(ConverseAnswer.toolUseID(id))),
        ])
        // The first delta of a call is empty, and of a call without arguments it is the only one.
        let first = Self.payload(
            [.init("contentBlockIndex", .integer(index))],
            delta: "\"toolUse\":{\"input\":\"\"}",
            padding: self.paddingBytes(number)
        )
        let tokens = Self.isEmpty(part) ? part.pieces.tokens : 0
        self.waiting.append(self.message("contentBlockDelta", first, Mark(events: 1, tokens: tokens)))
        return self.event(
            number,
            "contentBlockStart",
            [
                .init("contentBlockIndex", .integer(index)),
                .init("start", .object([.init("toolUse", use)])),
            ],
            tokens: part.openingTokens
        )
    }

    private mutating func delta(
        _ number: Int,
        _ index: Int,
        _ part: Completion.Part,
        _ text: [UInt8]
    ) -> StreamEvent {
        let open: String
        let close: String
        switch part.kind {
        case .text, .refusal: (open, close) = ("\"text\":\"", "\"")
        case .reasoning: (open, close) = ("\"reasoningContent\":{\"text\":\"", "\"}")
        case .tool: (open, close) = ("\"toolUse\":{\"input\":\"", "\"}")
        }
        let payload = Self.payload(
            [.init("contentBlockIndex", .integer(index))],
            delta: open,
            text,
            close,
            padding: self.behaviour.eventBytes == nil ? self.paddingBytes(number) : 4
        )
        let tokens = part.kind == .reasoning ? 0 : part.pieces.tokensEach
        var event = self.message("contentBlockDelta", payload, Mark(events: 1, tokens: tokens))
        event.isWord = true
        return event
    }

    private func signature(_ number: Int, _ index: Int, _ part: Completion.Part) -> StreamEvent {
        let signature = ConverseAnswer.signature(part.pieces.joined)
        let payload = Self.payload(
            [.init("contentBlockIndex", .integer(index))],
            delta: "\"reasoningContent\":{\"signature\":\(JSONText.quoted(signature))}",
            padding: self.paddingBytes(number)
        )
        return self.message("contentBlockDelta", payload, Mark(events: 1))
    }

    private static func isTool(_ part: Completion.Part) -> Bool {
        if case .tool = part.kind { return true }
        return false
    }

    /// Whether a call has no arguments.
    private static func isEmpty(_ part: Completion.Part) -> Bool {
        part.pieces.count <= 2 && part.pieces.joined == "{}"
    }

    // MARK: - The end

    private func stop(_ number: Int) -> StreamEvent {
        var members: [JSONValue.Member] = []
        if let fields = self.answer.additionalFields { members.append(.init("additionalModelResponseFields", fields)) }
        members.append(.init("stopReason", .string(self.answer.stopReason())))
        var hasUsage = false
        if self.behaviour.usage == .inChoice, let usage = self.answer.usage {
            members.append(.init("usage", usage))
            hasUsage = true
        }
        var event = self.event(number, "messageStop", members)
        event.mark.hasUsage = hasUsage
        return event
    }

    private func metadata(_ number: Int) -> StreamEvent? {
        guard self.behaviour.usage != .inChoice, let usage = self.answer.usage else { return nil }
        var event = self.event(
            number,
            "metadata",
            [.init("metrics", ConverseAnswer.metrics), .init("usage", usage)]
        )
        event.mark.hasUsage = true
        return event
    }

    /// One event as large as the fault says, as far as the format allows; its text is one letter over and over.
    private func longLine(_ number: Int) -> StreamEvent {
        let count = min(self.behaviour.lineBytes ?? 0, Self.payloadLimit - 200)
        let payload = Self.payload(
            [.init("contentBlockIndex", .integer(0))],
            delta: "\"text\":\"",
            [UInt8](repeating: UInt8(ascii: "L"), count: count),
            "\"",
            padding: 4
        )
        return self.message("contentBlockDelta", payload, Mark(events: 1))
    }

    // MARK: - Bytes

    /// How long the padding of an event is: between 4 and 62 letters, and seldom twice the same in a row.
    private func paddingBytes(_ number: Int) -> Int { 4 + number &* 23 % 59 }

    private func event(
        _ number: Int,
        _ type: String,
        _ members: [JSONValue.Member],
        tokens: Int = 0
    ) -> StreamEvent {
        let padding = String(decoding: Self.padding.prefix(self.paddingBytes(number)), as: UTF8.self)
        let payload = Array(JSONValue.object(members + [.init("p", .string(padding))]).text.utf8)
        return self.message(type, payload, Mark(events: 1, tokens: tokens))
    }

    private func message(_ type: String, _ payload: [UInt8], _ mark: Mark) -> StreamEvent {
        StreamEvent(parts: [EventStreamMessage.event(type, payload).bytes], mark: mark)
    }

    private static func payload(
        _ members: [JSONValue.Member],
        delta: String,
        _ text: [UInt8] = [],
        _ close: String = "",
        padding: Int
    ) -> [UInt8] {
        var bytes = Array(JSONValue.object(members).text.utf8.dropLast())
        bytes += ",\"delta\":{\(delta)".utf8
        bytes += text
        bytes += "\(close)},\"p\":\"".utf8
        bytes += Self.padding.prefix(padding)
        bytes += "\"}".utf8
        return bytes
    }
}
