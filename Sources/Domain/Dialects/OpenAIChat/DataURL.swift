internal import Chat
internal import Core
internal import NIOCore

/// Data URLs (RFC 2397), as far as they carry base64.
enum DataURL {
    /// What an address points at: itself a data URL, or something to be fetched.
    static func media(_ address: JSONString) -> Media {
        let text = address.utf8
        let view = text.readableBytesView
        guard view.starts(with: "data:".utf8),
            // A media type is short; the data may be megabytes.
            let comma = view.prefix(256).firstIndex(of: UInt8(ascii: ",")),
            view[..<comma].suffix(7).elementsEqual(";base64".utf8),
            let data = text.getSlice(at: comma + 1, length: text.writerIndex - comma - 1),
            let bytes = Self.base64(data, hadEscapes: address.hasEscapes)
        else { return Media(.url(address)) }
        let head = view[(view.startIndex + 5)..<comma]
        let end = head.firstIndex(of: UInt8(ascii: ";")) ?? head.endIndex
        guard end > head.startIndex else { return Media(.data(bytes)) }
        let type = ByteBuffer(bytes: head[..<end])
        return Media(.data(bytes), mediaType: JSONString(utf8: type))
    }

    /// The bytes of a string of base64 without its quotes; nil if they could not stand in quotes again.
    static func base64(_ text: JSONString) -> ByteBuffer? {
        self.base64(text.utf8, hadEscapes: text.hasEscapes)
    }

    /// A text without escapes holds nothing that would need one.
    private static func base64(_ text: ByteBuffer, hadEscapes: Bool) -> ByteBuffer? {
        guard hadEscapes else { return text }
        let isBase64 = text.readableBytesView.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isBase64 ? text : nil
    }

    /// Whether it is something to be fetched.
    static func isAddress(_ text: JSONString) -> Bool {
        let start = text.content.readableBytesView.prefix(16)
        return start.starts(with: "http:".utf8) || start.starts(with: "https:".utf8)
            || start.starts(with: "data:".utf8) || start.starts(with: "gs:".utf8)
    }

    /// Appends a data URL in quotes.
    static func write(_ data: ByteBuffer, type: JSONString?, or otherwise: StaticString, into body: inout ByteBuffer) {
        body.writeStaticString("\"data:")
        if let type, !type.isEmpty { type.writeContent(into: &body) } else { body.writeStaticString(otherwise) }
        body.writeStaticString(";base64,")
        body.writeImmutableBuffer(data)
        body.writeStaticString("\"")
    }
}
