package import Core

/// What a writer of answers has to know beside the answer itself.
package struct AnswerContext: Sendable {
    /// Unique text to make ids of, of `[A-Za-z0-9_-]`: `chatcmpl-<id>`, `msg_<id>`, `resp_<id>`.
    package var id: String
    /// Seconds since 1970.
    package var created: Int64
    /// The model's name as the target is told it, for answers that do not name one.
    package var model: JSONString
    /// What the client asked for.
    package var request: ChatRequest
    /// The dialect of the provider that answers, so that its signatures can be told from others'; nil where unknown.
    package var source: WireFormat?

    package init(id: String, created: Int64, model: JSONString, request: ChatRequest) {
        self.id = id
        self.created = created
        self.model = model
        self.request = request
    }

    /// The same without what the client said, whose bytes are a part of its body.
    ///
    /// For writers of streams: what they keep is kept for as long as the stream is open.
    package var withoutConversation: AnswerContext {
        var context = self
        context.request = ChatRequest(format: self.request.format)
        context.request.isStream = self.request.isStream
        context.request.wantsUsage = self.request.wantsUsage
        return context
    }
}

/// What a writer of requests has to know about the target.
package struct TargetTraits: Sendable {
    /// The provider's name of the model, as a JSON string.
    package var model: JSONString
    /// The same as text.
    package var modelID: String
    /// The most tokens that the model can answer with, for dialects that want a limit; nil where it is not known.
    package var outputTokensMax: Int?
    /// The most tokens that can be paid for: lowers the client's own limit.
    package var outputLimit: Int?
    /// Whether a budget has set aside what the answer may cost, so that nothing may make it longer than was read.
    package var isPaidAhead = false
    /// Whether the target takes members it does not know, and may make something of them.
    package var takesUnknownMembers = false
    /// Whether it wants thoughts that it said back as parts of the content, as Mistral has them.
    package var thinksInContent = false
    /// What OpenAI's chat and its kin call the limit of the answer: `max_tokens` or `max_completion_tokens`.
    package var outputLimitField: StaticString = "max_tokens"

    package init(model: JSONString, modelID: String) {
        self.model = model
        self.modelID = modelID
    }
}
