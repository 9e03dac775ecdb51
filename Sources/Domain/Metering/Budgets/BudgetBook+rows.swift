internal import Core

extension BudgetBook {
    struct Counter: Sendable {
        let place: Place
        var spent: Int64 = 0
        var reserved: Int64 = 0
        /// The highest percentage that was warned of, by the rule's name.
        var warned: [String: Int] = [:]
        /// How often `prune` found its window over.
        var age = 0

        init(place: Place) { self.place = place }

        mutating func setAside(_ amount: Int64) { self.reserved = BudgetBook.sum(self.reserved, amount) }
        mutating func free(_ amount: Int64) { self.reserved = max(0, self.reserved &- amount) }
    }

    /// One counter of a row: for whom, and in which window.
    ///
    /// Hashes its texts once, however often the table grows.
    struct Place: Sendable, Hashable {
        let subject: Scope.Subject
        let windowStart: UnixTime
        private let digest: Int

        init(subject: Scope.Subject, windowStart: UnixTime) {
            self.subject = subject
            self.windowStart = windowStart
            var hasher = Hasher()
            hasher.combine(windowStart)
            for value in subject.values where !value.isEmpty { hasher.combine(value) }
            self.digest = hasher.finalize()
        }

        func hash(into hasher: inout Hasher) { hasher.combine(self.digest) }
    }

    /// All counters of one line; rules that differ in name, limit or mode alone share it.
    struct Row: Sendable {
        let line: BudgetLine
        /// The earliest window whose sums were read; what is before counts in it.
        private(set) var oldest: UnixTime
        /// The rules of now that it is for.
        var rules: [BudgetRule] = []
        /// A call finds its counters once, and keeps their positions for as long as none is taken away.
        var counters: [Counter] = []
        private var positions: [Place: Int] = [:]

        init(line: BudgetLine, oldest: UnixTime, rules: [BudgetRule]) {
            self.line = line
            self.oldest = oldest
            self.rules = rules
        }

        /// Counts from nothing again, for rules that were gone for a while: what was spent meanwhile is not known here.
        mutating func begin(at now: UnixTime) {
            self.oldest = self.line.window.start(at: now)
            for position in self.counters.indices {
                self.counters[position].spent = 0
                self.counters[position].warned = [:]
            }
        }

        /// The position of a counter, which is made if it is not there.
        mutating func position(of place: Place) -> Int {
            if let position = self.positions[place] { return position }
            self.positions[place] = self.counters.count
            self.counters.append(Counter(place: place))
            return self.counters.count - 1
        }

        /// Takes counters away; all positions may be others then.
        ///
        /// - Returns: Whether there were any to take.
        mutating func remove(where isOver: (Counter) -> Bool) -> Bool {
            let count = self.counters.count
            self.counters.removeAll(where: isOver)
            guard self.counters.count < count else { return false }
            self.positions = [:]
            for (position, counter) in self.counters.enumerated() { self.positions[counter.place] = position }
            return true
        }
    }
}
