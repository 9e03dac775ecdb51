internal import Core
package import NIOCore

extension LimitBook {
    /// A call that waits.
    struct Ticket: Sendable {
        /// Next: `admitted` or `refused`, when it is told; until then it stands in the queue of `place`.
        enum State: Sendable {
            case waiting
            case admitted(LimitGrant)
            case refused(LimitRefusal)
        }

        var request: LimitRequest
        var priority: Int
        var weight: Int
        var since: NIODeadline
        /// The counter in whose queue it stands.
        var place: Int
        /// When it has waited long enough, by the rule and by its own time.
        var deadline: NIODeadline
        var state = State.waiting
        var wake: Wake?
    }

    // MARK: - Coming

    /// Lines up a call, or says why not: nobody may wait there, too many do, or its turn would come too late.
    ///
    /// On success `nextID` is its id.
    mutating func lineUp(
        _ ticket: Ticket,
        behind obstacle: LimitCounter.Obstacle,
        now: NIODeadline
    ) -> LimitRefusal? {
        let slot = ticket.place
        guard let number = self.counters[slot].rule else { return nil }
        let rule = self.rules[number]
        var refusal = LimitRefusal(
            rule: rule.name,
            reason: obstacle.reason,
            limit: obstacle.limit,
            needed: obstacle.needed,
            wait: obstacle.wait
        )
        guard let wait = obstacle.wait else { return refusal }
        let flow = self.flow(of: ticket, under: rule)
        let ahead =
            self.queues[slot]?.ahead(flow: flow, priority: ticket.priority, weight: ticket.weight) ?? (
                count: 0, cost: 0
            )
        let tokens = ticket.request.tokens
        let projection = max(wait, self.counters[slot].projection(ahead: ahead, tokens: tokens, now: now))
        refusal.wait = projection
        guard let patience = rule.queue else { return refusal }
        guard self.counters[slot].queued < rule.queueMax else {
            refusal.reason = .queueFull
            refusal.limit = rule.queueMax
            return refusal
        }
        var ticket = ticket
        ticket.deadline = min(ticket.since + patience, ticket.request.deadline)
        // Only what is certain is held against a call: a usual stay that was long may be short this time.
        let certain = obstacle.isExact || ahead.count > 0 ? projection : .zero
        guard now + certain <= ticket.deadline, now < ticket.deadline else {
            refusal.reason = .deadline
            refusal.patience = max(.zero, ticket.deadline - ticket.since)
            return refusal
        }
        self.nextID += 1
        self.waiting += 1
        self.tickets[self.nextID] = ticket
        self.place(self.nextID, flow: flow, patience: patience, now: now)
        return nil
    }

    /// Whom a call shares the queue with: where a rule is for one group, each person of it, else each group.
    private func flow(of ticket: Ticket, under rule: LimitRule) -> String {
        let consumer = ticket.request.consumer
        guard rule.scope[.group] != nil else { return consumer.group }
        return consumer.user.isEmpty ? consumer.key : consumer.user
    }

    /// How late a timer may be that wakes a waiting call; its turn is kept for so long.
    private static let grace = TimeAmount.milliseconds(50)

    /// Puts a ticket into the queue of its place.
    private mutating func place(_ id: UInt64, flow: String, patience: TimeAmount, now: NIODeadline) {
        guard let ticket = self.tickets[id] else { return }
        let slot = ticket.place
        let cost = self.counters[slot].tokens == nil ? 1 : ticket.request.tokens
        self.queues[slot, default: FairQueue(patience: patience)].enqueue(
            FairQueue.Entry(
                id: id,
                flow: flow,
                priority: ticket.priority,
                weight: ticket.weight,
                cost: cost,
                since: ticket.since,
                deadline: ticket.deadline + Self.grace
            )
        )
        self.counters[slot].queued += 1
        self.announceHead(slot, now: now)
    }

    // MARK: - Waiting

    /// How it stands with a waiting call; lets in whoever can be.
    ///
    /// - Parameter wake: Called when it is worth looking again, possibly more than once, after the lock is free.
    package mutating func poll(_ handle: LimitTicket, now: NIODeadline, wake: @escaping Wake) -> LimitProgress {
        let id = handle.id
        guard let known = self.tickets[id] else { return self.unknown }
        if case .waiting = known.state {
            self.tickets[id]?.wake = nil
            self.dispatch(known.place, now: now)
        }
        guard let ticket = self.tickets[id] else { return self.unknown }
        let waited = max(.zero, now - ticket.since)
        switch ticket.state {
        case .admitted(let grant):
            self.tickets[id] = nil
            let counters = self.holds[Int(grant.slot)].counters
            return .admitted(grant, self.standing(counters, now: now), after: waited)
        case .refused(let refusal):
            self.tickets[id] = nil
            return .refused(refusal, after: waited)
        case .waiting:
            guard now < ticket.deadline else {
                let refusal = self.giveUp(id, now: now)
                self.tickets[id] = nil
                return .refused(refusal, after: waited)
            }
            self.tickets[id]?.wake = wake
            return .waiting(until: self.nextLook(id, ticket, now: now))
        }
    }

    /// A ticket that was used up: nobody asks twice.
    private var unknown: LimitProgress {
        .refused(LimitRefusal(rule: "", reason: .deadline, limit: 0, needed: 0, wait: .zero), after: .zero)
    }

    /// When a waiting call has to look by itself.
    ///
    /// The first of a queue when its units have come in, others only when their time is over. A change of the first,
    /// and a place that becomes free, wake whom they are about.
    private func nextLook(_ id: UInt64, _ ticket: Ticket, now: NIODeadline) -> NIODeadline {
        guard self.counters[ticket.place].head == id,
            let obstacle = self.counters[ticket.place].obstacle(tokens: ticket.request.tokens, now: now),
            obstacle.isExact, let wait = obstacle.wait
        else { return ticket.deadline }
        return min(ticket.deadline, now + max(wait, .milliseconds(1)))
    }

    /// Takes back a call that leaves, whatever had become of it: nothing of it stays.
    package mutating func cancel(_ handle: LimitTicket, now: NIODeadline) {
        guard let ticket = self.tickets[handle.id] else { return }
        switch ticket.state {
        case .waiting:
            self.stepOut(handle.id, of: ticket.place)
            self.waiting -= 1
            self.tickets[handle.id] = nil
            self.dispatch(ticket.place, now: now)
            self.dropIfAbandoned(ticket.place)
        case .admitted(let grant):
            self.tickets[handle.id] = nil
            self.undo(grant, now: now)
        case .refused:
            self.tickets[handle.id] = nil
        }
    }

    // MARK: - Going

    /// Lets in those of a queue for whom there is room, in their order, and tells the next one that it is next.
    mutating func dispatch(_ slot: Int, now: NIODeadline) {
        while self.counters[slot].queued > 0 {
            guard let entry = self.queues[slot]?.head(now: now), let ticket = self.tickets[entry.id] else { break }
            guard now <= entry.deadline else {
                let refusal = self.giveUp(entry.id, now: now)
                self.end(entry.id, as: .refused(refusal))
                continue
            }
            // Its own counter first: while that is what it waits for, nothing else matters.
            let own = self.counters[slot].obstacle(tokens: ticket.request.tokens, now: now)
            if let own, own.wait != nil { break }
            // Found anew: a counter that nobody holds may have been dropped in the meantime.
            let tokens = ticket.request.tokens
            var found: [Int] = []
            _ = self.find(ticket.request.consumer, into: &found, now: now)
            if let (blocked, obstacle) = self.obstacle(found, tokens, isNew: false, now: now) {
                self.sendOn(entry.id, from: slot, to: blocked, obstacle, found, now: now)
                continue
            }
            self.queues[slot]?.serve(entry)
            self.counters[slot].queued -= 1
            self.waiting -= 1
            self.end(entry.id, as: .admitted(self.take(found, tokens, now: now)))
        }
        self.announceHead(slot, now: now)
    }

    /// Moves a call that has had its turn to where it must wait next, or refuses it where nobody may wait.
    private mutating func sendOn(
        _ id: UInt64,
        from slot: Int,
        to blocked: Int,
        _ obstacle: LimitCounter.Obstacle,
        _ found: [Int],
        now: NIODeadline
    ) {
        guard let ticket = self.tickets[id] else { return }
        self.stepOut(id, of: slot)
        let rule = self.counters[blocked].rule.map { self.rules[$0] }
        guard let rule, let patience = rule.queue, obstacle.wait != nil, self.counters[blocked].queued < rule.queueMax
        else {
            self.waiting -= 1
            let refusal = LimitRefusal(
                rule: rule?.name ?? "",
                reason: obstacle.reason,
                limit: obstacle.limit,
                needed: obstacle.needed,
                wait: obstacle.wait
            )
            let tokens = ticket.request.tokens
            self.end(id, as: .refused(self.complete(refusal, at: blocked, found, tokens: tokens, now: now)))
            return
        }
        self.tickets[id]?.place = blocked
        self.tickets[id]?.deadline = min(ticket.deadline, ticket.since + patience)
        self.place(id, flow: self.flow(of: ticket, under: rule), patience: patience, now: now)
    }

    /// Ends the wait of a call whose time is over.
    private mutating func giveUp(_ id: UInt64, now: NIODeadline) -> LimitRefusal {
        guard let ticket = self.tickets[id] else {
            return LimitRefusal(rule: "", reason: .deadline, limit: 0, needed: 0, wait: .zero)
        }
        let slot = ticket.place
        self.stepOut(id, of: slot)
        self.waiting -= 1
        let counter = self.counters[slot]
        let rule = counter.rule.map { self.rules[$0] }
        let flow = rule.map { self.flow(of: ticket, under: $0) } ?? ""
        let ahead =
            self.queues[slot]?.ahead(flow: flow, priority: ticket.priority, weight: ticket.weight) ?? (
                count: 0, cost: 0
            )
        let obstacle = counter.obstacle(tokens: ticket.request.tokens, now: now)
        let projection = counter.projection(ahead: ahead, tokens: ticket.request.tokens, now: now)
        var refusal = LimitRefusal(
            rule: rule?.name ?? "",
            reason: .deadline,
            limit: obstacle?.limit ?? 0,
            needed: obstacle?.needed ?? 1,
            wait: max(projection, obstacle?.wait ?? .zero)
        )
        refusal.patience = max(.zero, ticket.deadline - ticket.since)
        self.announceHead(slot, now: now)
        var found: [Int] = []
        _ = self.find(ticket.request.consumer, into: &found, now: now)
        return self.complete(refusal, at: slot, found, tokens: ticket.request.tokens, now: now)
    }

    private mutating func stepOut(_ id: UInt64, of slot: Int) {
        if self.queues[slot]?.remove(id) == true { self.counters[slot].queued -= 1 }
    }

    private mutating func end(_ id: UInt64, as state: Ticket.State) {
        self.tickets[id]?.state = state
        if let wake = self.tickets[id]?.wake { self.wakes.append(wake) }
        self.tickets[id]?.wake = nil
    }

    /// Wakes whoever has become the first of a queue, so that it looks at the right time.
    private mutating func announceHead(_ slot: Int, now: NIODeadline) {
        guard self.counters[slot].queued > 0, let entry = self.queues[slot]?.head(now: now) else {
            self.counters[slot].head = nil
            self.queues[slot] = nil
            return
        }
        guard self.counters[slot].head != entry.id else { return }
        self.counters[slot].head = entry.id
        if let wake = self.tickets[entry.id]?.wake { self.wakes.append(wake) }
    }

    // MARK: - Other rules

    /// Judges all that wait by the rules that are in force now, in the order in which they came.
    mutating func judgeAnew(now: NIODeadline) {
        let places = Set(self.tickets.values.map(\.place))
        let ids = places.flatMap { self.queues[$0]?.ids ?? [] }.sorted()
        for slot in places {
            self.queues[slot] = nil
            self.counters[slot].queued = 0
            self.counters[slot].head = nil
        }
        for id in ids {
            guard var ticket = self.tickets[id] else { continue }
            var found: [Int] = []
            (ticket.priority, ticket.weight) = self.find(ticket.request.consumer, into: &found, now: now)
            self.tickets[id] = ticket
            guard let (blocked, obstacle) = self.obstacle(found, ticket.request.tokens, isNew: true, now: now) else {
                self.waiting -= 1
                self.end(id, as: .admitted(self.take(found, ticket.request.tokens, now: now)))
                continue
            }
            self.sendOn(id, from: blocked, to: blocked, obstacle, found, now: now)
            // Its time may be another one now.
            if let wake = self.tickets[id]?.wake { self.wakes.append(wake) }
        }
        for slot in places { self.dropIfAbandoned(slot) }
    }
}
