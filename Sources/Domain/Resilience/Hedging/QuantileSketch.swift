package import NIOCore

/// Counts of durations in classes of about 3 % width: enough to say where a quantile is, whatever the durations are.
///
/// A class is an octave's 32nd part, so that finding it takes no logarithm. 100 µs and everything below share the
/// first class, 71 minutes and everything above the last.
package struct QuantileSketch: Sendable, Equatable {
    private static let partBits = 5
    /// The octave that begins the scale: 2⁷ µs.
    private static let firstOctave = 7
    private static let lastOctave = 31
    private static let classes = (Self.lastOctave - Self.firstOctave + 1) << Self.partBits

    private var counts = ContiguousArray<UInt32>(repeating: 0, count: QuantileSketch.classes)
    /// How many durations were counted.
    package private(set) var count = 0

    package init() {}

    /// Counts one duration.
    package mutating func add(_ duration: TimeAmount) {
        let place = Self.place(of: duration)
        guard self.counts[place] < .max else { return }
        self.counts[place] += 1
        self.count += 1
    }

    /// Adds what another sketch counted.
    package mutating func add(_ other: QuantileSketch) {
        for place in self.counts.indices {
            let (sum, overflow) = self.counts[place].addingReportingOverflow(other.counts[place])
            self.counts[place] = overflow ? .max : sum
        }
        self.count += other.count
    }

    /// Takes away what was added before; what was not is left at zero.
    package mutating func remove(_ other: QuantileSketch) {
        var count = 0
        for place in self.counts.indices {
            let left = self.counts[place]
            self.counts[place] = left - min(left, other.counts[place])
            count += Int(self.counts[place])
        }
        self.count = count
    }

    /// A duration that so many of a thousand do not exceed; nil if nothing was counted.
    ///
    /// The upper edge of the class that the quantile is in: never below the true one, and at most 3.2 % above it.
    ///
    /// - Parameter permille: 0 to 1000; what is outside counts as the nearest of these.
    package func quantile(permille: Int) -> TimeAmount? {
        guard self.count > 0 else { return nil }
        let share = min(max(permille, 0), 1000)
        // The rank of the quantile, from 1; rounded up, so that at least that share is not above it.
        var rest = max(1, (self.count * share + 999) / 1000)
        for place in self.counts.indices {
            rest -= Int(self.counts[place])
            if rest <= 0 { return Self.upperEdge(of: place) }
        }
        return Self.upperEdge(of: Self.classes - 1)
    }

    private static func place(of duration: TimeAmount) -> Int {
        let microseconds = UInt64(max(0, duration.nanoseconds)) / 1000
        let octave = UInt64.bitWidth - 1 - (microseconds | 1).leadingZeroBitCount
        guard octave >= Self.firstOctave else { return 0 }
        guard octave <= Self.lastOctave else { return Self.classes - 1 }
        let part = Int(microseconds >> UInt64(octave - Self.partBits)) & ((1 << Self.partBits) - 1)
        return (octave - Self.firstOctave) << Self.partBits | part
    }

    private static func upperEdge(of place: Int) -> TimeAmount {
        let octave = place >> Self.partBits + Self.firstOctave
        let part = place & ((1 << Self.partBits) - 1)
        // The last microsecond of the class, and what is left of it in nanoseconds.
        let edge = Int64((1 << Self.partBits) + part + 1) << Int64(octave - Self.partBits)
        return .nanoseconds(edge * 1000 - 1)
    }
}
