internal import Core
internal import NIOConcurrencyHelpers

/// Keeps somebody who tries what they may not from filling the audit log with it.
///
/// What was left out is counted, and the next record says how much it was.
final class RefusalBudget: Sendable {
    /// Records per minute.
    static let perMinute = 120

    private struct State {
        var minute: Int64 = 0
        var taken = 0
        var leftOut = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Takes one record's room.
    ///
    /// - Returns: How many were left out since the last one that was taken; nil if this one is to be left out too.
    func take(now: UnixTime) -> Int? {
        self.state.withLockedValue { state in
            let minute = now.seconds / 60
            if minute != state.minute {
                state.minute = minute
                state.taken = 0
            }
            guard state.taken < Self.perMinute else {
                state.leftOut += 1
                return nil
            }
            state.taken += 1
            defer { state.leftOut = 0 }
            return state.leftOut
        }
    }
}
