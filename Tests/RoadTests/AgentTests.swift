import Agents
import Auth
import Core
import Limits
import NIOCore
import Pipeline
import Providers
import Testing

/// Calls to agents, in every client's dialect.
@Suite struct AgentTests {
    static let answer =
        #"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"#
        + #""assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"#
        + #""total_tokens":4}}"#

    private static let response =
        #"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"type":"#
        + #""message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"#
        + #""Hi","annotations":[]}]}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}"#

    static func agent(_ json: String, id: String = "writer", group: String? = "demo") throws -> AgentProfile {
        var profile = try AgentProfile(
            authored: try JSONValue.parse(json),
            id: id,
            group: group.map { GroupID($0) }
        )
        if group == nil { profile.source = .settings }
        return profile
    }

    private static let plain = #"{"model":"fast","prompt":"You write.","character":"Plainly."}"#

    private static func road(_ agents: [AgentProfile], principal: Principal? = nil) throws -> Road {
        try Road(
            providers: TranslationTests.providers,
            routes: [
                RouteEntry(name: "fast", targets: [.init(provider: "openai", model: "gpt-4o-mini")]),
                RouteEntry(name: "agent/alias", targets: [.init(provider: "openai", model: "aliased")]),
            ],
            credentialsFor: ["openai", "claude"],
            principal: principal ?? Principal(group: GroupID("demo"), keyID: "dev"),
            agents: agents
        )
    }

    private static func sent(_ road: Road) throws -> JSONValue { try JSONValue.parse(road.transport.body()) }

    @Test func `the model gets the agent's prompt before the client's own, and what nobody said stays out`()
        async throws
    {
        let road = try Self.road([try Self.agent(Self.plain)])
        road.transport.scripts = [.json(Self.answer)]
        let body = """
            {"model":"agent/writer","x_own":[1.50],"messages":[{"role":"system","content":"Mine."},
            {"role":"user","content":"Hello"}]}
            """
        let answer = await road.chat(body)
        #expect(answer.status == 200)
        let sent = try Self.sent(road)
        #expect(sent["model"] == "gpt-4o-mini")
        #expect(sent["messages"]?[0] == ["role": "system", "content": "You write.\n\nPlainly."])
        #expect(sent["messages"]?[1] == ["role": "system", "content": "Mine."])
        #expect(sent["messages"]?[2] == ["role": "user", "content": "Hello"])
        #expect(sent["x_own"]?.text == "[1.50]")
        #expect(sent["temperature"] == nil && sent["tools"] == nil && sent["max_tokens"] == nil)
        #expect(answer.field("x-turnpike-dropped") == nil)
    }

    @Test func `the client's word goes before the agent's, but not beyond the agent's limit of the answer`()
        async throws
    {
        let terms = """
            {"model":"fast","parameters":{"temperature":0.2,"topP":0.5,"seed":7,"maxOutputTokens":100,"stop":["END"],
            "reasoningEffort":"low","presencePenalty":1}}
            """
        let road = try Self.road([try Self.agent(terms)])
        road.transport.scripts = Array(repeating: .json(Self.answer), count: 3)
        _ = await road.chat(#"{"model":"agent/writer","messages":[{"role":"user","content":"x"}]}"#)
        var sent = try Self.sent(road)
        #expect(sent["temperature"]?.doubleValue == 0.2)
        #expect(sent["top_p"]?.doubleValue == 0.5)
        #expect(sent["seed"] == 7 && sent["presence_penalty"] == 1)
        #expect(sent["stop"] == "END")
        #expect(sent["reasoning_effort"] == "low")
        #expect((sent["max_tokens"] ?? sent["max_completion_tokens"]) == 100)
        let own = #""temperature":1.0,"max_completion_tokens":5000,"seed":1,"stop":["A","B"]"#
        _ = await road.chat(#"{"model":"agent/writer",\#(own),"messages":[{"role":"user","content":"x"}]}"#)
        sent = try JSONValue.parse(road.transport.body(1))
        #expect(sent["temperature"]?.text == "1.0")
        #expect(sent["max_completion_tokens"] == 100 && sent["max_tokens"] == nil)
        #expect(sent["seed"] == 1 && sent["stop"] == ["A", "B"])
        let less = #"{"model":"agent/writer","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#
        _ = await road.chat(less)
        #expect(try JSONValue.parse(road.transport.body(2))["max_tokens"] == 9)
    }

    @Test func `an Anthropic client reaches the same agent, at any provider`() async throws {
        let road = try Self.road([
            try Self.agent(Self.plain),
            try Self.agent(#"{"model":"claude/claude-x","prompt":"You write."}"#, id: "own"),
        ])
        road.transport.scripts = [.json(Self.answer), .json(TranslationTests.message), .json(TranslationTests.message)]
        let body = """
            {"model":"agent/writer","max_tokens":50,"system":[{"type":"text","text":"Mine."}],
            "messages":[{"role":"user","content":"Hello"}]}
            """
        let answer = await road.send("POST", "/v1/messages", body: body)
        #expect(answer.status == 200)
        #expect(answer.json?["content"]?[0]?["text"] == "Hi")
        var sent = try Self.sent(road)
        #expect(sent["messages"]?.arrayValue?.last == ["role": "user", "content": "Hello"])
        let told = sent["messages"]?[0]?.text ?? ""
        #expect(told.contains("You write.") && told.contains("Mine."))
        // At Anthropic itself both stand in `system`, the agent's first.
        _ = await road.send("POST", "/v1/messages", body: body.replacing("agent/writer", with: "agent/own"))
        sent = try JSONValue.parse(road.transport.body(1))
        #expect(sent["model"] == "claude-x")
        #expect(sent["system"]?[0]?["text"] == "You write." && sent["system"]?[1]?["text"] == "Mine.")
        #expect(sent["messages"]?.arrayValue?.count == 1)
        _ = await road.send(
            "POST",
            "/v1/messages",
            body: #"{"model":"agent/own","max_tokens":5,"messages":[{"role":"user","content":"x"}]}"#
        )
        sent = try JSONValue.parse(road.transport.body(2))
        #expect(sent["system"] == "You write." || sent["system"]?[0]?["text"] == "You write.")
    }

    @Test func `a client of responses reaches it with its own instructions behind the agent's`() async throws {
        let road = try Self.road([try Self.agent(Self.plain)])
        road.transport.scripts = [.json(Self.response), .json(Self.response)]
        let body = #"{"model":"agent/writer","instructions":"Mine \"so\".","input":"Hello","store":false}"#
        let answer = await road.send("POST", "/v1/responses", body: body)
        #expect(answer.status == 200)
        let sent = try Self.sent(road)
        let told = sent["instructions"]?.stringValue ?? sent["messages"]?[0]?["content"]?.stringValue
        #expect(told == "You write.\n\nPlainly.\n\nMine \"so\".")
        #expect(sent.text.contains("Hello"))
        _ = await road.send(
            "POST",
            "/v1/responses",
            body: #"{"model":"agent/writer","input":[{"role":"user","content":"Hi there"}],"store":false}"#
        )
        let second = try JSONValue.parse(road.transport.body(1))
        let only = second["instructions"]?.stringValue ?? second["messages"]?[0]?["content"]?.stringValue
        #expect(only == "You write.\n\nPlainly.")
        #expect(second.text.contains("Hi there"))
    }

    @Test func `a stream to an agent comes as any other`() async throws {
        let road = try Self.road([try Self.agent(Self.plain)])
        road.transport.scripts = [
            .stream(.bytes(StreamTests.role + StreamTests.text("Hel") + StreamTests.finish + StreamTests.done))
        ]
        let body = #"{"model":"agent/writer","stream":true,"messages":[{"role":"user","content":"x"}]}"#
        let answer = await road.chat(body)
        #expect(answer.sent.contains("Hel") && answer.sent.hasSuffix("data: [DONE]\n\n"))
        #expect(try Self.sent(road)["stream"] == true)
    }

    @Test func `tokens of an agent's prompt are counted with the client's`() async throws {
        let road = try Self.road([try Self.agent(#"{"model":"claude/claude-x","prompt":"You write."}"#)])
        road.transport.scripts = [.json(#"{"input_tokens":12}"#)]
        let answer = await road.send(
            "POST",
            "/v1/messages/count_tokens",
            body: #"{"model":"agent/writer","messages":[{"role":"user","content":"x"}]}"#
        )
        #expect(answer.json?["input_tokens"] == 12)
        let sent = try Self.sent(road)
        #expect(sent["max_tokens"] == nil)
        #expect(sent.text.contains("You write."))
    }

    @Test func `whoever may use the agent may use its model, and nobody else may use the agent`() async throws {
        func principal(_ models: [String]?) -> Principal {
            Principal(group: GroupID("demo"), keyID: "dev", allowedModels: models)
        }
        let ask = #"{"model":"agent/writer","messages":[{"role":"user","content":"x"}]}"#
        let allowed = try Self.road([try Self.agent(Self.plain)], principal: principal(["agent/*"]))
        allowed.transport.scripts = [.json(Self.answer)]
        #expect(await allowed.chat(ask).status == 200)
        let direct = await allowed.chat(#"{"model":"fast","messages":[{"role":"user","content":"x"}]}"#)
        #expect(direct.status == 403)
        let refused = try Self.road([try Self.agent(Self.plain)], principal: principal(["fast", "gpt-*"]))
        let answer = await refused.chat(ask)
        #expect(answer.status == 403)
        #expect(answer.json?["error"]?["code"] == "model_not_allowed")
        #expect(refused.transport.requests.isEmpty)
    }

    @Test func `an agent that is not there is told with the nearest that is, and never another group's`() async throws {
        let road = try Self.road([
            try Self.agent(Self.plain), try Self.agent(Self.plain, id: "secret", group: "other"),
        ])
        let answer = await road.chat(#"{"model":"agent/writr","messages":[]}"#)
        #expect(answer.status == 404)
        #expect(answer.json?["error"]?["code"] == "model_not_found")
        #expect(answer.json?["error"]?["message"]?.stringValue?.contains("'agent/writer'") == true)
        let theirs = await road.chat(#"{"model":"agent/secret","messages":[]}"#)
        #expect(theirs.status == 404)
        #expect(!theirs.sent.contains("'agent/secret'"))
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `a key of an agent asks for it where no model is named`() async throws {
        let principal = Principal(group: GroupID("demo"), keyID: "dev", owner: .agent("writer"))
        let road = try Self.road([try Self.agent(Self.plain)], principal: principal)
        road.transport.scripts = [.json(Self.answer)]
        #expect(await road.chat(#"{"messages":[{"role":"user","content":"x"}]}"#).status == 200)
        #expect(try Self.sent(road)["messages"]?[0]?["content"] == "You write.\n\nPlainly.")
    }

    @Test func `an alias of the same name goes before the agent, and other operations have no agents`() async throws {
        let road = try Self.road([try Self.agent(Self.plain, id: "alias"), try Self.agent(Self.plain)])
        road.transport.scripts = [.json(Self.answer)]
        _ = await road.chat(#"{"model":"agent/alias","messages":[{"role":"user","content":"x"}]}"#)
        #expect(try Self.sent(road)["model"] == "aliased")
        #expect(road.transport.body() == #"{"model":"aliased","messages":[{"role":"user","content":"x"}]}"#)
        let embeddings = await road.send("POST", "/v1/embeddings", body: #"{"model":"agent/writer","input":"x"}"#)
        #expect(embeddings.status == 400)
    }

    @Test func `models list the agents that the key may use`() async throws {
        let agents = [
            try Self.agent(Self.plain), try Self.agent(Self.plain, id: "common", group: nil),
            try Self.agent(Self.plain, id: "theirs", group: "other"),
        ]
        let road = try Self.road(agents)
        let names = await road.send("GET", "/v1/models").json?["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue }
        #expect(names?.filter { $0.hasPrefix("agent/") }.sorted() == ["agent/alias", "agent/common", "agent/writer"])
        let one = await road.send("GET", "/v1/models/agent/writer")
        #expect(one.json?["id"] == "agent/writer")
        let limited = try Self.road(
            agents,
            principal: Principal(group: GroupID("demo"), keyID: "dev", allowedModels: ["agent/common"])
        )
        let few = await limited.send("GET", "/v1/models").json?["data"]?.arrayValue?.compactMap {
            $0["id"]?.stringValue
        }
        #expect(few == ["agent/common"])
    }

    @Test func `whoever asks why a call went as it did is told of the agent`() async throws {
        let road = try Self.road([try Self.agent(Self.plain)])
        road.transport.scripts = [.json(Self.answer)]
        _ = await road.chat(
            #"{"model":"agent/writer","messages":[{"role":"user","content":"x"}]}"#,
            fields: "x-request-id: why-1\r\n"
        )
        let call = try #require(road.calls.calls(withID: "why-1").first)
        #expect(call.json.text.contains("the agent 'writer' was asked"))
        #expect(call.json.text.contains("agent/writer"))
    }
}
