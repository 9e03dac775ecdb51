/// The chunked transfer coding (RFC 9112 §7.1), byte by byte where it must be and whole chunks where it can be.
///
/// Strict: sizes of 1 to 15 hexadecimal digits and no white space, CRLF everywhere, extensions by their grammar and
/// within `HTTPLimits`. Extensions are passed over. Trailer fields are checked and dropped; one that would change
/// framing or routing is refused.
package struct ChunkedDecoder: Sendable {
    /// Whether the last chunk and the trailer section have been read.
    package var isComplete: Bool { self.state == .complete }

    private var state = State.sizeFirst
    /// What is left of the chunk, or the part of its size read so far.
    private var remaining = 0
    private var sizeDigits = 0
    private var lineBytes = 0
    private var extensionBytes = 0
    private var trailer = TrailerChecker()

    /// What the next byte belongs to.
    private enum State: Sendable {
        /// The first digit of a size. Next: `size`.
        case sizeFirst
        /// Further digits. Next: `extensionName` at `;`, `sizeLineFeed` at CR.
        case size
        /// Next: `sizeLineFeed`, or from one part of an extension to the next.
        case extensionNameFirst, extensionName, extensionValueFirst, extensionValue
        case extensionQuoted, extensionQuotedPair, extensionQuotedEnd
        /// The LF of a size line. Next: `data`, or `trailer` after size 0.
        case sizeLineFeed
        /// Payload. Next: `dataReturn`.
        case data
        /// CR and LF after the payload. Next: `sizeFirst`.
        case dataReturn, dataLineFeed
        /// Trailer fields and the blank line. Next: `complete`.
        case trailer
        case complete
    }

    /// A decoder at the start of a body.
    package init() {}

    /// Decodes as much of `bytes` as belongs to the body.
    ///
    /// - Parameters:
    ///   - bytes: What has come since the last call.
    ///   - limits: How much overhead the sender may send.
    ///   - emit: Receives the start in `bytes` and the count of each run of payload; never an empty one.
    /// - Returns: How many bytes were used. All of them, unless the body ended: the rest belongs to the next message.
    /// - Throws: `HTTPParseError.badChunk`, `.chunkLineTooLong`, `.badTrailer`, `.trailerTooLarge`, `.tooManyFields`.
    ///   What was emitted before the fault was well-formed; the message as a whole is not.
    package mutating func decode(
        _ bytes: UnsafeRawBufferPointer,
        limits: HTTPLimits,
        emit: (Int, Int) -> Void
    ) throws(HTTPParseError) -> Int {
        var index = 0
        while index < bytes.count {
            switch self.state {
            case .data:
                let count = min(self.remaining, bytes.count - index)
                emit(index, count)
                index += count
                self.remaining -= count
                if self.remaining == 0 { self.state = .dataReturn }
            case .dataReturn:
                guard bytes[index] == ByteClass.carriageReturn else { throw .badChunk }
                index += 1
                self.state = .dataLineFeed
            case .dataLineFeed:
                guard bytes[index] == ByteClass.lineFeed else { throw .badChunk }
                index += 1
                self.beginSize()
            case .trailer:
                let byte = bytes[index]
                index += 1
                if try self.trailer.take(byte, limits: limits) {
                    self.state = .complete
                    return index
                }
            case .complete:
                return index
            default:
                try self.takeSizeLine(bytes[index], limits: limits)
                index += 1
            }
        }
        return index
    }

    private mutating func beginSize() {
        self.state = .sizeFirst
        self.remaining = 0
        self.sizeDigits = 0
        self.lineBytes = 0
    }

    /// Takes one byte of the line that gives a chunk's size.
    private mutating func takeSizeLine(_ byte: UInt8, limits: HTTPLimits) throws(HTTPParseError) {
        self.lineBytes += 1
        guard self.lineBytes <= limits.chunkLineBytesMax else { throw .chunkLineTooLong }
        switch self.state {
        case .sizeFirst, .size:
            try self.takeSize(byte)
        case .sizeLineFeed:
            guard byte == ByteClass.lineFeed else { throw .badChunk }
            self.state = self.remaining == 0 ? .trailer : .data
        default:
            self.extensionBytes += 1
            guard self.extensionBytes <= limits.chunkExtensionBytesMax else { throw .chunkLineTooLong }
            try self.takeExtension(byte)
        }
    }

    private mutating func takeSize(_ byte: UInt8) throws(HTTPParseError) {
        if let digit = ByteClass.hexValue(byte) {
            // 15 digits are 60 bits, so that the shift cannot overflow.
            guard self.sizeDigits < 15 else { throw .badChunk }
            self.sizeDigits += 1
            self.remaining = self.remaining << 4 | Int(digit)
            self.state = .size
            return
        }
        guard self.state == .size else { throw .badChunk }
        switch byte {
        case ByteClass.carriageReturn: self.state = .sizeLineFeed
        case ByteClass.semicolon: self.state = .extensionNameFirst
        default: throw .badChunk
        }
    }

    /// `*( ";" token [ "=" ( token / quoted-string ) ] )`, without the white space that RFC 9112 calls bad.
    private mutating func takeExtension(_ byte: UInt8) throws(HTTPParseError) {
        switch self.state {
        case .extensionNameFirst where ByteClass.isToken(byte): self.state = .extensionName
        case .extensionName where ByteClass.isToken(byte): break
        case .extensionName where byte == 0x3D: self.state = .extensionValueFirst
        case .extensionValueFirst where byte == 0x22: self.state = .extensionQuoted
        case .extensionValueFirst where ByteClass.isToken(byte): self.state = .extensionValue
        case .extensionValue where ByteClass.isToken(byte): break
        case .extensionQuoted where byte == 0x22: self.state = .extensionQuotedEnd
        case .extensionQuoted where byte == 0x5C: self.state = .extensionQuotedPair
        case .extensionQuoted where ByteClass.isFieldText(byte): break
        case .extensionQuotedPair where ByteClass.isFieldText(byte): self.state = .extensionQuoted
        case .extensionName, .extensionValue, .extensionQuotedEnd:
            switch byte {
            case ByteClass.carriageReturn: self.state = .sizeLineFeed
            case ByteClass.semicolon: self.state = .extensionNameFirst
            default: throw .badChunk
            }
        default: throw .badChunk
        }
    }
}
