/// What happens while a model answers.
public enum ChatEvent: Sendable, Hashable {
    /// More of what the model says.
    case content(String)
    /// A call of a tool that the model wants, complete.
    case toolCall(ChatToolCall)
    /// The answer is over; comes once, as the last event.
    case done(ChatEnd)
}

/// How an answer ended, and what it took.
public struct ChatEnd: Sendable, Hashable {
    /// `stop`, `length`, `tool_calls`, `content_filter`, or what else the provider says.
    public var finishReason: String?
    /// What the provider says was used; nil if it did not.
    public var usage: ChatUsage?
    /// The model that answered, as it names itself.
    public var model: String?

    package init(finishReason: String? = nil, usage: ChatUsage? = nil, model: String? = nil) {
        self.finishReason = finishReason
        self.usage = usage
        self.model = model
    }
}

/// What a call used, in tokens.
public struct ChatUsage: Sendable, Hashable {
    /// Tokens read, cached ones included.
    public var inputTokens: Int
    /// Tokens written, reasoning included.
    public var outputTokens: Int
    /// Of those read, what came from the provider's cache; nil if it did not say.
    public var cachedInputTokens: Int?
    /// Of those written, what was spent on hidden reasoning; nil if it did not say.
    public var reasoningTokens: Int?

    /// A usage for comparing with.
    public init(
        inputTokens: Int,
        outputTokens: Int,
        cachedInputTokens: Int? = nil,
        reasoningTokens: Int? = nil
    ) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cachedInputTokens = cachedInputTokens
        self.reasoningTokens = reasoningTokens
    }
}

/// A whole answer.
public struct ChatReply: Sendable, Hashable {
    /// What the model says.
    public var content: String
    /// What it wants to have called.
    public var toolCalls: [ChatToolCall]
    /// How it ended.
    public var end: ChatEnd

    package init(content: String = "", toolCalls: [ChatToolCall] = [], end: ChatEnd = ChatEnd()) {
        self.content = content
        self.toolCalls = toolCalls
        self.end = end
    }

    /// What was used; nil if the provider did not say.
    public var usage: ChatUsage? { self.end.usage }

    /// The answer as a message, for going on with the conversation.
    public var message: ChatMessage { .assistant(self.content, toolCalls: self.toolCalls) }
}
