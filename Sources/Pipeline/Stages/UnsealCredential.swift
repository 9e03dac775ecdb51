internal import Chat
internal import Core
internal import Providers

/// Puts the group's key for the target's provider into the call, for as long as the attempt runs.
struct UnsealCredential: Stage {
    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        guard let provider = call.target?.provider else {
            throw GatewayError(.internalFailure, "The call has no target.")
        }
        call.credential = provider.needsNoCredential ? nil : call.credentials.credential(for: provider)
        defer { call.credential = nil }
        try await next(call, reply)
    }
}
