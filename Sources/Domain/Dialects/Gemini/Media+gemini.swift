internal import Chat
internal import Core
internal import NIOCore

extension Media {
    /// Whether it can become a part: data of a known type, a text, an address, or a file that was sent to Gemini.
    var canBeSaidToGemini: Bool {
        switch self.source {
        case .data: self.knownType != nil
        case .text(let text): !text.isEmpty
        case .url: true
        case .fileID(let id): id.text.map { $0.hasPrefix("files/") || $0.hasPrefix("https://") } ?? false
        }
    }

    /// Appends it as a part, or as a part of a function's response.
    func writeForGemini(into body: inout ByteBuffer) {
        body.beginObject()
        switch self.source {
        case .text(let text):
            body.writeMember("text", text)
        case .data(let data):
            body.writeKey("inlineData")
            body.beginObject()
            if let type = self.knownType { body.writeMember("mimeType", type) }
            body.writeKey("data")
            body.writeStaticString("\"")
            body.writeImmutableBuffer(data)
            body.writeStaticString("\"")
            body.endObject()
        case .url(let address), .fileID(let address):
            body.writeKey("fileData")
            body.beginObject()
            if let type = self.mediaType ?? address.typeByEnding { body.writeMember("mimeType", type) }
            body.writeMember("fileUri", address)
            body.endObject()
        }
        body.endObject()
    }

    /// The media type that was given, or that the data begins like; nil if neither says.
    var knownType: JSONString? {
        if let mediaType, !mediaType.isEmpty { return mediaType }
        guard case .data(let data) = self.source else { return nil }
        // Base64 of the first bytes of each kind of file.
        let kinds: [(start: StaticString, type: StaticString)] = [
            ("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"),
            ("JVBERi", "application/pdf"), ("SUQz", "audio/mpeg"), ("T2dnUw", "audio/ogg"), ("ZkxhQ", "audio/flac"),
        ]
        let bytes = data.readableBytesView
        for kind in kinds where bytes.starts(with: UnsafeRawBufferPointer(kind.start)) {
            return JSONString(kind.type.description)
        }
        return nil
    }
}

extension UnsafeRawBufferPointer {
    fileprivate init(_ text: StaticString) { self.init(start: text.utf8Start, count: text.utf8CodeUnitCount) }
}

extension JSONString {
    /// The media type that the ending of an address speaks for.
    fileprivate var typeByEnding: JSONString? {
        guard let text = self.text else { return nil }
        let path = text.prefix { $0 != "?" && $0 != "#" }
        let endings = [
            (".png", "image/png"), (".jpg", "image/jpeg"), (".jpeg", "image/jpeg"), (".gif", "image/gif"),
            (".webp", "image/webp"), (".heic", "image/heic"), (".pdf", "application/pdf"), (".txt", "text/plain"),
            (".mp3", "audio/mpeg"), (".wav", "audio/wav"), (".mp4", "video/mp4"),
        ]
        let lower = path.suffix(6).lowercased()
        return endings.first { lower.hasSuffix($0.0) }.map { JSONString($0.1) }
    }

    /// The text as a JSON object, if it is one.
    var wholeObject: JSONFragment? {
        let plain = self.utf8
        let range = plain.withUnsafeReadableBytes { bytes -> Range<Int>? in
            guard let start = bytes.firstIndex(where: { $0 > 0x20 }), bytes[start] == UInt8(ascii: "{"),
                let end = bytes.lastIndex(where: { $0 > 0x20 }), (try? JSONScanner.validate(bytes)) != nil
            else { return nil }
            return start..<(end + 1)
        }
        guard let range, let object = plain.getSlice(at: plain.readerIndex + range.lowerBound, length: range.count)
        else { return nil }
        return JSONFragment(checked: object)
    }
}
