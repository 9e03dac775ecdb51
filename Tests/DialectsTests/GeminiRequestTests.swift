import Chat
import Core
import NIOCore
import Testing

struct GeminiRequestTests {
    private func write(
        _ request: ChatRequest,
        model: String = "gemini-2.5-flash"
    ) throws -> (body: String, losses: Losses) {
        try ProviderSide.write(request, as: .gemini, model: model)
    }

    private func request(_ messages: ChatMessage...) -> ChatRequest {
        var request = ChatRequest(format: .openAIChat)
        request.messages = messages
        return request
    }

    @Test func `instructions stand apart, and messages of one side become one content`() throws {
        let request = self.request(
            ChatMessage(.system, [.text("Be kind.")], place: 1),
            ChatMessage(.user, [.text("a\u{2028}b")], place: 2),
            ChatMessage(.developer, [.text("Late.")], place: 3),
            .user("c"),
            ChatMessage(.assistant, [.text("d"), .text("")]),
            .user("")
        )
        let (body, losses) = try self.write(request)
        #expect(
            body == #"{"systemInstruction":{"parts":[{"text":"Be kind."},{"text":"Late."}]},"contents":["#
                + #"{"role":"user","parts":[{"text":"a\u2028b"},{"text":"c"}]},"#
                + #"{"role":"model","parts":[{"text":"d"}]}],"generationConfig":{}}"#
        )
        #expect(losses.isEmpty)
        #expect(losses.emulated == [3])
    }

    @Test func `instructions alone are said by the user, and nothing at all is refused`() throws {
        let (body, losses) = try self.write(self.request(ChatMessage(.system, [.text("Hi")], place: 5)))
        #expect(body == #"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{}}"#)
        #expect(losses.emulated == [5])
        #expect(throws: (any Error).self) { try self.write(self.request()) }
        #expect(try self.write(self.request(.user(""))).body.contains(#""parts":[{"text":" "}]"#))
    }

    @Test func `results of parallel calls stand in the very next content, as many and in the order of the calls`()
        throws
    {
        let calls = ChatMessage(
            .assistant,
            [.text("I look."), .call("a", "weather", #"{"city":"Rome"}"#), .call("b", "weather", #"{"city":"Rome"}"#)]
        )
        let request = self.request(
            .user("?"),
            calls,
            .user("And quickly!"),
            .result(of: "b", "[1]"),
            .result(of: "a", #" {"t": 20} "#)
        )
        let (body, losses) = try self.write(request)
        let expected =
            #"{"role":"model","parts":[{"text":"I look."},"#
            + #"{"functionCall":{"id":"a","name":"weather","args":{"city":"Rome"}}},"#
            + #"{"functionCall":{"id":"b","name":"weather","args":{"city":"Rome"}}}]},"#
            + #"{"role":"user","parts":["#
            + #"{"functionResponse":{"id":"a","name":"weather","response":{"t": 20}}},"#
            + #"{"functionResponse":{"id":"b","name":"weather","response":{"output":"[1]"}}}]},"#
            + #"{"role":"user","parts":[{"text":"And quickly!"}]}]"#
        #expect(body.contains(expected), "\(body)")
        #expect(losses.isEmpty)
    }

    @Test func `the same id in two turns, and twice in one, finds its own result`() throws {
        let one = ChatMessage(.assistant, [.call("x", "f", ""), .call("x", "g", "{}")])
        let two = ChatMessage(.assistant, [.call("x", "h", "not json")])
        let request = self.request(
            .user("?"),
            one,
            .result(of: "x", "1"),
            .result(of: "x", "2"),
            two,
            .result(of: "x", "3", isError: true)
        )
        let body = try self.write(request).body
        #expect(body.contains(#""name":"f","response":{"output":"1"}"#))
        #expect(body.contains(#""name":"g","response":{"output":"2"}"#))
        #expect(body.contains(#""name":"h","args":{"input":"not json"}"#))
        #expect(body.contains(#""name":"h","response":{"error":"3"}"#))
    }

    @Test func `a result without its call and a call without its result are refused, with their place`() throws {
        let calls = ChatMessage(.assistant, [.call("a", "f", "{}", place: 40)])
        for (messages, place) in [
            ([ChatMessage.user("?"), .result(of: "a", "x", place: 30)], 30),
            ([.user("?"), calls, .user("no")], 40),
            ([.user("?"), calls], 40),
            ([.user("?"), calls, .result(of: "a", "x"), .result(of: "b", "x", place: 50)], 50),
        ] {
            var request = ChatRequest(format: .openAIChat)
            request.messages = messages
            #expect { try self.write(request) } throws: { "\($0)".contains("place: \(place),") }
        }
    }

    @Test func `Gemini 3 gets a signature on the first call of each turn, its own or the word for none`() throws {
        var signed = ToolCall(id: JSONString("c"), name: JSONString("f"), arguments: .encoded(.empty))
        signed.signature = JSONString("c2ln")
        let request = self.request(
            .user("?"),
            ChatMessage(.assistant, [.call("a", "f", "{}"), .call("b", "f", "{}")]),
            .result(of: "a", "1"),
            .result(of: "b", "2"),
            ChatMessage(.assistant, [ContentPart(.toolCall(signed))]),
            .result(of: "c", "3")
        )
        let body = try self.write(request, model: "gemini-3-pro-preview").body
        let dummy = #""thoughtSignature":"skip_thought_signature_validator""#
        #expect(body.components(of: dummy) == 1)
        #expect(body.contains(#"{"id":"a","name":"f","args":{}},"thoughtSignature":"skip"#))
        #expect(body.contains(#"{"id":"c","name":"f","args":{}},"thoughtSignature":"c2ln""#))
        #expect(!(try self.write(request).body.contains("skip_thought")))
    }

    @Test func `a signature comes back from a client of Google's own OpenAI endpoint`() throws {
        let extra = JSONFragment(#"{"google":{"thought_signature":"c2ln"}}"#)
        var call = ContentPart.call("a", "f", "{}")
        call.rest = [RestMember(name: JSONString("extra_content"), value: extra, place: 9)]
        var message = ChatMessage(.assistant, [call, .text("x")])
        message.rest = call.rest
        let (body, losses) = try self.write(self.request(.user("?"), message, .result(of: "a", "1")))
        #expect(body.contains(#""args":{}},"thoughtSignature":"c2ln"},{"text":"x","thoughtSignature":"c2ln"}"#))
        #expect(losses.isEmpty)
    }

    @Test func `tools are declared by their schema, and a choice among them is kept`() throws {
        var request = self.request(.user("?"))
        var described = ToolDefinition.function("f", parameters: ##"{"$defs":{},"type":"object"}"##, isStrict: true)
        described.description = Given(JSONString("Does"), at: 1)
        var search = ToolDefinition(.hosted, name: .empty, place: 3)
        search.definition = JSONFragment(#"{"googleSearch":{}}"#)
        var foreign = ToolDefinition(.hosted, name: .empty, place: 4)
        foreign.definition = JSONFragment(#"{"type":"web_search"}"#)
        request.tools = [described, .function("g", parameters: "{}"), search, foreign]
        request.toolChoice = Given(.named(JSONString("g")), at: 5)
        let (body, losses) = try self.write(request)
        #expect(
            body.contains(
                #""tools":[{"functionDeclarations":[{"name":"f","description":"Does","parametersJsonSchema":"#
                    + ##"{"$defs":{},"type":"object"}},{"name":"g"}]},{"googleSearch":{}}],"toolConfig":"##
                    + #"{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["g"]}}"#
            )
        )
        #expect(losses.places == [4])
        request.toolChoice = nil
        #expect(try self.write(request).losses.places == [4, 77])
        #expect(try self.write(request, model: "gemini-3-flash").body.contains(#""mode":"VALIDATED""#))
        request.toolChoice = Given(ToolChoice.none, at: 5)
        #expect(try self.write(request).body.contains(#""mode":"NONE""#))
    }

    @Test func `pictures, files and addresses become parts with one datum each`() throws {
        func media(_ source: Media.Source, _ type: String? = nil) -> Media {
            Media(source, mediaType: type.map { JSONString($0) })
        }
        let png = ByteBuffer(string: "iVBORw0KGgoAAAA")
        var named = media(.data(ByteBuffer(string: "JVBERi0x")))
        named.name = Given(JSONString("a.pdf"), at: 8)
        let (body, losses) = try self.write(
            self.request(
                ChatMessage(
                    .user,
                    [
                        ContentPart(.image(media(.data(png)))),
                        ContentPart(.image(media(.url(JSONString("https://x.test/a.JPG?b"))))),
                        ContentPart(.audio(media(.data(ByteBuffer(string: "AAAA")), "audio/wav"))),
                        ContentPart(.file(named)),
                        ContentPart(.file(media(.fileID(JSONString("file-1")))), place: 9),
                        ContentPart(.file(media(.text(JSONString("plain"))))),
                        ContentPart(.file(media(.data(ByteBuffer(string: "AAAA")))), place: 10),
                    ]
                )
            )
        )
        #expect(
            body.contains(
                #"[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgoAAAA"}},"#
                    + #"{"fileData":{"mimeType":"image/jpeg","fileUri":"https://x.test/a.JPG?b"}},"#
                    + #"{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}},"#
                    + #"{"inlineData":{"mimeType":"application/pdf","data":"JVBERi0x"}},{"text":"plain"}]"#
            ),
            "\(body)"
        )
        #expect(losses.places == [8, 9, 10])
    }

    @Test func `a picture that a tool gave goes into the result, or right behind it where that takes none`() throws {
        let image = ContentPart(.image(Media(.data(ByteBuffer(string: "iVBORw0KGgo")))))
        let result = ToolResult(callID: JSONString("a"), parts: [.text("see"), image])
        let request = self.request(
            .user("?"),
            ChatMessage(.assistant, [.call("a", "f", "{}")]),
            ChatMessage(.user, [ContentPart(.toolResult(result))])
        )
        let part = #"{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo"}}"#
        let old = try self.write(request).body
        #expect(old.contains(#""response":{"output":"see"}}}]},{"role":"user","parts":["# + part + "]}]"))
        let new = try self.write(request, model: "gemini-3-flash").body
        #expect(new.contains(#""response":{"output":"see"},"parts":["# + part + "]}}]}]"))
    }
}

extension String {
    /// How often a text stands in this one.
    fileprivate func components(of text: String) -> Int { self.ranges(of: text).count }
}
