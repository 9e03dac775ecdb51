internal import Chat
internal import Core
internal import NIOCore

/// Content blocks.
extension AnthropicRequestWriter {
    /// Appends a block to the open list, or notes it as lost.
    ///
    /// - Parameter role: Whose turn it stands in; nil where the client spoke this dialect, and everything is written.
    mutating func writeBlock(_ part: ContentPart, of role: ChatMessage.Role?) {
        switch part.content {
        case .text(let text), .refusal(let text):
            // The API refuses texts of nothing.
            if role != nil, text.isBlank { return }
            self.beginBlock("text")
            self.body.writeMember("text", text)
            if self.isOwn { self.writeCitations(part.citations) }
            self.endBlock(part)
        case .image(let media):
            guard self.takesMedia(media, role) else { return self.losses.drop(at: part.place) }
            self.writeMedia(media, "image", part, type: Self.imageType(media))
        case .file(let media):
            guard self.takesMedia(media, role) else { return self.losses.drop(at: part.place) }
            self.writeDocument(media, part)
        case .thinking(let thinking):
            self.writeThoughts(thinking, part, of: role)
        case .toolCall(let call):
            guard role == nil || role == .assistant else { return self.losses.drop(at: part.place) }
            self.writeToolCall(call, part)
        case .toolResult(let result):
            guard role == nil || role == .user else { return self.losses.drop(at: part.place) }
            self.writeToolResult(result, part)
        case .other(let fragment) where self.isOwn:
            self.body.separate()
            fragment.write(into: &self.body)
        case .audio, .other:
            self.losses.drop(at: part.place)
        }
    }

    /// Appends a text block of the gateway's own.
    mutating func writeTextBlock(_ text: JSONString) {
        self.beginBlock("text")
        self.body.writeMember("text", text)
        self.body.endObject()
    }

    private mutating func beginBlock(_ type: StaticString) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("type", word: type)
    }

    private mutating func endBlock(_ part: ContentPart) {
        if let mark = part.cacheMark { self.body.writeMember("cache_control", mark.value) }
        if self.isOwn {
            self.body.write(part.rest)
        } else {
            self.losses.drop(part.rest)
        }
        self.body.endObject()
    }

    private mutating func writeCitations(_ citations: [JSONFragment]) {
        guard !citations.isEmpty else { return }
        self.body.writeKey("citations")
        self.body.beginArray()
        for citation in citations {
            self.body.separate()
            citation.write(into: &self.body)
        }
        self.body.endArray()
    }

    // MARK: - Pictures and documents

    /// Whether the API takes it there: what stands in files only for the client's own provider, no other has.
    private func takesMedia(_ media: Media, _ role: ChatMessage.Role?) -> Bool {
        guard let role else { return true }
        if case .fileID = media.source { return self.isOwn }
        return role == .user
    }

    private mutating func writeMedia(_ media: Media, _ block: StaticString, _ part: ContentPart, type: JSONString?) {
        self.beginBlock(block)
        self.writeSource(media, type: type)
        if let detail = media.detail, !detail.value.equals("auto") { self.losses.drop(detail) }
        if !self.isOwn, block.description == "image" { self.losses.drop(media.name) }
        self.endBlock(part)
    }

    private mutating func writeSource(_ media: Media, type: JSONString?) {
        self.body.writeKey("source")
        self.body.beginObject()
        switch media.source {
        case .data(let data):
            self.body.writeMember("type", word: "base64")
            if let type { self.body.writeMember("media_type", type) }
            self.body.writeKey("data")
            self.body.writeInteger(UInt8(ascii: "\""))
            self.body.writeImmutableBuffer(data)
            self.body.writeInteger(UInt8(ascii: "\""))
        case .url(let url):
            self.body.writeMember("type", word: "url")
            self.body.writeMember("url", url)
        case .fileID(let id):
            self.body.writeMember("type", word: "file")
            self.body.writeMember("file_id", id)
        case .text(let text):
            self.body.writeMember("type", word: "text")
            self.body.writeMember("media_type", type ?? JSONString("text/plain"))
            self.body.writeMember("data", text)
        }
        self.body.endObject()
    }

    /// What a picture is, by its label or else by how its bytes begin.
    private static func imageType(_ media: Media) -> JSONString? {
        // What many say and the API does not know.
        if let type = media.mediaType { return type.equals("image/jpg") ? JSONString("image/jpeg") : type }
        guard case .data(let data) = media.source else { return nil }
        let start = String(buffer: data.getSlice(at: data.readerIndex, length: min(8, data.readableBytes)) ?? data)
        if start.hasPrefix("/9j/") { return JSONString("image/jpeg") }
        if start.hasPrefix("R0lGOD") { return JSONString("image/gif") }
        if start.hasPrefix("UklGR") { return JSONString("image/webp") }
        return JSONString("image/png")
    }

    private mutating func writeDocument(_ media: Media, _ part: ContentPart) {
        var media = media
        if !self.isOwn, case .data(let data) = media.source {
            guard let readable = Self.readable(data, media) else { return self.losses.drop(at: part.place) }
            media = readable
        }
        self.beginBlock("document")
        self.writeSource(media, type: media.mediaType)
        if let name = media.name { self.body.writeMember("title", name.value) }
        self.endBlock(part)
    }

    /// The API reads PDF as base64, and plain text as it is; nil for everything else.
    private static func readable(_ data: ByteBuffer, _ media: Media) -> Media? {
        var copy = media
        let type = media.mediaType?.text ?? ""
        if type == "application/pdf" || data.readableBytesView.starts(with: "JVBERi".utf8) {
            copy.mediaType = JSONString("application/pdf")
            return copy
        }
        let isText = type.hasPrefix("text/") || type == "application/json" || type == "application/xml"
        guard isText, let text = Base64Text.decode(data) else { return nil }
        copy.source = .text(JSONString(utf8: text))
        copy.mediaType = JSONString("text/plain")
        return copy
    }

    // MARK: - Thoughts and tools

    private mutating func writeThoughts(_ thinking: Thinking, _ part: ContentPart, of role: ChatMessage.Role?) {
        // Another provider's proof, which the client of this one carried, is worth nothing here.
        let isForeign = self.isOwn && thinking.format != .anthropic
        guard !isForeign, role == nil || (role == .assistant && thinking.isSigned) else {
            return self.losses.drop(at: part.place)
        }
        if let redacted = thinking.redacted {
            self.beginBlock("redacted_thinking")
            let data = ForeignThoughts.mark(redacted, id: thinking.id, format: thinking.format)
            self.body.writeMember("data", data)
        } else {
            self.beginBlock("thinking")
            self.body.writeMember("thinking", thinking.text)
            let signature = ForeignThoughts.mark(thinking.signature, id: thinking.id, format: thinking.format)
            self.body.writeMember("signature", signature)
        }
        self.endBlock(part)
    }

    private mutating func writeToolCall(_ call: ToolCall, _ part: ContentPart) {
        self.beginBlock("tool_use")
        self.body.writeMember("id", self.isOwn ? call.id : AnthropicText.toolID(call.id))
        self.body.writeMember("name", call.name)
        self.body.writeKey("input")
        AnthropicArguments.write(call, into: &self.body)
        self.endBlock(part)
    }

    private mutating func writeToolResult(_ result: ToolResult, _ part: ContentPart) {
        self.beginBlock("tool_result")
        self.body.writeMember("tool_use_id", self.isOwn ? result.callID : AnthropicText.toolID(result.callID))
        let parts = self.isOwn ? result.parts : result.parts.filter { !$0.isBlankText }
        if parts.count == 1, case .text(let text) = parts[0].content, parts[0].isPlain {
            self.body.writeMember("content", text)
        } else if !parts.isEmpty {
            self.body.writeKey("content")
            self.body.beginArray()
            let role: ChatMessage.Role? = self.isOwn ? nil : .user
            for inner in parts { self.writeBlock(inner, of: role) }
            self.body.endArray()
        }
        if let isError = result.isError, isError.value || self.isOwn {
            self.body.writeMember("is_error", isError.value)
        }
        self.endBlock(part)
    }
}

extension ContentPart {
    /// Whether it is a text with nothing in it.
    fileprivate var isBlankText: Bool { if case .text(let text) = self.content { text.isBlank } else { false } }
}

/// The arguments of tool calls as the object that this dialect has for them.
enum AnthropicArguments {
    /// Appends the arguments as an object; a text that is none becomes a member of one, so that nothing is lost.
    static func write(_ call: ToolCall, into body: inout ByteBuffer) {
        if !call.isCustom, let object = call.arguments.asObject { return object.write(into: &body) }
        body.beginObject()
        body.writeMember("input", call.said)
        body.endObject()
    }
}

/// Base64 of RFC 4648 §4.
enum Base64Text {
    /// The bytes that a text stands for; nil if it is not base64.
    static func decode(_ text: ByteBuffer) -> ByteBuffer? {
        var bytes = ByteBufferAllocator().buffer(capacity: text.readableBytes / 4 * 3 + 3)
        var bits: UInt32 = 0
        var count = 0
        var isPadded = false
        for byte in text.readableBytesView {
            if byte == UInt8(ascii: "=") {
                isPadded = true
                continue
            }
            guard let value = Self.value(byte), !isPadded else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.writeInteger(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
