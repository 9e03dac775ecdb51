package import NIOCore

/// An amount of money in millionths of a US dollar.
///
/// A whole number, so that sums are exact. What would not fit is held at the ends of the range instead of
/// wrapping around; the range is about nine trillion dollars either way.
package struct MicroDollars: Sendable, Hashable, Comparable {
    package static let zero = MicroDollars(0)
    /// The largest amount.
    package static let max = MicroDollars(.max)

    package var value: Int64

    package init(_ value: Int64) { self.value = value }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }

    package static func + (left: Self, right: Self) -> Self {
        let (sum, overflow) = left.value.addingReportingOverflow(right.value)
        guard overflow else { return Self(sum) }
        return Self(left.value < 0 ? .min : .max)
    }

    package static func - (left: Self, right: Self) -> Self {
        let (difference, overflow) = left.value.subtractingReportingOverflow(right.value)
        guard overflow else { return Self(difference) }
        return Self(left.value < 0 ? .min : .max)
    }

    package static func += (left: inout Self, right: Self) { left = left + right }
    package static func -= (left: inout Self, right: Self) { left = left - right }
}

// MARK: - As text

extension MicroDollars {
    /// Reads a decimal number of dollars as JSON and YAML write it: `0.15`, `12`, `1.2e-05`.
    ///
    /// Digits behind the millionth are rounded, half away from zero. Nil for what is no number or does not fit.
    package init?(dollars text: some Collection<UInt8>) {
        guard text.count <= 64, let micros = Self.scaled(Array(text)[...], by: 6) else { return nil }
        self.init(micros)
    }

    package init?(dollars text: String) { self.init(dollars: Array(text.utf8)) }

    /// The number times ten to the power of `scale`, rounded; nil if it is none or does not fit.
    private static func scaled(_ text: ArraySlice<UInt8>, by scale: Int) -> Int64? {
        var rest = text
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        let parts = rest.split(omittingEmptySubsequences: false) { $0 | 0x20 == UInt8(ascii: "e") }
        guard let mantissa = parts.first, parts.count <= 2 else { return nil }
        var exponent = 0
        if parts.count == 2 {
            guard let written = Int(String(decoding: parts[1], as: UTF8.self)), abs(written) <= 400 else { return nil }
            exponent = written
        }
        let halves = mantissa.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard halves.count <= 2, !(halves.first?.isEmpty ?? true), halves.count == 1 || !halves[1].isEmpty else {
            return nil
        }
        let digits = Array(halves.joined())
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        // The decimal point, counted from the left of `digits`, once the number is scaled.
        let point = (halves.first?.count ?? 0) + exponent + scale
        var value: Int64 = 0
        for position in 0..<Swift.max(0, point) {
            let digit = position < digits.count ? Int64(digits[position] - UInt8(ascii: "0")) : 0
            if value == 0, digit == 0, position >= digits.count { break }
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isOver) = tens.addingReportingOverflow(digit)
            guard !isTooLarge, !isOver else { return nil }
            value = sum
        }
        if point >= 0, point < digits.count, digits[point] >= UInt8(ascii: "5") {
            guard value < .max else { return nil }
            value += 1
        }
        return isNegative ? -value : value
    }

    /// The amount in dollars, with as many digits as it needs and at least two behind the point: `0.15`, `0.000021`.
    package var dollars: String {
        String(unsafeUninitializedCapacity: Self.textBytesMax) { text in
            self.write(into: UnsafeMutableRawBufferPointer(text))
        }
    }

    /// Appends what `dollars` says.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.textBytesMax) { self.write(into: $0) }
    }

    /// A sign, 13 digits, a point, 6 digits.
    private static let textBytesMax = 21

    /// Writes the text from the front.
    ///
    /// - Returns: Its length.
    private func write(into text: UnsafeMutableRawBufferPointer) -> Int {
        let zero = UInt8(ascii: "0")
        var (whole, fraction) = self.value.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        var length = 6
        while length > 2, fraction % 10 == 0 {
            fraction /= 10
            length -= 1
        }
        var start = self.value < 0 ? 1 : 0
        if start == 1 { text[0] = UInt8(ascii: "-") }
        var power: UInt64 = 1
        while whole / power >= 10 { power *= 10 }
        while power > 0 {
            text[start] = zero + UInt8(whole / power)
            whole %= power
            power /= 10
            start += 1
        }
        text[start] = UInt8(ascii: ".")
        for place in stride(from: start + length, to: start, by: -1) {
            text[place] = zero + UInt8(fraction % 10)
            fraction /= 10
        }
        return start + 1 + length
    }
}

extension MicroDollars: CustomStringConvertible {
    package var description: String { "$\(self.dollars)" }
}
