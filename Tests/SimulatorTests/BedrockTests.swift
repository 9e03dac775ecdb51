import Testing

@testable import Simulator

@Suite struct ConverseRequestTests {
    private static let user = #"{"role":"user","content":[{"text":"Weather?"}]}"#
    private static let tools =
        #""toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}}]}"#

    private static let thinking =
        #""additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}"#

    private static func use(_ ids: String..., before: String = "") -> String {
        let blocks = ids.map { #"{"toolUse":{"toolUseId":"\#($0)","name":"f","input":{}}}"# }
        return #"{"role":"assistant","content":[\#(before)\#(blocks.joined(separator: ","))]}"#
    }

    private static func results(_ ids: String...) -> String {
        let blocks = ids.map { #"{"toolResult":{"toolUseId":"\#($0)","content":[{"text":"sunny"}]}}"# }
        return #"{"role":"user","content":[\#(blocks.joined(separator: ","))]}"#
    }

    private func problem(_ messages: [String], _ more: String? = nil, strict: Bool = false) -> String {
        let body = #"{"messages":[\#(messages.joined(separator: ","))]\#(more.map { ",\($0)" } ?? "")}"#
        do {
            _ = try ConverseRequest.read(try JSONParser.parse(body), model: "sim", strict: strict)
            return "nothing"
        } catch {
            return (error as? APIFailure)?.message ?? "\(error)"
        }
    }

    @Test func `roles alternate, and the user begins`() {
        let assistant = #"{"role":"assistant","content":[{"text":"Sunny."}]}"#
        #expect(self.problem([Self.user, assistant, Self.user]) == "nothing")
        #expect(self.problem([assistant, Self.user]).contains("must start with a user message"))
        #expect(self.problem([Self.user, Self.user]).contains("must alternate"))
        #expect(self.problem([]).contains("messages field is empty"))
        let system = #"{"role":"system","content":[{"text":"Be brief."}]}"#
        #expect(self.problem([system, Self.user]).contains("enum value set: [user, assistant]"))
    }

    @Test(arguments: ["", " ", "\\n\\t "])
    func `no text is blank`(text: String) {
        let blank = #"{"role":"user","content":[{"text":"\#(text)"}]}"#
        #expect(self.problem([blank]).contains("messages.0.content.0 is blank"))
        #expect(self.problem([Self.user], #""system":[{"text":"\#(text)"}]"#).contains("system.0 is blank"))
        let result = #"{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"\#(text)"}]}}]}"#
        #expect(self.problem([Self.user, Self.use("a"), result], Self.tools).contains("is blank"))
    }

    @Test(arguments: [
        ("call_1-B", "nothing"), ("", "greater than or equal to 1"), ("a.b", "regular expression pattern"),
        ("functions.f:0", "regular expression pattern"), (String(repeating: "a", count: 64), "nothing"),
        (String(repeating: "a", count: 65), "less than or equal to 64"),
    ])
    func `ids of calls have an alphabet and a length`(id: String, words: String) {
        let problem = self.problem([Self.user, Self.use(id), Self.results(id)], Self.tools)
        #expect(problem.contains(words), "\(problem)")
    }

    @Test func `every call has its result in the very next message, and tools are defined`() {
        let both = [Self.user, Self.use("a", "b"), Self.results("b", "a")]
        #expect(self.problem(both, Self.tools) == "nothing")
        #expect(self.problem(both).contains("toolConfig field must be defined"))
        #expect(self.problem([Self.user, Self.use("a", "b"), Self.results("a")], Self.tools).contains("Ids: b"))
        #expect(self.problem([Self.user, Self.use("a"), Self.user], Self.tools).contains("Ids: a"))
        #expect(self.problem([Self.user, Self.use("a")], Self.tools).contains("Ids: a"))
        #expect(self.problem([Self.user, Self.use("a"), Self.results("a", "b")], Self.tools).contains("exceeds"))
        #expect(self.problem([Self.results("a")], Self.tools).contains("exceeds"))
        #expect(self.problem([Self.user, Self.use("a", "a"), Self.results("a")], Self.tools).contains("not unique"))
    }

    @Test(arguments: [
        (#""toolConfig":{"tools":[]}"#, "greater than or equal to 1"),
        (#""toolConfig":{"tools":[{"toolSpec":{"name":"f"}}]}"#, "inputSchema"),
        (
            #""toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}]}"#,
            "inputSchema.json.type must be one of the following: object"
        ),
        (
            #""toolConfig":{"tools":[{"toolSpec":{"name":"f","description":"","inputSchema":{"json":{}}}}]}"#,
            "description"
        ),
        (
            #""toolConfig":{"tools":[{"toolSpec":{"name":"f g","inputSchema":{"json":{"type":"object"}}}}]}"#,
            "pattern: [a-zA-Z0-9_-]+"
        ),
        (#"\#(tools.dropLast()),"toolChoice":{"none":{}}}"#, "exactly one of the following keys: auto, any, tool"),
        (#"\#(tools.dropLast()),"toolChoice":{"tool":{"name":"g"}}}"#, "not among toolConfig.tools"),
        (#""inferenceConfig":{"maxTokens":0}"#, "greater than or equal to 1"),
        (#""inferenceConfig":{"temperature":1.5}"#, "less than or equal to 1"),
        (#""inferenceConfig":{"stopSequences":[" "]}"#, "stopSequences.1.member"),
        (#""inferenceConfig":{"stopSequences":"x"}"#, "can not be converted to a list"),
        (#""additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":10}}"#, "1024"),
        (
            #""inferenceConfig":{"temperature":0},\#(thinking)"#, "temperature"
        ),
        (#""outputConfig":{"textFormat":{"type":"json_object"}}"#, "[json_schema]"),
        (
            #""outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"["}}}}"#,
            "no JSON object"
        ),
    ])
    func `what the API refuses is refused in its words`(field: String, words: String) {
        let problem = self.problem([Self.user], field)
        #expect(problem.contains(words), "\(problem)")
    }

    @Test(arguments: [
        (#"{"image":{"format":"bmp","source":{"bytes":"AAAA"}}}"#, "[png, jpeg, gif, webp]"),
        (#"{"image":{"format":"png","source":{"bytes":"!"}}}"#, "no base64"),
        (#"{"image":{"format":"png","source":{"bytes":""}}}"#, "greater than or equal to 1"),
        (#"{"image":{"format":"png","source":{"url":"https://a"}}}"#, "exactly one"),
        (#"{"text":"a","image":{}}"#, "one"),
        (#"{"document":{"format":"pdf","name":"a_b","source":{"bytes":"AAAA"}}}"#, "document file name"),
        (#"{"document":{"format":"pdf","name":"a","source":{"bytes":"AAAA"}}}"#, "must have a text too"),
    ])
    func `blocks that the API refuses are refused`(block: String, words: String) {
        let problem = self.problem([#"{"role":"user","content":[\#(block)]}"#])
        #expect(problem.contains(words), "\(problem)")
    }

    @Test func `with thinking on, a turn that used tools begins with its signed thought`() {
        let thinks = "\(Self.tools),\(Self.thinking)"
        func thought(_ signature: String) -> String {
            #"{"reasoningContent":{"reasoningText":{"text":"hm","signature":"\#(signature)"}}},"#
        }
        func problem(_ before: String) -> String {
            self.problem([Self.user, Self.use("a", before: before), Self.results("a")], thinks)
        }
        #expect(problem(thought(ConverseAnswer.signature("hm"))) == "nothing")
        #expect(problem(thought(ConverseAnswer.signature("hmm"))).contains("Invalid `signature`"))
        #expect(problem("").contains("Expected `thinking`"))
        #expect(problem(#"{"text":"I will call f"},"#).contains("Expected `thinking`"))
    }

    @Test func `unknown fields pass unless the simulator is strict`() {
        #expect(self.problem([Self.user], #""nonsense":1"#) == "nothing")
        #expect(self.problem([Self.user], #""nonsense":1"#, strict: true).contains("nonsense"))
    }
}

@Suite struct ConverseAnswerTests {
    private func ask(
        _ bench: Bench,
        _ model: String,
        _ method: String,
        key: String = "Bearer k",
        more: String = ""
    ) async throws -> RawClient.Reply {
        let body = #"{"messages":[{"role":"user","content":[{"text":"Hello there"}]}]\#(more)}"#
        let text =
            "POST /model/\(model)/\(method) HTTP/1.1\r\nHost: sim\r\nAuthorization: \(key)\r\n"
            + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        return try await RawClient.exchange(bench.simulator, text)
    }

    /// The messages of a stream that is not chunked.
    private func messages(_ reply: RawClient.Reply) throws -> [(type: String, json: JSONValue)] {
        let end = try #require(reply.bytes.firstRange(of: Array("\r\n\r\n".utf8)))
        return try EventStreamTests.read(Array(reply.bytes[end.upperBound...])).map { message in
            let type = message.headers.first { $0.name == ":event-type" || $0.name == ":exception-type" }
            return (type?.value ?? "", try JSONParser.parse(String(decoding: message.payload, as: UTF8.self)))
        }
    }

    @Test func `a stream has its events in Bedrock's order, padded`() async throws {
        try await Bench.with { bench in
            let model = "sim%3Ftext=one%2520two&framing=close&reasoning=5"
            let messages = try self.messages(try await self.ask(bench, model, "converse-stream"))
            let types = messages.map(\.type)
            #expect(types.first == "messageStart")
            #expect(types.suffix(3) == ["contentBlockStop", "messageStop", "metadata"])
            #expect(!types.contains("contentBlockStart"))
            #expect(messages.allSatisfy { $0.json["p"]?.string != nil })
            #expect(Set(messages.map { $0.json["p"]?.string?.count }).count > 5)
            let text = messages.compactMap { $0.json["delta"]?["text"]?.string }
            #expect(text == ["one", " two"])
            let reasoning = messages.compactMap { $0.json["delta"]?["reasoningContent"] }
            #expect(reasoning.last?["signature"] != nil)
            #expect(reasoning.dropLast().allSatisfy { $0["text"] != nil })
            #expect(messages.last?.json["usage"]?["outputTokens"] == .integer(7))
            let call = try await bench.nextEnded()
            #expect(call.tokensWritten == 7)
            #expect(call.completionTokens == 7)
            #expect(call.eventsWritten == messages.count)
            #expect(call.isUsageWritten)
        }
    }

    @Test func `an error in the stream is an exception of one of five kinds`() async throws {
        try await Bench.with { bench in
            for (type, name) in [
                ("ThrottlingException", "throttlingException"), ("", "modelStreamErrorException"),
                ("NonsenseException", "internalServerException"),
            ] {
                let option = type.isEmpty ? "" : "&error_type=\(type)"
                let model = "sim%3Fmidstream_error=2&framing=close\(option)"
                let messages = try self.messages(try await self.ask(bench, model, "converse-stream"))
                #expect(messages.count == 3)
                #expect(messages.last?.type == name)
                #expect(messages.last?.json["message"] != nil)
            }
        }
    }

    @Test(arguments: [256, 1000])
    func `chunk_bytes is the size of a message`(size: Int) async throws {
        try await Bench.with { bench in
            let model = "sim%3Fchunks=3&chunk_bytes=\(size)&framing=close"
            let reply = try await self.ask(bench, model, "converse-stream")
            let end = try #require(reply.bytes.firstRange(of: Array("\r\n\r\n".utf8)))
            let sizes = try EventStreamTests.read(Array(reply.bytes[end.upperBound...])).map(\.bytes.count)
            #expect(sizes[1...3] == [size, size, size])
        }
    }

    @Test func `a call without arguments streams an empty input`() async throws {
        let tools =
            #","toolConfig":{"tools":[{"toolSpec":{"name":"now","inputSchema":{"json":{"type":"object"}}}}]}"#
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim%3Fframing=close", "converse-stream", more: tools)
            let messages = try self.messages(reply)
            let start = try #require(messages.first { $0.type == "contentBlockStart" })
            #expect(start.json["start"]?["toolUse"]?["name"] == .string("now"))
            let inputs = messages.compactMap { $0.json["delta"]?["toolUse"]?["input"]?.string }
            #expect(inputs == [""])
            #expect(messages.first { $0.type == "messageStop" }?.json["stopReason"] == .string("tool_use"))
            let call = try await bench.nextEnded()
            #expect(call.tokensWritten == call.completionTokens)
            let whole = try JSONParser.parse(try await self.ask(bench, "sim", "converse", more: tools).body)
            let use = whole["output"]?["message"]?["content"]?.array?.first?["toolUse"]
            #expect(use?["input"] == .object([]))
        }
    }

    @Test func `what stands before a cache point is written once and read afterwards`() async throws {
        let system = #","system":[{"text":"Know this by heart."},{"cachePoint":{"type":"default","ttl":"1h"}}]"#
        try await Bench.with { bench in
            var usages: [JSONValue] = []
            for _ in 0..<2 {
                let reply = try await self.ask(bench, "sim", "converse", more: system)
                usages.append(try #require(try JSONParser.parse(reply.body)["usage"]))
            }
            // 3 for the answer, 4 for the message and five tokens of text before the point; 4 and 2 behind it.
            #expect(usages.map { $0["inputTokens"] } == [.integer(6), .integer(6)])
            #expect(usages[0]["cacheWriteInputTokens"] == .integer(12))
            #expect(usages[0]["cacheDetails"]?.array?.first?["ttl"] == .string("1h"))
            #expect(usages[1]["cacheReadInputTokens"] == .integer(12))
            #expect(usages[1]["cacheWriteInputTokens"] == .integer(0))
            #expect(try await bench.nextEnded().promptTokens == 18)
        }
    }

    @Test func `errors name their exception in the head`() async throws {
        try await Bench.with {
            $0.requiredKeys = ["AKID:secret", "bedrock-key"]
        } _: { bench in
            func type(_ reply: RawClient.Reply) -> String {
                let line = reply.head.split(separator: "\r\n").first { $0.hasPrefix("x-amzn-errortype: ") } ?? ""
                return String(line.dropFirst("x-amzn-errortype: ".count).prefix { $0 != ":" })
            }
            let good = try await self.ask(bench, "sim", "converse", key: "Bearer bedrock-key")
            #expect(good.head.hasPrefix("HTTP/1.1 200"))
            #expect(good.head.contains("x-amzn-requestid: "))
            let wrong = try await self.ask(bench, "sim", "converse", key: "Bearer AKID:secret2")
            #expect(wrong.head.hasPrefix("HTTP/1.1 403"))
            #expect(type(wrong) == "AccessDeniedException")
            let cut = try await self.ask(bench, "sim", "converse", key: "AWS4-HMAC-SHA256 Credential=AKID/1")
            #expect(type(cut) == "IncompleteSignatureException")
            for (status, name) in [
                (400, "ValidationException"), (404, "ResourceNotFoundException"), (408, "ModelTimeoutException"),
                (424, "ModelErrorException"), (429, "ThrottlingException"), (500, "InternalServerException"),
                (503, "ServiceUnavailableException"),
            ] {
                let reply = try await self.ask(
                    bench,
                    "sim%3Fstatus=\(status)",
                    "converse",
                    key: "Bearer bedrock-key"
                )
                #expect(reply.head.hasPrefix("HTTP/1.1 \(status)"))
                #expect(type(reply) == name)
            }
        }
    }
}
