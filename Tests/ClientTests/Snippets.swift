import TurnpikeClient
import TurnpikeRemote

/// The code of the pages about the library, as it stands there.
///
/// `PagesTests` holds the pages against what is between the marks.
enum Snippets {
    static func open() async throws -> AIClients {
        // snippet: open
        let clients = try await AIClients(.init(file: "turnpike.yaml"))
        // end
        return clients
    }

    static func find(_ clients: AIClients) async throws -> GroupAIClient {
        // snippet: find
        let client = try await clients.client(forGroup: "acme", provider: .openRouter)
        // end
        return client
    }

    static func stream(_ client: some AIClient, print: (String) -> Void) async throws {
        // snippet: stream
        for try await event in client.streamChat([.user("Hello")]) {
            switch event {
            case .content(let text): print(text)
            case .toolCall(let call): print("wants \(call.name) with \(call.arguments)")
            case .done(let end): print("\(end.usage?.outputTokens ?? 0) tokens")
            }
        }
        // end
    }

    static func chat(_ client: some AIClient) async throws -> String {
        // snippet: chat
        let reply = try await client.chat([.system("Be brief."), .user("Hello")])
        // end
        return reply.content
    }

    static func missing(_ clients: AIClients) async throws -> String {
        // snippet: missing
        do {
            let client = try await clients.client(forUser: "ann")
            return try await client.chat([.user("Hello")]).content
        } catch let error as AINotConfiguredError {
            return "\(error) \(error.settingsURL ?? "")"
        } catch let error as AIError where error.code == "BUDGET_EXCEEDED" {
            return "That is enough for this month."
        }
        // end
    }

    static func tools(_ client: some AIClient, weather: (String) -> String) async throws -> String {
        // snippet: tools
        let options = ChatOptions(tools: [ChatTool(name: "weather", description: "The weather in Rome.")])
        var messages: [ChatMessage] = [.user("How is the weather in Rome?")]
        var reply = try await client.chat(messages, options)
        while !reply.toolCalls.isEmpty {
            messages.append(reply.message)
            messages += reply.toolCalls.map { .tool(weather($0.arguments), for: $0) }
            reply = try await client.chat(messages, options)
        }
        // end
        return reply.content
    }

    static func direct(key: String) async throws -> DirectAIClient {
        // snippet: direct
        let terms = DirectAIClient.Terms(
            key: key,
            baseURL: "https://api.openai.com/v1",
            defaultModel: "gpt-4o-mini",
            timeout: .seconds(20),
            retries: 1
        )
        let client = try await DirectAIClient(terms)
        // end
        return client
    }

    static func remote(gatewayKey: String) async throws -> ChatReply {
        // snippet: remote
        let clients = try await RemoteAIClients(baseURL: "https://ai.example.com", key: gatewayKey)
        let options = ChatOptions(idempotencyKey: "order-4711")
        let reply = try await clients.client().streamChat([.user("Hello")], options).collect()
        // end
        return reply
    }

    static func close(_ clients: AIClients) async {
        // snippet: close
        await clients.close()
        // end
    }
}
