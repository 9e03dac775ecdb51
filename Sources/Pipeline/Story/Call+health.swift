internal import Core
internal import NIOCore
internal import Providers
internal import Telemetry

extension Call {
    /// Tells the book of health how an attempt at a provider went; call it once for each, when it is over.
    ///
    /// What says nothing about the provider is left out: that the client left or was in a hurry, that a budget was used
    /// up, or that nothing was to be sent.
    ///
    /// - Parameters:
    ///   - began: When the attempt was begun.
    ///   - error: What it ended with; nil if it answered.
    func noteHealth(_ error: (any Error)?, began: NIODeadline, now: NIODeadline, _ instruments: Instruments) {
        guard let health = instruments.health, let provider = self.target?.provider,
            let verdict = self.verdict(error)
        else { return }
        // Of a stream the first content counts: how long it goes on is the model's matter.
        let latency = (self.firstContent ?? now) - began
        health.add(verdict, provider: provider.name, latency: latency, now: now, loop: self.loop)
    }

    private func verdict(_ error: (any Error)?) -> AttemptVerdict? {
        guard let error else { return .answered }
        guard let failure = error as? GatewayError, !self.isHurried else { return nil }
        switch failure.code {
        case .providerError, .providerTimeout, .providerUnavailable:
            // What never reached the wire because a breaker stood in between is no new failure.
            return failure.cause == nil || self.ranOutElsewhere(failure) ? nil : .failed(failure.code)
        case .providerRateLimited: return .limited
        case .credentialRejected, .providerRefused: return .answered
        case .modelNotFound: return self.upstreamStatus > 0 ? .answered : nil
        default: return nil
        }
    }
}
