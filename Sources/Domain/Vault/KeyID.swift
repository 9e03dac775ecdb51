/// Names a sealing key without giving it away: the first 16 bytes of the BLAKE2b-512 of its 32.
///
/// Safe to show and to log; it stands in front of every blob as a hint which key opens it, and inside the associated
/// data, where it cannot be changed.
package struct KeyID: Sendable, Hashable, CustomStringConvertible {
    /// Bytes in a blob.
    package static let byteCount = 16

    private let high: UInt64
    private let low: UInt64

    /// Reads 16 bytes; the caller has checked that they are there.
    init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount, "a key id has 16 bytes, not \(bytes.count)")
        self.high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        self.low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Reads the 32 hexadecimal digits that `text` gives; nil for anything else.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 2 * Self.byteCount else { return nil }
        var words: [UInt64] = [0, 0]
        for (index, digit) in digits.enumerated() {
            guard let value = Self.value(of: digit) else { return nil }
            words[index / 16] = words[index / 16] << 4 | value
        }
        self.high = words[0]
        self.low = words[1]
    }

    /// 32 hexadecimal digits in lower case: the form in the store, in logs and on the command line.
    package var text: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: self.bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The first 8 digits, for people to tell keys apart by.
    package var short: String { String(self.text.prefix(8)) }

    package var description: String { self.text }

    /// The 16 bytes as they stand in a blob.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: self.high.bigEndian) { Array($0) } + withUnsafeBytes(of: self.low.bigEndian) { Array($0) }
    }

    private static func value(of digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
