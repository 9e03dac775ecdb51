internal import Chat
internal import Core
internal import Dialects
internal import NIOCore

/// The answer that a client gets for several rounds: one head, the parts of all rounds, one end.
///
/// Confined to the loop of its call.
final class RoundsAnswer {
    let reply: any ReplySink
    private let call: Call
    private var context: AnswerContext
    /// Whether the form of the answer is laid down, so that only what the model says last may be in it.
    let showsLastOnly: Bool
    /// The client's own tools; all others are the gateway's to answer, those that nobody has too.
    private let clientTools: Set<String>
    private var writer: (any AnswerStreamWriter)?
    /// Whether the client got anything that a model said.
    private var hasContent = false
    private var nextPart = 0
    /// The end of the last round.
    private var finish: (reason: FinishReason, sequence: JSONString?) = (.stop, nil)
    /// The last round of an answer that is whole, and the parts of all rounds.
    private var last: (reply: WholeReply, answer: ChatAnswer)?
    private var parts: [ContentPart] = []
    private var rounds = 0
    private var leftOut = false
    private var callsNamed = 0
    /// Whether text of an earlier round is before what comes next.
    private var hasText = false
    private var needsGap = false

    init(_ call: Call, _ request: ChatRequest, of turn: ToolTurn, _ reply: any ReplySink) {
        self.call = call
        self.reply = reply
        self.context = call.answerContext(request, model: JSONString(call.model)).withoutConversation
        self.showsLastOnly = request.responseFormat != nil
        self.clientTools = Set(request.tools.compactMap(\.name.text)).subtracting(turn.names)
    }

    /// Whether the gateway answers a call of this tool.
    func owns(_ name: JSONString) -> Bool { !self.clientTools.contains(name.text ?? "") }

    /// The parts of a turn, each call with an id that no other one has: some servers give none.
    func named(_ parts: [ContentPart]) -> [ContentPart] {
        parts.map { part in
            guard case .toolCall(var call) = part.content, self.owns(call.name),
                call.id.isEmpty || LegacyCallID.isOne(call.id)
            else { return part }
            self.callsNamed += 1
            call.id = JSONString("call_\(self.context.id.prefix(16))_\(self.callsNamed)")
            var part = part
            part.content = .toolCall(call)
            return part
        }
    }

    // MARK: - What rounds say

    /// An attempt of a round opens its stream.
    ///
    /// What one before it left is forgotten, as long as the client has nothing of it.
    func begin(_ head: StreamHead) throws {
        guard !self.hasContent else { return }
        self.nextPart = 0
        self.writer = nil
        try self.reply.begin(head)
    }

    func begin(_ head: AnswerHead) throws {
        guard self.writer == nil else { return }
        try self.write(.begin(head))
    }

    /// A part of a round begins.
    ///
    /// - Returns: Its number among those of all rounds.
    func open(_ opening: AnswerEvent.Opening) throws -> Int {
        let number = self.nextPart
        self.nextPart += 1
        try self.write(.open(part: number, opening))
        if opening == .text {
            // Where all texts are one, what two rounds say would be one word.
            if self.needsGap, self.call.format == .openAIChat { try self.write(.text(part: number, Self.gap)) }
            self.needsGap = false
            self.hasText = true
        }
        return number
    }

    func write(_ event: AnswerEvent) throws {
        // Whose signatures they are is known once somebody answers.
        self.context.source = self.call.translation?.format ?? self.call.format
        let writer = try self.writer ?? Codecs.streamWriter(self.call.format, self.context)
        self.writer = writer
        if event.isContent { self.hasContent = true }
        try writer.write(event) { try self.reply.event($0, isContent: $1) }
    }

    /// A round of a stream is over.
    func finish(_ reason: FinishReason, _ sequence: JSONString?) {
        self.finish = (reason, sequence)
        self.needsGap = self.hasText
    }

    /// What stands between the texts of two rounds, where nothing else parts them.
    static let gap = JSONString("\n\n")

    /// A round that came whole.
    ///
    /// - Parameter shown: The parts that are the client's.
    func add(_ reply: WholeReply, _ answer: ChatAnswer, shown: [ContentPart]) {
        self.rounds += 1
        self.last = (reply, answer)
        let isText = { (part: ContentPart) in if case .text = part.content { true } else { false } }
        if self.showsLastOnly { self.parts.removeAll() }
        if self.call.format == .openAIChat, self.parts.contains(where: isText), shown.contains(where: isText) {
            self.parts.append(ContentPart(.text(Self.gap)))
        }
        self.parts += shown
        self.leftOut = shown.count != answer.choices.first?.parts.count
    }

    // MARK: - The end

    /// No further round follows: the client gets the end of its answer.
    func end() async throws {
        if let (reply, answer) = self.last {
            try self.reply.whole(try self.whole(reply, answer))
        } else {
            try self.write(.finish(self.finish.reason, stopSequence: self.finish.sequence))
            // Of all rounds together.
            try self.write(.usage(self.call.usage))
            try self.write(.end)
            try self.reply.flush()
            try self.reply.end()
        }
        if !self.reply.hasCredit { try await self.reply.awaitCredit() }
    }

    private func whole(_ reply: WholeReply, _ answer: ChatAnswer) throws -> WholeReply {
        // What no tool had a part in stays as it came.
        guard self.rounds > 1 || self.leftOut, var choice = answer.choices.first else { return reply }
        choice.parts = self.parts
        var (reply, answer) = (reply, answer)
        answer.choices = [choice]
        answer.usage = self.call.usage
        reply.body = ByteBuffer()
        try Codecs.writeAnswer(answer, as: self.call.format, self.context, into: &reply.body)
        return reply
    }
}

@available(*, unavailable, message: "confined to its loop")
extension RoundsAnswer: Sendable {}
