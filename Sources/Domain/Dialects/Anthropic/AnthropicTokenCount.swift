package import Chat
internal import Core
package import NIOCore

/// The bodies of Anthropic's `/v1/messages/count_tokens`.
///
/// A client's request is read as one to `/v1/messages`, which is the same with a limit.
package enum AnthropicTokenCount {
    /// Writes the request for a provider.
    package static func writeRequest(
        _ request: ChatRequest,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        try AnthropicRequestWriter.write(request, for: target, isCount: true, losses: &losses, into: &body)
    }

    /// Reads a provider's answer.
    ///
    /// - Throws: `.garbled` if there is no number in it, `.failure` if it is an error.
    package static func readAnswer(_ body: ByteBuffer) throws(AnswerUnreadable) -> Int {
        try BodyReader.read(body) { (reader) throws(AnswerUnreadable) -> Int in
            var tokens: Int?
            var hasFailed = false
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                if key.equals("input_tokens") { tokens = reader.scanner.int(value) }
                if key.equals("error") { hasFailed = true }
            }
            if hasFailed { throw .failure(body: body) }
            guard let tokens, tokens >= 0 else { throw .garbled }
            return tokens
        }
    }

    /// Appends `{"input_tokens":n}`.
    package static func writeAnswer(_ tokens: Int, into body: inout ByteBuffer) {
        body.beginObject()
        body.writeMember("input_tokens", tokens)
        body.endObject()
    }
}
