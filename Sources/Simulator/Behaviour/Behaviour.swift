/// How one call is to be answered: its pace, its shape and its faults.
///
/// Everything unset means "as a good provider".
///
/// It comes from the model name (`sim?status=429&retry_after=2`), from a script (`POST /sim/script`), or from both;
/// then the script wins key by key. The names that users write stand in `BehaviourKeys.swift`.
struct Behaviour: Sendable, Equatable {
    // Pace, in milliseconds
    var headMilliseconds: Int?
    var firstEventMilliseconds: Int?
    var intervalMilliseconds: Int?
    var stallsBeforeHead = false
    var stallsAfterHead = false
    var stallAfterEvents: Int?
    var stallMilliseconds: Int?

    // What is said
    var text: String?
    var chunks: Int?
    var eventBytes: Int?
    var textBytes: Int?
    var tokensPerChunk: Int?
    var isEndless = false
    var isEmpty = false
    var isRefusal = false
    var speaksUnicode = false
    var breaksToolArguments = false
    var finishReason: String?
    var reasoningTokens: Int?
    var cachedTokens: Int?
    var toolCalls: Int?
    var refusesUnknownFields = false
    var contextTokens: Int?

    // Usage
    var usage: UsageFault?
    var promptTokens: Int?
    var completionTokens: Int?
    var cost: String?

    // Errors
    var status: Int?
    var reason: String?
    var errorBody: ErrorBody?
    var errorCode: String?
    var errorType: String?
    var errorMessage: String?
    var retryAfter: String?
    var retryAfterMilliseconds: String?
    var retryAfterDateSeconds: Int?
    var answersErrorWithStatus200 = false
    var errorAfterEvents: Int?
    var failsAfterLifecycle = false

    // Cuts
    var cutBeforeHead = false
    var cutAfterEvents: Int?
    var cutInsideEvent: Int?
    var cutAtByte: Int?
    var cut: Cut?
    var ignoresClientClose = false

    // Bytes on the wire
    var dripMilliseconds: Int?
    var dripBytes: Int?
    var drip: DripPart?
    var splitBytes: Int?
    var httpChunkBytes: Int?

    // Server-sent events
    var sse: Set<EventVariant> = []
    var omitsDone = false
    var garbageAfterEvents: Int?
    var lineBytes: Int?

    // Head and framing
    var redirect: Int?
    var location: String?
    var switchesProtocols = false
    var informational: Int?
    var informationalStatus: Int?
    var rawHeaders: [String] = []
    var hasHostileHeaders = false
    var headerBlockBytes: Int?
    var headerLineBytes: Int?
    var hasEndlessHeaders = false
    var contentType: String?
    var framing: Framing?
    var contentLength: ContentLengthFault?
    var hasTrailers = false
    var isBareLineFeed = false
    var isHTTP10 = false
    var closesConnection = false
    var closesIdle = false
    var closesIdleMilliseconds: Int?

    // Bodies
    var isGzipped = false
    var gzipBombBytes: Int?
    var bodyBytes: Int?
    var nestingDepth: Int?

    // Before the body has come: from a script only
    var onAccept: Early?
    var onHead: Early?
    var leavesBodyUnread = false
    var slowReadBytes: Int?

    /// What was set, in order.
    var settings: [Setting] = []

    struct Setting: Sendable, Equatable {
        var key: String
        var value: String
    }

    /// The names that were set, in order, for the record.
    var keys: [String] { self.settings.map(\.key) }

    enum UsageFault: String, Sendable, CaseIterable {
        case none, null, zero, wrong, negative, huge, float, text, late, double, always, every
        case inChoice = "in_choice"
    }

    enum ErrorBody: String, Sendable, CaseIterable {
        case openai, openrouter, azure, html, empty, cut
        case notJSON = "not_json"
        case echoKey = "echo_key"
    }

    enum Cut: String, Sendable, CaseIterable {
        case close, reset
        case halfClose = "half_close"
    }

    enum DripPart: String, Sendable, CaseIterable { case head, body, all }

    enum EventVariant: String, Sendable, CaseIterable {
        case cr, lf, crlf, mixed, bom, comments, multiline, nospace, nofinal, fields, nul, spoof
    }

    enum Framing: String, Sendable, CaseIterable { case chunked, length, close }

    enum ContentLengthFault: String, Sendable, CaseIterable {
        case short, long, twice, differing, negative, plus, list
        case withChunked = "with_chunked"
    }

    enum Early: String, Sendable, CaseIterable { case close, reset, stall }

    /// Whether something is to be done that cannot wait for the request body.
    var isEarly: Bool {
        self.onAccept != nil || self.onHead != nil || self.leavesBodyUnread || self.slowReadBytes != nil
    }

    /// Whether the answer does not depend on what was asked, so that even an invalid request gets it.
    var replacesAnswer: Bool {
        self.status != nil || self.redirect != nil || self.switchesProtocols || self.answersErrorWithStatus200
            || self.gzipBombBytes != nil || self.bodyBytes != nil || self.nestingDepth != nil
            || self.cutBeforeHead || self.stallsBeforeHead
    }

    /// This behaviour with everything that `other` sets on top.
    func overlaid(by other: Behaviour?) -> Behaviour {
        guard let other else { return self }
        var result = self
        for setting in other.settings {
            // It was understood once, so it is understood again.
            try? result.set(setting.key, to: setting.value)
        }
        return result
    }
}
