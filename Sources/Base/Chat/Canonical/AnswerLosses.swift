/// What an answer has and the client's dialect has no place for.
///
/// Told to the client behind the losses of its request, in `x-turnpike-dropped`; in a stream, whose head is out before
/// anything is lost, in a comment before its end.
package struct AnswerLosses: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Sources of a text, of a kind that the client's dialect does not know.
    package static let citations = AnswerLosses(rawValue: 1 << 0)
    /// What was found and where, for the answer as a whole: Gemini's grounding, Perplexity's search results.
    package static let sources = AnswerLosses(rawValue: 1 << 1)
    package static let images = AnswerLosses(rawValue: 1 << 2)
    /// Sound; its words are told where the provider gave them.
    package static let audio = AnswerLosses(rawValue: 1 << 3)
    package static let files = AnswerLosses(rawValue: 1 << 4)
    package static let logprobs = AnswerLosses(rawValue: 1 << 5)
    /// Answers beside the first.
    package static let choices = AnswerLosses(rawValue: 1 << 6)
    /// The proof of a thought that the provider wants back with a tool call, too long to travel in the call's id.
    package static let signatures = AnswerLosses(rawValue: 1 << 7)
    /// Steps of tools that the provider ran by itself, and content that nobody here knows.
    package static let content = AnswerLosses(rawValue: 1 << 8)

    private static let names: [(loss: AnswerLosses, name: String)] = [
        (.citations, "answer.citations"), (.sources, "answer.sources"), (.images, "answer.images"),
        (.audio, "answer.audio"), (.files, "answer.files"), (.logprobs, "answer.logprobs"),
        (.choices, "answer.choices"), (.signatures, "answer.signatures"), (.content, "answer.content"),
    ]

    /// What they are called, such as `answer.citations`.
    package var names: [String] { Self.names.filter { self.contains($0.loss) }.map(\.name) }
}
