internal import Core
internal import NIOCore
internal import Net
internal import Transport

/// Clients of a gateway somewhere else, over HTTP, with the API of those in process.
///
///     let clients = try await RemoteAIClients(baseURL: "https://ai.example.com", key: key)
///     let reply = try await clients.client().chat([.user("Hello")])
///     await clients.close()
public final class RemoteAIClients: Sendable {
    private let line: RemoteLine

    /// Clients of one gateway and one key; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - baseURL: The gateway's address, with or without `/v1`.
    ///   - key: A gateway key, `tp_…`; its group and its user are those of all calls.
    ///   - timeout: The most time for an answer, and for a stream up to its end.
    ///   - resumes: How often a call with an idempotency key is taken up again, and a connection that could not be made
    ///     is tried again.
    /// - Throws: `AIConfigurationError` for an address or a key that cannot be one.
    public init(
        baseURL: String,
        key: String,
        timeout: Duration = .seconds(600),
        resumes: Int = 5
    ) async throws {
        guard !key.isEmpty else { throw AIConfigurationError("the key is empty") }
        var address = Substring(baseURL)
        while address.hasSuffix("/") { address.removeLast() }
        if address.hasSuffix("/v1") { address.removeLast(3) }
        let endpoint: Endpoint
        do throws(EndpointError) {
            endpoint = try Endpoint(url: String(address), allowPrivate: true)
        } catch {
            throw AIConfigurationError("the address of the gateway \(error.rawValue)")
        }
        self.line = RemoteLine(
            runtime: try await NetRuntime(loopCount: 1),
            endpoint: endpoint,
            key: Secret(key),
            timeout: timeout,
            resumes: max(0, resumes)
        )
    }

    /// A client whose models go to a provider; nil: wherever the gateway sends them.
    ///
    /// What the group has, the gateway knows: the first call tells.
    public func client(provider: AIProvider? = nil) -> RemoteAIClient {
        RemoteAIClient(provider: provider, line: self.line)
    }

    /// Takes no more calls, waits for those under way, and closes the connections.
    ///
    /// - Parameter grace: How long calls under way have; what is not over then is cut.
    public func close(within grace: Duration = .seconds(30)) async { await self.line.close(within: grace) }
}

/// Calls a gateway somewhere else.
public struct RemoteAIClient: AIClient {
    /// The provider that was asked for.
    public let provider: AIProvider?
    /// Nil: the gateway knows which key it is.
    public var credentialId: String? { nil }

    let line: RemoteLine

    /// Begins a chat; see `AIClient`.
    public func streamChat(_ messages: [ChatMessage], _ options: ChatOptions) -> ChatStream {
        self.line.stream(messages, options, model: self.model(options.model), isStream: true)
    }

    /// Has a whole answer made; see `AIClient`.
    public func chat(_ messages: [ChatMessage], _ options: ChatOptions) async throws -> ChatReply {
        let model = self.model(options.model)
        return try await self.line.stream(messages, options, model: model, isStream: false).collect()
    }

    /// The model as the gateway has to hear it; it alone knows its aliases, so they are asked for without a provider.
    private func model(_ wanted: String?) -> String? {
        guard let provider = self.provider, let model = wanted, !model.hasPrefix("agent/") else { return wanted }
        let prefix = "\(provider.name)/"
        return model.hasPrefix(prefix) ? model : prefix + model
    }
}
