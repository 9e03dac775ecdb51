package import Chat
internal import Core
internal import NIOCore
package import Wire

/// Writes streams of OpenAI's chat dialect.
///
/// The first chunk has the role, each other one piece, one the reason of the end, and where the client asked for it the
/// last one the usage; then `[DONE]`.
package final class OpenAIChatStreamWriter: AnswerStreamWriter {
    package private(set) var losses = AnswerLosses()
    private let context: AnswerContext
    private let isLegacy: Bool
    private let hidesThoughts: Bool
    /// The name of the provider's signatures.
    private let format: StaticString
    /// What all chunks begin and end with.
    private var prefix = ByteBuffer()
    private var suffix = ByteBuffer()
    private var scratch = ByteBuffer()
    private var usage = TokenUsage()
    private var calls = 0
    private var hasArguments = false
    private var isCall = false
    private var isCustom = false
    private var images = 0
    /// Log probabilities of a text that has not come yet.
    private var logprobs: JSONFragment?
    private var thoughts = -1
    /// How many characters of text there were, to say where sources belong.
    private var characters = 0
    private var textStart = 0

    package init(_ context: AnswerContext) {
        self.context = context.withoutConversation
        self.isLegacy = context.request.own["functions"] != nil
        self.hidesThoughts = context.request.reasoning.summary?.value.equals("none") == true
        self.format = ReasoningDetails.name(of: context.source)
    }

    package func write(_ event: AnswerEvent, _ send: (ServerSentEvent, Bool) throws -> Void) throws {
        switch event {
        case .text(_, let text):
            self.characters += text.characterCount
            guard self.logprobs == nil else { return try self.sendLogprobs(with: text, send) }
            try self.send(event, send) { $0.writeMember("content", text) }
        case .arguments(_, let piece): try self.writeArguments(piece, event, send)
        case .thinking(_, let text): try self.writeThinking(text, event, send)
        case .begin(let head): try self.begin(head, send)
        case .open(_, let opening): try self.open(opening, event, send)
        case .signature(_, let signature):
            guard !self.hidesThoughts else { return }
            try self.sendDetail(event, send) { body in
                body.writeStaticString(#""type":"reasoning.text","text":"","signature":"#)
                signature.write(into: &body)
            }
        case .refusal(_, let text): try self.send(event, send) { $0.writeMember("refusal", text) }
        case .citation(_, let citation):
            var annotation = ByteBuffer()
            guard Annotation.write(citation, self.textStart..<self.characters, into: &annotation) else {
                self.losses.insert(.citations)
                return
            }
            try self.send(event, send) { body in
                body.writeKey("annotations")
                body.beginArray()
                body.writeImmutableBuffer(annotation)
                body.endArray()
            }
        case .logprobs(let list):
            try self.sendLogprobs(with: nil, send)
            self.logprobs = JSONFragment(checked: ByteBuffer(bytes: list.bytes.readableBytesView))
        case .image(let image): try self.writeImage(image, event, send)
        case .unsaid(let losses): self.losses.formUnion(losses)
        case .close:
            try self.sendLogprobs(with: nil, send)
            // No arguments at all are an empty object.
            if self.isCall, !self.hasArguments, !self.isCustom {
                try self.writeArguments(JSONString("{}"), event, send)
            }
            self.isCall = false
        case .finish(let reason, _):
            try self.sendLogprobs(with: nil, send)
            try self.finish(reason, send)
        case .usage(let usage): self.usage.merge(usage)
        case .end: try self.end(send)
        case .failure: break
        }
    }

    private func begin(_ head: AnswerHead, _ send: (ServerSentEvent, Bool) throws -> Void) throws {
        self.prefix.writeStaticString("{\"id\":\"chatcmpl-")
        self.prefix.writeString(self.context.id)
        self.prefix.writeStaticString("\",\"object\":\"chat.completion.chunk\",\"created\":")
        self.prefix.writeString(String(self.context.created))
        self.prefix.writeMember("model", head.model ?? self.context.model)
        self.prefix.writeStaticString(",\"choices\":[")
        self.suffix.writeStaticString("},\"finish_reason\":null}]")
        if self.context.request.wantsUsage { self.suffix.writeStaticString(",\"usage\":null") }
        self.suffix.writeStaticString("}")
        try self.send(isContent: false, send) { body in
            body.writeStaticString(#""role":"assistant","content":"""#)
        }
    }

    private func open(
        _ opening: AnswerEvent.Opening,
        _ event: AnswerEvent,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        switch opening {
        case .text: self.textStart = self.characters
        case .thinking: self.thoughts += 1
        case .refusal: break
        case .redactedThinking(let data):
            self.thoughts += 1
            guard !self.hidesThoughts else { return }
            try self.sendDetail(event, send) { body in
                body.writeStaticString(#""type":"reasoning.encrypted","data":"#)
                data.write(into: &body)
            }
        case .toolCall(let id, let name, let signature, let isCustom):
            self.isCall = true
            self.isCustom = isCustom
            self.hasArguments = false
            let index = self.calls
            self.calls += 1
            guard !self.isLegacy else {
                // There is but one call in the older form, and no place for a signature.
                if signature != nil { self.losses.insert(.signatures) }
                guard index == 0 else {
                    self.losses.insert(.content)
                    return
                }
                return try self.send(event, send) { body in
                    body.writeKey("function_call")
                    body.writeStaticString("{\"name\":")
                    name.write(into: &body)
                    body.writeStaticString(",\"arguments\":\"\"}")
                }
            }
            try self.send(event, send) { body in
                body.writeKey("tool_calls")
                body.writeStaticString("[{\"index\":")
                body.writeString(String(index))
                body.writeMember("id", SignedCallID.seal(id, signature: signature))
                body.writeStaticString(
                    isCustom ? #","type":"custom","custom":{"name":"# : #","type":"function","function":{"name":"#
                )
                name.write(into: &body)
                body.writeStaticString(isCustom ? #","input":""}"# : #","arguments":""}"#)
                if let signature { ThoughtSignature.write(signature, into: &body) }
                body.writeStaticString("}]")
            }
        }
    }

    private func writeArguments(
        _ piece: JSONString,
        _ event: AnswerEvent,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        guard !piece.isEmpty else { return }
        self.hasArguments = true
        if self.isLegacy {
            // There is but one call in the older form.
            guard self.calls == 1 else { return }
            return try self.send(isContent: true, send) { body in
                body.writeStaticString("\"function_call\":{\"arguments\":")
                piece.write(into: &body)
                body.writeStaticString("}")
            }
        }
        let (index, isCustom) = (self.calls - 1, self.isCustom)
        try self.send(isContent: true, send) { body in
            body.writeStaticString("\"tool_calls\":[{\"index\":")
            body.writeString(String(index))
            body.writeStaticString(isCustom ? #","custom":{"input":"# : #","function":{"arguments":"#)
            piece.write(into: &body)
            body.writeStaticString("}}]")
        }
    }

    private func writeImage(
        _ image: Media,
        _ event: AnswerEvent,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        var list = ByteBuffer()
        self.losses.formUnion(ChatImages.write(image, self.images, into: &list))
        guard list.readableBytes > 0 else { return }
        self.images += 1
        try self.send(event, send) { body in
            body.writeKey("images")
            body.beginArray()
            body.writeImmutableBuffer(list)
            body.endArray()
        }
    }

    /// Sends log probabilities that wait, with the text that they are for.
    private func sendLogprobs(
        with text: JSONString?,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        guard let logprobs = self.logprobs else { return }
        self.logprobs = nil
        try self.send(isContent: true, send) { body in
            if let text { body.writeMember("content", text) }
            // They stand beside the delta, not in it.
            body.writeStaticString(#"},"logprobs":{"content":"#)
            logprobs.write(into: &body)
            body.writeStaticString(#","refusal":null"#)
        }
    }

    private func writeThinking(
        _ text: JSONString,
        _ event: AnswerEvent,
        _ send: (ServerSentEvent, Bool) throws -> Void
    ) throws {
        guard !self.hidesThoughts else { return }
        let (index, format) = (self.thoughts, self.format)
        try self.send(event, send) { body in
            body.writeMember("reasoning_content", text)
            // Those whose thoughts are never signed do not want them back.
            guard self.context.source != .openAIChat, self.context.source != .cohere else { return }
            body.writeStaticString(",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":")
            text.write(into: &body)
            body.writeMember("format", word: format)
            body.writeMember("index", index)
            body.writeStaticString("}]")
        }
    }

    private func sendDetail(
        _ event: AnswerEvent,
        _ send: (ServerSentEvent, Bool) throws -> Void,
        _ write: (inout ByteBuffer) -> Void
    ) throws {
        try self.send(event, send) { body in
            body.writeStaticString("\"reasoning_details\":[{")
            write(&body)
            body.writeMember("format", word: self.format)
            body.writeMember("index", max(0, self.thoughts))
            body.writeStaticString("}]")
        }
    }

    private func finish(_ reason: FinishReason, _ send: (ServerSentEvent, Bool) throws -> Void) throws {
        self.scratch.clear()
        self.scratch.writeImmutableBuffer(self.prefix)
        self.scratch.writeStaticString("{\"index\":0,\"delta\":{},\"finish_reason\":\"")
        self.scratch.writeStaticString(ChatFinish.word(reason, isLegacy: self.isLegacy))
        self.scratch.writeStaticString("\"}]")
        if self.context.request.wantsUsage { self.scratch.writeStaticString(",\"usage\":null") }
        self.scratch.writeStaticString("}")
        try send(ServerSentEvent(data: self.scratch), true)
    }

    private static let done = ByteBuffer(staticString: "[DONE]")

    private func end(_ send: (ServerSentEvent, Bool) throws -> Void) throws {
        if self.context.request.wantsUsage, ChatUsage.isSayable(self.usage) {
            self.scratch.clear()
            self.scratch.writeImmutableBuffer(self.prefix)
            self.scratch.writeStaticString("],\"usage\":")
            ChatUsage.write(self.usage, into: &self.scratch)
            self.scratch.writeStaticString("}")
            try send(ServerSentEvent(data: self.scratch), false)
        }
        try send(ServerSentEvent(data: Self.done), false)
    }

    // MARK: - Chunks

    /// Sends a chunk with these members in its delta.
    @inline(__always)
    private func send(
        _ event: AnswerEvent,
        _ send: (ServerSentEvent, Bool) throws -> Void,
        _ write: (inout ByteBuffer) -> Void
    ) throws {
        try self.send(isContent: event.isContent, send, write)
    }

    @inline(__always)
    private func send(
        isContent: Bool,
        _ send: (ServerSentEvent, Bool) throws -> Void,
        _ write: (inout ByteBuffer) -> Void
    ) throws {
        self.scratch.clear()
        self.scratch.writeImmutableBuffer(self.prefix)
        self.scratch.writeStaticString("{\"index\":0,\"delta\":{")
        write(&self.scratch)
        self.scratch.writeImmutableBuffer(self.suffix)
        try send(ServerSentEvent(data: self.scratch), isContent)
    }
}
