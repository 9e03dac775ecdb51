/// What a model costs: millionths of a dollar for a million tokens, or for one image, one request, a million
/// characters, a minute of sound or a thousand searches.
///
/// A nil rate falls back to the one it is a part of: cached and written cache tokens to `input`, reasoning and audio
/// output to `output`, audio input to `input`; `cacheWriteLong` to twice `input`. A rate below zero counts as zero.
package struct Rates: Sendable, Equatable {
    package var input: Int64
    package var output: Int64
    package var cachedInput: Int64?
    package var cacheWrite: Int64?
    /// For those written into the cache to stay for an hour.
    ///
    /// Nil stands for twice `input`, which is what Anthropic takes for every model of its own
    /// (platform.claude.com/docs/en/about-claude/pricing) and so do those who sell them, and for no less than
    /// `cacheWrite`.
    package var cacheWriteLong: Int64?
    package var reasoning: Int64?
    package var audioInput: Int64?
    package var audioOutput: Int64?
    /// For each picture made.
    package var image: Int64
    /// For each request that was answered.
    package var request: Int64
    /// For a million characters that are to be spoken.
    package var characters: Int64
    /// For a minute of sound that is written down, to the millisecond.
    package var minute: Int64
    /// For a thousand searches: requests for reranking, each of up to a hundred documents.
    package var searches: Int64
    /// What changes for long requests; nil where every token costs the same.
    package var long: LongRequests?
    /// Whether the provider's own figure of what a call cost stands in place of ours, where it sends one.
    package var takesReportedCost: Bool
    /// Which price list this is from, such as `built-in 2026-11-20` or `settings`; kept with each ledger row.
    ///
    /// One line.
    package var source: String

    /// A higher price for all tokens of a request, cached ones and the answer included, once its input is long.
    package struct LongRequests: Sendable, Equatable {
        /// More input tokens than this make a request a long one.
        package var above: Int32
        /// What the input rates are multiplied by, in hundredths.
        package var inputPercent: Int16
        /// What the output rates are multiplied by, in hundredths.
        package var outputPercent: Int16

        package init(above: Int32, inputPercent: Int16, outputPercent: Int16) {
            self.above = above
            self.inputPercent = inputPercent
            self.outputPercent = outputPercent
        }
    }

    package init(
        input: Int64,
        output: Int64,
        cachedInput: Int64? = nil,
        cacheWrite: Int64? = nil,
        cacheWriteLong: Int64? = nil,
        reasoning: Int64? = nil,
        audioInput: Int64? = nil,
        audioOutput: Int64? = nil,
        image: Int64 = 0,
        request: Int64 = 0,
        characters: Int64 = 0,
        minute: Int64 = 0,
        searches: Int64 = 0,
        long: LongRequests? = nil,
        takesReportedCost: Bool = false,
        source: String
    ) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.cacheWrite = cacheWrite
        self.cacheWriteLong = cacheWriteLong
        self.reasoning = reasoning
        self.audioInput = audioInput
        self.audioOutput = audioOutput
        self.image = image
        self.request = request
        self.characters = characters
        self.minute = minute
        self.searches = searches
        self.long = long
        self.takesReportedCost = takesReportedCost
        self.source = source
    }

    /// Costs nothing, by explicit choice.
    package static let free = Rates(input: 0, output: 0, source: "free")

    /// Nobody knows what it costs; recorded as nothing and marked so.
    package static let unpriced = Rates(input: 0, output: 0, takesReportedCost: true, source: "unpriced")

    /// What the provider itself says a call cost; before that, nobody knows.
    package static let reported = Rates(input: 0, output: 0, takesReportedCost: true, source: "reported")

    /// Whether a price is known before the call, be it zero, so that there is a bound of what it can cost.
    package var isPriced: Bool { self.source != Self.unpriced.source && self.source != Self.reported.source }

    /// Whether tokens cost nothing and something else does, so that what is known of tokens says nothing about money.
    package var isByUnits: Bool {
        let tokens = [
            self.input, self.output, self.cachedInput, self.cacheWrite, self.cacheWriteLong, self.reasoning,
            self.audioInput, self.audioOutput,
        ]
        guard tokens.allSatisfy({ ($0 ?? 0) <= 0 }) else { return false }
        return [self.image, self.request, self.characters, self.minute, self.searches].contains { $0 > 0 }
    }
}
