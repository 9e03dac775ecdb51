import Chat
import Core
import NIOCore
import Providers
import Testing

@Suite struct AnswerScanTests {
    static func scan(_ text: String) throws -> AnswerScan {
        try AnswerScan(ByteBuffer(string: text), inChoices: true)
    }

    static func content(_ delta: String) throws -> Bool {
        try Self.scan(#"{"choices":[{"index":0,"delta":\#(delta),"finish_reason":null}]}"#).hasContent
    }

    @Test func `only what the model says is content`() throws {
        for delta in [
            "{}", #"{"role":"assistant"}"#, #"{"role":"assistant","content":""}"#, #"{"content":null,"refusal":null}"#,
            #"{"tool_calls":[]}"#, #"{"tool_calls":[ ]}"#, "null",
            #"{"role":"assistant","content":"","reasoning":null}"#,
        ] { #expect(try !Self.content(delta), "\(delta)") }
        for delta in [
            #"{"content":"x"}"#, #"{"refusal":"no"}"#, #"{"tool_calls":[{"index":0}]}"#, #"{"reasoning":"hm"}"#,
            #"{"reasoning_content":"hm"}"#, #"{"audio":{"id":"1"}}"#, #"{"content":[{"type":"text","text":"x"}]}"#,
        ] { #expect(try Self.content(delta), "\(delta)") }
    }

    @Test func `a finished choice is seen without a look at the structure, and only where there is one`() {
        func says(_ text: String) -> Bool { AnswerScan.saysFinished(ByteBuffer(string: text)) }
        #expect(says(#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#))
        #expect(says(#"{"choices":[{"finish_reason":null},{"finish_reason" : "length"}]}"#))
        #expect(!says(#"{"choices":[{"delta":{"content":"a_b \"finish_reason\":\"stop\""},"finish_reason":null}]}"#))
        #expect(!says(#"{"native_finish_reason":"stop"}"#))
        for text in ["", "_", "\"finish_reason\"", "\"finish_reason\":", "x_y_z", "finish_"] { #expect(!says(text)) }
    }

    @Test func `Azure's first chunk has no choices and is no content`() throws {
        let scan = try Self.scan(#"{"choices":[],"model":"","prompt_filter_results":[{"prompt_index":0}]}"#)
        #expect(!scan.hasContent && !scan.hasChoices && !scan.isFinished && scan.usage == nil)
    }

    @Test(arguments: [
        (#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#, TokenUsage(input: 1, output: 2)),
        (
            #"{"usage":{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4},"#
                + #""completion_tokens_details":{"reasoning_tokens":3}}}"#,
            TokenUsage(input: 9, cachedInput: 4, reasoning: 3)
        ),
        (#"{"x_groq":{"id":"r","usage":{"prompt_tokens":5,"completion_tokens":6}}}"#, TokenUsage(input: 5, output: 6)),
        (#"{"x_groq":{"usage":{"prompt_tokens":5}},"usage":{"prompt_tokens":7}}"#, TokenUsage(input: 7)),
        (
            #"{"usage":{"prompt_tokens":5,"prompt_cache_hit_tokens":2,"cost":0.1,"is_byok":false}}"#,
            TokenUsage(input: 5, cachedInput: 2, cost: MicroDollars(100_000))
        ),
        (#"{"usage":{"prompt_tokens":-5,"completion_tokens":1e400}}"#, TokenUsage()),
        (#"{"usage":{"prompt_tokens":"5","completion_tokens":99999999999}}"#, TokenUsage()),
    ])
    func `usage is read in every form providers have for it`(text: String, usage: TokenUsage) throws {
        #expect(try Self.scan(text).usage == usage)
    }

    @Test(arguments: [
        (#"{"usage":null}"#, "{}"), (#"{"usage":null,"a":1}"#, #"{"a":1}"#), (#"{"a":1,"usage":null}"#, #"{"a":1}"#),
        (#"{ "a":1 , "usage" : {"x":[]} ,"b":2}"#, #"{ "a":1 ,"b":2}"#), (#"{ "usage":null , "b":2}"#, #"{ "b":2}"#),
    ])
    func `usage can be cut out of any place`(text: String, expected: String) throws {
        let cut = try #require(try Self.scan(text).usageCut)
        var bytes = Array(text.utf8)
        bytes.removeSubrange(cut)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func `after usage is cut, everything else is as it was`() throws {
        for seed in 1...2000 as ClosedRange<UInt64> {
            var random = RandomJSON(seed: seed)
            let text = random.object(with: [("usage", "null"), ("choices", "[{}]")])
            let cut = try #require(try Self.scan(text).usageCut)
            var bytes = Array(text.utf8)
            bytes.removeSubrange(cut)
            let after = try JSONValue.parse(String(decoding: bytes, as: UTF8.self))
            #expect(after == (try JSONValue.parse(text)).without("usage"))
        }
    }

    @Test func `a key that is not read may come twice, as it came to the client`() throws {
        #expect(try Self.scan(#"{"a":1,"a":2,"choices":[{}]}"#).hasChoices)
    }

    @Test func `errors are seen, and a null is none`() throws {
        #expect(try Self.scan(#"{"error":{"code":502},"choices":[]}"#).hasError)
        #expect(try Self.scan(#"{"\u0065rror":"x"}"#).hasError)
        #expect(try !Self.scan(#"{"error":null,"choices":[{"delta":{"content":"\"error\":1"}}]}"#).hasError)
    }

    @Test(arguments: [
        "", "null", "[]", "{", "{\"a\":1}}", "<html>", "{\"usage\":1,\"us\\u0061ge\":2}", "{\"a\":\"\u{1}\"}",
    ])
    func `what is not one JSON object is refused`(text: String) {
        #expect(throws: JSONError.self) { try Self.scan(text) }
    }
}
