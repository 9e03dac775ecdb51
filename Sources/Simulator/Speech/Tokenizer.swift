/// Cuts text into the simulator's tokens: a word with the space before it, or a run of punctuation.
///
/// The rule, which is documented for users (docs/simulator.md) so that they can check a bill by hand: bytes are white
/// space, word (ASCII letters and digits, and everything beyond ASCII) or punctuation. A token is any white space
/// followed by a run of word bytes or a run of punctuation bytes; a run is cut after 12 bytes, never inside a
/// character. White space at the very end is a token of its own. Joined, the tokens are the text.
enum Tokenizer {
    /// The longest run without a cut, in bytes.
    ///
    /// The cut waits for the end of a character.
    static let runLimit = 12

    /// How many tokens `text` has.
    static func count(_ text: String) -> Int {
        var copy = text
        return copy.withUTF8 { bytes in
            var count = 0
            Self.forEachEnd(in: bytes) { _ in count += 1 }
            return count
        }
    }

    /// The tokens of `text`.
    static func tokens(of text: String) -> [String] {
        var copy = text
        return copy.withUTF8 { bytes in
            var tokens: [String] = []
            var start = 0
            Self.forEachEnd(in: bytes) { end in
                tokens.append(String(decoding: bytes[start..<end], as: UTF8.self))
                start = end
            }
            return tokens
        }
    }

    private enum Kind { case space, word, punctuation }

    private static func kind(of byte: UInt8) -> Kind {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D: return .space
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            return .word
        default: return .punctuation
        }
    }

    private static func forEachEnd(in bytes: UnsafeBufferPointer<UInt8>, _ visit: (Int) -> Void) {
        var at = 0
        while at < bytes.count {
            while at < bytes.count, Self.kind(of: bytes[at]) == .space { at += 1 }
            if at < bytes.count {
                let kind = Self.kind(of: bytes[at])
                let start = at
                while at < bytes.count, Self.kind(of: bytes[at]) == kind {
                    let isContinuation = bytes[at] & 0xC0 == 0x80
                    if at - start >= Self.runLimit, !isContinuation { break }
                    at += 1
                }
            }
            visit(at)
        }
    }
}
