internal import Chat
internal import Core
internal import NIOCore

/// Writes `instructions` and `input`: a conversation as items.
struct ResponsesItemWriter {
    var body = ByteBuffer()
    var losses = Losses()
    private let request: ChatRequest
    /// The calls whose tools take free text: their results are items of another type.
    private var customCalls: Set<ByteBuffer> = []

    init(_ request: ChatRequest) { self.request = request }

    private var isOwn: Bool { self.request.format == .openAIResponses }

    mutating func write() {
        var messages = self.request.messages[...]
        if let first = messages.first, let text = self.instructions(first) {
            self.body.writeMember("instructions", text)
            messages = messages.dropFirst()
        }
        self.body.writeKey("input")
        if self.isOwn, messages.count == 1, let message = messages.first, message.place == message.parts.first?.place,
            case .text(let text)? = message.parts.first?.content
        {
            // It was a text, not a list.
            text.write(into: &self.body)
            return
        }
        self.body.beginArray()
        for message in messages { self.write(message) }
        self.body.endArray()
    }

    /// The text of a first message that stands apart from the conversation in its dialect too.
    private func instructions(_ message: ChatMessage) -> JSONString? {
        guard message.role == .system, message.parts.count == 1, case .text(let text) = message.parts[0].content,
            message.parts[0].cacheMark == nil, message.name == nil
        else { return nil }
        // A message of a list begins before its content.
        let isApart = message.place == message.parts[0].place
        return isApart || (self.request.format != .openAIChat && !self.isOwn) ? text : nil
    }

    /// A message, and as items of their own the calls, results and thoughts that it holds.
    private mutating func write(_ message: ChatMessage) {
        if !self.isOwn { self.losses.drop(message.rest) }
        self.losses.drop(message.name)
        var said: [ContentPart] = []
        for part in message.parts {
            switch part.content {
            case .toolCall(let call):
                self.flush(&said, of: message)
                self.write(call, part)
            case .toolResult(let result):
                self.flush(&said, of: message)
                self.write(result, part)
            case .thinking(let thinking):
                self.flush(&said, of: message)
                self.write(thinking, part)
            case .other(let fragment) where self.isOwn && part.place == message.place:
                self.body.separate()
                fragment.write(into: &self.body)
            default:
                said.append(part)
            }
        }
        self.flush(&said, of: message)
        if message.parts.isEmpty { self.writeMessage([], of: message) }
    }

    private mutating func flush(_ parts: inout [ContentPart], of message: ChatMessage) {
        guard !parts.isEmpty else { return }
        self.writeMessage(parts, of: message)
        parts.removeAll(keepingCapacity: true)
    }

    private mutating func writeMessage(_ parts: [ContentPart], of message: ChatMessage) {
        self.body.separate()
        self.body.beginObject()
        if self.isOwn { self.body.write(message.own) }
        switch message.role {
        case .system: self.body.writeMember("role", word: "system")
        case .developer: self.body.writeMember("role", word: "developer")
        case .user: self.body.writeMember("role", word: "user")
        case .assistant: self.body.writeMember("role", word: "assistant")
        }
        self.body.writeKey("content")
        var writer = ResponsesPartWriter(isOwn: self.isOwn, isAssistant: message.role == .assistant)
        swap(&writer.body, &self.body)
        swap(&writer.losses, &self.losses)
        writer.writeContent(parts)
        swap(&writer.body, &self.body)
        swap(&writer.losses, &self.losses)
        if self.isOwn { self.body.write(message.rest) }
        self.body.endObject()
    }

    private mutating func write(_ call: ToolCall, _ part: ContentPart) {
        self.body.separate()
        self.body.beginObject()
        self.writeOwn(part, type: call.isCustom ? "custom_tool_call" : "function_call")
        self.body.writeMember("call_id", self.told(call.id))
        self.body.writeMember("name", call.name)
        if call.isCustom {
            self.customCalls.insert(call.id.bytes)
            self.body.writeKey("input")
            switch call.arguments {
            case .encoded(let text): text.write(into: &self.body)
            case .object: call.arguments.asString.write(into: &self.body)
            }
        } else {
            self.body.writeMember("arguments", call.arguments.asString)
        }
        self.endOwn(part)
    }

    private mutating func write(_ result: ToolResult, _ part: ContentPart) {
        self.body.separate()
        self.body.beginObject()
        let isCustom = self.customCalls.contains(result.callID.bytes)
        self.writeOwn(part, type: isCustom ? "custom_tool_call_output" : "function_call_output")
        self.body.writeMember("call_id", self.told(result.callID))
        self.body.writeKey("output")
        var writer = ResponsesPartWriter(isOwn: self.isOwn, isAssistant: false)
        swap(&writer.body, &self.body)
        swap(&writer.losses, &self.losses)
        writer.writeContent(result.parts)
        swap(&writer.body, &self.body)
        swap(&writer.losses, &self.losses)
        // There is no word for it; what the tool gave says so itself.
        if result.isError?.value == true { self.losses.drop(result.isError) }
        self.endOwn(part)
    }

    /// The id of a call as OpenAI takes it; what the client said in this dialect is its own affair.
    private func told(_ id: JSONString) -> JSONString { self.isOwn ? id : ToolCallID.fit(id) }

    /// Thoughts go back to whom they came from, and to nobody else.
    private mutating func write(_ thinking: Thinking, _ part: ContentPart) {
        guard thinking.format == .openAIResponses else {
            self.losses.drop(at: part.place)
            return
        }
        let encrypted = thinking.redacted ?? thinking.signature
        // Thoughts that nothing proves are refused, unless this dialect wrote them like that itself.
        guard self.isOwn || encrypted != nil else {
            self.losses.drop(at: part.place)
            return
        }
        self.body.separate()
        self.body.beginObject()
        self.writeOwn(part, type: "reasoning")
        // Of an item that an answer had, and not the client, nothing else knows it.
        if part.own["id"] == nil, let id = thinking.id { self.body.writeMember("id", id) }
        if !self.isOwn || part.own["summary"] == nil {
            self.body.writeKey("summary")
            self.body.writeSummary(thinking.text)
        }
        if let encrypted { self.body.writeMember("encrypted_content", encrypted) }
        self.endOwn(part)
    }

    private mutating func writeOwn(_ part: ContentPart, type: StaticString) {
        guard self.isOwn else {
            self.body.writeMember("type", word: type)
            return
        }
        if part.own["type"] == nil { self.body.writeMember("type", word: type) }
        self.body.write(part.own)
    }

    private mutating func endOwn(_ part: ContentPart) {
        if self.isOwn {
            self.body.write(part.rest)
        } else {
            self.losses.drop(part.rest)
            self.losses.drop(part.cacheMark)
        }
        self.body.endObject()
    }
}

extension ByteBuffer {
    /// The `summary` of a reasoning item: a list of one text, or none.
    mutating func writeSummary(_ text: JSONString) {
        self.beginArray()
        if !text.isEmpty {
            self.beginObject()
            self.writeMember("type", word: "summary_text")
            self.writeMember("text", text)
            self.endObject()
        }
        self.endArray()
    }
}
