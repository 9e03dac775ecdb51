package import Chat

/// What sort of text something is, as tokenizers see it: a model's vocabulary treats each sort in its own way.
package enum ContentKind: UInt8, Sendable, CaseIterable {
    /// Text in letters of English.
    case prose = 0
    /// Programs, JSON, tables: much punctuation.
    case code = 1
    /// Chinese, Japanese, Korean.
    case cjk = 2
    /// Other scripts, such as Cyrillic, Arabic and Devanagari.
    case otherScript = 3
    /// Text in Latin script with letters that English does not have: German, French, Vietnamese.
    case accentedProse = 4

    /// The word for it in metrics.
    package var name: String {
        switch self {
        case .prose: "prose"
        case .code: "code"
        case .cjk: "cjk"
        case .otherScript: "other_script"
        case .accentedProse: "accented_prose"
        }
    }

    /// The sort that most of a text's tokens are of; a script of its own decides from two fifths on.
    package init(of text: TextMeasure) {
        let weights = TokenWeights(of: text)
        let total = weights.total
        if weights.wide * 5 >= total * 2, weights.wide > 0 {
            self = .cjk
        } else if weights.alphabets * 5 >= total * 2, weights.alphabets > 0 {
            self = .otherScript
        } else {
            // Punctuation and digits are 3 to 10 in a hundred characters of prose without its spaces, and 12 to 50 of
            // programs and tables.
            let signs = UInt64(text.digits) + UInt64(text.punctuation)
            if signs * 100 > (UInt64(text.letters) + signs) * 13 {
                self = .code
            } else {
                self = UInt64(text.accented) * 200 > UInt64(text.letters) ? .accentedProse : .prose
            }
        }
    }
}

/// How many tokens each part of a text makes in a typical vocabulary, in thousandths.
///
/// Fitted to the token counts that cl100k_base, o200k_base and the published tokenizers of Claude 2 and DeepSeek give
/// for some 2,000 documents: manuals in nine languages, translations of programs, Python, Swift, JavaScript, C, JSON.
struct TokenWeights {
    private(set) var latin: UInt64
    private(set) var alphabets: UInt64
    private(set) var wide: UInt64
    private(set) var symbols: UInt64

    init(of text: TextMeasure) {
        self.latin =
            UInt64(text.letters) * 230 + UInt64(text.digits) * 500 + UInt64(text.newlines) * 1_000
            + UInt64(text.punctuation) * 640 + UInt64(text.accented) * 1_200
        self.alphabets = UInt64(text.alphabets) * 650
        self.wide = UInt64(text.wide) * 870
        self.symbols = UInt64(text.symbols) * 1_200
    }

    var total: UInt64 { self.latin + self.alphabets + self.wide + self.symbols }
}
