internal import Chat
internal import Core
internal import Dialects
internal import Metering
internal import NIOCore
internal import Providers

/// What became of a client's request at a provider that speaks another dialect, and what turns the answer back.
///
/// One for each attempt. Confined to its loop.
protocol Translation: AnyObject {
    /// How the provider writes.
    var format: WireFormat { get }
    /// What the provider was not told as the client said it.
    var losses: NamedLosses { get }
    /// What of the answer so far has no place in the client's dialect.
    var answerLosses: AnswerLosses { get }
    /// Whether an earlier request of this attempt was answered: the provider wants money for it, whatever follows.
    var hasAnsweredPart: Bool { get }

    /// Hands out the request in the provider's dialect, or the next one where one was not enough; once each.
    func takeBody() -> ByteBuffer

    /// Takes a whole answer of the provider, and notes on the call what it used.
    ///
    /// - Returns: The client's answer; nil if another request has to go out first.
    /// - Throws: `ProviderFault`.
    func answer(_ body: ByteBuffer, of call: Call) throws -> ByteBuffer?

    /// What writes the answer's events for the client; asked for once.
    ///
    /// - Throws: `ProviderFault.unreadable` where an answer of this kind has no events.
    func streamWriter(for client: WireFormat) throws -> any AnswerStreamWriter
}

extension Translation {
    var hasAnsweredPart: Bool { false }
    var answerLosses: AnswerLosses { [] }
    func streamWriter(for client: WireFormat) throws -> any AnswerStreamWriter { throw ProviderFault.unreadable }
}

/// What a provider was not told as the client said it, as JSON paths of the client's body.
struct NamedLosses: Sendable {
    /// What was left out or changed.
    let dropped: [String]
    /// What was said by other means than a field of its own, such as a schema as a tool to call.
    let emulated: [String]

    /// - Throws: `GatewayError` if something is lost that the group does not want to lose.
    init(_ losses: Losses, _ call: Call, at provider: Provider) throws(GatewayError) {
        self.dropped = losses.isEmpty ? [] : losses.paths(in: call.body)
        self.emulated = losses.emulated.isEmpty ? [] : losses.emulatedPaths(in: call.body)
        guard !losses.isEmpty, call.isStrict else { return }
        throw Self.refusal(of: self.dropped, at: provider)
    }

    /// What the client is told that wants to lose nothing.
    static func refusal(of dropped: [String], at provider: Provider) -> GatewayError {
        let names = dropped.prefix(16).joined(separator: ", ")
        var error = GatewayError(
            .invalidRequest,
            "The provider '\(provider.name)' cannot be told everything in this request, and losses are refused here: "
                + "\(names).",
            param: dropped.first
        )
        error.details = [
            (key: "dropped", value: dropped.joined(separator: ",")), (key: "provider", value: provider.name),
        ]
        return error
    }
}

/// A chat, or the question how many tokens one has.
final class ChatTranslation: Translation {
    let format: WireFormat
    let losses: NamedLosses
    private var body: ByteBuffer
    private let isCount: Bool
    /// Nil once the answer's writer has it.
    private var context: AnswerContext?
    /// What writes the stream, and what a whole answer lost.
    private var writer: (any AnswerStreamWriter)?
    private var wholeLosses = AnswerLosses()
    var answerLosses: AnswerLosses { self.writer?.losses ?? self.wholeLosses }

    /// Puts the call's request into the target's dialect.
    ///
    /// - Throws: `GatewayError` if it cannot be said there at all, or not without a loss that the group does not want.
    init(_ call: Call, to target: CallTarget, as format: WireFormat) throws(GatewayError) {
        self.format = format
        self.isCount = call.operation == .countTokens
        let request: ChatRequest
        do throws(RequestUnreadable) {
            request = try Codecs.readRequest(call.body, as: call.format)
        } catch {
            throw GatewayError(error, in: call.body)
        }
        let traits = TargetTraits(target, of: call)
        var losses = Losses()
        var body = ByteBufferAllocator().buffer(capacity: call.body.readableBytes + 256)
        do throws(RequestUnwritable) {
            try Codecs.writeRequest(request, as: format, for: traits, losses: &losses, into: &body)
        } catch {
            throw GatewayError(error, in: call.body, provider: target.provider.name)
        }
        self.body = self.isCount ? Self.question(body, model: traits.model) : body
        self.losses = try NamedLosses(losses, call, at: target.provider)
        var context = call.answerContext(request, model: traits.model)
        context.source = format
        if let previous = call.resumed {
            let name = JSONString("previous_response_id")
            context.request.own.append(RestMember(name: name, value: JSONFragment(checked: previous.bytes)))
        }
        self.context = context
    }

    /// What Gemini's `countTokens` takes: the whole request under a name, with the model in it.
    private static func question(_ request: ByteBuffer, model: JSONString) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeStaticString("{\"generateContentRequest\":{\"model\":\"models/")
        model.writeContent(into: &body)
        body.writeStaticString("\"")
        if request.readableBytes > 2 { body.writeStaticString(",") }
        body.writeBytes(request.readableBytesView.dropFirst())
        body.writeStaticString("}")
        return body
    }

    func takeBody() -> ByteBuffer {
        defer { self.body = ByteBuffer() }
        return self.body
    }

    func streamWriter(for client: WireFormat) throws -> any AnswerStreamWriter {
        guard let context = self.context.take() else { throw ProviderFault.unreadable }
        let writer = try Codecs.streamWriter(client, context)
        self.writer = writer
        return writer
    }

    func answer(_ body: ByteBuffer, of call: Call) throws -> ByteBuffer? {
        var written = ByteBuffer()
        if self.isCount {
            guard let tokens = (try? JSONValue.parse(body))?["totalTokens"]?.intValue else {
                throw ProviderFault.unreadable
            }
            AnthropicTokenCount.writeAnswer(tokens, into: &written)
            return written
        }
        let answer = try call.read(body, as: self.format)
        guard let context = self.context.take() else { throw ProviderFault.unreadable }
        written.reserveCapacity(body.readableBytes + 256)
        self.wholeLosses = try Codecs.writeAnswer(answer, as: call.format, context, into: &written)
        return written
    }
}

extension TargetTraits {
    /// What a writer has to know of the target of a call's attempt.
    init(_ target: CallTarget, of call: Call) {
        self.init(model: JSONString(target.model), modelID: target.model)
        self.outputTokensMax = call.snapshot.facts(of: target.model, at: target.provider).outputMax
        self.outputLimit = call.attempt?.outputLimit
        self.isPaidAhead = call.attempt?.outputPaid != nil
        self.takesUnknownMembers = target.provider.family.quirks.takesUnknownMembers
        self.outputLimitField = target.provider.family.quirks.outputLimitField
    }
}

extension GatewayError {
    /// What a client learns of a body that is no request of its dialect.
    init(_ error: RequestUnreadable, in body: ByteBuffer) {
        let path = body.withUnsafeReadableBytes { JSONPath.find(error.place, in: $0) }
        self.init(.invalidRequest, error.message, param: path.isEmpty ? nil : path)
        if !path.isEmpty { self.details.append((key: "field", value: path)) }
        self.details.append((key: "expected", value: error.expected))
    }

    /// What a client learns of a request that a provider cannot be told.
    init(_ error: RequestUnwritable, in body: ByteBuffer, provider: String) {
        let path = error.place < 0 ? "" : body.withUnsafeReadableBytes { JSONPath.find(error.place, in: $0) }
        self.init(.invalidRequest, error.message, param: path.isEmpty ? nil : path)
        if !path.isEmpty { self.details.append((key: "field", value: path)) }
        self.details.append((key: "provider", value: provider))
    }
}
