package import NIOCore

/// Keeps calls away from a target that fails, and finds out when it is well again.
///
/// Closed, it counts: enough failures that are enough of all calls open it, or a row of them. Open, it refuses until
/// its time is over. Then it is half open: one call goes through as a probe, whose end closes it or opens it for
/// longer. A probe whose client leaves gives its place back; one that does not come back in time loses it. Times are
/// of a monotonic clock.
package struct Breaker: Sendable {
    /// Lets one call through; handed back with how the call ended.
    package struct Permit: Sendable, Equatable {
        package enum Kind: Sendable, Equatable {
            case usual
            /// The one call that finds out whether the target is well again.
            case probe
            /// Let through although it is open, because there is nowhere else to go.
            case forced
        }

        package let kind: Kind
        /// Which opening or closing it is from, so that late news counts for nothing.
        fileprivate let epoch: UInt32
        /// Which probe it is, from 1 on; 0 for those that are none.
        fileprivate var probe: UInt32 = 0
    }

    /// What becomes of a call that asks.
    package enum Admission: Sendable, Equatable {
        case pass(Permit)
        /// Not before this time is over; nil: nobody knows, an operator decides.
        case refused(TimeAmount?, BreakerState)
    }

    private enum Phase: Sendable {
        /// Calls pass. Next: `open`, `heldOpen`.
        case closed
        /// Calls are refused. Next: `halfOpen` once the time has come.
        case open(until: NIODeadline)
        /// One probe at a time. Next: `closed` or `open`, by its end.
        ///
        /// `until` is when the probe that is out loses its place; nil where none is.
        case halfOpen(until: NIODeadline?)
        /// Calls are refused until an operator closes it, or until its time is over. Next: `closed`.
        case heldOpen(until: NIODeadline?)
    }

    /// May be changed at any time; counts are kept unless the window's length changes.
    package var rules: BreakerRules {
        didSet {
            if self.rules.window != oldValue.window { self.window = SlidingWindow(length: self.rules.window) }
        }
    }
    private var phase = Phase.closed
    private var window: SlidingWindow
    /// Failures since the last success.
    private var failuresInRow = 0
    private var epoch: UInt32 = 0
    /// Probes sent so far.
    private var probe: UInt32 = 0
    /// How often it opened without having been closed for long.
    private var trips = 0
    private var closedAt: NIODeadline?

    package init(_ rules: BreakerRules = .standard) {
        self.rules = rules
        self.window = SlidingWindow(length: rules.window)
    }

    // MARK: - Calls

    /// Whether all calls pass without a look at the clock.
    package var isClosed: Bool { if case .closed = self.phase { true } else { false } }

    /// The permit of a call while the breaker is closed.
    package var usualPermit: Permit { Permit(kind: .usual, epoch: self.epoch) }

    /// Asks for one call.
    ///
    /// - Returns: The transition to `halfOpened` beside the permit where this is the first probe.
    package mutating func admit(now: NIODeadline) -> (Admission, BreakerTransition?) {
        switch self.phase {
        case .closed:
            return (.pass(self.usualPermit), nil)
        case .heldOpen(let until):
            guard let until else { return (.refused(nil, .heldOpen), nil) }
            guard now >= until else { return (.refused(until - now, .heldOpen), nil) }
            self.close(now: now)
            return (.pass(self.usualPermit), .closedByHand)
        case _ where !self.rules.isOn:
            self.close(now: now)
            return (.pass(self.usualPermit), .closed)
        case .open(let until):
            guard now >= until else { return (.refused(until - now, .open), nil) }
            return (.pass(self.sendProbe(now: now)), .halfOpened)
        case .halfOpen(let until):
            if let until, now < until { return (.refused(until - now, .halfOpen), nil) }
            return (.pass(self.sendProbe(now: now)), nil)
        }
    }

    /// Lets a call through whatever the state is, because all other places are shut as well.
    package mutating func force(now: NIODeadline) -> Permit {
        let (admission, _) = self.admit(now: now)
        if case .pass(let permit) = admission { return permit }
        return Permit(kind: .forced, epoch: self.epoch)
    }

    /// Takes a permit back with how its call went.
    ///
    /// Calls that were let through before the last change of state count for nothing.
    ///
    /// - Parameter took: How long the call took, or a stream to its first content; one that is too slow has failed.
    package mutating func record(
        _ outcome: BreakerOutcome,
        _ permit: Permit,
        took: TimeAmount = .zero,
        now: NIODeadline
    ) -> BreakerTransition? {
        guard permit.epoch == self.epoch else { return nil }
        let isSlow = outcome == .success && self.rules.slowAfter.map { took > $0 } ?? false
        let outcome = isSlow ? .failure : outcome
        switch (self.phase, outcome) {
        case (.closed, .success):
            self.failuresInRow = 0
            self.window.add(marked: false, now: now)
            return nil
        case (.closed, .failure):
            self.failuresInRow = min(self.failuresInRow + 1, 1_000_000)
            self.window.add(marked: true, now: now)
            return self.tripIfDue(now: now)
        case (.closed, _), (.heldOpen, _):
            return nil
        // Since it opened, only probes and forced calls have gone through.
        case (.open, .success), (.open, .refusal), (.halfOpen, .success), (.halfOpen, .refusal):
            self.close(now: now)
            return .closed
        case (.halfOpen, .failure) where permit.probe == self.probe:
            return self.open(failures: 1, calls: 1, now: now)
        case (.halfOpen, .unknown) where permit.probe == self.probe:
            self.phase = .halfOpen(until: nil)
            return nil
        case (.open, _), (.halfOpen, _):
            return nil
        }
    }

    // MARK: - Operators

    /// Opens it by hand: it refuses every call until `close`, or until `until`.
    package mutating func hold(until: NIODeadline?) -> BreakerTransition {
        self.epoch &+= 1
        self.phase = .heldOpen(until: until)
        return .heldOpen
    }

    /// Closes it by hand; it works by itself again.
    package mutating func closeByHand(now: NIODeadline) -> BreakerTransition {
        self.close(now: now)
        self.trips = 0
        return .closedByHand
    }

    // MARK: - Looking

    /// Whether a call would be let through now, as far as one can say without asking for it.
    package func wouldPass(now: NIODeadline) -> Bool { self.opensIn(now: now) == .zero }

    /// How long until a call is let through; zero: at once; nil: an operator decides.
    package func opensIn(now: NIODeadline) -> TimeAmount? {
        switch self.phase {
        case .closed: .zero
        case .heldOpen(let until): until.map { max($0 - now, .zero) }
        case _ where !self.rules.isOn: .zero
        case .open(let until): max(until - now, .zero)
        case .halfOpen(let until): until.map { max($0 - now, .zero) } ?? .zero
        }
    }

    /// The state at `now`.
    package func state(now: NIODeadline) -> BreakerState {
        switch self.phase {
        case .closed: .closed
        case .open: .open
        case .halfOpen: .halfOpen
        case .heldOpen(let until): until.map { now >= $0 } ?? false ? .closed : .heldOpen
        }
    }

    /// Whether it fails no more than a call now and then, so that going there is not trying one's luck.
    package mutating func isHealthy(now: NIODeadline) -> Bool {
        guard self.isClosed else { return false }
        self.window.advance(to: now)
        return self.window.marked * 2 <= self.window.all
    }

    /// Calls of the window that ended, and those of them that failed.
    package mutating func figures(now: NIODeadline) -> (calls: Int, failures: Int) {
        self.window.advance(to: now)
        return (self.window.all, self.window.marked)
    }

    // MARK: - Changes of state

    private mutating func sendProbe(now: NIODeadline) -> Permit {
        self.probe &+= 1
        // A probe that hangs must not keep the target out for as long as its own clocks allow.
        self.phase = .halfOpen(until: now + max(self.rules.coolDown, .milliseconds(1)))
        return Permit(kind: .probe, epoch: self.epoch, probe: self.probe)
    }

    private mutating func tripIfDue(now: NIODeadline) -> BreakerTransition? {
        guard self.rules.isOn, self.window.marked >= max(self.rules.failures, 1) else { return nil }
        // The products stay far from overflowing: a window counts less than 2³⁶.
        let isMuch = self.window.marked * 100 >= self.window.all * self.rules.percent
        guard isMuch || self.failuresInRow >= self.rules.failuresInRow else { return nil }
        if let closedAt = self.closedAt, now - closedAt >= self.rules.window { self.trips = 0 }
        return self.open(failures: self.window.marked, calls: self.window.all, now: now)
    }

    private mutating func open(failures: Int, calls: Int, now: NIODeadline) -> BreakerTransition {
        self.trips = min(self.trips + 1, 1_000)
        let time = self.rules.openTime(trips: self.trips)
        self.epoch &+= 1
        self.phase = .open(until: now + time)
        return .opened(failures: failures, calls: calls, for: time)
    }

    private mutating func close(now: NIODeadline) {
        self.epoch &+= 1
        self.phase = .closed
        self.closedAt = now
        self.failuresInRow = 0
        self.window.clear()
    }
}
