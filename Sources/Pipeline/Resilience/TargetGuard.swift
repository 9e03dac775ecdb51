internal import NIOConcurrencyHelpers
package import NIOCore
package import Resilience
internal import Synchronization

/// What is remembered of a target's failures, for one provider key: its breaker, and how long it is left alone.
///
/// The same object for the whole life of the process, over all reloads. Safe to use from any thread.
package final class TargetGuard: Sendable {
    package let provider: ProviderGuard
    /// What the provider calls the model.
    package let model: String
    /// The store's name of the key; empty where the provider needs none.
    package let credentialID: String
    private let breaker: NIOLockedValueBox<Breaker>
    /// Uptime in nanoseconds at which its cool-down is over; 0 where it has none.
    private let coolUntil = Atomic<UInt64>(0)
    /// Whether the breaker is anything but closed, so that most calls need not ask it.
    private let isShut = Atomic(false)
    private let refusals = Atomic<UInt64>(0)
    /// Uptime in nanoseconds at which its breaker closed last; 0 for never.
    private let recoveredAt = Atomic<UInt64>(0)
    private let wasForgotten = Atomic(false)

    init(_ provider: ProviderGuard, model: String, credentialID: String) {
        self.provider = provider
        self.model = model
        self.credentialID = credentialID
        self.breaker = NIOLockedValueBox(Breaker(provider.rules.breaker))
    }

    // MARK: - Calls

    /// Whether a call may go there now.
    package enum Admission: Sendable {
        case pass(Breaker.Permit)
        /// The breaker is open. The time is nil where an operator decides.
        case open(TimeAmount?, BreakerState)
        /// The provider asked to be left alone for that long.
        case cooling(TimeAmount)
    }

    /// Asks for one call.
    ///
    /// - Parameter isForced: Whether the call goes there whatever is known of it: all other places are shut as well.
    func admit(isForced: Bool, now: NIODeadline) -> Admission {
        if isForced { return .pass(self.change { $0.force(now: now) }) }
        if let wait = self.coolsFor(now: now) { return .cooling(wait) }
        let (admission, change) = self.change { $0.admit(now: now) }
        if let change { self.provider.news.report(change, self, now: now) }
        switch admission {
        case .pass(let permit): return .pass(permit)
        case .refused(let wait, let state):
            self.refusals.wrappingAdd(1, ordering: .relaxed)
            self.provider.noteRefusal()
            return .open(wait, state)
        }
    }

    /// Takes a permit back with how its call went.
    ///
    /// - Parameter took: How long the call took, or a stream to its first content.
    func record(_ outcome: BreakerOutcome, _ permit: Breaker.Permit, took: TimeAmount, now: NIODeadline) {
        let change = self.change { $0.record(outcome, permit, took: took, now: now) }
        if change == .closed { self.recoveredAt.store(max(1, now.uptimeNanoseconds), ordering: .relaxed) }
        if let change { self.provider.news.report(change, self, now: now) }
    }

    /// Leaves it alone for a while, because it answered that there was too much (row 85).
    func cool(for wait: TimeAmount, now: NIODeadline) {
        let wait = min(max(wait, .zero), ProviderGuard.coolDownMax)
        let until = (now + wait).uptimeNanoseconds
        var seen = self.coolUntil.load(ordering: .relaxed)
        while seen < until {
            let (done, current) = self.coolUntil.compareExchange(expected: seen, desired: until, ordering: .relaxed)
            if done { return }
            seen = current
        }
    }

    /// How long it still wants to be left alone; nil if it does not.
    package func coolsFor(now: NIODeadline) -> TimeAmount? {
        let until = self.coolUntil.load(ordering: .relaxed)
        guard until > now.uptimeNanoseconds else { return nil }
        return .nanoseconds(Int64(clamping: until - now.uptimeNanoseconds))
    }

    // MARK: - Looking

    /// Whether its breaker would refuse a call now.
    package func isOpen(now: NIODeadline) -> Bool {
        guard self.isShut.load(ordering: .relaxed) else { return false }
        return self.breaker.withLockedValue { !$0.wouldPass(now: now) }
    }

    /// How long until its breaker lets a call through; zero: at once; nil: an operator decides.
    package func opensIn(now: NIODeadline) -> TimeAmount? { self.breaker.withLockedValue { $0.opensIn(now: now) } }

    /// Whether going there is not trying one's luck.
    func isHealthy(now: NIODeadline) -> Bool { self.breaker.withLockedValue { $0.isHealthy(now: now) } }

    /// What is known of it at `now`.
    package func status(now: NIODeadline) -> Status {
        let cooling = self.coolsFor(now: now)
        let refusals = self.refusals.load(ordering: .relaxed)
        return self.breaker.withLockedValue { breaker in
            let figures = breaker.figures(now: now)
            return Status(
                provider: self.provider.name,
                model: self.model,
                credentialID: self.credentialID,
                state: breaker.state(now: now),
                calls: figures.calls,
                failures: figures.failures,
                refusals: refusals,
                opensIn: breaker.opensIn(now: now),
                coolsFor: cooling
            )
        }
    }

    /// What an operator sees of a target.
    package struct Status: Sendable, Equatable {
        package var provider: String
        package var model: String
        package var credentialID: String
        package var state: BreakerState
        /// Calls of the last while that ended, and those of them that failed.
        package var calls: Int
        package var failures: Int
        /// Calls that it did not let through, since the gateway began.
        package var refusals: UInt64
        /// How long until it lets a call through; zero: at once; nil: an operator decides.
        package var opensIn: TimeAmount?
        /// How long the provider still wants to be left alone; nil if it does not.
        package var coolsFor: TimeAmount?
    }

    /// Whether there is nothing to remember of it.
    func isForgettable(now: NIODeadline) -> Bool {
        guard self.coolsFor(now: now) == nil else { return false }
        return self.breaker.withLockedValue { $0.isClosed && $0.figures(now: now).calls == 0 }
    }

    /// Whether the book does not know it: operators cannot reach it then, so whoever keeps it must ask for it anew.
    var isForgotten: Bool { self.wasForgotten.load(ordering: .relaxed) }

    /// Notes that the book does not know it.
    func forget() { self.wasForgotten.store(true, ordering: .relaxed) }

    // MARK: - Recovery

    /// How long ago its breaker closed; nil if it never had to.
    func sinceRecovery(now: NIODeadline) -> TimeAmount? {
        let time = self.recoveredAt.load(ordering: .relaxed)
        return time == 0 ? nil : now - NIODeadline.uptimeNanoseconds(time)
    }

    // MARK: - Operators

    /// Opens its breaker until it is closed by hand, or until a time.
    func hold(until: NIODeadline?) { _ = self.change { $0.hold(until: until) } }

    /// Closes its breaker and ends its cool-down.
    func closeByHand(now: NIODeadline) {
        self.coolUntil.store(0, ordering: .relaxed)
        let change = self.change { $0.closeByHand(now: now) }
        self.provider.news.report(change, self, now: now)
    }

    func use(_ rules: BreakerRules) {
        self.breaker.withLockedValue { if $0.rules != rules { $0.rules = rules } }
    }

    private func change<Result>(_ body: (inout Breaker) -> Result) -> Result {
        self.breaker.withLockedValue { breaker in
            let result = body(&breaker)
            let isShut = !breaker.isClosed
            if self.isShut.load(ordering: .relaxed) != isShut { self.isShut.store(isShut, ordering: .relaxed) }
            return result
        }
    }
}
