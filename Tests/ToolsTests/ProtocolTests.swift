import Core
import NIOCore
import TestKit
import Testing
import Tools

/// Messages of JSON-RPC and what MCP says in them.
@Suite struct ProtocolTests {
    private static func fault(_ text: String) -> Int? {
        do throws(RPCFault) {
            _ = try RPCMessage.parse(ByteBuffer(string: text))
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#,
        #"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x"}}"#,
        #"{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}"#,
        #"{"jsonrpc":"2.0","id":7,"result":{"tools":[]}}"#,
        #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#,
    ]) func `a message is written as it was read`(_ text: String) throws {
        #expect(String(buffer: try RPCMessage.parse(ByteBuffer(string: text)).bytes) == text)
    }

    @Test(arguments: [
        ("", RPCFault.parseError), ("{", RPCFault.parseError), ("[]", RPCFault.invalidRequest),
        ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", RPCFault.invalidRequest),
        (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, RPCFault.invalidRequest),
        (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, RPCFault.invalidRequest),
        (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, RPCFault.invalidRequest),
        (#"{"jsonrpc":"2.0","id":1,"method":7}"#, RPCFault.invalidRequest),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, RPCFault.invalidRequest),
        (#"{"jsonrpc":"2.0","id":1,"result":7}"#, RPCFault.invalidRequest),
        (#"{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":"m"}}"#, RPCFault.invalidRequest),
        (#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, RPCFault.parseError),
    ]) func `what is no message is an error with the code for it`(_ text: String, _ code: Int) {
        #expect(Self.fault(text) == code)
    }

    @Test func `a message that is too deep or too large is refused (row 105)`() {
        let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
        #expect(Self.fault("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":\(deep)}}") == RPCFault.parseError)
        let large = String(repeating: "x", count: RPCMessage.bytesMax)
        #expect(Self.fault("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":\"\(large)\"}}") == RPCFault.parseError)
    }

    @Test func `what an error says is cut and cannot forge a line`() throws {
        let words = "a\\nb" + String(repeating: "x", count: 1000)
        let text = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"\(words)\"}}"
        guard case .failure(_, let fault) = try RPCMessage.parse(ByteBuffer(string: text)) else {
            Issue.record("it is no failure")
            return
        }
        #expect(fault.message.hasPrefix("a b") && fault.message.count <= RPCFault.messageLengthMax + 1)
    }

    @Test func `random bytes never do more than fail`() {
        var chance = SeededGenerator(seed: 7)
        let pieces = [
            "{", "}", "[", "]", "\"jsonrpc\"", ":", "\"2.0\"", ",", "\"id\"", "1", "\"method\"", "\"result\"", "{}",
            "\"error\"", "\"params\"", "null", "\\", "\u{0}", "é", "-1e999",
        ]
        for _ in 0..<5_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0..<14, using: &chance) {
                text += pieces.randomElement(using: &chance) ?? ""
            }
            _ = try? RPCMessage.parse(ByteBuffer(string: text))
        }
    }

    @Test func `only text becomes text, and all else is named (row 105)`() throws {
        let result: JSONValue = [
            "content": [
                ["type": "text", "text": "one"],
                ["type": "image", "mimeType": "image/png", "data": "AAAA"],
                ["type": "audio", "mimeType": "audio/wav\nX", "data": "AAAA"],
                ["type": "resource", "resource": ["uri": "file:///a", "text": "two"]],
                ["type": "resource", "resource": ["uri": "file:///a", "blob": "AAAA"]],
                ["type": "resource_link", "uri": "file:///b", "name": "b"],
                ["type": "new"],
            ],
            "isError": true,
        ]
        let outcome = try MCPResults.outcome(of: result)
        #expect(
            outcome.text.split(separator: "\n") == [
                "one", "[image image/png, 1 KB]", "[audio audio/wav X, 1 KB]", "two", "[resource, 1 KB]",
                "[link to b]", "[something that is no text]",
            ]
        )
        #expect(outcome.isError)
        let structured = try MCPResults.outcome(of: ["content": [], "structuredContent": ["a": 1]])
        #expect(structured.text == #"{"a":1}"#)
        #expect(throws: UnusableTool.self) {
            try MCPResults.outcome(of: ["resultType": "input_required", "content": []])
        }
    }

    @Test func `a tool's hash is that of what is told of it, in whatever order (row 101)`() {
        func tool(_ description: String, _ schema: JSONValue, _ annotations: JSONValue? = nil) -> String {
            ToolDefinition(name: "t", description: description, inputSchema: schema, annotations: annotations).digest
        }
        let first = tool("d", ["type": "object", "properties": [:]])
        #expect(first == tool("d", ["properties": [:], "type": "object"]))
        #expect(first.utf8.count == 64)
        #expect(first != tool("D", ["type": "object", "properties": [:]]))
        #expect(first != tool("d", ["type": "object", "properties": ["a": [:]]]))
        #expect(first != tool("d", ["type": "object", "properties": [:]], ["readOnlyHint": true]))
    }

    @Test func `a tool may destroy something unless its server says otherwise`() {
        func tool(_ annotations: JSONValue?) -> ToolDefinition {
            ToolDefinition(name: "t", description: "", inputSchema: [:], annotations: annotations)
        }
        #expect(tool(nil).isDestructive && !tool(nil).isReadOnly && !tool(nil).isIdempotent)
        #expect(!tool(["readOnlyHint": true]).isDestructive && tool(["readOnlyHint": true]).isIdempotent)
        #expect(!tool(["destructiveHint": false]).isDestructive)
    }

    @Test func `names towards models are short, plain and of one tool each`() {
        #expect(ToolName(server: "tasks", tool: "add_task").modelName == "tasks__add_task")
        let long = ToolName(server: "s", tool: String(repeating: "x", count: 100))
        let other = ToolName(server: "s", tool: String(repeating: "x", count: 101))
        #expect(long.modelName.utf8.count == 64 && long.modelName != other.modelName)
        #expect(ToolName(server: "a.b", tool: "c").modelName != ToolName(server: "a_b", tool: "c").modelName)
        #expect(ToolName(parsing: "a/b/c") == ToolName(server: "a", tool: "b/c"))
        for text in ["a", "/b", "a/", "a b/c", "a/b c", "é/x"] { #expect(ToolName(parsing: text) == nil) }
        #expect(ToolGrant(parsing: "a/*") == .readOnly(server: "a"))
        #expect(ToolGrant(parsing: "a/b") == .tool(ToolName(server: "a", tool: "b")))
        #expect(ToolGrant(parsing: "*") == nil && ToolGrant(parsing: "*/x") == nil)
    }

    @Test(arguments: ["plain", "", " lead", "é", "=?base64?x?=", "a\nb", String(repeating: "ü", count: 50)])
    func `any text can go into a field of HTTP and comes out as it was`(_ text: String) {
        let field = MCP.fieldValue(text)
        #expect(field.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(MCP.text(ofField: field) == text)
    }

    @Test func `lines come out however they are cut, and none is too long`() {
        var splitter = LineSplitter(lineBytesMax: 8, overflow: .cut)
        var lines: [String] = []
        for byte in "one\r\n\ntwo\nmuch too long\nthree\nrest".utf8 {
            lines += splitter.take(ByteBuffer(bytes: [byte])).map { String(buffer: $0) }
        }
        #expect(lines == ["one", "two", "much too", "three"])
        var strict = LineSplitter(lineBytesMax: 8, overflow: .fail)
        #expect(strict.take(ByteBuffer(string: "ok\nmuch too long\nok\n")).count == 1)
        #expect(strict.isBroken)
    }
}
