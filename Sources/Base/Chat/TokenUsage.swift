/// What a provider says a call used.
///
/// Nil means that it did not say, which is not the same as zero.
package struct TokenUsage: Sendable, Equatable {
    /// Tokens read, cached ones included.
    package var input: Int?
    /// Tokens written, reasoning included.
    package var output: Int?
    /// Of `input`, those read from the provider's prompt cache.
    package var cachedInput: Int?
    /// Of `output`, those spent on hidden reasoning.
    package var reasoning: Int?

    package init(input: Int? = nil, output: Int? = nil, cachedInput: Int? = nil, reasoning: Int? = nil) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.reasoning = reasoning
    }

    /// Whether anything was said at all.
    package var isEmpty: Bool { self == TokenUsage() }
}
