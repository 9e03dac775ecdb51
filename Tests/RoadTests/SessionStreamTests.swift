import Conversations
import Core
import NIOCore
import Pipeline
import Testing
import Transport

/// Answers in sessions as streams: lost and found again.
@MainActor @Suite struct SessionStreamTests {
    @Test func `an answer comes in events, each with an id`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        kit.road.transport.scripts = [SessionKit.stream("Hel", "lo")]
        let answer = await kit.say("hi", isStream: true)
        let events = SessionEvent.read(answer.sent)
        #expect(answer.status == 200)
        #expect(answer.field("content-type") == "text/event-stream; charset=utf-8")
        #expect(answer.field("x-content-type-options") == "nosniff")
        #expect(events.map(\.type) == ["start", "content", "content", "done"])
        #expect(events.map(\.id) == ["2-1", "2-2", "2-3", "2-4"])
        #expect(events[0].json?["seq"] == 2 && events[0].json?["questionSeq"] == 1)
        #expect(events[1].json == ["type": "text", "text": "Hel"])
        #expect(events[3].json?["usage"]?["outputTokens"] == 5)
        #expect(events[3].json?["status"] == "complete" && events[3].json?["finishReason"] == "stop")
        #expect(answer.isFinished)
    }

    @Test func `the Accept header asks for events too`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        kit.road.transport.scripts = [SessionKit.stream("Hello")]
        let fields = "accept: text/event-stream\r\n"
        let answer = await kit.road.send(
            "POST",
            SessionKit.path + "ses_1/messages",
            body: #"{"content":"hi"}"#,
            fields: fields
        )
        #expect(SessionEvent.read(answer.sent).last?.type == "done")
    }

    @Test(arguments: 0...5)
    func `from another connection, with the first still open, an answer goes on behind any event`(
        seen: Int
    ) async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        var other: Later?
        var joined: FakeExchange?
        let middle: FakeUpstream.Step = .pause {
            other = Later { await kit.follow(after: seen == 0 ? nil : "2-\(seen)") { joined = $0 } }
            while joined == nil { await Task.yield() }
            if seen < 2 { while joined?.sent.isEmpty ?? true { await Task.yield() } }
        }
        kit.road.transport.scripts = [SessionKit.stream("a", "b", "c", middle: middle)]
        let first = SessionEvent.read(await kit.say("hi", isStream: true).sent)
        #expect(first.map(\.type) == ["start", "content", "content", "content", "done"])
        let second = SessionEvent.read(try #require(await other?.value).sent)
        #expect(second == Array(first.dropFirst(seen)))
        #expect(kit.road.transport.requests.count == 1)
        // The same a moment after its end.
        let late = SessionEvent.read(await kit.follow(after: seen == 0 ? nil : "2-\(seen)").sent)
        #expect(late == Array(first.dropFirst(seen)))
        #expect(try await kit.stored().count == 2)
    }

    @Test func `an answer goes on when its client leaves, and is there when somebody comes back`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        var call: Task<Void, Never>?
        var exchange: FakeExchange?
        var back: Later?
        let middle: FakeUpstream.Step = .pause {
            while exchange?.sent.isEmpty ?? true { await Task.yield() }
            call?.cancel()
            while !kit.running.hasAnswerWithoutReader { await Task.yield() }
            kit.pass(.seconds(59))
            kit.running.cutForsaken()
            var follower: FakeExchange?
            back = Later { await kit.follow(after: "2-2") { follower = $0 } }
            while follower == nil || kit.running.hasAnswerWithoutReader { await Task.yield() }
            kit.pass(.seconds(59))
            kit.running.cutForsaken()
        }
        kit.road.transport.scripts = [SessionKit.stream("Hel", "lo", middle: middle)]
        call = Task { _ = await kit.say("hi", isStream: true) { exchange = $0 } }
        await call?.value
        let events = SessionEvent.read(try #require(await back?.value).sent)
        #expect(events.map(\.type) == ["content", "done"])
        #expect(events[0].id == "2-3")
        let stored = try await kit.stored()
        #expect(stored[1].status == .complete)
        #expect(String(buffer: stored[1].content) == #"[{"type":"text","text":"Hello"}]"#)
    }

    @Test func `a shutdown waits for the connection of a client that left, until its answer is stored`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        var post: Later?
        kit.road.transport.scripts = [
            SessionKit.stream(
                "a",
                "b",
                "c",
                middle: .pause {
                    post?.cancel()
                    while !kit.running.hasAnswerWithoutReader { await Task.yield() }
                }
            )
        ]
        post = Later { await kit.say("hi", isStream: true) }
        _ = await post?.value
        #expect(try await kit.stored()[1].status == .complete)
    }

    @Test func `an answer that nobody comes back for is cut, and kept as far as it came`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        var call: Task<Void, Never>?
        var exchange: FakeExchange?
        let middle: FakeUpstream.Step = .pause {
            while exchange?.sent.isEmpty ?? true { await Task.yield() }
            call?.cancel()
            while !kit.running.hasAnswerWithoutReader { await Task.yield() }
            kit.pass(.seconds(60))
            kit.running.cutForsaken()
        }
        kit.road.transport.scripts = [SessionKit.stream("Hel", "lo", middle: middle)]
        call = Task { _ = await kit.say("hi", isStream: true) { exchange = $0 } }
        await call?.value
        while try await kit.stored().last?.status == .running { await Task.yield() }
        let stored = try await kit.stored()
        #expect(stored[1].status == .cut)
        #expect(String(buffer: stored[1].content) == #"[{"type":"text","text":"Hel"}]"#)
        #expect(kit.road.transport.upstreams[0].isAbandoned)
    }

    @Test func `what is no longer kept is gone, and says where to look`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        #expect(await kit.follow().status == 410)
        kit.road.transport.scripts = [SessionKit.stream("one"), SessionKit.stream("two")]
        _ = await kit.say("hi")
        #expect(SessionEvent.read(await kit.follow().sent).count == 3)
        kit.pass(.seconds(60))
        kit.running.cutForsaken()
        let gone = await kit.follow(after: "2-1")
        #expect(gone.status == 410)
        #expect(gone.json?["code"] == "GONE")
        _ = await kit.say("again")
        let older = await kit.follow(after: "2-1")
        #expect(older.status == 410)
        #expect(older.json?["error"]?.stringValue?.contains("number 2") == true)
        #expect(await kit.follow(after: "4-1").status == 200)
        #expect(await kit.follow(after: "nonsense").status == 400)
    }

    @Test func `cancelling ends the answer, and what was said stays`() async throws {
        let kit = try await SessionKit()
        _ = try await kit.session()
        var cancelled: FakeExchange?
        let middle: FakeUpstream.Step = .pause {
            cancelled = await kit.road.send("POST", SessionKit.path + "ses_1/cancel")
            while !Task.isCancelled { await Task.yield() }
        }
        kit.road.transport.scripts = [SessionKit.stream("Hel", "lo", middle: middle)]
        let answer = await kit.say("hi", isStream: true)
        #expect(cancelled?.json?["data"]?["cancelled"] == true)
        #expect(cancelled?.json?["data"]?["seq"] == 2)
        let events = SessionEvent.read(answer.sent)
        #expect(events.map(\.type) == ["start", "content", "done"])
        #expect(events.last?.json?["status"] == "cut")
        #expect(try await kit.stored().last?.status == .cut)
        let again = await kit.road.send("POST", SessionKit.path + "ses_1/cancel")
        #expect(again.json?["data"]?["cancelled"] == false)
    }

    // MARK: - /api/chat

    private func chat(_ kit: SessionKit, _ body: String, fields: String = "") async -> FakeExchange {
        await kit.road.send("POST", "/api/chat", body: body, fields: fields)
    }

    @Test func `a chat keeps its conversation`() async throws {
        let kit = try await SessionKit()
        kit.road.transport.scripts = [SessionKit.stream("Hello"), SessionKit.stream("Fine")]
        let first = await self.chat(kit, #"{"message":"hi"}"#)
        #expect(first.status == 200)
        #expect(first.json?["reply"] == "Hello")
        #expect(first.json?["fallback"] == false)
        #expect(first.json?["model"] == "gpt-4o-mini")
        #expect(first.json?["usage"]?["outputTokens"] == 5)
        let id = try #require(first.json?["conversationId"]?.stringValue)
        let second = await self.chat(kit, #"{"message":"how are you","conversationId":"\#(id)"}"#)
        #expect(second.json?["reply"] == "Fine")
        #expect(second.json?["conversationId"]?.stringValue == id)
        let sent = try JSONValue.parse(kit.road.transport.body(1))["messages"]?.arrayValue
        #expect(sent?.map { $0["content"]?.stringValue } == ["hi", "Hello", "how are you"])
    }

    @Test(arguments: [
        ("hi", "", "The assistant cannot answer right now"), ("привет", "", "Ассистент сейчас не может"),
        ("hallo", "accept-language: de-DE,de;q=0.9,en;q=0.8\r\n", "Der Assistent kann"),
        ("hi", "accept-language: fr;q=0.1, pl\r\n", "Asystent nie może"), ("你好", "accept-language: en\r\n", "助手"),
        ("привет", "accept-language: uk-UA,uk;q=0.9\r\n", "Асистент зараз"), ("Дякую їм", "", "Асистент зараз"),
        ("hi", "accept-language: x-klingon\r\n", "The assistant cannot"), ("hi", "accept-language: sv\r\n", "Ring oss"),
    ])
    func `when no provider answers, people are told so in their language`(
        message: String,
        fields: String,
        expected: String
    ) async throws {
        var limits = RoadLimits()
        limits.chat.fallback = ["sv": "Ring oss."]
        let kit = try await SessionKit(limits: limits)
        kit.road.transport.scripts = [.json(#"{"error":{"message":"down"}}"#, status: 500)]
        let answer = await self.chat(kit, #"{"message":"\#(message)"}"#, fields: fields)
        #expect(answer.status == 200)
        #expect(answer.json?["fallback"] == true)
        #expect(answer.json?["reply"]?.stringValue?.hasPrefix(expected) == true)
        #expect(answer.json?["usage"] == .null)
        let id = try #require(answer.json?["conversationId"]?.stringValue)
        #expect(try await kit.stored(id).map(\.status) == [.complete, .failed])
    }

    @Test func `what the caller did wrong is no fallback`() async throws {
        let kit = try await SessionKit()
        #expect(await self.chat(kit, #"{"message":""}"#).status == 400)
        #expect(await self.chat(kit, #"{"message":"x","conversationId":"ses_none"}"#).status == 404)
        #expect(await self.chat(kit, #"{"text":"x"}"#).status == 400)
        #expect(await kit.road.send("POST", "/api/chat", body: "{}", key: nil).status == 401)
    }
}
