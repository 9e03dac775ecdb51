internal import Chat
internal import Core
internal import Providers

/// Puts the group's sealed key for the target's provider into the call.
///
/// `TryTargets` takes it out again after the attempt.
///
/// It is opened where the head of the request is written, right into those bytes, and nowhere above.
struct UnsealCredential: Gate {
    func pass(_ call: Call, _ reply: any ReplySink) throws {
        guard let provider = call.target?.provider else {
            throw GatewayError(.internalFailure, "The call has no target.")
        }
        call.credential = provider.needsNoCredential ? nil : call.credentials.credential(for: provider)
        call.credentialID = call.credential?.id ?? ""
    }
}
