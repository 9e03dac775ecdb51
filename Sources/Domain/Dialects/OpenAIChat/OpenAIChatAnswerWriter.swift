package import Chat
internal import Core
package import NIOCore

/// Writes whole answers of OpenAI's chat dialect.
///
/// Thoughts go as text in `reasoning_content`, and with their signatures in `reasoning_details`; a client that sends
/// the message back whole gives the provider back what it wants.
package enum OpenAIChatAnswerWriter {
    @discardableResult
    package static func write(
        _ answer: ChatAnswer,
        _ context: AnswerContext,
        into body: inout ByteBuffer
    ) -> AnswerLosses {
        var writing = OpenAIChatAnswerWriting(context: context, body: body)
        // Moved out and back, so that the buffer has one owner and is not copied.
        body = ByteBuffer()
        writing.write(answer)
        body = writing.body
        return writing.losses
    }
}

/// The state of writing one answer.
struct OpenAIChatAnswerWriting {
    let context: AnswerContext
    var body: ByteBuffer
    private(set) var losses = AnswerLosses()

    init(context: AnswerContext, body: ByteBuffer) {
        self.context = context
        self.body = body
    }

    /// Whether the client spoke of functions, not of tools.
    private var isLegacy: Bool { self.context.request.own["functions"] != nil }

    /// Members that others' answers have too, with another meaning.
    private static let written: [StaticString] = [
        "id", "object", "created", "model", "choices", "usage", "service_tier", "type", "role", "content", "error",
        "status", "index", "message", "delta", "finish_reason", "logprobs", "output",
    ]

    mutating func write(_ answer: ChatAnswer) {
        self.body.beginObject()
        self.body.writeKey("id")
        self.body.writeStaticString("\"chatcmpl-")
        self.body.writeString(self.context.id)
        self.body.writeStaticString("\"")
        self.body.writeMember("object", word: "chat.completion")
        self.body.writeMember("created", Int(self.context.created))
        self.body.writeMember("model", answer.model ?? self.context.model)
        self.body.writeKey("choices")
        self.body.beginArray()
        for (index, choice) in answer.choices.enumerated() { self.write(choice, index) }
        self.body.endArray()
        if ChatUsage.isSayable(answer.usage) {
            self.body.writeKey("usage")
            ChatUsage.write(answer.usage, into: &self.body)
        }
        if let tier = answer.serviceTier {
            // Anthropic's word for OpenAI's `default`.
            if tier.equals("standard") {
                self.body.writeMember("service_tier", word: "default")
            } else {
                self.body.writeMember("service_tier", tier)
            }
        }
        self.writeRest(answer.rest)
        self.body.endObject()
    }

    private mutating func writeRest(_ rest: [RestMember]) {
        for member in rest where !Self.written.contains(where: { member.name.equals($0) }) {
            self.body.separate()
            member.write(into: &self.body, isFirst: true)
        }
    }

    private mutating func write(_ choice: AnswerChoice, _ index: Int) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("index", index)
        self.body.writeKey("message")
        self.writeMessage(choice)
        if let logprobs = choice.logprobs {
            self.body.writeMember("logprobs", logprobs)
        } else {
            self.body.writeNull("logprobs")
        }
        self.body.writeMember("finish_reason", word: ChatFinish.word(choice.finish, isLegacy: self.isLegacy))
        self.body.endObject()
    }

    private mutating func writeMessage(_ choice: AnswerChoice) {
        var texts: [JSONString] = []
        var refusals: [JSONString] = []
        var thoughts: [Thinking] = []
        var calls: [ToolCall] = []
        var audio: ContentPart?
        var images: [Media] = []
        for part in choice.parts {
            switch part.content {
            case .text(let text): texts.append(text)
            case .refusal(let text): refusals.append(text)
            case .thinking(let thinking): thoughts.append(thinking)
            case .toolCall(let call): calls.append(call)
            case .audio: audio = part
            case .image(let image): images.append(image)
            case .file: self.losses.insert(.files)
            case .toolResult, .other: self.losses.insert(.content)
            }
        }
        self.body.beginObject()
        self.body.writeMember("role", word: "assistant")
        if texts.isEmpty, !calls.isEmpty || !refusals.isEmpty {
            self.body.writeNull("content")
        } else {
            self.body.writeMember("content", JSONString(joining: texts))
        }
        if refusals.isEmpty {
            self.body.writeNull("refusal")
        } else {
            self.body.writeMember("refusal", JSONString(joining: refusals))
        }
        self.writeAnnotations(choice.parts)
        self.write(thoughts)
        if let audio { self.write(audio: audio) }
        self.write(images)
        self.write(calls)
        self.writeRest(choice.rest)
        self.body.endObject()
    }

    /// Sources of texts, each with the place of its text in the whole.
    private mutating func writeAnnotations(_ parts: [ContentPart]) {
        guard parts.contains(where: { !$0.citations.isEmpty }) else { return }
        self.body.writeKey("annotations")
        self.body.beginArray()
        var start = 0
        for part in parts {
            guard case .text(let text) = part.content else { continue }
            let end = start + text.characterCount
            for citation in part.citations where !Annotation.write(citation, start..<end, into: &self.body) {
                self.losses.insert(.citations)
            }
            start = end
        }
        self.body.endArray()
    }

    private mutating func write(_ thoughts: [Thinking]) {
        guard !thoughts.isEmpty, self.context.request.reasoning.summary?.value.equals("none") != true else { return }
        let texts = thoughts.map(\.text).filter { !$0.isEmpty }
        if !texts.isEmpty {
            self.body.writeMember("reasoning_content", JSONString(joining: texts, separator: "\\n\\n"))
        }
        self.body.writeKey("reasoning_details")
        self.body.beginArray()
        for (index, thinking) in thoughts.enumerated() {
            ReasoningDetails.write(thinking, index: index, into: &self.body)
        }
        self.body.endArray()
    }

    private mutating func write(audio: ContentPart) {
        guard case .audio(let media) = audio.content, case .data(let data) = media.source else {
            self.losses.insert(.audio)
            return
        }
        self.body.writeKey("audio")
        self.body.beginObject()
        self.body.write(audio.rest)
        self.body.writeKey("data")
        self.body.writeStaticString("\"")
        self.body.writeImmutableBuffer(data)
        self.body.writeStaticString("\"")
        self.body.endObject()
    }

    private mutating func write(_ images: [Media]) {
        guard !images.isEmpty else { return }
        self.body.writeKey("images")
        self.body.beginArray()
        for (index, image) in images.enumerated() {
            self.losses.formUnion(ChatImages.write(image, index, into: &self.body))
        }
        self.body.endArray()
    }

    private mutating func write(_ calls: [ToolCall]) {
        guard let first = calls.first else { return }
        if self.isLegacy {
            // There is but one call in the older form, and no place for a signature.
            if calls.count > 1 { self.losses.insert(.content) }
            if calls.contains(where: { $0.signature != nil }) { self.losses.insert(.signatures) }
            self.body.writeKey("function_call")
            self.body.beginObject()
            self.body.writeMember("name", first.name)
            self.body.writeMember("arguments", first.arguments.asString)
            self.body.endObject()
            return
        }
        self.body.writeKey("tool_calls")
        self.body.beginArray()
        for call in calls {
            self.body.separate()
            self.body.beginObject()
            self.body.writeMember("id", SignedCallID.seal(call.id, signature: call.signature))
            self.body.writeMember("type", word: call.isCustom ? "custom" : "function")
            self.body.writeKey(call.isCustom ? "custom" : "function")
            self.body.beginObject()
            self.body.writeMember("name", call.name)
            if call.isCustom, case .encoded(let text) = call.arguments {
                self.body.writeMember("input", text)
            } else {
                self.body.writeMember(call.isCustom ? "input" : "arguments", call.arguments.asString)
            }
            self.body.endObject()
            if let signature = call.signature { ThoughtSignature.write(signature, into: &self.body) }
            self.body.endObject()
        }
        self.body.endArray()
    }
}

/// Sources of a text, as chat has them: `{"type":"url_citation","url_citation":{start_index,end_index,title,url}}`.
enum Annotation {
    /// Appends a source of another dialect.
    ///
    /// - Parameter range: The characters of the text that it is for, where the source does not say.
    /// - Returns: False where it has no address, which chat cannot say.
    static func write(_ citation: JSONFragment, _ range: Range<Int>, into body: inout ByteBuffer) -> Bool {
        if citation.value(of: "url_citation")?.kind == .object {
            body.separate()
            citation.write(into: &body)
            return true
        }
        let source = CitedSource(citation)
        guard let url = source.url else { return false }
        body.separate()
        body.writeStaticString(#"{"type":"url_citation","url_citation":{"#)
        body.writeMember("start_index", source.start ?? range.lowerBound)
        body.writeMember("end_index", source.end ?? range.upperBound)
        body.writeMember("url", url)
        body.writeMember("title", source.title ?? .empty)
        body.writeStaticString("}}")
        return true
    }
}
