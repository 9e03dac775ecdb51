extension JSONScanner {
    /// What kind of value begins with a byte.
    package enum Kind: Sendable, Equatable { case object, array, string, number, bool, null }

    /// The kind of a value that a scanner handed out.
    ///
    /// Nil if there is none at that place.
    package func kind(_ slice: JSONSlice) -> Kind? {
        guard slice.start >= 0, slice.start < slice.end, slice.end <= self.bytes.count else { return nil }
        return switch self.bytes[slice.start] {
        case 0x7B: .object
        case 0x5B: .array
        case 0x22: .string
        case 0x2D, 0x30...0x39: .number
        case 0x74, 0x66: .bool
        case 0x6E: .null
        default: nil
        }
    }

    /// Whether the value is `null`.
    package func isNull(_ slice: JSONSlice) -> Bool { self.kind(slice) == .null }

    /// The value if it is a boolean.
    package func bool(_ slice: JSONSlice) -> Bool? {
        self.kind(slice) == .bool ? self.bytes[slice.start] == 0x74 : nil
    }

    /// The text if the value is a string, escapes resolved.
    ///
    /// Nil too if it holds a lone surrogate, which no text can.
    package func string(_ slice: JSONSlice) -> String? {
        guard let content = self.content(slice) else { return nil }
        guard content.contains(0x5C) else { return String(decoding: content, as: UTF8.self) }
        var reader = self.unescaper(slice)
        var plain: [UInt8] = []
        plain.reserveCapacity(content.count)
        while let byte = reader.next() { plain.append(byte) }
        return reader.hasLoneSurrogate ? nil : String(decoding: plain, as: UTF8.self)
    }

    /// Whether the value is the string `text`, escapes resolved.
    ///
    /// Allocates nothing.
    package func equals(_ slice: JSONSlice, _ text: StaticString) -> Bool {
        guard self.kind(slice) == .string else { return false }
        var reader = self.unescaper(slice)
        for index in 0..<text.utf8CodeUnitCount where reader.next() != text.utf8Start[index] { return false }
        return reader.next() == nil && !reader.hasLoneSurrogate
    }

    /// The bytes between the quotes of a string, as they stand there.
    ///
    /// Nil if the value is no string.
    package func content(_ slice: JSONSlice) -> UnsafeRawBufferPointer? {
        guard self.kind(slice) == .string, slice.count >= 2 else { return nil }
        return UnsafeRawBufferPointer(rebasing: self.bytes[(slice.start + 1)..<(slice.end - 1)])
    }

    /// The value if it is a whole number that fits, in whatever spelling: `1000`, `1e3` and `1000.0` are the same to a
    /// provider, so they are to us.
    ///
    /// Nil for every other number, and never a trap (row 21).
    package func int(_ slice: JSONSlice) -> Int? {
        guard self.kind(slice) == .number else { return nil }
        return JSONNumber.wholeValue(UnsafeRawBufferPointer(rebasing: self.bytes[slice.range]))
    }

    /// The nearest floating-point value if the value is a number.
    ///
    /// Nil beyond the largest, such as `1e400`.
    package func double(_ slice: JSONSlice) -> Double? {
        guard self.kind(slice) == .number else { return nil }
        let text = String(decoding: self.bytes[slice.range], as: UTF8.self)
        guard let number = Double(text), number.isFinite else { return nil }
        return number
    }

    private func unescaper(_ slice: JSONSlice) -> JSONUnescaper {
        let lexer = JSONLexer(self.bytes, from: slice.start, to: slice.end)
        return JSONUnescaper(lexer.base, slice)
    }
}

/// Reads the text of a number exactly.
enum JSONNumber {
    /// The whole number that the text stands for, whatever its spelling; nil if it has a fraction or does not fit.
    ///
    /// - Parameter text: A number by the grammar of JSON.
    static func wholeValue(_ text: UnsafeRawBufferPointer) -> Int? {
        if let short = self.shortValue(text) { return short }
        let isNegative = text.first == 0x2D
        var value = 0
        // Digits behind the decimal point, and zeros at the end that were not multiplied in yet.
        var fractionDigits = 0
        var zeros = 0
        var index = isNegative ? 1 : 0
        var isFraction = false
        while index < text.count, text[index] | 0x20 != 0x65 {
            let byte = text[index]
            index += 1
            if byte == 0x2E {
                isFraction = true
                continue
            }
            if isFraction { fractionDigits += 1 }
            if byte == 0x30 {
                zeros += value == 0 ? 0 : 1
                continue
            }
            guard let shifted = self.scaled(value, by: zeros + 1) else { return nil }
            let (sum, overflow) = self.add(shifted, Int(byte) - 0x30, isNegative: isNegative)
            guard !overflow else { return nil }
            value = sum
            zeros = 0
        }
        guard value != 0 else { return 0 }
        guard let exponent = self.exponent(text, index) else { return nil }
        let (scale, overflow) = exponent.addingReportingOverflow(zeros - fractionDigits)
        guard !overflow, scale >= 0 else { return nil }
        return self.scaled(value, by: scale)
    }

    /// The same for a few digits and nothing else, as nearly all are; nil for every other text.
    @inline(__always)
    private static func shortValue(_ text: UnsafeRawBufferPointer) -> Int? {
        guard text.count <= 18, let base = text.baseAddress else { return nil }
        var value = 0
        for index in 0..<text.count {
            let digit = base.load(fromByteOffset: index, as: UInt8.self) &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int(digit)
        }
        return value
    }

    private static func add(_ value: Int, _ digit: Int, isNegative: Bool) -> (Int, Bool) {
        isNegative ? value.subtractingReportingOverflow(digit) : value.addingReportingOverflow(digit)
    }

    /// `value` times a power of ten; nil if it does not fit.
    private static func scaled(_ value: Int, by power: Int) -> Int? {
        guard value != 0 else { return 0 }
        guard power < 20 else { return nil }
        var result = value
        for _ in 0..<power {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            result = product
        }
        return result
    }

    private static func exponent(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        guard start < text.count else { return 0 }
        var index = start + 1
        let isNegative = text[index] == 0x2D
        if isNegative || text[index] == 0x2B { index += 1 }
        var result = 0
        while index < text.count {
            result = result * 10 + Int(text[index]) - 0x30
            // Far beyond what could fit, and far from an overflow; a text of as many zeros would be refused for size.
            guard result < 1_000_000_000 else { return isNegative ? -result : nil }
            index += 1
        }
        return isNegative ? -result : result
    }
}
