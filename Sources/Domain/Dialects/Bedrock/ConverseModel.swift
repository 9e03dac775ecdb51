internal import Chat

/// What a model behind Bedrock's Converse API takes, told from its id.
///
/// By "Supported models and model features", "Prompt caching" and "Structured outputs" of the Bedrock user guide, as of
/// November 2026. The id of an application's inference profile says nothing: such a model is sent what all take.
struct ConverseModel: Equatable {
    enum Maker: Equatable { case anthropic, nova, nova2, titan, meta, mistral, cohere, ai21, openAI, deepSeek, other }

    let maker: Maker
    /// Facts of Claude; of a model that is not Claude, those of an unknown one.
    let claude: AnthropicModel

    /// Reads `amazon.nova-lite-v1:0`, `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, and ARNs that end in one.
    init(_ id: String) {
        let id = id.lowercased()
        func isNamed(_ name: String) -> Bool { id.contains(name) }
        self.claude = AnthropicModel(id)
        self.maker =
            if isNamed("anthropic.") {
                .anthropic
            } else if isNamed("amazon.nova-2") {
                .nova2
            } else if isNamed("amazon.nova") {
                .nova
            } else if isNamed("amazon.titan") {
                .titan
            } else if isNamed("meta.") {
                .meta
            } else if isNamed("mistral.") {
                .mistral
            } else if isNamed("cohere.") {
                .cohere
            } else if isNamed("ai21.") {
                .ai21
            } else if isNamed("openai.") {
                .openAI
            } else if isNamed("deepseek.") {
                .deepSeek
            } else {
                .other
            }
    }

    var isClaude: Bool { self.maker == .anthropic }
    /// Whether `cachePoint` is known in messages and instructions.
    var takesCachePoints: Bool { self.isClaude || self.maker == .nova || self.maker == .nova2 }
    /// Whether a schema for the answer may be said as such.
    var takesOutputFormat: Bool {
        switch self.maker {
        case .anthropic: self.claude.takesOutputFormat
        case .openAI, .deepSeek, .mistral: true
        case .nova, .nova2, .titan, .meta, .cohere, .ai21, .other: false
        }
    }
    /// Whether a call of a tool can be demanded.
    var takesForcedTool: Bool {
        switch self.maker {
        case .anthropic, .nova, .nova2, .mistral, .openAI, .other: true
        case .titan, .meta, .cohere, .ai21, .deepSeek: false
        }
    }
}
