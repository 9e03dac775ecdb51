import Chat
import Core
import Dialects
import NIOCore
import Testing

struct AnthropicThinkingTests {
    private func written(
        _ model: String,
        limit: Int? = nil,
        _ change: (inout ChatRequest) -> Void
    ) throws -> Anthropic.Written {
        var request = Anthropic.question()
        change(&request)
        var target = Anthropic.target(model)
        target.outputLimit = limit
        return try Anthropic.write(request, target)
    }

    private static func effort(_ effort: ReasoningWish.Effort) -> Given<ReasoningWish.Effort> { Given(effort, at: 40) }

    @Test(
        arguments: [
            ("claude-3-7-sonnet-20250219", #""budget_tokens":16384"#, false),
            ("claude-opus-4-20250514", #""thinking":{"type":"enabled","budget_tokens":16384}"#, false),
            ("deepseek-reasoner", #""thinking":{"type":"enabled","budget_tokens":16384}"#, false),
            ("claude-opus-4-6", #""thinking":{"type":"adaptive"},"output_config":{"effort":"high"}"#, false),
            ("claude-opus-4-8", #""thinking":{"type":"adaptive"},"output_config":{"effort":"high"}"#, false),
            ("us.anthropic.claude-sonnet-5-v1:0", #""output_config":{"effort":"high"}"#, false),
            ("claude-3-5-sonnet-20241022", #""max_tokens":4096"#, true),
        ]
    )
    func `an effort becomes what the model knows`(model: String, expected: String, isLost: Bool) throws {
        let written = try self.written(model) { $0.reasoning.effort = Self.effort(.high) }
        #expect(written.body.contains(expected))
        #expect(written.losses.places == (isLost ? [40] : []))
        if isLost { #expect(!written.body.contains("thinking")) }
    }

    @Test func `a budget fits under the limit, which is raised where nobody set one`() throws {
        let free = try self.written("claude-sonnet-4-5") { $0.reasoning.budget = Given(9_000, at: 41) }
        #expect(free.body.contains(#""max_tokens":13096"#))
        #expect(free.body.contains(#""budget_tokens":9000"#))
        let tight = try self.written("claude-sonnet-4-5") {
            $0.maxOutputTokens = Given(3_000, at: 42)
            $0.reasoning.budget = Given(9_000, at: 41)
        }
        #expect(tight.body.contains(#""budget_tokens":2999"#))
        #expect(tight.losses.places == [41])
        let small = try self.written("claude-sonnet-4-5") {
            $0.maxOutputTokens = Given(1_000, at: 42)
            $0.reasoning.effort = Self.effort(.low)
        }
        #expect(!small.body.contains("thinking"))
        #expect(small.losses.places == [40])
        let least = try self.written("claude-sonnet-4-5") { $0.reasoning.budget = Given(10, at: 41) }
        #expect(least.body.contains(#""budget_tokens":1024"#))
        #expect(least.losses.places == [41])
    }

    @Test func `what can be paid for bounds both numbers`() throws {
        let written = try self.written("claude-sonnet-4-5", limit: 4_000) { $0.reasoning.effort = Self.effort(.high) }
        #expect(written.body.contains(#""max_tokens":4000"#))
        #expect(written.body.contains(#""budget_tokens":2000"#))
        let none = try self.written("claude-sonnet-4-5", limit: 500) { $0.reasoning.effort = Self.effort(.high) }
        #expect(none.body.contains(#""max_tokens":500"#))
        #expect(!none.body.contains("thinking"))
        #expect(none.losses.places == [40])
    }

    @Test func `a budget becomes an effort where numbers are refused, and is named`() throws {
        let written = try self.written("claude-opus-5") { $0.reasoning.budget = Given(9_000, at: 41) }
        #expect(written.body.contains(#""thinking":{"type":"adaptive"},"output_config":{"effort":"high"}"#))
        #expect(written.losses.places == [41])
        let kept = try self.written("claude-opus-4-6") { $0.reasoning.budget = Given(9_000, at: 41) }
        #expect(kept.body.contains(#""budget_tokens":9000"#))
        #expect(kept.losses.isEmpty)
    }

    @Test func `no thinking is said where the model would think, and named where it cannot stop`() throws {
        let old = try self.written("claude-opus-4-5") { $0.reasoning.effort = Self.effort(.none) }
        #expect(!old.body.contains("thinking"))
        let new = try self.written("claude-sonnet-5-5") { $0.reasoning.effort = Self.effort(.none) }
        #expect(new.body.contains(#""thinking":{"type":"disabled"}"#))
        let fable = try self.written("claude-fable-5-2") { $0.reasoning.effort = Self.effort(.none) }
        #expect(!fable.body.contains("thinking"))
        #expect(fable.body.contains(#""effort":"low""#))
        #expect(fable.losses.places == [40])
    }

    @Test func `sampling goes where thinking comes`() throws {
        let written = try self.written("claude-sonnet-4-0") {
            $0.reasoning.effort = Self.effort(.low)
            $0.temperature = Anthropic.given("0.5", at: 50)
            $0.topK = Anthropic.given("5", at: 51)
            $0.topP = Anthropic.given("0.97", at: 52)
        }
        #expect(!written.body.contains("temperature"))
        #expect(!written.body.contains("top_k"))
        #expect(written.body.contains(#""top_p":0.97"#))
        #expect(written.losses.places == [50, 51])
    }

    @Test func `a forced tool goes before thinking, unless the model always thinks`() throws {
        func forced(_ request: inout ChatRequest) {
            request.tools = [Anthropic.tool("a")]
            request.toolChoice = Given(.required, at: 60)
            request.reasoning.effort = Self.effort(.max)
        }
        let old = try self.written("claude-sonnet-4-0", forced)
        #expect(old.body.contains(#""tool_choice":{"type":"any"}"#))
        #expect(!old.body.contains("thinking"))
        #expect(old.losses.places == [40])
        let new = try self.written("claude-opus-5", forced)
        #expect(new.body.contains(#""thinking":{"type":"disabled"},"output_config":{"effort":"high"}"#))
        let fable = try self.written("claude-fable-5", forced)
        #expect(fable.body.contains(#""tool_choice":{"type":"auto"}"#))
        #expect(fable.body.contains(#""thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#))
        #expect(fable.losses.places == [60])
    }

    @Test func `a turn after tools thinks only if the thoughts before it are there and signed`() throws {
        func history(_ thinking: Thinking?) -> (inout ChatRequest) -> Void {
            { request in
                let thoughts = thinking.map { [ContentPart(.thinking($0), place: 70)] } ?? []
                request.tools = [Anthropic.tool("look")]
                request.reasoning.effort = Self.effort(.low)
                request.messages += [
                    ChatMessage(.assistant, thoughts + [Anthropic.call("c1")]),
                    ChatMessage(.user, [Anthropic.result("c1", "r")]),
                ]
            }
        }
        let text = JSONString("hm")
        let none = try self.written("claude-sonnet-4-0", history(nil))
        #expect(!none.body.contains("thinking"))
        #expect(none.losses.places == [40])
        let foreign = try self.written(
            "claude-sonnet-4-0",
            history(Thinking(text: text, signature: text, format: .gemini))
        )
        #expect(!foreign.body.contains("thinking"))
        #expect(foreign.losses.places == [40, 70])
        let signed = try self.written(
            "claude-sonnet-4-0",
            history(Thinking(text: text, signature: JSONString("s"), format: .anthropic))
        )
        #expect(signed.body.contains(#"[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"tool_use""#))
        #expect(signed.body.contains(#""budget_tokens":2048"#))
        #expect(signed.losses.isEmpty)
        let adaptive = try self.written("claude-opus-4-7", history(nil))
        #expect(adaptive.body.contains(#""thinking":{"type":"adaptive"}"#))
        #expect(adaptive.losses.isEmpty)
    }
}
