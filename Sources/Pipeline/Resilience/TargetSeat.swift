package import Core
package import NIOCore
internal import Providers
internal import Resilience
internal import Telemetry

/// An attempt's place at its target, from its beginning to the end of its answer.
package struct TargetSeat {
    fileprivate let state: TargetState
    fileprivate var isWaiting = true
}

/// As many calls are under way at a target as its `max_concurrent` allows; another target may have room.
package struct TargetFull: Error, Sendable {
    package var limit: Int
}

extension Call {
    /// Takes a place at the target of the attempt that is to begin.
    ///
    /// `attemptBegan` says when that is. Whoever takes a place gives it back with `leaveTarget` when the attempt is
    /// over. A target that no alias names has no places to take, so that there always is one.
    ///
    /// - Throws: `GatewayError` with `OVERLOADED` and the cause `TargetFull`. Nothing was sent then, nothing is held,
    ///   and it should not count as an attempt.
    package func enterTarget() throws(GatewayError) {
        guard let target = self.target, let state = target.state else { return }
        guard state.enter(limit: target.concurrentMax) else { throw Self.full(target, state) }
        self.seat = TargetSeat(state: state)
    }

    @inline(never)
    private static func full(_ target: CallTarget, _ state: TargetState) -> GatewayError {
        state.notePass(.atCapacity)
        let limit = target.concurrentMax ?? 0
        return GatewayError(
            .overloaded,
            "The provider '\(target.provider.name)' has \(limit) calls to that model under way, as many as it may "
                + "have at a time. Try again in a moment.",
            retryAfter: .seconds(1),
            cause: TargetFull(limit: limit)
        )
    }

    /// Notes that the attempt's answer has begun: how long that took is what the target is known for.
    ///
    /// For a stream at its first content, for any other answer when all of it is there. The second time does nothing.
    func noteAnswerBegins(now: NIODeadline) {
        guard var seat = self.seat, seat.isWaiting else { return }
        seat.isWaiting = false
        self.seat = seat
        seat.state.stopWaiting()
        let time = now - (self.attemptBegan ?? now)
        seat.state.noteLatency(isStream: self.isStream) { $0.note(time, now: now) }
    }

    /// Gives the place at the target back, if there is one: the attempt is over.
    ///
    /// The second time does nothing.
    ///
    /// - Parameter error: What the attempt ended with; nil if it came to its end. A failure of the provider's counts
    ///   against its latency; a client that left says only that no answer had come so far, and so does a refusal.
    package func leaveTarget(after error: (any Error)?, now: NIODeadline) {
        guard let seat = self.seat else { return }
        self.seat = nil
        seat.state.leave()
        guard seat.isWaiting else { return }
        seat.state.stopWaiting()
        let time = now - (self.attemptBegan ?? now)
        seat.state.noteLatency(isStream: self.isStream) { latency in
            switch error {
            case nil: latency.note(time, now: now)
            case let error? where self.isFault(error): latency.noteFailure(after: time, now: now)
            default: latency.noteSilence(time, now: now)
            }
        }
    }

    private func isFault(_ error: any Error) -> Bool {
        switch (error as? GatewayError)?.code {
        case .providerError, .providerTimeout, .providerUnavailable: !self.ranOutElsewhere(error)
        default: false
        }
    }
}
