#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What single bytes may be, as the RFCs say, and fast searches for the first byte that may not.
enum ByteClass {
    static let horizontalTab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let percent: UInt8 = 0x25
    static let comma: UInt8 = 0x2C
    static let slash: UInt8 = 0x2F
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let question: UInt8 = 0x3F

    /// RFC 9110 §5.6.2 `tchar`.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        self.isIn(byte, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// RFC 3986 §3.3 `pchar` without `;` (parameters) and without `%`, which callers look at themselves.
    @inline(__always)
    static func isPath(_ byte: UInt8) -> Bool {
        self.isIn(byte, low: 0x27FF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF)
    }

    /// The bytes of a host name: letters, digits, `-`, `.`, `_`.
    ///
    /// Percent escapes and sub-delimiters are not accepted.
    @inline(__always)
    static func isHostName(_ byte: UInt8) -> Bool {
        self.isIn(byte, low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE)
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        let digit = byte &- 0x30
        if digit < 10 { return digit }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    /// A byte that a field value may hold: RFC 9110 §5.5 `field-vchar`, `obs-text`, SP and HTAB.
    @inline(__always)
    static func isFieldText(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == self.horizontalTab }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == self.space || byte == self.horizontalTab }

    /// The index of the first byte at or after `start` that is not a token byte, or `end`.
    @inline(__always)
    static func endOfToken(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, self.isToken(base[index]) { index &+= 1 }
        return index
    }

    /// The index of the first byte at or after `start` that no field value may hold, or `end`.
    ///
    /// Eight bytes a step.
    @inline(__always)
    static func endOfFieldText(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while index &+ 8 <= end {
            let word = UInt64(
                littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: index, as: UInt64.self)
            )
            // High bit set in each byte below 0x20, and in each byte 0x7F. Exact for the first one found,
            // because a borrow only reaches bytes after it.
            let controls = (word &- 0x2020_2020_2020_2020) & ~word
            let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let deletes = (delete &- 0x0101_0101_0101_0101) & ~delete
            let hits = (controls | deletes) & 0x8080_8080_8080_8080
            guard hits != 0 else {
                index &+= 8
                continue
            }
            index &+= hits.trailingZeroBitCount &>> 3
            guard base[index] == self.horizontalTab else { return index }
            index &+= 1
        }
        while index < end, self.isFieldText(base[index]) { index &+= 1 }
        return index
    }

    /// The index of the first `byte` at or after `start`, or nil.
    @inline(__always)
    static func firstIndex(of byte: UInt8, _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        guard start < end, let hit = memchr(base + start, Int32(byte), end - start) else { return nil }
        return UnsafeRawPointer(base).distance(to: UnsafeRawPointer(hit))
    }

    /// Whether `count` bytes at `base` equal `text` when ASCII case is ignored.
    ///
    /// `text` must be lower case letters, digits and `-`; the bytes must be token bytes, for which setting bit 5 maps
    /// nothing else onto those.
    @inline(__always)
    static func equalsIgnoringCase(_ base: UnsafePointer<UInt8>, _ count: Int, _ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let left = UnsafeRawPointer(base)
        let right = UnsafeRawPointer(text.utf8Start)
        guard count >= 8 else {
            for index in 0..<count where base[index] | 0x20 != text.utf8Start[index] { return false }
            return true
        }
        var index = 0
        while index < count {
            // The last step overlaps the one before it instead of leaving a tail.
            let offset = min(index, count &- 8)
            let word = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self) | 0x2020_2020_2020_2020
            guard word == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else { return false }
            index &+= 8
        }
        return true
    }

    @inline(__always)
    private static func isIn(_ byte: UInt8, low: UInt64, high: UInt64) -> Bool {
        let word = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && (word &>> UInt64(byte & 0x3F)) & 1 != 0
    }
}
