import Chat
import Core
import NIOCore
import Testing

struct CohereRequestTests {
    private func write(_ request: ChatRequest) throws -> (body: String, losses: Losses) {
        try ProviderSide.write(request, as: .cohere, model: "command-a")
    }

    private func request(_ messages: ChatMessage...) -> ChatRequest {
        var request = ChatRequest(format: .openAIChat)
        request.messages = messages
        return request
    }

    private func number(_ text: String, _ place: Int) -> Given<JSONFragment> { Given(JSONFragment(text), at: place) }

    @Test func `messages keep their order and roles, and names are lost`() throws {
        var named = ChatMessage.user("b")
        named.name = Given(JSONString("n"), at: 4)
        let (body, losses) = try self.write(
            self.request(
                ChatMessage(.developer, [.text("a")]),
                named,
                ChatMessage(.assistant, [.text("c")]),
                .user("", place: 5),
                ChatMessage(.user, [.text("d"), .text("e")])
            )
        )
        #expect(
            body == #"{"model":"command-a","messages":[{"role":"system","content":"a"},{"role":"user","content":"b"},"#
                + #"{"role":"assistant","content":"c"},{"role":"user","content":[{"type":"text","text":"d"},"#
                + #"{"type":"text","text":"e"}]}]}"#
        )
        #expect(losses.places == [4])
        #expect(throws: (any Error).self) { try self.write(self.request()) }
    }

    @Test func `the text of a turn with calls is its plan, and each result is a message`() throws {
        let thought = Thinking(text: JSONString("Hmm"), signature: JSONString("s"), format: .anthropic)
        let calls = ChatMessage(
            .assistant,
            [ContentPart(.thinking(thought)), .text("I look."), .call("a", "f", #"{"x":1}"#), .call("b", "g", "")]
        )
        var results = ChatMessage.result(of: "a", "one")
        results.parts += ChatMessage.result(of: "b", "bad", isError: true).parts + [.text("Go on.")]
        let (body, losses) = try self.write(self.request(.user("?"), calls, results))
        let expected = [
            #"{"role":"assistant","tool_plan":"I look.","content":[{"type":"thinking","thinking":"Hmm"}],"#,
            #""tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},"#,
            #"{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"#,
            #"{"role":"tool","tool_call_id":"a","content":"one"},"#,
            #"{"role":"tool","tool_call_id":"b","content":"{\"error\":\"bad\"}"},"#,
            #"{"role":"user","content":"Go on."}]}"#,
        ]
        #expect(body.hasSuffix(expected.joined()), "\(body)")
        #expect(losses.isEmpty)
    }

    @Test func `pictures become addresses; one from a tool is shown by the user`() throws {
        var image = ContentPart(.image(Media(.data(ByteBuffer(string: "/9j/AA")))))
        if case .image(var media) = image.content {
            media.detail = Given(JSONString("low"), at: 1)
            image.content = .image(media)
        }
        let shown = #"{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/AA","detail":"low"}}"#
        let file = ContentPart(.file(Media(.data(ByteBuffer(string: "JVBERi")))), place: 9)
        let (body, losses) = try self.write(self.request(ChatMessage(.user, [.text("see"), image, file])))
        #expect(body.contains(#"[{"type":"text","text":"see"},"# + shown + "]"))
        #expect(losses.places == [9])
        let result = ToolResult(callID: JSONString("a"), parts: [image])
        let tool = ChatMessage(.user, [ContentPart(.toolResult(result))])
        let given = try self.write(
            self.request(.user("?"), ChatMessage(.assistant, [.call("a", "f", "{}")]), tool)
        ).body
        #expect(given.hasSuffix(#""content":" "},{"role":"user","content":["# + shown + "]}]}"))
    }

    @Test func `a tool that must be called is the only one, and all strict ones are strict`() throws {
        var request = self.request(.user("?"))
        let schema = #"{"type":"object","required":["a"]}"#
        request.tools = [.function("f", parameters: schema, isStrict: true), .function("g")]
        request.toolChoice = Given(.named(JSONString("f")), at: 3)
        let named = try self.write(request)
        #expect(
            named.body.hasSuffix(
                #""tools":[{"type":"function","function":{"name":"f","parameters":"# + schema
                    + #"}}],"tool_choice":"REQUIRED","strict_tools":true}"#
            )
        )
        #expect(named.losses.isEmpty)
        request.toolChoice = Given(.required, at: 3)
        let required = try self.write(request)
        #expect(required.body.contains(#""name":"g","parameters":{"type":"object","properties":{}}"#))
        #expect(required.losses.places == [77])
        request.toolChoice = Given(ToolChoice.none, at: 3)
        #expect(try self.write(request).body.contains(#""tool_choice":"NONE""#))
        request.toolChoice = Given(.auto, at: 3)
        #expect(!(try self.write(request).body.contains("tool_choice")))
    }

    @Test func `settings go by Cohere's names and within its limits`() throws {
        var request = self.request(.user("?"))
        request.isStream = true
        request.maxOutputTokens = Given(9, at: 1)
        request.temperature = self.number("0.5", 2)
        request.topP = self.number("1", 3)
        request.topK = self.number("7", 4)
        request.frequencyPenalty = self.number("-1", 5)
        request.presencePenalty = self.number("0.25", 6)
        request.seed = self.number("-4", 7)
        request.stop = [Given(JSONString("x"), at: 8)]
        request.choices = Given(2, at: 9)
        request.logprobs = Given(true, at: 10)
        request.reasoning.budget = Given(500, at: 11)
        request.responseFormat = Given(.jsonObject, at: 12)
        request.rest = [
            RestMember(name: JSONString("documents"), value: JSONFragment(#"["d"]"#), place: 13),
            RestMember(name: JSONString("verbosity"), value: JSONFragment(#""low""#), place: 14),
        ]
        let (body, losses) = try self.write(request)
        #expect(
            body.hasSuffix(
                #""stream":true,"max_tokens":9,"temperature":0.5,"p":0.99,"k":7,"frequency_penalty":0,"#
                    + #""presence_penalty":0.25,"stop_sequences":["x"],"response_format":{"type":"json_object"},"#
                    + #""thinking":{"type":"enabled","token_budget":500},"documents":["d"]}"#
            ),
            "\(body)"
        )
        #expect(losses.places == [3, 5, 7, 10, 14, 9])
    }

    @Test func `a form is a schema, an instruction beside tools; no thinking is said so`() throws {
        var request = self.request(.user("?"))
        let schema = JSONSchemaFormat(schema: JSONFragment(#"{"type":"object"}"#))
        request.responseFormat = Given(.jsonSchema(schema), at: 1)
        request.reasoning.effort = Given(.none, at: 2)
        let body = try self.write(request).body
        #expect(body.contains(#""response_format":{"type":"json_object","json_schema":{"type":"object"}}"#))
        #expect(body.contains(#""thinking":{"type":"disabled"}"#))
        request.tools = [.function("f")]
        let (instructed, losses) = try self.write(request)
        #expect(instructed.contains(#"{"role":"system","content":"When you give your answer"#))
        #expect(!instructed.contains("response_format"))
        #expect(losses.emulated == [1])
    }
}
