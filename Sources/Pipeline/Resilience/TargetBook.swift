internal import NIOConcurrencyHelpers
internal import Synchronization

/// What is known of the targets of aliases, for the whole life of the process.
///
/// A target is the same whatever alias leads to it, and stays the same over a reload: what is under way there and how
/// quick it was do not change with the settings. The road does not look into the book; each snapshot has the targets
/// that its routes need in its `RoutePlan`s. Safe to use from any thread.
package final class TargetBook: Sendable {
    private struct TargetKey: Hashable {
        var provider: String
        var model: String
    }

    struct SideKey: Hashable {
        /// The alias that is split.
        var alias: String
        var variant: String
    }

    private struct Contents {
        var targets: [TargetKey: TargetState] = [:]
        var turns: [String: CallCounter] = [:]
        var sides: [SideKey: CallCounter] = [:]
    }

    private let contents = NIOLockedValueBox(Contents())

    package init() {}

    /// The target of that name; made now if nobody asked for it before.
    ///
    /// Only names that an operator wrote may be asked for: they are kept for ever.
    package func target(provider: String, model: String) -> TargetState {
        self.contents.withLockedValue { contents in
            let key = TargetKey(provider: provider, model: model)
            if let state = contents.targets[key] { return state }
            let state = TargetState(provider: provider, model: model)
            contents.targets[key] = state
            return state
        }
    }

    /// Counts the calls of an alias, for taking turns.
    func turns(of alias: String) -> CallCounter {
        self.contents.withLockedValue { contents in
            if let turns = contents.turns[alias] { return turns }
            let turns = CallCounter()
            contents.turns[alias] = turns
            return turns
        }
    }

    /// Counts the calls on one side of an experiment.
    func calls(of alias: String, on variant: String) -> CallCounter {
        self.contents.withLockedValue { contents in
            let key = SideKey(alias: alias, variant: variant)
            if let calls = contents.sides[key] { return calls }
            let calls = CallCounter()
            contents.sides[key] = calls
            return calls
        }
    }

    /// All targets, in the order of their names.
    package var targets: [TargetState] {
        self.contents.withLockedValue { Array($0.targets.values) }
            .sorted { ($0.provider, $0.model) < ($1.provider, $1.model) }
    }

    /// How many calls were on each side of each experiment, in the order of their names.
    var sides: [(key: SideKey, calls: UInt64)] {
        self.contents.withLockedValue { $0.sides }
            .map { (key: $0.key, calls: $0.value.count) }
            .sorted { ($0.key.alias, $0.key.variant) < ($1.key.alias, $1.key.variant) }
    }
}

/// Counts calls, on all loops together.
final class CallCounter: Sendable {
    private let value = Atomic<UInt64>(0)

    /// How many were counted.
    var count: UInt64 { self.value.load(ordering: .relaxed) }

    /// Counts one more, and says how many came before it.
    @discardableResult
    func next() -> UInt64 { self.value.wrappingAdd(1, ordering: .relaxed).oldValue }
}
