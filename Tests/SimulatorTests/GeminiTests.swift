import Testing

@testable import Simulator

@Suite struct GeminiRequestTests {
    private func read(_ body: String, model: String = "sim") throws -> GeminiRequest {
        try GeminiRequest.read(try JSONParser.parse(body), model: model)
    }

    private func problem(_ body: String, model: String = "sim") -> String {
        do {
            _ = try self.read(body, model: model)
            return "nothing"
        } catch {
            return (error as? APIFailure)?.message ?? "\(error)"
        }
    }

    @Test func `camel and snake case read the same`() throws {
        let camel = try self.read(
            #"""
            {"systemInstruction":{"parts":[{"text":"Be brief"}]},"contents":[{"role":"user","parts":[{"text":"Hi"}]}],
            "generationConfig":{"maxOutputTokens":5,"stopSequences":["x"],"thinkingConfig":{"includeThoughts":true}}}
            """#
        )
        let snake = try self.read(
            #"""
            {"system_instruction":{"parts":{"text":"Be brief"}},"contents":{"role":"user","parts":[{"text":"Hi"}]},
            "generation_config":{"max_output_tokens":"5","stop_sequences":"x",
            "thinking_config":{"include_thoughts":true}}}
            """#
        )
        for request in [camel, snake] {
            #expect(request.prompt.messages.map(\.text) == ["Be brief", "Hi"])
            #expect(request.prompt.tokenLimit == 5)
            #expect(request.prompt.stops == ["x"])
            #expect(request.includesThoughts)
        }
    }

    @Test(arguments: [
        (#""parts":[{"text":"a","x":1}]"#, #"Unknown name "x" at 'contents[0].parts[0]'"#),
        (#""parts":[{"text":7}]"#, "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 7"),
        (#""parts":[{"text":"a","functionCall":{"name":"f"}}]"#, "'data' is already set. Cannot set 'functionCall'"),
        (#""parts":[]"#, "must not be empty"), (#""parts":[{}]"#, "contents[0].parts[0].data: required oneof field"),
        (#""parts":[{"text":""}]"#, "required oneof field"),
        (#""role":"assistant","parts":[{"text":"a"}]"#, "valid role: user, model"),
        (#""parts":[{"inlineData":{"mimeType":"image/png","data":"!"}}]"#, "(TYPE_BYTES)"),
    ])
    func `contents that the API refuses are refused in its words`(content: String, words: String) {
        let problem = self.problem(#"{"contents":[{\#(content)}]}"#)
        #expect(problem.contains(words), "\(problem)")
    }

    @Test(arguments: [
        (#""nonsense":1"#, #"Unknown name "nonsense": Cannot find field."#),
        (#""generationConfig":{"maxTokens":1}"#, #"Unknown name "maxTokens" at 'generation_config': Cannot find"#),
        (
            #""generationConfig":{"responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}"#,
            "response_mime_type"
        ),
        (
            #""generationConfig":{"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"LOW"}}"#,
            "only one of thinking budget and thinking level"
        ),
        (#""toolConfig":{"functionCallingConfig":{"mode":"ANY"}}"#, "without function_declarations"),
        (#""cachedContent":["a"]"#, "Proto field is not repeating, cannot start list."),
    ])
    func `fields that the API refuses are refused in its words`(field: String, words: String) {
        let problem = self.problem(#"{"contents":[{"parts":[{"text":"a"}]}],\#(field)}"#)
        #expect(problem.contains(words), "\(problem)")
    }

    @Test(arguments: [
        (
            #"{"type":"object","properties":{"p":{"type":"string","const":"c"}}}"#,
            #"Unknown name "const" at 'tools[0].function_declarations[0].parameters.properties[0].value'"#
        ),
        (#"{"type":"object","properties":{},"additionalProperties":false}"#, #"Unknown name "additionalProperties""#),
        (#"{"type":"OBJECT"}"#, "parameters.properties: should be non-empty for OBJECT type"),
        (#"{"type":["object","null"]}"#, "Proto field is not repeating, cannot start list."),
        (#"{"type":"OBJECT","properties":{"a":{"type":"ARRAY"}}}"#, "properties[a].items: missing field"),
        (#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["b"]}"#, "property is not defined: b"),
    ])
    func `parameters are a part of OpenAPI and not JSON Schema`(schema: String, words: String) {
        let tool = #"{"functionDeclarations":[{"name":"f","parameters":\#(schema)}]}"#
        let problem = self.problem(#"{"contents":[{"parts":[{"text":"a"}]}],"tools":[\#(tool)]}"#)
        #expect(problem.contains(words), "\(problem)")
        let free = #"{"functionDeclarations":[{"name":"f","parametersJsonSchema":\#(schema)}]}"#
        #expect(self.problem(#"{"contents":[{"parts":[{"text":"a"}]}],"tools":[\#(free)]}"#) == "nothing")
    }

    @Test func `contents cannot be missing`() {
        #expect(self.problem(#"{"contents":[]}"#).contains("contents is not specified"))
        #expect(self.problem("{}").contains("contents is not specified"))
    }

    @Test func `everything that is unknown is named at once`() {
        let problem = self.problem(#"{"contents":[{"parts":[{"text":"a"}]}],"one":1,"two":2}"#)
        #expect(problem.split(separator: "\n").count == 2)
    }

    private static let asked = #"{"role":"user","parts":[{"text":"Weather?"}]}"#

    private static func call(_ names: [String], signature: String? = nil) -> String {
        let parts = names.enumerated().map { index, name in
            let signed = index == 0 ? signature.map { #","thoughtSignature":"\#($0)""# } ?? "" : ""
            return #"{"functionCall":{"name":"\#(name)","args":{}}\#(signed)}"#
        }
        return #"{"role":"model","parts":[\#(parts.joined(separator: ","))]}"#
    }

    private static func results(_ names: [String]) -> String {
        let parts = names.map { #"{"functionResponse":{"name":"\#($0)","response":{"ok":true}}}"# }
        return #"{"role":"user","parts":[\#(parts.joined(separator: ","))]}"#
    }

    private static func body(_ contents: String...) -> String {
        #"{"contents":[\#(contents.joined(separator: ","))]}"#
    }

    @Test func `there are as many responses as calls, in the very next turn`() throws {
        let two = Self.call(["f", "f"])
        #expect(throws: Never.self) { try self.read(Self.body(Self.asked, two, Self.results(["f", "f"]))) }
        #expect(self.problem(Self.body(Self.asked, two, Self.results(["f"]))).contains("is equal to the number"))
        #expect(self.problem(Self.body(Self.asked, two, Self.asked)).contains("is equal to the number"))
        #expect(self.problem(Self.body(Self.asked, Self.results(["f"]))).contains("immediately after a function call"))
        #expect(self.problem(Self.body(two, Self.results(["f", "f"]))).contains("immediately after a user turn"))
    }

    @Test func `Gemini 3 wants the signature back on the very part it came with`() throws {
        let model = "sim-gemini-3"
        let results = Self.results(["f", "g"])
        func problem(_ signature: String?, model: String = model) -> String {
            self.problem(Self.body(Self.asked, Self.call(["f", "g"], signature: signature), results), model: model)
        }
        #expect(problem(nil).contains("missing a thought_signature"))
        #expect(problem(GeminiTurns.signature("f")) == "nothing")
        #expect(problem(GeminiTurns.signature("g")).contains("not valid"))
        #expect(problem("Zm9yZWlnbg==").contains("not valid"))
        #expect(problem("skip_thought_signature_validator") == "nothing")
        let encoded = Base64.text(Array("skip_thought_signature_validator".utf8))
        #expect(problem(encoded) == "nothing")
        #expect(problem(nil, model: "sim") == "nothing")
        // What happened before the user last spoke is history and is not checked.
        let old = Self.body(Self.asked, Self.call(["f", "g"]), results, #"{"parts":[{"text":"And now?"}]}"#)
        #expect(self.problem(old, model: model) == "nothing")
    }
}

@Suite struct GeminiAnswerTests {
    private static let hello = #"{"contents":[{"parts":[{"text":"Hello there"}]}]}"#

    private func ask(_ bench: Bench, _ model: String, _ method: String, _ body: String = hello) async throws
        -> RawClient.Reply
    {
        let text =
            "POST /v1beta/models/\(model):\(method) HTTP/1.1\r\nHost: sim\r\nx-goog-api-key: k\r\n"
            + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        return try await RawClient.exchange(bench.simulator, text)
    }

    @Test func `lines of a stream end in CRLF and nothing marks its end`() async throws {
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim%3Ftext=one%20two", "streamGenerateContent?alt=sse")
            #expect(!reply.text.contains("}\n\n"))
            #expect(!reply.text.contains("[DONE]"))
            let chunks = try reply.events.map { try JSONParser.parse($0) }
            #expect(chunks.count == 3)
            let told = chunks.map { $0["usageMetadata"]?["candidatesTokenCount"]?.integer }
            #expect(told == [1, 2, 2])
            let reasons = chunks.map { $0["candidates"]?.array?.first?["finishReason"]?.string }
            #expect(reasons == [nil, nil, "STOP"])
            let call = try await bench.nextEnded()
            #expect(call.model == "sim?text=one two")
            #expect(call.eventsWritten == 3)
            #expect(call.tokensWritten == 2)
            #expect(call.isUsageWritten)
        }
    }

    @Test func `without alt the stream is one JSON array`() async throws {
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim%3Fchunks=2&framing=close", "streamGenerateContent")
            let array = try JSONParser.parse(reply.body)
            #expect(array.array?.count == 3)
        }
    }

    @Test(arguments: [260, 1024])
    func `chunk_bytes is the size of an event`(size: Int) async throws {
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim%3Fchunks=2&chunk_bytes=\(size)", "streamGenerateContent?alt=sse")
            // Without "data: " and two line ends of two bytes.
            #expect(reply.events.prefix(2).map(\.utf8.count) == [size - 10, size - 10])
        }
    }

    @Test func `a refused prompt has no candidates, a blocked answer no content`() async throws {
        try await Bench.with { bench in
            let refused = try JSONParser.parse(try await self.ask(bench, "sim%3Frefusal", "generateContent").body)
            #expect(refused["candidates"] == nil)
            #expect(refused["promptFeedback"]?["blockReason"] == .string("SAFETY"))
            let blocked = try JSONParser.parse(
                try await self.ask(bench, "sim%3Ffinish=content_filter", "generateContent").body
            )
            let candidate = blocked["candidates"]?.array?.first
            #expect(candidate?["finishReason"] == .string("SAFETY"))
            #expect(candidate?["content"] == nil)
            #expect(try await bench.nextEnded().completionTokens == 0)
        }
    }

    @Test func `a limit says in the body when to come back, not in the head`() async throws {
        try await Bench.with { bench in
            let reply = try await self.ask(bench, "sim%3Fstatus=429&retry_after=11", "generateContent")
            #expect(reply.head.hasPrefix("HTTP/1.1 429"))
            #expect(!reply.head.contains("retry-after"))
            #expect(reply.body.contains(#""retryDelay": "11s""#))
            #expect(reply.body.contains("RESOURCE_EXHAUSTED"))
        }
    }

    @Test func `a call that runs out of tokens is not told by half`() async throws {
        let tools = """
            {"contents":[{"parts":[{"text":"Weather?"}]}],"generationConfig":{"maxOutputTokens":4},"tools":[
            {"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object","properties":{"city":
            {"type":"string"}}}}]}]}
            """
        try await Bench.with { bench in
            for method in ["generateContent", "streamGenerateContent?alt=sse"] {
                let reply = try await self.ask(bench, "sim", method, tools)
                #expect(!reply.text.contains("functionCall"))
                #expect(reply.text.contains("MAX_TOKENS"))
                #expect(try await bench.nextEnded().tokensWritten == 4)
            }
        }
    }

    @Test func `keys are wrong in three different ways`() async throws {
        try await Bench.with {
            $0.requiredKeys = ["right"]
        } _: { bench in
            func ask(_ path: String, _ header: String) async throws -> RawClient.Reply {
                try await RawClient.exchange(
                    bench.simulator,
                    "GET /v1beta/models\(path) HTTP/1.1\r\nHost: sim\r\n\(header)Connection: close\r\n\r\n"
                )
            }
            let wrong = try await ask("?key=wrong", "")
            #expect(wrong.head.hasPrefix("HTTP/1.1 400"))
            #expect(wrong.body.contains("API_KEY_INVALID"))
            #expect(try await ask("", "").head.hasPrefix("HTTP/1.1 403"))
            #expect(try await ask("", "Authorization: Bearer right\r\n").head.hasPrefix("HTTP/1.1 401"))
            #expect(try await ask("", "x-goog-api-key: right\r\n").head.hasPrefix("HTTP/1.1 200"))
            #expect(try await ask("?key=right", "").head.hasPrefix("HTTP/1.1 200"))
        }
    }
}
