import Chat
import Core
import NIOCore
import Testing

struct CanonicalTests {
    @Test func `a lost value is named by its path in the client's own body`() throws {
        let message = #"{"role":"user","content":[{"type":"text","cache_control":{"a":1}}]}"#
        let text = "{\"model\":\"m\",\"messages\":[" + message + "],\"k\":3}"
        let body = ByteBuffer(string: text)
        var losses = Losses()
        let bytes = Array(text.utf8)
        func place(of needle: String) -> Int {
            let wanted = Array(needle.utf8)
            return bytes.indices.first { bytes[$0...].starts(with: wanted) } ?? -1
        }
        losses.drop(at: place(of: #"{"a":1}"#))
        losses.drop(at: place(of: "3}"))
        losses.drop(at: place(of: #"{"role""#))
        losses.drop(at: -1)
        losses.drop(at: place(of: "3}"))
        #expect(losses.paths(in: body) == ["messages[0].content[0].cache_control", "k", "messages[0]"])
        #expect(losses.count == 3)
    }

    @Test func `a JSON string gives its text, its bytes and its content`() {
        let string = JSONString(checked: ByteBuffer(string: #""a\n\u00e9""#))
        #expect(string.text == "a\né")
        #expect(String(buffer: string.utf8) == "a\né")
        #expect(String(buffer: string.content) == #"a\n\u00e9"#)
        #expect(JSONString(checked: ByteBuffer(string: #"" \n\t""#)).isBlank)
        #expect(!JSONString("x").isBlank)
        #expect(JSONString.empty.isEmpty)
    }

    @Test func `arguments go from text to object and back`() {
        let encoded = ToolArguments.encoded(JSONString(#"{"a": "b"}"#))
        #expect(encoded.asObject.map { String(buffer: $0.bytes) } == #"{"a": "b"}"#)
        #expect(ToolArguments.encoded(.empty).asObject?.bytes == ByteBuffer(string: "{}"))
        #expect(ToolArguments.encoded(JSONString("[1]")).asObject == nil)
        #expect(ToolArguments.object(JSONFragment(literal: "{}")).asString.text == "{}")
    }
}
