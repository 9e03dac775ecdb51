internal import Chat
internal import Core
internal import NIOCore

/// Writes whole answers for clients of Anthropic's Messages API.
enum AnthropicAnswerWriter {
    static func write(_ answer: ChatAnswer, _ context: AnswerContext, into body: inout ByteBuffer) -> AnswerLosses {
        var losses = AnswerLosses()
        body.beginObject()
        self.writeHead(id: answer.id, model: answer.model, context, into: &body)
        body.writeKey("content")
        body.beginArray()
        let choice = answer.choices.first
        for part in choice?.parts ?? [] { self.write(part, &losses, into: &body) }
        body.endArray()
        var finish = choice?.finish ?? .stop
        // The dialect says by the end that the model would not answer.
        if let choice, finish == .stop, choice.parts.contains(where: \.isRefusal) { finish = .contentFilter }
        self.writeStop(finish, choice?.stopSequence, into: &body)
        if let choice { body.write(choice.rest.filter { $0.name.equals("stop_details") }) }
        AnthropicUsage.write(answer.usage, into: &body)
        body.endObject()
        if answer.choices.count > 1 { losses.insert(.choices) }
        if choice?.logprobs != nil { losses.insert(.logprobs) }
        if answer.hasSources { losses.insert(.sources) }
        return losses
    }

    /// Writes what a message begins with, up to its content.
    static func writeHead(
        id: JSONString?,
        model: JSONString?,
        _ context: AnswerContext,
        into body: inout ByteBuffer
    ) {
        body.writeKey("id")
        if let id, context.source == .anthropic {
            id.write(into: &body)
        } else {
            body.writeStaticString("\"msg_")
            body.writeString(context.id)
            body.writeStaticString("\"")
        }
        body.writeMember("type", word: "message")
        body.writeMember("role", word: "assistant")
        body.writeMember("model", model ?? context.model)
    }

    static func writeStop(_ finish: FinishReason, _ sequence: JSONString?, into body: inout ByteBuffer) {
        body.writeMember("stop_reason", word: AnthropicStop.word(finish))
        if let sequence, finish == .stopSequence {
            body.writeMember("stop_sequence", sequence)
        } else {
            body.writeNull("stop_sequence")
        }
    }

    private static func write(_ part: ContentPart, _ losses: inout AnswerLosses, into body: inout ByteBuffer) {
        switch part.content {
        case .text(let text), .refusal(let text):
            // Clients hand answers back, and the API refuses texts of nothing.
            guard !text.isEmpty else { return }
            self.beginBlock("text", into: &body)
            body.writeMember("text", text)
            self.writeCitations(part.citations, of: text, &losses, into: &body)
        case .thinking(let thinking):
            if let redacted = thinking.redacted, thinking.text.isEmpty {
                self.beginBlock("redacted_thinking", into: &body)
                body.writeMember("data", ForeignThoughts.mark(redacted, id: thinking.id, format: thinking.format))
            } else {
                self.beginBlock("thinking", into: &body)
                body.writeMember("thinking", thinking.text)
                let proof = thinking.signature ?? thinking.redacted
                body.writeMember("signature", ForeignThoughts.mark(proof, id: thinking.id, format: thinking.format))
            }
        case .toolCall(let call):
            self.beginBlock("tool_use", into: &body)
            body.writeMember("id", self.sealed(call.id, call.signature, &losses))
            body.writeMember("name", call.name)
            body.writeKey("input")
            AnthropicArguments.write(call, into: &body)
        // Models of this dialect say none of these, so that its clients could not read them.
        case .image: return losses.formUnion(.images)
        case .audio: return losses.formUnion(.audio)
        case .file: return losses.formUnion(.files)
        case .toolResult, .other: return losses.formUnion(.content)
        }
        body.endObject()
    }

    private static func beginBlock(_ type: StaticString, into body: inout ByteBuffer) {
        body.separate()
        body.beginObject()
        body.writeMember("type", word: type)
    }

    /// The id of a call with the signature that its provider wants back in it.
    ///
    /// Clients of this dialect keep nothing else of a call. What does not fit into the API's alphabet is lost.
    static func sealed(_ id: JSONString, _ signature: JSONString?, _ losses: inout AnswerLosses) -> JSONString {
        guard let signature, !signature.isEmpty else { return id }
        let sealed = SignedCallID.seal(id, signature: signature)
        if sealed != id, AnthropicText.toolID(sealed) == sealed { return sealed }
        losses.insert(.signatures)
        return id
    }

    private static func writeCitations(
        _ citations: [JSONFragment],
        of text: JSONString,
        _ losses: inout AnswerLosses,
        into body: inout ByteBuffer
    ) {
        let known = citations.compactMap { AnthropicCitation.told($0, of: text) }
        if known.count < citations.count { losses.insert(.citations) }
        guard !known.isEmpty else { return }
        body.writeKey("citations")
        body.beginArray()
        for citation in known {
            body.separate()
            citation.write(into: &body)
        }
        body.endArray()
    }
}

extension ContentPart {
    fileprivate var isRefusal: Bool { if case .refusal = self.content { true } else { false } }
}
