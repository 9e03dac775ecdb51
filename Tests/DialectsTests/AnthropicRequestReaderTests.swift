import Chat
import Core
import Dialects
import NIOCore
import Testing

struct AnthropicRequestReaderTests {
    @Test func `every setting of the dialect is read`() throws {
        let request = try Anthropic.read(
            #"""
            {"model":"claude-x","max_tokens":100,"stream":true,"system":"Be kind.",
             "temperature":0.5,"top_p":0.9,"top_k":5,"stop_sequences":["a","b"],"metadata":{"user_id":"u1"},
             "service_tier":"standard_only",
             "thinking":{"type":"enabled","budget_tokens":2000,"display":"summarized"},
             "output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object"}}},
             "tool_choice":{"type":"any","disable_parallel_tool_use":true},
             "tools":[{"name":"look","description":"d","input_schema":{"type":"object"},"strict":true,
                       "cache_control":{"type":"ephemeral"},"defer_loading":true},
                      {"type":"web_search_20250305","name":"web_search","max_uses":2}],
             "messages":[{"role":"user","content":"Hi"}],
             "container":"c1","mcp_servers":[],"context_management":{"edits":[]},"speed":null}
            """#
        )
        #expect(request.maxOutputTokens?.value == 100)
        #expect(request.isStream)
        #expect(request.temperature?.value.double == 0.5)
        #expect(request.topP?.value.double == 0.9)
        #expect(request.topK?.value.int == 5)
        #expect(request.stop.map { $0.value.text } == ["a", "b"])
        #expect(request.user?.value.text == "u1")
        #expect(request.serviceTier?.value.text == "standard_only")
        #expect(request.reasoning.isOn?.value == true)
        #expect(request.reasoning.budget?.value == 2000)
        #expect(request.reasoning.summary?.value.text == "summarized")
        #expect(request.reasoning.effort?.value == .max)
        guard case .jsonSchema(let format)? = request.responseFormat?.value else { return #expect(Bool(false)) }
        #expect(format.schema.map { Anthropic.text($0.bytes) } == #"{"type":"object"}"#)
        #expect(request.toolChoice?.value == .required)
        #expect(request.parallelToolCalls?.value == false)
        #expect(request.tools.map(\.kind) == [.function, .hosted])
        #expect(request.tools[0].isStrict?.value == true)
        #expect(request.tools[0].cacheMark != nil)
        #expect(request.tools[0].rest.map { $0.name.text } == ["defer_loading"])
        #expect(request.messages.map(\.role) == [.system, .user])
        #expect(request.rest.map { $0.name.text } == ["container", "mcp_servers", "context_management", "speed"])
    }

    @Test func `every kind of block is read, and kinds nobody here knows are kept whole`() throws {
        let other = #"{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"x"}}"#
        let request = try Anthropic.read(
            #"""
            {"messages":[
              {"role":"user","content":[
                {"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"},"citations":null},
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO\/Rw0"}},
                {"type":"image","source":{"type":"url","url":"https://e.org/a.png"}},
                {"type":"document","source":{"type":"text","media_type":"text/plain","data":"t"},
                 "title":"T","context":"c"},
                {"type":"document","source":{"type":"content","content":"x"}}]},
              {"role":"assistant","content":[
                {"type":"thinking","thinking":"hm","signature":"sig"},
                {"type":"redacted_thinking","data":"xx"},
                {"text":"b","type":"text","citations":[{"type":"char_location"}]},
                \#(other),
                {"type":"tool_use","id":"t1","name":"look","input":{"a":1},"caller":{"type":"direct"}}]},
              {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"r"}],"is_error":true},
                {"type":"tool_result","tool_use_id":"t2"}]},
              {"role":"system","content":"Now French."}]}
            """#
        )
        #expect(request.messages.map(\.role) == [.user, .assistant, .user, .system])
        let first = request.messages[0].parts
        #expect(first[0].cacheMark?.value.bytes == ByteBuffer(string: #"{"type":"ephemeral","ttl":"1h"}"#))
        guard case .image(let image) = first[1].content, case .data(let data) = image.source else {
            return #expect(Bool(false))
        }
        #expect(Anthropic.text(data) == "iVBO/Rw0")
        guard case .file(let document) = first[3].content else { return #expect(Bool(false)) }
        #expect(document.name?.value.text == "T")
        #expect(first[3].rest.map { $0.name.text } == ["context"])
        guard case .other = first[4].content else { return #expect(Bool(false)) }
        let second = request.messages[1].parts
        guard case .thinking(let thinking) = second[0].content else { return #expect(Bool(false)) }
        #expect(thinking == Thinking(text: JSONString("hm"), signature: JSONString("sig"), format: .anthropic))
        #expect(second[2].citations.count == 1)
        guard case .other(let kept) = second[3].content else { return #expect(Bool(false)) }
        #expect(Anthropic.text(kept.bytes) == other)
        guard case .toolCall(let call) = second[4].content else { return #expect(Bool(false)) }
        #expect(call.arguments == .object(Anthropic.fragment(#"{"a":1}"#)))
        guard case .toolResult(let result) = request.messages[2].parts[0].content else { return #expect(Bool(false)) }
        #expect(result.isError?.value == true)
        #expect(result.parts.count == 1)
    }

    @Test func `a broken body is refused wherever it breaks`() throws {
        let body =
            #"{"messages":[{"role":"user","content":[{"type":"text","text":"a\u00e9"},"#
            + #"{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"base64","#
            + #""data":"AA"}}],"is_error":true}]}],"system":[],"tools":[{"name":"n","input_schema":{}}],"#
            + #""thinking":{"type":"enabled","budget_tokens":9}}"#
        _ = try Anthropic.read(body)
        let bytes = Array(body.utf8)
        for count in bytes.indices {
            let cut = ByteBuffer(bytes: bytes.prefix(count))
            #expect(throws: RequestUnreadable.self) { try Codecs.readRequest(cut, as: .anthropic) }
            for odd in [UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "]"), UInt8(ascii: "0"), 0xFF] {
                var changed = bytes
                changed[count] = odd
                // Whatever it becomes, it must not stop the server.
                guard let request = try? Codecs.readRequest(ByteBuffer(bytes: changed), as: .anthropic) else {
                    continue
                }
                _ = try? Anthropic.write(request)
            }
        }
    }

    @Test(
        arguments: [
            (#"{"model":"m"}"#, ""),
            (#"{"messages":{}}"#, "messages"),
            (#"{"messages":[1]}"#, "messages[0]"),
            (#"{"messages":[{"role":"tool","content":"x"}]}"#, "messages[0].role"),
            (#"{"messages":[{"content":"x"}]}"#, "messages[0]"),
            (#"{"messages":[{"role":"user","content":1}]}"#, "messages[0].content"),
            (#"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#, "messages[0].content[0]"),
            (#"{"messages":[{"role":"user","content":[{"type":"text","text":1}]}]}"#, "messages[0].content[0].text"),
            (#"{"messages":[],"max_tokens":"4"}"#, "max_tokens"),
            (#"{"messages":[],"max_tokens":-1}"#, "max_tokens"),
            (#"{"messages":[],"temperature":"1"}"#, "temperature"),
            (#"{"messages":[],"tools":[{"input_schema":{}}]}"#, "tools[0]"),
            (#"{"messages":[],"tool_choice":"auto"}"#, "tool_choice"),
            (#"{"messages":[],"thinking":{}}"#, "thinking"),
            (#"{"messages":[],"stop_sequences":"a"}"#, "stop_sequences"),
        ]
    )
    func `what is not of the dialect is refused with its place`(body: String, path: String) throws {
        let error = try #require(throws: RequestUnreadable.self) { try Anthropic.read(body) }
        #expect(ByteBuffer(string: body).withUnsafeReadableBytes { JSONPath.find(error.place, in: $0) } == path)
    }

    @Test(
        arguments: [
            #"{"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
            #"""
            {"max_tokens":0,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"stream":true,
             "messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":" "}]},
             {"role":"user","content":"b"},
             {"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"s"},
              {"type":"redacted_thinking","data":"d"},
              {"type":"text","text":"x ","citations":[{"type":"page_location"}]},
              {"type":"server_tool_use","id":"s","name":"n","input":{}},
              {"type":"web_search_tool_result","tool_use_id":"s","content":[]},
              {"type":"tool_use","id":"a:b","name":"n","input":{"x":[1,2]},
               "caller":{"type":"direct"}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"a:b","is_error":false,
              "content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aaaa"}}]},
              {"type":"image","source":{"type":"file","file_id":"f"},"transformations":{}},
              {"type":"document","source":{"type":"url","url":"u"},"title":"t","citations":{"enabled":true}},
              {"type":"search_result","source":"s","title":"t","content":[]}]},
             {"role":"system","content":"now"},{"role":"assistant","content":"pre "}]}
            """#,
            #"""
            {"max_tokens":5000,"messages":[],"thinking":{"type":"adaptive","display":"omitted"},
             "output_config":{"effort":"xhigh","format":{"type":"json_schema","schema":{"type":"object"}},
             "task_budget":{"type":"tokens","total":9}},"metadata":{"user_id":"u","x":1},"temperature":1.0,"top_k":3,
             "top_p":0.1,"stop_sequences":[" "],"service_tier":"auto","cache_control":{"type":"ephemeral"},
             "tools":[{"name":"a","description":"","input_schema":{},"strict":false,"input_examples":[{}]},
             {"type":"bash_20250124","name":"bash"},{"type":"mcp_toolset","mcp_server_name":"x"}],
             "tool_choice":{"type":"tool","name":"a","disable_parallel_tool_use":false},"fallbacks":[],"unheard":[null]}
            """#,
            #"{"max_tokens":5000,"messages":[],"thinking":{"type":"between_tools"}}"#,
            #"{"max_tokens":5000,"messages":[],"thinking":{"type":"disabled"},"tool_choice":{"type":"none"}}"#,
            #"{"max_tokens":5000,"messages":[],"output_config":{"effort":"unheard"},"tool_choice":{"type":"new"}}"#,
        ]
    )
    func `a request in this dialect is written as it was read`(body: String) throws {
        let written = try Anthropic.write(try Anthropic.read(body), Anthropic.target("claude-opus-5"))
        #expect(written.losses.isEmpty)
        let named = #"{"model":"claude-opus-5","# + body.dropFirst()
        #expect(try Anthropic.sorted(written.body) == Anthropic.sorted(named))
    }
}
