/// What a model costs: millionths of a dollar for a million tokens, or for one image or one request.
///
/// A nil rate falls back to the one it is a part of: cached and written cache tokens to `input`, reasoning and audio
/// output to `output`, audio input to `input`.
package struct Rates: Sendable, Equatable {
    package var input: Int64
    package var output: Int64
    package var cachedInput: Int64?
    package var cacheWrite: Int64?
    package var reasoning: Int64?
    package var audioInput: Int64?
    package var audioOutput: Int64?
    /// For each picture made.
    package var image: Int64
    /// For each request that was answered.
    package var request: Int64
    /// Which price list this is from, such as `built-in 2026-11-20` or `settings`; kept with each ledger row.
    package var source: String

    package init(
        input: Int64,
        output: Int64,
        cachedInput: Int64? = nil,
        cacheWrite: Int64? = nil,
        reasoning: Int64? = nil,
        audioInput: Int64? = nil,
        audioOutput: Int64? = nil,
        image: Int64 = 0,
        request: Int64 = 0,
        source: String
    ) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.cacheWrite = cacheWrite
        self.reasoning = reasoning
        self.audioInput = audioInput
        self.audioOutput = audioOutput
        self.image = image
        self.request = request
        self.source = source
    }

    /// Costs nothing, by explicit choice.
    package static let free = Rates(input: 0, output: 0, source: "free")
}
