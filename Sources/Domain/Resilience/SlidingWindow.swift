package import NIOCore

/// Counts of what happened lately, and how much of it was of a special kind: ten slices that move along with the time.
///
/// What is counted is between nine and ten tenths of the window old at most. Times are of a monotonic clock; one that
/// goes back counts as the latest seen. Counts stop at their largest number instead of overflowing.
package struct SlidingWindow: Sendable, Equatable {
    private struct Slice: Sendable, Equatable {
        var all: UInt32 = 0
        var marked: UInt32 = 0
    }

    private static let sliceCount = 10

    /// Nanoseconds of one slice, at least one.
    private let sliceNanoseconds: UInt64
    private var slices = ContiguousArray(repeating: Slice(), count: Self.sliceCount)
    /// Number of the newest slice, counted from the beginning of the clock.
    private var newest: UInt64 = 0
    /// What happened within the window, as of the last look.
    package private(set) var all = 0
    /// How much of it was marked.
    package private(set) var marked = 0

    /// - Parameter length: At least 10 ns; less counts as that.
    package init(length: TimeAmount) {
        self.sliceNanoseconds = UInt64(max(length.nanoseconds / Int64(Self.sliceCount), 1))
    }

    /// Counts something.
    package mutating func add(marked isMarked: Bool, now: NIODeadline) {
        self.advance(to: now)
        let place = Int(self.newest % UInt64(Self.sliceCount))
        guard self.slices[place].all < .max else { return }
        self.slices[place].all += 1
        self.all += 1
        guard isMarked else { return }
        self.slices[place].marked += 1
        self.marked += 1
    }

    /// Forgets what is too old at `now`.
    package mutating func advance(to now: NIODeadline) {
        let slice = now.uptimeNanoseconds / self.sliceNanoseconds
        guard slice > self.newest else { return }
        let steps = min(slice - self.newest, UInt64(Self.sliceCount))
        for step in 1...steps {
            let place = Int((slice - steps + step) % UInt64(Self.sliceCount))
            self.all -= Int(self.slices[place].all)
            self.marked -= Int(self.slices[place].marked)
            self.slices[place] = Slice()
        }
        self.newest = slice
    }

    /// Forgets everything.
    package mutating func clear() {
        for place in self.slices.indices { self.slices[place] = Slice() }
        self.all = 0
        self.marked = 0
    }
}
