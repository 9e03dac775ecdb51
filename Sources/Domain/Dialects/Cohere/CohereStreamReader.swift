package import Chat
internal import Core
internal import NIOCore
package import Wire

/// Reads the events of a stream of Cohere's `/v2/chat`.
///
/// What an event is stands in its data and, the same again, in its `event` line; either will do. Confined to its loop.
package final class CohereStreamReader: AnswerStreamReader {
    private enum Open { case text, thinking, call }

    /// The kinds of events.
    private static let kinds: [(word: StaticString, kind: Kind)] = [
        ("content-delta", .contentDelta), ("tool-call-delta", .callDelta), ("tool-plan-delta", .planDelta),
        ("citation-start", .citation), ("content-start", .contentStart), ("content-end", .partEnd),
        ("tool-call-start", .callStart), ("tool-call-end", .partEnd), ("message-start", .messageStart),
        ("message-end", .messageEnd),
    ]

    private enum Kind {
        case messageStart, contentStart, contentDelta, planDelta, callStart, callDelta, citation, partEnd, messageEnd
    }

    private var hasBegun = false
    private var part = -1
    private var open: Open?
    private var hasEnded = false
    /// Empty; its memory serves the next event.
    private var spareSteps: [AnswerEvent] = []

    package init() {}

    package func read(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasEnded, !event.isComment, event.data.readableBytes > 0, !event.data.isDoneMark else { return }
        var steps: [AnswerEvent] = []
        swap(&steps, &self.spareSteps)
        try BodyReader.read(event.data) { (reader) throws(AnswerUnreadable) in
            try self.take(event, reader, &steps)
        }
        for step in steps { try emit(step) }
        steps.removeAll(keepingCapacity: true)
        self.spareSteps = steps
    }

    /// A stream without `message-end` has broken off.
    package func finish(_ emit: (AnswerEvent) throws -> Void) throws {}

    private static let names = JSONNames("type", "delta", "id", "message", "logprobs")

    private func take(
        _ event: ServerSentEvent,
        _ reader: BodyReader,
        _ steps: inout [AnswerEvent]
    ) throws(AnswerUnreadable) {
        var type: JSONSlice?
        var delta: JSONSlice?
        var id: JSONString?
        var isError = false
        var logprobs: JSONSlice?
        try reader.members(of: reader.root, named: Self.names) { position, value in
            switch position {
            case 0: type = value
            case 1: delta = reader.isNull(value) ? nil : value
            case 2: id = reader.string(value)
            case 3: isError = reader.kind(value) == .string
            default: logprobs = reader.kind(value) == .object ? value : nil
            }
        }
        guard let kind = Self.kind(type, event, reader) else {
            // Errors have no type, but a sentence. Other events are new, or only for those who look for mistakes.
            if isError, type == nil {
                self.hasEnded = true
                steps.append(.failure(body: event.data, type: nil))
            }
            return
        }
        if !self.hasBegun {
            self.hasBegun = true
            steps.append(.begin(AnswerHead(id: kind == .messageStart ? id : nil)))
        }
        if kind == .partEnd { return self.close(&steps) }
        guard let delta else { return }
        if let logprobs { steps.append(.logprobs(try CohereLogprobs.list([logprobs], reader))) }
        if kind == .messageEnd { return try self.end(delta, event, reader, &steps) }
        let message = try CohereDelta(delta, reader)
        try self.take(message, kind, reader, &steps)
    }

    private static func kind(_ type: JSONSlice?, _ event: ServerSentEvent, _ reader: BodyReader) -> Kind? {
        if let type { return Self.kinds.first { reader.equals(type, $0.word) }?.kind }
        guard let name = event.type else { return nil }
        return Self.kinds.first { name == ByteBuffer(staticString: $0.word) }?.kind
    }

    private func take(
        _ message: CohereDelta,
        _ kind: Kind,
        _ reader: BodyReader,
        _ steps: inout [AnswerEvent]
    ) throws(AnswerUnreadable) {
        switch kind {
        case .contentStart, .contentDelta:
            self.takeContent(message, &steps)
        case .planDelta:
            guard let plan = message.plan, !plan.isEmpty else { return }
            self.ensure(.text, &steps)
            steps.append(.text(part: self.part, plan))
        case .callStart, .callDelta:
            guard let slice = message.calls else { return }
            let call = try CohereCall(slice, reader)
            if kind == .callStart {
                guard let id = call.id, let name = call.name else { throw .garbled }
                self.close(&steps)
                self.part += 1
                self.open = .call
                steps.append(.open(part: self.part, .toolCall(id: id, name: name, signature: nil)))
            }
            guard let arguments = call.arguments, !arguments.isEmpty else { return }
            guard self.open == .call else { throw .garbled }
            steps.append(.arguments(part: self.part, arguments))
        case .citation:
            guard let citation = message.citation else { return }
            guard self.open == .text else { return steps.append(.unsaid(.citations)) }
            steps.append(.citation(part: self.part, reader.fragment(citation)))
        case .messageStart, .partEnd, .messageEnd:
            return
        }
    }

    private func takeContent(_ message: CohereDelta, _ steps: inout [AnswerEvent]) {
        if let thinking = message.thinking {
            self.ensure(.thinking, &steps)
            if !thinking.isEmpty { steps.append(.thinking(part: self.part, thinking)) }
        } else if let text = message.text {
            self.ensure(.text, &steps)
            if !text.isEmpty { steps.append(.text(part: self.part, text)) }
        }
    }

    private static let endNames = JSONNames("finish_reason", "usage", "error")

    private func end(
        _ delta: JSONSlice,
        _ event: ServerSentEvent,
        _ reader: BodyReader,
        _ steps: inout [AnswerEvent]
    ) throws(AnswerUnreadable) {
        var finish: FinishReason?
        var usage: JSONSlice?
        try reader.members(of: delta, named: Self.endNames) { position, value in
            switch position {
            case 0: finish = .cohere(value, reader)
            case 1: usage = value
            default: break
            }
        }
        guard let finish else { throw .garbled }
        self.hasEnded = true
        if let usage, reader.kind(usage) == .object {
            let read = try CohereUsage.read(usage, reader)
            if finish == .error { steps.append(.usage(read)) }
            self.close(&steps)
            if finish != .error { steps += [.finish(finish, stopSequence: nil), .usage(read), .end] }
        } else {
            self.close(&steps)
            if finish != .error { steps += [.finish(finish, stopSequence: nil), .end] }
        }
        if finish == .error { steps.append(.failure(body: event.data, type: nil)) }
    }

    private func ensure(_ kind: Open, _ steps: inout [AnswerEvent]) {
        guard self.open != kind else { return }
        self.close(&steps)
        self.part += 1
        self.open = kind
        steps.append(.open(part: self.part, kind == .thinking ? .thinking : .text))
    }

    private func close(_ steps: inout [AnswerEvent]) {
        guard self.open != nil else { return }
        self.open = nil
        steps.append(.close(part: self.part))
    }
}

/// What an event says beside its kind: `delta.message`.
private struct CohereDelta {
    var text: JSONString?
    var thinking: JSONString?
    var plan: JSONString?
    /// One call, although it is called by a plural; some servers make it a list of one.
    var calls: JSONSlice?
    var citation: JSONSlice?

    private static let names = JSONNames("message")
    private static let messageNames = JSONNames("content", "tool_plan", "tool_calls", "citations")
    private static let contentNames = JSONNames("text", "thinking")

    init(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        var message: JSONSlice?
        try reader.members(of: slice, named: Self.names) { _, value in message = value }
        guard let message, reader.kind(message) == .object else { return }
        var content: JSONSlice?
        var calls: JSONSlice?
        var citations: JSONSlice?
        try reader.members(of: message, named: Self.messageNames) { position, value in
            switch position {
            case 0: content = value
            case 1: self.plan = reader.string(value)
            case 2: calls = value
            default: citations = value
            }
        }
        self.calls = try Self.one(calls, reader)
        self.citation = try Self.one(citations, reader)
        guard let content, reader.kind(content) == .object else { return }
        try reader.members(of: content, named: Self.contentNames) { position, value in
            if position == 0 { self.text = reader.string(value) } else { self.thinking = reader.string(value) }
        }
    }

    private static func one(_ slice: JSONSlice?, _ reader: BodyReader) throws(AnswerUnreadable) -> JSONSlice? {
        guard let slice else { return nil }
        switch reader.kind(slice) {
        case .object:
            return slice
        case .array:
            var first: JSONSlice?
            try reader.elements(of: slice) { (element) throws(AnswerUnreadable) in
                if first == nil, reader.kind(element) == .object { first = element }
            }
            return first
        default:
            return nil
        }
    }
}

extension ByteBuffer {
    /// Whether the data of an event is `[DONE]`.
    fileprivate var isDoneMark: Bool { self.readableBytesView.starts(with: [0x5B, 0x44, 0x4F, 0x4E, 0x45, 0x5D]) }
}
