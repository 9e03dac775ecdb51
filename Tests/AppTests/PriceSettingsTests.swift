import Core
import Metering
import Testing

@testable import Engine
@testable import turnpike

/// `prices:` and `ledger.unpriced`, as the settings have them (row 79).
@Suite struct PriceSettingsTests {
    @Test func `a price is kept as it was written, to the millionth of a dollar`() throws {
        let yaml = """
            prices:
              my-model: { input: 1.5, output: 2, cached_input: 0.15, cache_write: 1.9, reasoning: 2.000001,
                          audio_input: 40, audio_output: 80, image: 0.04, request: 0.001, context: 8192,
                          cache_write_1h: 3.1, characters: 15, minute: 0.006, searches: 2.5, max_output: 512 }
            """
        let rates = Rates(
            input: 1_500_000,
            output: 2_000_000,
            cachedInput: 150_000,
            cacheWrite: 1_900_000,
            cacheWriteLong: 3_100_000,
            reasoning: 2_000_001,
            audioInput: 40_000_000,
            audioOutput: 80_000_000,
            image: 40_000,
            request: 1_000,
            characters: 15_000_000,
            minute: 6_000,
            searches: 2_500_000,
            source: "settings"
        )
        let expected = PriceRule(name: "my-model", rates: rates, contextMax: 8_192, outputMax: 512)
        #expect(try Given.settings(yaml).prices == [expected])
    }

    @Test func `names may have strokes, dots and a star at their end, and be free`() throws {
        let settings = try Given.settings(
            """
            prices:
              "openai/gpt-4.1": { input: 2, output: 8 }
              local/*: free
            """
        )
        #expect(settings.prices.map(\.name) == ["openai/gpt-4.1", "local/*"])
        #expect(settings.prices.last?.rates == .free)
        let seller = PriceBook.Seller(provider: "openai", family: "openai", needsNoCredential: false)
        #expect(settings.priceBook.facts(for: "gpt-4.1", at: seller).rates.output == 8_000_000)
    }

    @Test func `without any word about prices, the built-in ones hold`() throws {
        let settings = try Given.settings()
        #expect(settings.prices.isEmpty && settings.unpriced == .refuseBudgeted)
        #expect(settings.priceBook.version == PriceBook.builtInDate)
        #expect(try Given.settings("ledger: { unpriced: free }").unpriced == .free)
    }

    @Test(arguments: ["-1", "1e3", "0.1234567", "1000001", ".5", "5.", "abc", "1,5", "0x10", "NaN", "' 1'"])
    func `what is no price is refused with its place`(text: String) throws {
        let mistakes = Given.mistakes("prices:\n  m:\n    input: \(text)\n    output: 1\n")
        #expect(mistakes.count == 1)
        let mistake = try #require(mistakes.first)
        #expect(mistake.contains("turnpike.yaml:3") && mistake.contains("prices.m.input"), "\(mistake)")
        #expect(mistake.contains("a price in dollars"), "\(mistake)")
    }

    @Test func `half a price is none`() {
        func mistake(_ entry: String) -> String? { Given.mistakes("prices: { m: \(entry) }").first }
        #expect(mistake("{ input: 1 }")?.contains("needs output too") == true)
        #expect(mistake("{ output: 1 }")?.contains("needs input too") == true)
        #expect(mistake("{ context: 5 }")?.contains("says no price") == true)
        for unit in ["image", "request", "characters", "minute", "searches"] {
            #expect(mistake("{ \(unit): 0.04 }") == nil)
        }
        #expect(mistake("{ cache_write_1h: 4 }")?.contains("says no price") == true)
        #expect(mistake("cheap")?.contains("free") == true)
        #expect(mistake("{ imput: 1, output: 1 }")?.contains("did you mean prices.m.input?") == true)
        #expect(Given.mistakes("prices: { 'a*b': free }").first?.contains("only at its end") == true)
        #expect(Given.mistakes("ledger: { unpriced: maybe }").count == 1)
    }
}
