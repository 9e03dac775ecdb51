package import Core

/// What was spent and set aside in every budget.
///
/// A value that lives inside one lock: to look and to reserve is one step, so calls at the same time cannot overspend
/// together (rows 69, 70). Counters are kept by window, named by its start; `spent` is what the ledger sums up to,
/// with what the journal holds beyond it.
package struct BudgetBook: Sendable {
    package struct Counter: Sendable, Equatable {
        package var spent: Int64 = 0
        package var reserved: Int64 = 0
        /// The highest percentage that was warned of, by the rule's name.
        var warned: [String: Int] = [:]
    }

    /// One counter: what is counted, for whom, and in which window.
    package struct CounterKey: Sendable, Hashable {
        package var line: BudgetLine
        package var subject: Scope.Subject
        package var windowStart: UnixTime

        package init(line: BudgetLine, subject: Scope.Subject, windowStart: UnixTime) {
            self.line = line
            self.subject = subject
            self.windowStart = windowStart
        }
    }

    /// What one call has set aside.
    package struct Reservation: Sendable {
        struct Part: Sendable {
            var key: CounterKey
            var amount: Int64
        }

        /// One for each counter that is about the call, with an amount of 0 where nothing had to be set aside.
        var parts: [Part] = []
        /// The rules it was made under.
        var generation = 0

        /// What is set aside in money, in its largest part.
        package var money: MicroDollars {
            MicroDollars(self.parts.filter { $0.key.line.unit == .money }.map(\.amount).max() ?? 0)
        }
    }

    /// How much of each unit a call may need at most.
    package struct Need: Sendable, Equatable {
        package var money: MicroDollars
        package var requests: Int64
        package var tokens: Int64

        package init(money: MicroDollars = .zero, requests: Int64 = 0, tokens: Int64 = 0) {
            self.money = money
            self.requests = requests
            self.tokens = tokens
        }

        package subscript(unit: BudgetUnit) -> Int64 {
            switch unit {
            case .money: self.money.value
            case .requests: self.requests
            case .tokens: self.tokens
            }
        }
    }

    package private(set) var rules: [BudgetRule] = []
    private var index = ScopeIndex([])
    /// Counts how often the rules were replaced.
    private var generation = 0
    private var counters: [CounterKey: Counter] = [:]
    /// The earliest windows whose sums were read; what is before counts in them.
    private var oldest: [BudgetLine: UnixTime] = [:]

    package init() {}

    package var isEmpty: Bool { self.rules.isEmpty }

    /// Puts other rules in force.
    ///
    /// - Returns: What has to be counted anew with `load`, because no rule before did.
    package mutating func use(_ rules: [BudgetRule], now: UnixTime) -> [BudgetLine] {
        self.rules = rules
        self.generation += 1
        self.index = ScopeIndex(rules.map(\.scope))
        let lines = Set(rules.map(\.line))
        self.counters = self.counters.filter { lines.contains($0.key.line) || $0.value.reserved > 0 }
        self.oldest = self.oldest.filter { lines.contains($0.key) }
        let fresh = lines.filter { self.oldest[$0] == nil }
        for line in fresh { self.oldest[line] = line.window.start(at: now) }
        return Array(fresh)
    }

    /// Adds what was spent before the line was counted here: sums of the ledger and of the journal beyond it.
    package mutating func load(_ amount: Int64, _ key: CounterKey) {
        self.counters[key, default: Counter()].spent = Self.sum(self.counters[key]?.spent ?? 0, amount)
    }

    /// Notes what is past already, so that a restart does not warn again.
    package mutating func settleAlerts() {
        for rule in self.rules {
            for (key, counter) in self.counters where key.line == rule.line {
                let passed = rule.alerts.last { Self.hasPassed($0, counter.spent, of: rule.limit) }
                self.counters[key]?.warned[rule.name] = passed
            }
        }
    }

    // MARK: - Reserve and settle

    /// The smallest rest of all hard money budgets that are about `consumer`; nil if there is none.
    package func rest(for consumer: Consumer, at time: UnixTime) -> MicroDollars? {
        guard !self.rules.isEmpty else { return nil }
        var rest: Int64?
        for position in self.matches(consumer) {
            let rule = self.rules[position]
            guard rule.mode == .hard, rule.unit == .money, let key = self.key(rule, consumer, time) else { continue }
            let counter = self.counters[key] ?? Counter()
            let left = Self.rest(of: rule.limit, counter)
            rest = min(rest ?? left, left)
        }
        return rest.map { MicroDollars(max(0, $0)) }
    }

    /// Sets `need` aside in every budget about `consumer`, or in none.
    ///
    /// - Throws: `BudgetRefusal` for the hard budget that has the least left.
    package mutating func reserve(
        _ need: Need,
        for consumer: Consumer,
        at time: UnixTime
    ) throws(BudgetRefusal) -> Reservation {
        guard !self.rules.isEmpty else { return Reservation() }
        var reservation = Reservation(generation: self.generation)
        var refusal: (left: Int64, refusal: BudgetRefusal)?
        for position in self.matches(consumer) {
            let rule = self.rules[position]
            guard let key = self.key(rule, consumer, time) else { continue }
            let counter = self.counters[key] ?? Counter()
            let amount = max(0, need[rule.unit])
            let left = Self.rest(of: rule.limit, counter)
            // What costs nothing passes even where everything is spent.
            if rule.mode == .hard, amount > 0, amount > left, left < refusal?.left ?? .max {
                refusal = (left, self.refusal(rule, key, counter, needing: amount))
            }
            if !reservation.parts.contains(where: { $0.key == key }) {
                reservation.parts.append(Reservation.Part(key: key, amount: amount))
            }
        }
        if let refusal { throw refusal.refusal }
        for part in reservation.parts {
            self.counters[part.key, default: Counter()].reserved = Self.sum(
                self.counters[part.key]?.reserved ?? 0,
                part.amount
            )
        }
        return reservation
    }

    /// Sets more aside for a call that runs already.
    ///
    /// - Returns: Whether it fits into every hard budget; nothing was set aside otherwise.
    package mutating func extend(_ reservation: inout Reservation, byMoney amount: MicroDollars) -> Bool {
        let positions = reservation.parts.indices.filter { reservation.parts[$0].key.line.unit == .money }
        for position in positions {
            let key = reservation.parts[position].key
            let limit = self.rules.filter { $0.mode == .hard && $0.line == key.line }.map(\.limit).min()
            guard let limit else { continue }
            if amount.value > Self.rest(of: limit, self.counters[key] ?? Counter()) { return false }
        }
        for position in positions {
            let part = reservation.parts[position]
            reservation.parts[position].amount = Self.sum(part.amount, amount.value)
            self.counters[part.key, default: Counter()].reserved = Self.sum(
                self.counters[part.key]?.reserved ?? 0,
                amount.value
            )
        }
        return true
    }

    /// Gives back what was set aside and counts what was used; `Need()` for a call that used nothing.
    ///
    /// What is counted goes by the rules of now: a budget that is younger than the call counts it too.
    ///
    /// - Returns: The thresholds that this passed.
    package mutating func settle(
        _ reservation: Reservation,
        of consumer: Consumer,
        at time: UnixTime,
        used: Need
    ) -> [BudgetAlert] {
        for part in reservation.parts where part.amount != 0 {
            let reserved = self.counters[part.key]?.reserved ?? 0
            self.counters[part.key]?.reserved = max(0, reserved &- part.amount)
        }
        guard used != Need(), !self.rules.isEmpty else { return [] }
        var alerts: [BudgetAlert] = []
        for key in self.keys(reservation, consumer, time) { self.count(used[key.line.unit], key, &alerts) }
        return alerts
    }

    /// The counters that are about a call, each once.
    private func keys(_ reservation: Reservation, _ consumer: Consumer, _ time: UnixTime) -> [CounterKey] {
        if reservation.generation == self.generation { return reservation.parts.map(\.key) }
        return Array(Set(self.matches(consumer).compactMap { self.key(self.rules[$0], consumer, time) }))
    }

    private mutating func count(_ amount: Int64, _ key: CounterKey, _ alerts: inout [BudgetAlert]) {
        guard amount > 0 else { return }
        var counter = self.counters[key] ?? Counter()
        counter.spent = Self.sum(counter.spent, amount)
        for rule in self.rules where !rule.alerts.isEmpty && rule.line == key.line {
            let warned = counter.warned[rule.name] ?? 0
            guard let percent = rule.alerts.last(where: { Self.hasPassed($0, counter.spent, of: rule.limit) }),
                percent > warned
            else { continue }
            counter.warned[rule.name] = percent
            alerts.append(
                BudgetAlert(
                    rule: rule,
                    subject: key.subject,
                    percent: percent,
                    spent: counter.spent,
                    renewsAt: rule.window.end(from: key.windowStart)
                )
            )
        }
        self.counters[key] = counter
    }

    // MARK: - Looking

    /// How each budget about a subject stands, those that nothing was spent in left out unless they name one subject.
    package func standings(at time: UnixTime) -> [Standing] {
        var standings: [Standing] = []
        for rule in self.rules {
            let start = self.windowStart(rule.line, time)
            for (key, counter) in self.counters where key.line == rule.line && key.windowStart == start {
                standings.append(self.standing(rule, key, counter))
            }
            let isCounted = self.counters.keys.contains { $0.line == rule.line && $0.windowStart == start }
            if !isCounted, let subject = rule.scope.onlySubject {
                let key = CounterKey(line: rule.line, subject: subject, windowStart: start)
                standings.append(self.standing(rule, key, Counter()))
            }
        }
        return standings
    }

    /// How one budget stands for one subject.
    package struct Standing: Sendable, Equatable {
        package var rule: BudgetRule
        package var subject: Scope.Subject
        package var spent: Int64
        package var reserved: Int64
        package var windowStart: UnixTime
        package var renewsAt: UnixTime?
    }

    /// What is set aside in all budgets together; 0 when no call is under way (I2).
    package var reservedTotal: Int64 { self.counters.values.reduce(0) { Self.sum($0, $1.reserved) } }

    /// Lets go of counters of windows that are over and that nothing is set aside in.
    package mutating func prune(at time: UnixTime) {
        self.counters = self.counters.filter { key, counter in
            counter.reserved > 0 || (key.line.window.end(from: key.windowStart).map { $0 > time } ?? true)
        }
    }

    private func standing(_ rule: BudgetRule, _ key: CounterKey, _ counter: Counter) -> Standing {
        Standing(
            rule: rule,
            subject: key.subject,
            spent: counter.spent,
            reserved: counter.reserved,
            windowStart: key.windowStart,
            renewsAt: rule.window.end(from: key.windowStart)
        )
    }

    private func refusal(
        _ rule: BudgetRule,
        _ key: CounterKey,
        _ counter: Counter,
        needing amount: Int64
    ) -> BudgetRefusal {
        BudgetRefusal(
            rule: rule,
            subject: key.subject,
            spent: counter.spent,
            reserved: counter.reserved,
            needed: amount,
            renewsAt: rule.window.end(from: key.windowStart)
        )
    }

    /// The window of a sum that is loaded; nil if it was over before the line was first counted.
    func window(of line: BudgetLine, at time: UnixTime) -> UnixTime? {
        let start = line.window.start(at: time)
        return start >= self.oldest[line] ?? start ? start : nil
    }

    /// The window that a moment counts in: a clock that jumped to before all that was read counts in the first window.
    private func windowStart(_ line: BudgetLine, _ time: UnixTime) -> UnixTime {
        max(line.window.start(at: time), self.oldest[line] ?? UnixTime(milliseconds: 0))
    }

    /// Positions of the rules that are about a consumer.
    private func matches(_ consumer: Consumer) -> [Int] {
        var found: [Int] = []
        self.index.match(consumer, into: &found)
        return found
    }

    private func key(_ rule: BudgetRule, _ consumer: Consumer, _ time: UnixTime) -> CounterKey? {
        rule.scope.subject(of: consumer).map {
            CounterKey(line: rule.line, subject: $0, windowStart: self.windowStart(rule.line, time))
        }
    }

    private static func rest(of limit: Int64, _ counter: Counter) -> Int64 {
        let (left, isOver) = limit.subtractingReportingOverflow(Self.sum(counter.spent, counter.reserved))
        return isOver ? .min : left
    }

    /// A sum that stays at the ends of its range.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isOver) = left.addingReportingOverflow(right)
        guard isOver else { return sum }
        return right < 0 ? .min : .max
    }

    private static func hasPassed(_ percent: Int, _ spent: Int64, of limit: Int64) -> Bool {
        let (high, low) = limit.multipliedFullWidth(by: Int64(percent))
        let (left, leftLow) = spent.multipliedFullWidth(by: 100)
        return left > high || (left == high && leftLow >= low)
    }
}
