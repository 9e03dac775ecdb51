internal import Auth
internal import Engine
internal import Pipeline
internal import Providers

/// Calls with a group's key, on the gateway's road in this process.
public struct GroupAIClient: AIClient {
    /// The group that calls are made and paid for.
    public let group: String
    /// The provider that was asked for, or the default one.
    public let provider: AIProvider?
    /// Names the group's key when the client was handed out; one that is replaced is followed by calls at once.
    public let credentialId: String?

    private let isDefault: Bool
    private let principal: Principal
    private let road: CallRoad
    private let snapshot: @Sendable (_ loop: Int) -> Snapshot

    init(
        group: String,
        provider: AIProvider,
        credentialId: String?,
        isDefault: Bool,
        principal: Principal,
        road: CallRoad,
        snapshot: @escaping @Sendable (_ loop: Int) -> Snapshot
    ) {
        self.group = group
        self.provider = provider
        self.credentialId = credentialId
        self.isDefault = isDefault
        self.principal = principal
        self.road = road
        self.snapshot = snapshot
    }

    /// Begins a chat; see `AIClient`.
    public func streamChat(_ messages: [ChatMessage], _ options: ChatOptions) -> ChatStream {
        self.road.stream(self.wish(messages, options, isStream: true))
    }

    /// Has a whole answer made; see `AIClient`.
    public func chat(_ messages: [ChatMessage], _ options: ChatOptions) async throws -> ChatReply {
        try await self.road.stream(self.wish(messages, options, isStream: false)).collect()
    }

    private func wish(_ messages: [ChatMessage], _ options: ChatOptions, isStream: Bool) -> CallRoad.Wish {
        CallRoad.Wish(
            messages: messages,
            options: options,
            model: self.model(options.model),
            principal: self.principal,
            provider: self.provider,
            isStream: isStream,
            snapshot: self.snapshot
        )
    }

    /// The model as the road has to hear it, so that it goes to the provider that was asked for.
    ///
    /// Aliases and agents say themselves where they go.
    private func model(_ wanted: String?) -> String? {
        guard !self.isDefault, let provider = self.provider else { return wanted }
        guard let model = wanted ?? KnownProviders.firstModel(at: provider.name) else { return nil }
        let prefix = "\(provider.name)/"
        if model.hasPrefix("agent/") || self.snapshot(0).catalog.route(named: model) != nil { return model }
        return model.hasPrefix(prefix) ? model : prefix + model
    }
}
