internal import Core
internal import NIOCore

/// Ids of tool calls as Bedrock takes them: 1 to 64 of `[a-zA-Z0-9_-]`.
///
/// Ids of other providers are rewritten wherever they stand, always in the same way, so that call and result still
/// belong together; different ids stay different. Answers carry Bedrock's own ids, which clients send back as they
/// came.
enum ConverseToolID {
    private static let prefix: StaticString = "tp-"
    private static let bytesMax = 64

    /// Appends the id that stands for `id`, as a JSON string.
    static func write(_ id: JSONString, into body: inout ByteBuffer) {
        let content = id.content
        guard !Self.isUsable(content) else { return id.write(into: &body) }
        // The text counts, not how it was escaped.
        let bytes = id.utf8
        body.writeInteger(UInt8(ascii: "\""))
        body.writeStaticString(Self.prefix)
        // Two runs of FNV-1a, 64 bits each: who makes two of his own ids alike only confuses himself.
        for seed: UInt64 in [0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15] {
            var hash = seed
            for byte in bytes.readableBytesView { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            // Mixes the last bytes into all bits (the end of MurmurHash3), since both runs multiply by the same number.
            hash = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 33
            let digits = String(hash, radix: 36)
            for _ in digits.utf8.count..<13 { body.writeInteger(UInt8(ascii: "0")) }
            body.writeString(digits)
        }
        body.writeInteger(UInt8(ascii: "\""))
    }

    /// Whether an id may stand as it is; one that looks rewritten may not, or it could be taken for another.
    private static func isUsable(_ content: ByteBuffer) -> Bool {
        let view = content.readableBytesView
        guard (1...Self.bytesMax).contains(view.count) else { return false }
        let isPlain = view.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let prefix = UnsafeBufferPointer(start: Self.prefix.utf8Start, count: Self.prefix.utf8CodeUnitCount)
        return isPlain && !view.starts(with: prefix)
    }
}
