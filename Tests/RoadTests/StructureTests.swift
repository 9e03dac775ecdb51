import Core
import NIOCore
import Pipeline
import Providers
import Testing
import Transport

/// Answers that are held against the schema of their request.
@Suite struct StructureTests {
    static let schema =
        #"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}"#
    static let format = #"{"type":"json_schema","json_schema":{"name":"x","schema":\#(schema)}}"#

    static func ask(_ more: String = "") -> String {
        #"{"model":"gpt","messages":[{"role":"user","content":"A number"}],"response_format":\#(format)\#(more)}"#
    }

    static func answer(_ text: String, finish: String = "stop") -> String {
        #"{"id":"c","choices":[{"message":{"role":"assistant","content":\#(JSONValue.string(text).text)},"#
            + #""finish_reason":"\#(finish)"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#
    }

    static let wish = "x-turnpike-validate: true\r\n"

    @Test func `an answer that fits goes through as it came`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.answer(#"{"n":5}"#))]
        let answer = await road.chat(Self.ask(), fields: Self.wish)
        #expect(answer.sent == Self.answer(#"{"n":5}"#))
        #expect(answer.field("x-turnpike-validated") == "true")
        #expect(road.transport.requests.count == 1)
    }

    @Test func `nothing is checked unless a call asks for it`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.answer("no"))]
        let answer = await road.chat(Self.ask())
        #expect(answer.status == 200 && answer.field("x-turnpike-validated") == nil)
    }

    @Test func `an answer that does not fit is asked for once more, with what is wrong`() async throws {
        let road = try Road()
        road.transport.scripts = [.json(Self.answer(#"{"n":"five"}"#)), .json(Self.answer(#"{"n":5}"#))]
        let answer = await road.chat(Self.ask(), fields: Self.wish)
        #expect(answer.sent == Self.answer(#"{"n":5}"#))
        #expect(answer.field("x-turnpike-validated") == "repaired")
        let messages = try JSONValue.parse(road.transport.body(1))["messages"]?.arrayValue ?? []
        #expect(messages.map { $0["role"] } == ["user", "assistant", "user"])
        #expect(messages[1]["content"] == .string(#"{"n":"five"}"#))
        #expect(messages[2]["content"]?.stringValue?.contains("$.n") == true)
        #expect(answer.field("x-turnpike-attempts") == "2")
    }

    @Test func `an answer that never fits is an error that says why`() async throws {
        var limits = RoadLimits()
        limits.structure = StructureRule(when: .always, repairsMax: 1)
        let road = try Road(limits: limits)
        road.transport.scripts = [.json(Self.answer("{")), .json(Self.answer(#"{"n":1,"m":2}"#))]
        let answer = await road.chat(Self.ask())
        #expect(answer.status == 502)
        #expect(answer.json?["error"]?["details"]?["faults"]?.stringValue?.contains("m") == true)
        #expect(road.transport.requests.count == 2)
    }

    @Test func `a refusal and a call of a tool are no answers to be checked`() async throws {
        let road = try Road()
        let refusal =
            #"{"id":"c","choices":[{"message":{"role":"assistant","content":null,"refusal":"No."},"#
            + #""finish_reason":"stop"}]}"#
        road.transport.scripts = [.json(refusal)]
        let answer = await road.chat(Self.ask(), fields: Self.wish)
        #expect(answer.status == 200 && answer.field("x-turnpike-validated") == "false")
    }

    @Test func `a stream is held until it is checked, and asked for again like any other`() async throws {
        let road = try Road()
        let broken = StreamTests.text("no") + StreamTests.finish + StreamTests.done
        let fitting = StreamTests.role + StreamTests.text(#"{\"n\":"#) + StreamTests.text("7}") + StreamTests.finish
        road.transport.scripts = [.stream(.bytes(broken)), .stream(.bytes(fitting + StreamTests.done))]
        let answer = await road.chat(Self.ask(#","stream":true"#), fields: Self.wish)
        #expect(answer.sent == fitting + StreamTests.done)
        #expect(answer.field("x-turnpike-validated") == "repaired")
    }

    @Test func `silence is filled while a stream is held, through all its rounds`() async throws {
        let road = try Road()
        var exchange: FakeExchange?
        let broken = StreamTests.text("no") + StreamTests.finish + StreamTests.done
        let fitting = StreamTests.role + StreamTests.text(#"{\"n\":7}"#) + StreamTests.finish + StreamTests.done
        road.transport.scripts = [broken, fitting].map { text in
            .stream(.meanwhile { exchange?.silence?() }, .bytes(text))
        }
        let answer = await road.chat(Self.ask(#","stream":true"#), fields: Self.wish) { exchange = $0 }
        #expect(answer.sent == ": keep-alive\n\n: keep-alive\n\n" + fitting)
    }

    @Test(arguments: ["", #","stream":true"#])
    func `where there is no memory to hold an answer, the call is shed`(more: String) async throws {
        let room = HeldBytes(bytesMax: 100)
        let road = try Road(heldBytes: room)
        let events = StreamTests.text(#"{\"n\":7}"#) + StreamTests.finish + StreamTests.done
        road.transport.scripts = [more.isEmpty ? .json(Self.answer(#"{"n":5}"#)) : .stream(.bytes(events))]
        let answer = await road.chat(Self.ask(more), fields: Self.wish)
        #expect(answer.status == 503 && answer.field("retry-after") == "1")
        #expect(room.count == 0)
    }

    @Test func `the memory of an answer that was held is free again`() async throws {
        let room = HeldBytes(bytesMax: 4096)
        let road = try Road(heldBytes: room)
        let whole = Self.answer(#"{"n":"five"}"#)
        let events = StreamTests.text(#"{\"n\":7}"#) + StreamTests.finish + StreamTests.done
        road.transport.scripts = [.json(whole), .json(Self.answer(#"{"n":5}"#)), .stream(.bytes(events))]
        _ = await road.chat(Self.ask(), fields: Self.wish)
        #expect(await road.chat(Self.ask(#","stream":true"#), fields: Self.wish).sent == events)
        #expect(room.count == 0)
    }

    @Test func `a schema that is none is refused before anything goes out`() async throws {
        let road = try Road()
        let body =
            #"{"model":"gpt","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","#
            + ##""json_schema":{"name":"x","schema":{"$ref":"#/nowhere"}}}}"##
        let answer = await road.chat(body, fields: Self.wish)
        #expect(answer.status == 400 && answer.json?["error"]?["param"] == "response_format")
        #expect(road.transport.requests.isEmpty)
    }
}
