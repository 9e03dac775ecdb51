import Chat
import Core
import NIOCore
import Testing

/// What texts and requests are made of.
@Suite struct TextMeasureTests {
    /// The same by characters, one at a time.
    private static func slowly(_ text: String) -> TextMeasure {
        var measure = TextMeasure()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A, 0x0C, 0x0D: measure.newlines += 1
            case ..<0x21, 0x7F: break
            case 0x30...0x39: measure.digits += 1
            case 0x41...0x5A, 0x61...0x7A: measure.letters += 1
            case ..<0x80: measure.punctuation += 1
            case ..<0x2C0: measure.accented += 1
            case ..<0x2000: measure.alphabets += 1
            case ..<0x3000: measure.symbols += 1
            case ..<0xE000: measure.wide += 1
            default: measure.symbols += 1
            }
        }
        return measure
    }

    private static func inJSON(_ text: String) -> TextMeasure {
        var measure = TextMeasure()
        var json = JSONValue.string(text).text
        json.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            measure.add(jsonString: UnsafeRawBufferPointer(rebasing: bytes[1..<(bytes.count - 1)]))
            var other = TextMeasure()
            #expect(other.add(jsonStringFrom: 1, in: bytes) == bytes.count)
            #expect(other == measure)
        }
        return measure
    }

    @Test(arguments: [
        "", "a", "Hello, world!", "tab\there\nand \"there\"", "größer", "Привет", "नमस्ते", "你好，世界", "こんにちは", "안녕",
        "→ “quoted” 😀👍🏽", "price: $1,234.56 (±5%)", "\u{0}\u{1F}\u{7F}", "back\\slash",
    ])
    func `every character counts in its class, with and without escapes`(text: String) {
        for text in [text, String(repeating: text, count: 100), "0123456789abcdef " + text + " 0123456789abcdefghij"] {
            #expect(TextMeasure(text) == Self.slowly(text), "\(text)")
            #expect(Self.inJSON(text) == Self.slowly(text), "\(text)")
        }
    }

    @Test func `lengths around the steps of sixteen and 255 are all the same to it`() {
        for count in 0...600 {
            let text = String(String(repeating: "ab1 .", count: 121).prefix(count))
            #expect(TextMeasure(text) == Self.slowly(text), "\(count)")
            #expect(Self.inJSON(text) == Self.slowly(text), "\(count)")
        }
    }

    @Test(arguments: [
        (#"\u00e9"#, "é"), (#"\u4f60\u597d"#, "你好"), (#"\ud83d\ude00"#, "😀"), (#"\n\t\"\\\/"#, "\n\t\"\\/"),
        (#"\u0041\u0031"#, "A1"), (#"\u041f"#, "П"),
    ])
    func `an escape counts as what it stands for`(escaped: String, plain: String) {
        var measure = TextMeasure()
        var text = escaped
        text.withUTF8 { measure.add(jsonString: UnsafeRawBufferPointer($0)) }
        #expect(measure == TextMeasure(plain))
    }

    @Test(arguments: [#"\"#, #"\u"#, #"\u12"#, #"abc\"#, #"\uZZZZ"#, #"\x"#])
    func `half an escape does no harm`(text: String) {
        var measure = TextMeasure()
        var text = text
        text.withUTF8 { utf8 in
            measure.add(jsonString: UnsafeRawBufferPointer(utf8))
            #expect(measure.add(jsonStringFrom: 0, in: UnsafeRawBufferPointer(utf8)) == utf8.count)
        }
    }

    @Test func `counts stop at the largest number there is`() {
        var measure = TextMeasure("abc")
        measure.letters = .max - 1
        measure += TextMeasure("abc 1")
        #expect(measure.letters == .max && measure.digits == 1)
    }

    // MARK: Requests

    private func prompt(_ body: String) -> PromptMeasure { PromptMeasure(ByteBuffer(string: body)) }

    @Test func `messages count with their texts and parts`() {
        let prompt = self.prompt(
            #"""
            {"model":"not counted","messages":[{"role":"system","content":"abc"},{"role":"user","content":[
            {"type":"text","text":"de"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAAAAAA"}},
            {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"file","file":{"file_id":"x"}},
            {"type":"hologram","hologram":1}]}],"temperature":1}
            """#
        )
        #expect(prompt.text.letters == 5 && prompt.text.punctuation == 0)
        #expect(prompt.messages == 2 && prompt.images == 1 && prompt.audios == 1 && prompt.files == 2)
        #expect(prompt.hasMedia)
    }

    @Test func `definitions and calls of tools count as they stand`() {
        let tools = #"[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#
        let prompt = self.prompt(#"{"messages":[],"tools":\#(tools)}"#)
        #expect(prompt.tools == 1 && prompt.text == TextMeasure(tools))
        let calls = #"[{"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}]"#
        let asked = self.prompt(#"{"messages":[{"role":"assistant","content":null,"tool_calls":\#(calls)}]}"#)
        #expect(asked.text.letters == TextMeasure(calls).letters && asked.messages == 1)
    }

    @Test func `inputs are texts, tokens, or lists of them`() {
        #expect(self.prompt(#"{"input":"abc"}"#).text.letters == 3)
        #expect(self.prompt(#"{"input":["abc","de"]}"#).text.letters == 5)
        #expect(self.prompt(#"{"input":[1,2,3]}"#).tokens == 3)
        #expect(self.prompt(#"{"input":[[1,2],[3]]}"#).tokens == 3)
        #expect(self.prompt(#"{"prompt":"abc","suffix":"d"}"#).text.letters == 4)
        #expect(self.prompt(#"{"input":[{"type":"x"}]}"#).files == 1)
    }

    @Test func `requests in Anthropic's dialect count with their blocks`() {
        let prompt = self.prompt(
            #"""
            {"system":[{"type":"text","text":"abc"}],"messages":[{"role":"user","content":[
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAAAAAA"}},
            {"type":"document","source":{"type":"text","data":"not counted"}}]},
            {"role":"assistant","content":[{"type":"tool_use","id":"not counted","name":"no","input":{"k":"v"}}]},
            {"role":"user","content":[
            {"type":"tool_result","tool_use_id":"no","content":[{"type":"text","text":"de"}]}]}]}
            """#
        )
        #expect(prompt.text.letters == 7 && prompt.messages == 3 && prompt.images == 1 && prompt.files == 1)
        #expect(self.prompt(#"{"system":"abc","messages":[]}"#).text.letters == 3)
    }

    @Test func `requests for responses count with their items`() {
        let prompt = self.prompt(
            #"""
            {"instructions":"abc","input":[{"role":"user","content":[{"type":"input_text","text":"de"},
            {"type":"input_image","image_url":"data:image/png;base64,AAAA"},{"type":"input_file","file_id":"x"}]},
            {"type":"function_call","call_id":"c","name":"f","arguments":"gh"},
            {"type":"function_call_output","call_id":"c","output":"ijk"}]}
            """#
        )
        #expect(prompt.text.letters >= 10 && prompt.messages == 3 && prompt.images == 1 && prompt.files == 1)
    }

    @Test(arguments: ["", "{", "[]", "null", #"{"messages":5}"#, #"{"messages":[5,null]}"#, #"{"input":null}"#])
    func `what is no request has next to nothing in it`(body: String) {
        #expect(self.prompt(body).text.isEmpty)
    }
}
