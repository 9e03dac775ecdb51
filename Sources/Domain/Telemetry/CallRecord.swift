package import Core
package import NIOCore

/// What is known about one call when it is over: the source of its log line, its metrics and its line in `tail`.
///
/// Holds names and numbers only, never a prompt, an answer or a key.
package struct CallRecord: Sendable {
    package var id: RequestID
    /// When it came in.
    package var time: UnixTime
    package var group: String
    package var keyID: String
    /// `chat`, `embeddings`.
    package var operation: StaticString
    /// The name the client asked for; free text of the client's.
    package var modelAsked: String
    /// Empty where no provider was chosen.
    package var provider: String
    /// The provider key that was used; empty where none was.
    package var credentialID = ""
    /// The provider's name of the model; free text where it came from the client.
    package var upstreamModel: String
    /// Which side of an experiment it was on; empty outside of any.
    package var variant = ""
    /// The HTTP status the client was given; 499 where it had left.
    package var status: Int
    /// Nil if it went well.
    package var code: GatewayError.Code?
    package var isStream: Bool
    package var attempts: Int
    package var inputTokens: Int?
    package var outputTokens: Int?
    package var cachedTokens: Int?
    package var reasoningTokens: Int?
    /// What its caller is charged; nil where nothing is accounted for.
    package var charged: MicroDollars?
    /// From the arrival of the head to the end of the answer.
    package var total: TimeAmount
    /// To the first content of a stream.
    package var firstToken: TimeAmount?
    package var bytesIn: Int
    package var bytesOut: Int
    package var isClientGone: Bool

    package init(
        id: RequestID,
        time: UnixTime,
        group: String,
        keyID: String,
        operation: StaticString,
        modelAsked: String,
        provider: String,
        upstreamModel: String,
        status: Int,
        code: GatewayError.Code?,
        isStream: Bool,
        attempts: Int,
        total: TimeAmount,
        firstToken: TimeAmount?,
        bytesIn: Int,
        bytesOut: Int,
        isClientGone: Bool
    ) {
        self.id = id
        self.time = time
        self.group = group
        self.keyID = keyID
        self.operation = operation
        self.modelAsked = modelAsked
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.status = status
        self.code = code
        self.isStream = isStream
        self.attempts = attempts
        self.total = total
        self.firstToken = firstToken
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.isClientGone = isClientGone
    }
}
