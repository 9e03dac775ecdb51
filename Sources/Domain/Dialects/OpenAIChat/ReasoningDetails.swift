internal import Chat
internal import Core
internal import NIOCore

/// `reasoning_details`: how thoughts with signatures travel through chat, in OpenRouter's public form.
///
/// A list of `{"type":"reasoning.text","text","signature","format","index"}`, `{"type":"reasoning.summary","summary"}`
/// and `{"type":"reasoning.encrypted","data","id"}`. `format` names whose signature it is.
enum ReasoningDetails {
    /// What a list held.
    struct Thoughts {
        var parts: [ContentPart] = []
        /// Whether any of it can be read.
        var hasText = false
    }

    private static let names = JSONNames("type", "text", "summary", "data", "signature", "id", "format", "index")

    /// One entry, as places.
    struct Entry {
        var text: JSONString?
        var summary: JSONString?
        var data: JSONString?
        var signature: JSONString?
        var id: JSONString?
        var format = WireFormat.openAIChat
        var index: Int?

        init(_ slice: JSONSlice, _ reader: BodyReader) {
            guard reader.kind(slice) == .object else { return }
            try? reader.members(of: slice) { (key, value) throws(AnswerUnreadable) in
                switch ReasoningDetails.names.position(of: key) {
                case 1: self.text = reader.string(value)
                case 2: self.summary = reader.string(value)
                case 3: self.data = reader.string(value)
                case 4: self.signature = reader.string(value)
                case 5: self.id = reader.string(value)
                case 6: self.format = ReasoningDetails.format(value, reader)
                case 7: self.index = reader.scanner.int(value)
                default: break
                }
            }
        }

        /// The readable text.
        var words: JSONString? { self.text ?? self.summary }
    }

    /// Reads a list; what is no thought in it is passed over.
    static func read(_ list: JSONSlice, _ reader: BodyReader) -> Thoughts {
        var thoughts = Thoughts()
        guard reader.kind(list) == .array else { return thoughts }
        var lastIndex: Int?
        try? reader.elements(of: list) { (element) throws(AnswerUnreadable) in
            let entry = Entry(element, reader)
            guard entry.words != nil || entry.data != nil || entry.signature != nil else { return }
            defer { lastIndex = entry.index }
            // A summary and what is encrypted beside it are one item.
            if let data = entry.data, entry.words == nil, let index = entry.index, index == lastIndex,
                let last = thoughts.parts.indices.last, case .thinking(var thinking) = thoughts.parts[last].content,
                thinking.redacted == nil, thinking.format == entry.format
            {
                thinking.redacted = data
                thoughts.parts[last].content = .thinking(thinking)
                return
            }
            if let words = entry.words, !words.isEmpty { thoughts.hasText = true }
            // A stream that was put together piece by piece has the signature behind the text it is for.
            if let signature = entry.signature, entry.data == nil, entry.words?.isEmpty ?? true,
                let last = thoughts.parts.indices.last, case .thinking(var thinking) = thoughts.parts[last].content,
                thinking.signature == nil, thinking.redacted == nil, !thinking.text.isEmpty
            {
                thinking.signature = signature
                thoughts.parts[last].content = .thinking(thinking)
                return
            }
            let thinking = Thinking(
                text: entry.words ?? .empty,
                signature: entry.signature,
                redacted: entry.data,
                id: entry.id,
                format: entry.format
            )
            thoughts.parts.append(ContentPart(.thinking(thinking), place: element.start))
        }
        return thoughts
    }

    /// The text of Mistral's `thinking`: a string, or a list of texts.
    static func mistralText(_ value: JSONSlice, _ reader: BodyReader) -> JSONString? {
        if let text = reader.string(value) { return text }
        guard reader.kind(value) == .array else { return nil }
        var texts: [JSONString] = []
        try? reader.elements(of: value) { (element) throws(AnswerUnreadable) in
            guard reader.kind(element) == .object else { return }
            try reader.members(of: element) { (key, text) throws(AnswerUnreadable) in
                if key.equals("text"), let text = reader.string(text) { texts.append(text) }
            }
        }
        return JSONString(joining: texts)
    }

    private static func format(_ value: JSONSlice, _ reader: BodyReader) -> WireFormat {
        for format in WireFormat.allCases where reader.equals(value, Self.name(of: format)) { return format }
        if reader.equals(value, "azure-openai-responses-v1") || reader.equals(value, "xai-responses-v1") {
            return .openAIResponses
        }
        return .openAIChat
    }

    /// The name of a format: OpenRouter's, and ours where it has none.
    static func name(of format: WireFormat?) -> StaticString {
        switch format {
        case .anthropic: "anthropic-claude-v1"
        case .openAIResponses: "openai-responses-v1"
        case .gemini: "google-gemini-v1"
        case .bedrock: "bedrock-converse-v1"
        case .cohere: "cohere-v2"
        case .openAIChat, nil: "unknown"
        }
    }

    /// Appends the entries for one thought: text with its signature, or what is encrypted, or both.
    static func write(_ thinking: Thinking, index: Int, into body: inout ByteBuffer) {
        let hasText = !thinking.text.isEmpty || thinking.signature != nil
        if hasText || thinking.redacted == nil {
            body.separate()
            body.writeStaticString("{\"type\":\"reasoning.text\",\"text\":")
            thinking.text.write(into: &body)
            if let signature = thinking.signature { body.writeMember("signature", signature) }
            Self.writeEnd(thinking, index, into: &body)
        }
        if let data = thinking.redacted {
            body.separate()
            body.writeStaticString("{\"type\":\"reasoning.encrypted\",\"data\":")
            data.write(into: &body)
            Self.writeEnd(thinking, index, into: &body)
        }
    }

    private static func writeEnd(_ thinking: Thinking, _ index: Int, into body: inout ByteBuffer) {
        if let id = thinking.id { body.writeMember("id", id) }
        body.writeMember("format", word: Self.name(of: thinking.format))
        body.writeMember("index", index)
        body.endObject()
    }
}

extension JSONString {
    /// Several strings as one.
    init(joining texts: [JSONString], separator: StaticString = "") {
        if texts.count == 1 {
            self = texts[0]
            return
        }
        var bytes = ByteBufferAllocator().buffer(capacity: texts.reduce(2) { $0 + $1.bytes.readableBytes })
        bytes.writeStaticString("\"")
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.writeStaticString(separator) }
            text.writeContent(into: &bytes)
        }
        bytes.writeStaticString("\"")
        self.init(checked: bytes)
    }
}
