/// An attempt that is in the journal and not settled yet.
///
/// One object for each, so that its many words are moved into place once. Confined to its call's loop.
package final class OpenAttempt {
    package let id: AttemptID
    package let intent: AttemptIntent
    /// What is set aside for it.
    package internal(set) var reservation: BudgetBook.Reservation
    /// Where its intent stands in the journal.
    package let position: JournalPosition
    /// The bound that has to be put into the request because no more can be paid for; nil where the client's own is
    /// right.
    package let outputLimit: Int?
    /// Tokens of the answer that are paid for; nil where no hard budget is concerned.
    package internal(set) var outputPaid: Int?

    init(
        id: AttemptID,
        intent: consuming AttemptIntent,
        reservation: BudgetBook.Reservation,
        position: JournalPosition,
        outputLimit: Int?,
        outputPaid: Int?
    ) {
        self.id = id
        self.intent = intent
        self.reservation = reservation
        self.position = position
        self.outputLimit = outputLimit
        self.outputPaid = outputPaid
    }
}

extension OpenAttempt {
    /// Whether so much of an answer cannot be what was paid for.
    ///
    /// A provider that keeps to the bound it was given stays below this, however rough the count here is.
    package func isOutgrown(by counted: Int) -> Bool {
        guard let paid = self.outputPaid else { return false }
        return counted - 64 > paid + paid / 4
    }
}

@available(*, unavailable, message: "confined to its call's loop")
extension OpenAttempt: Sendable {}

/// What is known of an attempt's size before it is begun.
package struct AttemptSize: Sendable, Equatable {
    /// More tokens than the request can have.
    package var inputBound: Int
    /// The bound that the client set on each answer; nil if it set none.
    package var outputWanted: Int?
    /// The most tokens the model gives in one answer; nil if that is not known.
    package var outputPossible: Int?
    /// Answers asked for.
    package var choices: Int
    /// Whether there is an answer in tokens that a bound in the request can hold short; not for embeddings.
    package var hasOutput: Bool
    /// The most tokens of an answer that nothing in the request can hold short; only where `hasOutput` is false.
    package var fixedOutput = 0
    /// Pictures asked for; only where `hasOutput` is false.
    package var images = 0
    /// The most of all that is neither.
    package var units = UnitBound()

    package init(
        inputBound: Int,
        outputWanted: Int? = nil,
        outputPossible: Int? = nil,
        choices: Int = 1,
        hasOutput: Bool = true
    ) {
        self.inputBound = inputBound
        self.outputWanted = outputWanted
        self.outputPossible = outputPossible
        self.choices = choices
        self.hasOutput = hasOutput
    }
}

/// Why an attempt may not begin.
package enum MeterRefusal: Error, Sendable {
    case budget(BudgetRefusal)
    /// There is no room for the journal.
    case storageFull
}
