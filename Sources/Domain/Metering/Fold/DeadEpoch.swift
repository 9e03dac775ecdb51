internal import Core

/// The journal of a process that is no more, read once: what of it is not in the ledger, and what its death cut off.
struct DeadEpoch: Sendable {
    let journal: DeadJournal
    /// Everything before this is in the ledger, and some of what is behind it may be.
    let start: JournalPosition
    /// Attempts that ended behind `start`.
    let endedCount: Int
    /// Attempts that never ended.
    ///
    /// They may be in the ledger too, if another start died between writing them there and deleting the journal.
    let interrupted: [Attempt]
    let faults: [JournalFault]
    /// What those that ended and are not in the ledger add up to, so that budgets need not read the journal again.
    ///
    /// Nil once rows of it are being written, and where there are too many to keep.
    var sums: [BudgetSum]?

    /// Goes through the attempts that ended behind `start`, in batches for the ledger.
    func reader() throws(JournalError) -> Batches { try Batches(self) }

    /// The attempts of a dead journal, some at a time.
    final class Batches {
        struct Batch: Sendable {
            var attempts: [Attempt]
            var cursor: JournalCursor
        }

        private let dead: DeadEpoch
        private let reader: JournalReader
        private var open = OpenAttempts()

        fileprivate init(_ dead: DeadEpoch) throws(JournalError) {
            self.dead = dead
            // From the beginning: the intents of what ends behind the cursor stand before it.
            self.reader = try dead.journal.reader()
        }

        /// The next attempts; nil at the end.
        func next() throws(JournalError) -> Batch? {
            var attempts: [Attempt] = []
            while attempts.count < LedgerStore.batchMax, let entry = try self.reader.next() {
                if let attempt = self.open.take(entry), entry.position >= self.dead.start { attempts.append(attempt) }
            }
            guard !attempts.isEmpty else { return nil }
            let place = self.reader.position
            let epoch = self.dead.journal.epoch
            return Batch(
                attempts: attempts,
                cursor: JournalCursor(epoch: epoch, segment: place.segment, offset: place.offset)
            )
        }
    }
}

@available(*, unavailable)
extension DeadEpoch.Batches: Sendable {}
