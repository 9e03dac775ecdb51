package import Chat
internal import Core
package import NIOCore

/// Writes whole answers of OpenAI's chat dialect.
///
/// Thoughts go as text in `reasoning_content`, and with their signatures in `reasoning_details`; a client that sends
/// the message back whole gives the provider back what it wants.
package enum OpenAIChatAnswerWriter {
    package static func write(_ answer: ChatAnswer, _ context: AnswerContext, into body: inout ByteBuffer) {
        var writing = OpenAIChatAnswerWriting(context: context, body: body)
        // Moved out and back, so that the buffer has one owner and is not copied.
        body = ByteBuffer()
        writing.write(answer)
        body = writing.body
    }
}

/// The state of writing one answer.
struct OpenAIChatAnswerWriting {
    let context: AnswerContext
    var body: ByteBuffer

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
        for part in choice.parts {
            switch part.content {
            case .text(let text): texts.append(text)
            case .refusal(let text): refusals.append(text)
            case .thinking(let thinking): thoughts.append(thinking)
            case .toolCall(let call): calls.append(call)
            case .audio: audio = part
            case .image, .file, .toolResult, .other: break
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
            for citation in part.citations { Annotation.write(citation, start..<end, into: &self.body) }
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
        guard case .audio(let media) = audio.content, case .data(let data) = media.source else { return }
        self.body.writeKey("audio")
        self.body.beginObject()
        self.body.write(audio.rest)
        self.body.writeKey("data")
        self.body.writeStaticString("\"")
        self.body.writeImmutableBuffer(data)
        self.body.writeStaticString("\"")
        self.body.endObject()
    }

    private mutating func write(_ calls: [ToolCall]) {
        guard let first = calls.first else { return }
        if self.isLegacy {
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
    private static let names = JSONNames("url_citation", "url", "title", "start_index", "end_index", "uri")

    /// Appends a source of another dialect; nothing where it has no address, which chat cannot say.
    ///
    /// - Parameter range: The characters of the text that it is for, where the source does not say.
    static func write(_ citation: JSONFragment, _ range: Range<Int>, into body: inout ByteBuffer) {
        var isOwn = false
        var url: JSONString?
        var title: JSONString?
        var start: Int?
        var end: Int?
        BodyReader.read(citation.bytes) { reader in
            guard reader.kind(reader.root) == .object else { return }
            try? reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                switch Self.names.position(of: key) {
                case 0: isOwn = reader.kind(value) == .object
                case 1, 5: url = reader.string(value)
                case 2: title = reader.string(value)
                case 3: start = reader.scanner.int(value)
                case 4: end = reader.scanner.int(value)
                default: break
                }
            }
        }
        if isOwn {
            body.separate()
            citation.write(into: &body)
            return
        }
        guard let url else { return }
        body.separate()
        body.writeStaticString(#"{"type":"url_citation","url_citation":{"#)
        body.writeMember("start_index", start ?? range.lowerBound)
        body.writeMember("end_index", end ?? range.upperBound)
        body.writeMember("url", url)
        body.writeMember("title", title ?? .empty)
        body.writeStaticString("}}")
    }
}
