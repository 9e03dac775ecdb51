internal import Chat
internal import Core
internal import Glibc
internal import NIOCore

/// Another provider's proof of its thoughts, carried in a reasoning item's `encrypted_content`.
///
/// Clients of this dialect send reasoning items back as they got them and look into none of them. So a signature that
/// Anthropic, Gemini or Bedrock wants back with the next request goes to the client and returns inside of one:
///
///     turnpike:1:anthropic:signature:ErUBCkYI…
///
/// What stands behind the last colon are the bytes of the JSON string as the provider wrote it.
struct ResponsesCarrier {
    enum Kind {
        /// The signature of the thoughts in the item's summary.
        case signature
        /// Thoughts that only the provider can read.
        case redacted
        /// The signature of the tool call in the item that follows.
        case call

        var label: StaticString {
            switch self {
            case .signature: "signature"
            case .redacted: "redacted"
            case .call: "call"
            }
        }
    }

    private static let mark: StaticString = "turnpike:1:"
    private static let kinds: [Kind] = [.signature, .redacted, .call]

    var format: WireFormat
    var kind: Kind
    var value: JSONString

    init(_ kind: Kind, _ value: JSONString, of format: WireFormat) {
        self.kind = kind
        self.value = value
        self.format = format
    }

    /// Whether something carried may stand in a JSON text; never wrong when it says no.
    static func mayStand(in text: ByteBuffer) -> Bool {
        // `k` is the rarest letter of the mark, and stands behind six others.
        let (letter, offset) = (Int32(UInt8(ascii: "k")), 6)
        let count = Self.mark.utf8CodeUnitCount
        return text.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            var index = offset
            while index + count - offset <= bytes.count, let found = memchr(base + index, letter, bytes.count - index) {
                index = base.distance(to: found)
                guard index + count - offset <= bytes.count else { return false }
                if memcmp(base + index - offset, Self.mark.utf8Start, count) == 0 { return true }
                index += 1
            }
            return false
        }
    }

    /// What an `encrypted_content` carries; nil if it is OpenAI's own.
    init?(_ text: JSONString) {
        let content = text.content
        guard content.starts(with: Self.mark, at: 0) else { return nil }
        let start = Self.mark.utf8CodeUnitCount
        for format in WireFormat.allCases where content.starts(with: format.label, at: start) {
            let colon = start + format.label.utf8CodeUnitCount
            guard content.starts(with: ":", at: colon) else { continue }
            for kind in Self.kinds where content.starts(with: kind.label, at: colon + 1) {
                let end = colon + 1 + kind.label.utf8CodeUnitCount
                guard content.starts(with: ":", at: end) else { continue }
                guard
                    let rest = content.getSlice(
                        at: content.readerIndex + end + 1,
                        length: content.readableBytes - end - 1
                    )
                else { return nil }
                var bytes = ByteBuffer()
                bytes.writeInteger(UInt8(ascii: "\""))
                bytes.writeImmutableBuffer(rest)
                bytes.writeInteger(UInt8(ascii: "\""))
                self.init(kind, JSONString(checked: bytes), of: format)
                return
            }
        }
        return nil
    }

    /// The value of an `encrypted_content`.
    var text: JSONString {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt8(ascii: "\""))
        bytes.writeStaticString(Self.mark)
        bytes.writeStaticString(self.format.label)
        bytes.writeInteger(UInt8(ascii: ":"))
        bytes.writeStaticString(self.kind.label)
        bytes.writeInteger(UInt8(ascii: ":"))
        self.value.writeContent(into: &bytes)
        bytes.writeInteger(UInt8(ascii: "\""))
        return JSONString(checked: bytes)
    }
}

extension ResponsesCarrier {
    /// What goes into the `encrypted_content` of thoughts; nil where there is nothing to bring back.
    static func text(of thinking: Thinking) -> JSONString? {
        if thinking.format == .openAIResponses { return thinking.redacted ?? thinking.signature }
        if let redacted = thinking.redacted { return ResponsesCarrier(.redacted, redacted, of: thinking.format).text }
        return thinking.signature.map { ResponsesCarrier(.signature, $0, of: thinking.format).text }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate init(_ text: StaticString) {
        self.init(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

extension ByteBuffer {
    /// Whether `text` stands `offset` bytes behind the reader's index.
    fileprivate func starts(with text: StaticString, at offset: Int) -> Bool {
        self.withUnsafeReadableBytes { bytes in
            guard bytes.count >= offset + text.utf8CodeUnitCount else { return false }
            return bytes[offset..<(offset + text.utf8CodeUnitCount)].elementsEqual(UnsafeRawBufferPointer(text))
        }
    }
}
