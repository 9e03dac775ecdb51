package import Core

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
    /// Of `input`, those written into the provider's prompt cache.
    package var cacheWrite: Int?
    /// Of `cacheWrite`, those that are to stay there for an hour instead of minutes, which costs more.
    ///
    /// A part of a part, so that sums of input and of what was written into caches stay what they are for those who do
    /// not know of it.
    package var cacheWriteLong: Int?
    /// Of `output`, those spent on hidden reasoning.
    package var reasoning: Int?
    /// Of `input`, those that were sound.
    package var audioInput: Int?
    /// Of `output`, those that were sound.
    package var audioOutput: Int?
    /// Pictures that were made.
    package var images: Int?
    /// What the provider itself says the call cost, as OpenRouter does.
    package var cost: MicroDollars?
    /// Characters that were read to be spoken, where those are what is paid for.
    package var characters: Int?
    /// How long the sound was that was written down, in milliseconds.
    package var soundMilliseconds: Int?
    /// Searches, as rerankers count them: one for up to a hundred documents.
    package var searches: Int?

    package init(
        input: Int? = nil,
        output: Int? = nil,
        cachedInput: Int? = nil,
        cacheWrite: Int? = nil,
        cacheWriteLong: Int? = nil,
        reasoning: Int? = nil,
        audioInput: Int? = nil,
        audioOutput: Int? = nil,
        images: Int? = nil,
        cost: MicroDollars? = nil,
        characters: Int? = nil,
        soundMilliseconds: Int? = nil,
        searches: Int? = nil
    ) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.cacheWrite = cacheWrite
        self.cacheWriteLong = cacheWriteLong
        self.reasoning = reasoning
        self.audioInput = audioInput
        self.audioOutput = audioOutput
        self.images = images
        self.cost = cost
        self.characters = characters
        self.soundMilliseconds = soundMilliseconds
        self.searches = searches
    }

    /// Takes over what `later` says; the last word on each figure counts.
    package mutating func merge(_ later: TokenUsage) {
        self.input = later.input ?? self.input
        self.output = later.output ?? self.output
        self.cachedInput = later.cachedInput ?? self.cachedInput
        self.cacheWrite = later.cacheWrite ?? self.cacheWrite
        self.cacheWriteLong = later.cacheWriteLong ?? self.cacheWriteLong
        self.reasoning = later.reasoning ?? self.reasoning
        self.audioInput = later.audioInput ?? self.audioInput
        self.audioOutput = later.audioOutput ?? self.audioOutput
        self.images = later.images ?? self.images
        self.cost = later.cost ?? self.cost
        self.characters = later.characters ?? self.characters
        self.soundMilliseconds = later.soundMilliseconds ?? self.soundMilliseconds
        self.searches = later.searches ?? self.searches
    }

    /// What both used together; what one did not say counts as nothing where the other did.
    package func adding(_ other: TokenUsage) -> TokenUsage {
        func sum(_ one: Int?, _ two: Int?) -> Int? {
            guard one != nil || two != nil else { return nil }
            let (sum, overflow) = (one ?? 0).addingReportingOverflow(two ?? 0)
            return overflow ? .max : sum
        }
        return TokenUsage(
            input: sum(self.input, other.input),
            output: sum(self.output, other.output),
            cachedInput: sum(self.cachedInput, other.cachedInput),
            cacheWrite: sum(self.cacheWrite, other.cacheWrite),
            cacheWriteLong: sum(self.cacheWriteLong, other.cacheWriteLong),
            reasoning: sum(self.reasoning, other.reasoning),
            audioInput: sum(self.audioInput, other.audioInput),
            audioOutput: sum(self.audioOutput, other.audioOutput),
            images: sum(self.images, other.images),
            characters: sum(self.characters, other.characters),
            soundMilliseconds: sum(self.soundMilliseconds, other.soundMilliseconds),
            searches: sum(self.searches, other.searches)
        )
    }

    /// Whether anything was said at all.
    package var isEmpty: Bool { self == TokenUsage() }
}
