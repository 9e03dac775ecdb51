internal import Core
internal import NIOCore

/// What Anthropic's rules do to texts.
enum AnthropicText {
    /// The text without the white space at its end; nil if there is none there.
    static func trimmedEnd(_ text: JSONString) -> JSONString? {
        let bytes = text.content.readableBytesView
        var end = bytes.endIndex
        while end > bytes.startIndex {
            if bytes[end - 1] == UInt8(ascii: " ") {
                end -= 1
            } else if end - bytes.startIndex >= 2, Self.isWhiteSpaceEscape(bytes, before: end) {
                end -= 2
            } else {
                break
            }
        }
        guard end < bytes.endIndex else { return nil }
        var trimmed = ByteBuffer()
        trimmed.writeInteger(UInt8(ascii: "\""))
        trimmed.writeBytes(bytes[bytes.startIndex..<end])
        trimmed.writeInteger(UInt8(ascii: "\""))
        return JSONString(checked: trimmed)
    }

    /// Whether `\n`, `\r` or `\t` ends there, and not a backslash followed by a letter.
    private static func isWhiteSpaceEscape(_ bytes: ByteBufferView, before end: Int) -> Bool {
        let letter = bytes[end - 1]
        guard letter == UInt8(ascii: "n") || letter == UInt8(ascii: "r") || letter == UInt8(ascii: "t") else {
            return false
        }
        var backslashes = 0
        while end - 2 - backslashes >= bytes.startIndex, bytes[end - 2 - backslashes] == UInt8(ascii: "\\") {
            backslashes += 1
        }
        return backslashes % 2 == 1
    }

    /// A tool call's id in the alphabet `[a-zA-Z0-9_-]` that the API demands.
    ///
    /// Ids that fit stay as they are; others become a hash, the same for a call and its result.
    static func toolID(_ id: JSONString) -> JSONString {
        let fits =
            !id.isEmpty
            && id.content.readableBytesView.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        if fits { return id }
        // FNV-1a, 64 bits, from two starts: 128 bits in which two ids of one request will not meet.
        var hashes: (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x8422_2325_CBF2_9CE4)
        for byte in id.utf8.readableBytesView {
            hashes.0 = (hashes.0 ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            hashes.1 = (hashes.1 ^ UInt64(byte &+ 0x5B)) &* 0x0000_0100_0000_01B3
        }
        return JSONString("toolu_" + Self.hexadecimal(hashes.0) + Self.hexadecimal(hashes.1))
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
