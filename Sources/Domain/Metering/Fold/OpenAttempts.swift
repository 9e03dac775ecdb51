internal import Chat
package import Core

/// What the journal has said of attempts that it has not ended yet: joins intents with their ends.
///
/// A value: the fold, the start after a crash, and a budget that is new all read the journal through one of these.
package struct OpenAttempts: Sendable {
    /// An attempt without an end.
    ///
    /// An object, so that the table below, which is half empty at times, holds one word for each.
    package final class Known: Sendable {
        package let intent: AttemptIntent
        package let checkpoint: AttemptCheckpoint?
        /// Where the record stands that has to be kept for it.
        package let position: JournalPosition

        init(intent: AttemptIntent, checkpoint: AttemptCheckpoint?, position: JournalPosition) {
            self.intent = intent
            self.checkpoint = checkpoint
            self.position = position
        }
    }

    package private(set) var all: [AttemptID: Known] = [:]
    /// Ends without an intent: their segment was lost.
    package private(set) var orphans = 0
    /// Attempts that ended in a later segment than they began in: a carried record behind their end was late.
    private var endedLate: Set<AttemptID> = []

    package init() {}

    /// Takes in the next record.
    ///
    /// - Returns: The whole attempt, if this was its end.
    package mutating func take(_ entry: JournalEntry) -> Attempt? {
        switch entry.record {
        case .intent(let id, let intent):
            self.all[id] = Known(intent: intent, checkpoint: nil, position: entry.position)
        case .checkpoint(let id, let checkpoint):
            guard let known = self.all[id] else { return nil }
            self.all[id] = Known(intent: known.intent, checkpoint: checkpoint, position: known.position)
        case .carried(let id, let intent, let checkpoint):
            // Whoever carried it did not know yet that it was over.
            guard !self.endedLate.contains(id) else { return nil }
            self.all[id] = Known(intent: intent, checkpoint: checkpoint, position: entry.position)
        case .end(let id, let end):
            guard let known = self.all.removeValue(forKey: id) else {
                self.orphans += 1
                self.endedLate.insert(id)
                return nil
            }
            if known.position.segment != entry.position.segment { self.endedLate.insert(id) }
            return Attempt(id: id, intent: known.intent, end: end)
        }
        return nil
    }

    /// Forgets which attempts ended late: everything that was carried so far has been read.
    package mutating func forgetEnded() { self.endedLate = [] }

    /// The earliest place that has to be kept for an open attempt; nil if none is open.
    package var earliest: JournalPosition? { self.all.values.lazy.map(\.position).min() }

    /// The open attempts whose records stand before a place, the oldest first.
    package func before(_ position: JournalPosition) -> [(id: AttemptID, known: Known)] {
        self.all.lazy.filter { $0.value.position < position }.map { ($0.key, $0.value) }
            .sorted { $0.1.position < $1.1.position }
    }

    /// Ends every open attempt as one that the gateway's death interrupted, from what the journal knows of it.
    ///
    /// What was counted up to the last checkpoint is billed; what came after it is lost, which is at most two seconds
    /// of an answer (A+.4).
    package mutating func interrupt(at time: UnixTime) -> [Attempt] {
        let ended = self.all.sorted { $0.key < $1.key }.map { id, known in
            let findings = AttemptFindings(
                ending: .interrupted,
                hasContent: known.checkpoint != nil,
                usage: known.checkpoint?.usage ?? .init(),
                outputCounted: known.checkpoint?.outputCounted ?? 0,
                endedAt: max(time, known.intent.startedAt),
                code: "interrupted"
            )
            return Attempt(id: id, intent: known.intent, end: Settlement.end(known.intent, findings))
        }
        self.all = [:]
        return ended
    }
}
