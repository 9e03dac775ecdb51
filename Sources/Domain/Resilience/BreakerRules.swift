package import NIOCore

/// When a breaker opens, and for how long.
package struct BreakerRules: Sendable, Equatable {
    /// False: it only counts, and lets everything through.
    package var isOn = true
    /// Failures within the window that open it, 1 or more; twice as many in a row open it whatever went before.
    package var failures = 5
    /// Of a hundred calls within the window, how many must have failed as well; 1 to 100.
    package var percent = 50
    /// How far back failures count.
    package var window = TimeAmount.seconds(30)
    /// A call that takes longer counts as failed: a stream to its first content, others as a whole; nil: none does.
    package var slowAfter: TimeAmount?
    /// The longest that it stays open before a probe; at first a fifth of that, doubled with each probe that fails.
    package var coolDown = TimeAmount.seconds(5)

    /// Five failures that are half of all calls of the last 30 s; open for 1 s, 2 s, 4 s, then 5 s.
    package static let standard = BreakerRules()

    package init() {}

    /// Failures in a row that open it: a provider that went down just now had many successes in the same window.
    package var failuresInRow: Int { max(self.failures, 1).multipliedReportingOverflow(by: 2).partialValue }

    /// How long it stays open.
    ///
    /// - Parameter trips: How often it opened in a row, 1 for the first time.
    package func openTime(trips: Int) -> TimeAmount {
        let fifth = TimeAmount.nanoseconds(max(self.coolDown.nanoseconds, 0) / 5)
        return Backoff(first: fifth, longest: self.coolDown).ceiling(retry: trips)
    }
}

/// How a call at a target ended, as far as it says something of the target.
package enum BreakerOutcome: Sendable, Equatable {
    /// It answered.
    case success
    /// It failed, or was slow.
    case failure
    /// It answered that it does not want this call: it is alive, and whether it works is not known.
    case refusal
    /// Nobody can say: the client left, or nothing was sent.
    case unknown
}

/// A change of state.
package enum BreakerTransition: Sendable, Equatable {
    /// It opened after too many failures, or after a failed probe.
    case opened(failures: Int, calls: Int, for: TimeAmount)
    /// The first probe goes out.
    case halfOpened
    /// A call went well, so all are let through.
    case closed
    /// An operator opened it.
    case heldOpen
    /// An operator closed it.
    case closedByHand
}

/// The state of a breaker, in the words of its API and its metric.
package enum BreakerState: String, Sendable, CaseIterable {
    case closed
    case open
    case halfOpen = "half_open"
    /// Open until an operator says otherwise.
    case heldOpen = "held_open"
}
