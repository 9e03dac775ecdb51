internal import NIOConcurrencyHelpers
internal import NIOCore
package import Resilience
internal import Synchronization

/// What protects a provider: how many calls to it may be repeated, and when its targets are left alone.
package struct GuardRules: Sendable, Equatable {
    package var breaker = BreakerRules.standard
    package var retry = RetryBudget.Rules.standard

    package init() {}
}

/// What is remembered of a provider, whichever of its models or of its keys was used.
///
/// The same object for the whole life of the process. Safe to use from any thread.
package final class ProviderGuard: Sendable {
    /// No cool-down is longer, whatever a provider says.
    static let coolDownMax = TimeAmount.seconds(120)

    package let name: String
    let news: GuardNews
    private let state: NIOLockedValueBox<State>
    private let refused = Atomic<UInt64>(0)

    private struct State {
        var rules: GuardRules
        var budget: RetryBudget
    }

    init(_ name: String, rules: GuardRules, news: GuardNews) {
        self.name = name
        self.news = news
        self.state = NIOLockedValueBox(State(rules: rules, budget: RetryBudget(rules.retry)))
    }

    package var rules: GuardRules { self.state.withLockedValue { $0.rules } }

    /// Counts a call that went there first.
    func noteCall(now: NIODeadline) { self.state.withLockedValue { $0.budget.note(now: now) } }

    /// Takes one retry out of the provider's budget.
    ///
    /// - Returns: Whether there was one.
    func mayRepeat(now: NIODeadline) -> Bool { self.state.withLockedValue { $0.budget.withdraw(now: now) } }

    /// Retries that the budget allowed and did not allow, since the gateway began.
    package var retries: (granted: UInt64, denied: UInt64) {
        self.state.withLockedValue { ($0.budget.granted, $0.budget.denied) }
    }

    func noteRefusal() { self.refused.wrappingAdd(1, ordering: .relaxed) }

    /// Attempts that breakers did not let begin, since the gateway began.
    package var refusals: UInt64 { self.refused.load(ordering: .relaxed) }

    func use(_ rules: GuardRules) {
        self.state.withLockedValue { state in
            state.rules = rules
            state.budget.rules = rules.retry
        }
    }
}
