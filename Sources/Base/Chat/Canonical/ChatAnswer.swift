package import Core
internal import NIOCore

/// What a model answered, whole.
package struct ChatAnswer: Sendable {
    /// The provider's own id of it; nil where it gave none.
    package var id: JSONString?
    /// The model that answered, in the provider's words.
    package var model: JSONString?
    /// At least one; more only from and to OpenAI's chat and Gemini.
    package var choices: [AnswerChoice]
    package var usage: TokenUsage
    package var serviceTier: JSONString?
    package var rest: [RestMember] = []

    package init(choices: [AnswerChoice], usage: TokenUsage) {
        self.choices = choices
        self.usage = usage
    }

    /// Whether its remainder says what was found for the answer as a whole, such as the results of a search.
    package var hasSources: Bool {
        let names: [StaticString] = [
            "citations", "search_results", "groundingMetadata", "citationMetadata", "urlContextMetadata",
        ]
        return (self.rest + self.choices.flatMap(\.rest)).contains { member in
            // More than an empty list or object.
            member.value.bytes.readableBytes > 2 && names.contains { member.name.equals($0) }
        }
    }
}

/// One of the answers to a request.
package struct AnswerChoice: Sendable {
    package var parts: [ContentPart]
    package var finish: FinishReason
    /// The text that ended it, of those that the client gave.
    package var stopSequence: JSONString?
    /// Log probabilities as the provider wrote them.
    package var logprobs: JSONFragment?
    package var rest: [RestMember] = []

    package init(parts: [ContentPart], finish: FinishReason, stopSequence: JSONString? = nil) {
        self.parts = parts
        self.finish = finish
        self.stopSequence = stopSequence
    }
}

/// Why an answer ended.
package enum FinishReason: UInt8, Sendable, CaseIterable {
    /// The model was done.
    case stop
    /// One of the client's stop texts came.
    case stopSequence
    /// The limit of tokens was reached.
    case length
    /// The model's context was full.
    case contextFull
    /// Tools are to be called.
    case toolCalls
    /// The provider's rules, or the model itself, refused.
    case contentFilter
    /// The provider paused a long turn, to be taken up again (Anthropic's `pause_turn`).
    case pause
    /// The provider failed halfway: the answer is not whole.
    case error
}
