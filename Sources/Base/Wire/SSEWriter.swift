package import NIOCore

/// Writes server-sent events so that one written event is one read event, whatever its data holds (row 36).
package enum SSEWriter {
    /// Writes an event.
    ///
    /// Every CR, LF and CRLF in the data begins a new `data` line, and so reads back as LF.
    ///
    /// - Parameters:
    ///   - data: The readable bytes become the data. May be empty.
    ///   - type: The event's type, one of ours: without CR and LF.
    ///   - id: The event's id.
    ///   - buffer: Where to write.
    package static func write(
        data: ByteBuffer,
        type: StaticString? = nil,
        id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) {
        data.withUnsafeReadableBytes { self.write(bytes: $0, type: type, id: id, into: &buffer) }
    }

    /// Writes an event with these bytes for its data.
    package static func write(
        bytes data: UnsafeRawBufferPointer,
        type: StaticString? = nil,
        id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) {
        if let type {
            buffer.writeStaticString("event: ")
            buffer.writeStaticString(type)
            buffer.writeInteger(ByteClass.lineFeed)
        }
        self.writeID(id, into: &buffer)
        self.writeData(data, into: &buffer)
    }

    /// Writes an event whose type came from elsewhere, such as one that is handed on.
    ///
    /// - Throws: `SSEError.badField` if the type holds CR, LF or NUL; then nothing was written.
    package static func write(
        data: ByteBuffer,
        foreignType type: ByteBuffer?,
        id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) throws(SSEError) {
        if let type, type.readableBytes > 0 {
            for byte in type.readableBytesView {
                guard byte != ByteClass.lineFeed, byte != ByteClass.carriageReturn, byte != 0 else { throw .badField }
            }
            buffer.writeStaticString("event: ")
            buffer.writeImmutableBuffer(type)
            buffer.writeInteger(ByteClass.lineFeed)
        }
        self.writeID(id, into: &buffer)
        data.withUnsafeReadableBytes { self.writeData($0, into: &buffer) }
    }

    /// Writes a comment and a blank line, such as a heartbeat.
    ///
    /// Readers ignore it.
    ///
    /// - Parameter text: Ours: without CR and LF.
    package static func writeComment(_ text: StaticString, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(": ")
        buffer.writeStaticString(text)
        buffer.writeStaticString("\n\n")
    }

    /// Writes a comment and a blank line.
    ///
    /// - Parameter text: One line; where it holds CR, LF or NUL, nothing is written.
    package static func writeComment(_ text: ByteBuffer, into buffer: inout ByteBuffer) {
        let isLine = text.readableBytesView.allSatisfy {
            $0 != ByteClass.lineFeed && $0 != ByteClass.carriageReturn && $0 != 0
        }
        guard isLine else { return }
        buffer.writeStaticString(": ")
        buffer.writeImmutableBuffer(text)
        buffer.writeStaticString("\n\n")
    }

    private static func writeID(_ id: UInt64?, into buffer: inout ByteBuffer) {
        guard let id else { return }
        buffer.writeStaticString("id: ")
        buffer.writeString(String(id))
        buffer.writeInteger(ByteClass.lineFeed)
    }

    private static func writeData(_ data: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        var start = 0
        if let base = data.baseAddress?.assumingMemoryBound(to: UInt8.self) {
            var feeds = ByteFinder(byte: ByteClass.lineFeed)
            var returns = ByteFinder(byte: ByteClass.carriageReturn)
            while true {
                let end = min(feeds.find(base, start, data.count), returns.find(base, start, data.count))
                self.writeLine(UnsafeRawBufferPointer(rebasing: data[start..<end]), into: &buffer)
                guard end < data.count else { break }
                let isPair = base[end] == ByteClass.carriageReturn && end + 1 < data.count
                start = isPair && base[end + 1] == ByteClass.lineFeed ? end + 2 : end + 1
            }
        } else {
            self.writeLine(data, into: &buffer)
        }
        buffer.writeInteger(ByteClass.lineFeed)
    }

    private static func writeLine(_ line: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("data: ")
        buffer.writeBytes(line)
        buffer.writeInteger(ByteClass.lineFeed)
    }
}
