import NIOCore
import Providers
import Testing

/// Answers that clients of chat could not read as they are.
@Suite struct AnswerEditsTests {
    static func flat(_ text: String) -> String? {
        AnswerEdits.flattened(ByteBuffer(string: text)).map { String(buffer: $0) }
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
}
