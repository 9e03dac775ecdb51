import NIOCore
import Resilience
import Testing

@Suite struct HedgeRuleTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000)

    /// What a call of this kind would be told.
    private static func delay(_ rule: HedgeRule, _ kind: HedgeRule.Kind) -> TimeAmount? {
        var copy = rule
        return copy.begin(kind)
    }

    @Test func `nothing is hedged before a hundred calls of its kind are known`() throws {
        var rule = HedgeRule(budgetPermille: 50)
        for number in 1...99 {
            rule.learn(.stream, .milliseconds(Int64(number)), now: Self.start)
            rule.learn(.whole, .seconds(2), now: Self.start)
        }
        #expect(Self.delay(rule, .stream) == nil)
        rule.learn(.stream, .milliseconds(100), now: Self.start)
        let delay = try #require(Self.delay(rule, .stream))
        #expect(delay >= .milliseconds(95) && delay <= .milliseconds(99))
        // Whole answers take longer, and are not hedged by what streams take.
        #expect(Self.delay(rule, .whole) == nil)
        rule.learn(.whole, .seconds(2), now: Self.start)
        #expect(try #require(Self.delay(rule, .whole)) >= .seconds(2))
        #expect(Self.delay(rule, .embeddings) == nil)
    }

    @Test func `a delay that the operator named holds from the first call on`() {
        var rule = HedgeRule(delay: .milliseconds(800), budgetPermille: 50)
        #expect(Self.delay(rule, .stream) == .milliseconds(800))
        rule.use(delay: nil, budgetPermille: 50)
        #expect(Self.delay(rule, .stream) == nil)
    }

    @Test func `nothing is started sooner than after ten milliseconds`() {
        var rule = HedgeRule(budgetPermille: 50)
        for _ in 0..<100 { rule.learn(.stream, .microseconds(300), now: Self.start) }
        #expect(Self.delay(rule, .stream) == .milliseconds(10))
    }

    @Test func `the budget is a share of the calls, with one to begin with and twenty saved at most`() {
        var rule = HedgeRule(delay: .seconds(1), budgetPermille: 50)
        func spend(_ rule: inout HedgeRule) -> Int {
            var count = 0
            while rule.spend() { count += 1 }
            return count
        }
        #expect(spend(&rule) == 1)
        for _ in 0..<19 { _ = rule.begin(.stream) }
        #expect(spend(&rule) == 0)
        _ = rule.begin(.stream)
        #expect(spend(&rule) == 1)
        for _ in 0..<10_000 { _ = rule.begin(.whole) }
        #expect(spend(&rule) == 20)
        rule.giveBack()
        #expect(spend(&rule) == 1)
    }

    @Test(arguments: [Int.min, -1, 0])
    func `a budget of nothing allows nothing`(permille: Int) {
        var rule = HedgeRule(delay: .seconds(1), budgetPermille: permille)
        for _ in 0..<1000 { _ = rule.begin(.stream) }
        let mayHedge = rule.spend()
        #expect(!mayHedge)
    }
}

/// Thousands of calls in virtual time, with a seed.
@Suite struct HedgeSimulationTests {
    struct Outcome {
        /// To first content, in order of the calls.
        var durations: [Int64] = []
        var extra = 0

        func quantile(_ permille: Int) -> Int64 { self.durations.sorted()[self.durations.count * permille / 1000] }
        var extraShare: Double { Double(self.extra) / Double(self.durations.count) }
    }

    /// A provider with a bulk of 200 to 400 ms and a slow tail of 3 to 9 s.
    struct Provider {
        var words: SeededWords
        /// Slow calls of a thousand.
        var tail: UInt64 = 30
        var factor: Int64 = 1

        mutating func milliseconds() -> Int64 {
            let isSlow = self.words.next() % 1000 < self.tail
            let spread = Int64(truncatingIfNeeded: self.words.next() >> 1)
            return self.factor * (isSlow ? 3000 + spread % 6000 : 200 + spread % 200)
        }
    }

    /// Runs calls, one each 50 ms; each attempt takes what its provider says, the timer is up to 25 ms late.
    private static func run(
        _ count: Int,
        hedges: Bool,
        seed: UInt64,
        change: (Int, inout Provider) -> Void = { _, _ in }
    )
        -> Outcome
    {
        var rule = HedgeRule(budgetPermille: 50)
        var provider = Provider(words: SeededWords(seed: seed))
        var other = Provider(words: SeededWords(seed: seed &+ 1))
        var ticks = SeededWords(seed: seed &+ 2)
        var outcome = Outcome()
        // What calls under way will teach, and when.
        var pending: [(due: Int64, taken: Int64)] = []
        for number in 0..<count {
            let now = Int64(number) * 50
            for (due, taken) in pending where due <= now {
                rule.learn(.stream, .milliseconds(taken), now: .uptimeNanoseconds(UInt64(due) * 1_000_000 + 1))
            }
            pending.removeAll { $0.due <= now }
            change(number, &provider)
            change(number, &other)
            var taken = provider.milliseconds()
            if let delay = rule.begin(.stream), hedges {
                let started = delay.nanoseconds / 1_000_000 + 1 + Int64(ticks.next() % 25)
                if taken > started, rule.spend() {
                    outcome.extra += 1
                    taken = min(taken, started + other.milliseconds())
                }
            }
            outcome.durations.append(taken)
            pending.append((now + taken, taken))
        }
        return outcome
    }

    @Test(arguments: [1, 20_261_121, 77, 4_000_000_007] as [UInt64])
    func `a slow tail of 3 percent is cut by half and more at the 99th percentile, for 6 percent of calls at most`(
        seed: UInt64
    ) {
        let plain = Self.run(20_000, hedges: false, seed: seed)
        let hedged = Self.run(20_000, hedges: true, seed: seed)
        #expect(plain.quantile(990) > 3000)
        #expect(hedged.quantile(990) * 2 <= plain.quantile(990))
        #expect(hedged.quantile(990) < 1000, "\(hedged.quantile(990)) ms")
        #expect(hedged.extraShare <= 0.06)
        #expect(hedged.quantile(500) == plain.quantile(500))
    }

    @Test func `a provider that is slow for everybody is not called twice`() {
        let count = 20_000
        let outcome = Self.run(count, hedges: true, seed: 5) { number, provider in
            provider.factor = number > count / 2 ? 10 : 1
        }
        #expect(outcome.extraShare <= 0.051)
    }

    @Test func `overtaken calls do not pull the figure down with them`() {
        // If what is learned of them sank below the 95th percentile, more and more calls would be hedged.
        let outcome = Self.run(60_000, hedges: true, seed: 9)
        #expect(outcome.extraShare > 0.03)
        #expect(outcome.extraShare <= 0.0502)
        let late = Outcome(durations: Array(outcome.durations.suffix(20_000)))
        #expect(late.quantile(990) < 1000)
    }
}
