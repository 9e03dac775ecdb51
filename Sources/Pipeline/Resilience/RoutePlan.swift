internal import Core
internal import Metering
internal import NIOCore
package import Providers
internal import Resilience

/// A route with all that the road needs to choose among its targets, looked up once for each snapshot.
package final class RoutePlan: Sendable {
    package let route: Route
    /// In the order of the route.
    ///
    /// Behind them, on a side of an experiment, those of the alias that is split: they serve
    /// where that side cannot.
    package let targets: [CallTarget]
    /// What the targets cost, in the same order.
    let rates: [Rates]
    /// Targets of the route itself, the first ones.
    let ownCount: Int
    /// The sides of the experiment on this route; empty if there is none.
    let variants: [Variant]
    let turns: CallCounter
    /// Stands for the alias where users are put on sides of an experiment.
    let identity: UInt64

    /// One side of an experiment.
    struct Variant: Sendable {
        var name: String
        var identity: UInt64
        var weight: Int
        /// What serves it; nil: the plan that it is a side of.
        var plan: RoutePlan?
        var calls: CallCounter
    }

    /// - Parameters:
    ///   - route: Of `catalog`.
    ///   - book: Has what is known of its targets.
    ///   - facts: What a model costs at a provider.
    convenience init(
        _ route: Route,
        of catalog: Catalog,
        book: TargetBook,
        facts: (Target) -> ModelFacts
    ) {
        let variants = (route.split?.variants ?? []).map { variant in
            Variant(
                name: variant.name,
                identity: Rendezvous.identity(of: "variant", variant.name),
                weight: variant.weight,
                plan: variant.route.flatMap { catalog.route(named: $0) }
                    .map { RoutePlan($0, behind: route, variants: [], book: book, facts: facts) },
                calls: book.calls(of: route.name, on: variant.name)
            )
        }
        self.init(route, behind: nil, variants: variants, book: book, facts: facts)
    }

    private init(
        _ route: Route,
        behind: Route?,
        variants: [Variant],
        book: TargetBook,
        facts: (Target) -> ModelFacts
    ) {
        self.route = route
        let own = route.targets.map { Self.target($0, route, book) }
        let states = own.map { $0.state.map(ObjectIdentifier.init) }
        var rates = route.targets.map { facts($0).rates }
        var others: [CallTarget] = []
        for target in behind?.targets ?? [] {
            let other = Self.target(target, route, book)
            guard !states.contains(other.state.map(ObjectIdentifier.init)) else { continue }
            others.append(other)
            rates.append(facts(target).rates)
        }
        self.targets = own + others
        self.rates = rates
        self.ownCount = own.count
        self.variants = variants
        self.turns = book.turns(of: route.name)
        self.identity = Rendezvous.identity(of: "split", route.name)
    }

    private static func target(_ target: Target, _ route: Route, _ book: TargetBook) -> CallTarget {
        CallTarget(
            provider: target.provider,
            model: target.model,
            modelJSON: target.modelJSON,
            timeouts: target.timeouts,
            weight: target.weight,
            concurrentMax: target.concurrentMax,
            state: book.target(provider: target.provider.name, model: target.model)
        )
    }
}

/// The targets that a call can still go to, the best first.
///
/// Holds places in a plan and no targets, so that it costs a call no memory of its own.
package struct TargetQueue: Sendable {
    private let plan: RoutePlan?
    private var positions = InlineArray<16, UInt8>(repeating: 0)
    private var next: UInt8 = 0
    private var end: UInt8 = 0

    /// Nothing.
    package init() { self.plan = nil }

    /// The targets of `plan` in `order`, without the first.
    init(_ plan: RoutePlan, behindFirstOf order: TargetOrder) {
        self.plan = plan
        for index in 1..<max(1, order.count) {
            self.positions[Int(self.end)] = UInt8(truncatingIfNeeded: order[index])
            self.end += 1
        }
    }

    package var isEmpty: Bool { self.next == self.end }
    package var count: Int { Int(self.end - self.next) }

    /// The best of them.
    package var first: CallTarget? { self[0] }

    /// The target at `index`, counted from the best; nil where there is none.
    package subscript(_ index: Int) -> CallTarget? {
        guard index >= 0, index < self.count, let plan = self.plan else { return nil }
        let position = Int(self.positions[Int(self.next) + index])
        return position < plan.targets.count ? plan.targets[position] : nil
    }

    /// Takes the best one out; nil if none is left.
    package mutating func popFirst() -> CallTarget? {
        guard let target = self.first else { return nil }
        self.next += 1
        return target
    }
}
