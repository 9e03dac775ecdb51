/// What a text is made of, in as many numbers as it takes to guess how many tokens it has.
///
/// Spaces count nowhere: tokenizers put them into the word behind them. Texts of more than four billion characters of a
/// kind count as that many.
package struct TextMeasure: Sendable, Equatable {
    /// Letters of English.
    package var letters: UInt32 = 0
    package var digits: UInt32 = 0
    package var newlines: UInt32 = 0
    /// All other visible characters of ASCII.
    package var punctuation: UInt32 = 0
    /// Letters of Latin script that English does not have.
    package var accented: UInt32 = 0
    /// Characters of other scripts that are written in letters: Greek, Cyrillic, Arabic, Devanagari, Thai.
    package var alphabets: UInt32 = 0
    /// Chinese, Japanese and Korean characters.
    package var wide: UInt32 = 0
    /// Arrows, quotation marks, signs, emoji.
    package var symbols: UInt32 = 0

    package init() {}

    /// Measures a text.
    package init(_ text: String) {
        var copy = text
        self = copy.withUTF8 { utf8 in
            var measure = TextMeasure()
            measure.add(UnsafeRawBufferPointer(utf8))
            return measure
        }
    }

    package var isEmpty: Bool { self == TextMeasure() }

    package static func += (left: inout TextMeasure, right: TextMeasure) {
        left.letters = left.letters.saturating(right.letters)
        left.digits = left.digits.saturating(right.digits)
        left.newlines = left.newlines.saturating(right.newlines)
        left.punctuation = left.punctuation.saturating(right.punctuation)
        left.accented = left.accented.saturating(right.accented)
        left.alphabets = left.alphabets.saturating(right.alphabets)
        left.wide = left.wide.saturating(right.wide)
        left.symbols = left.symbols.saturating(right.symbols)
    }

    /// Adds UTF-8 as it stands.
    ///
    /// A character is known by its first byte, so that the bytes need not be well-formed.
    @inline(__always)
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var index = 0
        while index < bytes.count {
            let end = min(bytes.count, index + 255)
            var lanes: UInt64 = 0
            Self.classes.withUnsafeBufferPointer { classes in
                while index < end {
                    lanes &+= classes[Int(bytes[index])]
                    index &+= 1
                }
            }
            self.add(lanes)
        }
    }

    /// Adds what stands between the quotes of a JSON string; an escape counts as what it stands for.
    ///
    /// - Parameter bytes: Checked JSON. An escape that is none counts as punctuation.
    package mutating func add(jsonString bytes: UnsafeRawBufferPointer) {
        var index = 0
        while index < bytes.count { index = self.addRun(bytes, from: index, stopsAtQuote: false) }
    }

    /// Adds the rest of a JSON string, up to its closing quote.
    ///
    /// - Parameter start: The first byte behind the opening quote.
    /// - Returns: The first byte behind the closing quote, or the end if there is none.
    package mutating func add(jsonStringFrom start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        var index = start
        while index < bytes.count {
            if bytes[index] == 0x22 { return index + 1 }
            index = self.addRun(bytes, from: index, stopsAtQuote: true)
        }
        return index
    }

    /// Adds one escape, or up to 255 bytes without any.
    ///
    /// - Returns: Where it goes on.
    private mutating func addRun(_ bytes: UnsafeRawBufferPointer, from start: Int, stopsAtQuote: Bool) -> Int {
        guard bytes[start] != 0x5C else { return start + self.addEscape(bytes, at: start) }
        let plain = self.addPlainText(bytes, from: start)
        guard plain == start else { return plain }
        let end = min(bytes.count, start + 32)
        var index = start
        var lanes: UInt64 = 0
        Self.classes.withUnsafeBufferPointer { classes in
            while index < end {
                let byte = bytes[index]
                if byte == 0x5C || (byte == 0x22 && stopsAtQuote) { break }
                lanes &+= classes[Int(byte)]
                index &+= 1
            }
        }
        self.add(lanes)
        return index
    }

    /// Adds the bytes from an index on, sixteen a step, as long as a step has only visible ASCII and spaces and neither
    /// quotes nor backslashes.
    ///
    /// - Returns: The first byte that was not added.
    private mutating func addPlainText(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return start }
        var index = start
        while index &+ 16 <= bytes.count {
            // The sum of all lanes has to fit into one.
            let stop = min(bytes.count &- 16, index &+ 14 &* 16)
            let from = index
            var letters = SIMD16<UInt8>.zero
            var digits = SIMD16<UInt8>.zero
            var spaces = SIMD16<UInt8>.zero
            while index <= stop {
                let text = base.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
                let signed = base.loadUnaligned(fromByteOffset: index, as: SIMD16<Int8>.self)
                let hits =
                    (signed .< SIMD16<Int8>(repeating: 0x20)) .| (signed .== SIMD16<Int8>(repeating: 0x22))
                    .| (signed .== SIMD16<Int8>(repeating: 0x5C))
                let isHit = withUnsafeBytes(of: hits) { mask in
                    mask.load(as: UInt64.self) | mask.load(fromByteOffset: 8, as: UInt64.self) != 0
                }
                if isHit { break }
                let lower = (text | SIMD16(repeating: 0x20)) &- SIMD16(repeating: 0x61)
                letters &-= Self.bits(lower .< SIMD16(repeating: 26))
                let digit = text &- SIMD16(repeating: 0x30)
                digits &-= Self.bits(digit .< SIMD16(repeating: 10))
                spaces &-= Self.bits(text .== SIMD16(repeating: 0x20))
                index &+= 16
            }
            guard index > from else { return index }
            let (letterCount, digitCount) = (Self.sum(letters), Self.sum(digits))
            let rest = UInt32(index &- from) &- letterCount &- digitCount &- Self.sum(spaces)
            self.letters = self.letters.saturating(letterCount)
            self.digits = self.digits.saturating(digitCount)
            self.punctuation = self.punctuation.saturating(rest)
        }
        return index
    }

    /// All bits of a lane where the mask has it: minus one, to be taken away from a count.
    @inline(__always)
    private static func bits(_ mask: SIMDMask<SIMD16<Int8>>) -> SIMD16<UInt8> {
        // Safety: a mask is sixteen bytes, each of all bits or none.
        unsafeBitCast(mask, to: SIMD16<UInt8>.self)
    }

    @inline(__always)
    private static func sum(_ lanes: SIMD16<UInt8>) -> UInt32 {
        var sum: UInt32 = 0
        for index in 0..<16 { sum &+= UInt32(lanes[index]) }
        return sum
    }

    /// Adds the escape at an index.
    ///
    /// - Returns: How many bytes it has, at most as many as there are.
    private mutating func addEscape(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
        guard index + 1 < bytes.count else { return bytes.count - index }
        switch bytes[index + 1] {
        case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "f"): self.newlines = self.newlines.saturating(1)
        case UInt8(ascii: "t"), UInt8(ascii: "b"): break
        case UInt8(ascii: "u"):
            var unit: UInt32 = 0
            for digit in bytes[min(index + 2, bytes.count)..<min(index + 6, bytes.count)] {
                unit = unit << 4 | UInt32(digit < 0x40 ? digit & 15 : (digit & 7) + 9)
            }
            self.add(Self.lanes(ofUnit: unit & 0xFFFF))
            return min(6, bytes.count - index)
        default: self.punctuation = self.punctuation.saturating(1)
        }
        return 2
    }

    // MARK: Classes

    // One count for each byte of a word, in the order of the properties: 255 of them can be added before one is full.

    @inline(__always)
    private mutating func add(_ lanes: UInt64) {
        func lane(_ index: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: lanes &>> (index &* 8) & 0xFF) }
        // Nearly all text is in ASCII.
        self.letters = self.letters.saturating(lane(0))
        self.digits = self.digits.saturating(lane(1))
        self.newlines = self.newlines.saturating(lane(2))
        self.punctuation = self.punctuation.saturating(lane(3))
        guard lanes &>> 32 != 0 else { return }
        self.accented = self.accented.saturating(lane(4))
        self.alphabets = self.alphabets.saturating(lane(5))
        self.wide = self.wide.saturating(lane(6))
        self.symbols = self.symbols.saturating(lane(7))
    }

    private static let classes: [UInt64] = (0...255).map { Self.lanes(ofByte: $0) }

    private static func lanes(ofByte byte: UInt8) -> UInt64 {
        switch byte {
        case 0x0A, 0x0C, 0x0D: 1 << 16
        case 0...0x20, 0x7F: 0
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): 1
        case UInt8(ascii: "0")...UInt8(ascii: "9"): 1 << 8
        case 0x21..<0x80: 1 << 24
        // Bytes that only go on with a character.
        case 0x80...0xBF: 0
        // U+0080 to U+02BF; then up to U+07FF; then up to U+1FFF.
        case 0xC0...0xCA: 1 << 32
        case 0xCB...0xE1: 1 << 40
        // U+3000 to U+DFFF.
        case 0xE3...0xED: 1 << 48
        // U+2000 to U+2FFF, and everything beyond.
        default: 1 << 56
        }
    }

    /// The class of an escaped UTF-16 unit; a surrogate pair counts once, by its first half.
    private static func lanes(ofUnit unit: UInt32) -> UInt64 {
        switch unit {
        case ..<0x80: self.lanes(ofByte: UInt8(unit))
        case ..<0x2C0: 1 << 32
        case ..<0x2000: 1 << 40
        case ..<0x3000: 1 << 56
        case ..<0xD800: 1 << 48
        case ..<0xDC00: 1 << 56
        case ..<0xE000: 0
        default: 1 << 56
        }
    }
}

extension UInt32 {
    @inline(__always)
    fileprivate func saturating(_ other: UInt32) -> UInt32 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
