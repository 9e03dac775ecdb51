/// Counts of durations in fixed classes, in the form that Prometheus wants.
struct Histogram: Sendable {
    /// The upper bounds, in seconds: from a cached answer to the longest stream.
    static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600]

    /// Per class, not cumulated; the last is for everything above the bounds.
    private(set) var counts = ContiguousArray<UInt64>(repeating: 0, count: Histogram.bounds.count + 1)
    private(set) var nanoseconds: Int64 = 0

    mutating func add(nanoseconds: Int64) {
        let clean = max(0, nanoseconds)
        let seconds = Double(clean) / 1e9
        var index = 0
        while index < Self.bounds.count, seconds > Self.bounds[index] { index += 1 }
        self.counts[index] += 1
        self.nanoseconds &+= clean
    }

    mutating func merge(_ other: Histogram) {
        for index in self.counts.indices { self.counts[index] += other.counts[index] }
        self.nanoseconds &+= other.nanoseconds
    }
}
