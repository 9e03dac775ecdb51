/// Checks a trailer section byte by byte and keeps nothing of it.
struct TrailerChecker: Sendable {
    private var state = State.lineStart
    private var byteCount = 0
    private var fieldCount = 0
    private var nameCount = 0
    /// One bit for each of `forbidden` that the name still could be.
    private var candidates: UInt8 = 0

    /// What the next byte belongs to.
    private enum State: Sendable {
        /// A name's first byte, or the CR of the blank line. Next: `name`, `lastLineFeed`.
        case lineStart
        /// Next: `value` at the colon.
        case name
        /// Next: `lineFeed` at CR.
        case value
        /// Next: `lineStart`.
        case lineFeed
        /// The end.
        case lastLineFeed
    }

    /// Fields that would change where messages end or where they go (RFC 9110 §6.5.1).
    private static let forbidden: [StaticString] = ["host", "content-length", "transfer-encoding"]

    /// Takes the next byte.
    ///
    /// - Returns: Whether it was the section's last.
    /// - Throws: `HTTPParseError.badTrailer`, `.trailerTooLarge` or `.tooManyFields`.
    mutating func take(_ byte: UInt8, limits: HTTPLimits) throws(HTTPParseError) -> Bool {
        self.byteCount += 1
        guard self.byteCount <= limits.trailerBytesMax else { throw .trailerTooLarge }
        switch self.state {
        case .lineStart:
            if byte == ByteClass.carriageReturn {
                self.state = .lastLineFeed
                return false
            }
            guard ByteClass.isToken(byte) else { throw .badTrailer }
            self.fieldCount += 1
            guard self.fieldCount <= limits.fieldCountMax else { throw .tooManyFields }
            self.nameCount = 0
            self.candidates = 0b111
            self.narrow(byte)
            self.state = .name
        case .name:
            if byte == ByteClass.colon {
                guard !self.isForbidden else { throw .badTrailer }
                self.state = .value
                return false
            }
            guard ByteClass.isToken(byte) else { throw .badTrailer }
            self.narrow(byte)
        case .value:
            if byte == ByteClass.carriageReturn {
                self.state = .lineFeed
                return false
            }
            guard ByteClass.isFieldText(byte) else { throw .badTrailer }
        case .lineFeed:
            guard byte == ByteClass.lineFeed else { throw .badTrailer }
            self.state = .lineStart
        case .lastLineFeed:
            guard byte == ByteClass.lineFeed else { throw .badTrailer }
            return true
        }
        return false
    }

    /// Strikes the candidates that do not have `byte` at this place.
    private mutating func narrow(_ byte: UInt8) {
        for (index, name) in Self.forbidden.enumerated() {
            let fits =
                self.nameCount < name.utf8CodeUnitCount
                && HTTPHead.lowercased(byte) == name.utf8Start[self.nameCount]
            if !fits { self.candidates &= ~(1 << UInt8(index)) }
        }
        self.nameCount += 1
    }

    private var isForbidden: Bool {
        for (index, name) in Self.forbidden.enumerated()
        where self.candidates & (1 << UInt8(index)) != 0 && name.utf8CodeUnitCount == self.nameCount {
            return true
        }
        return false
    }
}
