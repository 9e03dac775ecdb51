package import NIOCore

/// A limit on how many calls run at a time.
package struct ConcurrencyGate: Sendable, Equatable {
    /// Calls at a time, at least 1.
    package var limit: Int
    /// How long calls were in lately: an exponential average that forgets half in some five calls.
    private var usualStay: Int64 = 0

    package init(limit: Int) { self.limit = max(1, limit) }

    /// Whether one more may come in where `inUse` are in.
    package func hasRoom(inUse: Int) -> Bool { inUse < self.limit }

    /// Notes how long a call was in.
    package mutating func note(stay: TimeAmount) {
        let stay = max(0, stay.nanoseconds)
        self.usualStay = self.usualStay == 0 ? stay : self.usualStay - self.usualStay / 8 + stay / 8
    }

    /// How long a call with `ahead` others before it will probably wait.
    ///
    /// - Returns: Zero if it can come in, nil if nothing is known of how long calls stay. Twenty minutes at most.
    package func projection(inUse: Int, ahead: Int) -> TimeAmount? {
        let missing = inUse + ahead + 1 - self.limit
        guard missing > 0 else { return .zero }
        guard self.usualStay > 0 else { return nil }
        // While all places are taken, one becomes free every `usualStay / limit` on average.
        let wait = Double(self.usualStay) * Double(missing) / Double(self.limit)
        return .nanoseconds(Int64(min(wait, 1.2e12)))
    }
}
