/// A complete answer, before it is written as one body or as a stream.
struct Completion {
    /// The number of the call, for ids.
    var sequence: Int
    /// Seconds since 1970.
    var created: Int
    var model: String
    var choices: [Choice]
    var usage: Usage

    struct Choice {
        var parts: [Part]
        /// In OpenAI's chat words: stop, length, tool_calls or content_filter, or whatever a fault has it say.
        var finish: String
        /// The sequence that ended it, if one did.
        var stopSequence: String?
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
    /// Of the prompt, what the provider still had.
    var cached = 0
    /// Of the prompt, what the provider keeps for the next call.
    var cacheWritten = 0
    /// Of the completion, what was thought.
    var reasoning = 0

    /// What a client is told under `behaviour`.
    func told(_ behaviour: Behaviour) -> ToldUsage {
        switch behaviour.usage {
        case Behaviour.UsageFault.none?: return .nothing
        case .null: return .null
        default: return .numbers(ToldUsage.Numbers(self, behaviour))
        }
    }

    /// Dollars, at a millionth for each prompt token and two for each completion token.
    var cost: String {
        let millionths = self.prompt + 2 * self.completion
        let fraction = String(millionths % 1_000_000)
        return "\(millionths / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }
}

/// The usage that an answer tells, which a fault can make a lie.
enum ToldUsage {
    case nothing, null
    case numbers(Numbers)

    struct Numbers {
        /// The sums as they are told.
        let prompt: Int
        let completion: Int
        let cached: Int
        let cacheWritten: Int
        let reasoning: Int
        private let fault: Behaviour.UsageFault?

        fileprivate init(_ usage: Usage, _ behaviour: Behaviour) {
            let told: (prompt: Int, completion: Int)
            switch behaviour.usage {
            case .zero: told = (0, 0)
            case .wrong: told = (usage.prompt * 10 + 7, usage.completion * 10 + 7)
            case .negative: told = (-usage.prompt - 1, -usage.completion - 1)
            case .huge: told = (Int.max / 2, Int.max / 2)
            default: told = (usage.prompt, usage.completion)
            }
            self.prompt = behaviour.promptTokens ?? told.prompt
            self.completion = behaviour.completionTokens ?? told.completion
            self.cached = usage.cached
            self.cacheWritten = usage.cacheWritten
            self.reasoning = usage.reasoning
            self.fault = behaviour.usage
        }

        /// Prompt and completion together.
        var total: Int { self.prompt.addingReportingOverflow(self.completion).partialValue }

        /// The prompt without what came from the cache or went into it, as some dialects count it.
        var promptOutsideCache: Int { self.prompt - min(max(0, self.prompt), self.cached + self.cacheWritten) }

        /// A number as JSON, which under a fault is not what one expects of a count.
        func text(_ count: Int) -> String {
            switch self.fault {
            case .float: return "\(count).5"
            case .text: return "\"\(count)\""
            default: return "\(count)"
            }
        }
    }
}
