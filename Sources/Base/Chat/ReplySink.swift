package import Core
package import NIOCore
package import Wire

/// Where an answer goes: each stage pushes into the sink it was given, down to the client's connection.
///
/// A sink is confined to its loop, and pushing never waits: `awaitCredit` does, for clients that read slowly. An answer
/// is either one `whole` call, or `begin`, any number of `event`s with a `flush` after each batch, and `end`; one that
/// is no JSON and no events has a `begin` of its own and `bytes` in place of `event`. A sink in between may watch,
/// change or hold what passes.
package protocol ReplySink: AnyObject {
    /// Whether the client has been sent any part of this answer's content; from then on no other target may answer.
    var hasContent: Bool { get }

    /// Says that a stream was asked for: from here on silence is filled with heartbeats, and the first of them commits
    /// the status, so that later failures are told inside the stream.
    func expectStream()

    /// The whole answer at once.
    func whole(_ answer: WholeReply) throws

    /// Opens a stream. The head is held until the first content, so that a failure can still change the status.
    func begin(_ head: StreamHead) throws

    /// One event of the stream, in the client's dialect.
    ///
    /// - Parameter isContent: Whether it carries something the model said; lifecycle events are held until then.
    func event(_ event: ServerSentEvent, isContent: Bool) throws

    /// Opens an answer that is bytes, such as sound or another provider's own words, and commits its status: call it
    /// with the first bytes at hand.
    ///
    /// Silence is not filled from here on. A failure cannot be told any more: the connection breaks off, so that what
    /// came does not pass for whole.
    func begin(_ head: ByteHead) throws

    /// More of an answer in bytes; they stay the caller's.
    func bytes(_ bytes: ByteBuffer) throws

    /// Sends what was pushed since the last flush.
    func flush() throws

    /// The stream is complete: everything held is sent and the answer ends well.
    func end() throws

    /// A tool that the gateway runs for the answer is called, or has answered; for those who show that.
    func tool(_ step: ToolStep) throws

    /// The answer is this failure: a status and a body where none was sent yet, else an error in the client's dialect
    /// as the last event. What was held is dropped.
    func fail(_ error: GatewayError) throws

    /// Whether the client takes more; if not, `awaitCredit` before pushing on, and at the end of an answer.
    var hasCredit: Bool { get }

    /// Waits until the client has taken enough of what was sent.
    ///
    /// - Throws: `CancellationError` if it went away.
    func awaitCredit() async throws
}

/// What becomes of a tool that the gateway runs for an answer.
package enum ToolStep: Sendable, Equatable {
    /// It is called.
    ///
    /// - Parameters:
    ///   - id: The model's name of the call; unique in its turn.
    ///   - name: `server/tool`.
    ///   - arguments: An object that fits the tool's schema.
    case called(id: String, name: String, arguments: JSONValue)
    /// It answered, or could not be called; the text is what the model is told.
    case answered(id: String, name: String, text: String, isError: Bool)
}

extension ReplySink {
    package func tool(_ step: ToolStep) throws {}
    package func begin(_ head: ByteHead) throws { throw Self.takesNoBytes }
    package func bytes(_ bytes: ByteBuffer) throws { throw Self.takesNoBytes }

    private static var takesNoBytes: GatewayError {
        GatewayError(.internalFailure, "An answer in bytes came where none can be.")
    }
}

/// An answer that is not streamed.
package struct WholeReply: Sendable {
    /// The HTTP status that the client's dialect gives this answer.
    package var status: Int
    /// `content-type`, as ASCII.
    package var contentType: StaticString
    /// Further header fields, each a complete line with CRLF, safe to send to the client.
    package var fields: ByteBuffer
    package var body: ByteBuffer

    package init(status: Int, contentType: StaticString = "application/json", fields: ByteBuffer, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.fields = fields
        self.body = body
    }
}

/// What is known when a stream opens.
package struct StreamHead: Sendable {
    /// Further header fields, each a complete line with CRLF, safe to send to the client.
    package var fields: ByteBuffer

    package init(fields: ByteBuffer) { self.fields = fields }
}

/// What is known when an answer in bytes opens.
package struct ByteHead: Sendable {
    /// The HTTP status; from 200 on, and not 204 or 304 with a body.
    package var status: Int
    /// How long the answer is; nil where only its end will tell.
    package var length: Int?
    /// Header fields, `content-type` among them, each a complete line with CRLF, safe to send to the client.
    package var fields: ByteBuffer

    package init(status: Int, length: Int?, fields: ByteBuffer) {
        self.status = status
        self.length = length
        self.fields = fields
    }
}
