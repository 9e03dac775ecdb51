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
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.madeBytes) { self.writeMade(into: $0) }
    }

    /// The id as text.
    package var text: String {
        if let token = self.token { return token }
        return String(unsafeUninitializedCapacity: Self.madeBytes) { text in
            self.writeMade(into: UnsafeMutableRawBufferPointer(text))
        }
    }

    /// The length of an id that was made here.
    private static let madeBytes = 36

    private func writeMade(into text: UnsafeMutableRawBufferPointer) -> Int {
        // "req_", the first letter in the lowest byte.
        text.storeBytes(of: UInt32(0x5F71_6572).littleEndian, as: UInt32.self)
        text.storeBytes(of: Self.hexadecimal(self.high >> 32), toByteOffset: 4, as: UInt64.self)
        text.storeBytes(of: Self.hexadecimal(self.high), toByteOffset: 12, as: UInt64.self)
        text.storeBytes(of: Self.hexadecimal(self.low >> 32), toByteOffset: 20, as: UInt64.self)
        text.storeBytes(of: Self.hexadecimal(self.low), toByteOffset: 28, as: UInt64.self)
        return Self.madeBytes
    }

    /// The eight lower-case digits of a word's lower half, the highest in front, all at once.
    private static func hexadecimal(_ word: UInt64) -> UInt64 {
        // Each half byte into a byte of its own.
        var spread = word & 0xFFFF_FFFF
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 in each byte that is above 9; 'a' stands 39 behind where the digits would go on.
        let letters = (spread + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (spread + 0x3030_3030_3030_3030 + letters * 39).bigEndian
    }
}
