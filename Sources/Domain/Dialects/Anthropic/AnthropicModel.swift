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
        let words = id.lowercased().split { !$0.isLetter && !$0.isNumber }
        guard let start = words.firstIndex(of: "claude") else {
            (self.version, self.line) = (0, .unknown)
            return
        }
        var line = Line.unknown
        var digits: [Int] = []
        for word in words[words.index(after: start)...] {
            switch word {
            case "haiku": line = .haiku
            case "sonnet": line = .sonnet
            case "opus": line = .opus
            case "fable", "mythos": line = .alwaysThinking
            default:
                // Dates have eight digits; a version has one or two.
                guard let number = Int(word), word.count <= 2, digits.count < 2 else { continue }
                digits.append(number)
            }
        }
        self.line = line
        // `claude-mythos-preview` has no version.
        let version = digits.isEmpty ? (line == .alwaysThinking ? 50 : 0) : digits[0] * 10
        self.version = version + (digits.count > 1 ? min(digits[1], 9) : 0)
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
