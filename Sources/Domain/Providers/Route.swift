package import Core
package import NIOCore

/// How one of a route's targets is chosen.
package enum Strategy: String, Sendable, CaseIterable {
    /// The first that can answer, in the order given.
    case fallback
    /// By chance, in proportion to the weights; the others stand behind it in order.
    case weighted
    /// Each in turn, counted per event loop; the others stand behind it in order.
    case roundRobin = "round_robin"
}

/// A (provider, upstream model) pair.
package struct Target: Sendable {
    package let provider: Provider
    /// What the provider calls the model.
    package let model: String
    /// `model` as a JSON string, quotes included, for the request body.
    package let modelJSON: ByteBuffer
    package let weight: Int

    package init(provider: Provider, model: String, weight: Int = 1) {
        self.provider = provider
        self.model = model
        var json = ByteBuffer()
        appendJSONString(model, into: &json)
        self.modelJSON = json
        self.weight = weight
    }
}

/// An alias: its targets and how to choose among them.
package final class Route: Sendable {
    package let name: String
    /// Position in its catalog.
    package let index: Int
    package let strategy: Strategy
    package let targets: [Target]
    /// Further attempts after the first.
    package let retriesMax: Int
    /// The route's own clocks; nil: the provider's.
    package let timeouts: Timeouts?
    private let weightSum: Int

    package init(
        name: String,
        index: Int,
        strategy: Strategy,
        targets: [Target],
        retriesMax: Int,
        timeouts: Timeouts?
    ) {
        self.name = name
        self.index = index
        self.strategy = strategy
        self.targets = targets
        self.retriesMax = retriesMax
        self.timeouts = timeouts
        self.weightSum = targets.reduce(0) { $0 + $1.weight }
    }

    /// The position of the target to try first.
    ///
    /// - Parameters:
    ///   - chance: A uniformly random word, for `weighted`.
    ///   - turn: How many calls this route has had on this loop, for `roundRobin`.
    package func first(chance: UInt64, turn: Int) -> Int {
        switch self.strategy {
        case .fallback:
            return 0
        case .roundRobin:
            return turn % self.targets.count
        case .weighted:
            // The high half of a 128-bit product maps a random word onto 0..<sum without a division.
            var rest = Int(chance.multipliedFullWidth(by: UInt64(self.weightSum)).high)
            for (position, target) in self.targets.enumerated() {
                rest -= target.weight
                if rest < 0 { return position }
            }
            return 0
        }
    }
}

/// What the boot file says about one alias.
package struct RouteEntry: Sendable {
    package struct TargetEntry: Sendable {
        package var provider: String
        package var model: String
        package var weight: Int

        package init(provider: String, model: String, weight: Int = 1) {
            self.provider = provider
            self.model = model
            self.weight = weight
        }
    }

    package var name: String
    package var strategy: Strategy
    package var targets: [TargetEntry]
    package var retriesMax: Int
    package var timeouts: Timeouts?

    package init(
        name: String,
        strategy: Strategy = .fallback,
        targets: [TargetEntry],
        retriesMax: Int = 2,
        timeouts: Timeouts? = nil
    ) {
        self.name = name
        self.strategy = strategy
        self.targets = targets
        self.retriesMax = retriesMax
        self.timeouts = timeouts
    }
}
