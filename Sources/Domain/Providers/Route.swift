package import Core
package import NIOCore

/// How one of a route's targets is chosen.
package enum Strategy: String, Sendable, CaseIterable {
    /// The first that can answer, in the order given.
    case fallback
    /// By chance, in proportion to the weights; so are those that stand behind it.
    case weighted
    /// Each in turn; the others stand behind it in order.
    case roundRobin = "round_robin"
    /// The one that lets one wait least for an answer: peak EWMA, and the better one of two.
    case leastLatency = "least_latency"
    /// The one with the fewest calls under way, for its weight.
    case leastBusy = "least_busy"
    /// The one that costs least for this call, by the price book.
    case cheapest

    /// Whether users or sessions can stick to targets: the order of a strategy that cannot is what it is there for.
    package var canStick: Bool {
        switch self {
        case .weighted, .roundRobin, .leastLatency, .leastBusy: true
        case .fallback, .cheapest: false
        }
    }
}

/// What goes to the same target, or to the same side of an experiment, each time.
package enum Stickiness: String, Sendable, CaseIterable {
    /// The person a call is for: who the request names, else whom its key belongs to.
    case user
    /// The conversation a call belongs to, so that the provider finds its prompt cached.
    case session
}

/// A (provider, upstream model) pair.
package struct Target: Sendable {
    package let provider: Provider
    /// What the provider calls the model.
    package let model: String
    /// `model` as a JSON string, quotes included, for the request body.
    package let modelJSON: ByteBuffer
    package let weight: Int
    /// The most calls that may be under way there at a time, whatever alias they came by; nil for no limit.
    package let concurrentMax: Int?
    /// The clocks in force there: the alias's where it has its own, else the provider's.
    package let timeouts: Timeouts

    package init(
        provider: Provider,
        model: String,
        weight: Int = 1,
        concurrentMax: Int? = nil,
        timeouts: Timeouts? = nil
    ) {
        self.provider = provider
        self.model = model
        self.timeouts = timeouts ?? provider.timeouts
        var json = ByteBuffer()
        appendJSONString(model, into: &json)
        self.modelJSON = json
        self.weight = weight
        self.concurrentMax = concurrentMax
    }
}

/// An experiment: some of an alias's calls take another way than the rest.
package struct Split: Sendable, Equatable {
    /// One side of it.
    package struct Variant: Sendable, Equatable {
        /// What it is called in the ledger, in reports and in logs.
        package var name: String
        /// Its share of the calls, in proportion to the others'.
        package var weight: Int
        /// The alias whose targets serve it; nil for the targets of the alias that is split.
        package var route: String?

        package init(name: String, weight: Int, route: String? = nil) {
            self.name = name
            self.weight = weight
            self.route = route
        }
    }

    /// Who stays on one side; nil: each call is for itself.
    package var stickiness: Stickiness?
    package var variants: [Variant]

    package init(stickiness: Stickiness? = .user, variants: [Variant]) {
        self.stickiness = stickiness
        self.variants = variants
    }
}

/// An alias: its targets and how to choose among them.
package final class Route: Sendable {
    /// Targets of one alias at most.
    package static let targetsMax = 64

    package let name: String
    /// Position in its catalog.
    package let index: Int
    package let strategy: Strategy
    package let targets: [Target]
    /// Further attempts after the first.
    package let retriesMax: Int
    /// The longest that a call to any of the targets may take.
    package let totalMax: TimeAmount
    /// What goes to the same target each time; nil: nothing does.
    package let stickiness: Stickiness?
    /// How long a target that has recovered takes to get all its calls back.
    package let slowStart: TimeAmount
    /// The experiment on it; nil if there is none.
    package let split: Split?
    /// The alias whose targets get what is too long for those of this one.
    package let onTooLong: String?
    /// The alias whose targets get what a content filter did not let pass.
    package let onContentRefused: String?
    /// When its calls get a second attempt; nil: never.
    package let hedge: HedgeTerms?
    /// What gets copies of its calls; nil: nothing does.
    package let shadow: Shadow?

    /// - Parameters:
    ///   - entry: What the settings say; its targets are in `targets` by now.
    ///   - index: Its position in the catalog.
    ///   - shadow: What gets copies of its calls.
    package init(_ entry: RouteEntry, index: Int, targets: [Target], shadow: Shadow? = nil) {
        self.name = entry.name
        self.index = index
        self.strategy = entry.strategy
        self.targets = targets
        self.retriesMax = entry.retriesMax
        self.totalMax = targets.map(\.timeouts.total).max() ?? Timeouts().total
        self.stickiness = entry.stickiness
        self.slowStart = entry.slowStart
        self.split = entry.split
        self.onTooLong = entry.onTooLong
        self.onContentRefused = entry.onContentRefused
        self.hedge = entry.hedge
        self.shadow = shadow
    }
}

/// What the boot file says about one alias.
package struct RouteEntry: Sendable {
    package struct TargetEntry: Sendable {
        package var provider: String
        package var model: String
        package var weight: Int
        /// The most calls that may be under way there at a time; nil for no limit.
        package var concurrentMax: Int?
        /// The clocks there; nil: the route's, else the provider's.
        package var timeouts: Timeouts?

        package init(
            provider: String,
            model: String,
            weight: Int = 1,
            concurrentMax: Int? = nil,
            timeouts: Timeouts? = nil
        ) {
            self.provider = provider
            self.model = model
            self.weight = weight
            self.concurrentMax = concurrentMax
            self.timeouts = timeouts
        }
    }

    package var name: String
    package var strategy: Strategy
    package var targets: [TargetEntry]
    package var retriesMax: Int
    /// The clocks at every target that has none of its own; nil: its provider's.
    package var timeouts: Timeouts?
    /// What goes to the same target each time.
    package var stickiness: Stickiness?
    /// How long a target that has recovered takes to get all its calls back.
    package var slowStart = TimeAmount.seconds(10)
    /// The experiment on it.
    package var split: Split?
    /// The alias whose targets get what is too long for those of this one.
    package var onTooLong: String?
    /// The alias whose targets get what a content filter did not let pass.
    package var onContentRefused: String?
    /// When its calls get a second attempt; nil: never.
    package var hedge: HedgeTerms?
    /// What gets copies of its calls; nil: nothing does.
    package var shadow: ShadowEntry?

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
