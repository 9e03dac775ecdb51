/// The order in which the targets of a route are tried for one call.
///
/// Sorted as they come in: by how fit they are, then by how good, then by their place in the route. A value of fixed
/// size, so that to choose costs no memory.
package struct TargetOrder: Sendable {
    /// Targets that one call can consider; what would be more pushes out the worst.
    package static let countMax = 16

    private struct Entry {
        var position: UInt8
        /// The lower, the sooner; never mixed with others.
        var tier: UInt8
        /// The lower, the sooner.
        var score: Double

        func isBefore(_ other: Entry) -> Bool {
            if self.tier != other.tier { return self.tier < other.tier }
            if self.score != other.score { return self.score < other.score }
            return self.position < other.position
        }
    }

    private var entries = InlineArray<16, Entry>(repeating: Entry(position: 0, tier: 0, score: 0))
    package private(set) var count = 0

    package init() {}

    /// The target's place in its route.
    package subscript(_ index: Int) -> Int { Int(self.entries[index].position) }

    /// The tier of the target at `index`.
    package func tier(at index: Int) -> UInt8 { self.entries[index].tier }

    /// Adds a target.
    ///
    /// - Parameters:
    ///   - position: Its place in the route, below 256.
    ///   - tier: How fit it is for this call: one of a higher tier comes behind all of the lower ones.
    ///   - score: How good it is among those of its tier; the lower, the sooner. What is no number counts as infinite.
    package mutating func add(_ position: Int, tier: UInt8, score: Double) {
        let position = UInt8(truncatingIfNeeded: position)
        let entry = Entry(position: position, tier: tier, score: score.isNaN ? .infinity : score)
        var index = self.count
        if index == Self.countMax {
            guard entry.isBefore(self.entries[index - 1]) else { return }
            index -= 1
        } else {
            self.count += 1
        }
        while index > 0, entry.isBefore(self.entries[index - 1]) {
            self.entries[index] = self.entries[index - 1]
            index -= 1
        }
        self.entries[index] = entry
    }

    /// How many stand in the first tier.
    package var bestCount: Int {
        var count = 0
        while count < self.count, self.entries[count].tier == self.entries[0].tier { count += 1 }
        return count
    }

    /// Lets those of the first tier take turns: the others keep their order behind the one whose turn it is.
    package mutating func rotate(by turn: UInt64) {
        let best = self.bestCount
        guard best > 1 else { return }
        let shift = Int(turn % UInt64(best))
        let old = self
        for index in 0..<best { self.entries[index] = old.entries[(index + shift) % best] }
    }

    /// Puts the better one of two that chance picks among the first tier to the front, the other one behind it.
    ///
    /// Who always takes the best of all sends everything to one target until its figures follow; the better one of two
    /// is nearly as good, and shares (Mitzenmacher, "The Power of Two Choices", 2001). Those with an infinite score are
    /// not picked as long as two others are there.
    package mutating func pickOfTwo(_ chance: UInt64) {
        var best = self.bestCount
        while best > 2, self.entries[best - 1].score == .infinity { best -= 1 }
        guard best > 2 else { return }
        let one = Int((chance >> 32).multipliedFullWidth(by: UInt64(best) << 32).high)
        var other = Int((chance & 0xFFFF_FFFF).multipliedFullWidth(by: UInt64(best - 1) << 32).high)
        if other >= one { other += 1 }
        self.moveUp(max(one, other), to: 0)
        // The better one, which the move has pushed back by one place, goes before it.
        self.moveUp(min(one, other) + 1, to: 0)
    }

    private mutating func moveUp(_ index: Int, to place: Int) {
        guard index > place, index < self.count else { return }
        let entry = self.entries[index]
        for number in stride(from: index, to: place, by: -1) { self.entries[number] = self.entries[number - 1] }
        self.entries[place] = entry
    }
}
