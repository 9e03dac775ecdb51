internal import Chat
internal import Core
internal import Glibc
internal import NIOCore

/// Lets clients of this dialect carry the thoughts of other providers, which want them back unchanged.
///
/// Clients hand `signature` and `data` back as they came, so whose they are is written in front of them:
/// `turnpike:openai-responses:rs_123:gAAAA…`. Ids have no colons in them.
enum ForeignThoughts {
    private static let prefix = "turnpike:"

    /// Whether a request for this dialect's own provider may have something in it that only another's can read.
    ///
    /// Never wrong when it says no. What is looked for begins a string: `"turnpike:` and `"sig1-` or `"sig2-`.
    static func mayStand(in body: ByteBuffer) -> Bool {
        body.withUnsafeReadableBytes { bytes in
            Self.marks.contains { mark in Self.stands(mark.text, rarest: mark.rarest, in: bytes) }
        }
    }

    /// What is looked for, and where in it the rarest letter stands.
    private static let marks: [(text: StaticString, rarest: Int)] = [
        ("\"turnpike:", 7), ("\"sig1-", 5), ("\"sig2-", 5),
    ]

    private static func stands(_ mark: StaticString, rarest: Int, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        let letter = Int32(mark.utf8Start[rarest])
        var index = rarest
        while index < bytes.count, let found = memchr(base + index, letter, bytes.count - index) {
            index = base.distance(to: found)
            let start = index - rarest
            guard start + mark.utf8CodeUnitCount <= bytes.count else { return false }
            if memcmp(base + start, mark.utf8Start, mark.utf8CodeUnitCount) == 0 { return true }
            index += 1
        }
        return false
    }

    /// A thinking block that a client hands back.
    static func read(text: JSONString, signature: JSONString?) -> Thinking {
        guard let signature, !signature.isEmpty else { return Thinking(text: text, format: .anthropic) }
        guard let marked = self.unmark(signature) else {
            return Thinking(text: text, signature: signature, format: .anthropic)
        }
        return Thinking(
            text: text,
            signature: marked.value.isEmpty ? nil : marked.value,
            id: marked.id,
            format: marked.format
        )
    }

    /// A block of hidden thoughts that a client hands back.
    static func read(data: JSONString) -> Thinking {
        guard let marked = self.unmark(data) else { return Thinking(text: .empty, redacted: data, format: .anthropic) }
        return Thinking(text: .empty, redacted: marked.value, id: marked.id, format: marked.format)
    }

    /// What a client is given for a value of a provider's.
    static func mark(_ value: JSONString?, id: JSONString?, format: WireFormat) -> JSONString {
        guard format != .anthropic else { return value ?? .empty }
        guard value != nil || id != nil else { return .empty }
        var text = ByteBuffer()
        text.writeStaticString("\"turnpike:")
        text.writeStaticString(format.label)
        text.writeInteger(UInt8(ascii: ":"))
        id?.writeContent(into: &text)
        text.writeInteger(UInt8(ascii: ":"))
        value?.writeContent(into: &text)
        text.writeInteger(UInt8(ascii: "\""))
        return JSONString(checked: text)
    }

    private static func unmark(_ marked: JSONString) -> (format: WireFormat, id: JSONString?, value: JSONString)? {
        let content = marked.content
        let bytes = content.readableBytesView
        guard bytes.starts(with: self.prefix.utf8) else { return nil }
        let colons = bytes.indices.filter { bytes[$0] == UInt8(ascii: ":") }.prefix(3).map { $0 - bytes.startIndex }
        guard colons.count == 3 else { return nil }
        let label = self.slice(content, colons[0] + 1, colons[1])
        guard let format = WireFormat.allCases.first(where: { JSONString($0.label.description) == label }) else {
            return nil
        }
        let id = self.slice(content, colons[1] + 1, colons[2])
        return (format, id.isEmpty ? nil : id, self.slice(content, colons[2] + 1, bytes.count))
    }

    /// A part of a string's content as a string.
    private static func slice(_ content: ByteBuffer, _ start: Int, _ end: Int) -> JSONString {
        var text = ByteBuffer()
        text.writeInteger(UInt8(ascii: "\""))
        if let part = content.getSlice(at: content.readerIndex + start, length: end - start) {
            text.writeImmutableBuffer(part)
        }
        text.writeInteger(UInt8(ascii: "\""))
        return JSONString(checked: text)
    }
}
