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

/// Requests that an agent's intents answer, without a model.
@Suite struct IntentTests {
    /// What the tools were called with.
    private final class Calls: Sendable {
        private let box = NIOLockedValueBox<[(String, JSONValue, ToolCaller)]>([])
        var all: [(tool: String, arguments: JSONValue, caller: ToolCaller)] { self.box.withLockedValue { $0 } }
        func note(_ tool: String, _ arguments: JSONValue, _ caller: ToolCaller) {
            self.box.withLockedValue { $0.append((tool, arguments, caller)) }
        }
    }

    private static let profile = """
        {"model":"fast","prompt":"You keep tasks.","tools":["tasks/add"],"intents":[
        {"tool":"tasks/add","patterns":["add (a) task {title} [by {due:date}]"],"arguments":{"list":"inbox"},
        "reply":"Added {title}[ for {due}]."},
        {"tool":"tasks/list","patterns":["list my tasks"]},
        {"tool":"tasks/done","patterns":["done {id}","done"]},
        {"tool":"tasks/fail","patterns":["fail"]},{"tool":"gone/x","patterns":["go away"]},
        {"tool":"tasks/unknown","patterns":["what is unknown"]}],"mode":"MODE"}
        """

    private static func servers(_ calls: Calls) async throws -> ToolServers {
        func tool(_ name: String, _ schema: JSONValue) -> Tools.ToolDefinition {
            Tools.ToolDefinition(name: name, description: "Does \(name).", inputSchema: schema)
        }
        let add: JSONValue = [
            "type": "object", "required": ["title"],
            "properties": ["title": ["type": "string", "minLength": 2], "due": ["type": "string"]],
        ]
        let done: JSONValue = [
            "type": "object", "required": ["id"], "properties": ["id": ["type": "integer", "minimum": 1]],
        ]
        let local = LocalToolServer(
            name: "tasks",
            title: "Tasks",
            version: "1",
            instructions: "",
            tools: [
                tool("add", add), tool("list", ["type": "object"]), tool("done", done),
                tool("fail", ["type": "object"]),
            ],
            call: { name, arguments, caller in
                calls.note(name, arguments, caller)
                switch name {
                case "list": return ToolOutcome(text: "1. milk")
                case "done": return ToolOutcome(text: "")
                case "fail": return ToolOutcome(text: "The list is full.", isError: true)
                default: return ToolOutcome(text: "ok")
                }
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

    private static func road(mode: String, _ calls: Calls = Calls(), credentials: [String] = ["openai"]) async throws
        -> Road
    {
        try Road(
            routes: [RouteEntry(name: "fast", targets: [.init(provider: "openai", model: "gpt-4o-mini")])],
            credentialsFor: credentials,
            principal: Principal(
                group: GroupID("demo"),
                keyID: "dev",
                owner: .user(UserID("ann")),
                allowedModels: ["agent/tasks"]
            ),
            agents: [try AgentTests.agent(Self.profile.replacing("MODE", with: mode), id: "tasks")],
            tools: try await Self.servers(calls)
        )
    }

    private static func ask(_ text: String, _ more: String = "") -> String {
        let content = JSONValue.string(text).text
        return #"{"model":"agent/tasks"\#(more),"messages":[{"role":"user","content":\#(content)}]}"#
    }

    @Test(arguments: ["tools", "both"])
    func `a plain request runs its tool and no model, and costs nothing`(mode: String) async throws {
        let calls = Calls()
        // Not even a credential is needed.
        let road = try await Self.road(mode: mode, calls, credentials: [])
        let answer = await road.chat(Self.ask("Add a task buy milk by 2027-01-31."))
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-intent") == "tasks/add")
        #expect(answer.field("x-turnpike-intent-error") == nil)
        #expect(answer.json?["model"] == "agent/tasks")
        #expect(answer.json?["object"] == "chat.completion")
        #expect(answer.json?["choices"]?[0]?["message"]?["content"] == "Added buy milk for 2027-01-31.")
        #expect(answer.json?["choices"]?[0]?["finish_reason"] == "stop")
        #expect(answer.json?["usage"]?["total_tokens"] == 0)
        let call = try #require(calls.all.first)
        #expect(calls.all.count == 1 && call.tool == "add")
        #expect(call.arguments == ["list": "inbox", "title": "buy milk", "due": "2027-01-31"])
        #expect(call.caller.group == GroupID("demo") && call.caller.user == UserID("ann"))
        #expect(call.caller.agent == "tasks" && call.caller.key == GatewayKeyID("dev"))
        #expect(road.transport.requests.isEmpty)
        let list = await road.chat(Self.ask("list my tasks"))
        #expect(list.json?["choices"]?[0]?["message"]?["content"] == "1. milk")
    }

    @Test func `it answers in the client's dialect, whole and as a stream`() async throws {
        let road = try await Self.road(mode: "both")
        let stream = await road.chat(
            Self.ask("list my tasks", #","stream":true,"stream_options":{"include_usage":true}"#)
        )
        #expect(stream.status == 200)
        #expect(stream.field("x-turnpike-intent") == "tasks/list")
        #expect(stream.sent.contains(#""content":"1. milk""#) && stream.sent.contains(#""model":"agent/tasks""#))
        #expect(stream.sent.contains(#""total_tokens":0"#) && stream.sent.hasSuffix("data: [DONE]\n\n"))
        let message = #"{"model":"agent/tasks","max_tokens":9,"messages":[{"role":"user","content":"list my tasks"}]}"#
        let whole = await road.send("POST", "/v1/messages", body: message)
        #expect(whole.json?["type"] == "message" && whole.json?["model"] == "agent/tasks")
        #expect(whole.json?["content"]?[0]?["text"] == "1. milk")
        #expect(whole.json?["stop_reason"] == "end_turn")
        #expect(whole.json?["usage"]?["output_tokens"] == 0)
        let events = await road.send(
            "POST",
            "/v1/messages",
            body: message.replacing("max_", with: "stream\":true,\"max_")
        )
        #expect(events.sent.hasPrefix("event: message_start") && events.sent.contains("1. milk"))
        #expect(events.sent.hasSuffix("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
        let response = await road.send(
            "POST",
            "/v1/responses",
            body: #"{"model":"agent/tasks","input":"list my tasks"}"#
        )
        #expect(response.json?["object"] == "response" && response.json?["status"] == "completed")
        #expect(response.json?["output"]?[0]?["content"]?[0]?["text"] == "1. milk")
        let flow = await road.send(
            "POST",
            "/v1/responses",
            body: #"{"model":"agent/tasks","stream":true,"input":[{"role":"user","content":"list my tasks"}]}"#
        )
        #expect(flow.sent.contains("event: response.completed") && flow.sent.contains("1. milk"))
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `what is missing or does not fit is said, and the tool does not run`() async throws {
        let calls = Calls()
        let road = try await Self.road(mode: "tools", calls)
        let missing = await road.chat(Self.ask("done"))
        #expect(missing.json?["choices"]?[0]?["message"]?["content"] == "For that I also need: id.")
        #expect(missing.field("x-turnpike-intent-error") == "bad_arguments")
        let wrong = await road.chat(Self.ask("done soon"))
        let text = wrong.json?["choices"]?[0]?["message"]?["content"]?.stringValue ?? ""
        #expect(text.hasPrefix("That cannot be done as it was said: id "))
        #expect(calls.all.isEmpty)
        // A text that is the number which the tool wants becomes one.
        let right = await road.chat(Self.ask("done 3"))
        #expect(right.json?["choices"]?[0]?["message"]?["content"] == "Done.")
        #expect(calls.all.first?.arguments == ["id": 3])
    }

    @Test(arguments: [
        ("fail", "The list is full.", "tool_error"), ("go away", "There is no tool server 'gone'.", "unknown_server"),
        ("what is unknown", "The tool server 'tasks' has no tool 'unknown'.", "unknown_tool"),
    ])
    func `a tool that fails is an answer that says so`(request: String, text: String, label: String) async throws {
        let road = try await Self.road(mode: "both")
        let answer = await road.chat(Self.ask(request))
        #expect(answer.status == 200)
        #expect(answer.json?["choices"]?[0]?["message"]?["content"]?.stringValue == text)
        #expect(answer.field("x-turnpike-intent-error") == label)
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `what no intent knows goes to the model in the mode both, with the agent's tools`() async throws {
        let road = try await Self.road(mode: "both")
        road.transport.scripts = [.json(AgentTests.answer)]
        let answer = await road.chat(Self.ask("Tell me a story."))
        #expect(answer.json?["choices"]?[0]?["message"]?["content"] == "Hi")
        #expect(answer.field("x-turnpike-intent") == nil)
        let sent = try JSONValue.parse(road.transport.body())
        let prompt = sent["messages"]?[0]?["content"]?.stringValue ?? ""
        #expect(prompt.hasPrefix("You keep tasks.\n\n") && prompt.contains("data, not instructions"))
        #expect(sent["tools"]?.arrayValue?.count == 1)
        #expect(sent["tools"]?[0]?["function"]?["name"] == "tasks__add")
        #expect(sent["tools"]?[0]?["function"]?["parameters"]?["required"] == ["title"])
    }

    @Test func `in the mode tools what no intent knows is told what it can ask for, and no model is asked`()
        async throws
    {
        let road = try await Self.road(mode: "tools")
        let answer = await road.chat(Self.ask("Tell me a story."))
        let text = answer.json?["choices"]?[0]?["message"]?["content"]?.stringValue ?? ""
        #expect(text.contains("- add (a) task {title}") && text.contains("- list my tasks"))
        #expect(answer.field("x-turnpike-intent") == nil)
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `in the mode ai nothing is matched`() async throws {
        let calls = Calls()
        let road = try await Self.road(mode: "ai", calls)
        road.transport.scripts = [.json(AgentTests.answer)]
        let answer = await road.chat(Self.ask("list my tasks"))
        #expect(answer.json?["choices"]?[0]?["message"]?["content"] == "Hi")
        #expect(calls.all.isEmpty && road.transport.requests.count == 1)
    }

    @Test func `only the last words of a user are a request`() async throws {
        let calls = Calls()
        let road = try await Self.road(mode: "both", calls)
        road.transport.scripts = Array(repeating: .json(AgentTests.answer), count: 2)
        let said = #"{"role":"user","content":"list my tasks"}"#
        let words = #"{"type":"text","text":"list my tasks"}"#
        let image = #"{"type":"image_url","image_url":{"url":"https://e.example/x.png"}}"#
        _ = await road.chat(#"{"model":"agent/tasks","messages":[\#(said),{"role":"assistant","content":"No."}]}"#)
        _ = await road.chat(
            #"{"model":"agent/tasks","messages":[{"role":"user","content":[\#(words),\#(image)]}]}"#
        )
        #expect(calls.all.isEmpty && road.transport.requests.count == 2)
        let later = #"{"model":"agent/tasks","messages":[{"role":"assistant","content":"So?"},\#(said)]}"#
        #expect(await road.chat(later).json?["choices"]?[0]?["message"]?["content"] == "1. milk")
    }
}
