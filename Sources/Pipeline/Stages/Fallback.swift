internal import Chat
internal import Core
internal import NIOCore
internal import Transport

/// Goes on to the next target while it is certain that the one before never saw the request.
///
/// Whatever may have been sent is not repeated here: that needs a budget for retries and a memory of failures.
struct Fallback: Stage {
    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        var remaining = call.alternatives[...]
        while true {
            call.attempts += 1
            do {
                return try await next(call, reply)
            } catch let error as GatewayError where Self.wasNotSent(error) && !reply.hasContent {
                guard !call.isHurried, let following = remaining.popFirst() else { throw error }
                call.target = following
            }
        }
    }

    private static func wasNotSent(_ error: GatewayError) -> Bool {
        (error.cause as? TransportError)?.didSend == false
    }
}
