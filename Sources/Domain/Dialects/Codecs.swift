package import Chat
package import NIOCore
package import Wire

/// Why a client's body is no request of its dialect.
package struct RequestUnreadable: Error, Sendable, Equatable {
    /// Where in the body, in bytes.
    package let place: Int
    /// A sentence for the client, without anything of the body's own text.
    package let message: String
    /// What should stand there, such as `a string or a list of parts`.
    package let expected: String

    package init(at place: Int, _ message: String, expected: String) {
        self.place = place
        self.message = message
        self.expected = expected
    }
}

/// Why a request cannot be put into the target's dialect, not even with losses.
package struct RequestUnwritable: Error, Sendable, Equatable {
    /// Where in the client's body; -1 where it is about the whole.
    package let place: Int
    /// A sentence for the client.
    package let message: String

    package init(at place: Int, _ message: String) {
        self.place = place
        self.message = message
    }
}

/// Why a provider's answer is none of its dialect, or is an error.
package enum AnswerUnreadable: Error, Sendable, Equatable {
    /// It is broken, cut or something else.
    case garbled
    /// It is an error, inside an answer with status 200.
    case failure(body: ByteBuffer)
}

/// No client speaks this dialect, so nothing can be written in it for one: whoever asks has made a mistake.
package struct NoClientDialect: Error, Sendable, Equatable {
    package let format: WireFormat

    package init(_ format: WireFormat) { self.format = format }
}

/// Reads the events of a provider's stream, one after the other.
///
/// What it has read it forgets, so that an open stream holds little. Confined to its loop.
package protocol AnswerStreamReader: AnyObject {
    /// Takes one event of the provider, and hands out what it means.
    ///
    /// A message of an Amazon event stream comes as one too: its `:event-type` as the type, its payload as the data.
    ///
    /// - Parameter emit: Called for each step in order, before this returns.
    /// - Throws: `AnswerUnreadable.garbled`, or what `emit` throws.
    func read(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws

    /// Takes the end of the body.
    ///
    /// Hands out what was held back, and `.end` if the answer is whole although nothing said so.
    func finish(_ emit: (AnswerEvent) throws -> Void) throws
}

/// Writes the events of a client's stream.
///
/// Confined to its loop.
package protocol AnswerStreamWriter: AnyObject {
    /// What of the steps so far had no place in the client's dialect.
    var losses: AnswerLosses { get }

    /// Puts one step into the client's dialect.
    ///
    /// - Parameter send: Called for each event that it makes, in order, and whether it carries something the model
    ///   said. The event's bytes may be reused after it returns.
    func write(_ event: AnswerEvent, _ send: (ServerSentEvent, Bool) throws -> Void) throws
}

/// All dialects in one table: which can be read and written.
package enum Codecs {
    /// Reads a client's request.
    ///
    /// The body has been checked to be JSON by `RequestIndex` before.
    package static func readRequest(
        _ body: ByteBuffer,
        as format: WireFormat
    ) throws(RequestUnreadable) -> ChatRequest {
        switch format {
        case .openAIChat: return try OpenAIChatRequestReader.read(body)
        case .openAIResponses: return try ResponsesRequestReader.read(body)
        case .anthropic: return try AnthropicRequestReader.read(body)
        default: throw RequestUnreadable(at: 0, "Requests of this dialect cannot be read.", expected: "another route")
        }
    }

    /// Whether a request may have thoughts of another provider in it, which one of its own dialect would refuse.
    ///
    /// Never wrong when it says no. For Responses, `ResponsesContinuation` knows.
    package static func carriesThoughts(_ body: ByteBuffer, as format: WireFormat) -> Bool {
        format == .anthropic && ForeignThoughts.mayStand(in: body)
    }

    /// Writes a provider's request, and notes what it cannot say.
    package static func writeRequest(
        _ request: ChatRequest,
        as format: WireFormat,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        // Only Responses has the steps of one turn apart, and what its provider keeps only that provider has.
        if format != .openAIResponses { try ResponsesTurns.check(request) }
        let request = format == .openAIResponses ? request : request.wholeTurns
        switch format {
        case .openAIChat:
            try OpenAIChatRequestWriter.write(request, for: target, losses: &losses, into: &body)
        case .openAIResponses:
            try ResponsesRequestWriter.write(request, for: target, losses: &losses, into: &body)
        case .cohere: try CohereRequestWriter.write(request, for: target, losses: &losses, into: &body)
        case .gemini: try GeminiRequestWriter.write(request, for: target, losses: &losses, into: &body)
        case .anthropic: try AnthropicRequestWriter.write(request, for: target, losses: &losses, into: &body)
        case .bedrock: try ConverseRequestWriter.write(request, for: target, losses: &losses, into: &body)
        }
    }

    /// Reads a provider's whole answer.
    package static func readAnswer(_ body: ByteBuffer, as format: WireFormat) throws(AnswerUnreadable) -> ChatAnswer {
        switch format {
        case .openAIResponses: try ResponsesAnswerReader.read(body)
        case .cohere: try CohereAnswerReader.read(body)
        case .gemini: try GeminiAnswerReader.read(body)
        case .anthropic: try AnthropicAnswerReader.read(body)
        case .bedrock: try ConverseAnswerReader.read(body)
        case .openAIChat: try OpenAIChatAnswerReader.read(body)
        }
    }

    /// Writes a whole answer for a client.
    ///
    /// - Returns: What of it has no place in the client's dialect.
    /// - Throws: If `format` is none of `WireFormat.clients`.
    @discardableResult
    package static func writeAnswer(
        _ answer: ChatAnswer,
        as format: WireFormat,
        _ context: AnswerContext,
        into body: inout ByteBuffer
    ) throws(NoClientDialect) -> AnswerLosses {
        switch format {
        case .openAIResponses: ResponsesAnswerWriter.write(answer, context, into: &body)
        case .anthropic: AnthropicAnswerWriter.write(answer, context, into: &body)
        case .openAIChat: OpenAIChatAnswerWriter.write(answer, context, into: &body)
        case .cohere, .gemini, .bedrock: throw NoClientDialect(format)
        }
    }

    /// A reader for one stream of a provider.
    package static func streamReader(_ format: WireFormat) -> any AnswerStreamReader {
        switch format {
        case .openAIResponses: ResponsesStreamReader()
        case .cohere: CohereStreamReader()
        case .gemini: GeminiStreamReader()
        case .anthropic: AnthropicStreamReader()
        case .bedrock: ConverseStreamReader()
        case .openAIChat: OpenAIChatStreamReader()
        }
    }

    /// A writer for one stream to a client.
    ///
    /// - Throws: If `format` is none of `WireFormat.clients`.
    package static func streamWriter(
        _ format: WireFormat,
        _ context: AnswerContext
    ) throws(NoClientDialect) -> any AnswerStreamWriter {
        switch format {
        case .openAIResponses: ResponsesStreamWriter(context)
        case .anthropic: AnthropicStreamWriter(context)
        case .openAIChat: OpenAIChatStreamWriter(context)
        case .cohere, .gemini, .bedrock: throw NoClientDialect(format)
        }
    }
}
