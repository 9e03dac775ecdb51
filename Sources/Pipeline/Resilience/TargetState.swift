internal import NIOConcurrencyHelpers
package import NIOCore
internal import Resilience
internal import Synchronization
package import Telemetry

/// One (provider, model) pair as the gateway finds it: what is under way there, and how long it lets one wait.
///
/// The same object for all aliases and over all reloads. Safe to use from any thread.
package final class TargetState: Sendable {
    package let provider: String
    /// What the provider calls the model.
    package let model: String
    /// Stands for the two names where users are spread over targets; the same in every process.
    let identity: UInt64

    private struct Latency {
        var ofStreams = PeakEWMA()
        var ofWholeAnswers = PeakEWMA()
    }

    private let calls = Atomic(0)
    private let waiting = Atomic(0)
    private let latency = NIOLockedValueBox(Latency())
    private let passes = NIOLockedValueBox<[SkipReason: UInt64]>([:])

    init(provider: String, model: String) {
        self.provider = provider
        self.model = model
        self.identity = Rendezvous.identity(of: "target", provider, model)
    }

    // MARK: Under way

    /// Attempts under way, from their beginning to the end of their answer.
    package var underWay: Int { self.calls.load(ordering: .relaxed) }

    /// Those of them whose answer has not begun: a stream without content, or an answer that is read whole.
    package var withoutAnswer: Int { self.waiting.load(ordering: .relaxed) }

    /// Takes a place for one attempt.
    ///
    /// - Parameter limit: The most that may be under way; nil for no limit.
    /// - Returns: Whether there was one. Then it must be given back with `leave`, once.
    func enter(limit: Int?) -> Bool {
        guard let limit else {
            self.calls.wrappingAdd(1, ordering: .relaxed)
            self.waiting.wrappingAdd(1, ordering: .relaxed)
            return true
        }
        // Not added first and looked at afterwards: two that are one too many would turn each other away.
        var count = self.calls.load(ordering: .relaxed)
        while count < limit {
            let (isDone, found) = self.calls.weakCompareExchange(
                expected: count,
                desired: count + 1,
                ordering: .relaxed
            )
            if isDone {
                self.waiting.wrappingAdd(1, ordering: .relaxed)
                return true
            }
            count = found
        }
        return false
    }

    /// An attempt is over.
    func leave() { self.calls.wrappingSubtract(1, ordering: .relaxed) }

    /// An attempt's answer has begun, or will not.
    func stopWaiting() { self.waiting.wrappingSubtract(1, ordering: .relaxed) }

    // MARK: Latency

    /// Changes what is known of the time that answers take to begin.
    func noteLatency(isStream: Bool, _ change: (inout PeakEWMA) -> Void) {
        self.latency.withLockedValue { isStream ? change(&$0.ofStreams) : change(&$0.ofWholeAnswers) }
    }

    /// What one more call would cost in time; see `PeakEWMA.cost`.
    func cost(isStream: Bool, now: NIODeadline) -> Double {
        let latency = self.latency.withLockedValue { isStream ? $0.ofStreams : $0.ofWholeAnswers }
        return latency.cost(waiting: self.withoutAnswer, now: now)
    }

    /// How long a stream is thought to take to its first content, or a whole answer to its end; nil where nobody knows.
    package func latency(ofStreams: Bool, now: NIODeadline) -> TimeAmount? {
        let latency = self.latency.withLockedValue { ofStreams ? $0.ofStreams : $0.ofWholeAnswers }
        return latency.isKnown ? .nanoseconds(Int64(latency.nanoseconds(now: now))) : nil
    }

    // MARK: Figures

    /// A call put this target behind others, or could not go to it.
    func notePass(_ reason: SkipReason) { self.passes.withLockedValue { $0[reason, default: 0] += 1 } }

    /// How often calls passed this target by, by the reason.
    package var passCounts: [SkipReason: UInt64] { self.passes.withLockedValue { $0 } }
}
