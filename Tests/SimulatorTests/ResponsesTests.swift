import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(2))) struct ResponsesTests {
    private static func body(_ model: String = "sim", input: String = #""Hello there""#, more: String = "") -> String {
        #"{"model":"\#(model)","input":\#(input)\#(more)}"#
    }

    private static func ask(_ bench: Bench, _ body: String) async throws -> RawClient.Reply {
        try await RawClient.exchange(
            bench.simulator,
            Bench.post("/v1/responses", body, headers: "Connection: close\r\n")
        )
    }

    @Test func `a stream numbers its events and writes what the record says`() async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, Self.body("sim?text=one%20two", more: #","stream":true"#))
            let events = try reply.events.map { try JSONParser.parse($0) }
            #expect(events.map { $0["sequence_number"]?.integer } == Array(0..<10))
            #expect(
                events.map { $0["type"]?.string } == [
                    "response.created", "response.in_progress", "response.output_item.added",
                    "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
                    "response.output_text.done", "response.content_part.done", "response.output_item.done",
                    "response.completed",
                ]
            )
            let call = try await bench.nextEnded()
            #expect(call.eventsWritten == 10)
            #expect(call.tokensWritten == 2)
            #expect(call.isUsageWritten)
            #expect(call.promptTokens == 9)
        }
    }

    @Test(arguments: [256, 1024, 65_536])
    func `chunk_bytes is the size of an event here, too`(size: Int) async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(
                bench,
                Self.body("sim?chunks=12&chunk_bytes=\(size)", more: #","stream":true"#)
            )
            let deltas = reply.text.split(separator: "event: ").filter { $0.hasPrefix("response.output_text.delta") }
            #expect(deltas.count == 12)
            for text in deltas {
                let end = try #require(text.firstRange(of: "\n\n"))
                #expect("event: ".count + text.utf8.distance(from: text.startIndex, to: end.upperBound) == size)
            }
        }
    }

    @Test func `an answer without end is neither kept nor made up beforehand`() async throws {
        try await Bench.with { bench in
            let client = try await RawClient.connect(bench.simulator)
            try await client.send(Bench.post("/v1/responses", Self.body("sim?endless", more: #","stream":true"#)))
            let reply = try await client.receive { $0.bytes.count > 100_000 }
            #expect(reply.text.contains("response.output_text.delta"))
            try await client.close()
            #expect(try await bench.nextEnded().ending != .completed)
        }
    }

    @Test func `faults cut this stream as any other`() async throws {
        try await Bench.with { bench in
            let cut = try await Self.ask(bench, Self.body("sim?cut_mid_event=4", more: #","stream":true"#))
            #expect(cut.events.count == 5)
            #expect(try await bench.nextEnded().ending == .cut)
            let broken = try await Self.ask(bench, Self.body("sim?lifecycle_then_error", more: #","stream":true"#))
            let last = try JSONParser.parse(try #require(broken.events.last))
            #expect(last["type"] == .string("error"))
            #expect(last["sequence_number"] == .integer(1))
            let usage = try await Self.ask(bench, Self.body("sim?usage=text"))
            #expect(try JSONParser.parse(usage.body)["usage"]?["input_tokens"] == .string("9"))
            let none = try await Self.ask(bench, Self.body("sim?usage=none"))
            #expect(try JSONParser.parse(none.body)["usage"] == nil)
        }
    }

    private static let call = #"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#

    @Test(arguments: [
        (#"{"model":"sim"}"#, "Missing required parameter: 'input'."),
        (body(input: "5"), "Invalid type for 'input'"),
        (body(more: #","stop":"x""#), "Unknown parameter: 'stop'."),
        (body(input: #"[{"role":"user"}]"#), "Missing required parameter: 'input[0].content'."),
        (body(input: #"[{"type":"nothing"}]"#), "Invalid value: 'nothing'."),
        (
            body(input: #"[{"role":"user","content":"a"},\#(call)]"#),
            "No tool output found for function call c."
        ),
        (
            body(input: #"[{"type":"function_call_output","call_id":"d","output":"r"}]"#),
            "No tool call found for function call output with call_id d."
        ),
        (
            body(input: #"[\#(call.dropLast()),"caller":null}]"#),
            "Invalid type for 'input[0].caller': expected an object, but got null instead."
        ),
        (
            body(input: #"[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"}]"#),
            "could not be verified"
        ),
        (
            body(input: #"[{"type":"item_reference","id":"rs_1"}]"#),
            "Item with id 'rs_1' not found."
        ),
        (body(more: #","previous_response_id":"resp_0""#), "Previous response with id 'resp_0' not found."),
        (body(more: #","stream_options":{}"#), "only allowed when 'stream' is enabled"),
    ])
    func `mistakes are refused in OpenAI's words`(body: String, message: String) async throws {
        try await Bench.with { bench in
            let reply = try await Self.ask(bench, body)
            #expect(reply.head.hasPrefix("HTTP/1.1 40"))
            #expect(reply.body.contains(message), "\(reply.body)")
        }
    }
}

@Suite struct StoredResponsesTests {
    private func kept(_ bytes: Int) -> StoredResponses.Kept {
        let item = JSONValue.object([.init("id", .string("msg_\(bytes)"))])
        return .init(response: .object([]), input: [], output: [item], isBackground: false, bytes: bytes)
    }

    @Test func `what takes too much room pushes out the oldest, with its items`() {
        let responses = StoredResponses()
        responses.keep(self.kept(1 << 20), id: "one", owner: "a")
        responses.keep(self.kept(10 << 20), id: "two", owner: "a")
        #expect(responses.look("one", owner: "a") != nil)
        #expect(responses.look("one", owner: "b") == nil)
        responses.keep(self.kept(6 << 20), id: "three", owner: "a")
        #expect(responses.look("one", owner: "a") == nil)
        #expect(responses.item("msg_\(1 << 20)", owner: "a") == nil)
        #expect(responses.look("two", owner: "a") != nil)
    }
}
