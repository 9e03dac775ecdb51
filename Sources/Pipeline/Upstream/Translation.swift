internal import Chat
internal import Core
internal import Dialects
internal import Metering
internal import NIOCore
internal import Providers

/// What became of a client's request at a provider that speaks another dialect, and what turns the answer back.
///
/// One for each attempt. Confined to its loop.
final class Translation {
    /// How the provider writes.
    let format: WireFormat
    /// The request in the provider's dialect.
    private var body: ByteBuffer
    /// What the provider was not told, as JSON paths of the client's body.
    let dropped: [String]
    /// Nil once the answer's writer has it.
    private var context: AnswerContext?

    /// Puts the call's request into the target's dialect.
    ///
    /// - Throws: `GatewayError` if it cannot be said there at all, or not without a loss that the group does not want.
    init(_ call: Call, to target: CallTarget, as format: WireFormat) throws(GatewayError) {
        self.format = format
        let request: ChatRequest
        do throws(RequestUnreadable) {
            request = try Codecs.readRequest(call.body, as: call.format)
        } catch {
            throw GatewayError(error, in: call.body)
        }
        let model = JSONString(target.model)
        var traits = TargetTraits(model: model, modelID: target.model)
        traits.outputTokensMax = call.snapshot.facts(of: target.model, at: target.provider).outputMax
        traits.outputLimit = call.attempt?.outputLimit
        traits.takesUnknownMembers = target.provider.family.quirks.takesUnknownMembers
        var losses = Losses()
        var body = ByteBufferAllocator().buffer(capacity: call.body.readableBytes + 256)
        do throws(RequestUnwritable) {
            try Codecs.writeRequest(request, as: format, for: traits, losses: &losses, into: &body)
        } catch {
            throw GatewayError(error, in: call.body, provider: target.provider.name)
        }
        self.body = body
        self.dropped = losses.isEmpty ? [] : losses.paths(in: call.body)
        if !losses.isEmpty, call.isStrict {
            throw GatewayError(losses: self.dropped, provider: target.provider.name)
        }
        self.context = AnswerContext(
            id: call.id.text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") },
            created: Int64(call.time.seconds),
            model: model,
            request: request
        )
    }

    /// Hands out the request in the provider's dialect; once, since it is large.
    func takeBody() -> ByteBuffer {
        defer { self.body = ByteBuffer() }
        return self.body
    }

    /// What writes the answer's events for the client; asked for once.
    func streamWriter(for client: WireFormat) -> (any AnswerStreamWriter)? {
        guard let context = self.context else { return nil }
        self.context = nil
        return Codecs.streamWriter(client, context)
    }

    /// The whole answer for the client; asked for once.
    func write(_ answer: ChatAnswer, for client: WireFormat) -> ByteBuffer {
        guard let context = self.context else { return ByteBuffer() }
        self.context = nil
        var body = ByteBuffer()
        Codecs.writeAnswer(answer, as: client, context, into: &body)
        return body
    }
}

@available(*, unavailable, message: "confined to its loop")
extension Translation: Sendable {}

extension GatewayError {
    /// What a client learns of a body that is no request of its dialect.
    fileprivate init(_ error: RequestUnreadable, in body: ByteBuffer) {
        let path = body.withUnsafeReadableBytes { JSONPath.find(error.place, in: $0) }
        self.init(.invalidRequest, error.message, param: path.isEmpty ? nil : path)
        if !path.isEmpty { self.details.append((key: "field", value: path)) }
        self.details.append((key: "expected", value: error.expected))
    }

    /// What a client learns of a request that a provider cannot be told.
    fileprivate init(_ error: RequestUnwritable, in body: ByteBuffer, provider: String) {
        let path = error.place < 0 ? "" : body.withUnsafeReadableBytes { JSONPath.find(error.place, in: $0) }
        self.init(.invalidRequest, error.message, param: path.isEmpty ? nil : path)
        if !path.isEmpty { self.details.append((key: "field", value: path)) }
        self.details.append((key: "provider", value: provider))
    }

    /// What a client learns that wants nothing left out.
    fileprivate init(losses: [String], provider: String) {
        let names = losses.prefix(16).joined(separator: ", ")
        self.init(
            .invalidRequest,
            "The provider '\(provider)' cannot be told everything in this request, and losses are refused here: "
                + "\(names).",
            param: losses.first
        )
        self.details = [(key: "dropped", value: losses.joined(separator: ",")), (key: "provider", value: provider)]
    }
}
