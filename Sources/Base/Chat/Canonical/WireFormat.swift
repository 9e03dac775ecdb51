/// How a conversation with a model is written down, request and answer.
///
/// Clients speak the first three; providers speak all.
package enum WireFormat: UInt8, Sendable, CaseIterable {
    /// OpenAI's `/chat/completions`, and everything compatible with it.
    case openAIChat
    /// OpenAI's `/responses`.
    case openAIResponses
    /// Anthropic's `/v1/messages`.
    case anthropic
    /// Cohere's `/v2/chat`.
    case cohere
    /// Gemini's `generateContent` and `streamGenerateContent`.
    case gemini
    /// Bedrock's `converse` and `converse-stream`.
    case bedrock

    /// The name for documents and logs.
    package var label: StaticString {
        switch self {
        case .openAIChat: "openai-chat"
        case .openAIResponses: "openai-responses"
        case .anthropic: "anthropic"
        case .cohere: "cohere"
        case .gemini: "gemini"
        case .bedrock: "bedrock"
        }
    }

    /// Those that clients may speak.
    package static let clients: [WireFormat] = [.openAIChat, .openAIResponses, .anthropic]
}
