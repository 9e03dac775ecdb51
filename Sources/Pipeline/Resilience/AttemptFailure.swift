internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Resilience
internal import Transport

/// Why the gateway itself did not let an attempt begin.
enum TargetShut: Error {
    /// Its breaker is open.
    case breaker(BreakerState)
    /// The provider asked to be left alone.
    case cooling
}

/// A failed attempt in the words of the table of what may be retried.
struct AttemptFailure {
    var phase: FailurePhase
    var kind: FailureClass
    /// Whether it never began, so that it does not count as an attempt.
    var neverBegan = false
    /// What it says of the target.
    var outcome = BreakerOutcome.unknown

    /// - Parameter hasContent: Whether the client has content of the attempt.
    init(_ error: GatewayError, _ call: Call, hasContent: Bool) {
        switch error.cause {
        case let shut as TargetShut:
            (self.phase, self.neverBegan) = (.unsent, true)
            if case .cooling = shut { self.kind = .rateLimited } else { self.kind = .heldBack }
        case is TargetFull:
            (self.phase, self.kind, self.neverBegan) = (.unsent, .heldBack, true)
        case let error as TransportError:
            self.phase = !error.didSend ? .unsent : Self.phase(call)
            self.kind = Self.kind(error)
            self.outcome = call.ranOutElsewhere(error) ? .unknown : self.kind.outcome
        case let fault as ProviderFault:
            self.phase = Self.phase(call)
            self.kind = Self.kind(fault.kind(at: call.target?.provider.family ?? Family.generic))
            self.outcome = self.kind.outcome
        default:
            self.phase = .unsent
            switch error.code {
            case .credentialUnreadable: self.kind = .credential
            case .modelUnpriced: (self.kind, self.neverBegan) = (.heldBack, true)
            default: self.kind = .final
            }
        }
        if hasContent { self.phase = .content }
    }

    private static func phase(_ call: Call) -> FailurePhase {
        switch call.upstreamStatus {
        case 0: .sent
        case 200..<300: .opened
        default: .answered
        }
    }

    private static func kind(_ error: TransportError) -> FailureClass {
        switch error {
        case .timeout(.total, _, _), .timeout(.streamMax, _, _): .outOfTime
        case .timeout: .clock
        case .nameNotResolved, .connectFailed, .tlsFailed, .closedBeforeHead, .closedInBody: .connection
        case .forbiddenAddress: .heldBack
        case .protocolViolation: .garbled
        case .bodyTooLarge: .tooLarge
        }
    }

    private static func kind(_ kind: ProviderFault.Kind) -> FailureClass {
        switch kind {
        case .credential: .credential
        case .rateLimited: .rateLimited
        case .spent: .spent
        case .modelMissing: .modelMissing
        case .tooLong: .tooLong
        case .contentRefused: .contentRefused
        case .complaint: .complaint
        case .conflict: .conflict
        case .failed: .failed
        case .unavailable: .unavailable
        case .timedOut: .timedOut
        case .garbled: .garbled
        }
    }
}

extension Call {
    /// Whether it is not its target's fault that the attempt under way came to the end of the call's whole time: the
    /// client was in a hurry, or most of that time was gone before the attempt began.
    func ranOutElsewhere(_ error: any Error) -> Bool {
        let cause = (error as? GatewayError)?.cause ?? error
        guard case .timeout(.total, let limit, _)? = cause as? TransportError else { return false }
        if let timeout = self.timeout, limit <= timeout, timeout < self.target?.timeouts.total ?? .zero { return true }
        let before = (self.attemptBegan ?? self.exchange.arrival) - self.exchange.arrival
        return limit - before < before
    }
}

extension FailureClass {
    /// What a failure of this kind says of the target.
    fileprivate var outcome: BreakerOutcome {
        switch self {
        case .connection, .clock, .outOfTime, .timedOut, .failed, .unavailable, .garbled: .failure
        case .conflict, .rateLimited, .spent, .credential, .modelMissing, .tooLong, .contentRefused, .complaint:
            .refusal
        case .tooLarge, .heldBack, .final: .unknown
        }
    }
}
