internal import Chat
internal import Core
internal import NIOCore

/// Writes JSON piece by piece; commas come by themselves, since no value ends in an opening bracket.
///
///     body.beginObject()
///     body.writeKey("model")
///     model.write(into: &body)
///     body.endObject()
extension ByteBuffer {
    /// `{`; before it goes a key, or `separate` in a list.
    mutating func beginObject() { self.writeInteger(UInt8(ascii: "{")) }
    mutating func endObject() { self.writeInteger(UInt8(ascii: "}")) }
    mutating func beginArray() { self.writeInteger(UInt8(ascii: "[")) }
    mutating func endArray() { self.writeInteger(UInt8(ascii: "]")) }

    /// A comma, unless the object or list has just begun.
    mutating func separate() {
        if self.needsComma { self.writeInteger(UInt8(ascii: ",")) }
    }

    /// `"name":`, behind a comma where one is needed.
    ///
    /// The name must need no escapes.
    mutating func writeKey(_ name: StaticString) {
        self.writePieces(comma: self.needsComma, name, "")
    }

    /// Whether another member or element needs a comma before it.
    private var needsComma: Bool {
        guard self.writerIndex > self.readerIndex,
            let last = self.getInteger(at: self.writerIndex - 1, as: UInt8.self)
        else { return false }
        return last != UInt8(ascii: "{") && last != UInt8(ascii: "[")
    }

    /// `"name":` and behind it `word` in quotes unless it is empty, in one go: of the writer's calls each costs more
    /// than the bytes it writes.
    private mutating func writePieces(comma: Bool, _ name: StaticString, _ word: StaticString) {
        let (nameCount, wordCount) = (name.utf8CodeUnitCount, word.utf8CodeUnitCount)
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: nameCount + wordCount + 6) { bytes in
            var index = 0
            if comma {
                bytes[0] = UInt8(ascii: ",")
                index = 1
            }
            bytes[index] = UInt8(ascii: "\"")
            index += 1
            UnsafeMutableRawBufferPointer(rebasing: bytes[index...])
                .copyMemory(from: UnsafeRawBufferPointer(start: name.utf8Start, count: nameCount))
            index += nameCount
            bytes[index] = UInt8(ascii: "\"")
            bytes[index + 1] = UInt8(ascii: ":")
            index += 2
            guard wordCount > 0 else { return index }
            bytes[index] = UInt8(ascii: "\"")
            index += 1
            UnsafeMutableRawBufferPointer(rebasing: bytes[index...])
                .copyMemory(from: UnsafeRawBufferPointer(start: word.utf8Start, count: wordCount))
            index += wordCount
            bytes[index] = UInt8(ascii: "\"")
            return index + 1
        }
    }

    /// A member whose value is a word of ours, which needs no escapes.
    mutating func writeMember(_ name: StaticString, word: StaticString) {
        guard word.utf8CodeUnitCount > 0 else { return self.writeMember(name, JSONString.empty) }
        self.writePieces(comma: self.needsComma, name, word)
    }

    mutating func writeMember(_ name: StaticString, _ value: JSONString) {
        self.writeKey(name)
        value.write(into: &self)
    }

    mutating func writeMember(_ name: StaticString, _ value: JSONFragment) {
        self.writeKey(name)
        value.write(into: &self)
    }

    mutating func writeMember(_ name: StaticString, _ value: Int) {
        self.writeKey(name)
        self.writeString(String(value))
    }

    mutating func writeMember(_ name: StaticString, _ value: Bool) {
        self.writeKey(name)
        self.writeStaticString(value ? "true" : "false")
    }

    mutating func writeNull(_ name: StaticString) {
        self.writeKey(name)
        self.writeStaticString("null")
    }

    /// Members nobody here knows, as they came.
    mutating func write(_ rest: [RestMember]) {
        for member in rest {
            self.separate()
            member.write(into: &self, isFirst: true)
        }
    }
}
