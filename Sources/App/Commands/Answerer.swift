import Core
import Engine
import Providers

/// Which provider and model answer a call to the default model, and why.
struct Answerer: Sendable {
    /// The provider's name.
    let provider: String
    /// The name to call with.
    let model: String
    /// What it is called at the provider.
    let upstreamModel: String
    /// Why this provider.
    let why: String
    /// Whether the group that has the first key, or else the first group, can reach it.
    let canAnswer: Bool
    let isSimulator: Bool

    /// - Parameters:
    ///   - stored: The providers that the store has a key of the group `default` for.
    ///   - usesFirstKey: Whether the first key is what calls are made with; nil if nobody has looked.
    init(
        _ loaded: LoadedSettings,
        input: SettingsInput,
        stored: Set<String> = [],
        usesFirstKey: Bool? = nil
    ) {
        let settings = loaded.settings
        let isDefault = usesFirstKey ?? settings.needsFirstKey
        let group = isDefault ? settings.group(.defaultGroup) : settings.groups.first { !$0.keys.isEmpty }
        let has = { (name: String) in
            name == Settings.simulatorName || settings.provider(name)?.auth == AuthStyle.none
                || group?.credentials.contains { $0.provider == name } == true || stored.contains(name)
        }
        let model = settings.defaults.model
        self.model = model
        let slash = model.firstIndex(of: "/")
        let prefix = slash.map { String(model[..<$0]) } ?? ""
        if let target = settings.alias(model)?.targets.first {
            self.provider = target.provider
            self.upstreamModel = target.model
            self.why = "the alias \(model) leads there"
        } else if let slash, settings.provider(prefix) != nil || prefix == Settings.simulatorName, has(prefix) {
            self.provider = prefix
            self.upstreamModel = String(model[model.index(after: slash)...])
            self.why = "defaults.model names it"
        } else {
            self.provider = settings.defaults.provider
            self.upstreamModel = model
            self.why = Self.reason(loaded, input)
        }
        self.canAnswer = has(self.provider)
        self.isSimulator = self.provider == Settings.simulatorName
    }

    private static func reason(_ loaded: LoadedSettings, _ input: SettingsInput) -> String {
        let provider = loaded.settings.defaults.provider
        if let entry = loaded.values.entries["defaults.provider"] {
            return "defaults.provider, \(entry.origin)"
        }
        if provider == Settings.simulatorName { return "no provider key is set" }
        if input.discovered.contains(where: { $0.name == provider }) { return "found on this machine" }
        if let url = input.environment["AI_GATEWAY_URL"], !url.isEmpty { return "AI_GATEWAY_URL is set" }
        let variable = KnownProviders.keyVariables.first { $0.provider == provider }?.name
        if let variable, let key = input.environment[variable], !key.isEmpty { return "\(variable) is set" }
        return loaded.values.names(under: "providers").first == provider
            ? "the first of providers" : "the default where nothing else is said"
    }

    /// One line for people.
    var sentence: String {
        if self.isSimulator {
            return "the built-in SIMULATOR: made-up text, not a model (\(self.why))"
        }
        return self.canAnswer
            ? "\(self.provider), model \(self.upstreamModel) (\(self.why))"
            : "nobody yet: \(self.provider) needs a key"
    }

    /// What to do for an answer, or for a better one; nil if all is well.
    var advice: String? {
        if self.isSimulator { return "For a real model: OPENROUTER_API_KEY=sk-or-… turnpike serve" }
        if self.canAnswer { return nil }
        let variable = KnownProviders.keyVariables.first { $0.provider == self.provider }?.name
        return "Set \(variable ?? "OPENROUTER_API_KEY") and start again, or try it offline: turnpike serve --simulator"
    }
}
