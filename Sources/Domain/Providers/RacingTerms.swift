package import Core
package import NIOCore

/// When an alias's calls get a second attempt beside a slow first one.
package struct HedgeTerms: Sendable, Equatable {
    /// Second attempts for a thousand calls, unless something else is said.
    package static let standardPermille = 50

    /// After how long without content; nil: after the 95th percentile of what the alias's calls take.
    package var delay: TimeAmount?
    /// Second attempts for a thousand calls, at most.
    package var permille: Int

    package init(delay: TimeAmount? = nil, permille: Int = HedgeTerms.standardPermille) {
        self.delay = delay
        self.permille = permille
    }
}

/// Which of an alias's calls are sent to another target as well, whose answer no client sees.
///
/// What the settings say; `Shadow` is what the road goes by.
package struct ShadowEntry: Sendable, Equatable {
    package var provider: String
    package var model: String
    /// Of a hundred calls.
    package var percent: Int
    /// How many comparisons are kept, the newest.
    package var keep: Int
    /// What all of an alias's shadow calls may cost on one day (UTC); nil for no such bound.
    package var dailyBudget: MicroDollars?

    package init(provider: String, model: String, percent: Int = 1, keep: Int = 500, dailyBudget: MicroDollars? = nil) {
        self.provider = provider
        self.model = model
        self.percent = percent
        self.keep = keep
        self.dailyBudget = dailyBudget
    }
}

/// A target that gets copies of an alias's calls.
package struct Shadow: Sendable {
    package let target: Target
    package let entry: ShadowEntry

    package init(_ entry: ShadowEntry, at provider: Provider) {
        self.target = Target(provider: provider, model: entry.model)
        self.entry = entry
    }
}
