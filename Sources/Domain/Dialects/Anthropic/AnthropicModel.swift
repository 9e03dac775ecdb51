internal import Chat

/// What a model behind Anthropic's API takes, told from its name.
///
/// By Anthropic's model pages and the refusals that its API gives, as of November 2026. A model of a name that says
/// nothing, such as another maker's behind the same API, is taken for one of the old ones, whose ways all of them know.
struct AnthropicModel: Equatable {
    /// Tenths of a version: 45 for Claude 4.5; 0 for models that are not Claude's.
    private let version: Int
    private let line: Line

    private enum Line { case haiku, sonnet, opus, alwaysThinking, unknown }

    /// Reads `claude-opus-4-5-20251101`, `claude-3-7-sonnet-latest`, `us.anthropic.claude-sonnet-4-20250514-v1:0` and
    /// `claude-opus-4@20250514`.
    init(_ id: String) {
        var id = id
        (self.version, self.line) = id.withUTF8 { Self.read($0) }
    }

    /// By bytes: to ask Unicode what is a letter takes longer than all else that is done for a call.
    private static func read(_ id: UnsafeBufferPointer<UInt8>) -> (version: Int, line: Line) {
        var isClaude = false
        var line = Line.unknown
        var digits: (first: Int?, second: Int?) = (nil, nil)
        var start = 0
        while start < id.count {
            var end = start
            while end < id.count, Self.isInWord(id[end]) { end += 1 }
            let word = UnsafeBufferPointer(rebasing: id[start..<end])
            start = end + 1
            guard isClaude else {
                isClaude = Self.equals(word, "claude")
                continue
            }
            if Self.equals(word, "haiku") {
                line = .haiku
            } else if Self.equals(word, "sonnet") {
                line = .sonnet
            } else if Self.equals(word, "opus") {
                line = .opus
            } else if Self.equals(word, "fable") || Self.equals(word, "mythos") {
                line = .alwaysThinking
            } else if let number = Self.number(word), digits.second == nil {
                if digits.first == nil { digits.first = number } else { digits.second = number }
            }
        }
        // `claude-mythos-preview` has no version.
        let version = digits.first.map { $0 * 10 } ?? (line == .alwaysThinking ? 50 : 0)
        return (version + min(digits.second ?? 0, 9), line)
    }

    private static func isInWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: false
        }
    }

    /// Whether a word is `text`, which is in lower case, whatever the case of its letters.
    private static func equals(_ word: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        guard word.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<word.count where word[index] | 0x20 != text.utf8Start[index] { return false }
        return true
    }

    /// Dates have eight digits; a version has one or two.
    private static func number(_ word: UnsafeBufferPointer<UInt8>) -> Int? {
        guard (1...2).contains(word.count) else { return nil }
        var number = 0
        for byte in word {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    /// Whether `temperature`, `top_p` and `top_k` may be said; from Opus 4.7 on anything but the default is refused.
    var takesSampling: Bool { self.version < 47 }
    /// Whether both `temperature` and `top_p` may be said in one request; not since Opus 4.1.
    var takesBothSamplings: Bool { self.version < 41 }
    /// Whether `output_config.format` is known, and `strict` for tools.
    var takesOutputFormat: Bool { self.version >= 45 || (self.line == .opus && self.version == 41) }
    /// Whether `output_config.effort` is known.
    var takesEffort: Bool { self.version >= 46 || (self.line == .opus && self.version == 45) }
    /// The most effort that it knows the word for.
    var effortMax: ReasoningWish.Effort { self.version >= 46 ? .max : .high }
    /// Whether `xhigh` is among its words.
    var takesExtraHighEffort: Bool { self.version >= 47 }
    /// Whether it can think at all; nobody knows of other makers' models, some of which do.
    var canThink: Bool { self.version == 0 || self.version >= 37 }
    /// Whether it takes a number of tokens to think with.
    var takesBudget: Bool { self.canThink && self.version < 47 }
    /// Whether it decides by itself how long to think.
    var takesAdaptive: Bool { self.version >= 46 }
    /// Whether it thinks without being told to.
    var thinksByDefault: Bool { self.version >= 50 }
    /// Whether it can be kept from thinking.
    var canStopThinking: Bool { self.line != .alwaysThinking }
    /// Whether it takes instructions in the middle of a conversation, as messages with the role `system`.
    var takesSystemMessages: Bool { self.line == .opus && self.version >= 48 }
}
