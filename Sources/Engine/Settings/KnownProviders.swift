package import Providers

/// The providers that need no entry in the file, and the environment variables that bring their keys.
package enum KnownProviders {
    /// A variable that becomes a credential of the group `default`, in the order in which a key makes its provider the
    /// default one.
    package struct KeyVariable: Sendable {
        package let name: String
        package let provider: String
    }

    /// Every variable that is read for a key.
    package static let keyVariables: [KeyVariable] =
        EnvironmentCredential.all.map { KeyVariable(name: $0.variable, provider: $0.provider) }

    /// Providers that are there without an entry: those at a known public address that take a key.
    ///
    /// Nobody reaches one
    /// without a credential, so they cost nothing.
    package static let withoutEntry: [Family] = Family.table.filter { row in
        row.baseURL?.hasPrefix("https://") == true && row.auth != .none
    }

    /// Names that an entry may have without a `base_url`.
    package static let names: [String] = Family.table.map(\.name)

    /// A model that a new account at the provider can use, for the first call.
    ///
    /// Only a suggestion: `doctor` proposes another where it is gone.
    package static func firstModel(at provider: String) -> String? {
        switch provider {
        case "openrouter": "anthropic/claude-3-haiku-20240307"
        case "openai": "gpt-4o-mini"
        case "anthropic": "claude-haiku-4-5"
        case "gemini": "gemini-2.5-flash-lite"
        case "cohere": "command-r7b-12-2024"
        case "bedrock": "amazon.nova-micro-v1:0"
        case "vercel": "openai/gpt-4o-mini"
        case "groq": "llama-3.1-8b-instant"
        case "mistral": "mistral-small-latest"
        case "together": "meta-llama/Llama-3.3-70B-Instruct-Turbo"
        case "fireworks": "accounts/fireworks/models/llama-v3p1-8b-instruct"
        case "deepseek": "deepseek-chat"
        case "xai": "grok-3-mini"
        case "perplexity": "sonar"
        case Settings.simulatorName: "sim"
        default: nil
        }
    }
}
