/// What a call asks of a model.
///
/// Decides the provider's path and what its answer looks like.
package enum Operation: UInt8, Sendable, CaseIterable {
    case chat
    case embeddings
    /// How many tokens a request for a chat would have.
    case countTokens

    /// What follows a provider's base URL.
    package var path: StaticString {
        switch self {
        case .chat: "/chat/completions"
        case .embeddings: "/embeddings"
        case .countTokens: "/messages/count_tokens"
        }
    }

    /// The word for logs and metric labels.
    package var label: StaticString {
        switch self {
        case .chat: "chat"
        case .embeddings: "embeddings"
        case .countTokens: "count_tokens"
        }
    }

    /// Whether its request is a JSON text.
    package var hasJSONBody: Bool { true }
}
