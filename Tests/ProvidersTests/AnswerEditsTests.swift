import NIOCore
import Providers
import Testing

/// Answers that clients of chat could not read as they are.
@Suite struct AnswerEditsTests {
    static func flat(_ text: String) -> String? {
        AnswerEdits.mended(ByteBuffer(string: text)).map { String(buffer: $0) }
    }

    @Test(arguments: [
        (
            #"{"choices":[{"delta":{"content" : [{"type":"thinking","thinking":[{"type":"text","text":"a\n"},"#
                + #"{"text":"b"}]}]}}]}"#,
            #"{"choices":[{"delta":{"content" : "","reasoning_content":"a\nb"}}]}"#
        ),
        (
            #"{"id":1,"choices":[{"message":{"role":"assistant","content":[{"type":"text","text":"x"},"#
                + #"{"type":"text","text":"y"}]}},"#
                + #"{"message":{"content":[]}}],"usage":{}}"#,
            #"{"id":1,"choices":[{"message":{"role":"assistant","content":"xy"}},{"message":{"content":""}}],"#
                + #""usage":{}}"#
        ),
        (
            #"{"choices":[{"message":{"content":[{"type":"thinking","thinking":"t"},"#
                + #"{"type":"reference","reference_ids":[1]}]}}]}"#,
            #"{"choices":[{"message":{"content":"","reasoning_content":"t"}}]}"#
        ),
    ])
    func `lists become texts, and thoughts have a member of their own`(text: String, expected: String) {
        #expect(Self.flat(text) == expected)
    }

    @Test(arguments: [
        #"{"choices":[{"delta":{"content":"[\"content\":[1]"}}]}"#, #"{"choices":[]}"#, "{", "", "\"content\"",
        "[DONE]",
        #"{"content":[1],"choices":[{"delta":{"content":null}}]}"#,
    ])
    func `all else stays as it came`(text: String) { #expect(Self.flat(text) == nil) }

    @Test func `calls of tools get the type that Mistral leaves out, and keep one that is there`() {
        let calls = #"[{"id":"a","function":{"name":"f","arguments":"{}"}},{"type":null,"id":"b"},{}]"#
        let typed =
            #"[{"type":"function","id":"a","function":{"name":"f","arguments":"{}"}},{"type":"function","id":"b"},{}]"#
        for place in ["message", "delta"] {
            let answer = { (calls: String) in
                #"{"choices":[{"\#(place)":{"content":"","tool_calls":\#(calls)}}]}"#
            }
            let mended = AnswerEdits.mended(ByteBuffer(string: answer(calls)))
            #expect(mended.map { String(buffer: $0) } == answer(typed))
        }
        #expect(AnswerEdits.mended(ByteBuffer(string: #"{"choices":[{"delta":{"tool_calls":[]}}]}"#)) == nil)
    }

    @Test func `an event that says error is told from one that says something`() {
        #expect(AnswerEdits.saysError(ByteBuffer(string: #"{"object":"error","message":"x"}"#)))
        #expect(!AnswerEdits.saysError(ByteBuffer(string: #"{"object":"chat.completion.chunk","x":"error"}"#)))
        #expect(!AnswerEdits.saysError(ByteBuffer(string: "[DONE]")))
    }
}
