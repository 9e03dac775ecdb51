internal import Chat
internal import Core
internal import Dialects
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// What reads a provider's events, and writes them for the client where that speaks another dialect.
struct StreamCodec {
    let reader: any AnswerStreamReader
    /// Nil where the provider's events go on as they came, and are read for their figures alone.
    let writer: (any AnswerStreamWriter)?

    /// Nil for OpenAI's chat at a provider that speaks it.
    ///
    /// - Throws: If the answer has to be put into the client's dialect, and cannot be.
    init?(_ call: Call) throws {
        if let translation = call.translation {
            self.reader = Codecs.streamReader(translation.format)
            self.writer = try translation.streamWriter(for: call.format)
        } else if call.format != .openAIChat {
            self.reader = Codecs.streamReader(call.format)
            self.writer = nil
        } else {
            return nil
        }
    }
}

extension StreamRelay {
    /// Passes on one event of the provider, in the client's dialect.
    func pass(
        _ event: ServerSentEvent,
        by codec: StreamCodec,
        _ upstream: any UpstreamExchange,
        _ reply: any ReplySink
    ) throws {
        do {
            try codec.reader.read(event) { step in try self.take(step, codec, upstream, reply) }
        } catch is AnswerUnreadable {
            throw ProviderFault.unreadable
        }
        guard codec.writer == nil else { return }
        try reply.event(event, isContent: self.call.firstContent != nil)
    }

    /// Takes the end of the provider's body.
    func finish(_ codec: StreamCodec, _ upstream: any UpstreamExchange, _ reply: any ReplySink) throws {
        do {
            try codec.reader.finish { step in try self.take(step, codec, upstream, reply) }
        } catch is AnswerUnreadable {
            throw ProviderFault.unreadable
        }
    }

    private func take(
        _ step: AnswerEvent,
        _ codec: StreamCodec,
        _ upstream: any UpstreamExchange,
        _ reply: any ReplySink
    ) throws {
        self.call.note(step)
        if case .failure(let body, _) = step { throw ProviderFault(inSuccess: body) }
        if step.isContent, self.call.firstContent == nil { self.noteFirstContent(upstream) }
        if case .end = step {
            self.isDone = true
            // Before the client knows that it has everything: from here on nothing is billed as cut off.
            self.call.settle(.whole, self.instruments)
            // The head is out: what was lost on the way is told in a comment, which every client passes over.
            if let losses = codec.writer?.losses, !losses.isEmpty {
                let text = ByteBuffer(string: "turnpike-dropped \(losses.names.joined(separator: ","))")
                try reply.event(ServerSentEvent(data: text, isComment: true), isContent: false)
            }
        }
        try codec.writer?.write(step) { event, isContent in
            try reply.event(event, isContent: isContent || self.call.firstContent != nil)
        }
    }
}
