internal import Database

extension Rotation {
    /// How often rows are looked through again for such that others wrote under the old key meanwhile.
    private static let passesMax = 10

    /// R1: a backup, before the first row is touched.
    func backUp(_ state: inout RotationState) async throws {
        let backup: Backup?
        do {
            backup = try await self.surroundings.backUp()
        } catch {
            throw RotationError.backupFailed("\(error)")
        }
        state.backupPath = backup?.path
        state.backupDigest = backup?.digest
        state.stage = .backedUp
        state = try await self.advance(state)
    }

    /// R2: the new key joins the ring, for reading: first in the key file, then in the store.
    func addKey(_ state: inout RotationState) async throws {
        do {
            try await self.surroundings.keepBothKeys(self.plan.old)
        } catch {
            throw RotationError.keyFileFailed("\(error)")
        }
        let now = self.surroundings.now()
        let plan = self.plan
        state.stage = .keyAdded
        state = try await self.advance(state) { session in
            if try KeyRingStore().activeID(in: session) == nil {
                try KeyRingStore().activate(plan.old, now: now, in: session)
            }
            try KeyRingStore().admit(plan.old, now: now, in: session)
            try KeyRingStore().admit(plan.new, now: now, in: session)
        }
    }

    /// R3 and R4: once every running gateway can read it, the new key becomes the one that seals.
    func flip(_ state: inout RotationState, _ work: inout RotationWork) async throws {
        let now = self.surroundings.now()
        let plan = self.plan
        state.stage = .resealing
        state.cursor = nil
        // The look and the flip are one transaction: a gateway that starts in between is seen or sees the flip.
        let lacking = try await self.lackingAtFlip(&state) { session in
            try KeyRingStore().activate(plan.new, now: now, in: session)
        }
        work.report.lacking = lacking
    }

    private func lackingAtFlip(
        _ state: inout RotationState,
        _ activate: @escaping @Sendable (any SQLSession) throws -> Void
    ) async throws -> [String] {
        let now = self.surroundings.now()
        let plan = self.plan
        state.leaseUntil = self.leaseEnd(now)
        let next = state
        return try await self.write { session in
            let lacking = try InstanceStore().living(now: now, in: session)
                .filter { !$0.keyIDs.contains(plan.new) }.map(\.id)
            guard lacking.isEmpty || plan.isForced else {
                throw RotationError.instancesLackKey(lacking, key: plan.new)
            }
            try activate(session)
            guard try RotationStore().advance(next, now: now, in: session) else { throw RotationError.leaseLost }
            return lacking
        }
    }

    /// R5 and R6: re-seals until the new key alone opens every row.
    func resealAndVerify(_ state: inout RotationState, _ work: inout RotationWork) async throws {
        let onlyNew = try self.ring.only(self.plan.new)
        for pass in 1...Self.passesMax {
            try await self.resealPass(&state, &work)
            work.report.passes += 1
            let prints = work.fingerprints
            let look = try await Verification.run(
                self.database,
                ring: onlyNew,
                columns: self.columns
            ) { place, row, content in
                prints.accepts(place, blob: row.blob, content: content) ? nil : "its content is not what it was"
            }
            let left = look.total - look.rows(under: self.plan.new)
            if look.isComplete, left == 0 {
                work.report.total = look.total
                state.stage = .verified
                state = try await self.advance(state)
                return
            }
            // Rows under another key were written meanwhile, and get another pass. Anything else is damage.
            guard look.badCount == left else { throw RotationError.notVerified(look.bad) }
            guard pass < Self.passesMax else { throw RotationError.notConverging(rows: left) }
            state.cursor = nil
            state = try await self.advance(state)
        }
    }

    /// Goes through all rows once, from the cursor on.
    private func resealPass(_ state: inout RotationState, _ work: inout RotationWork) async throws {
        let start = state.cursor.flatMap { place in self.columns.firstIndex { $0.name == place.column } } ?? 0
        for column in self.columns[start...] {
            var last = state.cursor?.column == column.name ? state.cursor?.id ?? "" : ""
            while true {
                let after = last
                let limit = self.plan.batchRows
                let rows = try await self.database.read { try column.rows(after: after, limit: limit, in: $0) }
                guard let end = rows.last else { break }
                try await self.reseal(rows, of: column, &state, &work)
                last = end.id
                self.surroundings.progress(
                    RotationProgress(stage: .resealing, done: state.resealed, total: max(state.counted, state.resealed))
                )
                try await self.surroundings.pause()
            }
        }
    }

    /// Re-seals one batch and moves the cursor behind it, in one transaction; the sealing is done before.
    private func reseal(
        _ rows: [EncryptedColumn.Row],
        of column: EncryptedColumn,
        _ state: inout RotationState,
        _ work: inout RotationWork
    ) async throws {
        let vault = Vault(self.ring.sealing(with: self.plan.new), entropy: self.entropy)
        var changes: [(row: EncryptedColumn.Row, sealed: SealedCredential)] = []
        for row in rows where SealedCredential.keyID(ofBlob: row.blob) != self.plan.new {
            changes.append((row, try self.resealed(row, of: column, with: vault, &work)))
        }
        // A label that says another key than its blob is put right, with the blob as it is.
        for row in rows where row.label != self.plan.new.text {
            if SealedCredential.keyID(ofBlob: row.blob) == self.plan.new {
                changes.append((row, try SealedCredential(blob: row.blob, context: row.context)))
            }
        }
        let planned = changes
        if let end = rows.last { state.cursor = SealedPlace(column: column.name, id: end.id) }
        let now = self.surroundings.now()
        var next = state
        next.leaseUntil = self.leaseEnd(now)
        let base = next
        let replaced = try await self.write { session in
            var replaced: Set<String> = []
            for change in planned where try column.replace(change.row, with: change.sealed, in: session) {
                replaced.insert(change.row.id)
            }
            var written = base
            written.resealed += replaced.count
            guard try RotationStore().advance(written, now: now, in: session) else { throw RotationError.leaseLost }
            return replaced
        }
        next.resealed += replaced.count
        state = next
        for change in planned where replaced.contains(change.row.id) {
            let place = SealedPlace(column: column.name, id: change.row.id)
            work.fingerprints.noteResealed(place, blob: change.sealed.blob)
        }
        work.report.resealed += replaced.count
        work.report.editedMeanwhile += planned.count - replaced.count
    }

    /// Opens a row, seals its content with the new key, and opens that again to compare.
    private func resealed(
        _ row: EncryptedColumn.Row,
        of column: EncryptedColumn,
        with vault: Vault,
        _ work: inout RotationWork
    ) throws -> SealedCredential {
        let place = SealedPlace(column: column.name, id: row.id)
        let content: GuardedBytes
        do throws(VaultError) {
            content = try vault.open(SealedCredential(blob: row.blob, context: row.context))
        } catch {
            throw RotationError.unreadable([BadRow(place: place, group: row.context.group, reason: "\(error)")])
        }
        work.fingerprints.note(place, blob: row.blob, content: content)
        let sealed = try vault.seal(content, for: row.context)
        let onlyNew = Vault(try vault.keyring.only(self.plan.new))
        guard try onlyNew.open(sealed).isEqual(to: content) else {
            throw RotationError.notVerified([
                BadRow(place: place, group: row.context.group, reason: "sealing changed it")
            ])
        }
        return sealed
    }

    /// R7: the record and the retirement of the old key, in one transaction; then the key file follows.
    func finish(_ state: inout RotationState, _ work: inout RotationWork) async throws {
        let now = self.surroundings.now()
        let plan = self.plan
        state.stage = .finished
        var report = work.report
        report.finish(state, at: now)
        let summary = report
        let record = self.surroundings.record
        do {
            try await self.surroundings.putNewKeyFirst(self.plan.new)
        } catch {
            throw RotationError.keyFileFailed("\(error)")
        }
        state.leaseUntil = self.leaseEnd(now)
        let last = state
        try await self.write { session in
            try KeyRingStore().retire(plan.old, now: now, in: session)
            do { try record(summary, session) } catch { throw RotationError.auditFailed("\(error)") }
            guard try RotationStore().advance(last, now: now, in: session) else { throw RotationError.leaseLost }
            try RotationStore().release(plan.holder, in: session)
        }
    }
}
