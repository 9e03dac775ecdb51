/// The API of one provider, or of one that has manners of its own: what it is asked, and how it says that it cannot.
///
/// A dialect is a folder: its routes, a reader that makes a `Prompt` of a request, a writer of whole answers, an
/// `EventSource` that writes them as a stream, and its errors. What is said (`Composer`), when, and what goes wrong on
/// the way (`AnswerBuilder`, `AnswerStream`, `FaultScript`) is the same for all. `Dialects.all` lists them.
protocol Dialect: Sendable {
    /// Where this API looks for the key, in order: the first place that has one counts.
    var keyPlaces: [CallKey.Place] { get }

    /// What a request asks for.
    ///
    /// Nil if the path is none of this dialect's. A path that could only be this dialect's, but leads nowhere, gets
    /// `Endpoint.nowhere`, so that the refusal has the right form.
    func endpoint(of target: Target) -> Endpoint?

    /// Checks what a simple comparison of keys cannot, such as a signature, before anything else is looked at.
    ///
    /// `acceptedKeys` is empty if any key will do.
    ///
    /// - Throws: `APIFailure` if the call is not who it says it is.
    func authenticate(_ call: CallService.Call, key: String, acceptedKeys: Set<String>) throws(APIFailure)

    /// The header fields that every answer has, apart from the body's.
    func headFields(status: Int, sequence: Int) -> [(name: String, value: String)]

    /// The words for something that is wrong with a call.
    func failure(_ problem: Problem) -> APIFailure

    /// The words that go with a status the simulator was told to answer.
    func failure(status: Int) -> APIFailure

    /// An error as an answer's body.
    func errorBody(_ failure: APIFailure, sequence: Int) -> ErrorBody

    /// The JSON around a text of any length, for answers too large to be held.
    var textFrame: (opening: String, closing: String) { get }

    /// Whether `Retry-After` is a header field here, and not something that errors say.
    var hasRetryAfterField: Bool { get }

    /// Whether a stream's head goes out at once, whatever the time to the first event.
    var sendsHeadAtOnce: Bool { get }
}

/// What can be wrong with a call in any dialect.
enum Problem {
    case missingKey
    case wrongKey(String)
    case unknownModel(String)
    case unknownPath(method: String, path: String)
    case wrongMethod(String, path: String)
    case noModel
    /// The model is no string.
    case modelOfWrongType(JSONValue)
    /// The body is no JSON; says why.
    case notJSON(String)
    /// The body is JSON but no object.
    case notObject(JSONValue)
    /// The model's name has an option that does not exist, or a value it does not take.
    case badOption(String)
    case bodyTooLarge
    /// The prompt has more tokens than the model can take.
    case promptTooLong(tokens: Int, limit: Int)
}

/// An error as it goes over the wire.
struct ErrorBody {
    var contentType = "application/json"
    var bytes: [UInt8]
    /// Header fields that belong to the error.
    var fields: [(name: String, value: String)] = []
    var reason: String?
}

extension Dialect {
    var keyPlaces: [CallKey.Place] { [.bearer] }

    func authenticate(_ call: CallService.Call, key: String, acceptedKeys: Set<String>) throws(APIFailure) {
        if acceptedKeys.isEmpty || acceptedKeys.contains(key) { return }
        throw self.failure(.wrongKey(key))
    }

    func failure(status: Int) -> APIFailure { APIFailure.usual(status) }

    var textFrame: (opening: String, closing: String) { (#"{"id":"sim","text":""#, #""}"#) }

    var hasRetryAfterField: Bool { true }

    var sendsHeadAtOnce: Bool { false }
}

/// All dialects, in the order in which they are asked what a path means.
enum Dialects {
    static let all: [any Dialect] = [
        AnthropicDialect(), GeminiDialect(), BedrockDialect(), CohereDialect(), MistralDialect(),
        OpenAIDialect(.azure), OpenAIDialect(.openRouter), OpenAIDialect(.openAI),
    ]

    /// What a request asks for.
    ///
    /// Whatever nobody knows is an unknown path of OpenAI's.
    static func endpoint(of target: Target) -> Endpoint {
        // By far the commonest path, on which benchmarks lean, need not be shown to everyone.
        if target.path == "/v1/chat/completions", let endpoint = OpenAIDialect(.openAI).endpoint(of: target) {
            return endpoint
        }
        for dialect in Self.all {
            if let endpoint = dialect.endpoint(of: target) { return endpoint }
        }
        return .nowhere(OpenAIDialect(.openAI))
    }
}
