internal import Core
package import Database

/// Moves every sealed value from one key to another, without a moment in which one cannot be read.
///
/// A state machine whose state is in the store: each step is written in the transaction that finishes it, so a
/// rotation that was killed anywhere goes on where it stopped when it is run again. Rows that others change meanwhile
/// stay as those left them. Steps and reasons: docs/adr/0013-vault.md; for operators: docs/rotation.md.
package struct Rotation: Sendable {
    /// What to do.
    package struct Plan: Sendable {
        package var old: KeyID
        package var new: KeyID
        /// Names this run to whoever tries to rotate at the same time: host, process and a number by chance.
        package var holder: String
        /// Goes on although running gateways lack the new key; their calls fail for the rows that are re-sealed.
        package var isForced: Bool
        /// Looks and counts, changes nothing.
        package var isDryRun: Bool
        /// Rows in one transaction.
        package var batchRows: Int
        /// How long this run may be silent before another one may take over.
        package var leaseMilliseconds: Int64

        package init(
            old: KeyID,
            new: KeyID,
            holder: String,
            isForced: Bool = false,
            isDryRun: Bool = false,
            batchRows: Int = 500,
            leaseMilliseconds: Int64 = 60_000
        ) {
            precondition(batchRows > 0, "a batch has at least 1 row, not \(batchRows)")
            self.old = old
            self.new = new
            self.holder = holder
            self.isForced = isForced
            self.isDryRun = isDryRun
            self.batchRows = batchRows
            self.leaseMilliseconds = leaseMilliseconds
        }
    }

    let database: any Database
    let plan: Plan
    let ring: Keyring
    let columns: [EncryptedColumn]
    let surroundings: Surroundings
    let entropy: Entropy

    /// - Parameters:
    ///   - ring: Holds both keys; it may hold more, and rows under any of them are moved.
    ///   - columns: What holds sealed values.
    package init(
        _ plan: Plan,
        database: any Database,
        ring: Keyring,
        surroundings: Surroundings,
        columns: [EncryptedColumn] = EncryptedColumns.all,
        entropy: Entropy = .system
    ) {
        self.plan = plan
        self.database = database
        self.ring = ring
        self.surroundings = surroundings
        self.columns = columns
        self.entropy = entropy
    }

    /// Runs to the end, or as far as it can.
    ///
    /// Safe to repeat, after success too. Takes some 0.2 ms a row, and one durable commit for each batch.
    /// - Throws: `RotationError`; every row is readable with the two keys then, and the lease is free again unless
    ///   the database itself is out of reach.
    package func run() async throws -> RotationReport {
        do {
            return try await self.runSteps()
        } catch {
            let failure = RotationError(error)
            if !self.plan.isDryRun, failure != .leaseLost {
                // If this fails too, the lease ends by itself.
                try? await self.write { try RotationStore().release(self.plan.holder, in: $0) }
            }
            throw failure
        }
    }

    private func runSteps() async throws -> RotationReport {
        try self.checkKeys()
        var work = RotationWork(
            report: RotationReport(self.plan),
            fingerprints: try Fingerprints(entropy: self.entropy)
        )
        try await self.lookAround(&work)
        if self.plan.isDryRun {
            work.report.lacking = try await self.instancesLackingKey()
            return work.report
        }
        var state = try await self.begin(work.report)
        work.report.wasResumed = state.stage != .checked
        while state.stage != .finished {
            switch state.stage {
            case .checked: try await self.backUp(&state)
            case .backedUp: try await self.addKey(&state)
            case .keyAdded: try await self.flip(&state, &work)
            case .resealing: try await self.resealAndVerify(&state, &work)
            case .verified: try await self.finish(&state, &work)
            case .finished: break
            }
        }
        work.report.finish(state, at: self.surroundings.now())
        return work.report
    }

    private func checkKeys() throws {
        guard self.plan.old != self.plan.new else { throw RotationError.sameKey }
        for id in [self.plan.old, self.plan.new] where !self.ring.ids.contains(id) {
            throw RotationError.keyMissing(id)
        }
    }

    /// R0: opens everything before anything is changed.
    private func lookAround(_ work: inout RotationWork) async throws {
        let columns = self.columns
        let (strangers, newState) = try await self.database.read { session in
            (
                try EncryptedColumns.unregistered(beside: columns, in: session),
                try KeyRingStore().state(of: self.plan.new, in: session)
            )
        }
        guard strangers.isEmpty else { throw RotationError.unregisteredColumns(strangers) }
        guard newState != .destroyed else { throw RotationError.keyDestroyed(self.plan.new) }
        var prints = work.fingerprints
        let look = try await Verification.run(self.database, ring: self.ring, columns: columns) { place, row, content in
            prints.note(place, blob: row.blob, content: content)
            return nil
        }
        guard look.isComplete else { throw RotationError.unreadable(look.bad) }
        work.fingerprints = prints
        work.report.total = look.total
        work.report.alreadyNew = look.rows(under: self.plan.new)
    }

    /// Takes the lease, and goes on with what an earlier run began.
    private func begin(_ report: RotationReport) async throws -> RotationState {
        let now = self.surroundings.now()
        let plan = self.plan
        return try await self.write { session in
            let earlier = try RotationStore().state(in: session)
            if let holder = earlier?.leaseHolder, let until = earlier?.leaseUntil, holder != plan.holder, until > now,
                !self.surroundings.hasDied(holder)
            {
                throw RotationError.held(by: holder, until: until)
            }
            var state = RotationState(
                stage: .checked,
                old: plan.old,
                new: plan.new,
                counted: report.total,
                resealed: 0,
                startedAt: now
            )
            let pair = [plan.old, plan.new]
            if let earlier, earlier.stage == .finished, [earlier.old, earlier.new] == pair,
                report.alreadyNew == report.total, try KeyRingStore().activeID(in: session) == plan.new,
                try KeyRingStore().state(of: plan.old, in: session) == .retired
            {
                return earlier  // Done before, and nothing has changed since.
            }
            if let earlier, earlier.stage != .finished {
                if [earlier.old, earlier.new] == pair {
                    state = earlier
                    // A look with the new key alone is worth nothing after a pause in which others wrote.
                    if state.stage == .verified { state.stage = .resealing }
                } else if [earlier.new, earlier.old] != pair {
                    throw RotationError.unfinished(from: earlier.old, to: earlier.new)
                }
            }
            if let active = try KeyRingStore().activeID(in: session), active != plan.old, active != plan.new {
                throw RotationError.notActive(plan.old, active: active)
            }
            state.leaseHolder = plan.holder
            state.leaseUntil = self.leaseEnd(now)
            try RotationStore().begin(state, now: now, in: session)
            return state
        }
    }

    func leaseEnd(_ now: UnixTime) -> UnixTime {
        UnixTime(milliseconds: now.milliseconds + self.plan.leaseMilliseconds)
    }

    /// Writes `state` and whatever `body` does in one transaction, if the lease is still ours.
    func advance(
        _ state: RotationState,
        _ body: @escaping @Sendable (any SQLSession) throws -> Void = { _ in }
    ) async throws -> RotationState {
        let now = self.surroundings.now()
        var next = state
        next.leaseUntil = self.leaseEnd(now)
        let written = next
        try await self.write { session in
            try body(session)
            guard try RotationStore().advance(written, now: now, in: session) else { throw RotationError.leaseLost }
        }
        return next
    }

    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try await self.database.write(body)
    }

    func instancesLackingKey() async throws -> [String] {
        let now = self.surroundings.now()
        let new = self.plan.new
        return try await self.database.read { session in
            try InstanceStore().living(now: now, in: session).filter { !$0.keyIDs.contains(new) }.map(\.id)
        }
    }
}

/// What a run carries from step to step in memory.
struct RotationWork {
    var report: RotationReport
    var fingerprints: Fingerprints
}

extension RotationError {
    /// What stopped a run, by its name.
    init(_ error: any Error) {
        switch error {
        case let error as RotationError: self = error
        case let error as VaultError: self = .vault(error)
        case let error as DatabaseError: self = .database(error)
        case is CancellationError: self = .interrupted("cancelled")
        default: self = .interrupted("\(type(of: error))")
        }
    }
}
