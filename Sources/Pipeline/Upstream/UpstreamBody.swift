internal import Chat
internal import Core
internal import Dialects
internal import Metering
internal import NIOCore
internal import Providers

/// The body of an attempt's request: the client's own bytes with what has to be changed in them, or a translation.
struct UpstreamBody {
    private let source: ByteBuffer
    private let edits: RequestEdits

    /// Makes it, and notes on the call what was changed.
    init(_ call: Call, for target: CallTarget) throws {
        guard let index = call.index else { throw GatewayError(.internalFailure, "The call has no body.") }
        let format = target.provider.format(for: call.format)
        let quirks = target.provider.family.quirks
        if !Self.isTranslated(call, format) {
            call.translation = nil
            self.source = call.body
            self.edits = RequestEdits(
                body: call.body,
                index: index,
                operation: call.operation,
                format: format,
                model: target.modelJSON,
                outputLimit: call.attempt?.outputLimit,
                isPaidAhead: call.attempt?.outputPaid != nil,
                quirks: quirks
            )
            if self.edits.leavesNoRoomToThink { throw Self.noRoomToThink(call) }
        } else {
            // One that is there is in the middle of an attempt that takes several requests.
            let translation = try call.translation ?? Self.translation(call, target, format)
            call.translation = translation
            self.source = translation.takeBody()
            self.edits = try Self.edits(of: self.source, call, format, quirks)
        }
        call.edits = self.edits
        if !self.edits.dropped.isEmpty, call.isStrict {
            throw NamedLosses.refusal(of: call.dropped, at: target.provider)
        }
    }

    /// What a client learns that wants more thoughts than its budget has answers for.
    private static func noRoomToThink(_ call: Call) -> GatewayError {
        let limit = call.attempt?.outputLimit ?? 0
        var error = GatewayError(
            .budgetExceeded,
            "What is left of the budget pays for an answer of \(limit) tokens, and thinking takes 1,024 of them at "
                + "least. Ask without 'thinking', or with a smaller request.",
            param: "thinking.budget_tokens"
        )
        error.details = [(key: "outputTokensLeft", value: "\(limit)")]
        return error
    }

    /// Whether both sides write differently.
    private static func isTranslated(_ call: Call, _ format: WireFormat) -> Bool {
        if call.operation == .embeddings || call.operation == .rerank { return format != .openAIChat }
        guard [.chat, .countTokens].contains(call.operation) else { return false }
        // Another provider's thoughts have to be left out where this one would refuse them.
        if format != call.format || call.carriesThoughts { return true }
        return call.operation == .chat && format == .anthropic && Codecs.carriesThoughts(call.body, as: format)
    }

    private static func translation(
        _ call: Call,
        _ target: CallTarget,
        _ format: WireFormat
    ) throws(GatewayError) -> any Translation {
        switch call.operation {
        case .embeddings: try EmbeddingTranslation(call, to: target, as: format)
        case .rerank: try RerankTranslation(call, to: target, as: format)
        default: try ChatTranslation(call, to: target, as: format)
        }
    }

    /// What a provider of OpenAI's dialect wants otherwise than OpenAI.
    ///
    /// A translation is written for its target: it is read again only where something may have to be changed in it.
    private static func edits(
        of body: ByteBuffer,
        _ call: Call,
        _ format: WireFormat,
        _ quirks: Quirks
    ) throws -> RequestEdits {
        let asksForUsage = call.isStream && quirks.streamUsage == .onRequest
        guard format == .openAIChat, quirks.changesRequests || asksForUsage else { return .none }
        let index: RequestIndex
        do throws(RequestIndexError) {
            index = try RequestIndex(body)
        } catch {
            throw GatewayError(.internalFailure, "The request's translation is not valid.", cause: error)
        }
        return RequestEdits(
            body: body,
            index: index,
            operation: call.operation,
            format: format,
            model: nil,
            quirks: quirks
        )
    }

    /// How many bytes it has.
    var length: Int { self.edits.length(of: self.source) }

    /// Appends it.
    func write(into buffer: inout ByteBuffer) { self.edits.write(self.source, into: &buffer) }

    /// The same in pieces that share the bytes they are made of.
    var pieces: [ByteBuffer] { self.edits.pieces(of: self.source) }
}
