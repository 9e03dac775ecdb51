internal import Core

/// A number of JSON, exactly as it was written: `1.0`, `1` and `10e-1` are the same.
struct ExactNumber: Equatable, Hashable, Sendable {
    let isNegative: Bool
    /// Without zeros at either end; empty for zero.
    let digits: [UInt8]
    /// The value is `digits` times ten to this power.
    let exponent: Int

    /// - Parameter text: A number by the grammar of JSON.
    init(_ text: String) {
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        var isNegative = false
        var index = text.utf8.startIndex
        while index < text.utf8.endIndex {
            let byte = text.utf8[index]
            index = text.utf8.index(after: index)
            switch byte {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                let written = text.utf8[index...].drop { $0 == UInt8(ascii: "+") }
                // Far beyond what anyone means, and far from an overflow.
                let limit = 1_000_000_000
                let isTiny = written.first == UInt8(ascii: "-")
                exponent += Int(Substring(written)).map { min(max($0, -limit), limit) } ?? (isTiny ? -limit : limit)
                index = text.utf8.endIndex
            default:
                digits.append(byte &- UInt8(ascii: "0"))
                if isFraction { exponent -= 1 }
            }
        }
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        self.digits = Array(digits.drop { $0 == 0 })
        self.exponent = self.digits.isEmpty ? 0 : exponent
        self.isNegative = isNegative && !self.digits.isEmpty
    }

    init?(_ value: JSONValue) {
        switch value {
        case .integer(let number): self.init(String(number))
        case .number(let text): self.init(text)
        default: return nil
        }
    }

    var isWhole: Bool { self.exponent >= 0 }

    static func < (one: ExactNumber, other: ExactNumber) -> Bool {
        if one.isNegative != other.isNegative { return one.isNegative }
        return one.isNegative ? other.isSmaller(than: one) : one.isSmaller(than: other)
    }

    /// Compares without the signs.
    private func isSmaller(than other: ExactNumber) -> Bool {
        if self.digits.isEmpty || other.digits.isEmpty { return self.digits.isEmpty && !other.digits.isEmpty }
        let (mine, theirs) = (self.digits.count + self.exponent, other.digits.count + other.exponent)
        return mine == theirs ? self.digits.lexicographicallyPrecedes(other.digits) : mine < theirs
    }

    /// Whether it is a whole multiple of `factor`; nil if the numbers are too long to tell.
    func isMultiple(of factor: ExactNumber) -> Bool? {
        guard !factor.digits.isEmpty else { return nil }
        if self.digits.isEmpty { return true }
        let common = min(self.exponent, factor.exponent)
        guard let one = self.whole(at: common), let other = factor.whole(at: common) else { return nil }
        return one % other == 0
    }

    /// The magnitude in units of ten to a power.
    private func whole(at power: Int) -> Int128? {
        guard self.exponent - power + self.digits.count < 38 else { return nil }
        var value: Int128 = 0
        for digit in self.digits { value = value * 10 + Int128(digit) }
        for _ in 0..<(self.exponent - power) { value *= 10 }
        return value
    }

    /// The number as text for a reader.
    var plain: String {
        let digits = self.digits.map { $0 + UInt8(ascii: "0") }
        let text = digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self)
        let sign = self.isNegative ? "-" : ""
        if (0...6).contains(self.exponent) { return sign + text + String(repeating: "0", count: self.exponent) }
        guard (-12..<0).contains(self.exponent) else { return sign + text + "e\(self.exponent)" }
        let padded = String(repeating: "0", count: max(0, 1 - self.exponent - text.count)) + text
        return sign + padded.dropLast(-self.exponent) + "." + padded.suffix(-self.exponent)
    }

    /// The number as text, the same for all spellings.
    var canonical: String {
        let digits = String(decoding: self.digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
        return (self.isNegative ? "-" : "") + (digits.isEmpty ? "0" : digits) + "e\(self.exponent)"
    }
}

extension JSONValue {
    /// The value as bytes that are the same for all spellings of numbers and orders of members.
    var canonical: [UInt8] {
        var bytes: [UInt8] = []
        self.appendCanonical(to: &bytes)
        return bytes
    }

    private func appendCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(UInt8(ascii: "z"))
        case .bool(let value): bytes.append(UInt8(ascii: value ? "t" : "f"))
        case .integer, .number:
            bytes += ExactNumber(self).map { Array($0.canonical.utf8) } ?? []
        case .string(let text):
            Self.append(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for element in elements {
                element.appendCanonical(to: &bytes)
                bytes.append(UInt8(ascii: ","))
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for member in members.sorted(by: { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }) {
                Self.append(member.0, to: &bytes)
                member.1.appendCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A text behind its length, so that nothing in it looks like something else.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        bytes += Array("\(text.utf8.count):".utf8)
        bytes += Array(text.utf8)
    }
}
