package import NIOCore

/// One JSON value as it was written: a slice of bytes that were checked.
///
/// Shares the storage of the text it stands in, so that taking one out of a request copies nothing.
package struct JSONFragment: Sendable, Equatable {
    /// The value's bytes, without white space around them.
    package let bytes: ByteBuffer

    /// - Parameter bytes: One JSON value, checked, with nothing around it.
    package init(checked bytes: ByteBuffer) { self.bytes = bytes }

    /// A value inside a text.
    ///
    /// - Parameters:
    ///   - slice: What a scanner of these bytes has handed out.
    ///   - text: The bytes that were scanned.
    package init(_ slice: JSONSlice, of text: ByteBuffer) {
        self.bytes = text.getSlice(at: text.readerIndex + slice.start, length: slice.count) ?? ByteBuffer()
    }

    /// A value written in Swift, such as `"true"`.
    package init(literal text: StaticString) { self.bytes = ByteBuffer(staticString: text) }

    /// A whole number.
    package init(_ number: Int) { self.bytes = ByteBuffer(string: "\(number)") }

    /// A value that was built as a tree.
    package init(_ value: JSONValue) {
        var bytes = ByteBuffer()
        value.write(into: &bytes)
        self.bytes = bytes
    }

    /// What kind of value it is; nil where there is none.
    package var kind: JSONScanner.Kind? { self.read { $0.kind($1) } }
    /// Whether it is `null`.
    package var isNull: Bool { self.kind == .null }
    /// The value if it is a boolean.
    package var bool: Bool? { self.read { $0.bool($1) } }
    /// The value if it is a whole number that fits.
    package var int: Int? { self.read { $0.int($1) } }
    /// The nearest floating-point value if it is a number.
    package var double: Double? { self.read { $0.double($1) } }
    /// The value if it is a string.
    package var string: JSONString? { self.kind == .string ? JSONString(checked: self.bytes) : nil }

    /// Appends the value as it was written.
    package func write(into buffer: inout ByteBuffer) { buffer.writeImmutableBuffer(self.bytes) }

    private func read<Result>(_ body: (JSONScanner, JSONSlice) -> Result) -> Result {
        self.bytes.withUnsafeReadableBytes { body(JSONScanner($0), JSONSlice(start: 0, end: $0.count)) }
    }
}

/// One JSON string as it was written, its quotes and escapes included.
///
/// Passing one on from dialect to dialect copies its bytes; nothing is unescaped and escaped again. A string may hold a
/// lone surrogate escape, which has no text.
package struct JSONString: Sendable, Equatable {
    /// The string's bytes, with the quotes.
    package let bytes: ByteBuffer

    /// The empty string.
    package static let empty = JSONString(checked: ByteBuffer(staticString: "\"\""))

    /// - Parameter bytes: One JSON string, checked, with its quotes and nothing around it.
    package init(checked bytes: ByteBuffer) { self.bytes = bytes }

    /// A string inside a text.
    ///
    /// - Returns: Nil if the value is no string.
    package init?(_ slice: JSONSlice, of text: ByteBuffer) {
        let fragment = JSONFragment(slice, of: text)
        guard fragment.kind == .string else { return nil }
        self.bytes = fragment.bytes
    }

    /// A text, escaped as far as JSON demands and no log can be forged with (row 52).
    package init(_ text: String) {
        var bytes = ByteBuffer()
        appendJSONString(text, into: &bytes)
        self.bytes = bytes
    }

    /// UTF-8 bytes as a string; what is not UTF-8 becomes U+FFFD.
    package init(utf8 text: ByteBuffer) {
        var bytes = ByteBuffer()
        text.withUnsafeReadableBytes { appendJSONString(utf8: $0, into: &bytes) }
        self.bytes = bytes
    }

    /// The same in memory of its own: what is kept for long must not keep the whole text that it came in.
    package var copied: JSONString { JSONString(checked: ByteBuffer(bytes: self.bytes.readableBytesView)) }

    /// Whether there is nothing in it.
    package var isEmpty: Bool { self.bytes.readableBytes <= 2 }

    /// What stands between the quotes, escapes included.
    package var content: ByteBuffer {
        guard self.bytes.readableBytes > 2 else { return ByteBuffer() }
        return self.bytes.getSlice(at: self.bytes.readerIndex + 1, length: self.bytes.readableBytes - 2) ?? ByteBuffer()
    }

    /// Whether it holds nothing but white space, written plainly or as an escape.
    package var isBlank: Bool {
        if self.isEmpty { return true }
        let start = self.content.readableBytesView.prefix(8)
        // Nearly every text shows within a few bytes that it is one.
        if start.contains(where: { $0 > 0x20 && $0 != 0x5C }) && !start.contains(0x5C) { return false }
        return self.text.map { $0.allSatisfy(\.isWhitespace) } ?? false
    }

    /// Whether it has an escape in it, so that its bytes are not its text.
    package var hasEscapes: Bool { self.bytes.readableBytesView.contains(0x5C) }

    /// The text, escapes resolved; nil if it holds a lone surrogate.
    package var text: String? {
        self.bytes.withUnsafeReadableBytes { JSONScanner($0).string(JSONSlice(start: 0, end: $0.count)) }
    }

    /// The text as UTF-8, escapes resolved; a lone surrogate becomes U+FFFD.
    ///
    /// Shares the bytes where there are no escapes.
    package var utf8: ByteBuffer {
        guard self.hasEscapes else { return self.content }
        return self.bytes.withUnsafeReadableBytes { bytes in
            let lexer = JSONLexer(bytes, from: 0, to: bytes.count)
            var reader = JSONUnescaper(lexer.base, JSONSlice(start: 0, end: bytes.count))
            var plain = ByteBufferAllocator().buffer(capacity: bytes.count)
            plain.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count) { space in
                var count = 0
                while count < space.count, let byte = reader.next() {
                    space[count] = byte
                    count += 1
                }
                return count
            }
            return plain
        }
    }

    /// Whether it is `text`, escapes resolved.
    ///
    /// Allocates nothing.
    package func equals(_ text: StaticString) -> Bool {
        self.bytes.withUnsafeReadableBytes { JSONScanner($0).equals(JSONSlice(start: 0, end: $0.count), text) }
    }

    /// Appends the string with its quotes.
    package func write(into buffer: inout ByteBuffer) { buffer.writeImmutableBuffer(self.bytes) }

    /// Appends what stands between the quotes, so that several strings become one.
    package func writeContent(into buffer: inout ByteBuffer) { buffer.writeImmutableBuffer(self.content) }
}
