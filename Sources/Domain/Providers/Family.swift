/// One row of the OpenAI-compatible family: what is known about a provider without asking the operator.
package struct Family: Sendable {
    /// The name that selects this row as a provider's name or `family`.
    package let name: String
    package let kind: ProviderEntry.Kind
    /// Whether it takes `/responses` beside `/chat/completions`.
    package let speaksResponses: Bool
    /// Where the provider is, if the entry does not say.
    ///
    /// Nil: the entry must say.
    package let baseURL: String?
    package let auth: AuthStyle
    /// The environment variable that holds the default group's key for it.
    package let environmentKey: String?
    /// Host names that show that an entry with another name is this provider; subdomains count.
    package let hosts: [String]
    package let quirks: Quirks
    /// How a request's path is made.
    package let paths: PathStyle

    init(
        _ name: String,
        _ baseURL: String?,
        kind: ProviderEntry.Kind = .openAI,
        speaksResponses: Bool = false,
        auth: AuthStyle = .bearer,
        key: String? = nil,
        hosts: [String] = [],
        paths: PathStyle = .standard,
        quirks: Quirks = Quirks()
    ) {
        self.name = name
        self.kind = kind
        self.speaksResponses = speaksResponses
        self.baseURL = baseURL
        self.auth = auth
        self.environmentKey = key
        self.hosts = hosts
        self.paths = paths
        self.quirks = quirks
    }

    /// How a provider's URLs are built from its base URL.
    package enum PathStyle: String, Sendable {
        /// `<base>/chat/completions`.
        case standard
        /// Azure's v1 surface: `<resource>/openai/v1/chat/completions`, with `api-version` only if the entry has one.
        case azureV1 = "v1"
        /// `<resource>/openai/deployments/<model>/chat/completions?api-version=…`.
        case azureDeployments = "deployments"
    }
}

/// Where a provider differs from OpenAI's own wire.
///
/// Only what a request or an answer is changed for.
package struct Quirks: Sendable {
    /// When a streamed answer says what it used.
    package enum StreamUsage: Sendable {
        /// Only if asked by `stream_options.include_usage`, then in a chunk of its own.
        case onRequest
        /// Always, without being asked; asking does no harm.
        case always
        /// Always, in the chunk that ends the answer; asking is an error.
        case inFinishChunk
    }

    package var streamUsage = StreamUsage.onRequest
    /// Top-level request fields the provider refuses; they are left out and named in `x-turnpike-dropped`.
    package var refusedFields: [StaticString] = []
    /// Fields of each message that the provider refuses; left out and named in the same way.
    package var refusedMessageFields: [StaticString] = []
    /// Top-level request fields that the provider has under another name; nothing is lost.
    package var renamedFields: [Rename] = []
    /// A word for `tool_choice` that the provider has in place of `required`.
    package var toolChoiceRequired: StaticString?

    /// Whether every tool must have `parameters`; tools without get an empty set of them.
    package var needsToolParameters = false
    /// Whether ids of tool calls must be nine letters or digits; all others are replaced by a hash.
    package var hasShortCallIDs = false
    /// Whether the content of answers may be a list, which clients of chat do not know: it is then made a text.
    package var answersInLists = false

    /// Whether it takes top-level fields it does not know, and may make something of them.
    package var takesUnknownMembers = false

    /// What bounds an answer's tokens, for requests in which the client set no bound.
    ///
    /// OpenAI's own reasoning models refuse the older name, most others know only that.
    package var outputLimitField: StaticString = "max_tokens"

    package init() {}

    init(_ change: (inout Quirks) -> Void) {
        change(&self)
    }

    /// A field that has another name at the provider.
    package struct Rename: Sendable {
        package let from: StaticString
        package let to: StaticString
    }

    /// Whether a request may have to be changed beyond its model id and `stream_options`.
    package var changesRequests: Bool {
        !self.refusedFields.isEmpty || !self.renamedFields.isEmpty || !self.refusedMessageFields.isEmpty
            || self.toolChoiceRequired != nil || self.needsToolParameters || self.hasShortCallIDs
    }
}

extension Family {
    /// The family, one row each.
    ///
    /// The first row whose name or host fits an entry decides; `openai` is for all others.
    package static let table: [Family] = [
        // Usage comes in every stream; comments keep the line alive; a 200 may hold an error; mid-stream errors have
        // finish_reason "error".
        Family(
            "openrouter",
            "https://openrouter.ai/api/v1",
            key: "OPENROUTER_API_KEY",
            hosts: ["openrouter.ai"],
            quirks: Quirks {
                $0.streamUsage = .always
                $0.takesUnknownMembers = true
            }
        ),
        Family(
            "openai",
            "https://api.openai.com/v1",
            speaksResponses: true,
            key: "OPENAI_API_KEY",
            hosts: ["api.openai.com"],
            quirks: Quirks { $0.outputLimitField = "max_completion_tokens" }
        ),
        Family("vercel", "https://ai-gateway.vercel.sh/v1", key: "AI_GATEWAY_API_KEY", hosts: ["ai-gateway.vercel.sh"]),
        // The first chunk of a stream has no choices and no model; codes of errors are text.
        Family(
            "azure",
            nil,
            kind: .azure,
            speaksResponses: true,
            auth: .apiKey,
            key: "AZURE_OPENAI_API_KEY",
            hosts: ["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"],
            paths: .azureV1,
            quirks: Quirks { $0.outputLimitField = "max_completion_tokens" }
        ),
        Family(
            "anthropic",
            "https://api.anthropic.com/v1",
            kind: .anthropic,
            auth: .xAPIKey,
            key: "ANTHROPIC_API_KEY",
            hosts: ["api.anthropic.com"]
        ),
        Family(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta",
            kind: .gemini,
            auth: .xGoogAPIKey,
            key: "GEMINI_API_KEY",
            hosts: ["generativelanguage.googleapis.com"]
        ),
        Family(
            "cohere",
            "https://api.cohere.com/v2",
            kind: .cohere,
            key: "COHERE_API_KEY",
            hosts: ["api.cohere.com", "api.cohere.ai"]
        ),
        // Another region is another base URL, which the settings make of `region`.
        Family(
            "bedrock",
            "https://bedrock-runtime.us-east-1.amazonaws.com",
            kind: .bedrock,
            auth: .aws,
            key: "AWS_BEARER_TOKEN_BEDROCK",
            hosts: ["amazonaws.com"]
        ),
        // Groq repeats usage in `x_groq` of the finish chunk; asking for it as usual works as well.
        // Refuses what it does not support, by name.
        Family(
            "groq",
            "https://api.groq.com/openai/v1",
            key: "GROQ_API_KEY",
            hosts: ["api.groq.com"],
            quirks: Quirks {
                $0.refusedFields = ["logit_bias", "logprobs", "top_logprobs"]
                $0.refusedMessageFields = ["refusal", "audio", "annotations", "reasoning_content", "reasoning_details"]
            }
        ),
        // Refuses every field it does not know, with 422.
        Family(
            "mistral",
            "https://api.mistral.ai/v1",
            key: "MISTRAL_API_KEY",
            hosts: ["api.mistral.ai"],
            quirks: Quirks {
                $0.streamUsage = .inFinishChunk
                $0.refusedFields = [
                    "stream_options", "logit_bias", "user", "store", "logprobs", "top_logprobs", "service_tier",
                    "functions", "function_call", "reasoning", "verbosity", "modalities", "audio", "moderation",
                    "web_search_options", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
                    "safety_identifier",
                ]
                $0.refusedMessageFields = [
                    "name", "refusal", "audio", "annotations", "reasoning_content", "reasoning", "reasoning_details",
                    "function_call", "provider_specific_fields",
                ]
                $0.renamedFields = [
                    Quirks.Rename(from: "max_completion_tokens", to: "max_tokens"),
                    Quirks.Rename(from: "seed", to: "random_seed"),
                ]
                $0.toolChoiceRequired = "any"
                $0.needsToolParameters = true
                $0.hasShortCallIDs = true
                $0.answersInLists = true
            }
        ),
        Family("together", "https://api.together.xyz/v1", key: "TOGETHER_API_KEY", hosts: ["api.together.xyz"]),
        Family(
            "fireworks",
            "https://api.fireworks.ai/inference/v1",
            key: "FIREWORKS_API_KEY",
            hosts: ["api.fireworks.ai"]
        ),
        Family("deepseek", "https://api.deepseek.com/v1", key: "DEEPSEEK_API_KEY", hosts: ["api.deepseek.com"]),
        Family("xai", "https://api.x.ai/v1", key: "XAI_API_KEY", hosts: ["api.x.ai"]),
        Family(
            "perplexity",
            "https://api.perplexity.ai",
            key: "PERPLEXITY_API_KEY",
            hosts: ["api.perplexity.ai"],
            quirks: Quirks { $0.streamUsage = .always }
        ),
        Family("ollama", "http://127.0.0.1:11434/v1", auth: .none, quirks: Quirks { $0.takesUnknownMembers = true }),
        Family("vllm", nil, auth: .none, quirks: Quirks { $0.takesUnknownMembers = true }),
        Family("llamacpp", "http://127.0.0.1:8081/v1", auth: .none, quirks: Quirks { $0.takesUnknownMembers = true }),
        Family("local", "http://127.0.0.1:11434/v1", auth: .none, quirks: Quirks { $0.takesUnknownMembers = true }),
        Family("simulator", nil, auth: .bearer),
    ]

    /// The row for an entry of this kind with this name and, where it gives one, this host.
    ///
    /// A host that is known wins over the name: an entry called `openai` that points at Mistral speaks Mistral.
    package static func row(kind: ProviderEntry.Kind = .openAI, named name: String, host: String?) -> Family {
        // Azure speaks OpenAI's dialect too, at addresses that show that it is Azure.
        let rows = Self.table.filter { $0.kind == kind || (kind == .openAI && $0.kind == .azure) }
        if let host, let row = rows.first(where: { $0.hosts.contains { Self.host(host, isIn: $0) } }) { return row }
        // Of these kinds there is one provider each, wherever it is.
        if kind != .openAI, let row = rows.first { return row }
        return rows.first { $0.name == name } ?? Self.generic
    }

    /// The kind that an entry with this name has where it does not say.
    package static func kind(named name: String) -> ProviderEntry.Kind {
        Self.table.first { $0.name == name }?.kind ?? .openAI
    }

    /// The row for a server that nothing is known about.
    package static let generic = Family("generic", nil)

    private static func host(_ host: String, isIn domain: String) -> Bool {
        host == domain || host.hasSuffix("." + domain)
    }
}

/// A variable that becomes a credential of the group `default` alone.
package struct EnvironmentCredential: Sendable, Equatable {
    package let variable: String
    package let provider: String

    /// The variables that are read, and the provider each is for.
    package static let all: [EnvironmentCredential] = Family.table.compactMap { row in
        row.environmentKey.map { EnvironmentCredential(variable: $0, provider: row.name) }
    }
}
