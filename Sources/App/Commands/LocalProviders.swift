import Core
import Engine
import NIOCore
import Transport

/// Looks for providers on this machine that nobody configured.
enum LocalProviders {
    /// Where Ollama listens.
    private static let ollamaURL = "http://127.0.0.1:11434/v1"
    /// The longest that a start waits for an answer; a port that nobody listens on refuses at once.
    private static let patience = TimeAmount.milliseconds(150)

    /// The providers found, for a start without a settings file; nothing is looked for otherwise.
    static func find(for input: SettingsInput) async -> [DiscoveredProvider] {
        guard input.namedPath == nil, (try? input.readFile(input.path)) == nil,
            let endpoint = try? Endpoint(url: Self.ollamaURL, allowPrivate: true)
        else { return [] }
        let timeouts = Timeouts(
            connect: Self.patience,
            firstByte: Self.patience,
            idle: Self.patience,
            total: Self.patience,
            streamMax: Self.patience
        )
        let request = CommandRequest(method: "GET", endpoint: endpoint, path: "/models", timeouts: timeouts)
        do {
            let answer = try await CommandClient.with { try await $0.send(request) }
            guard answer.status == 200 else { return [] }
            let models = (try? JSONValue.parse(answer.body))?["data"]?.arrayValue ?? []
            let names = models.compactMap { $0["id"]?.stringValue }
            return [DiscoveredProvider(name: "ollama", baseURL: Self.ollamaURL, model: names.first)]
        } catch {
            return []
        }
    }
}
