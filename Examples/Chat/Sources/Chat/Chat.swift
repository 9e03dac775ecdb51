import TurnpikeClient
import TurnpikeRemote

/// A chat at the terminal, with the gateway in this process or somewhere else.
///
///     swift run chat turnpike.yaml acme            # in process, with the key of the group acme
///     swift run chat http://127.0.0.1:8080 tp_…    # over HTTP, with a gateway key
@main
struct Chat {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            print("usage: chat <settings file> <group>  |  chat <gateway's URL> <gateway key>")
            return
        }
        if arguments[1].hasPrefix("http") {
            let clients = try await RemoteAIClients(baseURL: arguments[1], key: arguments[2])
            await Self.talk(clients.client())
            await clients.close()
        } else {
            let clients = try await AIClients(.init(file: arguments[1]))
            do {
                await Self.talk(try await clients.client(forGroup: arguments[2]))
            } catch {
                print(error)
            }
            await clients.close()
        }
    }

    /// One question a line, until the end of the input.
    private static func talk(_ client: some AIClient) async {
        var messages: [ChatMessage] = []
        while let line = readLine() {
            messages.append(.user(line))
            var said = ""
            do {
                for try await event in client.streamChat(messages) {
                    switch event {
                    case .content(let text):
                        print(text, terminator: "")
                        said += text
                    case .toolCall: break
                    case .done(let end): print("\n[\(end.usage.map { "\($0.outputTokens)" } ?? "?") tokens]")
                    }
                }
                messages.append(.assistant(said))
            } catch {
                print("\n\(error)")
                messages.removeLast()
            }
        }
    }
}
