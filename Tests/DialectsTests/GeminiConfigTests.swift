import Chat
import Core
import NIOCore
import Testing

struct GeminiConfigTests {
    private func config(
        model: String = "gemini-2.5-flash",
        format: WireFormat = .openAIChat,
        _ change: (inout ChatRequest) -> Void
    ) throws -> (config: String, losses: Losses) {
        var request = ChatRequest(format: format)
        request.messages = [.user("?")]
        change(&request)
        let (body, losses) = try ProviderSide.write(request, as: .gemini, model: model)
        let start = try #require(body.firstRange(of: #""generationConfig":"#))
        return (String(body[start.upperBound...].dropLast()), losses)
    }

    private func number(_ text: String, _ place: Int) -> Given<JSONFragment> { Given(JSONFragment(text), at: place) }

    @Test func `sampling goes over, and what is out of range is changed and named`() throws {
        let (config, losses) = try self.config { request in
            request.temperature = self.number("2.5", 1)
            request.topP = self.number("0.9", 2)
            request.topK = self.number("40", 3)
            request.seed = self.number("4294967297", 4)
            request.frequencyPenalty = self.number("-0.5", 5)
            request.presencePenalty = self.number("1e0", 6)
            request.stop = (0..<7).map { Given(JSONString($0 == 3 ? "" : "s\($0)"), at: 10 + $0) }
            request.choices = Given(2, at: 20)
            request.logprobs = Given(true, at: 21)
            request.topLogprobs = Given(3, at: 22)
            request.logitBias = self.number("{}", 23)
            request.user = Given(JSONString("u"), at: 24)
            request.parallelToolCalls = Given(false, at: 25)
            request.maxOutputTokens = Given(100, at: 26)
        }
        #expect(
            config == #"{"maxOutputTokens":100,"temperature":2,"topP":0.9,"topK":40,"frequencyPenalty":-0.5,"#
                + #""presencePenalty":1e0,"seed":1,"stopSequences":["s0","s1","s2","s4","s5"],"candidateCount":2,"#
                + #""responseLogprobs":true,"logprobs":3}"#
        )
        #expect(losses.places == [1, 4, 13, 16, 23, 24, 25])
    }

    @Test func `a stream tells of one answer without log probabilities`() throws {
        let (config, losses) = try self.config { request in
            request.isStream = true
            request.choices = Given(2, at: 20)
            request.logprobs = Given(true, at: 21)
        }
        #expect(config == "{}")
        #expect(losses.places == [20, 21])
    }

    @Test func `the limit that can be paid for lowers the client's`() throws {
        var request = ChatRequest(format: .openAIChat)
        request.messages = [.user("?")]
        request.maxOutputTokens = Given(100, at: 1)
        let lowered = try ProviderSide.write(request, as: .gemini, model: "gemini-2.5-pro") { $0.outputLimit = 7 }
        #expect(lowered.body.contains(#""maxOutputTokens":7"#))
        request.maxOutputTokens = nil
        let set = try ProviderSide.write(request, as: .gemini, model: "gemini-2.5-pro") { $0.outputLimit = 8 }
        #expect(set.body.contains(#""maxOutputTokens":8"#))
    }

    @Test func `a form is a JSON schema, or an instruction where tools stand in its way`() throws {
        let schema = JSONSchemaFormat(name: JSONString("n"), schema: JSONFragment(#"{"type":"object"}"#))
        let (config, losses) = try self.config { $0.responseFormat = Given(.jsonSchema(schema), at: 1) }
        #expect(config == #"{"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}}"#)
        #expect(losses.isEmpty)
        var request = ChatRequest(format: .openAIChat)
        request.messages = [.user("?")]
        request.responseFormat = Given(.jsonSchema(schema), at: 1)
        request.tools = [.function("f")]
        let old = try ProviderSide.write(request, as: .gemini, model: "gemini-2.5-pro")
        #expect(old.body.contains(#"this JSON Schema: {\"type\":\"object\"}"}]},"contents""#))
        #expect(!old.body.contains("responseMimeType"))
        #expect(old.losses.emulated == [1])
        let new = try ProviderSide.write(request, as: .gemini, model: "gemini-3-pro")
        #expect(new.body.contains("responseJsonSchema"))
        #expect(new.losses.emulated.isEmpty)
    }

    @Test(arguments: [
        ("gemini-2.5-flash", 0, #"{"thinkingBudget":0}"#, false),
        ("gemini-2.5-pro", 0, #"{"thinkingBudget":128}"#, true),
        ("gemini-2.5-flash", 3, #"{"thinkingBudget":8192,"includeThoughts":true}"#, false),
        ("gemini-2.5-flash", 5, #"{"thinkingBudget":24576,"includeThoughts":true}"#, false),
        ("gemini-3-pro-preview", 3, #"{"thinkingLevel":"high","includeThoughts":true}"#, true),
        ("gemini-3-pro-preview", 2, #"{"thinkingLevel":"low","includeThoughts":true}"#, false),
        ("gemini-3.1-pro", 3, #"{"thinkingLevel":"medium","includeThoughts":true}"#, false),
        ("gemini-3-flash", 0, #"{"thinkingLevel":"minimal"}"#, true),
        ("gemini-flash-latest", 5, #"{"thinkingLevel":"high","includeThoughts":true}"#, true),
    ])
    func `an effort becomes a budget or a level`(_ model: String, _ effort: Int, _ thinking: String, _ isLost: Bool)
        throws
    {
        let (config, losses) = try self.config(model: model) { request in
            request.reasoning.effort = ReasoningWish.Effort(rawValue: UInt8(effort)).map { Given($0, at: 1) }
        }
        #expect(config == #"{"thinkingConfig":"# + thinking + "}")
        #expect(losses.places == (isLost ? [1] : []))
    }

    @Test(arguments: [
        ("gemini-2.5-flash", 1_000, #"{"thinkingBudget":1000,"includeThoughts":true}"#, false),
        ("gemini-2.5-pro", 64, #"{"thinkingBudget":128,"includeThoughts":true}"#, true),
        ("gemini-2.5-flash-lite", 99_999, #"{"thinkingBudget":24576,"includeThoughts":true}"#, true),
        ("gemini-3-flash", 8_192, #"{"thinkingLevel":"medium","includeThoughts":true}"#, false),
        ("gemini-3-flash", 9_000, #"{"thinkingLevel":"high","includeThoughts":true}"#, true),
    ])
    func `a budget stays one or becomes a level`(_ model: String, _ budget: Int, _ thinking: String, _ isLost: Bool)
        throws
    {
        let (config, losses) = try self.config(model: model, format: .anthropic) { request in
            request.reasoning.isOn = Given(true, at: 2)
            request.reasoning.budget = Given(budget, at: 1)
        }
        #expect(config == #"{"thinkingConfig":"# + thinking + "}")
        #expect(losses.places == (isLost ? [1] : []))
    }

    @Test func `models that do not think are not told to`() throws {
        let (config, losses) = try self.config(model: "gemini-2.0-flash") { request in
            request.reasoning.effort = Given(.high, at: 1)
        }
        #expect(config == "{}")
        #expect(losses.places == [1])
    }

    @Test func `what only Gemini has is taken in both spellings and from where Google's OpenAI endpoint takes it`()
        throws
    {
        func member(_ name: String, _ value: String, _ place: Int) -> RestMember {
            RestMember(name: JSONString(name), value: JSONFragment(value), place: place)
        }
        var request = ChatRequest(format: .openAIChat)
        request.messages = [.user("?")]
        request.reasoning.effort = Given(.low, at: 9)
        request.rest = [
            member("safety_settings", "[{}]", 10),
            member("extra_body", #"{"google":{"cached_content":"c","thinking_config":{"a":1},"odd":1},"b":2}"#, 100),
            member("safetySettings", "[]", 20), member("store", "false", 21), member("metadata", #"{"k":"v"}"#, 22),
            member("labels", #"{"l":"v"}"#, 23),
        ]
        request.serviceTier = Given(JSONString("flex"), at: 24)
        let (body, losses) = try ProviderSide.write(request, as: .gemini, model: "gemini-2.5-flash")
        #expect(
            body.hasSuffix(
                #""generationConfig":{"thinkingConfig":{"a":1}},"safetySettings":[{}],"cachedContent":"c","#
                    + #""serviceTier":"flex"}"#
            ),
            "\(body)"
        )
        #expect(losses.places == [164, 171, 22, 23, 9])
    }
}
