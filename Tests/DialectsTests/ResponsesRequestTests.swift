import Chat
import Core
import NIOCore
import Testing

@testable import Dialects

struct ResponsesRequestTests {
    static func read(_ text: String) throws -> ChatRequest {
        try ResponsesRequestReader.read(ByteBuffer(string: text))
    }

    /// The request for a provider of a dialect, and the paths of what was lost.
    static func written(
        _ text: String,
        from source: WireFormat = .openAIResponses,
        _ change: (inout TargetTraits) -> Void = { _ in }
    ) throws -> (body: JSONValue, losses: [String]) {
        let body = ByteBuffer(string: text)
        let request = try Codecs.readRequest(body, as: source)
        var target = TargetTraits(model: JSONString("gpt-x"), modelID: "gpt-x")
        change(&target)
        var losses = Losses()
        var written = ByteBuffer()
        try Codecs.writeRequest(request, as: .openAIResponses, for: target, losses: &losses, into: &written)
        return (try JSONValue.parsed(String(buffer: written)), losses.paths(in: body))
    }

    /// Read and written again in the same dialect it must be the same, whatever the order of its members.
    static func expectKept(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (body, losses) = try Self.written(text) { $0 = TargetTraits(model: JSONString("m"), modelID: "m") }
        #expect(body.sorted == (try JSONValue.parsed(text)).sorted, sourceLocation: sourceLocation)
        #expect(losses == [], sourceLocation: sourceLocation)
    }

    @Test func `a text is one message of the user`() throws {
        let request = try Self.read(#"{"model":"m","input":"Hi \ud83d","instructions":"Be brief.","stream":true}"#)
        #expect(request.messages.count == 2)
        #expect(request.messages[0].role == .system)
        #expect(request.messages[1].role == .user)
        guard case .text(let text) = request.messages[1].parts.first?.content else {
            Issue.record("no text")
            return
        }
        #expect(String(buffer: text.bytes) == #""Hi \ud83d""#)
        #expect(request.isStream)
    }

    @Test func `all that an agent sends back is read and written as it was`() throws {
        try Self.expectKept(
            #"""
            {"model":"m","instructions":"i","input":[
            {"role":"user","content":"What now?"},
            {"type":"message","role":"developer","content":[{"type":"input_text","text":"d",
            "prompt_cache_breakpoint":{"mode":"explicit"}}]},
            {"role":"user","content":[{"type":"input_text","text":"a"},
             {"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"},
             {"type":"input_image","image_url":"https://x.example/y.png"},{"type":"input_image","file_id":"file_1"},
             {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="},
             {"type":"input_file","file_url":"https://x.example/y.pdf"},{"type":"input_file","file_id":"file_2"},
             {"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},
             {"type":"input_hologram","depth":3}]},
            {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text",
            "text":"b"}],
             "encrypted_content":"gAAAA"},
            {"id":"msg_1","type":"message","status":"completed","role":"assistant","phase":"commentary",
             "content":[{"type":"output_text","text":"Hm","annotations":[{"type":"url_citation","start_index":0,
             "end_index":2,"url":"u","title":"t"}]},
             {"type":"refusal","refusal":"no"}]},
            {"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"f",
            "arguments":"{\"a\":1}"},
            {"type":"custom_tool_call","call_id":"call_2","name":"sh","input":"ls"},
            {"type":"function_call_output","call_id":"call_1","output":"3"},
            {"type":"custom_tool_call_output","call_id":"call_2","output":[{"type":"input_text","text":"x"}]},
            {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}},
            {"type":"item_reference","id":"msg_9"}],
            "tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true,
            "defer_loading":true},
            {"type":"custom","name":"sh","format":{"type":"text"}},{"type":"web_search","search_context_size":"low"}],
            "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},
            "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},
            "verbosity":"low"},
            "reasoning":{"effort":"high","summary":"auto"},"max_output_tokens":100,"parallel_tool_calls":false,
            "previous_response_id":"resp_1","store":false,"include":["reasoning.encrypted_content"],"truncation":"auto",
            "metadata":{"a":"b"},"safety_identifier":"s","prompt_cache_key":"k","service_tier":"flex",
            "background":false,
            "stream":true,"stream_options":{"include_obfuscation":false},"top_logprobs":2,"temperature":0.5,"top_p":1,
            "something_new":[1]}
            """#
        )
    }

    @Test(arguments: [
        #"{"model":"m","input":"x","reasoning":{"effort":"enormous","context":"auto"}}"#,
        #"{"model":"m","input":"x","text":{"format":{"type":"grammar","definition":"x"},"verbosity":"high"}}"#,
        #"{"model":"m","input":"x","user":"u","safety_identifier":"s"}"#,
        #"{"model":"m","input":"x","tool_choice":{"type":"function","name":"f"}}"#,
        #"{"model":"m","input":[{"role":"user","content":""},{"role":"assistant","content":"b"}]}"#,
        #"{"model":"m","input":[],"conversation":{"id":"c"},"prompt":{"id":"p"}}"#,
    ])
    func `what nobody here knows stays as it is`(text: String) throws {
        try Self.expectKept(text)
    }

    @Test func `nulls that a framework sends count as absent`() throws {
        let text = #"""
            {"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}","namespace":null,
            "caller":null,"id":null}],
            "instructions":null,"tools":null,"metadata":null,"reasoning":{"effort":null},"text":{"format":null},
            "user":null}
            """#
        let request = try Self.read(text)
        #expect(request.rest.isEmpty)
        #expect(request.messages.count == 1)
        #expect(request.messages[0].parts[0].rest.isEmpty)
    }

    @Test(arguments: [
        (#"{"model":"m"}"#, 0),
        (#"{"model":"m","input":3}"#, 21),
        (#"{"model":"m","input":[{"role":"tool","content":"x"}]}"#, 30),
        (#"{"model":"m","input":[{"role":"user"}]}"#, 22),
        (#"{"model":"m","input":[{"type":"function_call","name":"f","arguments":""}]}"#, 22),
        (#"{"model":"m","input":"x","max_output_tokens":-1}"#, 45),
        (#"{"model":"m","input":"x","tools":[{"type":"function"}]}"#, 34),
        (#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":{}}]}]}"#, 82),
        (#"{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_data":"a\"b"}]}]}"#, 81),
    ])
    func `what cannot be is refused by its place`(text: String, place: Int) throws {
        #expect {
            _ = try Self.read(text)
        } throws: {
            ($0 as? RequestUnreadable)?.place == place
        }
    }

    @Test func `the steps of one turn are one message for other dialects`() throws {
        let request = try Self.read(
            #"""
            {"model":"m","input":[{"role":"user","content":"q"},
            {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"turnpike:1:anthropic:signature:Er/U="},
            {"role":"assistant","content":"a"},
            {"type":"function_call","call_id":"1","name":"f","arguments":"{}"},
            {"type":"function_call","call_id":"2","name":"f","arguments":"{}"},
            {"type":"function_call_output","call_id":"1","output":"x"},
            {"type":"function_call_output","call_id":"2","output":"y"}],
            "tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}],
            "tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]}}
            """#
        ).wholeTurns
        #expect(request.messages.map(\.role) == [.user, .assistant, .user, .user])
        #expect(request.messages[1].parts.count == 4)
        guard case .thinking(let thinking) = request.messages[1].parts[0].content else {
            Issue.record("no thinking")
            return
        }
        #expect(thinking.format == .anthropic)
        #expect(thinking.signature == JSONString("Er/U="))
        #expect(request.tools.map(\.name) == [JSONString("f")])
        #expect(request.toolChoice?.value == .required)
    }

    @Test func `a carried signature of a call returns to the call that follows it`() throws {
        let request = try Self.read(
            #"""
            {"model":"m","input":[{"role":"user","content":"q"},
            {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"turnpike:1:gemini:call:AB/+"},
            {"type":"function_call","call_id":"1","name":"f","arguments":"{}"},
            {"type":"function_call","call_id":"2","name":"f","arguments":"{}"}]}
            """#
        )
        let calls = request.messages.compactMap { message -> ToolCall? in
            guard case .toolCall(let call) = message.parts.first?.content else { return nil }
            return call
        }
        #expect(calls.map(\.signature) == [JSONString("AB/+"), nil])
        #expect(request.messages.count == 3)
    }

    @Test(arguments: WireFormat.allCases)
    func `what is carried comes back as it was`(format: WireFormat) throws {
        for kind in [ResponsesCarrier.Kind.signature, .redacted, .call] {
            let value = JSONString(checked: ByteBuffer(string: #""a:b/\u00e9\"c""#))
            let carried = try #require(ResponsesCarrier(ResponsesCarrier(kind, value, of: format).text))
            #expect(carried.format == format)
            #expect(carried.kind == kind)
            #expect(carried.value == value)
        }
        #expect(ResponsesCarrier(JSONString("turnpike:1:nobody:signature:x")) == nil)
        #expect(ResponsesCarrier(JSONString("gAAAAABo")) == nil)
    }

    @Test func `a chat becomes items, and what cannot be said is named`() throws {
        let (body, losses) = try Self.written(
            #"""
            {"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"q"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f",
            "arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"r"}],
            "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function",
            "function":{"name":"f"}},
            "stop":["END"],"seed":3,"temperature":1,"max_tokens":5,"metadata":{"a":"b"},
            "response_format":{"type":"json_object"}}
            """#,
            from: .openAIChat
        )
        let expected = try JSONValue.parsed(
            #"""
            {"model":"gpt-x","input":[{"role":"system","content":"s"},{"role":"user","content":"q"},
            {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
            {"type":"function_call_output","call_id":"c1","output":"r"}],
            "max_output_tokens":16,"temperature":1,"text":{"format":{"type":"json_object"}},
            "tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}],
            "tool_choice":{"type":"function","name":"f"},"metadata":{"a":"b"},"store":false}
            """#
        )
        #expect(body.sorted == expected.sorted)
        #expect(Set(losses) == ["stop[0]", "seed", "max_tokens"])
    }

    @Test func `the limit is lowered to what can be paid for, and refused below what the provider takes`() throws {
        let text = #"{"model":"m","input":"x","max_output_tokens":1000}"#
        let (body, losses) = try Self.written(text) { $0.outputLimit = 200 }
        #expect(body["max_output_tokens"] == .integer(200))
        #expect(losses == [])
        #expect(throws: RequestUnwritable.self) { try Self.written(text) { $0.outputLimit = 15 } }
    }

    @Test func `another provider's thoughts are not told to OpenAI`() throws {
        let (body, losses) = try Self.written(
            #"""
            {"model":"m","input":[{"role":"user","content":"q"},
            {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"turnpike:1:anthropic:redacted:Er/U="},
            {"role":"assistant","content":"a"}]}
            """#
        )
        guard case .array(let items)? = body["input"] else {
            Issue.record("no items")
            return
        }
        #expect(items.count == 2)
        #expect(losses == ["input[1]"])
    }
}

extension JSONValue {
    static func parsed(_ text: String) throws -> JSONValue { try JSONValue.parse(text) }

    /// The same with the members of all objects in order of their names.
    var sorted: JSONValue {
        switch self {
        case .object(let members): .object(members.map { ($0.0, $0.1.sorted) }.sorted { $0.0 < $1.0 })
        case .array(let elements): .array(elements.map(\.sorted))
        default: self
        }
    }
}
