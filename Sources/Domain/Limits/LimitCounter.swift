internal import Core
internal import NIOCore

/// What is counted for one rule and one of its subjects.
struct LimitCounter: Sendable {
    /// The rule's number; nil if the rule is gone and only what was given out is waited for.
    var rule: Int?
    /// The subject, for a rule that counts each of something by itself.
    var key: String?
    var requests: GCRA?
    var tokens: GCRA?
    var gate: ConcurrencyGate?
    /// Admitted calls that have not been released.
    var holds = 0
    /// Calls that wait here.
    var queued = 0
    /// The one of them that was last told when its turn will be.
    var head: UInt64?

    /// Nobody's.
    init() {}

    init(_ number: Int, _ rule: LimitRule, key: String?) {
        self.rule = number
        self.key = key
        self.apply(rule)
    }

    /// Puts a rule's figures in force, whatever was counted so far.
    mutating func apply(_ rule: LimitRule) {
        Self.apply(rule.requestsPerMinute, to: &self.requests)
        Self.apply(rule.tokensPerMinute, to: &self.tokens)
        if let limit = rule.concurrent {
            if self.gate == nil { self.gate = ConcurrencyGate(limit: limit) }
            self.gate?.limit = max(1, limit)
        } else {
            self.gate = nil
        }
    }

    private static func apply(_ limit: Int?, to bucket: inout GCRA?) {
        guard let limit else {
            bucket = nil
            return
        }
        if bucket == nil { bucket = GCRA(perMinute: limit) }
        if bucket?.limit != limit { bucket?.setLimit(limit) }
    }

    /// Whether a new one would be the same.
    func isIdle(now: NIODeadline) -> Bool {
        self.holds == 0 && self.queued == 0 && self.requests?.isFull(now: now) != false
            && self.tokens?.isFull(now: now) != false
    }

    /// What stands in the way of one more call.
    struct Obstacle {
        var reason: LimitRefusal.Reason
        var limit: Int
        var needed: Int
        /// Until this counter would let it in; nil: never.
        var wait: TimeAmount?
        /// Whether `wait` is certain, and not only probable.
        var isExact: Bool
    }

    /// What stands in the way of a call with `ahead` others before it, the worst of it; nil if nothing does.
    func obstacle(tokens needed: Int, now: NIODeadline) -> Obstacle? {
        var worst: Obstacle?
        if let bucket = self.requests, let wait = bucket.wait(for: 1, now: now), wait > .zero {
            worst = Obstacle(reason: .requests, limit: bucket.limit, needed: 1, wait: wait, isExact: true)
        }
        if let bucket = self.tokens {
            guard let wait = bucket.wait(for: needed, now: now) else {
                return Obstacle(reason: .tokens, limit: bucket.limit, needed: needed, wait: nil, isExact: true)
            }
            if wait > worst?.wait ?? .zero {
                worst = Obstacle(reason: .tokens, limit: bucket.limit, needed: needed, wait: wait, isExact: true)
            }
        }
        if let gate = self.gate, !gate.hasRoom(inUse: self.holds) {
            let wait = gate.projection(inUse: self.holds, ahead: 0) ?? .seconds(1)
            let obstacle = Obstacle(reason: .concurrency, limit: gate.limit, needed: 1, wait: wait, isExact: false)
            if worst == nil { worst = obstacle }
            if let known = worst?.wait, wait > known { worst?.wait = wait }
        }
        return worst
    }

    /// How long a newcomer will probably wait behind others; zero where nothing is known.
    func projection(ahead: (count: Int, cost: Int), tokens needed: Int, now: NIODeadline) -> TimeAmount {
        var wait = self.requests?.projection(of: ahead.count + 1, now: now) ?? .zero
        if let bucket = self.tokens {
            let sum = ahead.cost.addingReportingOverflow(needed)
            wait = max(wait, bucket.projection(of: sum.overflow ? .max : sum.partialValue, now: now))
        }
        if let gate = self.gate {
            wait = max(wait, gate.projection(inUse: self.holds, ahead: ahead.count) ?? .zero)
        }
        return wait
    }

    mutating func take(tokens: Int, now: NIODeadline) {
        self.requests?.take(1, now: now)
        self.tokens?.take(tokens, now: now)
        self.holds += 1
    }
}
