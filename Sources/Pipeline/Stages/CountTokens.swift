internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers

/// Answers how many tokens a request has where its provider cannot be asked.
///
/// A guess by the gateway's own estimator, and marked as one: `x-turnpike-estimated: true`.
struct CountTokens: Detour {
    let instruments: Instruments

    func concerns(_ call: Call) -> Bool {
        guard call.operation == .countTokens, let target = call.target else { return false }
        return !Self.canBeAsked(target.provider)
    }

    /// Whether a provider counts tokens by itself.
    private static func canBeAsked(_ provider: Provider) -> Bool {
        switch provider.family.kind {
        case .anthropic, .gemini: true
        case .openAI, .azure, .cohere, .bedrock: false
        }
    }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        let model = call.target?.model ?? call.model
        let tokens = self.instruments.estimator.inputTokens(of: call.measuredPrompt(), model: model)
        var fields = ByteBuffer()
        fields.writeStaticString("x-turnpike-estimated: true\r\n")
        let body = ByteBuffer(string: "{\"input_tokens\":\(tokens)}")
        try reply.whole(WholeReply(status: 200, fields: fields, body: body))
        if !reply.hasCredit { try await reply.awaitCredit() }
    }
}
