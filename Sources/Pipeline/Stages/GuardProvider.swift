internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Resilience

/// Keeps an attempt away from a target that fails, that asked to be left alone, or that has as much as it may have.
///
/// What it hands out, `TryTargets` gives back when the attempt is over: the breaker's permit, the place at the target.
struct GuardProvider: Gate {
    let instruments: Instruments

    func pass(_ call: Call, _ reply: any ReplySink) throws {
        guard let target = call.target else { throw GatewayError(.internalFailure, "The call has no target.") }
        let now = self.instruments.monotonicClock()
        call.attemptBegan = now
        call.upstreamStatus = 0
        let guarding = call.guarding(target, self.instruments)
        switch guarding.admit(isForced: call.tries?.isForced ?? false, now: now) {
        case .pass(let permit):
            call.permit = HeldPermit(target: guarding, permit: permit)
            try call.enterTarget()
        case .open(let wait, let state):
            throw Self.shut(target, for: wait, .breaker(state))
        case .cooling(let wait):
            throw Self.shut(target, for: wait, .cooling)
        }
    }

    @inline(never)
    private static func shut(_ target: CallTarget, for wait: TimeAmount?, _ reason: TargetShut) -> GatewayError {
        let who = "The provider '\(target.provider.name)'"
        let wait = wait.map { Duration.nanoseconds($0.nanoseconds) }
        switch reason {
        case .cooling:
            return GatewayError(
                .providerRateLimited,
                "\(who) is limiting this group's calls.",
                retryAfter: wait,
                cause: reason
            )
        case .breaker(.heldOpen):
            let text = "\(who) is switched off for this model by an operator."
            return GatewayError(.providerUnavailable, text, retryAfter: wait, cause: reason)
        case .breaker:
            let text = "\(who) failed too often of late and is left alone for a moment."
            return GatewayError(.providerUnavailable, text, retryAfter: wait, cause: reason)
        }
    }
}
