internal import Glibc

/// Where a value stands in the scanned bytes; a string with its quotes.
package struct JSONSlice: Sendable, Equatable {
    /// The first byte.
    package var start: Int
    /// One past the last byte.
    package var end: Int

    /// The bytes from `start` up to `end`.
    package init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }

    /// The same as a Swift range.
    package var range: Range<Int> { self.start..<self.end }

    /// How many bytes the value has.
    package var count: Int { self.end - self.start }
}

/// The key of a member, as it stands in the scanned bytes.
///
/// Use it only inside the closure that it was given to.
package struct JSONKey {
    /// Where the key stands, with its quotes.
    package let slice: JSONSlice
    let base: UnsafePointer<UInt8>
    let hasEscapes: Bool
    /// The first eight bytes of the content, the first one lowest, zeros behind a shorter one.
    ///
    /// Of a key with escapes zero, which no other key has.
    let word: UInt64

    /// - Parameters:
    ///   - slice: The key with its quotes; it has been checked.
    ///   - end: Up to here bytes may be read.
    @inline(__always)
    init(slice: JSONSlice, base: UnsafePointer<UInt8>, hasEscapes: Bool, end: Int) {
        self.slice = slice
        self.base = base
        self.hasEscapes = hasEscapes
        self.word = hasEscapes ? 0 : Self.word(base, at: slice.start &+ 1, count: slice.count &- 2, end: end)
    }

    /// A key in a text that was checked before.
    ///
    /// - Parameter slice: The key with its quotes.
    /// - Returns: Nil if there is no string.
    package init?(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, slice.count >= 2, slice.end <= bytes.count,
            bytes[slice.start] == UInt8(ascii: "\"")
        else { return nil }
        let hasEscapes = bytes[slice.range].contains(UInt8(ascii: "\\"))
        let start = base.assumingMemoryBound(to: UInt8.self)
        self.init(slice: slice, base: start, hasEscapes: hasEscapes, end: bytes.count)
    }

    @inline(__always)
    private static func word(_ base: UnsafePointer<UInt8>, at start: Int, count: Int, end: Int) -> UInt64 {
        if start &+ 8 <= end {
            let word = UInt64(littleEndian: UnsafeRawPointer(base + start).loadUnaligned(as: UInt64.self))
            return count >= 8 ? word : word & (1 &<< UInt64(truncatingIfNeeded: count &* 8) &- 1)
        }
        var word: UInt64 = 0
        for index in 0..<min(count, 8) { word |= UInt64(base[start &+ index]) &<< UInt64(index &* 8) }
        return word
    }

    /// Whether the key, with its escapes resolved, is `text`: `"mod\u0065l"` equals `model` (row 17).
    @inline(__always)
    package func equals(_ text: StaticString) -> Bool {
        let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return self.equals(expected)
    }

    /// Whether the key, with its escapes resolved, is these UTF-8 bytes.
    package func equals(_ expected: UnsafeRawBufferPointer) -> Bool {
        if !self.hasEscapes {
            guard self.slice.count == expected.count + 2 else { return false }
            guard let start = expected.baseAddress else { return true }
            return memcmp(self.base + self.slice.start + 1, start, expected.count) == 0
        }
        var reader = JSONUnescaper(self.base, self.slice)
        for byte in expected where reader.next() != byte { return false }
        return reader.next() == nil
    }

    /// The key as text.
    ///
    /// Allocates if it is longer than 15 bytes.
    package var text: String {
        String(decoding: IteratorSequence(JSONUnescaper(self.base, self.slice)).map { $0 }, as: UTF8.self)
    }
}

@available(*, unavailable, message: "points into bytes that someone lends")
extension JSONKey: Sendable {}

/// Gives the bytes of a string with its escapes resolved, one by one.
///
/// The string must have been checked.
struct JSONUnescaper: IteratorProtocol {
    private let base: UnsafePointer<UInt8>
    private var index: Int
    private let end: Int
    /// The bytes of a character that an escape gave, not handed out yet: the next one lowest.
    private var pending: UInt32 = 0
    private var pendingCount = 0
    /// Whether half of a surrogate pair was met.
    ///
    /// It is given as U+FFFD.
    private(set) var hasLoneSurrogate = false

    /// - Parameter slice: The string with its quotes.
    init(_ base: UnsafePointer<UInt8>, _ slice: JSONSlice) {
        self.base = base
        self.index = slice.start + 1
        self.end = slice.end - 1
    }

    mutating func next() -> UInt8? {
        if self.pendingCount > 0 {
            self.pendingCount -= 1
            defer { self.pending >>= 8 }
            return UInt8(truncatingIfNeeded: self.pending)
        }
        guard self.index < self.end else { return nil }
        let byte = self.base[self.index]
        guard byte == 0x5C else {
            self.index += 1
            return byte
        }
        self.index += 2
        switch self.base[self.index - 1] {
        case 0x62: return 0x08
        case 0x66: return 0x0C
        case 0x6E: return 0x0A
        case 0x72: return 0x0D
        case 0x74: return 0x09
        case 0x75: return self.character()
        case let other: return other
        }
    }

    /// The first byte of the character that the `\u` just passed stands for; the others become pending.
    private mutating func character() -> UInt8 {
        let unit = self.codeUnit()
        var scalar = unit
        if unit & 0xF800 == 0xD800 {
            scalar = 0xFFFD
            if unit < 0xDC00, self.index + 6 <= self.end, self.base[self.index] == 0x5C,
                self.base[self.index + 1] == 0x75
            {
                let mark = self.index
                self.index += 2
                let low = self.codeUnit()
                if low & 0xFC00 == 0xDC00 {
                    scalar = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
                } else {
                    self.index = mark
                }
            }
            if scalar == 0xFFFD { self.hasLoneSurrogate = true }
        }
        return self.encode(scalar)
    }

    private mutating func codeUnit() -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            unit = unit << 4 | UInt32(JSONLexer.hexValue(self.base[self.index]) ?? 0)
            self.index += 1
        }
        return unit
    }

    private mutating func encode(_ scalar: UInt32) -> UInt8 {
        switch scalar {
        case 0..<0x80:
            return UInt8(scalar)
        case 0x80..<0x800:
            self.pending = 0x80 | scalar & 0x3F
            self.pendingCount = 1
            return UInt8(0xC0 | scalar >> 6)
        case 0x800..<0x10000:
            self.pending = 0x80 | (scalar >> 6) & 0x3F | (0x80 | scalar & 0x3F) << 8
            self.pendingCount = 2
            return UInt8(0xE0 | scalar >> 12)
        default:
            self.pending =
                0x80 | (scalar >> 12) & 0x3F | (0x80 | (scalar >> 6) & 0x3F) << 8 | (0x80 | scalar & 0x3F) << 16
            self.pendingCount = 3
            return UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
        }
    }
}
