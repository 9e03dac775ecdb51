internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Wire

/// Keeps a whole answer, streamed or not, until somebody lets it go.
///
/// Confined to the loop of its call.
final class HeldAnswer: SinkBetween {
    /// What holding an event takes beside its data, about.
    private static let eventBytes = 256

    private let client: any ReplySink
    private let bytesMax: Int
    /// What all such answers share.
    private let room: HeldBytes
    private var wholeReply: WholeReply?
    private var head: StreamHead?
    private var events: [ServerSentEvent] = []
    private var bytes = 0
    private(set) var hasContent = false

    init(_ client: any ReplySink, bytesMax: Int, of room: HeldBytes) {
        self.client = client
        self.bytesMax = bytesMax
        self.room = room
    }

    deinit { self.room.give(self.bytes) }

    /// Nobody, until it is let go; the client's own sink fills its silences.
    var reply: (any ReplySink)? { nil }

    func whole(_ answer: WholeReply) throws {
        try self.hold(answer.body.readableBytes)
        self.wholeReply = answer
        self.hasContent = true
    }

    func begin(_ head: StreamHead) throws {
        // What an attempt before this one left goes.
        self.head = head
        self.events.removeAll()
        self.room.give(self.bytes)
        self.bytes = 0
    }

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        try self.hold(event.data.readableBytes + Self.eventBytes)
        // The bytes may be written over once this returns.
        let data = ByteBuffer(bytes: event.data.readableBytesView)
        self.events.append(ServerSentEvent(data: data, type: event.type, isComment: event.isComment))
        if isContent { self.hasContent = true }
    }

    /// Takes memory for more of the answer.
    private func hold(_ count: Int) throws {
        guard self.bytes + count <= self.bytesMax else {
            throw GatewayError(.providerError, "The answer is too large to be held against its schema.")
        }
        guard self.room.take(count) else {
            let text = "Too many answers are being held against their schemas. Try again shortly."
            throw GatewayError(.overloaded, text, retryAfter: .seconds(1))
        }
        self.bytes += count
    }

    func begin(_ head: ByteHead) throws {
        throw GatewayError(.internalFailure, "An answer in bytes came where none can be.")
    }

    /// Failures are told by who stands above.
    func fail(_ error: GatewayError) throws { throw error }

    /// Sends what was held on its way.
    func release() async throws {
        if let wholeReply { return try self.client.whole(wholeReply) }
        guard let head else { return }
        try self.client.begin(head)
        for event in self.events {
            try self.client.event(event, isContent: true)
            if !self.client.hasCredit {
                try self.client.flush()
                try await self.client.awaitCredit()
            }
        }
        try self.client.flush()
        try self.client.end()
    }

    /// What the model says, as text, where it is meant to be an answer: nil for a refusal and for calls of tools.
    ///
    /// Of several answers all, one after the other.
    ///
    /// - Parameter format: The client's, in which the answer is held.
    func said(in format: WireFormat) throws -> [JSONString]? {
        do {
            let choices = try self.choices(in: format)
            var texts: [JSONString] = []
            for choice in choices {
                guard choice.finish != .toolCalls, choice.finish != .contentFilter else { return nil }
                var content = ByteBuffer(staticString: "\"")
                for part in choice.parts {
                    switch part.content {
                    case .text(let text): text.writeContent(into: &content)
                    case .refusal, .toolCall: return nil
                    default: continue
                    }
                }
                content.writeStaticString("\"")
                texts.append(JSONString(checked: content))
            }
            return texts
        } catch is AnswerUnreadable {
            throw GatewayError(.internalFailure, "The answer to be checked cannot be read.")
        }
    }

    private func choices(in format: WireFormat) throws -> [AnswerChoice] {
        if let wholeReply { return try Codecs.readAnswer(wholeReply.body, as: format).choices }
        var collector = AnswerCollector(source: format)
        let reader = Codecs.streamReader(format)
        for event in self.events { try reader.read(event) { collector.take($0) } }
        try reader.finish { collector.take($0) }
        return collector.answer.choices
    }
}

@available(*, unavailable, message: "confined to its loop")
extension HeldAnswer: Sendable {}
