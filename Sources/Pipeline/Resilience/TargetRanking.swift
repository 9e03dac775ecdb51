internal import Auth
internal import Chat
internal import Core
internal import Limits
internal import Metering
internal import NIOCore
internal import Providers
internal import Resilience
package import Telemetry

/// How fit a target is for a call now; the lower, the sooner it is tried.
private enum Fitness: UInt8 {
    case good
    /// It has recovered and does not get all its calls yet, or has more of those that stick to it than its share.
    case sparing
    /// Its weight is 0: it is there for when the others are not.
    case standby
    /// The provider has too little left for the request, or asked to be left alone (A+.2).
    case short
    /// As many calls are under way as may be.
    case full
    /// Its breaker is open.
    case open
    /// The provider refused the group's credential.
    case rejected

    /// Targets of an alias that is split stand behind all of an experiment's side.
    static let behind: UInt8 = 8
}

/// Works out the order in which a route's targets are tried for one call.
struct TargetRanking {
    private let plan: RoutePlan
    private let call: Call
    private let instruments: Instruments
    private let now: NIODeadline
    private let strategy: Strategy
    /// Whom the call sticks for.
    private let subject: CallSubject?

    init(_ plan: RoutePlan, _ call: Call, _ instruments: Instruments) {
        self.plan = plan
        self.call = call
        self.instruments = instruments
        self.now = instruments.monotonicClock()
        self.strategy = plan.route.strategy
        self.subject = plan.route.stickiness.flatMap { plan.route.strategy.canStick ? call.subject(by: $0) : nil }
    }

    /// All targets that the caller's group can use, the best first.
    ///
    /// Where the one that the strategy wants can serve, which is nearly always, nobody looks at what is the matter with
    /// the others: that is time enough when one of them is needed.
    @inline(never)
    func order() -> TargetOrder {
        let turn = self.subject == nil && self.strategy == .roundRobin ? self.plan.turns.next() : 0
        let order = self.order(turn: turn, looksTwice: false)
        guard order.count > 0 else { return order }
        let first = self.plan.targets[order[0]]
        if order.tier(at: 0) == Fitness.good.rawValue, self.fitness(of: first).0 == .good {
            let isPassing = self.strategy == .fallback && order.count < self.plan.targets.count
            if isPassing || self.subject != nil { self.tell(order) }
            return order
        }
        let whole = self.order(turn: turn, looksTwice: true)
        self.tell(whole)
        return whole
    }

    /// - Parameter looksTwice: Whether what is known of the targets' state counts, or only what is seen at a glance.
    private func order(turn: UInt64, looksTwice: Bool) -> TargetOrder {
        var order = TargetOrder()
        for (position, target) in self.plan.targets.enumerated() where self.call.canUse(target.provider) {
            let fitness: Fitness
            if looksTwice {
                let (found, reason) = self.fitness(of: target)
                fitness = found
                if let reason { target.state?.notePass(reason) }
            } else {
                fitness = self.fitnessAtAGlance(of: target).0
            }
            let tier = fitness.rawValue + (position < self.plan.ownCount ? 0 : Fitness.behind)
            order.add(position, tier: tier, score: self.score(of: target, at: position))
        }
        guard self.subject == nil else { return order }
        switch self.strategy {
        case .roundRobin: order.rotate(by: turn)
        case .leastLatency: order.pickOfTwo(Rendezvous.mix(self.call.chance.low))
        case .fallback, .weighted, .leastBusy, .cheapest: break
        }
        return order
    }

    // MARK: - Which is better

    /// How good a target is for this call; the lower, the better.
    private func score(of target: CallTarget, at position: Int) -> Double {
        guard let state = target.state else { return Double(position) }
        if let subject { return Rendezvous.draw(subject.word, state.identity, weight: target.weight) }
        switch self.strategy {
        case .fallback, .roundRobin:
            return Double(position)
        case .weighted:
            return Rendezvous.draw(self.call.chance.low, state.identity, weight: target.weight)
        case .leastBusy:
            // Chance decides among equals, of which there are many where little is going on.
            let chance = Double(Rendezvous.mix(self.call.chance.low ^ state.identity) >> 11) * 0x1p-53
            return (Double(state.underWay + 1) + chance * 1e-6) / Double(max(1, target.weight))
        case .leastLatency:
            return state.cost(isStream: self.call.isStream, now: self.now)
        case .cheapest:
            return self.cost(at: position)
        }
    }

    /// What the call would cost at a target, as far as one can guess: the same guess for all of them.
    ///
    /// Infinite where nobody knows the price.
    private func cost(at position: Int) -> Double {
        let rates = self.plan.rates[position]
        guard rates.isPriced else { return .infinity }
        let input = Double(self.call.bodyLength / 4)
        let output = Double(self.call.index?.outputTokensMax ?? TokenGuess.usualOutput)
        let perToken = Double(max(0, rates.input)) * input + Double(max(0, rates.output)) * output
        return perToken / 1e6 + Double(max(0, rates.request))
    }

    // MARK: - Which can

    /// What costs nothing to know.
    private func fitnessAtAGlance(of target: CallTarget) -> (Fitness, SkipReason?) {
        if self.call.credentials.credential(for: target.provider)?.isRejected == true {
            return (.rejected, .credentialRejected)
        }
        return target.weight == 0 && self.strategy != .fallback ? (.standby, nil) : (.good, nil)
    }

    private func fitness(of target: CallTarget) -> (Fitness, SkipReason?) {
        let glance = self.fitnessAtAGlance(of: target)
        guard glance.0 != .rejected, let state = target.state else { return glance }
        let guarding = self.call.guarding(target, self.instruments)
        if guarding.isOpen(now: self.now) { return (.open, guarding.status(now: self.now).state.skipReason) }
        if let limit = target.concurrentMax, state.underWay >= limit { return (.full, .atCapacity) }
        if guarding.coolsFor(now: self.now) != nil { return (.short, .coolingDown) }
        if let reason = self.shortage(at: target) { return (.short, reason) }
        guard glance.0 == .good else { return glance }
        if let elapsed = guarding.sinceRecovery(now: self.now) {
            let chance = Rendezvous.mix(self.call.chance.high ^ state.identity)
            let isAdmitted = SlowStart.admits(chance, after: elapsed, window: self.plan.route.slowStart)
            if !isAdmitted { return (.sparing, .slowStart) }
        }
        if self.subject != nil, self.strategy == .leastBusy, self.isAboveShare(target, state) {
            return (.sparing, .atCapacity)
        }
        return (.good, nil)
    }

    /// Whether a provider has too little left for the request, or asked to be left alone.
    private func shortage(at target: CallTarget) -> SkipReason? {
        let book = self.instruments.providerLimits
        guard book.isKnowing else { return nil }
        let place = ProviderLimitBook.Place(
            provider: target.provider.name,
            credential: target.provider.needsNoCredential
                ? "" : self.call.credentials.credential(for: target.provider)?.id ?? "",
            model: target.model
        )
        // More than any text of this length has: where that is left, nobody need measure the text.
        let most = self.call.bodyLength
        let output = (self.call.index?.outputTokensMax ?? TokenGuess.usualOutput) * (self.call.index?.choices ?? 1)
        if book.verdict(place, input: most, output: output, now: self.now) == .free { return nil }
        let guess = self.call.tokenGuess(self.instruments)
        switch book.verdict(place, input: guess.input, output: guess.output, now: self.now) {
        case .free: return nil
        case .short: return .tooLittleLeft
        case .cooling: return .coolingDown
        }
    }

    /// Whether a target has clearly more calls under way than its weight makes its share (consistent hashing with
    /// bounded loads: Mirrokni, Thorup and Zadimoghaddam, 2016).
    private func isAboveShare(_ target: CallTarget, _ state: TargetState) -> Bool {
        var calls = 1
        var weights = 0
        for other in self.plan.targets where self.call.canUse(other.provider) {
            calls += other.state?.underWay ?? 0
            weights += other.weight
        }
        let share = Double(calls) * Double(target.weight) / Double(max(1, weights))
        return Double(state.underWay) >= (share * 1.25).rounded(.up)
    }

    // MARK: - For those who ask afterwards

    /// Notes what stood in the way of targets, and what the call sticks to.
    @inline(never)
    private func tell(_ order: TargetOrder) {
        guard order.count > 0 else { return }
        let isGood = order.tier(at: 0) == Fitness.good.rawValue
        let chosen = self.plan.targets[order[0]]
        let best = self.score(of: chosen, at: order[0])
        for (position, target) in self.plan.targets.enumerated() where position != order[0] {
            // Only what would have come before the chosen one was in any sense passed over.
            guard !isGood || self.score(of: target, at: position) < best else { continue }
            if !self.call.canUse(target.provider) {
                self.call.note(.skipped(target.name, .noCredential), at: self.now)
            } else if let reason = self.fitness(of: target).1 {
                self.call.note(.skipped(target.name, reason), at: self.now)
            }
        }
        if let subject { self.call.note(.stuck(chosen.name, by: subject.source), at: self.now) }
    }
}

extension CallTarget {
    /// Its two names, for explanations.
    package var name: TargetName { TargetName(provider: self.provider.name, model: self.model) }
}

extension BreakerState {
    /// Why a breaker in this state keeps a call away.
    var skipReason: SkipReason {
        switch self {
        case .heldOpen: .breakerForcedOpen
        case .halfOpen: .breakerProbing
        case .open, .closed: .breakerOpen
        }
    }
}
