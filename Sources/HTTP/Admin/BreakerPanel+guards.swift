package import NIOCore
package import Operations
package import Pipeline
internal import Resilience

extension BreakerPanel {
    /// The breakers of the gateway's calls.
    ///
    /// - Parameter now: The clock that deadlines are on.
    package init(_ guards: GuardBook, now: @escaping @Sendable () -> NIODeadline) {
        @Sendable func reported(_ targets: [TargetGuard]) -> [ReportedBreaker] {
            let time = now()
            return targets.map { ReportedBreaker($0.status(now: time)) }
        }
        self.init(
            list: { reported(guards.targets) },
            open: { selection, seconds in
                let time = seconds.map { TimeAmount.seconds(Int64($0)) }
                return reported(guards.open(GuardSelector(selection), for: time, now: now()))
            },
            close: { selection in reported(guards.close(GuardSelector(selection), now: now())) }
        )
    }
}

extension GuardSelector {
    fileprivate init(_ selection: BreakerSelection) {
        self.init(provider: selection.provider, model: selection.model, credentialID: selection.credentialID)
    }
}

extension ReportedBreaker {
    fileprivate init(_ status: TargetGuard.Status) {
        self.init(
            provider: status.provider,
            model: status.model,
            credentialID: status.credentialID,
            state: status.state.rawValue,
            calls: status.calls,
            failures: status.failures
        )
        self.refusals = status.refusals
        self.opensInMilliseconds = status.opensIn.map { Self.milliseconds($0) }
        self.coolsForMilliseconds = status.coolsFor.map { Self.milliseconds($0) }
    }

    /// Rounded up, so that only what is over is 0.
    private static func milliseconds(_ time: TimeAmount) -> Int64 {
        let (whole, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return rest > 0 ? whole + 1 : whole
    }
}
