package import Chat

/// The most tokens that something can have, for hard budgets; where an estimate is a guess, this is a promise.
package enum TokenBound {
    /// The most for a picture.
    ///
    /// The dearest known is OpenAI's gpt-4o-mini at 48,169: 2,833 and 5,667 for each of at most eight tiles.
    package static let image = 50_000
    /// The most that a provider puts around a request: Anthropic's instructions for tools are some 500 at most.
    package static let frame = 1_000
    /// The most for a file that is only named, where the model's context is not known.
    package static let file = 1_000_000

    /// The most input tokens a request can have.
    ///
    /// A tokenizer makes at most one token of each byte, so the body's bytes bound all text, and sound and files that
    /// come within it. Added are `image` for each picture, which may be only an address, the model's whole context for
    /// each file, which may be only named, and `frame`. What a provider adds by itself, such as the pages that a search
    /// has found, is bound by nothing.
    ///
    /// - Parameters:
    ///   - bodyBytes: The length of the request's body as it goes upstream.
    ///   - contextMax: The tokens that the model can hold; nil if that is not known.
    package static func input(bodyBytes: Int, prompt: PromptMeasure, contextMax: Int?) -> Int {
        let bytes = max(0, bodyBytes).addingReportingOverflow(self.frame)
        let images = prompt.images.multipliedReportingOverflow(by: self.image)
        let files = prompt.files.multipliedReportingOverflow(by: max(0, contextMax ?? self.file))
        guard !bytes.overflow, !images.overflow, !files.overflow else { return .max }
        let media = images.partialValue.addingReportingOverflow(files.partialValue)
        let sum = media.partialValue.addingReportingOverflow(bytes.partialValue)
        return media.overflow || sum.overflow ? .max : sum.partialValue
    }
}
