internal import Chat
internal import Core
internal import NIOCore

/// Writes whole answers for clients of Anthropic's Messages API.
enum AnthropicAnswerWriter {
    static func write(_ answer: ChatAnswer, _ context: AnswerContext, into body: inout ByteBuffer) {
        body.beginObject()
        self.writeHead(id: answer.id, model: answer.model, context, into: &body)
        body.writeKey("content")
        body.beginArray()
        let choice = answer.choices.first
        for part in choice?.parts ?? [] { self.write(part, into: &body) }
        body.endArray()
        var finish = choice?.finish ?? .stop
        // The dialect says by the end that the model would not answer.
        if let choice, finish == .stop, choice.parts.contains(where: \.isRefusal) { finish = .contentFilter }
        self.writeStop(finish, choice?.stopSequence, into: &body)
        if let choice { body.write(choice.rest.filter { $0.name.equals("stop_details") }) }
        AnthropicUsage.write(answer.usage, into: &body)
        body.endObject()
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

    private static func write(_ part: ContentPart, into body: inout ByteBuffer) {
        switch part.content {
        case .text(let text), .refusal(let text):
            // Clients hand answers back, and the API refuses texts of nothing.
            guard !text.isEmpty else { return }
            self.beginBlock("text", into: &body)
            body.writeMember("text", text)
            self.writeCitations(part.citations, into: &body)
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
            body.writeMember("id", call.id)
            body.writeMember("name", call.name)
            body.writeKey("input")
            AnthropicArguments.write(call, into: &body)
        case .image, .audio, .file, .toolResult, .other:
            // Models of this dialect say none of these, so that its clients could not read them.
            return
        }
        body.endObject()
    }

    private static func beginBlock(_ type: StaticString, into body: inout ByteBuffer) {
        body.separate()
        body.beginObject()
        body.writeMember("type", word: type)
    }

    private static func writeCitations(_ citations: [JSONFragment], into body: inout ByteBuffer) {
        let known = citations.filter { AnthropicCitation.isOwn($0) }
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

/// Sources that an answer names for its text.
enum AnthropicCitation {
    private static let types: [StaticString] = [
        "char_location", "page_location", "content_block_location", "web_search_result_location",
        "search_result_location",
    ]

    /// Whether it is one of this dialect's: the SDKs know no others.
    static func isOwn(_ citation: JSONFragment) -> Bool {
        var isOwn = false
        do throws(AnswerUnreadable) {
            try BodyReader.read(citation.bytes) { (reader) throws(AnswerUnreadable) in
                try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                    guard key.equals("type") else { return }
                    isOwn = Self.types.contains { reader.equals(value, $0) }
                }
            }
        } catch {
            return false
        }
        return isOwn
    }
}
