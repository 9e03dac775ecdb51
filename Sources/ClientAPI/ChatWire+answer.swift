package import Core
package import NIOCore

/// Reads an answer of `/v1/chat/completions`, whole or piece by piece.
package struct ChatReader: Sendable {
    private var calls: [Int: ChatToolCall] = [:]
    private var end = ChatEnd()
    /// Whether the provider said how it ended.
    package private(set) var isFinished = false

    package init() {}

    /// The events of a whole answer, the last included.
    ///
    /// - Throws: `AIError` if it is none.
    package static func whole(_ body: ByteBuffer) throws -> [ChatEvent] {
        var reader = ChatReader()
        guard let answer = try? JSONValue.parse(body), answer["choices"] != nil else { throw Self.unreadable }
        return reader.take(answer, delta: "message") + reader.finish()
    }

    /// What one event of a stream brings.
    ///
    /// - Throws: The error that it is; `AIError` if it cannot be read.
    package mutating func take(_ data: ByteBuffer) throws -> [ChatEvent] {
        if data.readableBytes == 6, data.readableBytesView.elementsEqual("[DONE]".utf8) { return [] }
        guard let chunk = try? JSONValue.parse(data) else { throw Self.unreadable }
        if chunk["error"] != nil, chunk["error"]?.isNull == false { throw ChatWire.error(chunk, status: 0) }
        return self.take(chunk, delta: "delta")
    }

    /// The last events, once the answer is over.
    package mutating func finish() -> [ChatEvent] {
        let calls = self.calls.sorted { $0.key < $1.key }.map { ChatEvent.toolCall($0.value) }
        self.calls = [:]
        return calls + [.done(self.end)]
    }

    private mutating func take(_ answer: JSONValue, delta: String) -> [ChatEvent] {
        if let model = answer["model"]?.stringValue, !model.isEmpty { self.end.model = model }
        if let usage = answer["usage"].flatMap(Self.usage) { self.end.usage = usage }
        guard let choice = answer["choices"]?[0] else { return [] }
        var events: [ChatEvent] = []
        if let piece = choice[delta] {
            if let text = piece["content"]?.stringValue ?? piece["refusal"]?.stringValue, !text.isEmpty {
                events.append(.content(text))
            }
            for (position, call) in (piece["tool_calls"]?.arrayValue ?? []).enumerated() {
                self.note(call, at: call["index"]?.intValue ?? position)
            }
        }
        if let reason = choice["finish_reason"]?.stringValue {
            self.end.finishReason = reason
            self.isFinished = true
        }
        return events
    }

    private mutating func note(_ call: JSONValue, at index: Int) {
        var whole = self.calls[index] ?? ChatToolCall(id: "", name: "", arguments: "")
        if let id = call["id"]?.stringValue, !id.isEmpty { whole.id = id }
        if let name = call["function"]?["name"]?.stringValue { whole.name += name }
        if let more = call["function"]?["arguments"]?.stringValue { whole.arguments += more }
        self.calls[index] = whole
    }

    private static func usage(_ value: JSONValue) -> ChatUsage? {
        guard let input = value["prompt_tokens"]?.intValue, let output = value["completion_tokens"]?.intValue else {
            return nil
        }
        return ChatUsage(
            inputTokens: input,
            outputTokens: output,
            cachedInputTokens: value["prompt_tokens_details"]?["cached_tokens"]?.intValue,
            reasoningTokens: value["completion_tokens_details"]?["reasoning_tokens"]?.intValue
        )
    }

    private static var unreadable: AIError {
        AIError(code: "PROVIDER_ERROR", message: "The answer cannot be read.")
    }
}

extension ChatWire {
    /// The error that the body of a refusal, or the last event of a stream, says.
    ///
    /// - Parameter status: The HTTP status; 0 inside a stream.
    package static func error(
        _ body: JSONValue?,
        status: Int,
        retryAfter: Duration? = nil,
        requestID: String? = nil
    ) -> any Error {
        let error = body?["error"]
        // Ours in small letters, or the provider's own.
        let said = (error?["code"]?.stringValue ?? "").uppercased()
        let code = GatewayError.Code(rawValue: said)?.rawValue
        let details = error?["details"]
        if code == GatewayError.Code.notConfigured.rawValue {
            return AINotConfiguredError(
                group: nil,
                provider: nil,
                settingsURL: details?["settingsUrl"]?.stringValue
            )
        }
        let limit = details?["limitMs"].flatMap { $0.intValue ?? $0.stringValue.flatMap { Int($0) } }
        return AIError(
            code: code ?? GatewayError.Code(status: status).rawValue,
            message: error?["message"]?.stringValue ?? "The gateway answered with status \(status).",
            param: error?["param"]?.stringValue,
            retryAfter: retryAfter,
            timeout: limit.map { .milliseconds($0) },
            requestId: requestID
        )
    }

    /// The same for what the road says itself.
    ///
    /// - Parameter subject: Whom the call was made for.
    package static func error(
        _ error: GatewayError,
        group: String,
        provider: AIProvider?,
        requestID: String
    ) -> any Error {
        func detail(_ key: String) -> String? { error.details.first { $0.key == key }?.value }
        if error.code == .notConfigured {
            return AINotConfiguredError(group: group, provider: provider, settingsURL: detail("settingsUrl"))
        }
        return AIError(
            code: error.code.rawValue,
            message: error.message,
            param: error.param,
            retryAfter: error.retryAfter,
            timeout: detail("limitMs").flatMap { Int($0) }.map { .milliseconds($0) },
            requestId: requestID
        )
    }
}

extension GatewayError.Code {
    /// What a refusal is that has no code of the gateway's own.
    fileprivate init(status: Int) { self = (400..<500).contains(status) ? .providerRefused : .providerError }
}
