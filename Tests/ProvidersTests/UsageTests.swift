import Chat
import Core
import NIOCore
import Providers
import Testing

/// What providers say a call used, in the forms they have for it (row 78).
@Suite struct UsageTests {
    private func usage(_ text: String) throws -> TokenUsage? {
        try AnswerScan(ByteBuffer(string: #"{"usage":\#(text)}"#), inChoices: false).usage
    }

    @Test func `every part of an answer's usage is read`() throws {
        let text =
            #"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":"#
            + #"{"cached_tokens":10,"audio_tokens":20,"cache_write_tokens":30},"completion_tokens_details":"#
            + #"{"reasoning_tokens":40,"audio_tokens":5,"accepted_prediction_tokens":1}}"#
        let expected = TokenUsage(
            input: 100,
            output: 50,
            cachedInput: 10,
            cacheWrite: 30,
            reasoning: 40,
            audioInput: 20,
            audioOutput: 5
        )
        #expect(try self.usage(text) == expected)
    }

    @Test(arguments: ["cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"])
    func `tokens written to a cache have three names`(name: String) throws {
        let usage = try self.usage(#"{"prompt_tokens":9,"prompt_tokens_details":{"\#(name)":4}}"#)
        #expect(usage == TokenUsage(input: 9, cacheWrite: 4))
    }

    @Test(arguments: ["prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"])
    func `cached tokens stand beside the details too, which go before`(name: String) throws {
        #expect(try self.usage(#"{"prompt_tokens":9,"\#(name)":4}"#) == TokenUsage(input: 9, cachedInput: 4))
        let both = #"{"\#(name)":4,"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":5}}"#
        #expect(try self.usage(both) == TokenUsage(input: 9, cachedInput: 5))
    }

    @Test func `reasoning that is counted beside the answer belongs to it`() throws {
        // xAI's way: 32 + 9 + 94 = 135.
        let xai =
            #"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"#
            + #""completion_tokens_details":{"reasoning_tokens":94}}"#
        #expect(try self.usage(xai) == TokenUsage(input: 32, output: 103, reasoning: 94))
        // Gemini's, which does not even name it.
        let gemini = #"{"prompt_tokens":7,"completion_tokens":35,"total_tokens":1037}"#
        #expect(try self.usage(gemini) == TokenUsage(input: 7, output: 1030))
        // OpenAI's, where it is inside.
        let openAI =
            #"{"prompt_tokens":32,"completion_tokens":103,"total_tokens":135,"#
            + #""completion_tokens_details":{"reasoning_tokens":94}}"#
        #expect(try self.usage(openAI) == TokenUsage(input: 32, output: 103, reasoning: 94))
        let withoutTotal = #"{"prompt_tokens":1,"completion_tokens":9,"reasoning_tokens":94}"#
        #expect(try self.usage(withoutTotal) == TokenUsage(input: 1, output: 103, reasoning: 94))
    }

    @Test func `cached tokens that are counted beside the input belong to it`() throws {
        let said =
            #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,"#
            + #""cache_read_input_tokens":70,"cache_creation_input_tokens":30}"#
        #expect(try self.usage(said) == TokenUsage(input: 110, output: 5, cachedInput: 70, cacheWrite: 30))
        let withoutTotal = #"{"prompt_tokens":10,"completion_tokens":5,"cached_tokens":70}"#
        #expect(try self.usage(withoutTotal) == TokenUsage(input: 80, output: 5, cachedInput: 70))
    }

    // MARK: What is scanned without a codec

    private func scanned(_ text: String) throws -> TokenUsage? { try UsageScan(ByteBuffer(string: text)).usage }

    @Test func `what is cached for an hour is told apart, in the words of each who has it`() throws {
        let anthropic =
            #"{"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":2,"#
            + #""cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":5}}"#
        let expected = TokenUsage(input: 42, output: 5, cachedInput: 2, cacheWrite: 30, cacheWriteLong: 10)
        #expect(try self.scanned(anthropic) == expected)
        let parts =
            #"{"usage":{"input_tokens":10,"output_tokens":5,"cache_creation":"#
            + #"{"ephemeral_1h_input_tokens":10,"ephemeral_5m_input_tokens":20}}}"#
        #expect(try self.scanned(parts) == TokenUsage(input: 40, output: 5, cacheWrite: 30, cacheWriteLong: 10))
        let bedrock =
            #"{"usage":{"inputTokens":10,"outputTokens":5,"cacheWriteInputTokens":30,"cacheDetails":"#
            + #"[{"ttl":"1h","inputTokens":7},{"inputTokens":20,"ttl":"5m"},{"ttl":"1h","inputTokens":3},1,{}]}}"#
        #expect(try self.scanned(bedrock) == TokenUsage(input: 40, output: 5, cacheWrite: 30, cacheWriteLong: 10))
        for odd in ["null", "[]", #"{"ephemeral_1h_input_tokens":-1}"#, #"{"ephemeral_1h_input_tokens":1e99}"#] {
            let usage = try self.scanned(#"{"usage":{"input_tokens":1,"cache_creation":\#(odd)}}"#)
            #expect(usage == TokenUsage(input: 1))
        }
    }

    @Test func `gateways that pass on Anthropic's words in OpenAI's form are understood`() throws {
        let beside =
            #"{"prompt_tokens":50,"completion_tokens":5,"total_tokens":55,"cache_creation_input_tokens":30,"#
            + #""cache_creation":{"ephemeral_1h_input_tokens":10}}"#
        #expect(try self.usage(beside) == TokenUsage(input: 50, output: 5, cacheWrite: 30, cacheWriteLong: 10))
        let inside =
            #"{"prompt_tokens":50,"completion_tokens":5,"prompt_tokens_details":{"cache_creation_tokens":30,"#
            + #""cache_creation_token_details":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}}"#
        #expect(try self.usage(inside) == TokenUsage(input: 50, output: 5, cacheWrite: 30, cacheWriteLong: 10))
    }

    @Test(
        arguments: [
            (#"{"duration":8.47}"#, 8_470), (#"{"duration":"8.4701"}"#, 8_471), (#"{"duration":0.0001}"#, 1),
            (#"{"duration":9,"usage":{"type":"duration","seconds":10}}"#, 10_000), (#"{"duration":-1}"#, nil),
            (#"{"duration":1e300}"#, nil), (#"{"duration":"long"}"#, nil), (#"{"duration":null}"#, nil),
            (#"{"usage":{"seconds":1000001}}"#, nil),
        ] as [(String, Int?)]
    )
    func `how long sound was is read to the millisecond, the bill before the measure`(text: String, sound: Int?) throws
    {
        #expect(try self.scanned(text)?.soundMilliseconds == sound)
    }

    @Test func `searches are read where Cohere has them`() throws {
        let usage = try self.scanned(#"{"results":[],"meta":{"api_version":{},"billed_units":{"search_units":3}}}"#)
        #expect(usage == TokenUsage(searches: 3))
    }

    @Test func `a total that is too small changes nothing`() throws {
        let usage = try self.usage(#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":0}"#)
        #expect(usage == TokenUsage(input: 10, output: 5))
    }

    @Test(
        arguments: [
            ("0.00014", 140), ("1.4e-4", 140), ("0.0000005", 1), ("0.0000004", 0), ("12", 12_000_000), ("0", 0),
            ("0.1", 100_000), (#"{"total_cost":0.006,"request_cost":0.005}"#, 6_000),
        ] as [(String, Int64)]
    )
    func `what a provider takes for a call is read to the millionth of a dollar`(text: String, micros: Int64) throws {
        #expect(try self.usage(#"{"cost":\#(text)}"#)?.cost == MicroDollars(micros))
    }

    @Test(arguments: ["null", #""0.1""#, "-1", "1e400", "[]", "{}", "true", "99999999999999999999"])
    func `a cost that can be none counts as not said`(text: String) throws {
        #expect(try self.usage(#"{"cost":\#(text)}"#)?.cost == nil)
    }

    @Test func `a call with the caller's own key costs what both take`() throws {
        let details = #""cost":0.001,"cost_details":{"upstream_inference_cost":0.02}"#
        #expect(try self.usage("{\(details),\"is_byok\":true}")?.cost == MicroDollars(21_000))
        #expect(try self.usage("{\(details),\"is_byok\":false}")?.cost == MicroDollars(1_000))
        #expect(try self.usage("{\"is_byok\":true,\"cost\":0.001}")?.cost == MicroDollars(1_000))
    }
}
