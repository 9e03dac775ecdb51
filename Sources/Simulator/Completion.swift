/// A complete answer, before it is written as one body or as a stream.
struct Completion {
    var id: String
    /// Seconds since 1970.
    var created: Int
    var model: String
    var flavour: Flavour
    var choices: [Choice]
    var usage: Usage

    struct Choice {
        var parts: [Part]
        /// In OpenAI's words: stop, length, tool_calls or content_filter.
        var finish: String
    }

    /// A stretch of an answer that a client puts together from deltas.
    struct Part {
        enum Kind: Equatable {
            case text, refusal, reasoning
            case tool(index: Int, id: String, name: String, isCustom: Bool)
        }

        var kind: Kind
        var pieces: Pieces

        /// Tokens of the part; a tool's name counts too.
        var tokens: Int { self.pieces.tokens + self.openingTokens }

        /// Tokens that go out with the event that opens the part.
        var openingTokens: Int {
            guard case .tool(_, _, let name, _) = self.kind else { return 0 }
            return Tokenizer.count(name)
        }
    }
}

/// Text in pieces, one for each event of a stream.
enum Pieces {
    case list([String])
    /// `count` pieces of filler text, `bytes` long each and worth `tokensEach`.
    ///
    /// Never held in memory as a whole.
    case filler(bytes: Int, count: Int, tokensEach: Int)

    var count: Int {
        switch self {
        case .list(let pieces): return pieces.count
        case .filler(_, let count, _): return count
        }
    }

    var tokens: Int {
        switch self {
        case .list(let pieces): return pieces.count
        case .filler(_, let count, let each): return count.multipliedReportingOverflow(by: each).partialValue
        }
    }

    var tokensEach: Int {
        guard case .filler(_, _, let each) = self else { return 1 }
        return each
    }

    /// The whole text.
    var joined: String {
        switch self {
        case .list(let pieces): return pieces.joined()
        case .filler(let bytes, let count, _):
            return String(repeating: Self.fillerText(bytes), count: count)
        }
    }

    /// The first pieces that are worth at most `tokens`.
    func prefix(tokens: Int) -> Pieces {
        switch self {
        case .list(let pieces): return .list(Array(pieces.prefix(tokens)))
        case .filler(let bytes, let count, let each):
            return .filler(bytes: bytes, count: each > 0 ? min(count, tokens / each) : count, tokensEach: each)
        }
    }

    /// Words that need no escaping, exactly `bytes` long.
    static func fillerText(_ bytes: Int) -> String {
        let words = " the simulator says so and"
        return String(String(repeating: words, count: bytes / words.utf8.count + 1).prefix(bytes))
    }
}

/// The tokens of a call, as the simulator counts them.
struct Usage: Equatable {
    var prompt: Int
    var completion: Int
    var cached = 0
    var reasoning = 0

    /// What a client is told, given a fault.
    func told(_ fault: Behaviour.UsageFault?) -> Usage {
        switch fault {
        case .zero: return Usage(prompt: 0, completion: 0)
        case .wrong: return Usage(prompt: self.prompt * 10 + 7, completion: self.completion * 10 + 7)
        case .negative: return Usage(prompt: -self.prompt - 1, completion: -self.completion - 1)
        case .huge: return Usage(prompt: Int.max / 2, completion: Int.max / 2)
        default: return self
        }
    }

    /// The `usage` object.
    ///
    /// Nil where the fault leaves it out.
    func json(_ flavour: Flavour, behaviour: Behaviour) -> String? {
        if behaviour.usage == Behaviour.UsageFault.none { return nil }
        if behaviour.usage == .null { return "null" }
        let told = self.told(behaviour.usage)
        let prompt = Self.number(behaviour.promptTokens ?? told.prompt, behaviour.usage)
        let completion = Self.number(behaviour.completionTokens ?? told.completion, behaviour.usage)
        let sum = (behaviour.promptTokens ?? told.prompt).addingReportingOverflow(
            behaviour.completionTokens ?? told.completion
        )
        let total = Self.number(sum.partialValue, behaviour.usage)
        var text = #"{"prompt_tokens":\#(prompt),"completion_tokens":\#(completion),"total_tokens":\#(total)"#
        switch flavour {
        case .openAI, .azure:
            text += #","prompt_tokens_details":{"cached_tokens":\#(self.cached),"audio_tokens":0}"#
            text += #","completion_tokens_details":{"reasoning_tokens":\#(self.reasoning),"audio_tokens":0"#
            text += #","accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#
        case .openRouter:
            text += #","cost":\#(behaviour.cost ?? self.cost),"is_byok":false"#
            text += #","prompt_tokens_details":{"cached_tokens":\#(self.cached)}"#
            text += #","cost_details":{"upstream_inference_cost":null}"#
            text += #","completion_tokens_details":{"reasoning_tokens":\#(self.reasoning)}}"#
        }
        return text
    }

    /// Dollars, at a millionth for each prompt token and two for each completion token.
    var cost: String {
        let millionths = self.prompt + 2 * self.completion
        let fraction = String(millionths % 1_000_000)
        return "\(millionths / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }

    private static func number(_ count: Int, _ fault: Behaviour.UsageFault?) -> String {
        switch fault {
        case .float: return "\(count).5"
        case .text: return "\"\(count)\""
        default: return "\(count)"
        }
    }
}
