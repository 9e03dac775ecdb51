internal import Chat
internal import Conversations
internal import Core
internal import NIOCore
internal import Providers

/// The events of a session's stream that are about the whole answer.
enum SessionEvents {
    // Their types.
    static let start = ByteBuffer(string: "start")
    static let content = ByteBuffer(string: "content")
    static let toolCall = ByteBuffer(string: "tool_call")
    static let toolResult = ByteBuffer(string: "tool_result")
    static let done = ByteBuffer(string: "done")

    /// The answer begins: where it stands, and what of the conversation the model is not told.
    static func start(_ turn: SessionTurn, _ requestID: RequestID) -> ByteBuffer {
        let json: JSONValue = [
            "sessionId": .string(turn.session.id),
            "messageId": .string(SessionMessage.id(of: turn.session.id, turn.answerSeq)),
            "seq": .integer(Int64(turn.answerSeq)),
            "questionSeq": .integer(Int64(turn.questionSeq)),
            "requestId": .string(requestID.text),
            "historyCount": .integer(Int64(turn.history.count)),
            "summarizedThroughSeq": turn.summary.map { .integer(Int64($0.throughSeq)) } ?? .null,
            "leftOut": turn.leftOut?.json ?? .null,
        ]
        return Self.bytes(json)
    }

    /// The answer is whole and stored.
    static func done(_ turn: SessionTurn, _ end: AnswerEnd, _ requestID: RequestID) -> ByteBuffer {
        let json: JSONValue = [
            "sessionId": .string(turn.session.id),
            "messageId": .string(SessionMessage.id(of: turn.session.id, turn.answerSeq)),
            "seq": .integer(Int64(turn.answerSeq)),
            "requestId": .string(requestID.text),
            "status": .string(end.status.rawValue),
            "finishReason": end.finish.map { .string($0) } ?? .null,
            "model": end.model.map { .string($0) } ?? .null,
            "provider": end.provider.map { .string($0) } ?? .null,
            "usage": end.usage?.sessionJSON ?? .null,
            "costUsd": end.cost.map { .number($0.dollars) } ?? .null,
        ]
        return Self.bytes(json)
    }

    private static func bytes(_ json: JSONValue) -> ByteBuffer {
        var buffer = ByteBuffer()
        json.write(into: &buffer)
        return buffer
    }

    /// How an answer stands in the store when its call is over.
    static func end(_ reply: InnerReply, _ failure: GatewayError?, isCut: Bool, _ call: Call?) -> AnswerEnd {
        let status: SessionMessage.Status =
            if failure == nil, !isCut { .complete } else if isCut || !reply.parts.isEmpty { .cut } else { .failed }
        let content = reply.parts.json
        var end = AnswerEnd(
            status,
            content: content,
            tokens: call?.usage.output ?? HistoryRule.tokens(ofBytes: content.readableBytes),
            finish: reply.finish.map(Self.word)
        )
        if let call, call.attempts > 0 {
            end.usage = call.usage
            end.cost = call.firstAttempt == nil ? nil : call.charged
            end.model = call.target?.model
            end.provider = call.target?.provider.name
        }
        end.error = failure.map { SessionMessage.Fault($0) }
        return end
    }

    private static func word(_ reason: FinishReason) -> String {
        switch reason {
        case .stop: "stop"
        case .stopSequence: "stop_sequence"
        case .length: "length"
        case .contextFull: "context_full"
        case .toolCalls: "tool_calls"
        case .contentFilter: "content_filter"
        case .pause: "pause"
        case .error: "error"
        }
    }
}
