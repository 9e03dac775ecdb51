package import Core

/// What a client was answered, beside what a shadow target answered to a copy of the same request.
package struct ShadowAnswer: Sendable, Equatable {
    /// One of the two answers.
    package struct Side: Sendable, Equatable {
        /// The longest text that is kept of an answer, in bytes.
        package static let textBytesMax = 64 << 10

        package var provider: String
        /// What the provider calls the model.
        package var model: String
        /// Names the failure, in lower case; empty if there was none.
        package var code = ""
        /// The status that the provider answered with; 0 if it did not.
        package var status = 0
        /// Milliseconds to the first content of a stream; nil where there was none.
        package var firstContentMilliseconds: Int?
        /// Milliseconds to the end.
        package var totalMilliseconds = 0
        package var inputTokens: Int?
        package var outputTokens: Int?
        package var cost = MicroDollars.zero
        /// Why the model stopped, in the provider's word.
        package var finish = ""
        /// Whether the text is only the beginning of what was said.
        package var isCut = false
        /// What the model said, and the tools it called.
        package var text = ""

        package init(provider: String, model: String) {
            self.provider = provider
            self.model = model
        }

        /// Whether it is an answer, and not a failure.
        package var isAnswer: Bool { self.code.isEmpty }
    }

    package var id: String
    package var group: GroupID
    package var alias: String
    package var requestID: String
    package var createdAt: UnixTime
    /// `chat`, `embeddings`.
    package var operation: String
    package var isStream: Bool
    package var client: Side
    package var shadow: Side
    /// How much of the words is the same, in thousandths; nil where there is nothing to compare.
    package var likeness: Int?

    /// Compares two answers.
    ///
    /// - Parameter id: Different for each.
    package init(
        id: String,
        group: GroupID,
        alias: String,
        requestID: String,
        createdAt: UnixTime,
        operation: String,
        isStream: Bool,
        client: Side,
        shadow: Side
    ) {
        self.id = id
        self.group = group
        self.alias = alias
        self.requestID = requestID
        self.createdAt = createdAt
        self.operation = operation
        self.isStream = isStream
        self.client = client
        self.shadow = shadow
        if client.isAnswer, shadow.isAnswer, !client.text.isEmpty || !shadow.text.isEmpty {
            self.likeness = TextLikeness.permille(client.text, shadow.text)
        }
    }
}

/// How much two texts say the same words.
package enum TextLikeness {
    /// Words looked at of each text, the first.
    private static let wordsMax = 4096

    /// The share of their words that two texts have in common, in thousandths (Dice's coefficient over words with their
    /// counts): 1000 for the same words, 0 for none.
    ///
    /// It is no judgement about what is said: it finds answers that differ enough to be worth reading.
    package static func permille(_ one: String, _ other: String) -> Int {
        let (left, right) = (Self.words(one), Self.words(other))
        guard !left.isEmpty || !right.isEmpty else { return 1000 }
        var counts: [Substring: Int] = [:]
        for word in left { counts[word, default: 0] += 1 }
        var common = 0
        for word in right {
            guard let count = counts[word], count > 0 else { continue }
            counts[word] = count - 1
            common += 1
        }
        return 2000 * common / (left.count + right.count)
    }

    private static func words(_ text: String) -> [Substring] {
        text.split(maxSplits: Self.wordsMax, omittingEmptySubsequences: true) { $0.isWhitespace }
            .prefix(Self.wordsMax).map { $0 }
    }
}
