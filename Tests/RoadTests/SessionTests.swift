import Auth
import Conversations
import Core
import Database
import NIOCore
import Pipeline
import SQLite
import Testing
import Transport

/// Messages in sessions: asked, answered, kept and followed.
@MainActor @Suite struct SessionTests {
    // MARK: - Whole answers

    @Test func `a message is answered, and both are kept with what they cost`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        kit.road.transport.scripts = [SessionKit.stream("Hel", "lo")]
        let answer = await kit.say("hi")
        #expect(answer.status == 200)
        let message = try #require(answer.json?["data"])
        #expect(message["role"] == "assistant" && message["seq"] == 2 && message["status"] == "complete")
        #expect(message["content"] == [["type": "text", "text": "Hello"]])
        #expect(message["provider"] == "openai" && message["model"] == "gpt-4o-mini")
        #expect(message["usage"]?["inputTokens"] == 12 && message["usage"]?["outputTokens"] == 5)
        #expect(message["finishReason"] == "stop")
        #expect(message["requestId"]?.stringValue == answer.field("x-request-id"))
        #expect(answer.field("x-content-type-options") == "nosniff")
        let stored = try await kit.stored()
        #expect(stored.map(\.role) == [.user, .assistant])
        #expect(stored.map { String(buffer: $0.content) } == ["\"hi\"", #"[{"type":"text","text":"Hello"}]"#])
        #expect(stored.map(\.seq) == [1, 2])
    }

    @Test func `what was said before goes along, and the session's own prompt before it`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session(SessionDraft(model: "fast", system: "Be brief."))
        kit.road.transport.scripts = [SessionKit.stream("One."), SessionKit.stream("Two.")]
        _ = await kit.say("first")
        _ = await kit.say("second")
        let body = try JSONValue.parse(kit.road.transport.body(1))
        let expected: JSONValue = [
            ["role": "system", "content": "Be brief."], ["role": "user", "content": "first"],
            ["role": "assistant", "content": "One."], ["role": "user", "content": "second"],
        ]
        #expect(body["messages"] == expected)
        #expect(body["model"] == "gpt-4o-mini")
    }

    @Test func `only as much as the policy says goes along, and what was left out is said`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session(SessionDraft(history: .lastMessages(2)))
        kit.road.transport.scripts = ["a", "b", "c"].map { SessionKit.stream($0) }
        for text in ["one", "two"] { _ = await kit.say(text) }
        let answer = await kit.say("three", isStream: true)
        let body = try JSONValue.parse(kit.road.transport.body(2))
        #expect(body["messages"]?.arrayValue?.map { $0["content"]?.stringValue } == ["two", "b", "three"])
        let start = try #require(SessionEvent.read(answer.sent).first)
        #expect(start.type == "start" && start.json?["leftOut"]?["count"] == 2 && start.json?["historyCount"] == 2)
        #expect(try await kit.stored().last?.leftOut?.count == 2)
    }

    @Test func `older messages are summed up by a cheap model, which pays like every call`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session(SessionDraft(history: .summary(keep: 2, model: "mistral/small")))
        kit.road.transport.scripts = ["a", "b", "c", "d", "They counted."].map { SessionKit.stream($0) }
        for text in ["one", "two", "three", "four"] { _ = await kit.say(text) }
        while kit.road.transport.requests.count < 5 { await Task.yield() }
        let wish = try JSONValue.parse(kit.road.transport.body(4))
        #expect(wish["model"] == "small")
        while try await kit.summary() == nil { await Task.yield() }
        kit.road.transport.scripts = [SessionKit.stream("e")]
        _ = await kit.say("five")
        let messages = try JSONValue.parse(kit.road.transport.body(5))["messages"]?.arrayValue ?? []
        #expect(messages.first?["role"] == "system")
        #expect(messages.first?["content"]?.stringValue?.contains("They counted.") == true)
        #expect(messages.last?["content"] == "five")
        #expect(!messages.contains { $0["content"] == "one" })
    }

    @Test func `half of a surrogate pair costs the model that half, and not the answer it stands in`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        kit.road.transport.scripts = [SessionKit.stream("Well ", #"\ud83d"#), SessionKit.stream("Fine")]
        #expect(await kit.say("hi").status == 200)
        _ = await kit.say("and then")
        let sent = try JSONValue.parse(kit.road.transport.body(1))["messages"]?.arrayValue
        #expect(sent?.map { $0["content"]?.stringValue } == ["hi", "Well \u{FFFD}", "and then"])
        #expect(try await String(buffer: kit.stored()[1].content) == #"[{"type":"text","text":"Well \ud83d"}]"#)
    }

    // MARK: - Failures

    @Test func `a message that no model answers is kept, and the client is told why`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        kit.road.transport.scripts = [.json(#"{"error":{"message":"slow down"}}"#, status: 429)]
        let answer = await kit.say("hi")
        #expect(answer.status == 429)
        #expect(answer.json?["code"] == "PROVIDER_RATE_LIMITED")
        let stored = try await kit.stored()
        #expect(stored.map(\.status) == [.complete, .failed])
        #expect(stored[1].error?.code == "PROVIDER_RATE_LIMITED")
        // And the conversation goes on.
        kit.road.transport.scripts = [SessionKit.stream("Hello")]
        #expect(await kit.say("again").status == 200)
        let sent = try JSONValue.parse(kit.road.transport.body(1))["messages"]?.arrayValue
        #expect(sent?.map { $0["content"]?.stringValue } == ["hi", "again"])
    }

    @Test func `an answer that breaks off is kept as far as it came, and marked`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        kit.road.transport.scripts = [
            .stream(.bytes(StreamTests.text("Hel")), .fail(TransportError.closedInBody))
        ]
        let answer = await kit.say("hi", isStream: true)
        let events = SessionEvent.read(answer.sent)
        #expect(events.map(\.type) == ["start", "content", "error"])
        #expect(events.map(\.id) == ["2-1", "2-2", "2-3"])
        let again = SessionEvent.read(await kit.follow(after: "2-2").sent)
        #expect(again.map(\.id) == ["2-3"] && again.first?.type == "error")
        #expect(await kit.follow(after: "2-3").status == 204)
        #expect(events[2].json?["code"]?.stringValue?.hasPrefix("PROVIDER_") == true)
        let stored = try await kit.stored()
        #expect(stored[1].status == .cut)
        #expect(String(buffer: stored[1].content) == #"[{"type":"text","text":"Hel"}]"#)
        #expect(stored[1].error != nil)
    }

    @Test(arguments: [
        #"{}"#, #"{"content":""}"#, #"{"content":[]}"#, #"{"content":[{"type":"html"}]}"#, #"{"content":7}"#,
        #"{"content":"x","model":""}"#, #"{"content":"x","stream":"yes"}"#, #"{"content":"x","temperature":1}"#, "[",
    ])
    func `a bad message is refused with the field that is wrong, and nothing is kept`(_ body: String) async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        let answer = await kit.road.send("POST", SessionKit.path + "ses_1/messages", body: body)
        #expect(answer.status == 400)
        #expect(try await kit.stored().isEmpty)
    }

    /// Row 44.
    @Test func `a session of somebody else is as if there were none`() async throws {
        let other = Principal(group: GroupID("demo"), keyID: "other")
        let kit = try await SessionKit(principal: other)
        _ = try await kit.session()
        let theirs = await kit.say("hi")
        let none = await kit.say("hi", in: "ses_none")
        #expect(theirs.status == 404 && none.status == 404)
        #expect(theirs.json?["error"] == none.json?["error"])
        #expect(await kit.follow().status == 404)
        #expect(await kit.road.send("POST", SessionKit.path + "ses_1/cancel").status == 404)
        #expect(try await kit.stored().isEmpty)
    }

    // MARK: - Order

    @Test func `messages that come together are answered one after the other`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        var second: Later?
        let middle: FakeUpstream.Step = .pause {
            second = Later { await kit.say("two") }
            for _ in 0..<50 { await Task.yield() }
            #expect(kit.road.transport.requests.count == 1)
        }
        kit.road.transport.scripts = [SessionKit.stream("A", "B", middle: middle), SessionKit.stream("C")]
        let first = await kit.say("one")
        #expect(first.json?["data"]?["seq"] == 2)
        #expect(await second?.value?.json?["data"]?["seq"] == 4)
        let sent = try JSONValue.parse(kit.road.transport.body(1))["messages"]?.arrayValue
        #expect(sent?.map { $0["content"]?.stringValue } == ["one", "AB", "two"])
    }

    // MARK: - Crash

    /// Row 74.
    @Test func `how far an answer has come is in the store while it runs, and stays when its process dies`()
        async throws
    {
        let kit = try await SessionKit()
        _ = try await kit.session()
        let middle: FakeUpstream.Step = .pause {
            do {
                try await kit.book.settle()
                let stored = try await kit.stored()
                #expect(stored.map(\.status) == [.complete, .running])
                #expect(String(buffer: stored[1].content) == #"[{"type":"text","text":"Hel"}]"#)
                // As the next start finds it.
                try await kit.database.write { session in
                    _ = try SessionStore().recover(deadEpochs: [7], now: UnixTime(seconds: 1_700_000_100), in: session)
                }
            } catch {
                Issue.record(error)
            }
        }
        kit.road.transport.scripts = [SessionKit.stream("Hel", "lo", middle: middle)]
        _ = await kit.say("hi")
        let stored = try await kit.stored()
        #expect(stored[1].status == .cut)
        #expect(stored[1].error?.code == "INTERRUPTED")
        #expect(String(buffer: stored[1].content) == #"[{"type":"text","text":"Hel"}]"#)
    }
}

extension SessionKit {
    func summary() async throws -> SessionSummary? {
        try await self.database.read { try SessionStore().get("ses_1", for: .all, in: $0).summary }
    }
}
