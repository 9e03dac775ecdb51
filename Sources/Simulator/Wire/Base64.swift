/// Base64 in both alphabets (RFC 4648), read leniently: with or without padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// What each byte stands for; 64 for those that stand for nothing.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 64, count: 256)
        for (value, letter) in Self.alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    /// `bytes` in the usual alphabet, padded.
    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        var at = 0
        while at < bytes.count {
            let rest = bytes.count - at
            let second = rest > 1 ? bytes[at + 1] : 0
            let third = rest > 2 ? bytes[at + 2] : 0
            result.append(Self.alphabet[Int(bytes[at] >> 2)])
            result.append(Self.alphabet[Int((bytes[at] & 3) << 4 | second >> 4)])
            result.append(rest > 1 ? Self.alphabet[Int((second & 15) << 2 | third >> 6)] : UInt8(ascii: "="))
            result.append(rest > 2 ? Self.alphabet[Int(third & 63)] : UInt8(ascii: "="))
            at += 3
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The bytes that `text` stands for.
    ///
    /// Nil if it is no base64.
    static func bytes(_ text: String) -> [UInt8]? {
        guard Self.isValid(text) else { return nil }
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for letter in text.utf8 where letter != UInt8(ascii: "=") {
            bits = bits << 6 | UInt32(Self.values[Int(letter)])
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return result
    }

    /// Whether `text` is base64, without decoding it.
    static func isValid(_ text: String) -> Bool {
        var count = 0
        var padding = 0
        for letter in text.utf8 {
            if letter == UInt8(ascii: "=") {
                padding += 1
            } else {
                guard padding == 0, Self.values[Int(letter)] < 64 else { return false }
                count += 1
            }
        }
        return count % 4 != 1 && (padding == 0 || (padding <= 2 && (count + padding) % 4 == 0))
    }

    /// Little-endian 32-bit floats in base64, as providers send vectors.
    static func text(_ vector: [Float]) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vector.count * 4)
        for value in vector {
            for shift in [0, 8, 16, 24] as [UInt32] {
                bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
            }
        }
        return Self.text(bytes)
    }
}
