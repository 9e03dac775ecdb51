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
        guard self.writerIndex > self.readerIndex,
            let last = self.getInteger(at: self.writerIndex - 1, as: UInt8.self),
            last != UInt8(ascii: "{"), last != UInt8(ascii: "[")
        else { return }
        self.writeInteger(UInt8(ascii: ","))
    }

    /// `"name":`, behind a comma where one is needed.
    ///
    /// The name must need no escapes.
    mutating func writeKey(_ name: StaticString) {
        self.separate()
        self.writeInteger(UInt8(ascii: "\""))
        self.writeStaticString(name)
        self.writeStaticString("\":")
    }

    /// A member whose value is a word of ours, which needs no escapes.
    mutating func writeMember(_ name: StaticString, word: StaticString) {
        self.writeKey(name)
        self.writeInteger(UInt8(ascii: "\""))
        self.writeStaticString(word)
        self.writeInteger(UInt8(ascii: "\""))
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
