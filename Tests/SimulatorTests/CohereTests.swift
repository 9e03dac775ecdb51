import Testing

@testable import Simulator

@Suite struct CohereRequestTests {
    private static let user = #"{"role":"user","content":"Weather?"}"#
    private static let tool = #"{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}"#

    private func problem(_ messages: String, _ more: String? = nil) -> String {
        let body = #"{"model":"sim","messages":[\#(messages)]\#(more.map { ",\($0)" } ?? "")}"#
        do {
            _ = try CohereRequest.read(try JSONParser.parse(body), model: "sim")
            return "nothing"
        } catch {
            return (error as? APIFailure).map { "\($0.status) \($0.message)" } ?? "\(error)"
        }
    }

    @Test(arguments: [
        (#""nonsense":1"#, "422 unknown field: parameter 'nonsense' is not a valid field."),
        (#""stream_options":{}"#, "422 unknown field: parameter 'stream_options'"),
        (
            #""stop_sequences":"x""#,
            "422 invalid type: parameter 'stop_sequences' is of type string but should be of type []string"
        ),
        (#""max_tokens":1.5"#, "422 invalid type: parameter 'max_tokens' is of type float"),
        (#""stop_sequences":["1","2","3","4","5","6"]"#, "400 "), (#""max_tokens":0"#, "400 "),
        (#""p":1"#, "400 invalid request: p must be between 0.01 and 0.99"), (#""k":501"#, "400 "),
        (#""frequency_penalty":-1"#, "400 "), (#""temperature":-0.1"#, "400 "),
        (#""tool_choice":"AUTO""#, "must be one of REQUIRED, NONE"), (#""tool_choice":"REQUIRED""#, "needs tools"),
        (#""tools":[{"type":"function","function":{"name":"f"}}]"#, "tool 'f' must have parameters"),
        (
            #""tools":[{"type":"function","function":{"name":"f","parameters":{},"strict":true}}]"#,
            "unknown field: parameter 'strict'"
        ),
        (#""strict_tools":true,"tools":[\#(tool)]"#, "at least one required field"),
        (#""response_format":{"type":"json_schema"}"#, "must be one of text, json_object"),
        (#""response_format":{"type":"json_object","json_schema":{"type":"array"}}"#, "top level"),
        (
            #""response_format":{"type":"json_object","json_schema":{"type":"object","properties":{}}}"#,
            "at least one required field"
        ),
        (#""response_format":{"type":"json_object"},"tools":[\#(tool)]"#, "cannot be used with tools"),
        (#""thinking":{"type":"on"}"#, "thinking.type"),
        (#""thinking":{"type":"enabled","token_budget":0}"#, "token_budget"),
        (#""safety_mode":"NONE""#, "safety_mode"),
    ])
    func `parameters are strict`(field: String, words: String) {
        let problem = self.problem(Self.user, field)
        #expect(problem.contains(words), "\(problem)")
    }

    @Test(arguments: [
        #""p":0.99,"k":500,"seed":7,"temperature":2,"presence_penalty":1"#, #""max_tokens":null,"tools":[]"#,
        #""response_format":{"type":"text"}"#, #""tool_choice":"NONE""#,
        #""response_format":{"type":"json_object","json_schema":{"type":"object","required":["a"]}}"#,
        #""thinking":{"type":"enabled","token_budget":10}"#,
    ])
    func `what is right passes`(field: String) {
        #expect(self.problem(Self.user, field) == "nothing")
    }

    @Test(arguments: [
        ("", "at least one message"), (#"{"role":"developer","content":"a"}"#, "invalid role 'developer'"),
        (#"{"role":"user","content":"a","name":"b"}"#, "unknown field: parameter 'name'"),
        (#"{"role":"user","content":""}"#, "at least 1 token long"), (#"{"role":"user"}"#, "at least 1 token long"),
        (#"{"role":"user","content":[{"type":"input_text","text":"a"}]}"#, "invalid type 'input_text'"),
        (#"{"role":"system","content":"a"}"#, "at least one user message"),
        (#"{"role":"user","content":"a"},{"role":"assistant"}"#, "content or tool_calls"),
        (#"{"role":"user","content":"a"},{"role":"tool","tool_call_id":"x","content":"b"}"#, "'x' not found"),
    ])
    func `messages that make no sense are refused`(messages: String, words: String) {
        let problem = self.problem(messages)
        #expect(problem.contains(words), "\(problem)")
    }

    @Test func `every call gets its result before anything else is said`() {
        let calls = ["a", "b"].map {
            #"{"id":"\#($0)","type":"function","function":{"name":"f","arguments":"{}"}}"#
        }
        let assistant = #"{"role":"assistant","tool_plan":"I will","tool_calls":[\#(calls.joined(separator: ","))]}"#
        func result(_ id: String) -> String {
            #"{"role":"tool","tool_call_id":"\#(id)","content":[{"type":"document","document":{"data":"{}"}}]}"#
        }
        let both = [Self.user, assistant, result("b"), result("a")].joined(separator: ",")
        #expect(self.problem(both) == "nothing")
        #expect(self.problem("\(both),\(Self.user)") == "nothing")
        #expect(
            self.problem([Self.user, assistant, result("b")].joined(separator: ",")).contains("a has no tool result")
        )
        #expect(
            self.problem([Self.user, assistant, Self.user].joined(separator: ",")).contains("a, b has no tool result")
        )
        #expect(self.problem("\(both),\(result("a"))").contains("'a' not found"))
    }
}

@Suite struct CohereAnswerTests {
    private func ask(_ bench: Bench, _ model: String, _ more: String = "") async throws -> RawClient.Reply {
        let body = #"{"model":"\#(model)","messages":[{"role":"user","content":"Hello there"}]\#(more)}"#
        return try await RawClient.exchange(
            bench.simulator,
            Bench.post("/v2/chat", body, headers: "Connection: close\r\n")
        )
    }

    private func types(_ reply: RawClient.Reply) throws -> [String] {
        try reply.events.map { $0 == "[DONE]" ? $0 : try JSONParser.parse($0)["type"]?.string ?? "" }
    }

    @Test func `events are named and come in Cohere's order`() async throws {
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim?text=one%20two", #","stream":true"#)
            #expect(
                try self.types(reply) == [
                    "message-start", "content-start", "content-delta", "content-delta", "content-end", "message-end",
                    "[DONE]",
                ]
            )
            let names = reply.text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("event: ") }
            #expect(names.map { String($0.dropFirst(7)) } == Array(try self.types(reply).dropLast()))
            let end = try JSONParser.parse(try #require(reply.events.dropLast().last))
            // The tokens have the preamble among them, what is billed has not.
            #expect(end["delta"]?["usage"]?["tokens"]?["input_tokens"] == .integer(14))
            #expect(end["delta"]?["usage"]?["billed_units"]?["input_tokens"] == .integer(9))
            let call = try await bench.nextEnded()
            #expect(call.promptTokens == 14)
            #expect(call.tokensWritten == 2)
            #expect(call.isStream)
        }
    }

    @Test func `a plan comes before the calls, whose tool_calls is an object`() async throws {
        let tool = #"{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}"#
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim?tool_calls=2", #","stream":true,"tools":[\#(tool)]"#)
            let types = try self.types(reply)
            #expect(types.filter { $0 == "tool-call-start" }.count == 2)
            #expect(types[1] == "tool-plan-delta")
            #expect(!types.contains("content-start"))
            let starts = try reply.events.dropLast().map { try JSONParser.parse($0) }
                .filter { $0["type"] == .string("tool-call-start") }
            #expect(starts.map { $0["index"] } == [.integer(0), .integer(1)])
            #expect(starts[0]["delta"]?["message"]?["tool_calls"]?["function"]?["arguments"] == .string(""))
            let call = try await bench.nextEnded()
            #expect(call.tokensWritten == call.completionTokens)
            let whole = try JSONParser.parse(
                try await self.ask(bench, "sim?tool_calls=2", #","tools":[\#(tool)]"#).body
            )
            #expect(whole["message"]?["tool_plan"] == .string("I will use f and f."))
            #expect(whole["message"]?["content"] == nil)
            #expect(whole["finish_reason"] == .string("TOOL_CALL"))
        }
    }

    @Test func `an error in the stream is how the message ends`() async throws {
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim?midstream_error=3", #","stream":true"#)
            let last = try JSONParser.parse(try #require(reply.events.last))
            #expect(last["type"] == .string("message-end"))
            #expect(last["delta"]?["finish_reason"] == .string("ERROR"))
            #expect(last["delta"]?["error"]?.string?.isEmpty == false)
        }
    }

    @Test(arguments: [170, 1024])
    func `chunk_bytes is the size of an event`(size: Int) async throws {
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim?chunks=2&chunk_bytes=\(size)", #","stream":true"#)
            let deltas = reply.events.filter { $0.contains("content-delta") }
            // Without "event: content-delta", "data: " and three line ends.
            #expect(deltas.map(\.utf8.count) == [size - 29, size - 29])
        }
    }

    @Test func `models are Cohere's only where something says so`() async throws {
        try await Bench.with { bench in
            func body(_ path: String, _ header: String = "") async throws -> String {
                let head = "GET \(path) HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer k\r\n"
                return try await RawClient.exchange(bench.simulator, "\(head)\(header)Connection: close\r\n\r\n").body
            }
            let plain = try await body("/v1/models")
            #expect(plain.contains(#""data":["#))
            let based = try await body("/cohere/v1/models")
            #expect(based.hasPrefix(#"{"models":["#))
            let filtered = try await body("/v1/models?endpoint=rerank")
            #expect(filtered.contains("sim-rerank"))
            let official = try await body("/v1/models", "X-Fern-SDK-Name: cohere\r\n")
            #expect(official.hasPrefix(#"{"models":["#))
            let one = try await body("/v1/models/x", "X-Client-Name: app\r\n")
            #expect(one.hasPrefix(#"{"name":"x""#))
        }
    }

    @Test func `vectors come in six forms of the same vector`() {
        let vector: [Float] = [0.5, -0.5, 0.05, 0, 0, 0, 0, 0.7, -1]
        #expect(VectorForm.int8.value(vector).array?.prefix(3) == [.integer(127), .integer(-127), .integer(51)])
        #expect(VectorForm.uint8.value(vector).array?.prefix(2) == [.integer(255), .integer(1)])
        #expect(VectorForm.ubinary.value(vector) == .array([.integer(0b1010_0001), .integer(0)]))
        #expect(VectorForm.binary.value(vector) == .array([.integer(0b1010_0001 - 128), .integer(-128)]))
        #expect(VectorForm.base64.value([1]) == .string("AACAPw=="))
    }
}

@Suite struct Base64Tests {
    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func `what is written is read back`(text: String) {
        #expect(Base64.bytes(Base64.text(Array(text.utf8))) == Array(text.utf8))
    }

    @Test(arguments: [("Zm9v", "foo"), ("Zg==", "f"), ("Zg", "f"), ("_-8", "\u{FF}\u{EF}")])
    func `both alphabets are read, padded or not`(text: String, latin: String) {
        #expect(Base64.bytes(text) == latin.unicodeScalars.map { UInt8($0.value) })
    }

    @Test(arguments: ["Z", "Zg=", "Zg===", "Z=g=", "Zm9v!", "Zm 9v"])
    func `what is no base64 is refused`(text: String) {
        #expect(Base64.bytes(text) == nil)
    }
}
