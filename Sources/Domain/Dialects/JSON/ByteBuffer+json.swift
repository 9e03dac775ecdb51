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
    mutating func beginObject() { self.writeByte(UInt8(ascii: "{")) }
    mutating func endObject() { self.writeByte(UInt8(ascii: "}")) }
    mutating func beginArray() { self.writeByte(UInt8(ascii: "[")) }
    mutating func endArray() { self.writeByte(UInt8(ascii: "]")) }

    /// A comma, unless the object or list has just begun.
    mutating func separate() {
        if self.needsComma { self.writeByte(UInt8(ascii: ",")) }
    }

    private mutating func writeByte(_ byte: UInt8) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { bytes in
            bytes[0] = byte
            return 1
        }
    }

    /// `"name":`, behind a comma where one is needed.
    ///
    /// The name must need no escapes.
    mutating func writeKey(_ name: StaticString) {
        self.writeMember(name, bytes: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Whether another member or element needs a comma before it.
    private var needsComma: Bool {
        guard self.writerIndex > self.readerIndex,
            let last = self.getInteger(at: self.writerIndex - 1, as: UInt8.self)
        else { return false }
        return last != UInt8(ascii: "{") && last != UInt8(ascii: "[")
    }

    /// A member with its comma in one go: each of the writer's calls costs more than the bytes it writes.
    ///
    /// - Parameters:
    ///   - value: The value's bytes as they are to stand there; nothing where it comes later.
    ///   - isWord: Whether they go in quotes.
    private mutating func writeMember(_ name: StaticString, bytes value: UnsafeRawBufferPointer, isWord: Bool = false) {
        let isFirst = !self.needsComma
        let count = name.utf8CodeUnitCount
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: count + value.count + 6) { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            var place = start
            func put(_ byte: UInt8) {
                place.storeBytes(of: byte, as: UInt8.self)
                place += 1
            }
            func copy(_ source: UnsafeRawPointer, _ count: Int) {
                place.copyMemory(from: source, byteCount: count)
                place += count
            }
            if !isFirst { put(UInt8(ascii: ",")) }
            put(UInt8(ascii: "\""))
            copy(name.utf8Start, count)
            put(UInt8(ascii: "\""))
            put(UInt8(ascii: ":"))
            if isWord { put(UInt8(ascii: "\"")) }
            if let source = value.baseAddress { copy(source, value.count) }
            if isWord { put(UInt8(ascii: "\"")) }
            return place - start
        }
    }

    /// A member whose value is a word of ours, which needs no escapes.
    mutating func writeMember(_ name: StaticString, word: StaticString) {
        let bytes = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        self.writeMember(name, bytes: bytes, isWord: true)
    }

    mutating func writeMember(_ name: StaticString, _ value: JSONString) {
        self.writeMember(name, bytes: value.bytes)
    }

    mutating func writeMember(_ name: StaticString, _ value: JSONFragment) {
        self.writeMember(name, bytes: value.bytes)
    }

    private mutating func writeMember(_ name: StaticString, bytes value: ByteBuffer) {
        value.withUnsafeReadableBytes { self.writeMember(name, bytes: $0) }
    }

    mutating func writeMember(_ name: StaticString, _ value: Int) {
        // The longest number has nineteen digits and a sign.
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var start = digits.count
            var rest = value.magnitude
            repeat {
                start -= 1
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                digits[start] = UInt8(ascii: "0") + UInt8(digit)
                rest = quotient
            } while rest > 0
            if value < 0 {
                start -= 1
                digits[start] = UInt8(ascii: "-")
            }
            self.writeMember(name, bytes: UnsafeRawBufferPointer(rebasing: digits[start...]))
        }
    }

    mutating func writeMember(_ name: StaticString, _ value: Bool) {
        self.writeLiteral(name, value ? "true" : "false")
    }

    mutating func writeNull(_ name: StaticString) { self.writeLiteral(name, "null") }

    private mutating func writeLiteral(_ name: StaticString, _ text: StaticString) {
        self.writeMember(name, bytes: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Members nobody here knows, as they came.
    mutating func write(_ rest: [RestMember]) {
        for member in rest {
            self.separate()
            member.write(into: &self, isFirst: true)
        }
    }
}
