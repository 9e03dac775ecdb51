package import NIOCore

/// Names one request, in answers, logs and everything stored about it.
///
/// Either made here (`req_` and 32 hexadecimal digits, 128 bits of chance) or taken from the client's own
/// `x-request-id` where that is a sane token. Held as two words, so that making one allocates nothing.
package struct RequestID: Sendable, Hashable {
    /// The longest client token that is kept.
    package static let bytesMax = 128

    private let high: UInt64
    private let low: UInt64
    private let token: String?

    /// A fresh id from 128 random bits.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        self.token = nil
    }

    /// The client's own id, if it is 1 to 128 characters of `A-Z a-z 0-9 . _ : = + / -`; else nil.
    package init?(clientToken bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty, bytes.count <= Self.bytesMax, bytes.allSatisfy(Self.isTokenByte) else { return nil }
        self.high = 0
        self.low = 0
        self.token = String(decoding: bytes, as: UTF8.self)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            return true
        default:
            return ".-_:=+/".utf8.contains(byte)
        }
    }

    /// The ids that read like this: a client's own can look like one that was made here.
    ///
    /// Empty for what can be no id.
    package static func written(_ text: String) -> [RequestID] {
        guard let token = RequestID(clientToken: Array(text.utf8)) else { return [] }
        let digits = Array(text.utf8.dropFirst(4))
        guard text.hasPrefix("req_"), digits.count == 32 else { return [token] }
        var words: [UInt64] = []
        for half in [digits[..<16], digits[16...]] {
            var word: UInt64 = 0
            for digit in half {
                switch digit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): word = word << 4 | UInt64(digit - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "f"): word = word << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
                default: return [token]
                }
            }
            words.append(word)
        }
        return [RequestID(high: words[0], low: words[1]), token]
    }

    /// Appends the id as ASCII text.
    package func write(into buffer: inout ByteBuffer) {
        if let token = self.token {
            buffer.writeString(token)
            return
        }
        buffer.writeStaticString("req_")
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { digits in
            for index in 0..<16 {
                digits[index] = Self.digit(self.high, index)
                digits[index + 16] = Self.digit(self.low, index)
            }
            buffer.writeBytes(UnsafeRawBufferPointer(digits))
        }
    }

    private static func digit(_ word: UInt64, _ index: Int) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index)) & 15
        return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The id as text.
    package var text: String {
        if let token = self.token { return token }
        var buffer = ByteBuffer()
        self.write(into: &buffer)
        return String(buffer: buffer)
    }
}
