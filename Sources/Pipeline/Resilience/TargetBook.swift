internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Synchronization

/// What is known of the targets of aliases, for the whole life of the process.
///
/// A target is the same whatever alias leads to it, and stays the same over a reload: what is under way there and how
/// quick it was do not change with the settings. The road does not look into the book; each snapshot has the targets
/// that its routes need in its `RoutePlan`s. Safe to use from any thread.
package final class TargetBook: Sendable {
    private struct Name: Hashable {
        var provider: String
        var model: String
    }

    private struct Contents {
        var targets: [Name: TargetState] = [:]
        var turns: [String: RouteTurns] = [:]
    }

    private let contents = NIOLockedValueBox(Contents())

    package init() {}

    /// The target of that name; made now if nobody asked for it before.
    ///
    /// Only names that an operator wrote may be asked for: they are kept for ever.
    package func target(provider: String, model: String) -> TargetState {
        self.contents.withLockedValue { contents in
            let name = Name(provider: provider, model: model)
            if let state = contents.targets[name] { return state }
            let state = TargetState(provider: provider, model: model)
            contents.targets[name] = state
            return state
        }
    }

    /// The turns of the alias of that name.
    func turns(of alias: String) -> RouteTurns {
        self.contents.withLockedValue { contents in
            if let turns = contents.turns[alias] { return turns }
            let turns = RouteTurns()
            contents.turns[alias] = turns
            return turns
        }
    }

    /// All targets, in the order of their names.
    package var targets: [TargetState] {
        self.contents.withLockedValue { Array($0.targets.values) }
            .sorted { ($0.provider, $0.model) < ($1.provider, $1.model) }
    }
}

/// Whose turn it is among an alias's targets.
final class RouteTurns: Sendable {
    private let count = Atomic<UInt64>(0)

    /// The number of this call among the alias's, from 0.
    func next() -> UInt64 { self.count.wrappingAdd(1, ordering: .relaxed).oldValue }
}
