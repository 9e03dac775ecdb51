/// What was noted of one call, in order, up to a limit.
///
/// A value: the road keeps it beside the call, and the book of recent calls afterwards.
package struct CallNotes: Sendable, Equatable {
    /// Steps kept of one call at most; the first ones stay, since they say what the rest came from.
    package static let stepsMax = 48

    /// One step, and when it was: microseconds from the arrival of the call, where somebody looked at the clock.
    package struct Entry: Sendable, Equatable {
        package let at: Int64?
        package let step: CallStep
    }

    package private(set) var entries: [Entry] = []
    /// Steps that there was no room for.
    package private(set) var dropped = 0

    package init() {}

    package var isEmpty: Bool { self.entries.isEmpty && self.dropped == 0 }

    /// Adds a step, or counts it where there is no room for it.
    package mutating func add(_ step: @autoclosure () -> CallStep, at: Int64? = nil) {
        guard self.entries.count < Self.stepsMax else {
            self.dropped += 1
            return
        }
        self.entries.append(Entry(at: at, step: step()))
    }

    /// The attempts among the steps.
    package var attempts: [AttemptStep] {
        self.entries.compactMap { entry in
            if case .ended(let attempt) = entry.step { attempt } else { nil }
        }
    }
}
