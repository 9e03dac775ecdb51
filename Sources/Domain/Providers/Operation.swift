/// What a call asks of a model.
///
/// Decides the provider's path and what its answer looks like.
package enum Operation: UInt8, Sendable, CaseIterable {
    case chat
    case embeddings
    /// How many tokens a request for a chat would have.
    case countTokens
    case moderations
    case rerank
    case images
    case imageEdits
    case imageVariations
    case speech
    case transcriptions
    case translations
    /// Whatever the caller wants of a provider, in the provider's own words.
    case passThrough

    /// What follows a provider's base URL; empty where the caller says it.
    package var path: StaticString {
        switch self {
        case .chat: "/chat/completions"
        case .embeddings: "/embeddings"
        case .countTokens: "/messages/count_tokens"
        case .moderations: "/moderations"
        case .rerank: "/rerank"
        case .images: "/images/generations"
        case .imageEdits: "/images/edits"
        case .imageVariations: "/images/variations"
        case .speech: "/audio/speech"
        case .transcriptions: "/audio/transcriptions"
        case .translations: "/audio/translations"
        case .passThrough: ""
        }
    }

    /// The word for logs and metric labels.
    package var label: StaticString {
        switch self {
        case .chat: "chat"
        case .embeddings: "embeddings"
        case .countTokens: "count_tokens"
        case .moderations: "moderations"
        case .rerank: "rerank"
        case .images: "images"
        case .imageEdits: "image_edits"
        case .imageVariations: "image_variations"
        case .speech: "speech"
        case .transcriptions: "transcriptions"
        case .translations: "translations"
        case .passThrough: "pass_through"
        }
    }

    /// Whether its request is a JSON text.
    package var hasJSONBody: Bool {
        switch self {
        case .chat, .embeddings, .countTokens, .moderations, .rerank, .images, .speech: true
        case .imageEdits, .imageVariations, .transcriptions, .translations, .passThrough: false
        }
    }

    /// Whether its request is a form with files, which is sent on while it comes in.
    package var isForm: Bool { !self.hasJSONBody && self != .passThrough }

    /// Whether it goes another way to its provider than conversations do.
    package var isApart: Bool { self.rawValue > Self.countTokens.rawValue }

    /// Whether it makes pictures, which are counted.
    package var makesImages: Bool { self == .images || self == .imageEdits || self == .imageVariations }

    /// Whether its answer may be something else than JSON or events: sound, subtitles, plain text.
    package var mayAnswerBytes: Bool { self == .speech || self == .transcriptions || self == .translations }

    /// What it is called in words, as in "has no speech".
    package var noun: StaticString {
        switch self {
        case .chat: "chat"
        case .embeddings: "embeddings"
        case .countTokens: "counting of tokens"
        case .moderations: "moderations"
        case .rerank: "reranking"
        case .images: "images"
        case .imageEdits: "edits of images"
        case .imageVariations: "variations of images"
        case .speech: "speech"
        case .transcriptions: "transcriptions"
        case .translations: "translations of sound"
        case .passThrough: "pass-through"
        }
    }
}

extension ProviderEntry.Kind {
    /// Whether there is anything of this operation at providers of this kind.
    ///
    /// Conversations and what belongs to them are everywhere, as far as their codecs know.
    package func serves(_ operation: Operation) -> Bool {
        guard operation.isApart, operation != .passThrough else { return true }
        switch self {
        case .openAI, .azure: return true
        case .cohere, .bedrock: return operation == .rerank
        case .anthropic, .gemini: return false
        }
    }
}
