internal import Chat
internal import Core
internal import NIOCore

/// What an answer has come to, as it is stored: a JSON list of parts.
///
/// Texts are collected in their JSON form, so that nothing is unescaped and escaped again, and a surrogate pair that
/// came in two pieces is one again.
struct AnswerParts: Sendable {
    private enum Part: Sendable {
        case text(kind: StaticString, ByteBuffer)
        case whole(ByteBuffer)
    }

    private var parts: [Part] = []
    /// About how long it is as JSON.
    private(set) var bytes = 2

    var isEmpty: Bool { self.parts.isEmpty }

    /// Adds to the last part if it is of that kind, else begins one.
    mutating func append(_ text: JSONString, kind: StaticString) {
        let length = text.bytes.readableBytes
        if case .text(let last, var buffer)? = self.parts.last, last.utf8Start == kind.utf8Start {
            self.parts[self.parts.count - 1] = .whole(ByteBuffer())
            text.writeContent(into: &buffer)
            self.parts[self.parts.count - 1] = .text(kind: last, buffer)
            self.bytes += length
        } else {
            var buffer = ByteBuffer()
            text.writeContent(into: &buffer)
            self.parts.append(.text(kind: kind, buffer))
            self.bytes += length + Self.frameBytes
        }
    }

    /// Adds a part that is complete, an object.
    mutating func append(_ part: JSONValue) {
        var buffer = ByteBuffer()
        part.write(into: &buffer)
        self.bytes += buffer.readableBytes + 1
        self.parts.append(.whole(buffer))
    }

    /// The JSON list.
    var json: ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: self.bytes + 16)
        buffer.writeStaticString("[")
        for (index, part) in self.parts.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            switch part {
            case .text(let kind, let text):
                buffer.writeStaticString("{\"type\":\"")
                buffer.writeStaticString(kind)
                buffer.writeStaticString("\",\"text\":\"")
                buffer.writeImmutableBuffer(text)
                buffer.writeStaticString("\"}")
            case .whole(let json):
                buffer.writeImmutableBuffer(json)
            }
        }
        buffer.writeStaticString("]")
        return buffer
    }

    /// What was said, without thoughts and tools.
    var text: String {
        self.parts.compactMap { part in
            guard case .text(let kind, let text) = part, kind.utf8Start == Self.said.utf8Start else { return nil }
            var json = ByteBuffer(string: "\"")
            json.writeImmutableBuffer(text)
            json.writeStaticString("\"")
            return String(buffer: JSONString(checked: json).utf8)
        }.joined(separator: "\n")
    }

    /// The text of an answer that is nothing else, as the JSON string that stands in its JSON; nil where it is more.
    ///
    /// Nearly all answers are so, and a conversation's go along with each of its messages. Texts with `\u` are left to
    /// those who read them, since half of a surrogate pair is no text.
    static func onlyText(of json: ByteBuffer) -> ByteBuffer? {
        let length = json.readableBytes - Self.onlyTextFront.utf8CodeUnitCount - Self.onlyTextBack.utf8CodeUnitCount
        guard length > 0 else { return nil }
        let start = Self.onlyTextFront.utf8CodeUnitCount
        let isOne = json.withUnsafeReadableBytes { bytes in
            guard bytes.starts(with: UnsafeBufferPointer(start: Self.onlyTextFront.utf8Start, count: start)),
                bytes[(start + length)...].elementsEqual(
                    UnsafeBufferPointer(
                        start: Self.onlyTextBack.utf8Start,
                        count: Self.onlyTextBack.utf8CodeUnitCount
                    )
                )
            else { return false }
            var index = start
            while index < start + length {
                switch bytes[index] {
                case UInt8(ascii: "\""): return false
                case UInt8(ascii: "\\"):
                    guard bytes[index + 1] != UInt8(ascii: "u") else { return false }
                    index += 2
                default: index += 1
                }
            }
            return index == start + length
        }
        // With its quotes.
        return isOne ? json.getSlice(at: json.readerIndex + start - 1, length: length + 2) : nil
    }

    private static let onlyTextFront: StaticString = "[{\"type\":\"text\",\"text\":\""
    private static let onlyTextBack: StaticString = "\"}]"

    /// What stands around a text, at most.
    static let frameBytes = 32

    static let said: StaticString = "text"
    static let thought: StaticString = "thinking"
    static let refused: StaticString = "refusal"
}
