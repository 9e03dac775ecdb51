import Chat
import Core
import Metering
import TestKit
import Testing

/// What a call costs, and what it can cost at most (row 72).
@Suite struct CostTests {
    /// OpenAI's gpt-4o-mini: $0.15, $0.075 cached and $0.60 for a million tokens.
    private let mini = Rates(input: 150_000, output: 600_000, cachedInput: 75_000, source: "test")

    @Test func `each part of a call is priced by its own rate`() {
        let rates = Rates(
            input: 1_000_000,
            output: 10_000_000,
            cachedInput: 100_000,
            cacheWrite: 2_000_000,
            reasoning: 20_000_000,
            audioInput: 30_000_000,
            audioOutput: 40_000_000,
            image: 50,
            request: 7,
            source: "test"
        )
        let usage = TokenUsage(
            input: 1_000,
            output: 100,
            cachedInput: 500,
            cacheWrite: 200,
            reasoning: 40,
            audioInput: 100,
            audioOutput: 10,
            images: 3
        )
        // In: 500 × 0.1 + 200 × 2 + 100 × 30 + 200 × 1. Out: 40 × 20 + 10 × 40 + 50 × 10. Then 3 × 50 and 7.
        #expect(rates.cost(of: usage) == MicroDollars(50 + 400 + 3_000 + 200 + 800 + 400 + 500 + 150 + 7))
    }

    @Test func `a rate that is not there is that of the whole`() {
        let rates = Rates(input: 1_000_000, output: 3_000_000, source: "test")
        let usage = TokenUsage(
            input: 10,
            output: 10,
            cachedInput: 4,
            cacheWrite: 3,
            reasoning: 5,
            audioInput: 2,
            audioOutput: 1
        )
        #expect(rates.cost(of: usage) == MicroDollars(40))
    }

    @Test(arguments: [(3, 0), (4, 1), (9, 1), (10, 2), (16, 2)])
    func `a call is rounded once, half up`(input: Int, micros: Int64) {
        // 0.15 millionths each: 3 make 0.45, 10 make 1.5 and 16 make 2.4.
        #expect(self.mini.cost(of: TokenUsage(input: input)) == MicroDollars(micros))
    }

    @Test func `what was rounded apart would be lost, together it counts`() {
        // 3 × 0.15 and 1 × 0.075: neither makes a half by itself.
        #expect(self.mini.cost(of: TokenUsage(input: 4, cachedInput: 1)) == MicroDollars(1))
    }

    @Test func `a part larger than its whole counts for no more than the whole`() {
        let usage = TokenUsage(input: 1_000, output: 0, cachedInput: 5_000, cacheWrite: 5_000)
        #expect(self.mini.cost(of: usage) == MicroDollars(75))
    }

    @Test func `counts and rates below zero count as zero`() {
        let usage = TokenUsage(input: -5, output: .min, cachedInput: -1, images: -3)
        #expect(self.mini.cost(of: usage) == .zero)
        #expect(Rates(input: -9, output: .min, image: -1, request: -1, source: "test").cost(of: usage) == .zero)
        #expect(self.mini.cost(of: TokenUsage(input: 1_000_000, cachedInput: -1)) == MicroDollars(150_000))
    }

    @Test func `the largest numbers there are make the largest amount`() {
        let rates = Rates(input: .max, output: .max, image: .max, request: .max, source: "test")
        #expect(rates.cost(of: TokenUsage(input: .max, output: .max, images: .max)) == .max)
        #expect(rates.upperBound(inputTokens: .max, outputTokens: .max, images: .max) == .max)
        #expect(rates.upperBound(inputTokens: .min, outputTokens: .min, images: .min) == .max)
    }

    @Test func `a long request costs more for all its tokens, and its answer too`() {
        var rates = Rates(input: 1_250_000, output: 10_000_000, cachedInput: 125_000, source: "test")
        rates.long = .init(above: 200_000, inputPercent: 200, outputPercent: 150)
        let short = TokenUsage(input: 200_000, output: 1_000, cachedInput: 100_000)
        #expect(rates.cost(of: short) == MicroDollars(125_000 + 12_500 + 10_000))
        let long = TokenUsage(input: 200_001, output: 1_000, cachedInput: 100_001)
        #expect(rates.cost(of: long) == MicroDollars(250_000 + 25_000 + 15_000))
        #expect(rates.upperBound(inputTokens: 200_000, outputTokens: 0) == MicroDollars(250_000))
        #expect(rates.upperBound(inputTokens: 400_000, outputTokens: 1_000) == MicroDollars(1_015_000))
    }

    @Test func `what a provider says it takes counts only where the rates say so`() {
        let usage = TokenUsage(input: 1_000_000, output: 0, cost: MicroDollars(42))
        #expect(self.mini.cost(of: usage) == MicroDollars(150_000))
        var trusting = self.mini
        trusting.takesReportedCost = true
        #expect(trusting.cost(of: usage) == MicroDollars(42))
        #expect(trusting.cost(of: TokenUsage(input: 1_000_000)) == MicroDollars(150_000))
        #expect(trusting.cost(of: TokenUsage(input: 1_000_000, cost: MicroDollars(-1))) == .zero)
    }

    @Test func `what an amount affords is nothing where even an empty answer is too dear`() {
        #expect(self.mini.affordableOutput(for: MicroDollars(149), inputTokens: 1_000) == nil)
        #expect(self.mini.affordableOutput(for: MicroDollars(150), inputTokens: 1_000) == 0)
        #expect(self.mini.affordableOutput(for: MicroDollars(153), inputTokens: 1_000) == 5)
        #expect(self.mini.affordableOutput(for: MicroDollars(-1), inputTokens: 0) == nil)
        #expect(Rates.free.affordableOutput(for: .zero, inputTokens: 1_000) == .max)
    }

    // MARK: Properties

    @Test func `no numbers at all make it trap, and no cost is above its bound`() {
        var random = SeededGenerator(seed: 72)
        for _ in 0..<20_000 {
            let rates = random.rates()
            let usage = random.usage()
            let cost = rates.cost(of: usage)
            #expect(cost >= .zero)
            let bound = rates.upperBound(
                inputTokens: usage.input ?? 0,
                outputTokens: usage.output ?? 0,
                images: usage.images ?? 0,
                units: UnitBound(
                    characters: usage.characters ?? 0,
                    soundMilliseconds: usage.soundMilliseconds ?? 0,
                    searches: usage.searches ?? 0,
                    mayWriteLong: true
                )
            )
            #expect(cost <= bound, "\(rates.text): \(usage)")
        }
    }

    @Test func `the bound grows with what it bounds`() {
        var random = SeededGenerator(seed: 73)
        for _ in 0..<20_000 {
            let rates = random.rates()
            let (input, output, images) = (random.number(), random.number(), random.number())
            let (moreInput, moreOutput) = (random.number(from: input), random.number(from: output))
            let less = rates.upperBound(inputTokens: input, outputTokens: output, images: images)
            let more = rates.upperBound(inputTokens: moreInput, outputTokens: moreOutput, images: images)
            #expect(less <= more, "\(rates.text): \(input) \(output) to \(moreInput) \(moreOutput)")
        }
    }

    @Test func `what an amount affords fits, and one token more does not`() {
        var random = SeededGenerator(seed: 74)
        var exact = 0
        for _ in 0..<20_000 {
            let rates = random.rates()
            let input = random.number()
            let amount = MicroDollars(Int64(random.number()))
            guard let output = rates.affordableOutput(for: amount, inputTokens: input) else {
                #expect(rates.upperBound(inputTokens: input, outputTokens: 0) > amount)
                continue
            }
            #expect(rates.upperBound(inputTokens: input, outputTokens: output) <= amount)
            guard output < .max else { continue }
            exact += 1
            #expect(rates.upperBound(inputTokens: input, outputTokens: output + 1) > amount)
        }
        #expect(exact > 1_000, "only \(exact) of the cases had a bound to test")
    }

    @Test func `small sums agree with the same ones in fractions`() {
        var random = SeededGenerator(seed: 75)
        for _ in 0..<5_000 {
            let rates = Rates(
                input: Int64.random(in: 0...20_000_000, using: &random),
                output: Int64.random(in: 0...80_000_000, using: &random),
                cachedInput: Int64.random(in: 0...2_000_000, using: &random),
                source: "test"
            )
            let input = Int.random(in: 0...9_000, using: &random)
            let cached = Int.random(in: 0...input, using: &random)
            let output = Int.random(in: 0...9_000, using: &random)
            let product =
                Int64(input - cached) * rates.input + Int64(cached) * (rates.cachedInput ?? 0)
                + Int64(output) * rates.output
            let (whole, rest) = product.quotientAndRemainder(dividingBy: 1_000_000)
            let expected = whole + (rest >= 500_000 ? 1 : 0)
            let usage = TokenUsage(input: input, output: output, cachedInput: cached)
            #expect(rates.cost(of: usage).value == expected)
        }
    }

    // MARK: Text

    @Test func `rates are one line of text in the ledger`() {
        var rates = self.mini
        rates.source = "built-in 2026-11-20"
        #expect(rates.text == "in=150000 out=600000 cached=75000 @built-in 2026-11-20")
    }

    @Test func `rates read back from their text are the same`() {
        var random = SeededGenerator(seed: 76)
        for _ in 0..<5_000 {
            var rates = random.rates()
            let sources = ["free", "", "settings", "a@b =c", "built-in 2026-11-20"]
            rates.source = sources.randomElement(using: &random) ?? ""
            #expect(Rates(text: rates.text) == rates)
        }
    }

    @Test(arguments: [
        "", "in=1 out=2", "in=1 @x", "out=1 @x", "in=1 in=1 out=2 @x", "in=x out=2 @x", "in=1 out=2 what=3 @x",
        "in=1 out=2 cached= @x", "in=1 out=2 long=5/6 @x", "in=1 out=2 reported=2 @x",
        "in=9223372036854775808 out=1 @x",
    ])
    func `text that is no rates is refused`(text: String) { #expect(Rates(text: text) == nil) }
}

extension SeededGenerator {
    /// Of every size, and often at an edge.
    fileprivate mutating func number() -> Int {
        switch Int.random(in: 0..<8, using: &self) {
        case 0: [0, 1, -1, .max, .min, 200_000, 200_001].randomElement(using: &self) ?? 0
        case 1: Int(truncatingIfNeeded: self.next())
        case 2: -Int.random(in: 0...1_000, using: &self)
        default: Int(self.next() >> UInt64.random(in: 1...63, using: &self))
        }
    }

    fileprivate mutating func number(from least: Int) -> Int { Int.random(in: least...(.max), using: &self) }

    private mutating func maybe() -> Int? { Bool.random(using: &self) ? self.number() : nil }

    fileprivate mutating func usage() -> TokenUsage {
        TokenUsage(
            input: self.maybe(),
            output: self.maybe(),
            cachedInput: self.maybe(),
            cacheWrite: self.maybe(),
            cacheWriteLong: self.maybe(),
            reasoning: self.maybe(),
            audioInput: self.maybe(),
            audioOutput: self.maybe(),
            images: self.maybe(),
            characters: self.maybe(),
            soundMilliseconds: self.maybe(),
            searches: self.maybe()
        )
    }

    fileprivate mutating func rates() -> Rates {
        var rates = Rates(
            input: Int64(self.number()),
            output: Int64(self.number()),
            cachedInput: self.maybe().map(Int64.init),
            cacheWrite: self.maybe().map(Int64.init),
            cacheWriteLong: self.maybe().map(Int64.init),
            reasoning: self.maybe().map(Int64.init),
            audioInput: self.maybe().map(Int64.init),
            audioOutput: self.maybe().map(Int64.init),
            image: Int64(self.number()),
            request: Int64(self.number()),
            characters: Int64(self.number()),
            minute: Int64(self.number()),
            searches: Int64(self.number()),
            source: "test"
        )
        if Bool.random(using: &self) {
            rates.long = .init(
                above: Int32(truncatingIfNeeded: self.number()),
                inputPercent: Int16(truncatingIfNeeded: self.number()),
                outputPercent: Int16(truncatingIfNeeded: self.number())
            )
        }
        return rates
    }
}
