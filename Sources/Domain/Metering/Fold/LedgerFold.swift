package import Core
package import Database
internal import Glibc
internal import NIOConcurrencyHelpers

/// Brings what the journal says into the ledger, in batches, and lets go of journal that is not needed any more.
///
/// Rows, sums and the cursor are one transaction, so each attempt is in the ledger once, whenever the process dies.
/// While the store does not answer the journal keeps everything, up to its own limit.
package actor LedgerFold {
    /// The pause between two looks, in milliseconds: so old is the newest row of the ledger at most.
    package static let pauseMilliseconds: Int64 = 200
    private static let turnsAnHour = Int(3_600_000 / pauseMilliseconds)
    /// Records that are read at once, some 700 bytes each.
    private static let recordsMax = 1000

    /// What the fold tells and asks.
    package struct Surroundings: Sendable {
        package var now: @Sendable () -> UnixTime
        /// A human should hear of it.
        package var onFault: @Sendable (JournalFault) -> Void
        /// The store cannot be written (with the reason), or can be again (nil); each change once.
        package var onTrouble: @Sendable (String?) -> Void

        package init(
            now: @escaping @Sendable () -> UnixTime,
            onFault: @escaping @Sendable (JournalFault) -> Void = { _ in },
            onTrouble: @escaping @Sendable (String?) -> Void = { _ in }
        ) {
            self.now = now
            self.onFault = onFault
            self.onTrouble = onTrouble
        }
    }

    /// How the fold is doing.
    package struct Status: Sendable, Equatable {
        /// Rows written since the start.
        package var rows: UInt64 = 0
        /// Batches written since the start.
        package var batches: UInt64 = 0
        /// Ends whose intent was lost.
        package var orphans = 0
        /// What keeps the store from being written; nil if nothing does.
        package var trouble: String?
    }

    private let meter: Meter
    private let keeper: JournalKeeper
    private let database: any Database
    private let surroundings: Surroundings
    /// Everything up to here was read.
    private var position: JournalPosition
    private var open = OpenAttempts()
    /// Read and not written yet, with the place behind the last of them.
    private var pending: [Attempt] = []
    /// Journals of processes that are no more, which are not in the ledger whole.
    private var dead: [DeadEpoch] = []
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var status = Status() {
        didSet { self.published.withLockedValue { $0 = self.status } }
    }
    private let published = NIOLockedValueBox(Status())

    /// How it is doing; may be asked from anywhere.
    package nonisolated var progress: Status { self.published.withLockedValue { $0 } }

    /// Takes a journal that nothing was written to yet.
    package init(meter: Meter, keeper: JournalKeeper, database: any Database, surroundings: Surroundings) {
        self.position = keeper.written
        self.meter = meter
        self.keeper = keeper
        self.database = database
        self.surroundings = surroundings
    }

    // MARK: - Life

    /// Folds until cancelled.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        for turn in 1... {
            do {
                try await self.fold()
                self.tell(nil)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                self.tell("\(error)")
            }
            if turn % Self.turnsAnHour == 0 {
                let now = self.surroundings.now()
                self.meter.withState { $0.budgets.prune(at: now) }
            }
            try await Task.sleep(for: .milliseconds(Self.pauseMilliseconds))
        }
    }

    /// Folds everything that was written by now.
    ///
    /// - Throws: `DatabaseError`, `JournalError`; what was not folded is tried again the next time.
    package func fold() async throws {
        try await self.alone {
            try await self.foldDead()
            try await self.foldLiving()
        }
    }

    private func foldLiving() async throws {
        let end = self.keeper.written
        while self.position < end || !self.pending.isEmpty {
            if self.pending.count < LedgerStore.batchMax, self.position < end {
                try await self.read()
                // A batch that is not full is written only once there is nothing more to read.
                if self.pending.count < LedgerStore.batchMax, self.position < end { continue }
            }
            try await self.write()
        }
        try await self.release()
    }

    private func read() async throws {
        let batch = try await self.keeper.read(from: self.position, count: Self.recordsMax)
        for fault in batch.faults { self.surroundings.onFault(fault) }
        guard batch.next > self.position else {
            throw JournalError.system(call: "read", path: self.keeper.path, code: EIO)
        }
        for entry in batch.entries {
            if let attempt = self.open.take(entry) { self.pending.append(attempt) }
        }
        self.position = batch.next
        self.status.orphans = self.open.orphans
    }

    /// Writes what is pending, and that everything read so far is in the ledger.
    private func write() async throws {
        let place = self.position
        let cursor = JournalCursor(epoch: self.meter.epoch, segment: place.segment, offset: place.offset)
        while !self.pending.isEmpty {
            let some = Array(self.pending.prefix(LedgerStore.batchMax))
            // The cursor follows the last of what was read.
            let isLast = some.count == self.pending.count
            let count = try await self.database.write { session in
                try LedgerStore().append(some, cursor: isLast ? cursor : nil, in: session)
            }
            self.pending.removeFirst(some.count)
            self.status.rows += UInt64(count)
            self.status.batches += 1
        }
    }

    /// Lets go of segments that nobody needs; what keeps an old one is written again at the end.
    private func release() async throws {
        // What was carried the last time stands before `position`, so it was read.
        self.open.forgetEnded()
        let current = JournalPosition(segment: self.position.segment, offset: 0)
        for (id, known) in self.open.before(current) {
            // Without room for it the old segment stays, and nothing is lost.
            do { try self.meter.carry(id, known) } catch { break }
        }
        // Those that were carried count from their new place once it was read.
        try await self.keeper.release(upTo: min(self.open.earliest ?? current, current))
    }

    // MARK: - After a crash

    /// Reads the journals of processes that are no more, so that budgets and open attempts are right before anybody
    /// calls.
    ///
    /// They are folded by `run` afterwards.
    ///
    /// - Returns: The claims of clients' keys for whose calls there was an attempt.
    package func recover(_ journals: [DeadJournal]) async throws -> Set<String> {
        var claims: Set<String> = []
        let now = self.surroundings.now()
        for journal in journals {
            let epoch = journal.epoch
            let (cursor, newest) = try await self.database.read { session in
                (try LedgerStore().cursor(of: epoch, in: session), try LedgerStore().newestAttempt(in: session))
            }
            let start = cursor.map { JournalPosition(segment: $0.segment, offset: $0.offset) } ?? .start
            var reading = try DeadEpoch.Reading(journal, from: start, newest: newest ?? AttemptID(.min))
            while let doubtful = try reading.next() {
                let missing = try await self.database.read { try LedgerStore().missing(of: doubtful, in: $0) }
                for attempt in missing { reading.add(attempt) }
            }
            let dead = reading.finish(now: now)
            claims.formUnion(reading.claims)
            for fault in dead.faults { self.surroundings.onFault(fault) }
            self.dead.append(dead)
        }
        return claims
    }

    /// Lets go of the journals of processes that are no more, so that another process can fold what is left of them.
    ///
    /// To be called when `run` has ended.
    package func close() { self.dead = [] }

    /// The epochs that `recover` found.
    package var deadEpochs: [Int64] { self.dead.map(\.journal.epoch) }

    /// What `recover` found: attempts that ended and are not in the ledger, and attempts that the crash interrupted.
    package var recovered: (ended: Int, interrupted: Int) {
        self.dead.reduce((0, 0)) { ($0.0 + $1.endedCount, $0.1 + $1.interrupted.count) }
    }

    private func foldDead() async throws {
        while let dead = self.dead.first {
            self.dead[0].sums = nil
            let reader = try dead.reader()
            while let batch = try reader.next() {
                let count = try await self.database.write { session in
                    try LedgerStore().append(batch.attempts, cursor: batch.cursor, in: session)
                }
                self.status.rows += UInt64(count)
                self.status.batches += 1
            }
            let now = self.surroundings.now()
            let epoch = dead.journal.epoch
            var rest = dead.interrupted[...]
            while !rest.isEmpty {
                let some = Array(rest.prefix(LedgerStore.batchMax))
                self.status.rows += UInt64(
                    try await self.database.write { try LedgerStore().append(some, in: $0) }
                )
                rest = rest.dropFirst(some.count)
            }
            try await self.database.write { try LedgerStore().closeEpoch(epoch, now: now, in: $0) }
            try dead.journal.remove()
            self.dead.removeFirst()
        }
    }

    // MARK: - Budgets

    /// Puts other budgets in force, with what was spent of those that nobody counted so far.
    ///
    /// From the moment the meter has them they count by themselves; what came before is read here, from the ledger and
    /// from the journal beyond it. Until then a new budget knows too little, which lets calls in: for as long as this
    /// takes, a fraction of a second.
    ///
    /// - Throws: `DatabaseError`, `JournalError`; the rules are in force then, and new ones count from now on.
    package func install(_ rules: [BudgetRule]) async throws {
        try await self.alone {
            let now = self.surroundings.now()
            let (fresh, end) = self.meter.use(rules, now: now)
            guard !fresh.isEmpty else { return }
            let start = BudgetBook.start(of: fresh, now: now)
            let found = try await self.database.read { session in
                var sums: [BudgetSum] = []
                try LedgerStore().budgetSums(from: start, in: session) { sums.append($0) }
                return sums
            }
            let unfolded = self.dead.flatMap { $0.sums ?? [] }
            self.meter.withState { state in
                for sum in found { state.budgets.load(sum, into: fresh) }
                for sum in unfolded { state.budgets.load(sum, into: fresh) }
            }
            try await self.forEachUnfolded(upTo: end) { attempts in
                self.meter.withState { state in
                    for attempt in attempts { state.budgets.load(attempt, into: fresh) }
                }
            }
            self.meter.withState { $0.budgets.settleAlerts() }
        }
    }

    /// Gives the attempts that ended before a place in the journal and are not in the ledger, some at a time; of dead
    /// journals those that are not in their `sums`.
    ///
    /// A cursor follows the rows of several transactions, so the ledger may have more than cursors say; each attempt is
    /// looked for there, or the budgets would count it twice.
    private func forEachUnfolded(upTo end: JournalPosition, _ body: ([Attempt]) -> Void) async throws {
        func give(_ attempts: [Attempt]) async throws {
            guard !attempts.isEmpty else { return }
            body(try await self.database.read { try LedgerStore().missing(of: attempts, in: $0) })
        }
        for dead in self.dead {
            if dead.sums == nil {
                let reader = try dead.reader()
                while let batch = try reader.next() { try await give(batch.attempts) }
            }
            try await give(dead.interrupted)
        }
        try await give(self.pending)
        var open = self.open
        var position = self.position
        while position < end {
            let batch = try await self.keeper.read(from: position, count: Self.recordsMax)
            try await give(batch.entries.filter { $0.position < end }.compactMap { open.take($0) })
            guard batch.next > position else { break }
            position = batch.next
        }
    }

    // MARK: - One at a time

    private func tell(_ trouble: String?) {
        guard trouble != self.status.trouble else { return }
        self.status.trouble = trouble
        self.surroundings.onTrouble(trouble)
    }

    /// Runs `body` when nobody else does.
    private func alone<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        while self.isBusy { await withCheckedContinuation { self.waiting.append($0) } }
        self.isBusy = true
        defer {
            self.isBusy = false
            let waiting = self.waiting
            self.waiting = []
            for one in waiting { one.resume() }
        }
        return try await body()
    }
}
