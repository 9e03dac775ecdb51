/// One message of AWS's binary event stream (`application/vnd.amazon.eventstream`).
///
/// A prelude (the length of it all, the length of the headers, a checksum of those eight bytes), headers, payload, and
/// a checksum of everything before it; numbers are big-endian, checksums are gzip's CRC-32. The format is that of the
/// Smithy specification "Event stream encoding".
struct EventStreamMessage: Equatable {
    /// Names and values of the headers; all are strings (type 7), as Bedrock sends them.
    var headers: [Header]
    var payload: [UInt8]

    struct Header: Equatable {
        var name: String
        var value: String
    }

    /// An ordinary event.
    static func event(_ type: String, _ payload: [UInt8]) -> EventStreamMessage {
        EventStreamMessage(
            headers: [
                .init(name: ":event-type", value: type), .init(name: ":content-type", value: "application/json"),
                .init(name: ":message-type", value: "event"),
            ],
            payload: payload
        )
    }

    /// An error in the middle of a stream.
    ///
    /// `type` is in camel case, as in `throttlingException`.
    static func exception(_ type: String, message: String) -> EventStreamMessage {
        let body = JSONValue.object([.init("message", .string(message))]).text
        return EventStreamMessage(
            headers: [
                .init(name: ":exception-type", value: type), .init(name: ":content-type", value: "application/json"),
                .init(name: ":message-type", value: "exception"),
            ],
            payload: Array(body.utf8)
        )
    }

    /// How many bytes stand before a payload that follows these headers, and how many behind it.
    var frameBytes: Int { 12 + self.headerBytes.count + 4 }

    /// The message as it goes over the wire.
    var bytes: [UInt8] {
        let headers = self.headerBytes
        let total = 12 + headers.count + self.payload.count + 4
        var bytes: [UInt8] = []
        bytes.reserveCapacity(total)
        Self.append(UInt32(clamping: total), to: &bytes)
        Self.append(UInt32(clamping: headers.count), to: &bytes)
        Self.append(Self.checksum(bytes), to: &bytes)
        bytes += headers
        bytes += self.payload
        Self.append(Self.checksum(bytes), to: &bytes)
        return bytes
    }

    private var headerBytes: [UInt8] {
        var bytes: [UInt8] = []
        for header in self.headers {
            let name = Array(header.name.utf8.prefix(255))
            let value = Array(header.value.utf8.prefix(Int(UInt16.max)))
            bytes.append(UInt8(name.count))
            bytes += name
            bytes.append(7)
            bytes.append(UInt8(value.count >> 8))
            bytes.append(UInt8(value.count & 0xFF))
            bytes += value
        }
        return bytes
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum = CRC32()
        sum.add(bytes)
        return sum.value
    }
}
