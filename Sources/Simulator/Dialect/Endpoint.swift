import NIOCore
import NIOHTTP1

/// One thing that can be asked of a dialect.
struct Endpoint: Sendable {
    /// What the body has to be before the answer is thought about.
    enum Body: Sendable {
        /// It is not looked at.
        case none
        /// A JSON object.
        case object
        /// Bytes of any form; `Asked.bytes` has them.
        case bytes
        /// A multipart form whose files are not kept; `Asked.body` has its fields, `Asked.upload` all that is known.
        case upload
    }

    /// In whose words the answer is given, right or wrong.
    var dialect: any Dialect
    /// The methods it takes; none for a path that leads nowhere.
    var methods: [HTTPMethod]
    var body = Body.object
    /// Whether the call must name a model, and one that is there.
    var needsModel = true
    /// The model that the call names, options included: in the body unless the path has it.
    var model: @Sendable (JSONValue) -> String? = { $0["model"]?.string }
    /// Whether a stream is asked for, as far as can be told before the request is checked.
    var isStream: @Sendable (JSONValue) -> Bool = { $0["stream"]?.bool ?? false }
    /// Answers a request that has passed the simple checks.
    var answer: @Sendable (Asked) throws(APIFailure) -> AnswerSteps

    /// A path that leads nowhere.
    static func nowhere(_ dialect: any Dialect) -> Endpoint {
        Endpoint(dialect: dialect, methods: []) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            throw asked.builder.dialect.failure(
                .unknownPath(method: asked.call.head.method.rawValue, path: asked.target.path)
            )
        }
    }
}

/// A request on its way to its answer.
struct Asked {
    var call: CallService.Call
    var target: Target
    /// The body, if it is JSON; otherwise null.
    var body: JSONValue
    /// The model without its options.
    ///
    /// Empty if none is named, which `Endpoint.needsModel` rules out.
    var model: String
    /// Makes the answer; knows the call's behaviour, key, number and time.
    var builder: AnswerBuilder
    /// What the simulator remembers between calls.
    var memory: Memory

    var behaviour: Behaviour { self.builder.behaviour }

    /// What came in a multipart form.
    ///
    /// Nil if the body was none.
    var upload: Upload? { self.call.upload }

    /// The body as it came; of an upload only the beginning.
    var bytes: ByteBuffer { self.call.body }

    /// The answer to `prompt`, with its true numbers put into the record.
    ///
    /// - Throws: `APIFailure` if the prompt has more tokens than an option allows.
    func completion(for prompt: Prompt) throws(APIFailure) -> Completion {
        try self.checkContext(prompt)
        let completion = Composer.completion(
            for: prompt,
            behaviour: self.builder.behaviour,
            sequence: self.call.sequence,
            created: self.builder.now
        )
        self.note(prompt: completion.usage.prompt, completion: completion.usage.completion)
        return completion
    }

    /// Checks that the model can take so many tokens, where something else depends on it.
    func checkContext(_ prompt: Prompt) throws(APIFailure) {
        if let limit = self.behaviour.contextTokens, prompt.tokens > limit {
            throw self.builder.dialect.failure(.promptTooLong(tokens: prompt.tokens, limit: limit))
        }
    }

    /// Puts the call's true numbers into the record.
    func note(prompt: Int, completion: Int = 0) {
        self.call.record.update {
            $0.promptTokens = prompt
            $0.completionTokens = completion
        }
    }
}
