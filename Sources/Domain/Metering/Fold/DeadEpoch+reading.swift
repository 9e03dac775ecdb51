internal import Core

extension DeadEpoch {
    /// The one reading of a whole journal at the start.
    struct Reading {
        /// Sums beyond this are not kept: budgets read the journal once more then.
        private static let sumsMax = 100_000

        private struct Key: Hashable {
            var hour: UnixTime
            var consumer: Consumer
        }

        private let journal: DeadJournal
        private let start: JournalPosition
        private let newest: AttemptID
        private let reader: JournalReader
        private var open = OpenAttempts()
        private var endedCount = 0
        private var sums: [Key: BudgetBook.Need]? = [:]
        /// The claims of all attempts.
        private(set) var claims: Set<String> = []

        /// - Parameters:
        ///   - start: How far the ledger has it.
        ///   - newest: The highest attempt in the ledger: up to it, those behind `start` may be there too.
        init(_ journal: DeadJournal, from start: JournalPosition, newest: AttemptID) throws(JournalError) {
            self.journal = journal
            self.start = start
            self.newest = newest
            self.reader = try journal.reader()
        }

        /// Reads on, and gives attempts that may be in the ledger already, to be looked for there; nil at the end.
        ///
        /// Those that are not there are for `add`; all others were added.
        mutating func next() throws(JournalError) -> [Attempt]? {
            var doubtful: [Attempt] = []
            while doubtful.count < LedgerStore.batchMax, let entry = try self.reader.next() {
                switch entry.record {
                case .intent(_, let intent), .carried(_, let intent, _):
                    if !intent.idempotencyClaim.isEmpty { self.claims.insert(intent.idempotencyClaim) }
                case .checkpoint, .end: break
                }
                guard let attempt = self.open.take(entry), entry.position >= self.start else { continue }
                self.endedCount += 1
                if attempt.id <= self.newest { doubtful.append(attempt) } else { self.add(attempt) }
            }
            return doubtful.isEmpty ? nil : doubtful
        }

        /// Counts an attempt that is not in the ledger.
        mutating func add(_ attempt: Attempt) {
            guard attempt.end.isCharged, self.sums != nil else { return }
            let hour = UsageHourKey.start(of: attempt.intent.startedAt)
            self.sums?[Key(hour: hour, consumer: attempt.intent.consumer), default: .init()].add(.init(attempt.end))
            if (self.sums?.count ?? 0) > Self.sumsMax { self.sums = nil }
        }

        /// - Parameter now: When interrupted attempts are said to have ended.
        mutating func finish(now: UnixTime) -> DeadEpoch {
            DeadEpoch(
                journal: self.journal,
                start: self.start,
                endedCount: self.endedCount,
                interrupted: self.open.interrupt(at: now),
                faults: self.reader.faults,
                sums: self.sums?.map { key, used in
                    BudgetSum(
                        hour: key.hour,
                        consumer: key.consumer,
                        charged: used.money,
                        requests: used.requests,
                        tokens: used.tokens
                    )
                }
            )
        }
    }
}

extension BudgetBook.Need {
    /// Adds what another call used; beyond what fits it stays at the most there can be.
    fileprivate mutating func add(_ other: Self) {
        func sum(_ left: Int64, _ right: Int64) -> Int64 {
            let (sum, isOver) = left.addingReportingOverflow(right)
            return isOver ? .max : sum
        }
        self.money = MicroDollars(sum(self.money.value, other.money.value))
        self.requests = sum(self.requests, other.requests)
        self.tokens = sum(self.tokens, other.tokens)
    }
}

@available(*, unavailable)
extension DeadEpoch.Reading: Sendable {}
