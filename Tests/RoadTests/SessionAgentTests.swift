import Agents
import Conversations
import Core
import Pipeline
import Testing
import Tools

/// Agents that answer in sessions.
@MainActor @Suite struct SessionAgentTests {
    private static func kit(_ agent: String = "", calls: ToolRoad.Calls = .init()) async throws -> SessionKit {
        let profile = #"{"model":"fast","prompt":"You keep tasks.",\#(agent)"tools":["tasks/add","tasks/list"]}"#
        let kit = try await SessionKit(
            agents: [try AgentTests.agent(profile, id: "helper")],
            tools: try ToolRoad.servers(calls)
        )
        _ = try await kit.session(SessionDraft(agentID: "helper"))
        return kit
    }

    @Test func `tools that run for an answer are shown, and kept with it`() async throws {
        let calls = ToolRoad.Calls()
        let kit = try await Self.kit(calls: calls)
        kit.road.transport.scripts = [
            .stream(.bytes(ToolRoad.streamedCall("tasks__add", #"{"title":"milk"}"#, text: "Well. "))),
            .stream(.bytes(ToolRoad.streamedText("Done."))),
        ]
        let answer = await kit.say("Remember the milk", isStream: true)
        let events = SessionEvent.read(answer.sent)
        #expect(events.map(\.type) == ["start", "content", "tool_call", "tool_result", "content", "done"])
        #expect(events.map(\.id) == (1...6).map { "2-\($0)" })
        let call: JSONValue = [
            "type": "tool_call", "id": "call_0", "name": "tasks/add", "arguments": ["title": "milk"],
        ]
        let result: JSONValue = [
            "type": "tool_result", "id": "call_0", "name": "tasks/add", "content": "Added milk.", "isError": false,
        ]
        #expect(events[2].json == call)
        #expect(events[3].json == result)
        #expect(events[5].json?["usage"]?["inputTokens"] == 30)
        let stored = try await kit.stored()
        let parts = try JSONValue.parse(stored[1].content).arrayValue
        #expect(parts == [["type": "text", "text": "Well. "], call, result, ["type": "text", "text": "Done."]])
        // Whoever follows from between the call and its result gets the rest.
        let rest = SessionEvent.read(await kit.follow(after: "2-3").sent)
        #expect(rest == Array(events[3...]))
        // The next turn has what was said, and tools are no part of that.
        kit.road.transport.scripts = [.stream(.bytes(ToolRoad.streamedText("Yes.")))]
        _ = await kit.say("Sure?")
        let messages = try JSONValue.parse(kit.road.transport.body(2))["messages"]?.arrayValue
        #expect(messages?.map { $0["role"] } == ["system", "user", "assistant", "user"])
        #expect(messages?[2]["content"] == "Well. \nDone.")
    }

    @Test func `an intent's tool is shown too, and no model is asked`() async throws {
        let calls = ToolRoad.Calls()
        let intents = #""intents":[{"tool":"tasks/add","patterns":["add {title}"]}],"mode":"both","#
        let kit = try await Self.kit(intents, calls: calls)
        let events = SessionEvent.read(await kit.say("add milk", isStream: true).sent)
        #expect(events.map(\.type) == ["start", "tool_call", "tool_result", "content", "done"])
        #expect(calls.all.map(\.tool) == ["add"])
        #expect(kit.road.transport.requests.isEmpty)
    }

    @Test func `the agent says how much of the conversation goes along, unless the session does`() async throws {
        let kit = try await Self.kit(#""history":{"policy":"messages","count":2},"#)
        kit.road.transport.scripts = ["a", "b", "c"].map { SessionKit.stream($0) }
        for text in ["one", "two", "three"] { _ = await kit.say(text) }
        let messages = try JSONValue.parse(kit.road.transport.body(2))["messages"]?.arrayValue
        #expect(messages?.map { $0["content"]?.stringValue }.suffix(3) == ["two", "b", "three"])
        #expect(messages?.count == 4)
    }
}
