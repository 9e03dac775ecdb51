package import NIOCore

/// How long to wait before trying again: exponential backoff with full jitter.
///
/// The wait before retry `n` is spread evenly over zero to `first × 2ⁿ⁻¹`, `longest` at most. Of the usual kinds of
/// jitter this one makes clients that failed together meet again the least (AWS Architecture Blog, "Exponential Backoff
/// And Jitter").
package struct Backoff: Sendable, Equatable {
    /// The longest that the first retry waits.
    package var first: TimeAmount
    /// The longest that any retry waits.
    package var longest: TimeAmount

    /// 100 ms that double up to 2 s (row 86).
    package static let standard = Backoff(first: .milliseconds(100), longest: .seconds(2))

    /// - Parameters:
    ///   - first: Below zero counts as zero.
    ///   - longest: Not shorter than `first`; what is shorter counts as `first`.
    package init(first: TimeAmount, longest: TimeAmount) {
        self.first = max(first, .zero)
        self.longest = max(longest, self.first)
    }

    /// The longest that retry `retry` may wait.
    ///
    /// - Parameter retry: 1 for the first; less counts as 1.
    package func ceiling(retry: Int) -> TimeAmount {
        let doublings = min(max(retry, 1) - 1, 62)
        let (product, overflow) = self.first.nanoseconds.multipliedReportingOverflow(by: Int64(1) << Int64(doublings))
        return overflow ? self.longest : min(.nanoseconds(product), self.longest)
    }

    /// The wait before retry `retry`.
    ///
    /// - Parameters:
    ///   - retry: 1 for the first; less counts as 1.
    ///   - chance: A random word.
    package func wait(retry: Int, chance: UInt64) -> TimeAmount {
        let ceiling = UInt64(self.ceiling(retry: retry).nanoseconds)
        // The high half of the product maps the word onto 0...ceiling without a division.
        let picked = chance.multipliedFullWidth(by: ceiling &+ 1).high
        return .nanoseconds(Int64(min(picked, ceiling)))
    }
}
