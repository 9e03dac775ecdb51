internal import Chat
internal import Core
internal import NIOCore

/// Writes the content of a message, or what a tool gave.
struct ResponsesPartWriter {
    var body = ByteBuffer()
    var losses = Losses()
    /// Whether the request was said in this dialect.
    let isOwn: Bool
    /// Whether the model said it: then texts are `output_text`.
    let isAssistant: Bool

    init(isOwn: Bool, isAssistant: Bool) {
        self.isOwn = isOwn
        self.isAssistant = isAssistant
    }

    /// A string where there is but one text, else a list of parts.
    mutating func writeContent(_ parts: [ContentPart]) {
        if parts.count == 1, case .text(let text) = parts[0].content, parts[0].citations.isEmpty,
            !self.isOwn || parts[0].own.isEmpty
        {
            self.noteRest(of: parts[0])
            text.write(into: &self.body)
            return
        }
        let start = self.body.writerIndex
        self.body.beginArray()
        for part in parts { self.write(part) }
        guard self.body.writerIndex > start + 1 else {
            // Nothing of it could be said, and an empty list is refused.
            self.body.moveWriterIndex(to: start)
            JSONString.empty.write(into: &self.body)
            return
        }
        self.body.endArray()
    }

    private mutating func write(_ part: ContentPart) {
        switch part.content {
        case .text(let text):
            self.begin(part, self.isAssistant ? "output_text" : "input_text")
            self.body.writeMember("text", text)
            if self.isAssistant { self.writeAnnotations(of: part) }
        case .refusal(let text):
            self.begin(part, self.isAssistant ? "refusal" : "input_text")
            if self.isAssistant { self.body.writeMember("refusal", text) } else { self.body.writeMember("text", text) }
        case .image(let media) where !self.isAssistant:
            guard self.writeImage(media, part) else { return }
        case .file(let media) where !self.isAssistant:
            self.writeFile(media, part)
        case .audio(let media) where !self.isAssistant:
            guard self.writeAudio(media, part) else { return }
        case .other(let fragment) where self.isOwn:
            self.body.separate()
            fragment.write(into: &self.body)
            return
        default:
            self.losses.drop(at: part.place)
            return
        }
        self.end(part)
    }

    private mutating func begin(_ part: ContentPart, _ type: StaticString) {
        self.body.separate()
        self.body.beginObject()
        if self.isOwn, part.own["type"] != nil {
            self.body.write(part.own)
        } else {
            self.body.writeMember("type", word: type)
            if self.isOwn { self.body.write(part.own) }
        }
    }

    private mutating func end(_ part: ContentPart) {
        if self.isOwn { self.body.write(part.rest) } else { self.noteRest(of: part) }
        self.body.endObject()
    }

    private mutating func noteRest(of part: ContentPart) {
        guard !self.isOwn else { return }
        self.losses.drop(part.rest)
        self.losses.drop(part.cacheMark)
    }

    private mutating func writeAnnotations(of part: ContentPart) {
        self.body.writeKey("annotations")
        self.body.beginArray()
        for citation in part.citations {
            guard let annotation = ResponsesAnnotation.told(citation, textCount: 0) else { continue }
            self.body.separate()
            annotation.write(into: &self.body)
        }
        self.body.endArray()
    }

    private mutating func writeImage(_ media: Media, _ part: ContentPart) -> Bool {
        if case .text = media.source {
            self.losses.drop(at: part.place)
            return false
        }
        self.begin(part, "input_image")
        switch media.source {
        case .data(let data):
            self.body.writeKey("image_url")
            DataURL.write(data, type: media.mediaType, or: Self.imageType(of: data), into: &self.body)
        case .url(let address): self.body.writeMember("image_url", address)
        case .fileID(let id), .text(let id): self.body.writeMember("file_id", id)
        }
        if let detail = media.detail { self.body.writeMember("detail", detail.value) }
        if !self.isOwn { self.losses.drop(media.name) }
        return true
    }

    private mutating func writeFile(_ media: Media, _ part: ContentPart) {
        if case .text(let text) = media.source {
            // A document that is plain text is read as text.
            self.begin(part, "input_text")
            self.body.writeMember("text", text)
            self.losses.drop(media.name)
            return
        }
        self.begin(part, "input_file")
        var name = media.name?.value
        switch media.source {
        case .data(let data):
            self.body.writeKey("file_data")
            if self.isOwn, media.mediaType == nil {
                self.body.writeStaticString("\"")
                self.body.writeImmutableBuffer(data)
                self.body.writeStaticString("\"")
            } else {
                DataURL.write(data, type: media.mediaType, or: "application/pdf", into: &self.body)
                // Data without a name is refused.
                if !self.isOwn, name == nil { name = Self.name(for: media.mediaType) }
            }
        case .url(let address): self.body.writeMember("file_url", address)
        case .fileID(let id), .text(let id): self.body.writeMember("file_id", id)
        }
        if let name { self.body.writeMember("filename", name) }
        if let detail = media.detail { self.body.writeMember("detail", detail.value) }
    }

    /// The kind of a picture by its first bytes in base64.
    private static func imageType(of data: ByteBuffer) -> StaticString {
        let start = data.readableBytesView.prefix(6)
        if start.starts(with: "/9j/".utf8) { return "image/jpeg" }
        if start.starts(with: "R0lGO".utf8) { return "image/gif" }
        return start.starts(with: "UklGR".utf8) ? "image/webp" : "image/png"
    }

    private static func name(for mediaType: JSONString?) -> JSONString {
        guard let mediaType else { return JSONString("document.pdf") }
        if mediaType.equals("text/plain") { return JSONString("document.txt") }
        if mediaType.equals("text/markdown") { return JSONString("document.md") }
        if mediaType.equals("text/csv") { return JSONString("document.csv") }
        if mediaType.equals("text/html") { return JSONString("document.html") }
        return JSONString("document.pdf")
    }

    private mutating func writeAudio(_ media: Media, _ part: ContentPart) -> Bool {
        guard case .data(let data) = media.source else {
            self.losses.drop(at: part.place)
            return false
        }
        self.begin(part, "input_audio")
        self.body.writeKey("input_audio")
        self.body.beginObject()
        self.body.writeKey("data")
        self.body.writeStaticString("\"")
        self.body.writeImmutableBuffer(data)
        self.body.writeStaticString("\"")
        self.body.writeMember("format", Self.audioFormat(media.mediaType))
        self.body.endObject()
        return true
    }

    /// OpenAI's word for a kind of sound: what stands behind the slash, as a rule.
    private static func audioFormat(_ mediaType: JSONString?) -> JSONString {
        guard let mediaType, let text = mediaType.text else { return JSONString("wav") }
        if text == "audio/mpeg" { return JSONString("mp3") }
        if text == "audio/x-wav" { return JSONString("wav") }
        return JSONString(String(text.drop { $0 != "/" }.dropFirst()))
    }
}
