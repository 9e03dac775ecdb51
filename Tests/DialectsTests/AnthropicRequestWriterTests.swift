import Chat
import Core
import Dialects
import NIOCore
import Testing

struct AnthropicRequestWriterTests {
    private func check(
        _ request: ChatRequest,
        _ expected: String,
        lost: [Int] = [],
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        try self.check(request, Anthropic.target(), expected, lost: lost, location)
    }

    private func check(
        _ request: ChatRequest,
        _ target: TargetTraits,
        _ expected: String,
        lost: [Int] = [],
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let written = try Anthropic.write(request, target)
        let model = "\"model\":\"\(target.modelID)\","
        #expect(
            try Anthropic.sorted(written.body) == Anthropic.sorted("{\(model)\(expected)}"),
            sourceLocation: location
        )
        #expect(written.losses.places == lost, sourceLocation: location)
    }

    private static let hi = #""messages":[{"role":"user","content":"Hi"}]"#

    @Test func `a limit is made up where the client set none`() throws {
        try self.check(Anthropic.question(), #""max_tokens":4096,\#(Self.hi)"#)
        var target = Anthropic.target()
        target.outputTokensMax = 64_000
        try self.check(Anthropic.question(), target, #""max_tokens":64000,\#(Self.hi)"#)
        var request = Anthropic.question()
        request.maxOutputTokens = Given(77, at: 3)
        try self.check(request, target, #""max_tokens":77,\#(Self.hi)"#)
        target.outputLimit = 50
        try self.check(request, target, #""max_tokens":50,\#(Self.hi)"#)
        target.outputLimit = 90
        try self.check(request, target, #""max_tokens":77,\#(Self.hi)"#)
    }

    @Test func `turns alternate, and results of tools come first and together`() throws {
        var request = ChatRequest(format: .openAIChat)
        request.tools = [Anthropic.tool("look")]
        request.messages = [
            ChatMessage(.system, [Anthropic.part("S")], place: 1),
            ChatMessage(.user, [Anthropic.part("a")], place: 2),
            ChatMessage(.user, [Anthropic.part("b")], place: 3),
            ChatMessage(
                .assistant,
                [Anthropic.part(""), Anthropic.call("call_1"), Anthropic.call("call.2")],
                place: 4
            ),
            ChatMessage(.user, [Anthropic.result("call_1", "one")], place: 5),
            ChatMessage(.user, [Anthropic.part("and")], place: 6),
            ChatMessage(.user, [Anthropic.result("call.2", "")], place: 7),
            ChatMessage(.assistant, [Anthropic.part("")], place: 8),
            ChatMessage(.user, [Anthropic.part(" ")], place: 9),
        ]
        let id = "toolu_" + "bd4a93b9d1bd2eb1" + "bd4a93b9d1bd2eb1"
        let written = try Anthropic.write(request).body
        // The id is some hash; it has to be one and the same in both places.
        let hash = try #require(written.split(separator: "\"").first { $0.hasPrefix("toolu_") })
        #expect(hash.count == id.count)
        try self.check(
            request,
            #"""
            "max_tokens":4096,"system":"S","tools":[{"name":"look","input_schema":{"type":"object","properties":{}}}],
            "messages":[
             {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
             {"role":"assistant","content":[{"type":"tool_use","id":"call_1","name":"look","input":{}},
               {"type":"tool_use","id":"\#(hash)","name":"look","input":{}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"one"},
               {"type":"tool_result","tool_use_id":"\#(hash)"},{"type":"text","text":"and"}]}]
            """#
        )
    }

    @Test func `a conversation begins with the user and never ends in white space`() throws {
        var request = ChatRequest(format: .openAIChat)
        request.messages = [
            ChatMessage(.assistant, [Anthropic.part("Hello ")], place: 1),
            ChatMessage(.user, [Anthropic.part("")], place: 2),
            ChatMessage(.assistant, [Anthropic.part("So \n", place: 9)], place: 3),
        ]
        try self.check(
            request,
            #"""
            "max_tokens":4096,"messages":[{"role":"user","content":"(empty)"},{"role":"assistant","content":"Hello "},
            {"role":"user","content":[{"type":"text","text":"(empty)"}]},
            {"role":"assistant","content":[{"type":"text","text":"So"}]}]
            """#,
            lost: [9]
        )
    }

    @Test func `instructions alone become the question`() throws {
        var request = ChatRequest(format: .openAIChat)
        request.messages = [ChatMessage(.developer, [Anthropic.part("Write.")], place: 4)]
        try self.check(
            request,
            #""max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"Write."}]}]"#,
            lost: [4]
        )
    }

    @Test func `instructions in the middle stay there where the model takes them, else they go to the front`() throws {
        var request = ChatRequest(format: .openAIChat)
        request.messages = [
            ChatMessage(.system, [Anthropic.part("S")], place: 1),
            ChatMessage(.user, [Anthropic.part("a")], place: 2),
            ChatMessage(.assistant, [Anthropic.part("b")], place: 3),
            ChatMessage(.developer, [Anthropic.part("D")], place: 4),
            ChatMessage(.user, [Anthropic.part("c")], place: 5),
        ]
        let turns = #"{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}"#
        try self.check(
            request,
            Anthropic.target("claude-opus-4-8"),
            #"""
            "max_tokens":4096,"system":"S",
            "messages":[\#(turns),{"role":"system","content":[{"type":"text","text":"D"}]}]
            """#
        )
        try self.check(
            request,
            Anthropic.target("claude-sonnet-5"),
            #"""
            "max_tokens":4096,"system":[{"type":"text","text":"S"},{"type":"text","text":"D"}],"messages":[\#(turns)]
            """#,
            lost: [4]
        )
    }

    @Test func `sampling is clamped, and left out where the model refuses it`() throws {
        var request = Anthropic.question()
        request.temperature = Anthropic.given("1.5", at: 20)
        request.topP = Anthropic.given("0.5", at: 21)
        request.topK = Anthropic.given("7", at: 22)
        request.seed = Anthropic.given("1", at: 23)
        request.presencePenalty = Anthropic.given("0", at: 24)
        request.frequencyPenalty = Anthropic.given("0.1", at: 25)
        request.choices = Given(2, at: 26)
        request.stop = [Given(JSONString("x"), at: 27), Given(JSONString("\n"), at: 28)]
        request.user = Given(JSONString("u"), at: 29)
        request.serviceTier = Given(JSONString("flex"), at: 30)
        request.logprobs = Given(true, at: 31)
        let common = #""max_tokens":4096,"stop_sequences":["x"],"metadata":{"user_id":"u"},\#(Self.hi)"#
        try self.check(
            request,
            #"\#(common),"temperature":1,"top_p":0.5,"top_k":7"#,
            lost: [20, 28, 25, 23, 26, 31, 30]
        )
        try self.check(
            request,
            Anthropic.target("claude-sonnet-4-5"),
            #"\#(common),"temperature":1,"top_k":7"#,
            lost: [20, 21, 28, 25, 23, 26, 31, 30]
        )
        try self.check(
            request,
            Anthropic.target("claude-opus-5"),
            common,
            lost: [20, 21, 22, 28, 25, 23, 26, 31, 30]
        )
        request = Anthropic.question()
        request.temperature = Anthropic.given("1", at: 20)
        try self.check(request, Anthropic.target("claude-opus-5"), #""max_tokens":4096,\#(Self.hi)"#)
    }

    @Test func `members of this dialect that came with another are kept, others are named`() throws {
        var request = Anthropic.question()
        for (name, place) in [("container", 1), ("verbosity", 2), ("speed", 3), ("metadata", 4)] {
            request.rest.append(
                RestMember(name: JSONString(name), value: Anthropic.fragment(#"{"a":"b"}"#), place: place)
            )
        }
        let kept = #""max_tokens":4096,"container":{"a":"b"},"speed":{"a":"b"},\#(Self.hi)"#
        try self.check(request, kept, lost: [2, 4])
        var target = Anthropic.target()
        target.takesUnknownMembers = true
        try self.check(request, target, #"\#(kept),"verbosity":{"a":"b"}"#, lost: [4])
    }

    @Test func `pictures and documents go over, in the forms that the API reads`() throws {
        var image = Media(.data(ByteBuffer(string: "/9j/abc=")))
        image.detail = Given(JSONString("low"), at: 8)
        let pdf = Media(.data(ByteBuffer(string: "JVBERi0x")))
        let text = Media(.data(ByteBuffer(string: "SGkgIg==")), mediaType: JSONString("text/csv"))
        let word = Media(.data(ByteBuffer(string: "AAAA")), mediaType: JSONString("application/msword"))
        let parts = [
            ContentPart(.image(image), place: 1),
            ContentPart(.image(Media(.url(JSONString("https://e.org/x.png")))), place: 2),
            ContentPart(.file(pdf), place: 3), ContentPart(.file(text), place: 4),
            ContentPart(.file(word), place: 5), ContentPart(.audio(pdf), place: 6),
            ContentPart(.file(Media(.fileID(JSONString("file-1")))), place: 7),
        ]
        try self.check(
            Anthropic.question(parts),
            #"""
            "max_tokens":4096,"messages":[{"role":"user","content":[
            {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/abc="}},
            {"type":"image","source":{"type":"url","url":"https://e.org/x.png"}},
            {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"}},
            {"type":"document","source":{"type":"text","media_type":"text/plain","data":"Hi \""}}]}]
            """#,
            lost: [8, 5, 6, 7]
        )
    }
}

struct AnthropicToolsWriterTests {
    private func written(_ request: ChatRequest, _ model: String = "claude-sonnet-4-0") throws -> Anthropic.Written {
        try Anthropic.write(request, Anthropic.target(model))
    }

    @Test(
        arguments: [
            (ToolChoice.auto, nil, #""tool_choice":{"type":"auto"}"#),
            (ToolChoice.none, false, #""tool_choice":{"type":"none"}"#),
            (.required, false, #""tool_choice":{"type":"any","disable_parallel_tool_use":true}"#),
            (.required, true, #""tool_choice":{"type":"any"}"#),
            (.named(JSONString("a")), nil, #""tool_choice":{"type":"tool","name":"a"}"#),
            (nil, false, #""tool_choice":{"type":"auto","disable_parallel_tool_use":true}"#),
        ] as [(ToolChoice?, Bool?, String)]
    )
    func `the choice of tools goes over`(choice: ToolChoice?, isParallel: Bool?, expected: String) throws {
        var request = Anthropic.question()
        request.tools = [Anthropic.tool("a", #"{"properties":{"x":{}}}"#)]
        request.toolChoice = choice.map { Given($0, at: 3) }
        request.parallelToolCalls = isParallel.map { Given($0, at: 4) }
        let written = try self.written(request)
        #expect(written.body.contains(expected))
        #expect(written.body.contains(#""input_schema":{"type":"object","properties":{"x":{}}}"#))
        #expect(written.losses.isEmpty)
    }

    @Test func `tools of the history are defined although the client left them out`() throws {
        var request = Anthropic.question()
        request.messages += [
            ChatMessage(.assistant, [Anthropic.call("c1", "look", #"{"a":1}"#)]),
            ChatMessage(.user, [Anthropic.result("c1", "r")]),
        ]
        let body = try self.written(request).body
        #expect(
            body.contains(
                #""tools":[{"name":"look","input_schema":{"type":"object"}}],"tool_choice":{"type":"none"}"#
            )
        )
        #expect(body.contains(#""input":{"a":1}"#))
    }

    @Test func `tools that only another provider runs are named as lost, and a choice of them too`() throws {
        var request = Anthropic.question()
        var hosted = ToolDefinition(.hosted, name: JSONString("web_search"), place: 6)
        hosted.definition = Anthropic.fragment("{}")
        request.tools = [hosted]
        request.toolChoice = Given(.named(JSONString("web_search")), at: 7)
        let written = try self.written(request)
        #expect(!written.body.contains("tool"))
        #expect(written.losses.places == [6, 7])
    }

    @Test func `arguments that are no object are not lost`() throws {
        var request = Anthropic.question()
        request.messages.append(ChatMessage(.assistant, [Anthropic.call("c1", "look", "[1]")]))
        #expect(try self.written(request).body.contains(#""input":{"input":"[1]"}"#))
    }

    @Test func `a strict tool stays strict where the model knows the word`() throws {
        var request = Anthropic.question()
        request.tools = [Anthropic.tool("a", #"{"type":"object"}"#)]
        request.tools[0].isStrict = Given(true, at: 9)
        #expect(try self.written(request, "claude-opus-4-6").body.contains(#""strict":true"#))
        let old = try self.written(request)
        #expect(!old.body.contains("strict"))
        #expect(old.losses.places == [9])
    }

    @Test func `a schema for the answer is said natively, or by a tool that has to be called`() throws {
        var request = Anthropic.question()
        let schema = #"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#
        request.responseFormat = Given(
            .jsonSchema(JSONSchemaFormat(name: JSONString("n"), schema: Anthropic.fragment(schema), isStrict: true)),
            at: 12
        )
        let native = try self.written(request, "claude-haiku-4-5-20251001")
        #expect(
            native.body.contains(
                #""output_config":{"format":{"type":"json_schema","schema":{"type":"object","#
                    + #""properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}}}"#
            )
        )
        #expect(native.losses == Losses())
        let tool = try self.written(request, "claude-3-5-haiku-latest")
        #expect(tool.body.contains(#""name":"turnpike_answer""#))
        #expect(tool.body.contains(#""input_schema":\#(schema)"#))
        #expect(tool.body.contains(#""tool_choice":{"type":"tool","name":"turnpike_answer"}"#))
        #expect(tool.losses.isEmpty)
        #expect(tool.losses.emulated == [12])
        request.tools = [Anthropic.tool("other")]
        #expect(try self.written(request).body.contains(#""tool_choice":{"type":"any"}"#))
        request.toolChoice = Given(.named(JSONString("other")), at: 13)
        let named = try self.written(request)
        #expect(named.body.contains(#""tool_choice":{"type":"tool","name":"other"}"#))
        #expect(named.losses.places == [12])
    }

    @Test func `bounds that the native form refuses are left out and named`() throws {
        var request = Anthropic.question()
        let schema = #"{"type":"object","properties":{"a":{"oneOf":[{"type":"number","minimum":1},{"type":"null"}]}}}"#
        request.responseFormat = Given(.jsonSchema(JSONSchemaFormat(schema: Anthropic.fragment(schema))), at: 12)
        let written = try self.written(request, "claude-opus-5-5")
        let kept = #"{"a":{"anyOf":[{"type":"number"},{"type":"null"}]}},"additionalProperties":false"#
        #expect(written.body.contains(kept))
        #expect(written.losses.places == [12])
    }

    @Test func `any JSON object is asked for by a tool, or in words where no tool may be forced`() throws {
        var request = Anthropic.question()
        request.responseFormat = Given(.jsonObject, at: 12)
        #expect(try self.written(request).body.contains(#""tool_choice":{"type":"tool","name":"turnpike_answer"}"#))
        let words = try self.written(request, "claude-fable-5")
        #expect(words.body.contains(#""system":[{"type":"text","text":"Answer with one JSON object"#))
        #expect(words.losses.places == [12])
        let off = try self.written(request, "claude-opus-5")
        #expect(off.body.contains(#""thinking":{"type":"disabled"}"#))
        #expect(off.losses.isEmpty)
    }
}
