import Chat
import Conversations
import Core
import NIOCore
import Testing

@testable import Pipeline

@Suite struct AnswerPartsTests {
    @Test(arguments: [
        "Yes.", "\"", "\\", "\\\\\"", "a\nb", "\",\"text\":\"", "}]",
        "é \u{1F600}", "[{\"type\":\"text\",\"text\":\"x\"}]",
    ])
    func `an answer that is one text goes along as it stands`(text: String) throws {
        var parts = AnswerParts()
        parts.append(JSONString(text), kind: AnswerParts.said)
        let only = try #require(AnswerParts.onlyText(of: parts.json))
        #expect(try JSONValue.parse(only) == .string(text))
        #expect(SessionMessage.text(of: parts.json) == text)
    }

    @Test(arguments: [
        #"[]"#, #""""#, #""x""#, #"[{"type":"text","text":""}]"#,
        #"[{"type":"text","text":"x"},{"type":"text","text":"y"}]"#,
        #"[{"type":"thinking","text":"x"}]"#, #"[{"type":"text","text":"x","more":"y"}]"#,
        #"[{"type":"text","text":"\ud83d"}]"#, #"[{"type":"text","text":"x\"}]"#, #"[{"type":"text","text":"x"}"#,
        #"[{"type":"tool_call","id":"a","name":"b","arguments":{}},{"type":"text","text":"x"}]"#, "",
    ])
    func `what is more than one text, or may not be one, is read`(json: String) {
        #expect(AnswerParts.onlyText(of: ByteBuffer(string: json)) == nil)
    }
}
