import Agents
import Core
import Testing

/// What people may say about an agent.
@Suite struct AgentProfileTests {
    static let whole = """
        {"name":"Tasks","description":"Keeps tasks.","provider":"openai","model":"gpt-4o-mini",
        "prompt":"You keep tasks.\\nBriefly.","character":"Friendly.","parameters":{"temperature":0.2,"topP":1,
        "topK":40,"frequencyPenalty":-0.5,"presencePenalty":2,"seed":7,"maxOutputTokens":300,"stop":["END"],
        "reasoningEffort":"low","parallelToolCalls":false},"mode":"both","tools":["tasks/add_task","files/*"],
        "intents":[{"tool":"tasks/add_task","patterns":["add task {title}"],"arguments":{"list":"inbox"},
        "reply":"Added {title}."}],"help":"Say: add task …","limits":{"rounds":3,"timeMs":5000,"costUsd":0.25,
        "parallel":2},"history":{"policy":"tokens","max":4000},"fallbackText":{"en":"Later.","pt-br":"Depois."},
        "moderation":{"level":"high"},"postProcessing":{"trim":true}}
        """

    static func profile(_ json: String, id: String = "tasks") throws -> AgentProfile {
        try AgentProfile(authored: try JSONValue.parse(json), id: id, group: GroupID("demo"))
    }

    @Test func `everything that is said is kept, and written as it is read`() throws {
        let profile = try Self.profile(Self.whole)
        #expect(profile.modelName == "agent/tasks")
        #expect(profile.answeringModel == "openai/gpt-4o-mini")
        #expect(profile.instructions == "You keep tasks.\nBriefly.\n\nFriendly.")
        #expect(profile.limits.costMax == MicroDollars(250_000))
        #expect(profile.fallbackText == ["en": "Later.", "pt-br": "Depois."])
        let again = try AgentProfile(authored: profile.authoredJSON, id: "tasks", group: GroupID("demo"))
        #expect(again == profile)
        #expect(again.authoredJSON == profile.authoredJSON)
        // What the API gives has every member, and a client may send back all that people decide on.
        let given = try #require(profile.json.objectValue)
        let authored = JSONValue.object(given.filter { AgentProfile.authored.contains($0.0) })
        #expect(try AgentProfile(authored: authored, id: "tasks", group: GroupID("demo")) == profile)
    }

    @Test func `what is not said has its standard value`() throws {
        let profile = try Self.profile("{}")
        #expect(profile.name == "tasks")
        #expect(profile.mode == .ai)
        #expect(profile.answeringModel == nil)
        #expect(profile.limits == AgentLimits())
        #expect(profile.instructions.isEmpty)
        let plain = try Self.profile(#"{"intents":[{"tool":"a/b","patterns":["do it"]}]}"#)
        #expect(plain.mode == .both)
    }

    @Test(arguments: [
        (#"{"modle":"x"}"#, "modle"), (#"{"model":7}"#, "model"), (#"{"model":"agent/other"}"#, "model"),
        (#"{"provider":"openai"}"#, "model"), (#"{"name":"two\nlines"}"#, "name"), (#"{"prompt":["x"]}"#, "prompt"),
        (#"{"parameters":{"temperature":2.1}}"#, "parameters.temperature"),
        (#"{"parameters":{"temperature":"hot"}}"#, "parameters.temperature"),
        (#"{"parameters":{"max_tokens":1}}"#, "parameters.max_tokens"),
        (#"{"parameters":{"maxOutputTokens":0}}"#, "parameters.maxOutputTokens"),
        (#"{"parameters":{"stop":["a",""]}}"#, "parameters.stop[1]"),
        (#"{"parameters":{"reasoningEffort":"much"}}"#, "parameters.reasoningEffort"),
        (#"{"mode":"auto"}"#, "mode"), (#"{"mode":"tools"}"#, "intents"), (#"{"tools":["tasks"]}"#, "tools[0]"),
        (#"{"tools":["a/b","a/b"]}"#, "tools[1]"), (#"{"tools":"a/b"}"#, "tools"),
        (#"{"intents":[{"tool":"a/b","patterns":[]}]}"#, "intents[0].patterns"),
        (#"{"intents":[{"patterns":["x"]}]}"#, "intents[0].tool"),
        (#"{"intents":[{"tool":"a/b","patterns":["x","{y}"]}]}"#, "intents[0].patterns[1]"),
        (#"{"intents":[{"tool":"a/b","patterns":["x"],"arguments":[1]}]}"#, "intents[0].arguments"),
        (#"{"limits":{"rounds":0}}"#, "limits.rounds"), (#"{"limits":{"costUsd":-1}}"#, "limits.costUsd"),
        (#"{"history":{"policy":"all"}}"#, "history"), (#"{"fallbackText":{"not a tag":"x"}}"#, "fallbackText"),
        (#"{"fallbackText":{"en":5}}"#, "fallbackText.en"), (#"{"moderation":"high"}"#, "moderation"), ("[]", "body"),
    ])
    func `a mistake is named with its place and what was expected`(json: String, field: String) throws {
        let fault = #expect(throws: ValueFault.self) { try Self.profile(json) }
        #expect(fault?.field == field)
        #expect(fault?.expected.isEmpty == false)
    }

    @Test(arguments: ["", "a b", "a/b", "ä", String(repeating: "x", count: 65)])
    func `an id is a short name`(id: String) {
        let fault = #expect(throws: ValueFault.self) { try Self.profile("{}", id: id) }
        #expect(fault?.field == "id")
    }

    @Test func `changes are merged member by member, and null takes away`() throws {
        let profile = try Self.profile(Self.whole)
        let changes = try JSONValue.parse(
            """
            {"model":"gpt-4o","prompt":null,"parameters":{"temperature":null,"topP":0.5},
            "history":{"policy":"messages","count":5},"fallbackText":{"en":null,"de":"Später."}}
            """
        )
        let merged = AgentProfile.merge(changes, into: profile.authoredJSON)
        let changed = try AgentProfile(authored: merged, id: "tasks", group: GroupID("demo"))
        #expect(changed.model == "gpt-4o")
        #expect(changed.prompt.isEmpty)
        #expect(changed.parameters.temperature == nil)
        #expect(changed.parameters.topP == 0.5)
        #expect(changed.parameters.topK == 40)
        #expect(changed.history == .lastMessages(5))
        #expect(changed.fallbackText == ["pt-br": "Depois.", "de": "Später."])
        #expect(changed.intents == profile.intents)
    }
}
