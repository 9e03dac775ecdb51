/// Somebody to chat with: a provider behind a gateway, in this process or far away.
///
/// Both kinds do the same; what differs is where the road of a call runs.
public protocol AIClient: Sendable {
    /// The provider that was asked for; nil where the gateway decides for each model.
    var provider: AIProvider? { get }
    /// Names the group's key that calls are made with.
    ///
    /// Safe to show and to log. Nil where the provider needs none, and where only the far gateway knows it.
    var credentialId: String? { get }

    /// Begins a chat and hands out what the model says as it says it.
    ///
    /// Nothing is sent before the first event is asked for. Leaving the loop, or cancelling the task that iterates,
    /// ends the call; what was used until then is billed. A slow reader holds the answer back.
    func streamChat(_ messages: [ChatMessage], _ options: ChatOptions) -> ChatStream

    /// Has a whole answer made.
    ///
    /// - Throws: `AINotConfiguredError`, `AIError`, `CancellationError`.
    func chat(_ messages: [ChatMessage], _ options: ChatOptions) async throws -> ChatReply
}

extension AIClient {
    /// Begins a chat with nothing said about how.
    public func streamChat(_ messages: [ChatMessage]) -> ChatStream { self.streamChat(messages, ChatOptions()) }

    /// Has a whole answer made, with nothing said about how.
    public func chat(_ messages: [ChatMessage]) async throws -> ChatReply {
        try await self.chat(messages, ChatOptions())
    }
}

/// The name of a provider, as the settings have it.
public struct AIProvider: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name.
    public let name: String

    /// A provider by its name.
    public init(_ name: String) { self.name = name }

    /// A provider by its name.
    public init(stringLiteral name: String) { self.name = name }

    /// The name.
    public var description: String { self.name }

    /// openrouter.ai.
    public static let openRouter: AIProvider = "openrouter"
    /// api.openai.com.
    public static let openAI: AIProvider = "openai"
    /// api.anthropic.com.
    public static let anthropic: AIProvider = "anthropic"
    /// Cohere.
    public static let cohere: AIProvider = "cohere"
    /// Azure OpenAI.
    public static let azure: AIProvider = "azure"
    /// Google's Gemini API.
    public static let gemini: AIProvider = "gemini"
    /// Amazon Bedrock.
    public static let bedrock: AIProvider = "bedrock"
    /// Vercel's AI gateway.
    public static let vercel: AIProvider = "vercel"
    /// A model server of one's own.
    public static let local: AIProvider = "local"
}
