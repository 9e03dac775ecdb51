internal import NIOCore
internal import Wire

/// Amazon event streams as a service writes them, byte by byte; and with mistakes, for tests.
package enum EventStreamBytes {
    /// A header and its value, of each type that there is.
    package enum Value: Sendable {
        case bool(Bool)
        case byte(Int8)
        case short(Int16)
        case integer(Int32)
        case long(Int64)
        case bytes([UInt8])
        case text(String)
        case timestamp(Int64)
        case uuid([UInt8])
    }

    /// One event as Bedrock sends it.
    package static func event(_ type: String, _ payload: String) -> [UInt8] {
        self.message(
            [
                (":event-type", .text(type)), (":content-type", .text("application/json")),
                (":message-type", .text("event")),
            ],
            payload: Array(payload.utf8)
        )
    }

    /// One exception as Bedrock sends it.
    package static func exception(_ type: String, _ payload: String) -> [UInt8] {
        self.message(
            [
                (":exception-type", .text(type)), (":content-type", .text("application/json")),
                (":message-type", .text("exception")),
            ],
            payload: Array(payload.utf8)
        )
    }

    /// One message with these headers.
    package static func message(_ headers: [(name: String, value: Value)], payload: [UInt8]) -> [UInt8] {
        self.frame(headers: headers.flatMap { self.header($0.name, $0.value) }, payload: payload)
    }

    /// One message around headers that are written already.
    ///
    /// - Parameters:
    ///   - total: What the message says of its length; nil for the truth.
    ///   - headerBytes: What it says of its headers' length; nil for the truth.
    package static func frame(
        headers: [UInt8],
        payload: [UInt8],
        total: UInt32? = nil,
        headerBytes: UInt32? = nil
    ) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeInteger(total ?? UInt32(headers.count + payload.count + 16))
        buffer.writeInteger(headerBytes ?? UInt32(headers.count))
        buffer.writeInteger(buffer.withUnsafeReadableBytes { CRC32.checksum($0) })
        buffer.writeBytes(headers)
        buffer.writeBytes(payload)
        buffer.writeInteger(buffer.withUnsafeReadableBytes { CRC32.checksum($0) })
        return Array(buffer.readableBytesView)
    }

    /// One header.
    package static func header(_ name: String, _ value: Value) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt8(truncatingIfNeeded: name.utf8.count))
        buffer.writeString(name)
        switch value {
        case .bool(let value): buffer.writeInteger(value ? 0 : 1 as UInt8)
        case .byte(let value): buffer.writeMultipleIntegers(2 as UInt8, value)
        case .short(let value): buffer.writeMultipleIntegers(3 as UInt8, value)
        case .integer(let value): buffer.writeMultipleIntegers(4 as UInt8, value)
        case .long(let value): buffer.writeMultipleIntegers(5 as UInt8, value)
        case .bytes(let value): self.write(6, value, into: &buffer)
        case .text(let value): self.write(7, Array(value.utf8), into: &buffer)
        case .timestamp(let value): buffer.writeMultipleIntegers(8 as UInt8, value)
        case .uuid(let value):
            buffer.writeInteger(9 as UInt8)
            buffer.writeBytes(value)
        }
        return Array(buffer.readableBytesView)
    }

    private static func write(_ type: UInt8, _ value: [UInt8], into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(type, UInt16(truncatingIfNeeded: value.count))
        buffer.writeBytes(value)
    }
}
