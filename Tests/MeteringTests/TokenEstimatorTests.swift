import Chat
import Metering
import NIOCore
import TestKit
import Testing

/// How near the guesses of tokens come to what real vocabularies make of a text (row 78).
///
/// The same reckoning over 2,065 documents that are on a Debian machine with some Python packages (manuals, message
/// catalogues, source code, JSON; without the manuals that are mostly tables), in one shuffled stream for each of the
/// vocabularies cl100k_base, o200k_base, Claude 2's and DeepSeek's, gave these mean errors of a document before and
/// after calibration: English 5 and 4 to 5 %; German, French and Spanish 3 to 24 and 3 to 6 %; Chinese and Japanese 6
/// to 27 and 4 to 7 %; code 4 to 16 and 4 to 12 %; JSON 4 to 9 and 2 to 4 %. Korean, which shares a factor with the
/// two, stayed at 2 to 22 %, and scripts that share one with others, such as Hindi with Russian, at 5 to 52 %; each
/// alone came to 10 % or less.
@Suite struct TokenEstimatorTests {
    private static func measure(_ text: String...) -> TextMeasure {
        text.reduce(into: TextMeasure()) { $0 += TextMeasure($1) }
    }

    /// The mean relative error of the guesses for a sort of text.
    ///
    /// A document is two texts, one after the other: by a few words alone nobody can tell an average.
    private static func error(
        _ fixtures: [TokenFixture],
        _ vocabulary: TokenFixture.Vocabulary,
        _ estimator: TokenEstimator
    ) -> Double {
        let errors = fixtures.indices.map { index in
            let (one, other) = (fixtures[index], fixtures[(index + 1) % fixtures.count])
            let guess = estimator.outputTokens(of: Self.measure(one.text, other.text), model: "m")
            let tokens = one.tokens(in: vocabulary) + other.tokens(in: vocabulary)
            return abs(Double(guess - tokens)) / Double(tokens)
        }
        return errors.reduce(0, +) / Double(errors.count)
    }

    @Test(arguments: TokenFixture.Vocabulary.allCases)
    func `after a few reports the guesses are near, in every sort of text`(vocabulary: TokenFixture.Vocabulary) {
        let estimator = TokenEstimator()
        var random = SeededGenerator(seed: 78)
        // All sorts at once, as they come in.
        for _ in 0..<5 {
            for fixture in TokenFixture.all.shuffled(using: &random) {
                let reported = fixture.tokens(in: vocabulary)
                estimator.learn(output: Self.measure(fixture.text), reported: reported, model: "m")
            }
        }
        #expect(Self.error(TokenFixture.english, vocabulary, estimator) <= 0.05)
        #expect(Self.error(TokenFixture.cjk, vocabulary, estimator) <= 0.1)
        #expect(Self.error(TokenFixture.code, vocabulary, estimator) <= 0.15)
        #expect(Self.error(TokenFixture.json, vocabulary, estimator) <= 0.15)
    }

    @Test(arguments: TokenFixture.Vocabulary.allCases)
    func `before any report the guesses are usable`(vocabulary: TokenFixture.Vocabulary) {
        let estimator = TokenEstimator()
        #expect(Self.error(TokenFixture.english, vocabulary, estimator) <= 0.15)
        #expect(Self.error(TokenFixture.cjk, vocabulary, estimator) <= 0.35)
        #expect(Self.error(TokenFixture.code, vocabulary, estimator) <= 0.25)
    }

    @Test func `texts are told apart by their sort`() {
        func kind(_ text: String) -> ContentKind { ContentKind(of: Self.measure(text)) }
        for fixture in TokenFixture.english { #expect(kind(fixture.text) == .prose) }
        for fixture in TokenFixture.cjk { #expect(kind(fixture.text) == .cjk) }
        for fixture in TokenFixture.code + TokenFixture.json { #expect(kind(fixture.text) == .code) }
        #expect(kind("Die Bäume grüßen über die Dächer, und der Fluß fließt müde.") == .accentedProse)
        #expect(kind("Сегодня мы говорим о погоде и о реке.") == .otherScript)
        #expect(kind("") == .prose)
    }

    @Test func `a factor stays what it is until three counts are in, and one model's says nothing of another`() {
        let estimator = TokenEstimator()
        let text = Self.measure(String(repeating: "plain words in a row ", count: 40))
        let first = estimator.outputTokens(of: text, model: "a")
        for _ in 0..<2 { estimator.learn(output: text, reported: first * 2, model: "a") }
        #expect(estimator.outputTokens(of: text, model: "a") == first)
        estimator.learn(output: text, reported: first * 2, model: "a")
        #expect(abs(estimator.outputTokens(of: text, model: "a") - first * 2) <= 2)
        #expect(estimator.outputTokens(of: text, model: "b") == first)
    }

    @Test func `what was learned of answers helps with requests of the same sort`() {
        let estimator = TokenEstimator()
        let words = String(repeating: "plain words in a row ", count: 40)
        var prompt = PromptMeasure()
        prompt.text = Self.measure(words)
        prompt.messages = 1
        let first = estimator.inputTokens(of: prompt, model: "a")
        for _ in 0..<3 { estimator.learn(output: prompt.text, reported: (first - 7) * 2, model: "a") }
        #expect(abs(estimator.inputTokens(of: prompt, model: "a") - (first * 2 - 7)) <= 2)
    }

    @Test func `what a provider puts around short requests is learned apart`() {
        let estimator = TokenEstimator()
        var short = PromptMeasure()
        short.text = Self.measure("Hi there")
        short.messages = 1
        let first = estimator.inputTokens(of: short, model: "a")
        for _ in 0..<20 { estimator.learn(input: short, reported: first + 30, model: "a") }
        #expect(abs(estimator.inputTokens(of: short, model: "a") - (first + 30)) <= 1)
    }

    @Test func `absurd counts teach nothing`() {
        let estimator = TokenEstimator()
        let text = Self.measure(String(repeating: "plain words in a row ", count: 40))
        let first = estimator.outputTokens(of: text, model: "a")
        for reported in [Int.max, Int.min, 0, -1, 1, first * 100, first / 100] {
            for _ in 0..<10 { estimator.learn(output: text, reported: reported, model: "a") }
        }
        #expect(estimator.outputTokens(of: text, model: "a") == first)
        #expect(TokenEstimator.isAbsurd(reported: first * 3 + 1_000, estimate: first))
        #expect(!TokenEstimator.isAbsurd(reported: first * 2, estimate: first))
        #expect(!TokenEstimator.isAbsurd(reported: 500, estimate: 1))
    }

    @Test func `nothing is learned from requests with pictures, and each counts for something`() {
        let estimator = TokenEstimator()
        var prompt = PromptMeasure()
        prompt.text = Self.measure(String(repeating: "plain words ", count: 40))
        let bare = estimator.inputTokens(of: prompt, model: "a")
        prompt.images = 2
        let withPictures = estimator.inputTokens(of: prompt, model: "a")
        #expect(withPictures > bare)
        for _ in 0..<10 { estimator.learn(input: prompt, reported: bare * 3, model: "a") }
        #expect(estimator.inputTokens(of: prompt, model: "a") == withPictures)
    }

    @Test func `models beyond the bound share one set of factors`() {
        let estimator = TokenEstimator()
        let text = Self.measure(String(repeating: "plain words in a row ", count: 40))
        for index in 0..<(TokenEstimator.modelsMax * 2) {
            for _ in 0..<5 { estimator.learn(output: text, reported: 400, model: "model-\(index)") }
        }
        #expect(Set(estimator.accuracies().map(\.model)).count <= TokenEstimator.modelsMax + 1)
        #expect(estimator.accuracies().contains { $0.model.isEmpty })
    }

    @Test func `the error of the guesses is known, of each model and sort`() throws {
        let estimator = TokenEstimator()
        let text = Self.measure(String(repeating: "plain words in a row ", count: 40))
        for _ in 0..<3 { estimator.learn(output: text, reported: 200, model: "a") }
        #expect(estimator.accuracies().isEmpty, "no guess was made by a factor yet")
        // 200 was learned, and 250 came.
        estimator.learn(output: text, reported: 250, model: "a")
        let accuracy = try #require(estimator.accuracies().first)
        #expect(accuracy.model == "a" && accuracy.kind == .prose && accuracy.side == .output && accuracy.count == 4)
        #expect(abs(accuracy.error - 0.2) < 0.01)
    }

    // MARK: Bounds

    @Test func `no text has more tokens than its bytes`() {
        for fixture in TokenFixture.all {
            let bound = TokenBound.input(bodyBytes: fixture.text.utf8.count, prompt: PromptMeasure(), contextMax: nil)
            #expect(fixture.cl100k <= bound - TokenBound.frame && fixture.o200k <= bound - TokenBound.frame)
        }
    }

    @Test func `pictures and files have bounds of their own`() {
        var prompt = PromptMeasure()
        func bound(_ contextMax: Int? = nil) -> Int {
            TokenBound.input(bodyBytes: 100, prompt: prompt, contextMax: contextMax)
        }
        #expect(bound() == 100 + TokenBound.frame)
        prompt.images = 2
        #expect(bound() == 100 + TokenBound.frame + 2 * TokenBound.image)
        prompt.images = 0
        prompt.files = 1
        #expect(bound(8_000) == 8_100 + TokenBound.frame)
        #expect(bound() == 100 + TokenBound.frame + TokenBound.file)
        prompt.files = .max
        #expect(bound(8_000) == .max)
        #expect(TokenBound.input(bodyBytes: .max, prompt: prompt, contextMax: .max) == .max)
    }
}
