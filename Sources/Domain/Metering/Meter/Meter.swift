internal import Chat
package import Core
internal import NIOConcurrencyHelpers
internal import Synchronization

/// Where calls are accounted for: budgets and the journal, under one lock.
///
/// A reservation and its intent, a settlement and its end are one step each, so that what the journal says is what the
/// budgets count, whenever the process dies. The lock is held for a fraction of a microsecond; nothing inside waits.
package final class Meter: Sendable {
    /// What the meter counts about itself.
    package struct Counts: Sendable, Equatable {
        /// Attempts begun and not settled.
        package var open = 0
        package var begun: UInt64 = 0
        /// Calls that a budget did not let in.
        package var refused: UInt64 = 0
        /// Answers that were ended because a budget was used up.
        package var cut: UInt64 = 0
        /// Attempts whose figures cannot be what was asked for (row 78).
        package var absurd: UInt64 = 0
        /// Attempts that were billed by an estimate.
        package var estimated: UInt64 = 0
        /// Calls that were refused because there was no room to write them down.
        package var withoutRoom: UInt64 = 0
    }

    struct State: Sendable {
        var budgets = BudgetBook()
        var journal: JournalWriter
        var counts = Counts()
    }

    package let epoch: Int64
    /// Whether a call waits until its intent is on the disk (`ledger.durability: power`).
    package let awaitsDisk: Bool
    private let state: NIOLockedValueBox<State>
    /// Numbers the attempts of this epoch.
    private let counter = Atomic<Int64>(0)
    /// Spares calls a second turn of the lock where there are no budgets.
    private let hasBudgets = Atomic<Bool>(false)
    private let encoder: JournalEncoder
    private let keeper: JournalKeeper
    private let onAlert: @Sendable (BudgetAlert) -> Void

    /// - Parameters:
    ///   - journal: The writing end of this epoch's journal; nobody else may write.
    ///   - encoder: Makes its records.
    ///   - onAlert: Called without the lock, for each threshold that is passed.
    package init(
        epoch: Int64,
        journal: JournalWriter,
        encoder: JournalEncoder,
        keeper: JournalKeeper,
        awaitsDisk: Bool = false,
        onAlert: @escaping @Sendable (BudgetAlert) -> Void = { _ in }
    ) {
        self.epoch = epoch
        self.awaitsDisk = awaitsDisk
        self.encoder = encoder
        self.keeper = keeper
        self.onAlert = onAlert
        self.state = NIOLockedValueBox(State(journal: journal))
    }

    // MARK: - The life of an attempt

    /// Sets aside what the attempt can cost and writes its intent into the journal.
    ///
    /// When this returns, the intent outlives the process.
    ///
    /// - Parameter intent: All but `reserved` and `outputMax`, which are decided here.
    /// - Throws: `MeterRefusal`; nothing is set aside or written then.
    package func begin(_ intent: consuming AttemptIntent, _ size: AttemptSize) throws(MeterRefusal) -> OpenAttempt {
        let id = AttemptID(epoch: self.epoch, counter: self.counter.add(1, ordering: .relaxed).newValue)
        let (grant, reservation) = try self.reserve(intent, size)
        intent.reserved = reservation.money
        if let limit = grant?.limit { intent.outputMax = limit * max(1, size.choices) }
        // Encoded outside of the lock, which is then held for a copy only.
        let position: JournalPosition
        do throws(JournalError) {
            let record = try self.encoder.intent(id, intent)
            position = try self.append(record)
        } catch {
            self.state.withLockedValue { state in
                let (consumer, time) = (intent.consumer, intent.startedAt)
                _ = state.budgets.settle(reservation, of: consumer, at: time, used: BudgetBook.Need())
                state.counts.withoutRoom += 1
            }
            throw .storageFull
        }
        return OpenAttempt(
            id: id,
            intent: intent,
            reservation: reservation,
            position: position,
            outputLimit: grant?.limit,
            outputPaid: grant?.paid
        )
    }

    /// Appends an intent.
    private func append(_ record: EncodedRecord) throws(JournalError) -> JournalPosition {
        try self.locked { state throws(JournalError) in
            let position = try state.journal.append(record)
            state.counts.begun += 1
            state.counts.open += 1
            return position
        }
    }

    private func reserve(
        _ intent: AttemptIntent,
        _ size: AttemptSize
    ) throws(MeterRefusal) -> (OutputGrant?, BudgetBook.Reservation) {
        guard self.hasBudgets.load(ordering: .relaxed), !intent.isShadow else {
            return (nil, BudgetBook.Reservation())
        }
        return try self.locked { state throws(MeterRefusal) in
            do throws(BudgetRefusal) {
                return try Self.reserve(intent, size, &state)
            } catch {
                state.counts.refused += 1
                throw .budget(error)
            }
        }
    }

    private static func reserve(
        _ intent: AttemptIntent,
        _ size: AttemptSize,
        _ state: inout State
    ) throws(BudgetRefusal) -> (OutputGrant?, BudgetBook.Reservation) {
        var grant: OutputGrant?
        var reservation = state.budgets.claims(of: intent.consumer, at: intent.startedAt)
        // What cannot be paid for is asked for all the same, so that the refusal names its budget.
        var money = MicroDollars.zero
        if let rest = state.budgets.rest(reservation) {
            grant = OutputGrant.make(size, rates: intent.rates, rest: rest)
            money = grant?.cost ?? max(rest + MicroDollars(1), OutputGrant.least(size, rates: intent.rates))
        }
        let output = grant?.limit.map { $0 * max(1, size.choices) } ?? intent.outputMax ?? 0
        let need = BudgetBook.Need(
            money: money,
            requests: 1,
            tokens: Int64(clamping: intent.inputEstimate) + Int64(clamping: min(output, 1 << 40))
        )
        try state.budgets.reserve(need, &reservation)
        return (grant, reservation)
    }

    /// Notes how far a long answer has come, and sets more aside where it outgrows what is paid for.
    ///
    /// - Returns: False if it outgrew what is paid for and nothing more can be set aside: end it.
    package func note(_ checkpoint: AttemptCheckpoint, of attempt: OpenAttempt) -> Bool {
        let record = self.encoder.checkpoint(attempt.id, checkpoint)
        return self.state.withLockedValue { state in
            // Room is kept for these; where there is none all the same, the end will say what this would have.
            _ = try? state.journal.append(record)
            guard let paid = attempt.outputPaid, attempt.isOutgrown(by: checkpoint.outputCounted) else { return true }
            let rates = attempt.intent.rates
            let step = max(paid / 4, 256)
            let before = rates.upperBound(inputTokens: 0, outputTokens: paid)
            let after = rates.upperBound(inputTokens: 0, outputTokens: checkpoint.outputCounted + step)
            guard state.budgets.extend(&attempt.reservation, byMoney: after - before) else { return false }
            attempt.outputPaid = checkpoint.outputCounted + step
            return true
        }
    }

    /// Settles an attempt: writes its one end into the journal, frees what was set aside, and counts what it used.
    package func end(_ attempt: OpenAttempt, _ findings: AttemptFindings) -> AttemptEnd {
        let end = Settlement.end(attempt.intent, findings)
        let isAbsurd = Settlement.isAbsurd(attempt.intent, findings)
        let record = self.encoder.end(attempt.id, end)
        let alerts = self.state.withLockedValue { state in
            // Room is kept for it, so this fails only if the disk did; then the start after this one settles it.
            _ = try? state.journal.append(record)
            state.counts.open -= 1
            if isAbsurd { state.counts.absurd += 1 }
            if end.source == .estimated || end.source == .providerPartial { state.counts.estimated += 1 }
            if end.outcome == .cut { state.counts.cut += 1 }
            guard !state.budgets.isEmpty || !attempt.reservation.parts.isEmpty else { return [BudgetAlert]() }
            return state.budgets.settle(
                attempt.reservation,
                of: attempt.intent.consumer,
                at: attempt.intent.startedAt,
                used: BudgetBook.Need(end)
            )
        }
        for alert in alerts { self.onAlert(alert) }
        return end
    }

    /// Waits until a place of the journal is on the disk.
    ///
    /// - Throws: `CancellationError`.
    package func durable(_ position: JournalPosition) async throws { try await self.keeper.durable(position) }

    // MARK: - For those who keep it going

    /// Puts other budgets in force; `LedgerFold.install` counts what was spent before.
    ///
    /// - Returns: What nobody counted so far, and the end of the journal at this moment: what is before it has to be
    ///   read, what comes after counts itself.
    func use(_ budgets: [BudgetRule], now: UnixTime) -> (fresh: [BudgetLine], end: JournalPosition) {
        self.state.withLockedValue { state in
            let fresh = state.budgets.use(budgets, now: now)
            self.hasBudgets.store(!budgets.isEmpty, ordering: .relaxed)
            return (fresh, state.journal.position)
        }
    }

    /// Writes an open attempt again at the journal's end.
    ///
    /// It may have ended meanwhile; who reads the journal ignores what is carried behind an end.
    func carry(_ id: AttemptID, _ known: OpenAttempts.Known) throws(JournalError) {
        let record = try self.encoder.carried(id, known.intent, known.checkpoint)
        _ = try self.locked { state throws(JournalError) in try state.journal.append(record) }
    }

    /// Runs `body` with the lock held, and lets its error out as what it is.
    private func locked<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let result: Swift.Result<Result, Failure> = self.state.withLockedValue { state in
            do throws(Failure) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Runs `body` with the lock held; it must not wait.
    func withState<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        try self.state.withLockedValue(body)
    }

    /// What the meter counted since the start.
    package var counts: Counts { self.state.withLockedValue { $0.counts } }

    /// How the budgets stand.
    package func standings(at time: UnixTime) -> [BudgetBook.Standing] {
        self.state.withLockedValue { $0.budgets.standings(at: time) }
    }

    /// Whether there is any budget or quota, so that sizes of requests matter.
    package var hasAnyBudget: Bool { self.hasBudgets.load(ordering: .relaxed) }

    /// Whether a hard budget of money is about a consumer, so that what it calls must have a price.
    package func needsPrice(_ consumer: Consumer, at time: UnixTime) -> Bool {
        guard self.hasBudgets.load(ordering: .relaxed) else { return false }
        return self.state.withLockedValue { $0.budgets.rest($0.budgets.claims(of: consumer, at: time)) != nil }
    }
}

extension BudgetBook.Need {
    /// What an attempt used, as far as its caller is charged for it.
    init(_ end: AttemptEnd) {
        guard end.isCharged else {
            self.init()
            return
        }
        let tokens = Int64(clamping: max(0, end.usage.input ?? 0)) &+ Int64(clamping: max(0, end.usage.output ?? 0))
        self.init(money: end.charged, requests: 1, tokens: max(0, tokens))
    }
}
