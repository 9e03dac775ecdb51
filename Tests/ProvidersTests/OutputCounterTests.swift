import Chat
import Core
import NIOCore
import Providers
import Testing

/// What is counted of an answer when nobody else counts it (A+.3).
@Suite struct OutputCounterTests {
    private func count(_ chunks: String...) -> TextMeasure {
        var counter = OutputCounter()
        for chunk in chunks { counter.add(ByteBuffer(string: chunk)) }
        return counter.measure
    }

    private func chunk(_ delta: String, after: String = "") -> String {
        #"{"id":"c-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":\#(delta),"finish_reason":null"#
            + #"}\#(after)]}"#
    }

    private func letters(_ count: UInt32) -> TextMeasure {
        var measure = TextMeasure()
        measure.letters = count
        return measure
    }

    @Test(arguments: [
        #"{"content":"hello"}"#, #"{"role":"assistant","content":"hello"}"#, #"{"content":"hello","role":"assistant"}"#,
        #"{ "content" : "hello" }"#, #"{"refusal":"hello"}"#, #"{"reasoning":"hello"}"#,
        #"{"reasoning_content":"hello"}"#, #"{"content":null,"reasoning":"hello"}"#,
        #"{"content":"","reasoning":"hello","reasoning_content":"hello"}"#,
        #"{"content":"hel","refusal":"lo"}"#, #"{"content":"\u0068ello"}"#, #"{"\u0063ontent":"hello"}"#,
        #"{"content":[{"type":"text","text":"hello"}]}"#,
        #"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hello"}]}]}"#,
        #"{"tool_calls":[{"index":0,"id":"x9","type":"function","function":{"name":"he","arguments":"llo"}}]}"#,
        #"{"function_call":{"name":"he","arguments":"llo"}}"#, #"{"audio":{"id":"a","transcript":"hello"}}"#,
        #"{"reasoning":"hello","reasoning_details":[{"type":"reasoning.text","text":"hello"}]}"#,
    ])
    func `what the model wrote counts, wherever it stands, and once`(delta: String) {
        #expect(self.count(self.chunk(delta)) == self.letters(5), "\(delta)")
        #expect(self.count(self.chunk(delta), self.chunk(delta)) == self.letters(10), "\(delta)")
    }

    @Test func `every choice of a chunk counts`() {
        let more = #",{"index":1,"delta":{"content":"abc"},"finish_reason":null}"#
        #expect(self.count(self.chunk(#"{"content":"hello"}"#, after: more)) == self.letters(8))
        let late = self.chunk(#"{"content":"hello"}"#).replacing("null}", with: #"null,"x":"delta"}"#)
        #expect(self.count(late) == self.letters(5))
    }

    @Test func `completions count their text, and whole answers their messages`() {
        #expect(self.count(#"{"choices":[{"text":"hello","index":0}]}"#) == self.letters(5))
        let whole = #"{"choices":[{"message":{"role":"assistant","content":"hello"}},{"message":{"content":"abc"}}]}"#
        #expect(TextMeasure(answer: ByteBuffer(string: whole)) == self.letters(8))
    }

    @Test(arguments: [
        #"{"error":{"message":"the model is on fire","delta":1}}"#, #"{"choices":[],"usage":{"prompt_tokens":9}}"#,
        #"{"choices":[{"delta":{}}]}"#, #"{"choices":[{"delta":null}]}"#, #"{"choices":[{"delta":{"content":null}}]}"#,
        #"{"choices":[{"delta":{"content":""}}]}"#, "", "{", "null", "[]", #"{"choices":"delta"}"#, #""delta""#,
        #"{"choices":[{"delta":{"role":"assistant"}}]}"#, #"{"object":"embedding","data":[{"embedding":[0.1]}]}"#,
    ])
    func `what the model did not write does not count`(text: String) {
        #expect(self.count(text).isEmpty, "\(text)")
    }

    @Test func `an error's text does not count, not even where it looks like an answer`() {
        let text = #"{"error":{"message":"bad \"delta\":{\"content\":\"hello\"}"},"choices":[]}"#
        #expect(self.count(text).isEmpty)
        let both = #"{"error":{"message":"too late"},"choices":[{"delta":{"content":"ab"},"finish_reason":"error"}]}"#
        #expect(self.count(both) == self.letters(2))
    }

    @Test func `the quick look and the full one agree on everything`() throws {
        for seed in 1...500 as ClosedRange<UInt64> {
            var random = RandomJSON(seed: seed)
            let text = random.string()
            let delta = #"{"content":\#(text)}"#
            let quick = self.count(self.chunk(delta))
            let full = TextMeasure(answer: ByteBuffer(string: self.chunk(delta)))
            #expect(quick == full, "\(delta)")
        }
    }

    @Test func `a chunk may be cut anywhere without harm`() {
        let text = self.chunk(#"{"content":"he\u00e9\"llo","reasoning":"x"}"#)
        for end in 0...text.utf8.count {
            _ = self.count(String(decoding: text.utf8.prefix(end), as: UTF8.self))
        }
    }
}
