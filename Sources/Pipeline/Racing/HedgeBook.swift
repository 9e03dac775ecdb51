internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Providers
internal import Resilience
package import Telemetry

/// What aliases have learned of how long their calls take, and what became of their second attempts.
///
/// One for the life of the process: what was learned outlives reloads. Safe to use from any thread.
package final class HedgeBook: Sendable {
    /// Aliases that are remembered; what is beyond learns anew after each reload.
    private static let aliasesMax = 4096

    private let desks = NIOLockedValueBox<[String: HedgeDesk]>([:])

    package init() {}

    /// The desk of an alias, with its terms as they are now.
    func desk(of alias: String, _ terms: HedgeTerms) -> HedgeDesk {
        let desk = self.desks.withLockedValue { desks in
            if let desk = desks[alias] { return desk }
            let desk = HedgeDesk(terms)
            if desks.count < Self.aliasesMax { desks[alias] = desk }
            return desk
        }
        desk.use(terms)
        return desk
    }

    /// For `/metrics`.
    package var gauges: [Gauge] {
        [
            Gauge(name: "turnpike_hedges_total", help: "Second attempts, by what became of them.", type: .counter) {
                self.all.flatMap { alias, desk in
                    desk.counts.named.map { name, count in
                        Gauge.Sample([("alias", alias), ("outcome", name)], Double(count))
                    }
                }
            },
            Gauge(
                name: "turnpike_hedge_delay_seconds",
                help: "After how long without content a second attempt starts, as an alias has learned it."
            ) {
                self.all.flatMap { alias, desk in
                    desk.delays.map { kind, delay in
                        Gauge.Sample([("alias", alias), ("kind", kind)], Double(delay.nanoseconds) / 1e9)
                    }
                }
            },
        ]
    }

    private var all: [(String, HedgeDesk)] {
        self.desks.withLockedValue { $0.sorted { $0.key < $1.key } }.map { ($0.key, $0.value) }
    }
}

/// One alias's rule, and what became of its second attempts.
final class HedgeDesk: Sendable {
    /// What became of a second attempt.
    enum Outcome: Sendable {
        /// It had content first.
        case won
        /// The first attempt had.
        case lost
        /// Neither had, or the client left before.
        case failed
    }

    /// How many second attempts ended how.
    struct Counts: Sendable, Equatable {
        var won: UInt64 = 0
        var lost: UInt64 = 0
        var failed: UInt64 = 0
        /// Not started, because the budget was used up.
        var withheld: UInt64 = 0

        var named: [(String, UInt64)] {
            [("won", self.won), ("lost", self.lost), ("failed", self.failed), ("withheld", self.withheld)]
        }
    }

    private struct State {
        var terms: HedgeTerms
        var rule: HedgeRule
        var counts = Counts()
    }

    private let state: NIOLockedValueBox<State>

    init(_ terms: HedgeTerms) {
        let rule = HedgeRule(delay: terms.delay, budgetPermille: terms.permille)
        self.state = NIOLockedValueBox(State(terms: terms, rule: rule))
    }

    /// Puts other terms in force.
    func use(_ terms: HedgeTerms) {
        self.state.withLockedValue { state in
            guard state.terms != terms else { return }
            state.terms = terms
            state.rule.use(delay: terms.delay, budgetPermille: terms.permille)
        }
    }

    /// A call begins.
    ///
    /// - Returns: After how long without content it may get a second attempt; nil if too little is known.
    func begin(_ kind: HedgeRule.Kind) -> TimeAmount? { self.state.withLockedValue { $0.rule.begin(kind) } }

    /// Takes a second attempt from the budget; false if there is none left.
    func spend() -> Bool {
        self.state.withLockedValue { state in
            if state.rule.spend() { return true }
            state.counts.withheld += 1
            return false
        }
    }

    /// What a call's first attempt took to its first content, or to the moment when another overtook it.
    func learn(_ kind: HedgeRule.Kind, _ duration: TimeAmount, now: NIODeadline) {
        self.state.withLockedValue { $0.rule.learn(kind, duration, now: now) }
    }

    /// A second attempt is over.
    ///
    /// - Parameter wasSent: Whether anything went out for it; else the budget has it back.
    func note(_ outcome: Outcome, wasSent: Bool) {
        self.state.withLockedValue { state in
            switch outcome {
            case .won: state.counts.won += 1
            case .lost: state.counts.lost += 1
            case .failed: state.counts.failed += 1
            }
            if !wasSent { state.rule.giveBack() }
        }
    }

    var counts: Counts { self.state.withLockedValue { $0.counts } }

    /// By kind of call, where they are known.
    var delays: [(String, TimeAmount)] {
        self.state.withLockedValue { state in
            HedgeRule.Kind.allCases.compactMap { kind in state.rule.delay(kind).map { ("\(kind)", $0) } }
        }
    }
}
