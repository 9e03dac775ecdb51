internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Writes streams for clients of Anthropic's Messages API, in the order of events that their SDKs add up.
final class AnthropicStreamWriter: AnswerStreamWriter {
    private(set) var losses = AnswerLosses()
    private let context: AnswerContext
    /// One event's data; used again for each.
    private var data = ByteBuffer()
    private var hasBegun = false
    private var nextIndex = 0
    private var block: Block?
    private var finish = FinishReason.stop
    private var stopSequence: JSONString?
    private var hasRefused = false
    private var usage = TokenUsage()

    /// The part that is open, and its block once that has begun.
    private struct Block {
        enum Kind { case text, thinking, hidden, toolCall }
        var part: Int
        var kind: Kind
        /// Nil as long as a text has nothing in it: clients hand answers back, and the API refuses texts of nothing.
        var index: Int?
        var hasArguments = false
        /// Whether the arguments are free text, which becomes a member of an object.
        var isCustom = false
    }

    private enum EventName {
        static let messageStart = ByteBuffer(staticString: "message_start")
        static let blockStart = ByteBuffer(staticString: "content_block_start")
        static let blockDelta = ByteBuffer(staticString: "content_block_delta")
        static let blockStop = ByteBuffer(staticString: "content_block_stop")
        static let messageDelta = ByteBuffer(staticString: "message_delta")
        static let messageStop = ByteBuffer(staticString: "message_stop")
    }

    init(_ context: AnswerContext) { self.context = context.withoutConversation }

    func write(_ event: AnswerEvent, _ send: (ServerSentEvent, Bool) throws -> Void) throws {
        switch event {
        case .begin(let head): try self.begin(head, send)
        case .open(let part, let opening): try self.open(part, opening, send)
        case .text(let part, let text), .refusal(let part, let text):
            guard !text.isEmpty, self.block?.part == part else { return }
            if self.block?.index == nil { try self.start(send) { $0.writeTextBlock() } }
            try self.delta("text_delta", "text", text, send)
        case .thinking(let part, let text):
            guard self.block?.part == part else { return }
            try self.delta("thinking_delta", "thinking", text, send)
        case .signature(let part, let signature):
            guard self.block?.part == part, self.block?.kind == .thinking else { return }
            let source = self.context.source ?? .anthropic
            try self.delta(
                "signature_delta",
                "signature",
                ForeignThoughts.mark(signature, id: nil, format: source),
                send
            )
        case .arguments(let part, let text):
            guard self.block?.part == part, self.block?.kind == .toolCall else { return }
            try self.argue(text, send)
        case .citation(let part, let citation): try self.cite(part, citation, send)
        case .logprobs: self.losses.insert(.logprobs)
        case .image: self.losses.insert(.images)
        case .unsaid(let losses): self.losses.formUnion(losses)
        case .close(let part):
            if self.block?.part == part { try self.close(send) }
        case .finish(let reason, let sequence):
            self.finish = reason
            self.stopSequence = sequence
        case .usage(let usage): self.usage.merge(usage)
        case .end: try self.end(send)
        case .failure: break
        }
    }

    // MARK: - The message

    private func begin(_ head: AnswerHead, _ send: (ServerSentEvent, Bool) throws -> Void) throws {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        self.data.clear()
        self.data.beginObject()
        self.data.writeMember("type", word: "message_start")
        self.data.writeKey("message")
        self.data.beginObject()
        AnthropicAnswerWriter.writeHead(id: head.id, model: head.model, self.context, into: &self.data)
        self.data.writeKey("content")
        self.data.writeStaticString("[]")
        self.data.writeNull("stop_reason")
        self.data.writeNull("stop_sequence")
        // Most providers say only at the end what was used; the figures there take the place of these.
        AnthropicUsage.write(self.usage, into: &self.data)
        self.data.endObject()
        self.data.endObject()
        try send(ServerSentEvent(data: self.data, type: EventName.messageStart), false)
    }

    private func end(_ send: (ServerSentEvent, Bool) throws -> Void) throws {
        try self.begin(AnswerHead(), send)
        try self.close(send)
        let finish = self.finish == .stop && self.hasRefused ? .contentFilter : self.finish
        self.data.clear()
        self.data.beginObject()
        self.data.writeMember("type", word: "message_delta")
        self.data.writeKey("delta")
        self.data.beginObject()
        AnthropicAnswerWriter.writeStop(finish, self.stopSequence, into: &self.data)
        self.data.endObject()
        AnthropicUsage.write(self.usage, into: &self.data)
        self.data.endObject()
        try send(ServerSentEvent(data: self.data, type: EventName.messageDelta), true)
        self.data.clear()
        self.data.writeStaticString("{\"type\":\"message_stop\"}")
        try send(ServerSentEvent(data: self.data, type: EventName.messageStop), true)
    }

    // MARK: - Blocks

    private func open(
        _ part: Int,
        _ opening: AnswerEvent.Opening,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        try self.begin(AnswerHead(), send)
        try self.close(send)
        switch opening {
        case .text: self.block = Block(part: part, kind: .text)
        case .refusal:
            self.hasRefused = true
            self.block = Block(part: part, kind: .text)
        case .thinking:
            self.block = Block(part: part, kind: .thinking)
            try self.start(send) { data in
                data.writeMember("type", word: "thinking")
                data.writeMember("thinking", JSONString.empty)
                data.writeMember("signature", JSONString.empty)
            }
        case .redactedThinking(let hidden):
            self.block = Block(part: part, kind: .hidden)
            let source = self.context.source ?? .anthropic
            try self.start(send) { data in
                data.writeMember("type", word: "redacted_thinking")
                data.writeMember("data", ForeignThoughts.mark(hidden, id: nil, format: source))
            }
        case .toolCall(let id, let name, let signature, let isCustom):
            self.block = Block(part: part, kind: .toolCall, isCustom: isCustom)
            let sealed = AnthropicAnswerWriter.sealed(id, signature, &self.losses)
            try self.start(send) { data in
                data.writeMember("type", word: "tool_use")
                data.writeMember("id", sealed)
                data.writeMember("name", name)
                data.writeKey("input")
                data.writeStaticString("{}")
            }
        }
    }

    /// Sends `content_block_start` for the open part.
    private func start(
        _ send: (ServerSentEvent, Bool) throws -> Void,
        _ content: (inout ByteBuffer) -> Void
    ) throws {
        let index = self.nextIndex
        self.nextIndex += 1
        self.block?.index = index
        self.data.clear()
        self.data.beginObject()
        self.data.writeMember("type", word: "content_block_start")
        self.data.writeMember("index", index)
        self.data.writeKey("content_block")
        self.data.beginObject()
        content(&self.data)
        self.data.endObject()
        self.data.endObject()
        let isContent = self.block?.kind == .toolCall || self.block?.kind == .hidden
        try send(ServerSentEvent(data: self.data, type: EventName.blockStart), isContent)
    }

    private func delta(
        _ type: StaticString,
        _ member: StaticString,
        _ text: JSONString,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        guard let index = self.block?.index else { return }
        self.data.clear()
        self.data.writeStaticString("{\"type\":\"content_block_delta\",\"index\":")
        self.data.writeString(String(index))
        self.data.writeStaticString(",\"delta\":{\"type\":\"")
        self.data.writeStaticString(type)
        self.data.writeStaticString("\"")
        self.data.writeMember(member, text)
        self.data.writeStaticString("}}")
        try send(ServerSentEvent(data: self.data, type: EventName.blockDelta), true)
    }

    /// Sends a piece of a call's arguments.
    private func argue(_ text: JSONString, _ send: (ServerSentEvent, Bool) throws -> Void) throws {
        guard self.block?.isCustom == true else {
            self.block?.hasArguments = true
            return try self.delta("input_json_delta", "partial_json", text, send)
        }
        if self.block?.hasArguments == false {
            self.block?.hasArguments = true
            try self.delta("input_json_delta", "partial_json", JSONString("{\"input\":\""), send)
        }
        // As it stands within quotes is how it stands in the object's text.
        try self.delta("input_json_delta", "partial_json", JSONString(utf8: text.content), send)
    }

    private func cite(
        _ part: Int,
        _ citation: JSONFragment,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        guard self.block?.part == part, self.block?.kind == .text,
            let told = AnthropicCitation.told(citation, of: nil)
        else { return self.losses.formUnion(.citations) }
        if self.block?.index == nil { try self.start(send) { $0.writeTextBlock() } }
        guard let index = self.block?.index else { return }
        self.data.clear()
        self.data.writeStaticString("{\"type\":\"content_block_delta\",\"index\":")
        self.data.writeString(String(index))
        self.data.writeStaticString(",\"delta\":{\"type\":\"citations_delta\",\"citation\":")
        told.write(into: &self.data)
        self.data.writeStaticString("}}")
        try send(ServerSentEvent(data: self.data, type: EventName.blockDelta), true)
    }

    private func close(_ send: (ServerSentEvent, Bool) throws -> Void) throws {
        guard let block = self.block else { return }
        // Arguments of nothing are one empty piece, as Anthropic itself has it.
        if block.kind == .toolCall, block.isCustom {
            if !block.hasArguments { try self.argue(.empty, send) }
            try self.delta("input_json_delta", "partial_json", JSONString("\"}"), send)
        } else if block.kind == .toolCall, !block.hasArguments {
            try self.delta("input_json_delta", "partial_json", .empty, send)
        }
        self.block = nil
        guard let index = block.index else { return }
        self.data.clear()
        self.data.writeStaticString("{\"type\":\"content_block_stop\",\"index\":")
        self.data.writeString(String(index))
        self.data.writeStaticString("}")
        try send(ServerSentEvent(data: self.data, type: EventName.blockStop), false)
    }
}

extension ByteBuffer {
    /// What a text block begins with.
    fileprivate mutating func writeTextBlock() {
        self.writeMember("type", word: "text")
        self.writeMember("text", JSONString.empty)
    }
}
