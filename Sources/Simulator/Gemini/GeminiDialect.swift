import NIOHTTP1

/// Google's Gemini API: `generateContent` and its relatives under `/v1beta/models`.
struct GeminiDialect: Dialect {
    private static let prefixes = ["/v1beta/", "/v1alpha/", "/v1/"]

    // MARK: - Routes

    var keyPlaces: [CallKey.Place] { [.header("x-goog-api-key"), .query("key"), .bearer] }

    func endpoint(of target: Target) -> Endpoint? {
        guard let prefix = Self.prefixes.first(where: { target.path.hasPrefix($0) }) else { return nil }
        // A model with options may come without its question mark encoded; then half of it is in the query.
        let whole = target.query.isEmpty ? target.path : "\(target.path)?\(target.query)"
        let rest = whole.dropFirst(prefix.count)
        if rest.hasPrefix("models/"), let (name, method) = Self.call(rest.dropFirst("models/".count)) {
            return self.endpoint(
                method,
                model: URLText.decoded(name),
                isSSE: whole.hasSuffix("alt=sse")
                    || target.parameter("alt") == "sse"
            )
        }
        // The list under /v1 is everybody's; the key says whose.
        if prefix == "/v1/", !target.headers.contains(name: "x-goog-api-key"), target.parameter("key") == nil {
            return nil
        }
        let path = target.path.dropFirst(prefix.count)
        if path == "models" { return self.models() }
        guard path.hasPrefix("models/") else { return .nowhere(self) }
        return self.model(URLText.decoded(path.dropFirst("models/".count)))
    }

    private enum Method: String, CaseIterable {
        case generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents
    }

    /// Takes `name:method` apart.
    private static func call(_ rest: Substring) -> (name: Substring, method: Method)? {
        for method in Method.allCases {
            guard let range = rest.firstRange(of: ":\(method.rawValue)") else { continue }
            let after = rest[range.upperBound...]
            if after.isEmpty || after.hasPrefix("?") { return (rest[..<range.lowerBound], method) }
        }
        return nil
    }

    private func endpoint(_ method: Method, model: String, isSSE: Bool) -> Endpoint {
        var endpoint: Endpoint
        switch method {
        case .generateContent: endpoint = self.generate()
        case .streamGenerateContent: endpoint = self.stream(isSSE: isSSE)
        case .countTokens: endpoint = self.count()
        case .embedContent: endpoint = self.embed(isBatch: false)
        case .batchEmbedContents: endpoint = self.embed(isBatch: true)
        }
        endpoint.model = { _ in model }
        endpoint.isStream = { _ in method == .streamGenerateContent }
        return endpoint
    }

    // MARK: - Endpoints

    private func generate() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try self.answer(to: asked)
            return asked.builder.whole(answer.completion, type: Self.jsonType) { answer.whole.indented }
        }
    }

    private func stream(isSSE: Bool) -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try self.answer(to: asked)
            return asked.builder.stream(
                GeminiEvents(answer, isSSE: isSSE),
                type: isSSE ? "text/event-stream" : Self.jsonType
            )
        }
    }

    private func answer(to asked: Asked) throws(APIFailure) -> GeminiAnswer {
        let request = try GeminiRequest.read(asked.body, model: asked.model)
        let answer = GeminiAnswer(
            try asked.completion(for: request.prompt),
            behaviour: asked.behaviour,
            includesThoughts: request.includesThoughts
        )
        asked.note(prompt: answer.completion.usage.prompt, completion: answer.completion.usage.completion)
        return answer
    }

    private func count() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let message = try ProtoReader.read(asked.body, as: .countTokensRequest)
            let request = try GeminiRequest.request(
                message["generateContentRequest"] ?? message,
                model: asked.model
            )
            let tokens = JSONValue.integer(request.prompt.tokens)
            let details = JSONValue.object([.init("modality", .string("TEXT")), .init("tokenCount", tokens)])
            let body = JSONValue.object([
                .init("totalTokens", tokens), .init("promptTokensDetails", .array([details])),
            ])
            return self.plain(body, asked)
        }
    }

    private func embed(isBatch: Bool) -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try GeminiEmbeddings.answer(asked.body, model: asked.model, isBatch: isBatch)
            asked.note(prompt: answer.promptTokens)
            return self.plain(answer.body, asked, Mark(hasUsage: true))
        }
    }

    private func models() -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            self.plain(try GeminiModels.page(asked.target), asked)
        }
    }

    private func model(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: true, model: { _ in id }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            self.plain(GeminiModels.one(asked.model), asked)
        }
    }

    private func plain(_ body: JSONValue, _ asked: Asked, _ mark: Mark = Mark()) -> AnswerSteps {
        let delay = asked.behaviour.firstEventMilliseconds ?? 0
        return asked.builder.body(body.indented, type: Self.jsonType, mark: mark, delay: delay)
    }

    private static let jsonType = "application/json; charset=UTF-8"

    // MARK: - Manners

    /// An API key has no business in `Authorization`; what begins with `ya29.` is Google's OAuth.
    func authenticate(_ call: CallService.Call, key: String, acceptedKeys: Set<String>) throws(APIFailure) {
        let places: [CallKey.Place] = [.header("x-goog-api-key"), .query("key")]
        let isBearer = CallKey.find(in: call.head.headers, target: call.head.uri, places: places) == nil
        if isBearer, !key.hasPrefix("ya29.") { throw GeminiErrors.wrongToken }
        if acceptedKeys.isEmpty || acceptedKeys.contains(key) { return }
        throw isBearer ? GeminiErrors.wrongToken : GeminiErrors.wrongKey
    }

    /// The body says it, in a detail of its own.
    var hasRetryAfterField: Bool { false }

    var textFrame: (opening: String, closing: String) {
        (#"{"candidates":[{"content":{"role":"model","parts":[{"text":""#, #""}]},"finishReason":"STOP","index":0}]}"#)
    }

    func headFields(status: Int, sequence: Int) -> [(name: String, value: String)] {
        [
            ("vary", "Origin, X-Origin, Referer"), ("server", "simulator"),
            ("server-timing", "gfet4t7; dur=7"), ("x-content-type-options", "nosniff"),
        ]
    }

    func failure(_ problem: Problem) -> APIFailure {
        switch problem {
        case .missingKey: return GeminiErrors.missingKey
        case .wrongKey: return GeminiErrors.wrongKey
        case .unknownModel(let model): return GeminiErrors.unknownModel(model, method: "generateContent")
        case .unknownPath(let method, let path):
            return GeminiErrors.failure(404, "Not found: \(method) \(path)")
        case .wrongMethod(let method, let path):
            return GeminiErrors.failure(404, "Not found: \(method) \(path)")
        case .noModel, .modelOfWrongType: return GeminiErrors.invalid("model", "model is not specified.")
        case .notJSON(let why):
            return GeminiErrors.failure(400, "Invalid JSON payload received. \(why).", param: "")
        case .notObject(let value):
            return GeminiErrors.failure(
                400,
                "Invalid JSON payload received. Unknown name \"\": Root element must be a message, not"
                    + " \(value.kindWithArticle).",
                param: ""
            )
        case .badOption(let why): return GeminiErrors.invalid(why)
        case .promptTooLong(let tokens, let limit):
            return GeminiErrors.invalid(
                "The input token count (\(tokens)) exceeds the maximum number of tokens allowed (\(limit))."
            )
        case .bodyTooLarge:
            return GeminiErrors.failure(400, "Request payload size exceeds the limit: 104857600 bytes.")
        }
    }

    func failure(status: Int) -> APIFailure {
        let message: String
        switch status {
        case 400: message = "Request contains an invalid argument."
        case 401: return GeminiErrors.wrongToken
        case 403: message = "The caller does not have permission"
        case 404: message = "Requested entity was not found."
        case 429: message = "You exceeded your current quota, please check your plan and billing details."
        case 500: message = "An internal error has occurred. Please retry."
        case 503, 529: message = "The model is overloaded. Please try again later."
        case 504: message = "Deadline expired before operation could complete."
        default: message = "The simulator was told to answer \(status)."
        }
        return GeminiErrors.failure(status, message)
    }

    func errorBody(_ failure: APIFailure, sequence: Int) -> ErrorBody {
        let body = JSONValue.object([.init("error", GeminiErrors.object(failure))])
        return ErrorBody(contentType: Self.jsonType, bytes: body.indented)
    }
}

extension JSONValue {
    /// The value as JSON over many lines, as Google's front end writes all that is no event.
    fileprivate var indented: [UInt8] {
        var bytes: [UInt8] = []
        self.write(indentedBy: 0, into: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func write(indentedBy depth: Int, into bytes: inout [UInt8]) {
        func line(_ depth: Int) {
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
        }
        switch self {
        case .array(let elements) where !elements.isEmpty:
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                line(depth + 1)
                element.write(indentedBy: depth + 1, into: &bytes)
            }
            line(depth)
            bytes.append(UInt8(ascii: "]"))
        case .object(let members) where !members.isEmpty:
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                line(depth + 1)
                JSONText.appendQuoted(member.key, to: &bytes)
                bytes.append(contentsOf: ": ".utf8)
                member.value.write(indentedBy: depth + 1, into: &bytes)
            }
            line(depth)
            bytes.append(UInt8(ascii: "}"))
        default: self.write(into: &bytes)
        }
    }
}
