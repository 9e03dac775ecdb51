import Core
import NIOCore
import Providers
import Testing

@testable import Engine
@testable import turnpike

/// What runs beside an alias's calls, as the file says it.
@Suite struct RacingSettingsTests {
    private static func alias(_ more: String) throws -> Settings.Alias? {
        try Given.settings("models: { fast: { targets: [ { provider: groq, model: m } ], \(more) } }").alias("fast")
    }

    private static func mistakes(_ more: String) -> [String] {
        Given.mistakes("models: { fast: { targets: [ { provider: groq, model: m } ], \(more) } }")
    }

    @Test func `one line turns hedging on, another way of writing it names the delay`() throws {
        #expect(try Self.alias("max_retries: 1")?.hedge == nil)
        #expect(try Self.alias("hedge: off")?.hedge == nil)
        for written in ["on", "true", "yes"] {
            #expect(try Self.alias("hedge: \(written)")?.hedge == HedgeTerms(delay: nil, permille: 50))
        }
        #expect(try Self.alias("hedge: 800ms")?.hedge == HedgeTerms(delay: .milliseconds(800), permille: 50))
        #expect(try Self.alias("hedge: on, hedge_budget: 2")?.hedge == HedgeTerms(permille: 20))
    }

    @Test(arguments: ["hedge: often", "hedge: 1ms", "hedge: 11m", "hedge: -5s", "hedge: on, hedge_budget: 0"])
    func `what is no switch and no duration is a mistake`(written: String) {
        #expect(Self.mistakes(written).count == 1)
    }

    @Test func `a budget without hedging is a mistake`() {
        #expect(Self.mistakes("hedge_budget: 5").first?.contains("does nothing without hedge") == true)
    }

    @Test func `a shadow target has a share, a bound and a budget`() throws {
        let shadow = try #require(try Self.alias("shadow: { target: mistral/mistral-small-latest }")?.shadow)
        #expect(shadow == ShadowEntry(provider: "mistral", model: "mistral-small-latest", percent: 1, keep: 500))
        let more = "shadow: { target: openrouter/openai/gpt-4o, share: 20, keep: 10, budget: 2.50 }"
        let other = try #require(try Self.alias(more)?.shadow)
        // Everything behind the first slash is the model's name.
        #expect(other.provider == "openrouter" && other.model == "openai/gpt-4o")
        #expect(other.percent == 20 && other.keep == 10 && other.dailyBudget == MicroDollars(2_500_000))
    }

    @Test(
        arguments: [
            ("shadow: { target: nobody/m }", "is not a provider"), ("shadow: { target: mistral }", "provider/model"),
            ("shadow: { target: mistral/ }", "provider/model"), ("shadow: { share: 5 }", "needs target"),
            ("shadow: { target: mistral/m, share: 0 }", "too small"),
            ("shadow: { target: mistral/m, share: 101 }", "too large"),
            ("shadow: { target: mistral/m, budget: much }", "an amount of dollars"),
        ]
    )
    func `a mistake about a shadow says what is wrong`(written: String, expected: String) {
        let mistakes = Self.mistakes(written)
        #expect(mistakes.count == 1)
        #expect(mistakes.first?.contains(expected) == true, "\(mistakes)")
    }

    @Test func `the route has what the alias says`() throws {
        let settings = try Given.settings(
            "models: { fast: { targets: [ { provider: groq, model: m } ], hedge: on, shadow: { target: mistral/m } } }"
        )
        let entry = try #require(settings.routeEntries.first)
        #expect(entry.hedge == HedgeTerms() && entry.shadow?.provider == "mistral")
    }

    @Test func `a comparison reads as both answers side by side, and nothing in it moves the cursor`() throws {
        let found = try JSONValue.parse(
            #"{"id":"sha_1","likeness":0.5,"client":{"provider":"openai","text":"It is twelve.","textIsCut":false},"#
                + #""shadow":{"provider":"mistral","totalMs":7,"text":"noon\u001b[2J","textIsCut":true}}"#
        )
        let text = ShadowCommand.Show.text(found, .output)
        #expect(text.contains("It is twelve.") && text.contains("noon") && text.contains("[there was more]"))
        #expect(!text.contains("\u{1B}[2J"))
        #expect(ShadowCommand.percent(found) == "50%")
        #expect(ShadowCommand.percent([:]) == "-")
    }
}
