internal import Chat
internal import Core
internal import NIOCore

extension OpenAIChatRequestWriting {
    /// Writes the value of `content`: a string for one plain text, else a list.
    mutating func writeContent(_ parts: ArraySlice<ContentPart>, isList: Bool = false) {
        let said = parts.filter { self.canSay($0) }
        if said.count < parts.count {
            for part in parts where !self.canSay(part) { self.losses.drop(at: part.place) }
        }
        if said.isEmpty {
            self.body.writeStaticString("\"\"")
            return
        }
        if !isList, said.count == 1, let only = said.first, case .text(let text) = only.content, !self.takesMore(only) {
            self.losses.drop(only.cacheMark)
            self.losses.drop(only.rest)
            return text.write(into: &self.body)
        }
        self.body.beginArray()
        for part in said {
            self.body.separate()
            self.write(part)
        }
        self.body.endArray()
    }

    /// Whether there is something about a text that needs an object.
    private func takesMore(_ part: ContentPart) -> Bool {
        if self.isOwn { return part.cacheMark != nil || !part.rest.isEmpty || !part.own.isEmpty }
        return self.takesUnknown && part.cacheMark != nil
    }

    private func canSay(_ part: ContentPart) -> Bool {
        switch part.content {
        case .text, .refusal: true
        case .image(let media):
            switch media.source {
            case .data, .url: true
            case .fileID, .text: false
            }
        case .audio(let media): if case .data = media.source { true } else { false }
        case .file(let media):
            switch media.source {
            case .data, .text: true
            // OpenRouter takes an address in place of data.
            case .url: self.takesUnknown
            // An id means something only where the file was sent to.
            case .fileID: self.request.format == .openAIChat || self.request.format == .openAIResponses
            }
        case .thinking: self.isOwn
        case .other: self.isOwn
        // They have places of their own.
        case .toolCall, .toolResult: false
        }
    }

    private mutating func write(_ part: ContentPart) {
        if case .other(let whole) = part.content { return whole.write(into: &self.body) }
        self.body.beginObject()
        switch part.content {
        case .text(let text):
            self.body.writeMember("type", word: "text")
            self.body.writeMember("text", text)
        case .refusal(let text):
            self.body.writeMember("type", word: "refusal")
            self.body.writeMember("refusal", text)
        case .image(let media): self.write(image: media)
        case .audio(let media): self.write(audio: media)
        case .file(let media): self.write(file: media)
        case .thinking(let thinking):
            self.body.writeMember("type", word: "thinking")
            self.body.writeKey("thinking")
            self.body.writeStaticString(#"[{"type":"text","text":"#)
            thinking.text.write(into: &self.body)
            self.body.writeStaticString("}]")
        case .toolCall, .toolResult, .other: break
        }
        if !self.isOwn || part.own["prompt_cache_breakpoint"] == nil { self.writeMark(part.cacheMark) }
        self.writeRest(of: part)
        self.body.endObject()
    }

    mutating func writeRest(of part: ContentPart) {
        guard self.isOwn else { return self.losses.drop(part.rest) }
        self.body.write(part.own)
        self.body.write(part.rest)
    }

    private mutating func write(image: Media) {
        self.body.writeMember("type", word: "image_url")
        self.body.writeKey("image_url")
        self.body.beginObject()
        self.body.writeKey("url")
        switch image.source {
        case .data(let data): DataURL.write(data, type: image.mediaType, or: "image/png", into: &self.body)
        case .url(let address): address.write(into: &self.body)
        case .fileID(let id), .text(let id): id.write(into: &self.body)
        }
        if let detail = image.detail { self.body.writeMember("detail", detail.value) }
        self.body.endObject()
        self.losses.drop(image.name)
    }

    private mutating func write(audio: Media) {
        self.body.writeMember("type", word: "input_audio")
        self.body.writeKey("input_audio")
        self.body.beginObject()
        if case .data(let data) = audio.source {
            self.body.writeKey("data")
            self.body.writeStaticString("\"")
            self.body.writeImmutableBuffer(data)
            self.body.writeStaticString("\"")
        }
        if let type = audio.mediaType {
            self.body.writeKey("format")
            self.body.writeStaticString("\"")
            self.body.writeImmutableBuffer(Self.audioFormat(type))
            self.body.writeStaticString("\"")
        }
        self.body.endObject()
    }

    /// `mp3` for `audio/mpeg`, and so on.
    private static func audioFormat(_ type: JSONString) -> ByteBuffer {
        if type.equals("audio/mpeg") { return ByteBuffer(staticString: "mp3") }
        if type.equals("audio/x-wav") || type.equals("audio/wave") { return ByteBuffer(staticString: "wav") }
        var content = type.content
        if content.readableBytesView.starts(with: "audio/".utf8) { content.moveReaderIndex(forwardBy: 6) }
        return content
    }

    private mutating func write(file: Media) {
        if case .text(let text) = file.source {
            // A document of plain text is a text; its title stands above it.
            self.body.writeMember("type", word: "text")
            let pieces = [file.name?.value, text].compactMap { $0 }
            self.body.writeMember("text", JSONString(joining: pieces, separator: "\\n\\n"))
            return
        }
        self.body.writeMember("type", word: "file")
        self.body.writeKey("file")
        self.body.beginObject()
        var name = file.name?.value
        switch file.source {
        case .data(let data):
            self.body.writeKey("file_data")
            DataURL.write(data, type: file.mediaType, or: "application/pdf", into: &self.body)
            // OpenAI demands a name.
            name = name ?? JSONString("document.pdf")
        case .url(let address): self.body.writeMember("file_data", address)
        case .fileID(let id): self.body.writeMember("file_id", id)
        case .text: break
        }
        if let name { self.body.writeMember("filename", name) }
        self.body.endObject()
    }
}
