import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(2))) struct MistralTests {
    private static let user = #"{"role":"user","content":"Hello there"}"#

    private static func body(_ model: String = "sim", messages: String = "[\(user)]", more: String = "") -> String {
        #"{"model":"\#(model)","messages":\#(messages)\#(more)}"#
    }

    private static func ask(_ bench: Bench, _ body: String) async throws -> RawClient.Reply {
        try await RawClient.exchange(
            bench.simulator,
            Bench.post("/mistral/v1/chat/completions", body, headers: "Connection: close\r\n")
        )
    }

    @Test func `usage rides in the chunk that ends the choice`() async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, Self.body("sim?text=one%20two", more: #","stream":true"#))
            let events = reply.events
            #expect(events.count == 5)
            #expect(events.last == "[DONE]")
            let last = try JSONParser.parse(events[3])
            #expect(last["choices"]?.array?.first?["finish_reason"] == .string("stop"))
            #expect(last["usage"]?["total_tokens"] == .integer(11))
            #expect(events.dropLast(2).allSatisfy { !$0.contains("usage") })
            let call = try await bench.nextEnded()
            #expect(call.tokensWritten == 2)
            #expect(call.isUsageWritten)
        }
    }

    @Test func `calls count what they cost when their chunk is out`() async throws {
        try await Bench.with { bench in
            let tools = #","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#
            let reply = try await Self.ask(bench, Self.body(more: tools + #","stream":true"#))
            #expect(reply.events.count == 3)
            let call = try await bench.nextEnded()
            #expect(call.completionTokens == 2)
            #expect(call.tokensWritten == 2)
        }
    }

    @Test func `faults are Mistral's when the path is`() async throws {
        try await Bench.with { bench in
            let busy = try await Self.ask(bench, Self.body("sim?status=429&retry_after=1"))
            #expect(busy.head.contains("retry-after: 1"))
            #expect(try JSONParser.parse(busy.body)["code"] == .string("1300"))
            let cut = try await Self.ask(bench, Self.body("sim?cut_after_events=2", more: #","stream":true"#))
            #expect(cut.events.count == 2)
            let broken = try await Self.ask(bench, Self.body("sim?midstream_error=3", more: #","stream":true"#))
            #expect(broken.events.count == 4)
            #expect(broken.events.last?.contains(#""object":"error""#) == true)
            let size = try await Self.ask(bench, Self.body("sim?chunks=3&chunk_bytes=300", more: #","stream":true"#))
            #expect(size.events.filter { "data: \($0)\n\n".utf8.count == 300 }.count == 3)
        }
    }

    @Test(arguments: [
        (body(more: #","seed":1"#), 422, #""loc":["body","seed"]"#),
        (#"{"model":"sim"}"#, 422, #""loc":["body","messages"]"#),
        (#"{"messages":[]}"#, 422, #""loc":["body","model"]"#),
        (body(messages: "[]"), 400, "at least one message"),
        (body(messages: #"[\#(user.dropLast()),"name":"x"}]"#), 422, #"["body","messages",0,"user","name"]"#),
        (body(messages: #"[\#(user),{"role":"assistant","content":"a"}]"#), 400, "Expected last role User or Tool"),
        (body(messages: #"[\#(user),{"role":"assistant"},\#(user)]"#), 400, "either content or tool_calls"),
        (
            body(messages: #"[\#(user),{"role":"tool","tool_call_id":"abcdefghi","content":"a"}]"#), 400,
            "after role 'user'"
        ),
        (body(more: #","tools":[{"type":"function","function":{"name":"f"}}]"#), 422, #""parameters"]"#),
        (body(more: #","temperature":1.6"#), 422, "less than or equal to 1.5"),
        (body("sim-unknown"), 400, "Invalid model: sim-unknown"),
        (body("sim?context=8"), 400, "too large for model with 8 maximum context length"),
    ])
    func `mistakes are refused in Mistral's words`(body: String, status: Int, words: String) async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, body)
            #expect(reply.head.hasPrefix("HTTP/1.1 \(status)"))
            #expect(reply.body.contains(words), "\(reply.body)")
        }
    }

    @Test func `ids of calls are nine letters and digits, and differ`() {
        let ids = (0..<1000).map { MistralAnswer.callID("call_sim\($0)x0x0") }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.utf8.count == 9 && $0.allSatisfy { $0.isLetter || $0.isNumber } })
    }
}
