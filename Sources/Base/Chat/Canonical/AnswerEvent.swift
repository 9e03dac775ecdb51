package import Core
package import NIOCore

/// A step of a streamed answer, whatever dialect it came in.
///
/// Order: `begin`, then for each part `open`, its pieces, `close` (parts follow each other, only one is open at a
/// time), `finish`, `usage`, `end`. Usage may come earlier and more than once; the last word on each figure counts.
/// Numbers of parts count from 0 in the order of opening.
package enum AnswerEvent: Sendable {
    case begin(AnswerHead)
    case open(part: Int, Opening)
    /// More text of an open part of that kind.
    case text(part: Int, JSONString)
    case thinking(part: Int, JSONString)
    /// The signature of an open part of thinking, whole.
    case signature(part: Int, JSONString)
    case refusal(part: Int, JSONString)
    /// More of the text of a tool call's arguments: a piece of a JSON text, as a JSON string.
    case arguments(part: Int, JSONString)
    /// Log probabilities of the tokens of the next text: a list, in the form that OpenAI has it.
    case logprobs(JSONFragment)
    /// A picture that the model made; it comes between parts.
    case image(Media)
    /// Something that no step can say, and that is content all the same, such as a search that the provider ran.
    case unsaid(AnswerLosses)
    /// A source for the text of an open part, as the provider wrote it.
    case citation(part: Int, JSONFragment)
    case close(part: Int)
    case finish(FinishReason, stopSequence: JSONString?)
    case usage(TokenUsage)
    /// The answer is complete.
    case end
    /// The provider says that it failed.
    ///
    /// `type` is what the framing calls it, where the body does not say it: Bedrock's `throttlingException`.
    case failure(body: ByteBuffer, type: String?)

    /// What a new part is.
    package enum Opening: Sendable, Equatable {
        case text
        case thinking
        /// Thoughts that only the provider can read.
        case redactedThinking(JSONString)
        case refusal
        /// Arguments follow, none at all for `{}`.
        ///
        /// `isCustom`: they are free text, as for OpenAI's `custom` tools.
        case toolCall(id: JSONString, name: JSONString, signature: JSONString?, isCustom: Bool = false)
    }

    /// Whether it carries something that the model said, so that no other target may answer any more.
    package var isContent: Bool {
        switch self {
        case .text, .thinking, .signature, .refusal, .arguments, .citation, .logprobs, .image, .unsaid: true
        case .open(_, .toolCall), .open(_, .redactedThinking): true
        case .finish: true
        case .begin, .open, .close, .usage, .end, .failure: false
        }
    }
}

/// What is known of an answer when it begins.
package struct AnswerHead: Sendable, Equatable {
    /// The provider's own id of it; nil where it gives none.
    package var id: JSONString?
    package var model: JSONString?

    package init(id: JSONString? = nil, model: JSONString? = nil) {
        self.id = id
        self.model = model
    }
}
