internal import Chat

/// What was learned of one model's tokenizer.
struct ModelFactors {
    /// How the counts of one sort of content compare with the typical vocabulary.
    private struct Factor {
        /// Sums that fade, so that their quotient follows the model; large texts weigh more, up to a bound.
        var reported = 0.0
        var guessed = 0.0
        var count = 0
        var error = 0.0
        var errorCount = 0

        /// Nil until enough counts are in.
        var value: Double? {
            guard self.count >= ModelFactors.samplesMin, self.guessed > 0 else { return nil }
            return min(max(self.reported / self.guessed, 0.25), 4)
        }

        mutating func learn(reported: Double, guessed: Double) {
            let weight = min(1, ModelFactors.weightMax / guessed)
            let fading = 1 - 1 / Double(ModelFactors.memory)
            self.reported = self.reported * fading + reported * weight
            self.guessed = self.guessed * fading + guessed * weight
            self.count += 1
        }

        mutating func note(error: Double) {
            self.errorCount = min(self.errorCount + 1, ModelFactors.memory)
            self.error += (error - self.error) / Double(self.errorCount)
        }
    }

    /// Counts before a factor leaves its default.
    static let samplesMin = 3
    /// About how many counts a factor follows.
    private static let memory = 16
    /// Tokens from which a text is long enough that its count tells something about the tokenizer.
    private static let tokensMin = 32.0
    /// Tokens from which a larger text weighs no more.
    private static let weightMax = 2_000.0

    private var inputs = [Factor](repeating: Factor(), count: ContentKind.allCases.count)
    private var outputs = [Factor](repeating: Factor(), count: ContentKind.allCases.count)
    /// Tokens that the provider puts around each request, beyond those for its messages.
    private var overhead = 0.0
    private var overheadCount = 0
    /// Input tokens for each byte of a request's body, as reported lately.
    private var perByte = 0.0
    private var perByteCount = 0

    // MARK: Guesses

    func input(_ prompt: PromptMeasure) -> Double {
        self.input(guessed: Self.tokens(of: prompt.text), kind: ContentKind(of: prompt.text), prompt)
    }

    func output(_ text: TextMeasure) -> Double {
        Self.tokens(of: text) * self.factor(.output, ContentKind(of: text))
    }

    private func input(guessed: Double, kind: ContentKind, _ prompt: PromptMeasure) -> Double {
        guessed * self.factor(.input, kind) + Self.frame(of: prompt) + self.overhead
    }

    private static func tokens(of text: TextMeasure) -> Double { Double(TokenWeights(of: text).total) / 1_000 }

    /// What OpenAI's format puts around messages: four tokens each, and three before the answer.
    private static func frame(of prompt: PromptMeasure) -> Double {
        prompt.messages == 0 ? 0 : Double(prompt.messages) * 4 + 3
    }

    /// What was learned for this side, else for the other one: it is the same tokenizer.
    private func factor(_ side: TokenEstimator.Side, _ kind: ContentKind) -> Double {
        let index = Int(kind.rawValue)
        let (own, other) =
            side == .input ? (self.inputs[index], self.outputs[index]) : (self.outputs[index], self.inputs[index])
        return own.value ?? other.value ?? 1
    }

    /// What a request of this length probably has; nil as long as the provider does not report its counts reliably.
    func input(bytes: Int) -> Double? {
        self.perByteCount >= Self.reliableMin ? Double(bytes) * self.perByte : nil
    }

    /// Reports in a row after which a provider is trusted to go on.
    private static let reliableMin = 8

    // MARK: Learning

    mutating func learn(bytes: Int, reported: Double) {
        guard bytes > 0 else { return }
        self.perByteCount = min(self.perByteCount + 1, Self.memory)
        self.perByte += (reported / Double(bytes) - self.perByte) / Double(self.perByteCount)
    }

    /// An answer came without its counts.
    mutating func noteMissing() { self.perByteCount = 0 }

    mutating func learn(input prompt: PromptMeasure, reported: Double) {
        let kind = ContentKind(of: prompt.text)
        let guessed = Self.tokens(of: prompt.text)
        guard guessed >= Self.tokensMin else {
            return self.learnOverhead(reported - (self.input(guessed: guessed, kind: kind, prompt) - self.overhead))
        }
        let text = reported - Self.frame(of: prompt) - self.overhead
        guard text / guessed > 0.2, text / guessed < 5 else { return }
        let index = Int(kind.rawValue)
        if self.inputs[index].value != nil {
            let error = abs(self.input(guessed: guessed, kind: kind, prompt) - reported) / reported
            self.inputs[index].note(error: error)
        }
        self.inputs[index].learn(reported: text, guessed: guessed)
    }

    mutating func learn(output text: TextMeasure, reported: Double) {
        let guessed = Self.tokens(of: text)
        guard guessed >= Self.tokensMin, reported / guessed > 0.2, reported / guessed < 5 else { return }
        let kind = ContentKind(of: text)
        let index = Int(kind.rawValue)
        if self.outputs[index].value != nil {
            self.outputs[index].note(error: abs(guessed * self.factor(.output, kind) - reported) / reported)
        }
        self.outputs[index].learn(reported: reported, guessed: guessed)
    }

    /// Short requests tell how much the provider adds to each one.
    private mutating func learnOverhead(_ tokens: Double) {
        self.overheadCount = min(self.overheadCount + 1, Self.memory)
        self.overhead += (min(max(tokens, 0), 500) - self.overhead) / Double(self.overheadCount)
    }

    func accuracies(of model: String) -> [TokenEstimator.Accuracy] {
        ContentKind.allCases.flatMap { kind in
            [(TokenEstimator.Side.input, self.inputs), (.output, self.outputs)].compactMap { side, factors in
                let factor = factors[Int(kind.rawValue)]
                guard factor.errorCount > 0 else { return nil }
                return .init(model: model, kind: kind, side: side, error: factor.error, count: factor.count)
            }
        }
    }
}
