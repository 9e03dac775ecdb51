internal import Chat
internal import Core
internal import NIOCore

/// Writes `messages`.
///
/// A message with results of tools becomes one message for each, then one with what else it says. The text of a turn
/// with calls is its `tool_plan`, as which Cohere gives it.
struct CohereMessages {
    var body = ByteBuffer()
    var losses = Losses()

    /// - Parameter form: An instruction of the gateway's own, to go first.
    mutating func write(_ messages: [ChatMessage], form: JSONString?) {
        self.body.writeKey("messages")
        self.body.beginArray()
        if let form { self.writeMessage("system", [ContentPart(.text(form))], takesImages: false) }
        var leftOver: [ContentPart] = []
        for message in messages {
            self.losses.drop(message.name)
            self.losses.dropWishes(in: message.rest)
            switch message.role {
            case .system, .developer:
                self.writeMessage("system", message.parts, takesImages: false)
            case .user:
                leftOver += self.writeResults(of: message)
                let parts = message.parts.filter { if case .toolResult = $0.content { false } else { true } }
                if !parts.isEmpty || message.parts.isEmpty {
                    self.writeMessage("user", leftOver + parts, takesImages: true)
                    leftOver = []
                }
            case .assistant:
                self.flush(&leftOver)
                self.writeAssistant(message)
            }
        }
        self.flush(&leftOver)
        self.body.endArray()
    }

    /// Pictures that a tool gave, shown by the user since a result cannot hold them.
    private mutating func flush(_ leftOver: inout [ContentPart]) {
        guard !leftOver.isEmpty else { return }
        self.writeMessage("user", leftOver, takesImages: true)
        leftOver = []
    }

    private mutating func begin(_ role: StaticString) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("role", word: role)
    }

    // MARK: System and user

    private mutating func writeMessage(_ role: StaticString, _ parts: [ContentPart], takesImages: Bool) {
        let said = parts.filter { self.canSay($0, takesImages: takesImages) }
        // A message of blanks is refused, and one that says nothing may be left out.
        guard !said.isEmpty else { return }
        self.begin(role)
        self.body.writeKey("content")
        if said.count == 1, case .text(let text) = said[0].content {
            text.write(into: &self.body)
        } else {
            self.body.beginArray()
            for part in said { self.write(part) }
            self.body.endArray()
        }
        self.body.endObject()
    }

    /// Notes what cannot be said of a part, and tells whether something is left of it.
    private mutating func canSay(_ part: ContentPart, takesImages: Bool) -> Bool {
        self.losses.drop(part.cacheMark)
        switch part.content {
        case .text(let text), .refusal(let text):
            self.losses.dropWishes(in: part.rest)
            if !part.citations.isEmpty { self.losses.drop(at: part.place) }
            return !text.isEmpty
        case .file(let media):
            if case .text(let text) = media.source, !text.isEmpty {
                self.losses.drop(media.name)
                return true
            }
        case .image(let media):
            if takesImages, media.knownAddress {
                self.losses.drop(media.name)
                self.losses.dropWishes(in: part.rest)
                return true
            }
        case .thinking, .toolCall, .toolResult, .audio, .other:
            break
        }
        self.losses.drop(at: part.place)
        return false
    }

    private mutating func write(_ part: ContentPart) {
        self.body.separate()
        switch part.content {
        case .text(let text), .refusal(let text):
            self.body.writeText(text)
        case .file(let media):
            if case .text(let text) = media.source { self.body.writeText(text) }
        case .image(let media):
            self.body.beginObject()
            self.body.writeMember("type", word: "image_url")
            self.body.writeKey("image_url")
            self.body.beginObject()
            self.body.writeKey("url")
            self.body.writeAddress(of: media)
            if let detail = media.detail { self.body.writeMember("detail", detail.value) }
            self.body.endObject()
            self.body.endObject()
        case .thinking, .toolCall, .toolResult, .audio, .other:
            break
        }
    }

    // MARK: Assistant

    private mutating func writeAssistant(_ message: ChatMessage) {
        var texts: [JSONString] = []
        var thoughts: [JSONString] = []
        var calls: [ToolCall] = []
        for part in message.parts {
            self.losses.drop(part.cacheMark)
            if !part.citations.isEmpty { self.losses.drop(at: part.place) }
            switch part.content {
            case .text(let text), .refusal(let text): if !text.isEmpty { texts.append(text) }
            case .thinking(let thinking) where !thinking.text.isEmpty:
                thoughts.append(thinking.text)
                if thinking.redacted != nil { self.losses.drop(at: part.place) }
            case .toolCall(let call): calls.append(call)
            default: self.losses.drop(at: part.place)
            }
            self.losses.dropWishes(in: part.rest)
        }
        guard !texts.isEmpty || !thoughts.isEmpty || !calls.isEmpty else { return }
        self.begin("assistant")
        if !calls.isEmpty, !texts.isEmpty {
            self.body.writeKey("tool_plan")
            self.body.writeJoined(texts)
            texts = []
        }
        self.writeContent(texts, thoughts)
        if !calls.isEmpty {
            self.body.writeKey("tool_calls")
            self.body.beginArray()
            for call in calls { self.write(call) }
            self.body.endArray()
        }
        self.body.endObject()
    }

    private mutating func writeContent(_ texts: [JSONString], _ thoughts: [JSONString]) {
        guard !texts.isEmpty || !thoughts.isEmpty else { return }
        self.body.writeKey("content")
        if thoughts.isEmpty, texts.count == 1 { return texts[0].write(into: &self.body) }
        self.body.beginArray()
        for thought in thoughts {
            self.body.separate()
            self.body.beginObject()
            self.body.writeMember("type", word: "thinking")
            self.body.writeMember("thinking", thought)
            self.body.endObject()
        }
        for text in texts {
            self.body.separate()
            self.body.writeText(text)
        }
        self.body.endArray()
    }

    private mutating func write(_ call: ToolCall) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("id", call.id)
        self.body.writeMember("type", word: "function")
        self.body.writeKey("function")
        self.body.beginObject()
        self.body.writeMember("name", call.name)
        if call.isCustom {
            var input = ByteBuffer()
            input.beginObject()
            input.writeMember("input", call.arguments.asString)
            input.endObject()
            self.body.writeMember("arguments", JSONString(utf8: input))
        } else {
            self.body.writeMember("arguments", call.arguments.asString)
        }
        self.body.endObject()
        self.body.endObject()
    }

    // MARK: Results

    /// Writes a message for each result.
    ///
    /// - Returns: Pictures among them.
    private mutating func writeResults(of message: ChatMessage) -> [ContentPart] {
        var images: [ContentPart] = []
        for part in message.parts {
            guard case .toolResult(let result) = part.content else { continue }
            self.losses.drop(part.cacheMark)
            self.losses.dropWishes(in: part.rest)
            var texts: [JSONString] = []
            for inner in result.parts {
                switch inner.content {
                case .text(let text): texts.append(text)
                case .image: images.append(inner)
                default: self.losses.drop(at: inner.place)
                }
                if case .image = inner.content { continue }
                self.losses.drop(inner.cacheMark)
            }
            self.begin("tool")
            self.body.writeMember("tool_call_id", result.callID)
            self.body.writeKey("content")
            self.body.writeResult(texts, isError: result.isError?.value == true)
            self.body.endObject()
        }
        return images
    }
}

extension ByteBuffer {
    fileprivate mutating func writeText(_ text: JSONString) {
        self.beginObject()
        self.writeMember("type", word: "text")
        self.writeMember("text", text)
        self.endObject()
    }

    /// All texts as one string.
    fileprivate mutating func writeJoined(_ texts: [JSONString]) {
        self.writeStaticString("\"")
        for text in texts { text.writeContent(into: &self) }
        self.writeStaticString("\"")
    }

    /// What a tool gave; a failure is told inside of it, since there is no mark for one.
    fileprivate mutating func writeResult(_ texts: [JSONString], isError: Bool) {
        if isError {
            var wrapped = ByteBuffer()
            wrapped.beginObject()
            wrapped.writeKey("error")
            wrapped.writeJoined(texts)
            wrapped.endObject()
            return JSONString(utf8: wrapped).write(into: &self)
        }
        // Nothing at all is refused.
        if texts.allSatisfy(\.isEmpty) {
            self.writeStaticString("\" \"")
            return
        }
        if texts.count == 1 { return texts[0].write(into: &self) }
        self.beginArray()
        for text in texts where !text.isEmpty {
            self.separate()
            self.writeText(text)
        }
        self.endArray()
    }

    /// A picture as an address, which its own data can be too (RFC 2397).
    fileprivate mutating func writeAddress(of media: Media) {
        switch media.source {
        case .url(let address), .fileID(let address), .text(let address):
            address.write(into: &self)
        case .data(let data):
            self.writeStaticString("\"data:")
            if let type = media.knownType { type.writeContent(into: &self) }
            self.writeStaticString(";base64,")
            self.writeImmutableBuffer(data)
            self.writeStaticString("\"")
        }
    }
}

extension Media {
    /// Whether it is, or can be made, an address.
    fileprivate var knownAddress: Bool {
        switch self.source {
        case .url: true
        case .data: self.knownType != nil
        case .fileID, .text: false
        }
    }
}
