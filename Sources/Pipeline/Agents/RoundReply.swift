internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Wire

/// Takes the answer of one round: hands on what the model says, and keeps what it wants of the gateway's own tools.
///
/// Confined to the loop of its call.
final class RoundReply: ReplySink {
    /// The most bytes of one turn that are kept for the next.
    private static let bytesMax = 16 << 20

    private let round: Call
    private let answer: RoundsAnswer
    private var reader: any AnswerStreamReader
    private var collector: AnswerCollector
    /// What came before the first content, after which no other attempt can answer.
    private var held: [AnswerEvent] = []
    /// The numbers that parts of this round have for the client; calls of own tools have none.
    private var numbers: [Int: Int] = [:]
    private(set) var hasContent = false
    /// What the model wants of the gateway's own tools.
    private(set) var wishes: [ToolCall] = []
    /// Whether it also calls tools that the client has to run.
    private(set) var hasForeignCalls = false
    /// All that the model said in this round, for the next one.
    private(set) var parts: [ContentPart] = []

    /// The whole of a streamed answer where its last event says it, with what the steps before it do not.
    private var completed: [ContentPart]?

    init(_ round: Call, into answer: RoundsAnswer) {
        self.round = round
        self.answer = answer
        self.reader = Codecs.streamReader(round.format)
        self.collector = Self.collector(round)
    }

    private static func collector(_ round: Call) -> AnswerCollector {
        // Signatures are worth something to whoever made them.
        AnswerCollector(source: round.translation?.format ?? round.format, bytesMax: Self.bytesMax)
    }

    /// The client's own sink fills its silences.
    func expectStream() {}

    // MARK: - A whole answer

    func whole(_ reply: WholeReply) throws {
        self.hasContent = true
        let read: ChatAnswer
        do throws(AnswerUnreadable) {
            read = try Codecs.readAnswer(reply.body, as: self.round.format)
        } catch {
            throw GatewayError(.providerError, "The answer with the calls of tools cannot be read.")
        }
        self.note(read.choices.first?.parts ?? [])
        let shown = self.parts.filter { part in
            guard case .toolCall(let call) = part.content else { return true }
            return !self.answer.owns(call.name)
        }
        self.answer.add(reply, read, shown: shown)
    }

    private func note(_ parts: [ContentPart]) {
        self.parts = self.answer.named(parts)
        for case .toolCall(let call) in self.parts.map(\.content) {
            if self.answer.owns(call.name) { self.wishes.append(call) } else { self.hasForeignCalls = true }
        }
    }

    // MARK: - A stream

    func begin(_ head: StreamHead) throws {
        // What an attempt before this one left goes.
        self.reader = Codecs.streamReader(self.round.format)
        self.collector = Self.collector(self.round)
        self.completed = nil
        self.held.removeAll()
        self.numbers.removeAll()
        try self.answer.begin(head)
    }

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        if isContent { self.hasContent = true }
        if event.isComment { return try self.answer.reply.event(event, isContent: false) }
        // The bytes may be written over once this returns, and parts of them are kept.
        let data = ByteBuffer(bytes: event.data.readableBytesView)
        do {
            try self.reader.read(ServerSentEvent(data: data, type: event.type)) { try self.take($0) }
        } catch is AnswerUnreadable {
            throw GatewayError(.providerError, "The answer with the calls of tools cannot be read.")
        }
        if self.round.format == .openAIResponses { self.takeLast(data, event.type) }
    }

    /// Takes the items of a response from the event that has all of them: their ids stand nowhere else.
    private func takeLast(_ data: ByteBuffer, _ type: ByteBuffer?) {
        guard type == Self.completed || type == Self.incomplete,
            let response = (try? JSONValue.parse(data))?["response"]
        else { return }
        var body = ByteBuffer()
        response.write(into: &body)
        self.completed = (try? Codecs.readAnswer(body, as: .openAIResponses))?.choices.first?.parts
    }

    private static let completed = ByteBuffer(string: "response.completed")
    private static let incomplete = ByteBuffer(string: "response.incomplete")

    private func take(_ event: AnswerEvent) throws {
        self.collector.take(event)
        guard !self.collector.isCut else {
            throw GatewayError(.providerError, "The model's turn is longer than \(Self.bytesMax) bytes.")
        }
        guard self.hasContent || event.isContent, !self.answer.showsLastOnly else { return self.held.append(event) }
        for held in self.held { try self.pass(held) }
        self.held.removeAll()
        try self.pass(event)
    }

    private func pass(_ event: AnswerEvent) throws {
        switch event {
        case .begin(let head): try self.answer.begin(head)
        case .open(let part, let opening):
            if case .toolCall(_, let name, _, _) = opening, self.answer.owns(name) { return }
            self.numbers[part] = try self.answer.open(opening)
        case .text(let part, let text): try self.pass(part) { .text(part: $0, text) }
        case .thinking(let part, let text): try self.pass(part) { .thinking(part: $0, text) }
        case .signature(let part, let text): try self.pass(part) { .signature(part: $0, text) }
        case .refusal(let part, let text): try self.pass(part) { .refusal(part: $0, text) }
        case .arguments(let part, let text): try self.pass(part) { .arguments(part: $0, text) }
        case .citation(let part, let citation): try self.pass(part) { .citation(part: $0, citation) }
        case .close(let part): try self.pass(part) { .close(part: $0) }
        case .logprobs, .image, .unsaid: try self.answer.write(event)
        // Of each round; the client gets one end.
        case .finish, .usage, .end, .failure: break
        }
    }

    private func pass(_ part: Int, _ event: (Int) -> AnswerEvent) throws {
        if let number = self.numbers[part] { try self.answer.write(event(number)) }
    }

    func flush() throws { try self.answer.reply.flush() }

    /// The round is over; the answer is when no tool is wanted.
    func end() throws {
        try self.reader.finish { try self.take($0) }
        let choice = self.collector.answer.choices[0]
        self.note(self.completed ?? choice.parts)
        if !self.answer.showsLastOnly || self.wishes.isEmpty || self.hasForeignCalls {
            for held in self.held { try self.pass(held) }
        }
        self.held.removeAll()
        self.answer.finish(choice.finish, choice.stopSequence)
    }

    /// Failures are told by who stands above.
    func fail(_ error: GatewayError) throws { throw error }

    var hasCredit: Bool { self.answer.reply.hasCredit }

    func awaitCredit() async throws { try await self.answer.reply.awaitCredit() }
}

@available(*, unavailable, message: "confined to its loop")
extension RoundReply: Sendable {}
