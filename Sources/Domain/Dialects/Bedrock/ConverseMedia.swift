internal import Chat
internal import Core
internal import NIOCore

/// What a picture, sound, film or document becomes.
struct ConverseBlock {
    enum Kind { case image, document, video, audio }

    var kind: Kind
    /// Such as `png` or `pdf`; of the fixed set that Converse knows.
    var format: StaticString
}

extension ConverseWriter {
    /// What `media` becomes; nil, and noted, if Converse cannot be told it.
    mutating func block(for media: Media, _ part: ContentPart) -> ConverseBlock? {
        let block: ConverseBlock?
        switch media.source {
        case .data(let base64):
            guard base64.readableBytes > 0 else {
                block = nil
                break
            }
            block = Self.kind(of: media) ?? Self.kind(ofBase64: base64)
        case .url(let url):
            // Bedrock fetches from its own store only.
            block = url.content.readableBytesView.starts(with: "s3://".utf8) ? Self.kind(of: media, orNameIn: url) : nil
        case .text(let text):
            block = text.isBlank ? nil : ConverseBlock(kind: .document, format: "txt")
        case .fileID:
            block = nil
        }
        guard let block else {
            self.losses.drop(at: part.place)
            return nil
        }
        if let detail = media.detail, !detail.value.equals("auto") { self.losses.drop(detail) }
        return block
    }

    /// Appends the one member of a block of content.
    mutating func write(_ block: ConverseBlock, _ media: Media, _ part: ContentPart) {
        switch block.kind {
        case .image: self.body.writeKey("image")
        case .document: self.body.writeKey("document")
        case .video: self.body.writeKey("video")
        case .audio: self.body.writeKey("audio")
        }
        self.body.beginObject()
        self.body.writeMember("format", word: block.format)
        if block.kind == .document { self.writeDocumentName(media) }
        self.body.writeKey("source")
        self.body.beginObject()
        switch media.source {
        case .data(let base64):
            self.body.writeKey("bytes")
            self.body.writeInteger(UInt8(ascii: "\""))
            self.body.writeImmutableBuffer(base64)
            self.body.writeInteger(UInt8(ascii: "\""))
        case .text(let text):
            self.body.writeMember("text", text)
        case .url(let url), .fileID(let url):
            self.body.writeKey("s3Location")
            self.body.beginObject()
            self.body.writeMember("uri", url)
            self.body.endObject()
        }
        self.body.endObject()
        if block.kind == .document {
            if let context = part.rest["context"], context.string?.isBlank == false {
                self.body.writeMember("context", context)
            }
            if let citations = part.rest["citations"], let isOn = citations.value(of: "enabled")?.bool {
                self.body.writeKey("citations")
                self.body.beginObject()
                self.body.writeMember("enabled", isOn)
                self.body.endObject()
            }
        }
        self.body.endObject()
    }

    /// A name of letters, digits, single spaces, hyphens, parentheses and brackets; no two documents have the same.
    private mutating func writeDocumentName(_ media: Media) {
        var name = ByteBuffer()
        let given = media.name?.value.utf8.readableBytesView ?? ByteBuffer().readableBytesView
        // The ending is the format once more.
        let bare = given.suffix(5).lastIndex(of: UInt8(ascii: ".")).map { given[..<$0] } ?? given
        for byte in bare.prefix(180) {
            let last = name.readableBytesView.last
            let isBreak = last == nil || last == UInt8(ascii: " ") || last == UInt8(ascii: "-")
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["),
                UInt8(ascii: "]"):
                name.writeInteger(byte)
            case UInt8(ascii: " "):
                if !isBreak { name.writeInteger(byte) }
            default:
                if !isBreak { name.writeInteger(UInt8(ascii: "-")) }
            }
        }
        while let last = name.readableBytesView.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "-") {
            name.moveWriterIndex(to: name.writerIndex - 1)
        }
        if name.readableBytes == 0 { name.writeStaticString("document") }
        self.documentCount += 1
        // The number is only of this document, but another may be called so by itself.
        while !self.documentNames.insert(name).inserted { name.writeString("-\(self.documentCount)") }
        self.body.writeKey("name")
        self.body.writeInteger(UInt8(ascii: "\""))
        self.body.writeImmutableBuffer(name)
        self.body.writeInteger(UInt8(ascii: "\""))
    }

    // MARK: - Formats

    /// By the media type, or by the ending of the file's name.
    private static func kind(of media: Media, orNameIn url: JSONString? = nil) -> ConverseBlock? {
        if let type = media.mediaType?.text?.lowercased(), let block = self.block(ofType: type) { return block }
        let name = media.name?.value.text ?? url?.text ?? ""
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let ending = name[name.index(after: dot)...].lowercased()
        return self.endings.first { $0.ending.description == ending }?.block
    }

    private static func block(ofType type: String) -> ConverseBlock? {
        let bare = type.prefix { $0 != ";" }
        return self.types.first { $0.type.description == bare }?.block
    }

    private static let types: [(type: StaticString, block: ConverseBlock)] = [
        ("image/png", .init(kind: .image, format: "png")), ("image/jpeg", .init(kind: .image, format: "jpeg")),
        ("image/jpg", .init(kind: .image, format: "jpeg")), ("image/gif", .init(kind: .image, format: "gif")),
        ("image/webp", .init(kind: .image, format: "webp")),
        ("application/pdf", .init(kind: .document, format: "pdf")), ("text/csv", .init(kind: .document, format: "csv")),
        ("application/msword", .init(kind: .document, format: "doc")),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            .init(kind: .document, format: "docx")
        ),
        ("application/vnd.ms-excel", .init(kind: .document, format: "xls")),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            .init(kind: .document, format: "xlsx")
        ),
        ("text/html", .init(kind: .document, format: "html")), ("text/plain", .init(kind: .document, format: "txt")),
        ("text/markdown", .init(kind: .document, format: "md")),
        ("video/x-matroska", .init(kind: .video, format: "mkv")),
        ("video/quicktime", .init(kind: .video, format: "mov")),
        ("video/mp4", .init(kind: .video, format: "mp4")), ("video/webm", .init(kind: .video, format: "webm")),
        ("video/x-flv", .init(kind: .video, format: "flv")), ("video/mpeg", .init(kind: .video, format: "mpeg")),
        ("video/x-ms-wmv", .init(kind: .video, format: "wmv")), ("video/3gpp", .init(kind: .video, format: "three_gp")),
        ("audio/mpeg", .init(kind: .audio, format: "mp3")), ("audio/mp3", .init(kind: .audio, format: "mp3")),
        ("audio/wav", .init(kind: .audio, format: "wav")), ("audio/x-wav", .init(kind: .audio, format: "wav")),
        ("audio/flac", .init(kind: .audio, format: "flac")), ("audio/ogg", .init(kind: .audio, format: "ogg")),
        ("audio/opus", .init(kind: .audio, format: "opus")), ("audio/aac", .init(kind: .audio, format: "aac")),
        ("audio/mp4", .init(kind: .audio, format: "mp4")), ("audio/webm", .init(kind: .audio, format: "webm")),
        ("audio/pcm", .init(kind: .audio, format: "pcm")),
    ]

    private static let endings: [(ending: StaticString, block: ConverseBlock)] =
        [
            ("jpg", .init(kind: .image, format: "jpeg")), ("3gp", .init(kind: .video, format: "three_gp")),
            ("htm", .init(kind: .document, format: "html")),
        ] + Self.types.map { ($0.block.format, $0.block) }

    /// By the first bytes of the data, of the kinds that are told apart by them.
    private static func kind(ofBase64 data: ByteBuffer) -> ConverseBlock? {
        let view = data.readableBytesView
        let starts: [(base64: StaticString, block: ConverseBlock)] = [
            ("iVBORw0KGg", .init(kind: .image, format: "png")), ("/9j/", .init(kind: .image, format: "jpeg")),
            ("R0lGOD", .init(kind: .image, format: "gif")), ("UklGR", .init(kind: .image, format: "webp")),
            ("JVBERi", .init(kind: .document, format: "pdf")),
        ]
        return starts.first { start in
            let bytes = UnsafeBufferPointer(start: start.base64.utf8Start, count: start.base64.utf8CodeUnitCount)
            return view.starts(with: bytes)
        }?.block
    }
}
