internal import Agents
internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Providers
internal import Wire

/// Sends a text of the gateway as an answer in the client's dialect, whole or as a stream.
enum IntentReplying {
    /// - Parameters:
    ///   - text: What is said.
    ///   - now: When, for the time to the first content.
    static func send(
        _ text: String,
        _ call: Call,
        _ agent: CallAgent,
        _ reply: any ReplySink,
        now: NIODeadline
    ) throws {
        let context = call.answerContext(
            agent.request ?? ChatRequest(format: call.format),
            model: JSONString(agent.asked)
        )
        agent.request = nil
        // The client's bytes are not needed any more, and a slow client may take its time.
        call.releaseBody()
        call.usage = TokenUsage(input: 0, output: 0)
        if call.isStream {
            call.firstContent = now
            try Self.stream(JSONString(text), call, context, reply)
        } else {
            var answer = ChatAnswer(
                choices: [AnswerChoice(parts: [ContentPart(.text(JSONString(text)))], finish: .stop)],
                usage: TokenUsage(input: 0, output: 0)
            )
            answer.model = context.model
            var body = ByteBuffer()
            try Codecs.writeAnswer(answer, as: call.format, context, into: &body)
            try reply.whole(WholeReply(status: 200, fields: ByteBuffer(), body: body))
        }
    }

    private static func stream(
        _ text: JSONString,
        _ call: Call,
        _ context: AnswerContext,
        _ reply: any ReplySink
    ) throws {
        let writer = try Codecs.streamWriter(call.format, context)
        let steps: [AnswerEvent] = [
            .begin(AnswerHead(model: context.model)), .open(part: 0, .text), .text(part: 0, text), .close(part: 0),
            .finish(.stop, stopSequence: nil), .usage(TokenUsage(input: 0, output: 0)), .end,
        ]
        try reply.begin(StreamHead(fields: ByteBuffer()))
        for step in steps {
            try writer.write(step) { event, isContent in try reply.event(event, isContent: isContent) }
        }
        try reply.flush()
        try reply.end()
    }
}
