package import NIOCore

/// A sketch of what happened lately.
///
/// It is made of slices. A slice is full when it is a minute old *and* has its share of the durations that a quantile
/// needs; the oldest is forgotten then. So a busy route looks back six minutes, and a quiet one as far as it must, but
/// not beyond a day.
package struct SlidingSketch: Sendable {
    private struct Slice {
        let since: NIODeadline
        var sketch = QuantileSketch()
    }

    package static let slices = 6
    private static let sliceTime = TimeAmount.minutes(1)
    private static let sliceCount = 50
    private static let oldest = TimeAmount.hours(24)
    /// How many durations may be added before a quantile is worked out anew.
    private static let staleness = 16

    private var slices: [Slice] = []
    private var sum = QuantileSketch()
    private var known: (permille: Int, value: TimeAmount?)?
    private var unseen = 0

    package init() {}

    /// How many durations it knows of.
    package var count: Int { self.sum.count }

    /// Counts one duration.
    ///
    /// - Parameter now: Not before that of the last call; what is counts as that.
    package mutating func add(_ duration: TimeAmount, now: NIODeadline) {
        self.turn(now)
        self.slices[self.slices.count - 1].sketch.add(duration)
        self.sum.add(duration)
        self.unseen += 1
        if self.unseen >= Self.staleness { self.known = nil }
    }

    /// A duration that so many of a thousand do not exceed, as of at most 16 durations ago; nil if there are none.
    package mutating func quantile(permille: Int) -> TimeAmount? {
        if let known = self.known, known.permille == permille { return known.value }
        let value = self.sum.quantile(permille: permille)
        self.known = (permille, value)
        self.unseen = 0
        return value
    }

    /// Begins a new slice where the last one is full, and forgets what is too old.
    private mutating func turn(_ now: NIODeadline) {
        while let first = self.slices.first, now - first.since > Self.oldest { self.forgetFirst() }
        if let last = self.slices.last, now - last.since < Self.sliceTime || last.sketch.count < Self.sliceCount {
            return
        }
        self.slices.append(Slice(since: now))
        if self.slices.count > Self.slices { self.forgetFirst() }
    }

    private mutating func forgetFirst() {
        self.sum.remove(self.slices.removeFirst().sketch)
        self.known = nil
    }
}
