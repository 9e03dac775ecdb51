internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Resilience
internal import Telemetry
internal import Transport
internal import Wire

/// Finds out what to try after an attempt that failed, or what to tell the client.
struct NextTry {
    /// In routes with so many targets never all are refused at once: their breakers may be wrong together, and nothing
    /// would ever find out (Envoy's panic threshold).
    private static let panicTargets = 3

    private let call: Call
    private let instruments: Instruments
    /// What the breaker of the attempt was.
    private let seen: BreakerSeen?
    private let now: NIODeadline
    private let tries: CallTries

    init(_ call: Call, _ instruments: Instruments, seen: BreakerSeen?, now: NIODeadline) {
        self.call = call
        self.instruments = instruments
        self.seen = seen
        self.now = now
        self.tries = call.tries ?? CallTries()
        call.tries = self.tries
    }

    /// Sets the target of the next attempt.
    ///
    /// - Returns: How long to wait before it.
    /// - Throws: What the client is told, where nothing more is tried.
    func set(after error: GatewayError, _ failure: AttemptFailure) throws -> TimeAmount {
        guard let target = self.call.target else { throw error }
        if self.tries.payer == nil, !failure.neverBegan {
            self.tries.payer = self.call.guarding(target, self.instruments).provider
        }
        if failure.kind == .final {
            // A budget, a journal that is full: what holds for the call, not for the target.
            if self.call.upstreamStatus > 0 { self.call.noteAttempt(error, seen: self.seen, now: self.now) }
            throw error
        }
        self.note(error, failure, target)
        self.tries.isForced = false
        self.tries.isPaid = false
        if self.takeSpecialList(failure) { return .zero }
        var found: CallTarget?
        let step = RetryPlan().next(
            after: self.attempt(failure, error),
            others: { self.others(found: &found) },
            chance: self.chance
        ) {
            // Where nothing was sent yet, nothing is repeated.
            if failure.neverBegan { return true }
            self.tries.isPaid = self.mayRepeat()
            return self.tries.isPaid
        }
        switch step {
        case .other:
            self.call.target = found
            return .zero
        case .same(let wait, let wasAsked):
            self.tries.repeats += 1
            self.call.note(.waited(wait, wasAsked ? .retryAfter : .backoff), at: self.now)
            return wait
        case .giveUp(let reason):
            if let last = self.panic() {
                self.call.note(.panicked(last.name), at: self.now)
                self.call.target = last
                return .zero
            }
            if self.call.attempts > 0 { self.call.note(.gaveUp(reason.noted), at: self.now) }
            // What the gateway may not try again, the SDK need not either; beyond one attempt it is told anyway.
            if reason == .retryBudget, self.call.attempts == 1 {
                self.call.extraFields.writeField("x-should-retry", "false")
            }
            throw self.ending(error)
        }
    }

    /// What the table and the plan have to know.
    private func attempt(_ failure: AttemptFailure, _ error: GatewayError) -> FailedAttempt {
        let call = self.call
        var attempt = FailedAttempt(
            phase: failure.phase,
            kind: failure.kind,
            // Waits for a target that is not ready count too: it may be so for ever.
            attempts: failure.neverBegan ? max(call.attempts, self.tries.repeats) : call.attempts,
            attemptsMax: call.retriesMax + 1,
            timeLeft: self.timeLeft
        )
        attempt.isStateful = call.index?.isStored ?? false
        attempt.repeats = self.tries.repeats
        if failure.kind == .rateLimited || failure.kind == .unavailable {
            attempt.retryAfter = error.retryAfter.map { TimeAmount($0) }
        }
        return attempt
    }

    private var timeLeft: TimeAmount {
        var total = self.call.target?.timeouts.total ?? .zero
        if let timeout = self.call.timeout, timeout < total { total = timeout }
        return self.call.exchange.arrival + total - self.now
    }

    /// Another random word for each attempt of a call.
    private var chance: UInt64 {
        let number = UInt64(truncatingIfNeeded: self.call.attempts + self.tries.repeats)
        return Rendezvous.mix(self.call.chance.high &+ number &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Keeps what happened, for the plan, the client and those who ask afterwards.
    private func note(_ error: GatewayError, _ failure: AttemptFailure, _ target: CallTarget) {
        switch error.cause {
        case TargetShut.breaker(let state)?:
            self.tries.shut.append(target)
            self.call.note(
                .skipped(target.name, state.skipReason, until: error.retryAfter.map { TimeAmount($0) }),
                at: self.now
            )
        case TargetShut.cooling?:
            self.call.note(
                .skipped(target.name, .coolingDown, until: error.retryAfter.map { TimeAmount($0) }),
                at: self.now
            )
        case is TargetFull:
            self.call.note(.skipped(target.name, .atCapacity), at: self.now)
        default:
            if !failure.neverBegan { self.call.noteAttempt(error, seen: self.seen, now: self.now) }
        }
        if case TargetShut.breaker? = error.cause { return }
        self.tries.add(
            CallTries.Failure(
                target: target,
                credentialID: self.call.credentialID,
                error: error,
                status: failure.neverBegan ? 0 : self.call.upstreamStatus
            )
        )
    }

    // MARK: - Special lists

    /// Goes on at the alias that the route names for what is wrong with the request at its own targets.
    ///
    /// - Returns: Whether there is one with a target for the caller, and the client can still be answered by it.
    private func takeSpecialList(_ failure: AttemptFailure) -> Bool {
        guard !self.tries.tookSpecialList, failure.phase != .content, case .route(let route)? = self.call.resolution
        else { return false }
        let name: String?
        switch failure.kind {
        case .tooLong: name = route.onTooLong
        case .contentRefused: name = route.onContentRefused
        default: name = nil
        }
        guard let name, let other = self.call.snapshot.catalog.route(named: name) else { return false }
        let plan = self.call.snapshot.plan(of: other)
        let order = TargetRanking(plan, self.call, self.instruments).order()
        guard order.count > 0 else { return false }
        self.tries.tookSpecialList = true
        self.call.note(
            failure.kind == .tooLong
                ? .remark("too long for this model: goes on at the alias that is there for that")
                : .remark("refused by a content filter: goes on at the alias that is there for that"),
            at: self.now
        )
        self.call.target = plan.targets[order[0]]
        self.call.alternatives = TargetQueue(plan, behindFirstOf: order)
        // Another alias, so it has attempts of its own.
        self.call.retriesMax = self.call.attempts + plan.route.retriesMax
        return true
    }

    // MARK: - Other targets

    /// Looks for another target: one that works, else one that fails as well, if the retry budget has something for it.
    private func others(found: inout CallTarget?) -> RetryPlan.Others {
        while let target = self.call.alternatives.popFirst() {
            let guarding = self.call.guarding(target, self.instruments)
            if let wait = guarding.coolsFor(now: self.now) {
                self.call.note(.skipped(target.name, .coolingDown, until: wait), at: self.now)
            } else if guarding.isOpen(now: self.now) {
                self.tries.shut.append(target)
                let wait = guarding.opensIn(now: self.now)
                let reason = guarding.status(now: self.now).state.skipReason
                self.call.note(.skipped(target.name, reason, until: wait), at: self.now)
            } else if guarding.isHealthy(now: self.now) {
                found = target
                return .ready
            } else {
                self.tries.doubtful.append(target)
            }
        }
        guard !self.tries.doubtful.isEmpty else { return .none }
        // Nothing was asked so far: then going there repeats nothing.
        if self.call.attempts > 0 {
            guard self.mayRepeat() else { return .denied }
            self.tries.isPaid = true
        }
        found = self.tries.doubtful.removeFirst()
        return .ready
    }

    /// Takes one retry out of the budget of the provider that the call went to first: there it is counted as a call, so
    /// that all that is repeated of it, wherever, stays a share of the calls.
    private func mayRepeat() -> Bool {
        guard let payer = self.tries.payer else { return false }
        return payer.mayRepeat(now: self.now)
    }

    /// The target that is tried although its breaker is open, because all are: the one that opens first.
    ///
    /// Not one that an operator has switched off.
    private func panic() -> CallTarget? {
        guard self.call.attempts == 0, self.tries.failures.isEmpty, self.tries.shut.count >= Self.panicTargets else {
            return nil
        }
        var best: (target: CallTarget, wait: TimeAmount)?
        for target in self.tries.shut {
            let guarding = self.call.guarding(target, self.instruments)
            let status = guarding.status(now: self.now)
            guard status.state != .heldOpen, let wait = status.opensIn else { continue }
            if best.map({ wait < $0.wait }) ?? true { best = (target, wait) }
        }
        guard let best else { return nil }
        self.tries.isForced = true
        self.tries.shut.removeAll()
        return best.target
    }

    // MARK: - Giving up

    /// What the client is told: the most useful of all failures, with what was tried.
    private func ending(_ last: GatewayError) -> GatewayError {
        var ending = last
        if let best = self.tries.mostUseful {
            ending = best.error
            self.call.target = best.target
            self.call.credentialID = best.credentialID
        } else {
            // All were refused: the earliest time that one may be asked again.
            let waits = self.tries.shut.compactMap {
                self.call.guarding($0, self.instruments).opensIn(now: self.now)
            }
            if self.tries.shut.count > 1 {
                ending = GatewayError(
                    .providerUnavailable,
                    "All targets of this model failed too often of late and are left alone for a moment.",
                    cause: last.cause
                )
            }
            ending.retryAfter = waits.min().map { .nanoseconds($0.nanoseconds) }
        }
        if let summary = self.tries.summary { ending.details.append((key: "tried", value: summary)) }
        return ending
    }
}

extension RetryStep.Reason {
    /// The word for those who ask afterwards.
    fileprivate var noted: GiveUpReason {
        switch self {
        case .contentBegan: .contentBegan
        case .notRetryable: .notRetryable
        case .attemptsUsedUp: .attemptsUsedUp
        case .retryBudget: .retryBudget
        case .noTargetLeft: .noTargetLeft
        case .outOfTime: .outOfTime
        case .waitTooLong: .waitTooLong
        }
    }
}
