package import Chat
package import Core

// Sums are exact: each rate is a whole number of millionths of a dollar for a million tokens, a minute and so on, the
// products are added in 128 bits, and there is one rounding at the end. What would not fit is held at the largest
// amount; nothing traps (row 72).

extension Rates {
    /// What a call cost that used this.
    ///
    /// The one rounding is to the nearest millionth of a dollar, half up. What was not said counts as none. A count
    /// below zero counts as zero, and parts never count for more than their whole: of the input first the cached
    /// tokens, then those written to the cache, for an hour first, then sound; of the output first reasoning, then
    /// sound.
    ///
    /// Where the provider said what the call cost and `takesReportedCost` is set, that is the cost.
    package func cost(of usage: TokenUsage) -> MicroDollars {
        if self.takesReportedCost, let reported = usage.cost { return Swift.max(.zero, reported) }
        let isLong = self.long.map { Self.count(usage.input) > UInt64(clamping: $0.above) } ?? false
        var sum = Sum()
        let inputPercent = isLong ? self.long?.inputPercent : nil
        var rest = Self.count(usage.input)
        sum.add(Self.part(usage.cachedInput, of: &rest), at: self.cachedInput ?? self.input, percent: inputPercent)
        var written = Self.part(usage.cacheWrite, of: &rest)
        sum.add(Self.part(usage.cacheWriteLong, of: &written), at: self.longWrite, percent: inputPercent)
        sum.add(written, at: self.cacheWrite ?? self.input, percent: inputPercent)
        sum.add(Self.part(usage.audioInput, of: &rest), at: self.audioInput ?? self.input, percent: inputPercent)
        sum.add(rest, at: self.input, percent: inputPercent)
        let outputPercent = isLong ? self.long?.outputPercent : nil
        rest = Self.count(usage.output)
        sum.add(Self.part(usage.reasoning, of: &rest), at: self.reasoning ?? self.output, percent: outputPercent)
        sum.add(Self.part(usage.audioOutput, of: &rest), at: self.audioOutput ?? self.output, percent: outputPercent)
        sum.add(rest, at: self.output, percent: outputPercent)
        sum.add(Self.count(usage.characters), at: self.characters, percent: nil)
        sum.addSound(milliseconds: Self.count(usage.soundMilliseconds), atMinute: self.minute)
        sum.addSearches(Self.count(usage.searches), atThousand: self.searches)
        return sum.amount(images: Self.count(usage.images), at: self.image, request: self.request, roundedUp: false)
    }

    /// The most that a call within these bounds can cost, by these rates: every token at the dearest rate that can
    /// apply to it, rounded up.
    ///
    /// Never less than `cost(of:)` of any usage with no more input, output, images and other units than this, as long
    /// as `units` says whether anything may be cached for an hour. What a provider says a call cost is bound by
    /// nothing.
    package func upperBound(
        inputTokens: Int,
        outputTokens: Int,
        images: Int = 0,
        units: UnitBound = UnitBound()
    ) -> MicroDollars {
        var sum = Sum()
        let percents = self.percents(inputTokens: inputTokens)
        sum.add(Self.count(inputTokens), at: self.dearestInput(units), percent: percents.input)
        self.add(units, to: &sum)
        sum.add(Self.count(outputTokens), at: self.dearestOutput, percent: percents.output)
        return sum.amount(images: Self.count(images), at: self.image, request: self.request, roundedUp: true)
    }

    /// The most tokens an answer can have so that `upperBound` stays within an amount.
    ///
    /// - Returns: Zero if only an empty answer fits, `Int.max` if any does, nil if even an empty one does not.
    package func affordableOutput(
        for amount: MicroDollars,
        inputTokens: Int,
        images: Int = 0,
        units: UnitBound = UnitBound()
    ) -> Int? {
        var sum = Sum()
        let percents = self.percents(inputTokens: inputTokens)
        sum.add(Self.count(inputTokens), at: self.dearestInput(units), percent: percents.input)
        self.add(units, to: &sum)
        sum.addImages(Self.count(images), at: self.image, request: self.request)
        // An amount at the end of the range stands for everything beyond it too.
        if amount == .max { return .max }
        guard amount >= .zero else { return nil }
        let room = UInt128(amount.value) * Sum.unit
        guard let spent = sum.exact, spent <= room else { return nil }
        let rate = UInt128(Self.rate(self.dearestOutput)) * UInt128(Self.factor(percents.output))
        guard rate > 0 else { return .max }
        return Int(clamping: (room - spent) / rate)
    }

    // MARK: Parts

    private func dearestInput(_ units: UnitBound) -> Int64 {
        let dearest = Swift.max(self.input, self.cachedInput ?? 0, self.cacheWrite ?? 0, self.audioInput ?? 0)
        return units.mayWriteLong ? Swift.max(dearest, self.longWrite) : dearest
    }

    /// The rate of what is cached for an hour.
    private var longWrite: Int64 {
        if let rate = self.cacheWriteLong { return rate }
        let (twice, isOver) = Swift.max(0, self.input).multipliedReportingOverflow(by: 2)
        return Swift.max(isOver ? .max : twice, self.cacheWrite ?? 0)
    }

    private func add(_ units: UnitBound, to sum: inout Sum) {
        sum.add(Self.count(units.characters), at: self.characters, percent: nil)
        sum.addSound(milliseconds: Self.count(units.soundMilliseconds), atMinute: self.minute)
        sum.addSearches(Self.count(units.searches), atThousand: self.searches)
    }

    private var dearestOutput: Int64 { Swift.max(self.output, self.reasoning ?? 0, self.audioOutput ?? 0) }

    /// What the rates may be multiplied by; for requests that may be long, the larger of both.
    private func percents(inputTokens: Int) -> (input: Int16?, output: Int16?) {
        guard let long = self.long, Self.count(inputTokens) > UInt64(clamping: long.above) else { return (nil, nil) }
        return (Swift.max(100, long.inputPercent), Swift.max(100, long.outputPercent))
    }

    fileprivate static func count(_ tokens: Int?) -> UInt64 { UInt64(Swift.max(0, tokens ?? 0)) }
    fileprivate static func rate(_ rate: Int64) -> UInt64 { UInt64(Swift.max(0, rate)) }
    /// A multiple of a rate, as `Sum` counts.
    ///
    /// In hundredths, and six times as many so that a millisecond is a whole number.
    fileprivate static func factor(_ percent: Int16?) -> UInt64 { UInt64(Swift.max(0, percent ?? 100)) * 6 }

    /// Takes a part from what is left of its whole.
    private static func part(_ part: Int?, of rest: inout UInt64) -> UInt64 {
        guard let part else { return 0 }
        let taken = Swift.min(self.count(part), rest)
        rest -= taken
        return taken
    }

    /// Tokens times millionths of a dollar for a million tokens times sixths of hundredths, exactly.
    ///
    /// Nil beyond 128 bits.
    private struct Sum {
        /// What makes one millionth of a dollar.
        static let unit: UInt128 = 1_000_000 * 100 * 6
        /// What a millisecond, and a single search, are multiplied by.
        private static let millisecond = Self.unit / 60_000
        private static let search = Self.unit / 1_000

        var exact: UInt128? = 0

        mutating func add(_ tokens: UInt64, at rate: Int64, percent: Int16?) {
            guard tokens > 0 else { return }
            self.add(UInt128(tokens) * UInt128(Rates.rate(rate)), times: UInt128(Rates.factor(percent)))
        }

        mutating func addImages(_ images: UInt64, at image: Int64, request: Int64) {
            if images > 0 { self.add(UInt128(images) * UInt128(Rates.rate(image)), times: Self.unit) }
            if request > 0 { self.add(UInt128(Rates.rate(request)), times: Self.unit) }
        }

        mutating func addSound(milliseconds: UInt64, atMinute rate: Int64) {
            guard milliseconds > 0 else { return }
            self.add(UInt128(milliseconds) * UInt128(Rates.rate(rate)), times: Self.millisecond)
        }

        mutating func addSearches(_ searches: UInt64, atThousand rate: Int64) {
            guard searches > 0 else { return }
            self.add(UInt128(searches) * UInt128(Rates.rate(rate)), times: Self.search)
        }

        private mutating func add(_ product: UInt128, times factor: UInt128) {
            let (scaled, isTooLarge) = product.multipliedReportingOverflow(by: factor)
            guard !isTooLarge, let exact = self.exact else { return self.exact = nil }
            let (sum, isOver) = exact.addingReportingOverflow(scaled)
            self.exact = isOver ? nil : sum
        }

        /// The sum with pictures and the request itself, rounded once.
        func amount(images: UInt64, at image: Int64, request: Int64, roundedUp: Bool) -> MicroDollars {
            var whole = self
            whole.addImages(images, at: image, request: request)
            guard let exact = whole.exact else { return .max }
            let extra = roundedUp ? Self.unit - 1 : Self.unit / 2
            // Nearly every call fits into a word, where a division is an instruction.
            if let small = UInt64(exactly: exact), small < 1 << 62 {
                return MicroDollars(Int64((small + UInt64(extra)) / UInt64(Self.unit)))
            }
            let (sum, isOver) = exact.addingReportingOverflow(extra)
            return isOver ? .max : MicroDollars(Int64(clamping: sum / Self.unit))
        }
    }
}
