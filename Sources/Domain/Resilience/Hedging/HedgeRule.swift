package import NIOCore

/// When a call of one route gets a second attempt beside its first.
///
/// A route learns how long its calls take to their first content, streams and whole answers apart, and starts a second
/// attempt for a call that takes longer than 95 of 100 do. What it learns from a call that was overtaken is the time at
/// which that happened: too short, but above the 95 all the same, so that the figure stays where it is.
package struct HedgeRule: Sendable {
    /// What is waited for; each kind is slow in its own way.
    package enum Kind: Int, Sendable, CaseIterable {
        case stream, whole, embeddings
    }

    /// Calls of a kind that have to be known before any of them is hedged, unless the operator named a delay.
    package static let countMin = 100
    /// Nothing is started sooner than this, however fast a route is.
    package static let leastDelay = TimeAmount.milliseconds(10)
    private static let permille = 950

    private var sketches: [SlidingSketch]
    private var budget: HedgeBudget
    private var fixedDelay: TimeAmount?

    /// - Parameters:
    ///   - delay: After how long a second attempt starts; nil: after the time that the route learns.
    ///   - budgetPermille: Second attempts for a thousand calls, at most.
    package init(delay: TimeAmount? = nil, budgetPermille: Int) {
        self.sketches = Kind.allCases.map { _ in SlidingSketch() }
        self.budget = HedgeBudget(permille: budgetPermille)
        self.fixedDelay = delay
    }

    /// Puts other terms in force; what was learned stays.
    package mutating func use(delay: TimeAmount?, budgetPermille: Int) {
        self.fixedDelay = delay
        self.budget.use(permille: budgetPermille)
    }

    /// A call begins.
    ///
    /// - Returns: After how long without content it may get a second attempt; nil if too little is known of its kind.
    package mutating func begin(_ kind: Kind) -> TimeAmount? {
        self.budget.earn()
        return self.delay(kind)
    }

    /// After how long a call of this kind may get a second attempt, as things stand.
    package mutating func delay(_ kind: Kind) -> TimeAmount? {
        if let delay = self.fixedDelay { return delay }
        guard self.sketches[kind.rawValue].count >= Self.countMin else { return nil }
        return self.sketches[kind.rawValue].quantile(permille: Self.permille).map { max($0, Self.leastDelay) }
    }

    /// Takes a second attempt from the budget; false if there is none left.
    package mutating func spend() -> Bool { self.budget.spend() }

    /// Gives one back that was taken and never went out.
    package mutating func giveBack() { self.budget.giveBack() }

    /// What a call's first attempt took to its first content, or to the moment when another overtook it.
    ///
    /// Failures are not told: they say nothing about how long an answer takes.
    package mutating func learn(_ kind: Kind, _ duration: TimeAmount, now: NIODeadline) {
        self.sketches[kind.rawValue].add(duration, now: now)
    }

    /// Calls of a kind that it knows of.
    package func count(_ kind: Kind) -> Int { self.sketches[kind.rawValue].count }
}
