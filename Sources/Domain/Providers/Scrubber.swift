/// Takes keys out of texts that a provider wrote, before a client may read them (row 51).
package enum Scrubber {
    /// The longest text that passes, in bytes of UTF-8.
    package static let bytesMax = 1000

    /// What stands in place of something that was taken out.
    static let mark = "[removed]"

    /// Beginnings that give a key away, with the length from which a word is taken for one.
    private static let prefixes: [(text: String, lengthMin: Int)] = [
        ("sk-", 8), ("sk_", 8), ("pk-", 8), ("rk-", 8), ("tp_", 8), ("gsk_", 8), ("xai-", 8), ("pplx-", 8), ("hf_", 8),
        ("r8_", 8), ("fw_", 8), ("AIza", 12), ("AKIA", 12), ("ASIA", 12), ("ABSK", 12), ("eyJ", 16), ("ghp_", 8),
    ]

    /// `text` without `credential`, without a longer piece of it, and without words that look like keys or tokens;
    /// control characters become spaces and what is over the limit is cut off.
    package static func scrub(_ text: String, credential: UnsafeRawBufferPointer) -> String {
        var clean: [UInt8] = []
        var word: [UInt8] = []
        var isAfterBearer = false
        func endWord() {
            guard !word.isEmpty else { return }
            if (isAfterBearer && Self.isToken(word)) || Self.isSecret(word, credential: credential) {
                clean.append(contentsOf: Self.mark.utf8)
            } else {
                clean.append(contentsOf: word)
            }
            isAfterBearer = word.count == 6 && zip(word, "bearer".utf8).allSatisfy { $0 | 0x20 == $1 }
            word.removeAll(keepingCapacity: true)
        }
        for byte in text.utf8 {
            if Self.isWordByte(byte) {
                word.append(byte)
                continue
            }
            endWord()
            if byte != UInt8(ascii: " ") && byte != UInt8(ascii: ":") { isAfterBearer = false }
            clean.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: " ") : byte)
            if clean.count > 2 * Self.bytesMax { break }
        }
        endWord()
        return Self.cut(String(decoding: clean, as: UTF8.self))
    }

    /// The beginning of `text` up to the limit, at a character's edge.
    private static func cut(_ text: String) -> String {
        guard text.utf8.count > Self.bytesMax else { return text }
        var short = text.prefix(Self.bytesMax)
        while short.utf8.count > Self.bytesMax { short.removeLast() }
        return short + "…"
    }

    private static func isSecret(_ word: [UInt8], credential: UnsafeRawBufferPointer) -> Bool {
        guard word.count >= 8 else { return false }
        for prefix in Self.prefixes where word.count >= prefix.lengthMin && word.starts(with: prefix.text.utf8) {
            return true
        }
        return Self.shareRun(word, credential)
    }

    /// Whether a word behind `Bearer` is a token and not the next word of a sentence.
    private static func isToken(_ word: [UInt8]) -> Bool {
        word.count >= 20 || (word.count >= 6 && word.contains { $0 >= 0x30 && $0 <= 0x39 })
    }

    /// Whether both have eight bytes in a row in common; a provider may echo a key in part.
    private static func shareRun(_ word: [UInt8], _ credential: UnsafeRawBufferPointer) -> Bool {
        let length = 8
        guard word.count >= length, credential.count >= length else { return false }
        for start in 0...(word.count - length) {
            let piece = word[start..<(start + length)]
            for other in 0...(credential.count - length)
            where credential[other..<(other + length)].elementsEqual(piece) {
                return true
            }
        }
        return false
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: "+"),
            UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "*"), 0x80...:
            true
        default:
            false
        }
    }
}
