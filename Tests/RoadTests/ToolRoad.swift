import Agents
import Auth
import Core
import Database
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import SQLite
import Testing
import Tools

/// A gateway whose agent `helper` has tools of a server in this process.
struct ToolRoad {
    /// What the tools were called with.
    final class Calls: Sendable {
        private struct State {
            var all: [(tool: String, arguments: JSONValue)] = []
            var running = 0
            var most = 0
        }
        private let state = NIOLockedValueBox(State())
        var all: [(tool: String, arguments: JSONValue)] { self.state.withLockedValue { $0.all } }
        /// The most that ran at the same time.
        var most: Int { self.state.withLockedValue { $0.most } }

        func begin(_ tool: String, _ arguments: JSONValue) {
            self.state.withLockedValue { state in
                state.all.append((tool, arguments))
                state.running += 1
                state.most = max(state.most, state.running)
            }
        }
        func end() { self.state.withLockedValue { $0.running -= 1 } }
    }

    typealias Answer = @Sendable (String, JSONValue) async throws(ToolError) -> ToolOutcome

    static let answer: Answer = { tool, arguments in
        ToolOutcome(text: tool == "add" ? "Added \(arguments["title"]?.stringValue ?? "")." : "1. milk")
    }

    /// A server `tasks` of this process, of which the agent may use two tools.
    static func servers(_ calls: Calls, _ answer: @escaping Answer = ToolRoad.answer) throws -> ToolServers {
        let add: JSONValue = [
            "type": "object", "required": ["title"], "properties": ["title": ["type": "string", "minLength": 2]],
            "additionalProperties": false,
        ]
        let local = LocalToolServer(
            name: "tasks",
            title: "Tasks",
            version: "1",
            instructions: "",
            tools: [
                Tools.ToolDefinition(name: "add", description: "Adds a task.", inputSchema: add),
                Tools.ToolDefinition(name: "list", description: "Lists tasks.", inputSchema: ["type": "object"]),
                Tools.ToolDefinition(name: "wipe", description: "Wipes all.", inputSchema: ["type": "object"]),
            ],
            call: { tool, arguments, _ async throws(ToolError) in
                calls.begin(tool, arguments)
                defer { calls.end() }
                return try await answer(tool, arguments)
            }
        )
        let surroundings = ToolServers.Surroundings(
            dialer: ToolDialer { _ in throw CancellationError() },
            launcher: nil,
            database: try SQLiteDatabase.inMemory(),
            version: "test",
            wallClock: { UnixTime(seconds: 1_700_000_000) }
        )
        return ToolServers(surroundings, local: [local])
    }

    let road: Road
    let calls: Calls

    /// - Parameters:
    ///   - agent: Members of the agent's profile, each with a comma behind it.
    ///   - answer: What a tool answers.
    init(
        _ agent: String = "",
        provider: String = "openai",
        retriesMax: Int = 0,
        fallback: String? = nil,
        monotonicClock: @escaping @Sendable () -> NIODeadline = { .now() },
        answer: @escaping Answer = ToolRoad.answer
    ) throws {
        let calls = Calls()
        self.calls = calls
        let profile = """
            {"model":"smart","prompt":"You keep tasks.",\(agent)"tools":["tasks/add","tasks/list"]}
            """
        let second = fallback.map { [RouteEntry.TargetEntry(provider: $0, model: "second")] } ?? []
        self.road = try Road(
            providers: TranslationTests.providers,
            routes: [RouteEntry(name: "smart", targets: [.init(provider: provider, model: "first")] + second)],
            credentialsFor: ["openai", "claude", "groq", "openrouter"],
            retriesMax: retriesMax,
            agents: [try AgentTests.agent(profile, id: "helper")],
            tools: try Self.servers(calls, answer),
            monotonicClock: monotonicClock
        )
    }

    static let ask = #"{"model":"agent/helper","messages":[{"role":"user","content":"Remember the milk"}]}"#

    func sent(_ number: Int) throws -> JSONValue { try JSONValue.parse(self.road.transport.body(number)) }

    // MARK: - What an OpenAI provider says

    /// A turn that calls tools: pairs of a name as models have it and arguments.
    static func calls(_ calls: [(name: String, arguments: String)], text: String? = nil) -> FakeUpstream.Script {
        let list = calls.enumerated().map { index, call in
            let arguments = JSONValue.string(call.arguments).text
            return
                #"{"id":"call_\#(index)","type":"function","#
                + #""function":{"name":"\#(call.name)","arguments":\#(arguments)}}"#
        }
        let content = text.map { JSONValue.string($0).text } ?? "null"
        return .json(
            #"{"id":"c1","object":"chat.completion","created":1,"model":"first","choices":[{"index":0,"message":"#
                + #"{"role":"assistant","content":\#(content),"tool_calls":[\#(list.joined(separator: ","))]},"#
                + #""finish_reason":"tool_calls"}],"#
                + #""usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#
        )
    }

    static func says(_ text: String) -> FakeUpstream.Script {
        .json(
            #"{"id":"c2","object":"chat.completion","created":1,"model":"first","choices":[{"index":0,"message":"#
                + #"{"role":"assistant","content":"\#(text)"},"finish_reason":"stop"}],"#
                + #""usage":{"prompt_tokens":20,"completion_tokens":2,"total_tokens":22}}"#
        )
    }

    /// The events of a streamed turn that says something and calls a tool.
    static func streamedCall(_ name: String, _ arguments: String, text: String = "") -> String {
        let (first, rest) = (arguments.prefix(arguments.count / 2), arguments.dropFirst(arguments.count / 2))
        func delta(_ json: String) -> String {
            StreamTests.data(#"{"id":"1","choices":[{"index":0,"delta":{"tool_calls":[\#(json)]}}]}"#)
        }
        func piece(_ text: Substring) -> String { #""arguments":\#(JSONValue.string(String(text)).text)"# }
        return StreamTests.role + (text.isEmpty ? "" : StreamTests.text(text))
            + delta(#"{"index":0,"id":"call_0","type":"function","function":{"name":"\#(name)",\#(piece(first))}}"#)
            + delta(#"{"index":0,"function":{\#(piece(rest))}}"#)
            + StreamTests.data(#"{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#)
            + Self.usage(10, 5) + StreamTests.done
    }

    static func streamedText(_ words: String...) -> String {
        StreamTests.role + words.map { StreamTests.text($0) }.joined() + StreamTests.finish + Self.usage(20, 2)
            + StreamTests.done
    }

    static func usage(_ input: Int, _ output: Int) -> String {
        StreamTests.data(#"{"id":"1","choices":[],"usage":{"prompt_tokens":\#(input),"completion_tokens":\#(output)}}"#)
    }
}
