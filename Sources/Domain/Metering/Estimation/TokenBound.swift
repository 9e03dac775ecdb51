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

    /// The most for a picture that is made; OpenAI's dearest has 6,240.
    package static let imageMade = 10_000

    /// The most for a form with pictures to be changed: at most 16 of them, and a text of 32,000 characters.
    package static let imageForm = 16 * imageMade + 32_000

    /// The most for speech made of a text: some two tokens a character are usual.
    package static func speech(textBytes: Int) -> Int {
        let (tokens, isOver) = max(0, textBytes).multipliedReportingOverflow(by: 8)
        return isOver ? .max : tokens
    }

    /// The most for sound in a file: no codec in use for speech has fewer bytes a second than 500, and no model takes
    /// more than 50 tokens for one.
    package static func sound(bytes: Int) -> Int { max(0, bytes) / 10 + self.frame }

    /// The most milliseconds of sound in a file: no codec in use for speech has fewer bytes a second than 500.
    package static func soundMilliseconds(bytes: Int) -> Int {
        let (milliseconds, isOver) = max(0, bytes).multipliedReportingOverflow(by: 2)
        return isOver ? .max : milliseconds
    }

    /// The most searches that a request for reranking can count as.
    ///
    /// Up to a hundred documents are one search, and a document of more than 500 tokens, the query's among them, counts
    /// as several (docs.cohere.com/docs/how-does-cohere-pricing-work). A query takes no more than half of that, and no
    /// token is shorter than a byte, so that each piece has 250 bytes at least.
    package static func searches(documents: Int, bodyBytes: Int) -> Int {
        let (pieces, isOver) = max(0, documents).addingReportingOverflow(max(0, bodyBytes) / 250)
        return isOver ? .max : pieces / 100 + 1
    }

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
