internal import Core
internal import NIOCore
internal import Providers
internal import Resilience
internal import Telemetry
internal import Transport

/// What a call has tried in vain; there is none for a call whose first attempt was answered.
final class CallTries {
    /// Attempts that are remembered; a route allows fewer.
    private static let failuresMax = 16

    /// An attempt that failed.
    struct Failure {
        var target: CallTarget
        var credentialID: String
        var error: GatewayError
        var status: Int
    }

    private(set) var failures: [Failure] = []
    /// Targets that were not tried because their breaker is open.
    var shut: [CallTarget] = []
    /// Targets that are failing as well, kept for when no other is left.
    var doubtful: [CallTarget] = []
    /// Whose budget pays for what is repeated: the provider of the first attempt.
    var payer: ProviderGuard?
    /// How often the same target was asked again.
    var repeats = 0
    /// Whether the attempt under way was paid for by the retry budget.
    var isPaid = false
    /// Whether the attempt goes to its target whatever its breaker says.
    var isForced = false
    /// Whether a special list of the route was taken already.
    var tookSpecialList = false

    func add(_ failure: Failure) { if self.failures.count < Self.failuresMax { self.failures.append(failure) } }

    /// The failure that helps the client most; the earlier of two that are alike.
    var mostUseful: Failure? {
        var best: Failure?
        for failure in self.failures where failure.error.usefulness > best?.error.usefulness ?? -1 { best = failure }
        return best
    }

    /// All that was tried and passed over, in one line; nil where one line says no more than the error itself.
    var summary: String? {
        guard self.failures.count + self.shut.count > 1 else { return nil }
        var parts = self.failures.map { failure in
            let status = failure.status > 0 ? " (\(failure.status))" : ""
            return "\(failure.target.provider.name)/\(failure.target.model): \(failure.error.code.rawValue)\(status)"
        }
        parts += self.shut.map { "\($0.provider.name)/\($0.model): not tried, it failed too often of late" }
        return parts.joined(separator: "; ")
    }
}

@available(*, unavailable, message: "confined to its call")
extension CallTries: Sendable {}

extension GatewayError {
    /// How much a client can do with it, when it can be told one of several.
    ///
    /// First what is wrong with the request, then what may be over soon, then what an administrator has to mend.
    fileprivate var usefulness: Int {
        switch self.code {
        case .providerRefused: 9
        case .providerRateLimited: 8
        case .providerTimeout: 7
        case .providerError: 6
        case .providerUnavailable: 5
        case .overloaded: 4
        case .credentialRejected, .credentialUnreadable, .modelNotFound: 3
        case .modelUnpriced: 2
        default: 1
        }
    }
}

/// An attempt's permit, until it is given back with how the attempt went.
struct HeldPermit {
    let target: TargetGuard
    let permit: Breaker.Permit
    /// Whether the breaker was told already that the target works.
    var isProven = false

    /// What the breaker was when it let the attempt through.
    var seen: BreakerSeen {
        switch self.permit.kind {
        case .usual: .closed
        case .probe: .probing
        case .forced: .open
        }
    }
}

extension Call {
    /// Tells the target's breaker that it works, as soon as a stream has content: a probe need not wait for its end.
    func noteTargetWorks(now: NIODeadline) {
        guard let held = self.permit, !held.isProven else { return }
        self.permit?.isProven = true
        self.tell(.success, held, now: now)
    }

    /// Gives the attempt's permit back; the second time does nothing.
    func returnPermit(_ outcome: BreakerOutcome, now: NIODeadline) {
        guard let held = self.permit else { return }
        self.permit = nil
        // What breaks off after its first content counts as a failure beside the success it was.
        if held.isProven, outcome != .failure { return }
        self.tell(outcome, held, now: now)
    }

    private func tell(_ outcome: BreakerOutcome, _ held: HeldPermit, now: NIODeadline) {
        // A target that closes by this gets its calls back step by step: `TargetGuard.sinceRecovery`.
        held.target.record(outcome, held.permit, took: now - (self.attemptBegan ?? now), now: now)
    }
}
