package import Core

/// How long the model is to think before it speaks.
package struct ReasoningWish: Sendable, Equatable {
    /// OpenAI's words for it; the other dialects' are mapped onto them.
    package enum Effort: UInt8, Sendable, CaseIterable, Comparable {
        case none, minimal, low, medium, high, xhigh, max

        package var label: StaticString {
            switch self {
            case .none: "none"
            case .minimal: "minimal"
            case .low: "low"
            case .medium: "medium"
            case .high: "high"
            case .xhigh: "xhigh"
            case .max: "max"
            }
        }

        package static func < (one: Effort, other: Effort) -> Bool { one.rawValue < other.rawValue }

        /// The tokens that this much thinking may take where a dialect wants a number.
        ///
        /// Each level is twice the one below it, from the 1,024 that Anthropic takes at least.
        package var budget: Int {
            switch self {
            case .none: 0
            case .minimal: 1_024
            case .low: 2_048
            case .medium: 8_192
            case .high: 16_384
            case .xhigh: 32_768
            case .max: 65_536
            }
        }

        /// The level for a number of tokens: the lowest whose budget is not less.
        package init(budget: Int) {
            self = Self.allCases.first { $0.budget >= budget } ?? .max
        }
    }

    package var effort: Given<Effort>?
    /// The most tokens to think, inside of the answer's limit.
    package var budget: Given<Int>?
    /// Whether to think at all, where the client said so in so many words.
    package var isOn: Given<Bool>?
    /// Whether the model decides by itself how long to think (`adaptive`).
    package var isAdaptive: Given<Bool>?
    /// Whether the thoughts, or a summary of them, are to be shown: OpenAI's `summary`, Gemini's `includeThoughts`.
    ///
    /// `none` where they are to be left out of the answer, as with OpenRouter's `exclude`.
    package var summary: Given<JSONString>?

    package init() {}

    /// Whether anything was said about it.
    package var isEmpty: Bool { self == ReasoningWish() }

    /// Whether thinking is wanted.
    package var isWanted: Bool {
        if let isOn { return isOn.value }
        if let effort { return effort.value != .none }
        return (self.budget?.value ?? 0) > 0 || self.isAdaptive?.value == true
    }
}
