package import Chat
internal import NIOConcurrencyHelpers

/// Guesses how many tokens a text has, and gets better with each count that a provider reports.
///
/// There is no vocabulary in it: a text's measure times a factor for each model and sort of content. The factor leaves
/// its default once three counts are in, and from then on follows the last some sixteen of them.
///
/// Safe to use from everywhere; a call takes one short lock.
package final class TokenEstimator: Sendable {
    /// What a text is to a model.
    package enum Side: Sendable, CaseIterable {
        case input, output

        /// The word for it in metrics.
        package var name: String { self == .input ? "input" : "output" }
    }

    /// The models that are told apart; all others share one set of factors.
    package static let modelsMax = 512

    private let models = NIOLockedValueBox<[String: ModelFactors]>([:])
    private static let others = ""

    package init() {}

    // MARK: Guesses

    /// The tokens that a request is thought to have.
    ///
    /// - Parameter model: The provider's name of the model.
    package func inputTokens(of prompt: PromptMeasure, model: String) -> Int {
        let factors = self.factors(of: model)
        return Self.whole(factors.input(prompt)) + Self.mediaTokens(of: prompt)
    }

    /// The tokens that an answer is thought to have, as far as it can be seen.
    ///
    /// - Parameter model: The provider's name of the model.
    package func outputTokens(of text: TextMeasure, model: String) -> Int {
        guard !text.isEmpty else { return 0 }
        return max(1, Self.whole(self.factors(of: model).output(text)))
    }

    /// Whether a provider's count is so far above ours that one of them is wrong (row 78).
    ///
    /// - Parameter estimate: Of the same text.
    package static func isAbsurd(reported: Int, estimate: Int) -> Bool {
        // Short texts are mostly what the provider puts around them.
        reported / 2 > max(estimate, 256)
    }

    /// The tokens that a request is thought to have, by its length alone: cheap, and good enough where the provider
    /// will say it soon.
    ///
    /// - Parameter bytes: Of the request's body.
    /// - Returns: Nil where the provider does not report its counts reliably, so that the text has to be measured.
    package func inputTokens(ofBytes bytes: Int, model: String) -> Int? {
        self.models.withLockedValue { $0[model]?.input(bytes: bytes) }.map(Self.whole)
    }

    // MARK: Learning

    /// Learns how many tokens the bytes of a request make, from each report.
    package func learn(bytes: Int, reported: Int, model: String) {
        guard reported > 0 else { return }
        self.update(model) { $0.learn(bytes: bytes, reported: Double(reported)) }
    }

    /// Notes an answer whose counts the provider did not report.
    package func noteMissing(model: String) { self.update(model) { $0.noteMissing() } }

    /// Learns from what a provider says a request had.
    ///
    /// - Parameter reported: All input tokens, cached ones included. Nothing is learned from requests with pictures,
    ///   sound or files, nor from a count that no text of this length can have.
    package func learn(input prompt: PromptMeasure, reported: Int, model: String) {
        guard !prompt.hasMedia, reported > 0 else { return }
        self.update(model) { $0.learn(input: prompt, reported: Double(reported)) }
    }

    /// Learns from what a provider says an answer had.
    ///
    /// - Parameter reported: Output tokens without reasoning, of which nothing need be seen.
    package func learn(output text: TextMeasure, reported: Int, model: String) {
        guard reported > 0 else { return }
        self.update(model) { $0.learn(output: text, reported: Double(reported)) }
    }

    // MARK: Metrics

    /// How good the guesses are for one model and sort of content.
    package struct Accuracy: Sendable, Equatable {
        /// The provider's name of the model; empty for all those that are not told apart.
        package var model: String
        package var kind: ContentKind
        package var side: Side
        /// The mean relative error of recent guesses, made before the true count was known: 0.05 is five percent.
        package var error: Double
        /// Counts learned from.
        package var count: Int
    }

    /// How good the guesses have been, for each model and sort of content that was reported often enough to tell.
    package func accuracies() -> [Accuracy] {
        self.models.withLockedValue { models in
            models.flatMap { model, factors in factors.accuracies(of: model) }
        }
        .sorted { ($0.model, $0.kind.rawValue, $0.side.name) < ($1.model, $1.kind.rawValue, $1.side.name) }
    }

    // MARK: Parts

    private func factors(of model: String) -> ModelFactors {
        self.models.withLockedValue { $0[model] ?? $0[Self.others] } ?? ModelFactors()
    }

    private func update(_ model: String, _ change: (inout ModelFactors) -> Void) {
        self.models.withLockedValue { models in
            let isKnown = models[model] != nil || models.count < Self.modelsMax
            change(&models[isKnown ? model : Self.others, default: ModelFactors()])
        }
    }

    /// Typical figures, for nothing better: OpenAI takes 765 tokens for a usual picture and Anthropic about 1,600.
    private static func mediaTokens(of prompt: PromptMeasure) -> Int {
        prompt.tokens + prompt.images * 1_000 + prompt.audios * 500 + prompt.files * 2_000
    }

    static func whole(_ tokens: Double) -> Int { Int(min(max(0, tokens), 1e15).rounded(.up)) }
}
