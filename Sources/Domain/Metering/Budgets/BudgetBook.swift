package import Core

/// What was spent and set aside in every budget.
///
/// A value that lives inside one lock: to look and to reserve is one step, so calls at the same time cannot overspend
/// together (rows 69, 70). Counters are kept by window, named by its start; `spent` is what the ledger sums up to,
/// with what the journal holds beyond it.
package struct BudgetBook: Sendable {
    /// What one call has set aside.
    package struct Reservation: Sendable {
        struct Part: Sendable {
            var row: Int
            var place: Place
            /// Of the counter in its row; right as long as `Reservation.shape` is the book's.
            var counter: Int
            var unit: BudgetUnit
            var amount: Int64
        }

        /// One for each counter that is about the call, with an amount of 0 where nothing had to be set aside.
        var parts: [Part] = []
        /// The rules it was made under.
        var generation = 0
        /// The book's when it was made.
        var shape = 0

        /// What is set aside in money, in its largest part.
        package var money: MicroDollars {
            MicroDollars(self.parts.lazy.filter { $0.unit == .money }.map(\.amount).max() ?? 0)
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
    /// Finds the rows that are about a call, by their positions in `active`.
    private var index = ScopeIndex([])
    private var active: [Int] = []
    /// Rows of rules that are gone stay as long as something is set aside in them.
    private(set) var rows: [Row] = []
    /// Counts how often the rules were replaced.
    private var generation = 0
    /// Counts how often counters were taken away.
    private var shape = 0

    package init() {}

    package var isEmpty: Bool { self.rules.isEmpty }

    /// Puts other rules in force.
    ///
    /// - Returns: What has to be counted anew with `load`, because no rule before did.
    package mutating func use(_ rules: [BudgetRule], now: UnixTime) -> [BudgetLine] {
        self.rules = rules
        self.generation += 1
        let counting = Set(self.rows.indices.filter { !self.rows[$0].rules.isEmpty })
        for row in self.rows.indices { self.rows[row].rules = [] }
        var fresh: [BudgetLine] = []
        for rule in rules {
            let line = rule.line
            if let row = self.rows.firstIndex(where: { $0.line == line }) {
                if !counting.contains(row), self.rows[row].rules.isEmpty {
                    fresh.append(line)
                    self.rows[row].begin(at: now)
                }
                self.rows[row].rules.append(rule)
            } else {
                fresh.append(line)
                self.rows.append(Row(line: line, oldest: line.window.start(at: now), rules: [rule]))
            }
        }
        for row in self.rows.indices where self.rows[row].rules.isEmpty {
            if self.rows[row].remove(where: { $0.reserved == 0 }) { self.shape += 1 }
        }
        // Positions of rows are in reservations, so only the last ones can go.
        while let last = self.rows.last, last.rules.isEmpty, last.counters.isEmpty { self.rows.removeLast() }
        self.active = self.rows.indices.filter { !self.rows[$0].rules.isEmpty }
        self.index = ScopeIndex(self.active.map { self.rows[$0].line.scope })
        return fresh
    }

    /// Adds what was spent before the line was counted here: a sum of the ledger, or of the journal beyond it.
    ///
    /// What was spent in a window that was over by then does not matter.
    package mutating func load(_ used: Need, of consumer: Consumer, at time: UnixTime, into lines: [BudgetLine]) {
        for row in self.rows.indices where lines.contains(self.rows[row].line) {
            let line = self.rows[row].line
            let start = line.window.start(at: time)
            guard start >= self.rows[row].oldest, let subject = line.scope.subject(of: consumer) else { continue }
            let place = Place(subject: subject, windowStart: start)
            let position = self.rows[row].position(of: place)
            let spent = self.rows[row].counters[position].spent
            self.rows[row].counters[position].spent = Self.sum(spent, max(0, used[line.unit]))
        }
    }

    /// Notes what is past already, so that a restart does not warn again.
    package mutating func settleAlerts() {
        for row in self.rows.indices {
            for position in self.rows[row].counters.indices {
                for rule in self.rows[row].rules {
                    let spent = self.rows[row].counters[position].spent
                    let passed = rule.alerts.last { Self.hasPassed($0, spent, of: rule.limit) }
                    self.rows[row].counters[position].warned[rule.name] = passed
                }
            }
        }
    }

    // MARK: - Reserve and settle

    /// The counters that are about a call, with nothing set aside in them.
    package mutating func claims(of consumer: Consumer, at time: UnixTime) -> Reservation {
        var claims = Reservation(generation: self.generation, shape: self.shape)
        var found: [Int] = []
        self.index.match(consumer, into: &found)
        claims.parts.reserveCapacity(found.count)
        for position in found {
            let row = self.active[position]
            let line = self.rows[row].line
            guard let subject = line.scope.subject(of: consumer) else { continue }
            // A clock that jumped to before all that was read counts in the first window (row 80).
            let start = max(line.window.start(at: time), self.rows[row].oldest)
            let place = Place(subject: subject, windowStart: start)
            let counter = self.rows[row].position(of: place)
            claims.parts.append(.init(row: row, place: place, counter: counter, unit: line.unit, amount: 0))
        }
        return claims
    }

    /// The smallest rest of all hard money budgets among `claims`; nil if there is none.
    package mutating func rest(_ claims: Reservation) -> MicroDollars? {
        var rest: Int64?
        for part in claims.parts where part.unit == .money {
            for rule in self.rows[part.row].rules where rule.mode == .hard {
                let left = Self.rest(of: rule.limit, self.counter(of: part, claims))
                rest = min(rest ?? left, left)
            }
        }
        return rest.map { MicroDollars(max(0, $0)) }
    }

    /// Sets `need` aside in each of `claims`, or in none.
    ///
    /// - Throws: `BudgetRefusal` for the hard budget that has the least left.
    package mutating func reserve(_ need: Need, _ claims: inout Reservation) throws(BudgetRefusal) {
        var refusal: (left: Int64, refusal: BudgetRefusal)?
        for position in claims.parts.indices {
            let part = claims.parts[position]
            let amount = max(0, need[part.unit])
            claims.parts[position].amount = amount
            // What costs nothing passes even where everything is spent.
            guard amount > 0 else { continue }
            let counter = self.counter(of: part, claims)
            for rule in self.rows[part.row].rules where rule.mode == .hard {
                let left = Self.rest(of: rule.limit, counter)
                if amount > left, left < refusal?.left ?? .max {
                    refusal = (left, self.refusal(rule, part.place, counter, needing: amount))
                }
            }
        }
        if let refusal { throw refusal.refusal }
        for part in claims.parts where part.amount > 0 {
            self.rows[part.row].counters[self.position(of: part, claims)].setAside(part.amount)
        }
    }

    /// Sets more aside for a call that runs already.
    ///
    /// - Returns: Whether it fits into every hard budget; nothing was set aside otherwise.
    package mutating func extend(_ reservation: inout Reservation, byMoney amount: MicroDollars) -> Bool {
        let isOfNow = reservation.generation == self.generation
        // A row that nothing is set aside in may be gone with its rules.
        let parts = reservation.parts.indices.filter { position in
            let part = reservation.parts[position]
            return part.unit == .money && (isOfNow || part.amount > 0)
        }
        for part in parts.map({ reservation.parts[$0] }) {
            let counter = self.counter(of: part, reservation)
            for rule in self.rows[part.row].rules where rule.mode == .hard {
                if amount.value > Self.rest(of: rule.limit, counter) { return false }
            }
        }
        for position in parts {
            let part = reservation.parts[position]
            self.rows[part.row].counters[self.position(of: part, reservation)].setAside(amount.value)
            reservation.parts[position].amount = Self.sum(reservation.parts[position].amount, amount.value)
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
        for part in reservation.parts where part.amount > 0 {
            self.rows[part.row].counters[self.position(of: part, reservation)].free(part.amount)
        }
        guard used != Need(), !self.rules.isEmpty else { return [] }
        var alerts: [BudgetAlert] = []
        let isOfNow = reservation.generation == self.generation
        let claims = isOfNow ? reservation : self.claims(of: consumer, at: time)
        for part in claims.parts where used[part.unit] > 0 {
            self.count(used[part.unit], part, at: self.position(of: part, claims), &alerts)
        }
        return alerts
    }

    /// Where the counter of a part stands now.
    private mutating func position(of part: Reservation.Part, _ reservation: Reservation) -> Int {
        reservation.shape == self.shape ? part.counter : self.rows[part.row].position(of: part.place)
    }

    private mutating func counter(of part: Reservation.Part, _ reservation: Reservation) -> Counter {
        let position = self.position(of: part, reservation)
        return self.rows[part.row].counters[position]
    }

    private mutating func count(
        _ amount: Int64,
        _ part: Reservation.Part,
        at position: Int,
        _ alerts: inout [BudgetAlert]
    ) {
        let spent = Self.sum(self.rows[part.row].counters[position].spent, amount)
        self.rows[part.row].counters[position].spent = spent
        for rule in self.rows[part.row].rules where !rule.alerts.isEmpty {
            guard let percent = rule.alerts.last(where: { Self.hasPassed($0, spent, of: rule.limit) }),
                percent > self.rows[part.row].counters[position].warned[rule.name] ?? 0
            else { continue }
            self.rows[part.row].counters[position].warned[rule.name] = percent
            alerts.append(
                BudgetAlert(
                    rule: rule,
                    subject: part.place.subject,
                    percent: percent,
                    spent: spent,
                    renewsAt: rule.window.end(from: part.place.windowStart)
                )
            )
        }
    }

    private func refusal(
        _ rule: BudgetRule,
        _ place: Place,
        _ counter: Counter,
        needing amount: Int64
    ) -> BudgetRefusal {
        BudgetRefusal(
            rule: rule,
            subject: place.subject,
            spent: counter.spent,
            reserved: counter.reserved,
            needed: amount,
            renewsAt: rule.window.end(from: place.windowStart)
        )
    }

    /// How often a window must be found over before its counters go.
    package static let ageMax = 192

    /// Lets go of counters of windows that have long been over; to be called once an hour.
    ///
    /// By hours of this process and not by the clock, so that one that jumps ahead and back finds everything that was
    /// spent: it would have to be wrong for eight days (row 80).
    package mutating func prune(at time: UnixTime) {
        for row in self.rows.indices {
            let current = max(self.rows[row].line.window.start(at: time), self.rows[row].oldest)
            for position in self.rows[row].counters.indices
            where self.rows[row].counters[position].place.windowStart != current {
                self.rows[row].counters[position].age += 1
            }
            if self.rows[row].remove(where: { $0.reserved == 0 && $0.age > Self.ageMax }) { self.shape += 1 }
        }
    }

    // MARK: - Arithmetic

    private static func rest(of limit: Int64, _ counter: Counter) -> Int64 {
        let (left, isOver) = limit.subtractingReportingOverflow(Self.sum(counter.spent, counter.reserved))
        return isOver ? .min : left
    }

    /// A sum that stays at the ends of its range.
    static func sum(_ left: Int64, _ right: Int64) -> Int64 {
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
