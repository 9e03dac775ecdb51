import Core
import FoundationEssentials
import NIOCore

/// Reads the forms in which services hand out keys.
enum KeyText {
    /// Bytes of a credential encryption key.
    static let keyBytes = 32

    /// 64 hexadecimal digits, with white space around them as editors leave it.
    static func hexKey(_ text: String) -> Secret<[UInt8]>? {
        let digits = text.utf8.filter { $0 > 0x20 }
        guard digits.count == 2 * Self.keyBytes else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.keyBytes)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.nibble(digits[index]), let low = Self.nibble(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return Secret(bytes)
    }

    /// Base64 of 32 bytes, or of 64 hexadecimal digits.
    static func base64Key(_ text: String) -> Secret<[UInt8]>? {
        guard let bytes = Self.base64(text) else { return nil }
        if bytes.count == Self.keyBytes { return Secret(bytes) }
        return Self.hexKey(String(decoding: bytes, as: UTF8.self))
    }

    static func base64(_ text: String) -> [UInt8]? {
        Data(base64Encoded: text.filter { !$0.isWhitespace }).map { Array($0) }
    }

    static func base64Text(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
