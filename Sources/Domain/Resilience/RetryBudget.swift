package import NIOCore

/// How many attempts may be repeated, so that an outage is not made worse by all who try again.
///
/// Of the calls of the last ten seconds a tenth may be repeated, and three a second however few there are, so that a
/// quiet gateway can retry at all (A+.1). Retries therefore add at most a tenth to what is offered from thirty calls a
/// second on. Repeating is what counts: it may go to the same target or to one that is failing as well.
package struct RetryBudget: Sendable {
    /// What is allowed.
    package struct Rules: Sendable, Equatable {
        /// Retries for each hundred calls.
        package var percent: Int
        /// Retries a second that are always allowed.
        package var perSecond: Int

        package static let standard = Rules(percent: 10, perSecond: 3)

        /// - Parameters:
        ///   - percent: 0 to 1,000; what is outside counts as the nearest.
        ///   - perSecond: 0 to 1,000,000; likewise.
        package init(percent: Int, perSecond: Int) {
            self.percent = min(max(percent, 0), 1_000)
            self.perSecond = min(max(perSecond, 0), 1_000_000)
        }
    }

    /// The time that is looked back on.
    package static let window = TimeAmount.seconds(10)

    package var rules: Rules
    private var calls = SlidingWindow(length: Self.window)
    private var retries = SlidingWindow(length: Self.window)
    /// Retries that were allowed, since the beginning.
    package private(set) var granted: UInt64 = 0
    /// Retries that were not allowed, since the beginning.
    package private(set) var denied: UInt64 = 0

    package init(_ rules: Rules = .standard) { self.rules = rules }

    /// Counts a call that a provider was asked for the first time.
    package mutating func note(now: NIODeadline) { self.calls.add(marked: false, now: now) }

    /// Takes one retry out of the budget.
    ///
    /// - Returns: Whether there was one.
    package mutating func withdraw(now: NIODeadline) -> Bool {
        self.calls.advance(to: now)
        self.retries.advance(to: now)
        guard self.retries.all < self.allowance else {
            self.denied &+= 1
            return false
        }
        self.retries.add(marked: false, now: now)
        self.granted &+= 1
        return true
    }

    /// Retries that are allowed in any window like the last one.
    private var allowance: Int {
        let (product, overflow) = self.calls.all.multipliedReportingOverflow(by: self.rules.percent)
        let seconds = Int(Self.window.nanoseconds / 1_000_000_000)
        return max(overflow ? .max : product / 100, self.rules.perSecond * seconds)
    }
}
