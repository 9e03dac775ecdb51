import Chat
import Core
import Metering
import Testing

/// Which price a call has, and what becomes of it where there is none (row 79).
@Suite struct PriceBookTests {
    private let openAI = PriceBook.Seller(provider: "openai", family: "openai", needsNoCredential: false)
    private let openRouter = PriceBook.Seller(provider: "or", family: "openrouter", needsNoCredential: false)
    private let ollama = PriceBook.Seller(provider: "local", family: "ollama", needsNoCredential: true)
    private let unknown = PriceBook.Seller(provider: "acme", family: "generic", needsNoCredential: false)

    private func rates(_ input: Int64) -> Rates { Rates(input: input, output: input, source: "settings") }

    // MARK: The built-in list

    @Test func `the list knows what a model costs, takes and gives`() {
        let facts = PriceBook().facts(for: "gpt-4o-mini", at: self.openAI)
        let rates = Rates(
            input: 150_000,
            output: 600_000,
            cachedInput: 75_000,
            source: "built-in \(PriceBook.builtInDate)"
        )
        #expect(facts == ModelFacts(rates: rates, contextMax: 128_000, outputMax: 16_384))
    }

    @Test func `every row of the list is sound`() {
        let entries = PriceBook().entries
        #expect(entries.count > 1_000)
        for entry in entries {
            let name = "\(entry.provider)/\(entry.model)"
            let rates = entry.facts.rates
            #expect(entry.page.hasPrefix("https://"), "\(name) has no source")
            let units = [rates.image, rates.request, rates.characters, rates.minute, rates.searches]
            let all = [rates.input, rates.output] + units
            let parts = [
                rates.cachedInput, rates.cacheWrite, rates.cacheWriteLong, rates.reasoning, rates.audioInput,
                rates.audioOutput,
            ]
            // Nothing costs more than $1,000 for a million tokens, or for a picture, a request, a minute and so on.
            let range = 0...1_000_000_000 as ClosedRange<Int64>
            #expect((all + parts.compactMap { $0 }).allSatisfy { range.contains($0) }, "\(name): \(rates.text)")
            #expect((all + parts.compactMap { $0 }).contains { $0 > 0 }, "\(name) costs nothing")
            #expect((entry.facts.contextMax ?? 1) > 0 && (entry.facts.outputMax ?? 1) > 0, "\(name)")
            #expect(Rates(text: rates.text) == rates, "\(name)")
            if let long = rates.long { #expect(long.inputPercent >= 100 && long.outputPercent >= 100, "\(name)") }
        }
        for provider in ["openai", "anthropic", "gemini", "mistral", "azure", "bedrock", "together", "fireworks"] {
            #expect(entries.contains { $0.provider == provider })
        }
    }

    @Test func `what has no tokens has a price all the same`() {
        let book = PriceBook()
        #expect(book.facts(for: "tts-1", at: self.openAI).rates.characters == 15_000_000)
        #expect(book.facts(for: "whisper-1", at: self.openAI).rates.minute == 6_000)
        let cohere = PriceBook.Seller(provider: "cohere", family: "cohere", needsNoCredential: false)
        #expect(book.facts(for: "rerank-v3.5", at: cohere).rates.searches == 2_000_000)
        // What says how many tokens it took is paid by those.
        let rates = book.facts(for: "gpt-4o-transcribe", at: self.openAI).rates
        #expect(rates.minute == 0 && rates.input > 0)
    }

    @Test(arguments: [
        "gpt-4o-mini-2024-07-18", "gpt-4o-mini-20240718", "gpt-4o-mini-latest", "gpt-4o-mini@20240718",
    ])
    func `a dated name costs what the plain one does`(name: String) {
        let book = PriceBook()
        #expect(book.facts(for: name, at: self.openAI) == book.facts(for: "gpt-4o-mini", at: self.openAI))
        // Again, from what was found.
        #expect(book.facts(for: name, at: self.openAI).rates.input == 150_000)
    }

    @Test(arguments: [
        "gpt-4o-mini-", "gpt-4o-mini-2024-07", "gpt-4o-mini-2024-07-1x", "", "-2024-07-18", "GPT-4O-MINI",
    ])
    func `a name that is none of a model has no price`(name: String) {
        #expect(PriceBook().facts(for: name, at: self.openAI).rates == .unpriced)
    }

    @Test func `OpenRouter's models cost what their makers take, until OpenRouter says it`() {
        let book = PriceBook()
        for name in ["openai/gpt-4o-mini", "openai/gpt-4o-mini:nitro", "openai/gpt-4o-mini-2024-07-18"] {
            let rates = book.facts(for: name, at: self.openRouter).rates
            #expect(rates.input == 150_000 && rates.takesReportedCost, "\(name)")
        }
        #expect(book.facts(for: "anthropic/claude-sonnet-4.5", at: self.openRouter).rates.input == 3_000_000)
        #expect(book.facts(for: "anthropic/claude-3-haiku-20240307", at: self.openRouter).rates.output == 1_250_000)
        let free = book.facts(for: "meta-llama/llama-9:free", at: self.openRouter).rates
        #expect(free.isPriced && free.cost(of: TokenUsage(input: 1_000_000)) == .zero)
        #expect(book.facts(for: "acme/unheard-of", at: self.openRouter).rates == .reported)
    }

    @Test func `a provider whose name is in the list needs no row of its own`() {
        let seller = PriceBook.Seller(provider: "moonshot", family: "generic", needsNoCredential: false)
        #expect(PriceBook().facts(for: "kimi-k3", at: seller).rates.isPriced)
    }

    // MARK: The settings

    @Test func `the settings' price for a model at its provider goes before all others`() {
        // From the weakest to the strongest, each one cent dearer.
        let names = ["gpt*", "openai/*", "openai/gpt-4o*", "gpt-4o-mini", "openai/gpt-4o-mini"]
        let rules = names.enumerated().map { PriceRule(name: $1, rates: self.rates(Int64($0))) }
        for count in 1...rules.count {
            for order in [Array(rules.prefix(count)), rules.prefix(count).reversed()] {
                let facts = PriceBook(rules: order).facts(for: "gpt-4o-mini", at: self.openAI)
                #expect(facts.rates == self.rates(Int64(count - 1)))
            }
        }
        let elsewhere = PriceBook(rules: [PriceRule(name: "openai/*", rates: self.rates(2))])
        #expect(elsewhere.facts(for: "gpt-4o-mini", at: self.unknown).rates == .unpriced)
        // A model may be named with a stroke itself, as at OpenRouter; then that is its name anywhere.
        #expect(elsewhere.facts(for: "openai/gpt-4o-mini", at: self.openRouter).rates == self.rates(2))
    }

    @Test func `a model on one's own machine is free unless it is priced`() {
        #expect(PriceBook().facts(for: "llama3.2", at: self.ollama).rates == .free)
        let priced = PriceBook(rules: [PriceRule(name: "local/*", rates: self.rates(9))])
        #expect(priced.facts(for: "llama3.2", at: self.ollama).rates == self.rates(9))
        let simulator = PriceBook.Seller(provider: "simulator", family: "simulator", needsNoCredential: false)
        #expect(PriceBook().facts(for: "gpt-4o", at: simulator).rates == .free)
    }

    @Test func `other prices make another version`() {
        #expect(PriceBook().version == PriceBook.builtInDate)
        let one = PriceBook(rules: [PriceRule(name: "a", rates: self.rates(1))])
        let other = PriceBook(rules: [PriceRule(name: "a", rates: self.rates(2))])
        #expect(one.version != other.version && one.version.hasPrefix(PriceBook.builtInDate + "+"))
        #expect(one.version == PriceBook(rules: one.rules).version)
    }

    // MARK: No price

    @Test(arguments: [
        (UnpricedRule.refuse, false, false), (.refuse, true, false), (.refuseBudgeted, false, true),
        (.refuseBudgeted, true, false), (.free, false, true), (.free, true, true),
    ])
    func `a call without a price is refused, or free by choice`(
        rule: UnpricedRule,
        underHardBudget: Bool,
        isAdmitted: Bool
    ) {
        let book = PriceBook(unpriced: rule)
        let rates = book.facts(for: "anything", at: self.unknown).rates
        #expect(rates == .unpriced)
        #expect(book.admits(rates, underHardBudget: underHardBudget) == isAdmitted)
        #expect(book.admits(.free, underHardBudget: underHardBudget))
        // What the provider will say is a price, but it bounds nothing.
        #expect(book.admits(.reported, underHardBudget: underHardBudget) == (rule == .free || !underHardBudget))
    }
}
