internal import Core
internal import NIOCore

/// Numbers of vectors: from JSON's digits to 32 bits, and those to base64.
enum FloatText {
    /// The powers of ten that a `Double` has exactly.
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// The nearest `Float` to a number by the grammar of JSON; nil beyond the largest.
    static func float(_ text: UnsafeRawBufferPointer) -> Float? {
        if let quick = self.quickFloat(text) { return quick }
        guard let float = Float(String(decoding: text, as: UTF8.self)), float.isFinite else { return nil }
        return float
    }

    /// The same where two exact numbers give it by one operation, which rounds once.
    ///
    /// Going over `Double` rounds twice. That makes a difference only if the first result lies exactly between two
    /// floats: then, and for numbers too small for a float's full precision, there is no quick answer.
    private static func quickFloat(_ text: UnsafeRawBufferPointer) -> Float? {
        var index = 0
        var isNegative = false
        if text.first == UInt8(ascii: "-") { (isNegative, index) = (true, 1) }
        var digits: UInt64 = 0
        var exponent = 0
        var isFraction = false
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if byte &- UInt8(ascii: "0") < 10 {
                guard digits < 1 << 49 else { return nil }
                digits = digits &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
                if isFraction { exponent -= 1 }
            } else {
                guard let written = self.exponent(text, index + 1) else { return nil }
                exponent += written
                break
            }
            index += 1
        }
        guard digits < 1 << 53, abs(exponent) <= 22 else { return nil }
        let power = self.powers[abs(exponent)]
        let double = exponent < 0 ? Double(digits) / power : Double(digits) * power
        guard double == 0 || (double > 0x1p-126 && double < 0x1p127) else { return nil }
        // 29 bits are cut off; exactly half of their range is between two floats.
        guard double.bitPattern & 0x1FFF_FFFF != 0x1000_0000 else { return nil }
        return Float(isNegative ? -double : double)
    }

    private static func exponent(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        var index = start
        var isNegative = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            isNegative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        var value = 0
        while index < text.count, text[index] &- UInt8(ascii: "0") < 10 {
            guard value < 1_000 else { return nil }
            value = value * 10 + Int(text[index] &- UInt8(ascii: "0"))
            index += 1
        }
        return index == text.count ? (isNegative ? -value : value) : nil
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Appends bytes as base64 (RFC 4648 §4) with padding.
    static func writeBase64(_ bytes: [UInt8], into buffer: inout ByteBuffer) {
        let count = (bytes.count + 2) / 3 * 4
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { text in
            self.alphabet.withUnsafeBufferPointer { alphabet in
                var out = 0
                var index = 0
                while index < bytes.count {
                    let left = bytes.count - index
                    let one = UInt32(bytes[index]) << 16
                    let two = left > 1 ? UInt32(bytes[index + 1]) << 8 : 0
                    let word = one | two | (left > 2 ? UInt32(bytes[index + 2]) : 0)
                    text[out] = alphabet[Int(word >> 18)]
                    text[out + 1] = alphabet[Int(word >> 12 & 63)]
                    text[out + 2] = left > 1 ? alphabet[Int(word >> 6 & 63)] : UInt8(ascii: "=")
                    text[out + 3] = left > 2 ? alphabet[Int(word & 63)] : UInt8(ascii: "=")
                    out += 4
                    index += 3
                }
            }
            return count
        }
    }
}
