/// A text as words: what matching looks at.
///
/// Words are told apart by white space. Scripts that do not write any (Chinese, Japanese, Thai and their neighbours)
/// have one word for each character. Case and punctuation do not count; canonically equal spellings are the same.
struct IntentWords: Sendable {
    struct Word: Sendable {
        /// In lower case, without punctuation.
        var folded: String
        /// From the punctuation in front of it to that behind it.
        var range: Range<String.Index>
    }

    let text: String
    private(set) var words: [Word] = []
    /// Where the word that is being read began; nil between words.
    private var start: String.Index?
    /// Where punctuation began that belongs to the next word.
    private var prefix: String.Index?
    private var folded = ""

    /// - Parameter wordsMax: Beyond that many words reading ends, and the result is nil.
    init?(_ text: String, wordsMax: Int) {
        self.text = text
        var index = text.startIndex
        while index < text.endIndex {
            let character = text[index]
            let next = text.index(after: index)
            switch Self.kind(of: character) {
            case .space:
                self.close(at: index)
                self.prefix = nil
            case .single:
                self.close(at: index)
                self.words.append(Word(folded: character.lowercased(), range: (self.prefix ?? index)..<next))
                self.prefix = nil
            case .letter:
                if self.start == nil { self.start = self.prefix ?? index }
                self.prefix = nil
                self.folded += character.lowercased()
            case .mark:
                if self.start == nil { self.takeMark(index, next) }
            }
            guard self.words.count <= wordsMax else { return nil }
            index = next
        }
        self.close(at: text.endIndex)
        guard self.words.count <= wordsMax else { return nil }
    }

    private mutating func close(at end: String.Index) {
        guard let start else { return }
        self.words.append(Word(folded: self.folded, range: start..<end))
        self.start = nil
        self.folded = ""
    }

    /// Punctuation outside of a word: right behind one it belongs to that, else to the next.
    private mutating func takeMark(_ index: String.Index, _ next: String.Index) {
        if self.prefix == nil, let last = self.words.indices.last, self.words[last].range.upperBound == index {
            self.words[last].range = self.words[last].range.lowerBound..<next
        } else if self.prefix == nil {
            self.prefix = index
        }
    }

    private enum Kind { case space, letter, single, mark }

    private static func kind(of character: Character) -> Kind {
        if let byte = character.asciiValue {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "$"), UInt8(ascii: "="):
                return .letter
            default:
                return byte <= 0x20 ? .space : .mark
            }
        }
        if character.isWhitespace { return .space }
        guard let scalar = character.unicodeScalars.first else { return .mark }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .enclosingMark:
            return Self.standsAlone(scalar) ? .single : .letter
        // Pictures, currencies and signs are words too.
        case .otherSymbol, .currencySymbol, .mathSymbol: return .letter
        default: return .mark
        }
    }

    /// Whether its script writes words without space between them.
    private static func standsAlone(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isIdeographic { return true }
        switch scalar.value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9F:
            return true
        default:
            return false
        }
    }

    // MARK: - What stands in the text

    /// The text of some words as it was written, without the punctuation around it.
    func written(_ range: Range<Int>) -> String {
        guard let first = self.words[range].first, let last = self.words[range].last else { return "" }
        var text = self.text[first.range.lowerBound..<last.range.upperBound]
        while let end = text.last, end.isWhitespace || Self.ends.contains(end) { text.removeLast() }
        while let start = text.first, start.isWhitespace || Self.starts.contains(start) { text.removeFirst() }
        for (open, close) in Self.quotes where text.count > 2 && text.first == open && text.last == close {
            return String(text.dropFirst().dropLast())
        }
        return String(text)
    }

    private static let ends: Set<Character> = [".", ",", ";", ":", "!", "?", "…", "。", "，", "、", "；", "：", "！", "？"]
    private static let starts: Set<Character> = [",", ";", ":", "，", "、", "；", "：", "-", "–", "—"]
    private static let quotes: [(Character, Character)] = [
        ("\"", "\""), ("'", "'"), ("“", "”"), ("‘", "’"), ("„", "“"), ("«", "»"), ("「", "」"), ("`", "`"),
    ]
}
