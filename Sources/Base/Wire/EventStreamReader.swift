package import NIOCore

/// Reads an Amazon event stream, however it is cut into pieces, checking both checksums of each message.
///
/// A message is u32 length of all, u32 length of the headers, u32 CRC-32 of these eight bytes; headers; payload; u32
/// CRC-32 of all before; everything big-endian. It is given out as soon as it is complete, as slices of what was fed.
/// After an error the reader must not be used again.
///
///     reader.feed(bytes)
///     while let message = try reader.next() { … }
package struct EventStreamReader: Sendable {
    private let limits: EventStreamLimits
    /// What was fed and not read yet.
    private var input = ByteBuffer()
    /// The lengths of the message that has begun, once they are here and checked.
    private var prelude: Prelude?

    private struct Prelude {
        var total: Int
        var headers: Int
    }

    private static let preludeBytes = 12
    private static let checksumBytes = 4

    /// A reader at the start of a stream.
    package init(limits: EventStreamLimits = EventStreamLimits()) { self.limits = limits }

    /// Adds the readable bytes of `bytes` to what is to be read.
    ///
    /// Copies only if a message was cut.
    package mutating func feed(_ bytes: ByteBuffer) {
        let unread = self.input.readableBytes
        guard unread > 0 else {
            self.input = bytes
            return
        }
        if self.input.readerIndex >= unread {
            // What has been read takes at least half: leave it behind, so that the input never grows without end.
            var whole = ByteBufferAllocator().buffer(capacity: unread + bytes.readableBytes)
            whole.writeImmutableBuffer(self.input)
            self.input = whole
        }
        self.input.writeImmutableBuffer(bytes)
    }

    /// The next message that is complete, or nil until more is fed.
    ///
    /// - Throws: `EventStreamError`; a length that is wrong is refused before anything is held for it.
    package mutating func next() throws(EventStreamError) -> EventStreamMessage? {
        guard let prelude = try self.readPrelude(), self.input.readableBytes >= prelude.total,
            let frame = self.input.readSlice(length: prelude.total)
        else {
            if self.input.readableBytes == 0 { self.input = ByteBuffer() }
            return nil
        }
        self.prelude = nil
        let message = frame.withUnsafeReadableBytes { Self.read($0, headerBytes: prelude.headers, of: frame) }
        return try message.get()
    }

    /// Notes that the stream has ended.
    ///
    /// Call it when `next` gave nil.
    ///
    /// - Returns: Whether a message was left unfinished: the stream was cut.
    package mutating func finish() -> Bool {
        let isCut = self.input.readableBytes > 0
        self = EventStreamReader(limits: self.limits)
        return isCut
    }

    /// The lengths of the message that begins, or nil until they are here.
    private mutating func readPrelude() throws(EventStreamError) -> Prelude? {
        if let prelude = self.prelude { return prelude }
        guard self.input.readableBytes >= Self.preludeBytes else { return nil }
        let (total, headers, isIntact) = self.input.withUnsafeReadableBytes { bytes in
            let checksum = CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<8]))
            return (Self.integer(bytes, at: 0), Self.integer(bytes, at: 4), checksum == Self.integer(bytes, at: 8))
        }
        // The lengths mean nothing before that.
        guard isIntact else { throw .badPreludeChecksum }
        let prelude = Prelude(total: Int(total), headers: Int(headers))
        let (rest, isShort) = prelude.total.subtractingReportingOverflow(Self.preludeBytes + Self.checksumBytes)
        guard !isShort, rest >= 0, prelude.headers <= rest else { throw .badLengths }
        guard prelude.total <= self.limits.messageBytesMax else { throw .messageTooLarge }
        guard prelude.headers <= self.limits.headerBytesMax else { throw .headersTooLarge }
        self.prelude = prelude
        return prelude
    }

    /// Checks and reads one whole message.
    ///
    /// - Parameter bytes: The readable bytes of `frame`, at least 16 more than `headerBytes`.
    private static func read(
        _ bytes: UnsafeRawBufferPointer,
        headerBytes: Int,
        of frame: ByteBuffer
    ) -> Result<EventStreamMessage, EventStreamError> {
        let end = bytes.count - self.checksumBytes
        let checksum = CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard checksum == self.integer(bytes, at: end) else { return .failure(.badChecksum) }
        let payloadStart = self.preludeBytes + headerBytes
        var headers = EventStreamHeaders()
        guard headers.read(bytes, self.preludeBytes..<payloadStart) else { return .failure(.badHeaders) }
        func slice(_ range: Range<Int>) -> ByteBuffer? {
            frame.getSlice(at: frame.readerIndex + range.lowerBound, length: range.count)
        }
        guard let kind = headers.kind(in: bytes), let name = headers.name(for: kind).flatMap(slice),
            let payload = slice(payloadStart..<end)
        else { return .failure(.unnamedMessage) }
        let words = kind == .error ? headers.errorMessage.flatMap(slice) : nil
        return .success(EventStreamMessage(kind: kind, type: name, errorMessage: words, payload: payload))
    }

    @inline(__always)
    private static func integer(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

/// Where the headers stand that say what a message is; all others are stepped over.
struct EventStreamHeaders {
    private var messageType: Range<Int>?
    private var eventType: Range<Int>?
    private var exceptionType: Range<Int>?
    private var errorCode: Range<Int>?
    private(set) var errorMessage: Range<Int>?

    /// Walks over all headers; false if one of them leads beyond `range`.
    ///
    /// A header is u8 length, name, u8 type of the value, value.
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var cursor = range.lowerBound
        let end = range.upperBound
        while cursor < end {
            let nameStart = cursor + 1
            let nameEnd = nameStart + Int(bytes[cursor])
            // A name is never empty, and the type of the value must be there too.
            guard nameEnd > nameStart, nameEnd < end else { return false }
            guard let value = Self.value(bytes, typeAt: nameEnd, end: end) else { return false }
            if bytes[nameEnd] == Self.string { self.note(bytes, nameStart..<nameEnd, value) }
            cursor = value.upperBound
        }
        return true
    }

    /// What `:message-type` says, or nil if it says nothing that is known.
    func kind(in bytes: UnsafeRawBufferPointer) -> EventStreamMessage.Kind? {
        guard let range = self.messageType else { return nil }
        if Self.equals(bytes, range, "event") { return .event }
        if Self.equals(bytes, range, "exception") { return .exception }
        if Self.equals(bytes, range, "error") { return .error }
        return nil
    }

    /// Where the name of a message of this kind stands.
    func name(for kind: EventStreamMessage.Kind) -> Range<Int>? {
        switch kind {
        case .event: self.eventType
        case .exception: self.exceptionType
        case .error: self.errorCode
        }
    }

    private static let string: UInt8 = 7

    /// Where the value stands whose type is at `position`; nil if it leads beyond `end` or its type is unknown.
    private static func value(_ bytes: UnsafeRawBufferPointer, typeAt position: Int, end: Int) -> Range<Int>? {
        var start = position + 1
        let count: Int
        switch bytes[position] {
        case 0, 1: count = 0  // true, false
        case 2: count = 1  // byte
        case 3: count = 2  // short
        case 4: count = 4  // integer
        case 5, 8: count = 8  // long, timestamp
        case 9: count = 16  // UUID
        case 6, 7:  // byte array, string
            guard start + 2 <= end else { return nil }
            count = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self)))
            start += 2
        default: return nil
        }
        return start + count <= end ? start..<(start + count) : nil
    }

    private mutating func note(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>, _ value: Range<Int>) {
        guard bytes[name.lowerBound] == ByteClass.colon else { return }
        switch name.count {
        case 11 where Self.equals(bytes, name, ":event-type"): self.eventType = value
        case 11 where Self.equals(bytes, name, ":error-code"): self.errorCode = value
        case 13 where Self.equals(bytes, name, ":message-type"): self.messageType = value
        case 14 where Self.equals(bytes, name, ":error-message"): self.errorMessage = value
        case 15 where Self.equals(bytes, name, ":exception-type"): self.exceptionType = value
        default: break
        }
    }

    private static func equals(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for (index, offset) in range.enumerated() where bytes[offset] != text.utf8Start[index] { return false }
        return true
    }
}
