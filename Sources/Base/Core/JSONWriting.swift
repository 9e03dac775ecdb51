package import NIOCore

/// Writes `text` as a JSON string with its quotes.
///
/// Besides what JSON demands, everything is escaped that could forge or hide a line where JSON is read as text, such as
/// a log: DEL, the C1 controls, U+2028, U+2029 and the characters that turn the direction of writing (row 52).
package func appendJSONString(_ text: String, into buffer: inout ByteBuffer) {
    var copy = text
    copy.withUTF8 { appendJSONString(utf8: UnsafeRawBufferPointer($0), into: &buffer) }
}

/// Writes UTF-8 bytes as a JSON string, in the same way.
///
/// What is not UTF-8 becomes U+FFFD.
package func appendJSONString(utf8 bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
    var lexer = JSONLexer(bytes, from: 0, to: bytes.count)
    lexer.skipPlainText()
    if lexer.index == lexer.end, !bytes.contains(0x7F) {
        // Nearly all texts, such as names.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + 2) { text in
            text[0] = 0x22
            UnsafeMutableRawBufferPointer(rebasing: text[1...]).copyMemory(from: bytes)
            text[bytes.count + 1] = 0x22
            return bytes.count + 2
        }
        return
    }
    appendEscaped(bytes, into: &buffer)
}

private func appendEscaped(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
    buffer.reserveCapacity(minimumWritableBytes: bytes.count + 2)
    buffer.writeInteger(UInt8(0x22))
    var lexer = JSONLexer(bytes, from: 0, to: bytes.count)
    while lexer.index < lexer.end {
        let start = lexer.index
        lexer.skipPlainText()
        if lexer.index > start {
            writePlain(UnsafeRawBufferPointer(rebasing: bytes[start..<lexer.index]), into: &buffer)
            continue
        }
        let first = bytes[start]
        if first < 0x80 {
            writeEscape(of: UInt32(first), into: &buffer)
            lexer.index += 1
            continue
        }
        guard let scalar = lexer.takeMultibyte() else {
            buffer.writeStaticString("\u{FFFD}")
            lexer.index = start + 1
            continue
        }
        if isTreacherous(scalar) {
            writeEscape(of: scalar, into: &buffer)
        } else {
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<lexer.index]))
        }
    }
    buffer.writeInteger(UInt8(0x22))
}

extension JSONValue {
    /// Writes the value without white space.
    ///
    /// Members keep their order and numbers their text.
    package func write(into buffer: inout ByteBuffer) {
        switch self {
        case .null: buffer.writeStaticString("null")
        case .bool(let value): buffer.writeStaticString(value ? "true" : "false")
        case .integer(let value): buffer.writeString(String(value))
        case .number(let text): buffer.writeString(text)
        case .string(let text): appendJSONString(text, into: &buffer)
        case .array(let elements):
            buffer.writeInteger(UInt8(0x5B))
            for (index, element) in elements.enumerated() {
                if index > 0 { buffer.writeInteger(UInt8(0x2C)) }
                element.write(into: &buffer)
            }
            buffer.writeInteger(UInt8(0x5D))
        case .object(let members):
            buffer.writeInteger(UInt8(0x7B))
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.writeInteger(UInt8(0x2C)) }
                appendJSONString(member.0, into: &buffer)
                buffer.writeInteger(UInt8(0x3A))
                member.1.write(into: &buffer)
            }
            buffer.writeInteger(UInt8(0x7D))
        }
    }

    /// The value as text, without white space.
    package var text: String {
        var buffer = ByteBuffer()
        self.write(into: &buffer)
        return String(buffer: buffer)
    }
}

/// C1 controls, line and paragraph separators, and the marks, embeddings, overrides and isolates of direction.
private func isTreacherous(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x80...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
}

/// Writes ASCII that needs no escape but for DEL.
private func writePlain(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
    var rest = bytes
    while let delete = rest.firstIndex(of: 0x7F) {
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: rest[..<delete]))
        writeEscape(of: 0x7F, into: &buffer)
        rest = UnsafeRawBufferPointer(rebasing: rest[(delete + 1)...])
    }
    buffer.writeBytes(rest)
}

private func writeEscape(of scalar: UInt32, into buffer: inout ByteBuffer) {
    switch scalar {
    case 0x22: buffer.writeStaticString("\\\"")
    case 0x5C: buffer.writeStaticString("\\\\")
    case 0x08: buffer.writeStaticString("\\b")
    case 0x0C: buffer.writeStaticString("\\f")
    case 0x0A: buffer.writeStaticString("\\n")
    case 0x0D: buffer.writeStaticString("\\r")
    case 0x09: buffer.writeStaticString("\\t")
    default:
        buffer.writeStaticString("\\u")
        for shift: UInt32 in [12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: (scalar >> shift) & 0xF)
            buffer.writeInteger(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }
}
