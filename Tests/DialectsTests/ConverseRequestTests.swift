import Chat
import Core
import Dialects
import NIOCore
import TestKit
import Testing

/// Requests for Bedrock's `Converse`, held against `Tests/Fixtures/dialects/converse.json`, in which
/// `Tests/clients/test_converse_requests.py` holds every one against AWS's own model of the API.
@Suite struct ConverseRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let entry: JSONValue
    }

    static let cases: [Case] = {
        let path = "\(Fixtures.folder)/dialects/converse.json"
        guard let text = try? FixtureFile.bytes(at: path) else { return [] }
        let entries = (try? JSONValue.parse(ByteBuffer(bytes: text)))?.arrayValue ?? []
        return entries.map { Case(testDescription: $0["case"]?.stringValue ?? "", entry: $0) }
    }()

    static func write(
        _ request: ChatRequest,
        model: String,
        limit: Int? = nil
    ) throws -> (body: ByteBuffer, losses: Losses) {
        var target = TargetTraits(model: JSONString(model), modelID: model)
        target.outputLimit = limit
        var losses = Losses()
        var body = ByteBuffer()
        try Codecs.writeRequest(request, as: .bedrock, for: target, losses: &losses, into: &body)
        return (body, losses)
    }

    static func chat(_ members: String) throws -> ChatRequest {
        try Codecs.readRequest(ByteBuffer(string: "{\"model\":\"m\",\(members)}"), as: .openAIChat)
    }

    @Test func `fields of the model's own that go past what is paid for are left out, and named`() throws {
        let fields =
            #"{"max_tokens":64000,"top_k":5,"n":4,"max_gen_len":9,"inferenceConfig":{"topK":2},"#
            + #""textGenerationConfig":{"maxTokenCount":9},"thinking":{"type":"enabled","budget_tokens":2000}}"#
        let text =
            #"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Hi"}],"#
            + #""additionalModelRequestFields":\#(fields)}"#
        func written(_ isPaidAhead: Bool) throws -> (fields: String?, lost: [String]) {
            let source = ByteBuffer(string: text)
            var target = TargetTraits(model: JSONString("m"), modelID: "anthropic.claude-sonnet-4-5-v1:0")
            target.isPaidAhead = isPaidAhead
            var losses = Losses()
            var body = ByteBuffer()
            let request = try Codecs.readRequest(source, as: .openAIChat)
            try Codecs.writeRequest(request, as: .bedrock, for: target, losses: &losses, into: &body)
            return (try JSONValue.parse(body)["additionalModelRequestFields"]?.text, losses.paths(in: source))
        }
        #expect(try written(false).fields == fields)
        let paid = try written(true)
        #expect(paid.fields == #"{"top_k":5,"inferenceConfig":{"topK":2}}"#)
        let names = ["max_tokens", "n", "max_gen_len", "textGenerationConfig", "thinking"]
        #expect(paid.lost.sorted() == names.map { "additionalModelRequestFields.\($0)" }.sorted())
    }

    @Test func `there are cases`() { #expect(Self.cases.count > 50) }

    @Test(arguments: cases)
    func `a request says the same in Converse, and names what it cannot say`(_ item: Case) throws {
        let entry = item.entry
        let text = (entry["request"] ?? .null).text
        let format: WireFormat = entry["from"]?.stringValue == "anthropic" ? .anthropic : .openAIChat
        let source = ByteBuffer(string: text)
        let (body, losses) = try Self.write(
            Codecs.readRequest(source, as: format),
            model: entry["model"]?.stringValue ?? "",
            limit: entry["limit"]?.intValue
        )
        #expect(try JSONValue.parse(body).text == entry["converse"]?.text)
        #expect(losses.paths(in: source) == entry["dropped"]?.arrayValue?.compactMap(\.stringValue))
        #expect(losses.emulatedPaths(in: source) == entry["emulated"]?.arrayValue?.compactMap(\.stringValue))
    }

    @Test func `a request without anything to say is refused`() throws {
        for messages in ["[]", #"[{"role":"system","content":"Hi"}]"#, #"[{"role":"user","content":" "}]"#] {
            let request = try Self.chat("\"messages\":\(messages)")
            #expect(throws: RequestUnwritable.self) { try Self.write(request, model: "amazon.nova-lite-v1:0") }
        }
    }

    @Test
    func `foreign ids of tool calls become ids that Bedrock takes, different ones different, always the same way`()
        throws
    {
        func written(_ id: String) throws -> String {
            let call = #"{"id":\#(JSONString(id).text.map { JSONValue.string($0).text } ?? ""),"type":"function","#
            let request = try Self.chat(
                #""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":["# + call
                    + #""function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"#
                    + (JSONValue.string(id).text) + #","content":"x"}]"#
            )
            let body = try JSONValue.parse(try Self.write(request, model: "amazon.nova-lite-v1:0").body)
            let messages = body["messages"]?.arrayValue ?? []
            let use = messages[1]["content"]?[0]?["toolUse"]?["toolUseId"]?.stringValue
            let result = messages[2]["content"]?[0]?["toolResult"]?["toolUseId"]?.stringValue
            #expect(use == result)
            return try #require(use)
        }
        for id in ["tooluse_abc-1", "call_1", "a", String(repeating: "z", count: 64)] { #expect(try written(id) == id) }
        let foreign = [
            String(repeating: "z", count: 65), String(repeating: "z", count: 66), "a b", "a.b", "é", "a\"b", "tp-1",
            "functions.f:0", "functions.f:1", "\u{1F600}", "sig1-9-call_1abcd=",
        ]
        var seen: Set<String> = []
        for id in foreign {
            let new = try written(id)
            #expect((1...64).contains(new.utf8.count) && new != id)
            #expect(
                new.utf8.allSatisfy {
                    $0 == 0x2D || $0 == 0x5F || ($0 < 0x7F && Character(.init($0)).isLetter)
                        || Character(.init($0)).isNumber
                }
            )
            #expect(try written(id) == new)
            #expect(seen.insert(new).inserted)
            // What is rewritten once is rewritten again, so that nobody can make an id that another becomes.
            #expect(try written(new) != new)
        }
    }

    @Test func `a large request is written without growing beyond its size`() throws {
        let text = String(repeating: #"A line of \"text\"\n"#, count: 50_000)
        let request = try Self.chat(#""messages":[{"role":"user","content":"\#(text)"}]"#)
        let (body, losses) = try Self.write(request, model: "amazon.nova-lite-v1:0")
        #expect(body.readableBytes < text.utf8.count + 100 && losses.isEmpty)
        #expect(String(buffer: body).contains(text))
    }

    @Test func `tools that Converse wants defined again, and nobody offered, are named`() throws {
        let body =
            #"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"#
            + #""tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},"#
            + #"{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}},"#
            + #"{"id":"c3","type":"function","function":{"name":"g","arguments":"{}"}}]},"#
            + #"{"role":"tool","tool_call_id":"c1","content":"r"},{"role":"tool","tool_call_id":"c2","content":"r"},"#
            + #"{"role":"tool","tool_call_id":"c3","content":"r"}]}"#
        let request = try Codecs.readRequest(ByteBuffer(string: body), as: .openAIChat)
        let (_, losses) = try Self.write(request, model: "amazon.nova-pro-v1:0")
        #expect(
            losses.emulatedPaths(in: ByteBuffer(string: body)) == [
                "messages[1].tool_calls[0]", "messages[1].tool_calls[2]",
            ]
        )
        #expect(losses.isEmpty)
    }
}
