package import Chat
internal import Core
internal import NIOCore
package import Wire

/// Reads the events of Gemini's `streamGenerateContent`.
///
/// Each event is a whole answer with the next parts. Nothing marks the last one: older models put a finish reason into
/// every event, so that only the end of the body shows which one counts. Confined to its loop.
package final class GeminiStreamReader: AnswerStreamReader {
    private enum Open { case text, thinking }

    private var hasBegun = false
    private var ids: GeminiCallIDs?
    private var part = -1
    private var open: Open?
    private var hasCalls = false
    private var finish: FinishReason?
    private var usage = TokenUsage()
    private var hasEnded = false
    /// Empty; its memory serves the next event.
    private var spareSteps: [AnswerEvent] = []

    package init() {}

    package func read(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasEnded, !event.isComment, event.data.readableBytes > 0 else { return }
        var steps: [AnswerEvent] = []
        swap(&steps, &self.spareSteps)
        try BodyReader.read(event.data) { (reader) throws(AnswerUnreadable) in
            try self.take(reader, event.data, &steps)
        }
        for step in steps { try emit(step) }
        steps.removeAll(keepingCapacity: true)
        self.spareSteps = steps
    }

    package func finish(_ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasEnded, let finish = self.finish else { return }
        self.hasEnded = true
        if self.open != nil { try emit(.close(part: self.part)) }
        self.open = nil
        try emit(.finish(self.hasCalls && finish == .stop ? .toolCalls : finish, stopSequence: nil))
        try emit(.end)
    }

    /// What one event means.
    private func take(
        _ reader: BodyReader,
        _ data: ByteBuffer,
        _ steps: inout [AnswerEvent]
    ) throws(AnswerUnreadable) {
        let body = try GeminiBody(reader)
        if body.isError {
            self.hasEnded = true
            return steps.append(.failure(body: data, type: nil))
        }
        if !self.hasBegun {
            self.hasBegun = true
            steps.append(.begin(AnswerHead(id: body.id, model: body.model)))
        }
        if self.ids == nil { self.ids = GeminiCallIDs(of: body.id) }
        if body.isBlocked { self.finish = .contentFilter }
        if let candidates = body.candidates {
            var index = 0
            try reader.elements(of: candidates) { (candidate) throws(AnswerUnreadable) in
                // One answer goes into one stream; more were not asked for.
                if index == 0 { try self.read(candidate, reader, &steps) }
                index += 1
            }
        }
        if let usage = body.usage, usage != self.usage {
            self.usage = usage
            steps.append(.usage(usage))
        }
    }

    private static let candidateNames = JSONNames("content", "finishReason", "groundingMetadata", "citationMetadata")
    private static let contentNames = JSONNames("parts")

    private func read(
        _ candidate: JSONSlice,
        _ reader: BodyReader,
        _ steps: inout [AnswerEvent]
    ) throws(AnswerUnreadable) {
        var content: JSONSlice?
        var finish: JSONSlice?
        var hasSources = false
        try reader.members(of: candidate, named: Self.candidateNames) { position, value in
            switch position {
            case 0: content = value
            case 1: finish = value
            default: if reader.fragment(value).saysNothing == false { hasSources = true }
            }
        }
        if hasSources { steps.append(.unsaid(.sources)) }
        if let content, !reader.isNull(content) {
            var parts: JSONSlice?
            try reader.members(of: content, named: Self.contentNames) { _, value in parts = value }
            if let parts, !reader.isNull(parts) {
                try reader.elements(of: parts) { (part) throws(AnswerUnreadable) in
                    self.take(try GeminiPart(part, reader), &steps)
                }
            }
        }
        if let finish, let reason = FinishReason.gemini(finish, reader) { self.finish = reason }
    }

    private func take(_ part: GeminiPart, _ steps: inout [AnswerEvent]) {
        if let call = part.call {
            self.close(&steps)
            self.part += 1
            self.hasCalls = true
            var ids = self.ids ?? GeminiCallIDs(of: nil)
            let made = ids.call(call, signature: part.signature)
            self.ids = ids
            let opening = AnswerEvent.Opening.toolCall(id: made.id, name: made.name, signature: made.signature)
            steps.append(.open(part: self.part, opening))
            if let arguments = call.arguments, !arguments.saysNothing {
                steps.append(.arguments(part: self.part, JSONString(utf8: arguments.bytes)))
            }
            steps.append(.close(part: self.part))
        } else if part.isThought {
            self.ensure(.thinking, if: part.text?.isEmpty == false || part.signature != nil, &steps)
            if let text = part.text, !text.isEmpty { steps.append(.thinking(part: self.part, text)) }
            if let signature = part.signature { steps.append(.signature(part: self.part, signature)) }
        } else if let text = part.text, !text.isEmpty {
            // The signature of a text is not needed to go on, and has no place in a stream.
            self.ensure(.text, if: true, &steps)
            steps.append(.text(part: self.part, text))
        } else if let media = part.media {
            self.close(&steps)
            steps.append(media.isSound ? .unsaid(.audio) : .image(media))
        } else if part.isOther {
            steps.append(.unsaid(.content))
        }
    }

    private func ensure(_ kind: Open, if isNeeded: Bool, _ steps: inout [AnswerEvent]) {
        guard isNeeded, self.open != kind else { return }
        self.close(&steps)
        self.part += 1
        self.open = kind
        steps.append(.open(part: self.part, kind == .text ? .text : .thinking))
    }

    private func close(_ steps: inout [AnswerEvent]) {
        guard self.open != nil else { return }
        self.open = nil
        steps.append(.close(part: self.part))
    }
}
