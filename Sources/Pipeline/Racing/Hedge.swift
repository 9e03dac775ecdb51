internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Resilience
internal import Telemetry
internal import Transport

/// Starts a second attempt at another target when the first takes longer to its first content than 95 of 100 calls of
/// the alias do; the first to have content answers, the other is called off.
///
/// Both are accounted for, the second with the variant `hedge`; the caller is charged for the one that answered. What
/// a provider keeps (`store`) is asked for once. While an alias still learns, its calls pass as if this were not here.
struct Hedge: Detour {
    /// How long the end of a race is waited for before it is looked at again, wake or no wake.
    private static let look = TimeAmount.minutes(1)

    let instruments: Instruments

    func concerns(_ call: Call) -> Bool {
        guard case .route(let route) = call.resolution, route.hedge != nil else { return false }
        return call.index?.isStored == false && !call.operation.isApart
    }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        guard case .route(let route) = call.resolution, let terms = route.hedge else {
            return try await next(call, reply)
        }
        let desk = self.instruments.hedges.desk(of: route.name, terms)
        let begin = self.instruments.monotonicClock()
        guard let delay = desk.begin(call.hedgeKind) else {
            return try await self.learn(call, reply, next, desk, from: begin)
        }
        let race = Race(call, reply) { self.learn($0, call.hedgeKind, desk, from: begin) }
        let first = race.enter(call.copy(), at: begin, next)
        do {
            while !race.isOver, race.winner == nil, self.instruments.monotonicClock() < begin + delay {
                try await race.alarm.wait(until: begin + delay)
            }
            if !race.isOver, race.winner == nil { self.startSecond(race, beside: first, desk, next) }
            while !race.isOver {
                try await race.alarm.wait(until: self.instruments.monotonicClock() + Self.look)
            }
        } catch {
            race.callOff()
            await race.settle(all: true)
            // Whoever left with the whole answer was answered.
            if case .success? = self.conclude(race, desk) { return }
            throw error
        }
        await race.settle(all: false)
        try self.conclude(race, desk)?.get()
    }

    // MARK: - The second attempt

    @inline(never)
    private func startSecond(_ race: Race, beside first: RaceLane, _ desk: HedgeDesk, _ next: Next) {
        guard !race.call.isHurried else { return }
        guard desk.spend() else {
            return race.call.note(.hedgeWithheld("as many calls as may have one had one"))
        }
        let now = self.instruments.monotonicClock()
        let copy = first.call.copy()
        // The best of what is left, which the first attempt then leaves alone; else the same again, on its own.
        if let target = first.call.alternatives.popFirst() { copy.target = target }
        copy.alternatives = TargetQueue()
        copy.retriesMax = 0
        copy.variant = first.call.variant.isEmpty ? "hedge" : "\(first.call.variant)+hedge"
        // The numbers of a call's attempts are its own, and the second is none of the first one's retries.
        first.call.attempts += 1
        first.call.retriesMax += 1
        // Of a call with more than one attempt each is told, also the one that answered.
        first.call.tries = first.call.tries ?? CallTries()
        copy.tries = CallTries()
        if let target = copy.target {
            race.call.note(
                .hedged(TargetName(provider: target.provider.name, model: target.model), after: now - first.begin),
                at: now
            )
        }
        _ = race.enter(copy, at: now, next)
    }

    /// Brings the race's end into the client's call.
    @inline(never)
    private func conclude(_ race: Race, _ desk: HedgeDesk) -> Result<Void, any Error>? {
        if race.lanes.count > 1 {
            let second = race.lanes[1]
            if let winner = race.winner {
                desk.note(winner === second ? .won : .lost, wasSent: second.wasSent)
                if let target = winner.call.target {
                    let name = TargetName(provider: target.provider.name, model: target.model)
                    race.call.note(.hedgeWon(name, isSecond: winner === second))
                }
            } else {
                desk.note(.failed, wasSent: second.wasSent)
            }
        }
        return race.conclude()
    }

    // MARK: - Learning

    /// Takes a call down the road as it is, and notes what it takes.
    private func learn(
        _ call: Call,
        _ reply: any ReplySink,
        _ next: Next,
        _ desk: HedgeDesk,
        from begin: NIODeadline
    ) async throws {
        defer {
            if let content = call.firstContent { desk.learn(call.hedgeKind, content - begin, now: content) }
        }
        try await next(call, reply)
        if call.firstContent == nil {
            let now = self.instruments.monotonicClock()
            desk.learn(call.hedgeKind, now - begin, now: now)
        }
    }

    private func learn(_ winner: RaceLane, _ kind: HedgeRule.Kind, _ desk: HedgeDesk, from begin: NIODeadline) {
        // Also where it is the second that has won: then it is the time at which the first was overtaken.
        let now = self.instruments.monotonicClock()
        desk.learn(kind, now - begin, now: now)
    }
}

extension Call {
    /// What the call's first content is.
    fileprivate var hedgeKind: HedgeRule.Kind {
        guard self.operation == .chat else { return .embeddings }
        return self.isStream ? .stream : .whole
    }
}

extension RaceLane {
    /// Whether anything may have gone to a provider.
    fileprivate var wasSent: Bool {
        guard case .failure(let error) = self.outcome else { return true }
        return self.call.mayHaveWorked || self.call.upstreamStatus > 0 || error is CancellationError
    }
}
