extension JSONLexer {
    /// Steps over a key, the colon and the white space around it.
    @inline(__always)
    mutating func skipKeyAndColon() throws(JSONError) {
        if !self.skipShortString() { _ = try self.skipKey() }
        try self.skipColon()
    }

    /// Steps over a colon and the white space around it.
    @inline(__always)
    mutating func skipColon() throws(JSONError) {
        self.skipWhitespace()
        try self.expect(0x3A, .colon)
        self.skipWhitespace()
    }

    /// Steps over a string of at most 14 plain characters, as most keys are; false, and no step, for every other text.
    @inline(__always)
    mutating func skipShortString() -> Bool {
        guard self.index &+ 17 <= self.readable, self.index < self.end, self.base[self.index] == 0x22 else {
            return false
        }
        let hit = Self.plainPrefix(self.base, self.index &+ 1)
        let quote = self.index &+ 1 &+ hit
        guard hit < 16, quote < self.end, self.base[quote] == 0x22 else { return false }
        self.index = quote &+ 1
        return true
    }

    /// How many of the sixteen bytes at `index` come before a quote, a backslash, a control character or one that is
    /// not ASCII.
    @inline(__always)
    private static func plainPrefix(_ base: UnsafePointer<UInt8>, _ index: Int) -> Int {
        let words = Self.words(of: Self.hits(base, index))
        if words.low != 0 { return words.low.trailingZeroBitCount &>> 3 }
        return words.high != 0 ? 8 &+ (words.high.trailingZeroBitCount &>> 3) : 16
    }

    /// Which of the sixteen bytes at `index` are no plain text.
    @inline(__always)
    private static func hits(_ base: UnsafePointer<UInt8>, _ index: Int) -> SIMDMask<SIMD16<Int8>> {
        // Vectors on both sides: the operators that take a single number are not made into one instruction.
        let text = UnsafeRawPointer(base).loadUnaligned(fromByteOffset: index, as: SIMD16<Int8>.self)
        // As signed numbers all that is not ASCII is below the control characters.
        return (text .< SIMD16<Int8>(repeating: 0x20)) .| (text .== SIMD16<Int8>(repeating: 0x22))
            .| (text .== SIMD16<Int8>(repeating: 0x5C))
    }

    @inline(__always)
    private static func words(of mask: SIMDMask<SIMD16<Int8>>) -> (low: UInt64, high: UInt64) {
        withUnsafeBytes(of: mask) { ($0.load(as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self)) }
    }

    /// Steps over a key.
    ///
    /// A key that is no text because of a lone surrogate is refused: readers differ on its name.
    mutating func skipKey() throws(JSONError) -> StringTraits {
        guard self.byte == 0x22 else { throw .invalid(at: self.index, expected: .key) }
        let traits = try self.skipString()
        guard traits.loneSurrogate < 0 else { throw .loneSurrogate(at: traits.loneSurrogate) }
        return traits
    }

    /// Steps over a string; the next byte is its opening quote.
    ///
    /// Sixteen bytes a step while they are plain ASCII.
    @inline(__always)
    mutating func skipString() throws(JSONError) -> StringTraits {
        var traits = StringTraits()
        self.index &+= 1
        while true {
            self.skipPlainText()
            guard self.index < self.end else { throw .invalid(at: self.end, expected: .closingQuote) }
            let byte = self.base[self.index]
            if byte == 0x22 {
                self.index &+= 1
                return traits
            }
            if byte == 0x5C {
                try self.skipEscape(&traits)
            } else if byte >= 0x80 {
                try self.skipMultibyte()
            } else {
                throw .invalid(at: self.index, expected: .escapedControl)
            }
        }
    }

    /// Steps to the next byte that is a quote, a backslash, a control character or not ASCII.
    ///
    /// Sixteen bytes, which is enough for most keys; in a longer text sixty-four a step, because to look for what stops
    /// it costs more than to compare; and sixteen a step to its end.
    @inline(__always)
    mutating func skipPlainText() {
        var index = self.index
        if index &+ 16 <= self.readable {
            let hit = Self.plainPrefix(self.base, index)
            index &+= hit
            guard hit == 16, index < self.end else {
                self.index = min(index, self.end)
                return
            }
        }
        while index &+ 64 <= self.end {
            let hits =
                (Self.hits(self.base, index) .| Self.hits(self.base, index &+ 16))
                .| (Self.hits(self.base, index &+ 32) .| Self.hits(self.base, index &+ 48))
            let words = Self.words(of: hits)
            guard words.low | words.high == 0 else { break }
            index &+= 64
        }
        while index &+ 16 <= self.readable {
            let hit = Self.plainPrefix(self.base, index)
            index &+= hit
            guard hit == 16, index < self.end else {
                self.index = min(index, self.end)
                return
            }
        }
        while index < self.end {
            let byte = self.base[index]
            guard byte >= 0x20, byte < 0x80, byte != 0x22, byte != 0x5C else { break }
            index &+= 1
        }
        self.index = index
    }

    /// Steps over all bytes from 0x80 that follow, which must be whole UTF-8 sequences (RFC 3629 §4).
    private mutating func skipMultibyte() throws(JSONError) {
        while self.index < self.end, self.base[self.index] >= 0x80 {
            guard self.takeMultibyte() != nil else { throw .invalidUTF8(at: self.index) }
        }
    }

    /// Steps over one UTF-8 sequence of two to four bytes; nil, and no step, if the next byte begins none.
    @inline(__always)
    mutating func takeMultibyte() -> UInt32? {
        let first = self.base[self.index]
        let left = self.end &- self.index
        switch first {
        case 0xC2...0xDF:
            guard left >= 2, let second = self.continuation(1) else { return nil }
            self.index &+= 2
            return UInt32(first & 0x1F) &<< 6 | second
        case 0xE0...0xEF:
            guard left >= 3, let second = self.continuation(1), let third = self.continuation(2) else { return nil }
            let scalar = UInt32(first & 0x0F) &<< 12 | second &<< 6 | third
            guard scalar >= 0x800, scalar & 0xF800 != 0xD800 else { return nil }
            self.index &+= 3
            return scalar
        case 0xF0...0xF4:
            guard left >= 4, let second = self.continuation(1), let third = self.continuation(2),
                let fourth = self.continuation(3)
            else { return nil }
            let scalar = UInt32(first & 0x07) &<< 18 | second &<< 12 | third &<< 6 | fourth
            guard scalar >= 0x10000, scalar <= 0x10FFFF else { return nil }
            self.index &+= 4
            return scalar
        default:
            return nil
        }
    }

    @inline(__always)
    private func continuation(_ offset: Int) -> UInt32? {
        let byte = self.base[self.index &+ offset]
        return byte & 0xC0 == 0x80 ? UInt32(byte & 0x3F) : nil
    }

    /// Steps over an escape; the next byte is its backslash.
    ///
    /// Two escapes that form a surrogate pair are one step.
    private mutating func skipEscape(_ traits: inout StringTraits) throws(JSONError) {
        traits.hasEscapes = true
        let start = self.index
        guard start &+ 1 < self.end else { throw .invalid(at: start, expected: .escape) }
        switch self.base[start &+ 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            self.index = start &+ 2
        case 0x75:
            let unit = try self.codeUnit(at: start)
            self.index = start &+ 6
            guard unit & 0xF800 == 0xD800 else { return }
            if unit < 0xDC00, self.index &+ 1 < self.end, self.base[self.index] == 0x5C,
                self.base[self.index &+ 1] == 0x75
            {
                let next = try self.codeUnit(at: self.index)
                if next & 0xFC00 == 0xDC00 {
                    self.index &+= 6
                    return
                }
            }
            if traits.loneSurrogate < 0 { traits.loneSurrogate = start }
        default:
            throw .invalid(at: start, expected: .escape)
        }
    }

    /// The value of the `\uXXXX` at `start`.
    func codeUnit(at start: Int) throws(JSONError) -> UInt32 {
        guard start &+ 6 <= self.end else { throw .invalid(at: start, expected: .escape) }
        var unit: UInt32 = 0
        for index in (start &+ 2)..<(start &+ 6) {
            guard let digit = Self.hexValue(self.base[index]) else { throw .invalid(at: start, expected: .escape) }
            unit = unit &<< 4 | UInt32(digit)
        }
        return unit
    }

    /// Steps over a number: `[ "-" ] int [ frac ] [ exp ]`.
    mutating func skipNumber() throws(JSONError) {
        if self.byte == 0x2D { self.index &+= 1 }
        if self.byte == 0x30 {
            self.index &+= 1
        } else {
            try self.skipDigits()
        }
        if self.byte == 0x2E {
            self.index &+= 1
            try self.skipDigits()
        }
        if self.byte | 0x20 == 0x65 {
            self.index &+= 1
            if self.byte == 0x2B || self.byte == 0x2D { self.index &+= 1 }
            try self.skipDigits()
        }
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = self.index
        while self.index < self.end, self.base[self.index] &- 0x30 < 10 { self.index &+= 1 }
        guard self.index > start else { throw .invalid(at: start, expected: .digit) }
    }

    mutating func skipLiteral(_ text: StaticString) throws(JSONError) {
        let count = text.utf8CodeUnitCount
        guard self.index &+ count <= self.end else { throw .invalid(at: self.index, expected: .value) }
        for offset in 0..<count where self.base[self.index &+ offset] != text.utf8Start[offset] {
            throw .invalid(at: self.index, expected: .value)
        }
        self.index &+= count
    }

    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        let digit = byte &- 0x30
        if digit < 10 { return digit }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }
}
