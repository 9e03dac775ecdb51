internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Transport

/// Goes on to the next target while it is certain that the one before never saw the request.
///
/// What an attempt holds ends here too: its key, and what was set aside for it.
///
/// Whatever may have been sent is not repeated here: that needs a budget for retries and a memory of failures.
struct Fallback: Layer {
    let instruments: Instruments

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        while true {
            call.attempts += 1
            do {
                defer { call.credential = nil }
                try call.enterTarget(now: self.instruments.monotonicClock())
                try await next(call, reply)
                call.leaveTarget(after: nil, now: self.instruments.monotonicClock())
                return call.settle(.whole, self.instruments)
            } catch {
                call.leaveTarget(after: error, now: self.instruments.monotonicClock())
                call.settle(after: error, self.instruments)
                try Self.turn(call, reply, to: error)
            }
        }
    }

    /// Sets the next target, or throws the error where there is none or the client could notice.
    @inline(never)
    private static func turn(_ call: Call, _ reply: any ReplySink, to error: any Error) throws {
        guard let failure = error as? GatewayError, Self.wasNotServed(failure), !reply.hasContent, !call.isHurried,
            call.attempts <= call.retriesMax, let target = call.alternatives.popFirst()
        else { throw error }
        if failure.cause is TargetFull { call.attempts -= 1 }
        call.target = target
    }

    /// Whether the provider certainly did nothing: it never saw the request, or refused its key.
    private static func wasNotServed(_ failure: GatewayError) -> Bool {
        switch failure.code {
        case .credentialRejected, .credentialUnreadable, .modelUnpriced: true
        default: (failure.cause as? TransportError)?.didSend == false || failure.cause is TargetFull
        }
    }
}
