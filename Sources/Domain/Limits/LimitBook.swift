internal import Core
package import NIOCore

/// All rules, counters and waiting calls: the state behind a `LimitDesk`, without its lock.
///
/// Every change says whom to wake; whoever holds the lock wakes them after letting go of it.
package struct LimitBook: Sendable {
    /// Lets a waiting call look again, from whatever thread.
    package typealias Wake = @Sendable () -> Void

    /// Counters that are kept at most.
    ///
    /// Beyond them, new subjects of a rule that counts each of something by itself are counted together, in one counter
    /// of that rule: such a rule is then too strict for some, and never too lax.
    package static let countersMax = 100_000

    /// What an admitted call holds.
    struct Hold: Sendable {
        var counters = CounterList()
        var tokens = 0
        var since = NIODeadline.uptimeNanoseconds(0)
    }

    private(set) var rules: [LimitRule] = []
    private var index = ScopeIndex([])
    var counters = SlotTable(empty: LimitCounter())
    /// For each rule its only counter, or the one for what is beyond the most.
    private var single: [Int?] = []
    /// For each rule its counters by subject.
    private var byKey: [[String: Int]] = []
    var holds = SlotTable(empty: Hold())
    var tickets: [UInt64: Ticket] = [:]
    var queues: [Int: FairQueue] = [:]
    /// Calls that wait.
    var waiting = 0
    var nextID: UInt64 = 0
    /// Whom to wake once the lock is free.
    var wakes: [Wake] = []
    private var refusals: [(refused: Int, loggedAt: NIODeadline?)] = []
    private var matches: [Int] = []
    private var found: [Int] = []
    private var sweepAt = 0
    private let countersMax: Int

    package init(countersMax: Int = LimitBook.countersMax) { self.countersMax = countersMax }

    // MARK: - Rules

    /// Puts other rules in force.
    ///
    /// A rule of the same name and scope goes on with what it has counted, whatever its figures are now. Calls that
    /// wait are judged anew by the new rules; those that were let in keep what they hold until they give it back.
    package mutating func use(_ rules: [LimitRule], now: NIODeadline) {
        var successors: [Int?] = []
        for old in self.rules {
            successors.append(rules.firstIndex { $0.name == old.name && $0.scope == old.scope })
        }
        self.rules = rules
        self.index = ScopeIndex(rules.map(\.scope))
        self.single = Array(repeating: nil, count: rules.count)
        self.byKey = Array(repeating: [:], count: rules.count)
        self.refusals = Array(repeating: (0, nil), count: rules.count)
        for slot in self.counters.slots {
            let rule = self.counters[slot].rule.flatMap { successors[$0] }
            self.counters[slot].rule = rule
            guard let rule, rules[rule].isLimiting else {
                self.counters[slot].rule = nil
                self.dropIfAbandoned(slot)
                continue
            }
            self.counters[slot].apply(rules[rule])
            if let key = self.counters[slot].key { self.byKey[rule][key] = slot } else { self.single[rule] = slot }
        }
        self.judgeAnew(now: now)
    }

    // MARK: - Letting in

    /// Lets a call in, lines it up, or refuses it; all its limits at once, or none.
    package mutating func admit(_ request: LimitRequest, now: NIODeadline) -> LimitDecision {
        var found = self.takeScratch()
        defer { self.giveBack(&found) }
        let (priority, weight) = self.find(request.consumer, into: &found, now: now)
        if found.isEmpty { return .free }
        guard let (blocked, obstacle) = self.obstacle(found, request.tokens, isNew: true, now: now) else {
            let grant = self.take(found, request.tokens, now: now)
            return .admitted(grant, self.standing(found, now: now))
        }
        let ticket = Ticket(
            request: request,
            priority: priority,
            weight: weight,
            since: now,
            place: blocked,
            deadline: request.deadline
        )
        if let refusal = self.lineUp(ticket, behind: obstacle, now: now) {
            return .refused(self.complete(refusal, at: blocked, found, tokens: request.tokens, now: now))
        }
        return .queued(LimitTicket(id: self.nextID))
    }

    /// Finds the counters that a call is counted under; makes those that are missing.
    ///
    /// - Returns: How urgent the call is, and its group's share.
    mutating func find(_ consumer: Consumer, into found: inout [Int], now: NIODeadline) -> (Int, Int) {
        self.matches.removeAll(keepingCapacity: true)
        self.index.match(consumer, into: &self.matches)
        var priority = 0
        var weight = 1
        for rule in self.matches {
            priority = max(priority, self.rules[rule].priority ?? 0)
            weight = max(weight, self.rules[rule].weight ?? 1)
            guard self.rules[rule].isLimiting else { continue }
            found.append(self.counter(rule, consumer, besides: found, now: now))
        }
        return (priority, weight)
    }

    private mutating func counter(
        _ rule: Int,
        _ consumer: Consumer,
        besides found: [Int],
        now: NIODeadline
    ) -> Int {
        guard let key = self.index.key(of: consumer, at: rule) else { return self.single(rule) }
        if let slot = self.byKey[rule][key] { return slot }
        self.sweep(4, sparing: found, now: now)
        if self.counters.count >= self.countersMax { self.sweep(64, sparing: found, now: now) }
        guard self.counters.count < self.countersMax else { return self.single(rule) }
        let slot = self.counters.insert(LimitCounter(rule, self.rules[rule], key: key)).slot
        self.byKey[rule][key] = slot
        return slot
    }

    private mutating func single(_ rule: Int) -> Int {
        if let slot = self.single[rule] { return slot }
        let slot = self.counters.insert(LimitCounter(rule, self.rules[rule], key: nil)).slot
        self.single[rule] = slot
        return slot
    }

    /// The worst of what stands in a call's way.
    ///
    /// - Parameter isNew: Whether it must not go past those that wait where it would be counted.
    func obstacle(
        _ found: [Int],
        _ tokens: Int,
        isNew: Bool,
        now: NIODeadline
    ) -> (counter: Int, LimitCounter.Obstacle)? {
        var worst: (counter: Int, LimitCounter.Obstacle)?
        for slot in found {
            var obstacle = self.counters[slot].obstacle(tokens: tokens, now: now)
            if obstacle == nil, isNew, self.counters[slot].queued > 0 {
                obstacle = Self.queueInFront(self.counters[slot], tokens)
            }
            guard let obstacle else { continue }
            guard let wait = obstacle.wait else { return (slot, obstacle) }
            // One that does not let wait decides, so that no call waits for what then refuses it.
            let isPatient = self.counters[slot].rule.map { self.rules[$0].queue != nil } ?? true
            if let known = worst {
                let isKnownPatient = self.counters[known.counter].rule.map { self.rules[$0].queue != nil } ?? true
                if (isPatient ? 1 : 0, known.1.wait ?? .zero) >= (isKnownPatient ? 1 : 0, wait) { continue }
            }
            worst = (slot, obstacle)
        }
        return worst
    }

    /// There is room, but others wait for it.
    private static func queueInFront(_ counter: LimitCounter, _ tokens: Int) -> LimitCounter.Obstacle {
        let reason: LimitRefusal.Reason =
            counter.gate != nil ? .concurrency : (counter.requests != nil ? .requests : .tokens)
        let limit = counter.gate?.limit ?? counter.requests?.limit ?? counter.tokens?.limit ?? 0
        let needed = reason == .tokens ? tokens : 1
        return LimitCounter.Obstacle(reason: reason, limit: limit, needed: needed, wait: .zero, isExact: false)
    }

    mutating func take(_ found: [Int], _ tokens: Int, now: NIODeadline) -> LimitGrant {
        for slot in found { self.counters[slot].take(tokens: tokens, now: now) }
        let place = self.holds.insert(Hold(counters: CounterList(found), tokens: tokens, since: now))
        return LimitGrant(slot: Int32(truncatingIfNeeded: place.slot), generation: place.generation)
    }

    func standing(_ found: some Sequence<Int>, now: NIODeadline) -> LimitStanding {
        var standing = LimitStanding()
        for slot in found {
            if let bucket = self.counters[slot].requests { standing.note(requests: bucket, now: now) }
            if let bucket = self.counters[slot].tokens { standing.note(tokens: bucket, now: now) }
        }
        return standing
    }

    /// Adds what a refusal says besides its reason, and counts it.
    mutating func complete(
        _ refusal: LimitRefusal,
        at slot: Int,
        _ found: [Int],
        tokens: Int,
        now: NIODeadline
    ) -> LimitRefusal {
        var refusal = refusal
        refusal.standing = self.standing(found, now: now)
        if let wait = refusal.wait {
            // Who comes back then must not be refused by the next rule.
            refusal.wait = found.reduce(wait) { most, slot in
                max(most, self.counters[slot].obstacle(tokens: tokens, now: now)?.wait ?? .zero)
            }
        }
        guard let rule = self.counters[slot].rule else { return refusal }
        self.refusals[rule].refused += 1
        if let logged = self.refusals[rule].loggedAt, now - logged < .seconds(1) { return refusal }
        refusal.unlogged = self.refusals[rule].refused
        self.refusals[rule] = (0, now)
        return refusal
    }

    // MARK: - Giving back

    /// Corrects what an admitted call was thought to use.
    ///
    /// Nothing happens for a call that was released.
    package mutating func settle(_ grant: LimitGrant, tokens: Int, now: NIODeadline) {
        let slot = Int(grant.slot)
        guard self.holds.contains(slot, grant.generation) else { return }
        let tokens = max(0, tokens)
        let difference = tokens - self.holds[slot].tokens
        guard difference != 0 else { return }
        self.holds[slot].tokens = tokens
        let counters = self.holds[slot].counters
        for counter in counters { self.counters[counter].tokens?.adjust(by: difference, now: now) }
        if difference < 0 { for counter in counters { self.dispatch(counter, now: now) } }
    }

    /// Gives back what a call holds, once it is over.
    ///
    /// Nothing happens the second time.
    ///
    /// - Parameter tokens: What it really used; nil: what was thought.
    package mutating func release(_ grant: LimitGrant, tokens: Int?, now: NIODeadline) {
        guard let hold = self.holds.remove(Int(grant.slot), grant.generation) else { return }
        let difference = (tokens.map { max(0, $0) } ?? hold.tokens) - hold.tokens
        for slot in hold.counters {
            self.counters[slot].holds -= 1
            self.counters[slot].gate?.note(stay: now - hold.since)
            if difference != 0 { self.counters[slot].tokens?.adjust(by: difference, now: now) }
        }
        for slot in hold.counters {
            self.dispatch(slot, now: now)
            self.dropIfAbandoned(slot)
        }
    }

    /// Takes back a call that was let in and left before it did anything, as if it had never come.
    mutating func undo(_ grant: LimitGrant, now: NIODeadline) {
        let slot = Int(grant.slot)
        guard self.holds.contains(slot, grant.generation) else { return }
        for counter in self.holds[slot].counters { self.counters[counter].requests?.adjust(by: -1, now: now) }
        self.release(grant, tokens: 0, now: now)
    }

    // MARK: - Memory

    /// Looks at some counters and drops those that say nothing, so that memory follows those who really call.
    private mutating func sweep(_ count: Int, sparing found: [Int], now: NIODeadline) {
        for _ in 0..<count {
            guard let slot = self.counters.next(from: &self.sweepAt) else { continue }
            guard let key = self.counters[slot].key, self.counters[slot].isIdle(now: now), !found.contains(slot)
            else { continue }
            if let rule = self.counters[slot].rule { self.byKey[rule][key] = nil }
            self.counters.remove(slot)
        }
    }

    /// Drops a counter without rule that nobody holds any more.
    mutating func dropIfAbandoned(_ slot: Int) {
        guard self.counters.contains(slot), self.counters[slot].rule == nil, self.counters[slot].holds == 0,
            self.counters[slot].queued == 0
        else { return }
        self.counters.remove(slot)
        self.queues[slot] = nil
    }

    private mutating func takeScratch() -> [Int] {
        var scratch: [Int] = []
        swap(&scratch, &self.found)
        return scratch
    }

    private mutating func giveBack(_ scratch: inout [Int]) {
        scratch.removeAll(keepingCapacity: true)
        swap(&scratch, &self.found)
    }
}
