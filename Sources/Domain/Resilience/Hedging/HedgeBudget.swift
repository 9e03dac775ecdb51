/// How many second attempts may be started: a share of the calls, saved up to a bound.
///
/// So a provider that is slow for everybody, which no second attempt makes faster, is not called twice as often.
package struct HedgeBudget: Sendable, Equatable {
    /// Second attempts that can be saved up, so that a slow minute may use what quiet ones left.
    package static let savedMax = 20
    private static let whole = 1_000_000

    /// Millionths of a second attempt that each call brings.
    private var share: Int
    private var saved: Int

    /// - Parameter permille: Second attempts for a thousand calls; 0 to 1000, what is outside counts as the nearest.
    package init(permille: Int) {
        self.share = Self.millionths(permille)
        self.saved = self.share > 0 ? Self.whole : 0
    }

    /// Puts another share in force; what was saved stays.
    package mutating func use(permille: Int) { self.share = Self.millionths(permille) }

    /// A call has begun.
    package mutating func earn() { self.saved = min(self.saved + self.share, Self.savedMax * Self.whole) }

    /// Takes a second attempt; false if there is none left.
    package mutating func spend() -> Bool {
        guard self.share > 0, self.saved >= Self.whole else { return false }
        self.saved -= Self.whole
        return true
    }

    /// Gives one back that was taken and never went out.
    package mutating func giveBack() { self.saved = min(self.saved + Self.whole, Self.savedMax * Self.whole) }

    private static func millionths(_ permille: Int) -> Int { min(max(permille, 0), 1000) * Self.whole / 1000 }
}
