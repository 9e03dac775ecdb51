import NIOHTTP1

/// Cohere's API: chat, embed and rerank of v2, and its list of models.
struct CohereDialect: Dialect {
    // MARK: - Routes

    func endpoint(of target: Target) -> Endpoint? {
        // A base of its own, for where /v1/models must be Cohere's without a word from the client.
        let path = target.path(after: "/cohere") ?? target.path
        switch path {
        case "/v2/chat": return self.chat()
        case "/v2/embed":
            return self.vectors { body, asked throws(APIFailure) in
                try CohereVectors.embed(body, model: asked.model, sequence: asked.call.sequence)
            }
        case "/v2/rerank":
            return self.vectors { body, asked throws(APIFailure) in
                try CohereVectors.rerank(body, sequence: asked.call.sequence)
            }
        default: break
        }
        guard path != target.path || Self.isCohere(target) else { return nil }
        if path == "/v1/models" { return self.models() }
        guard path.hasPrefix("/v1/models/") else { return path == target.path ? nil : .nowhere(self) }
        return self.model(URLText.decoded(path.dropFirst("/v1/models/".count)))
    }

    /// `/v1/models` is everybody's: only what Cohere's own client says, or a parameter that only Cohere has, tells that
    /// it is Cohere's.
    private static func isCohere(_ target: Target) -> Bool {
        target.headers.first(name: "x-fern-sdk-name") == "cohere"
            || target.headers.contains(name: "x-client-name")
            || ["endpoint", "default_only", "page_size"].contains { target.parameter($0) != nil }
    }

    // MARK: - Endpoints

    private func chat() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let request = try CohereRequest.read(asked.body, model: asked.model)
            let answer = CohereAnswer(
                try asked.completion(for: request.prompt),
                behaviour: asked.behaviour,
                tokenLimit: request.prompt.tokenLimit
            )
            asked.note(prompt: answer.completion.usage.prompt, completion: answer.completion.usage.completion)
            guard request.isStream else {
                return asked.builder.whole(answer.completion) { Array(answer.whole.text.utf8) }
            }
            return asked.builder.stream(CohereEvents(answer), type: "text/event-stream")
        }
    }

    private func vectors(
        _ answer: @escaping @Sendable (JSONValue, Asked) throws(APIFailure) -> CohereVectors.Answer
    ) -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let made = try answer(asked.body, asked)
            asked.note(prompt: made.promptTokens)
            let delay = asked.behaviour.firstEventMilliseconds ?? 0
            return asked.builder.json(Array(made.body.text.utf8), mark: Mark(hasUsage: true), delay: delay)
        }
    }

    private func models() -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            asked.builder.json(Array(try CohereModels.page(asked.target).text.utf8))
        }
    }

    private func model(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, model: { _ in id }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            asked.builder.json(Array(CohereModels.one(asked.model).text.utf8))
        }
    }

    // MARK: - Manners

    var textFrame: (opening: String, closing: String) {
        (
            #"{"id":"sim","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":""#,
            #""}]}}"#
        )
    }

    func headFields(status: Int, sequence: Int) -> [(name: String, value: String)] {
        [
            ("x-debug-trace-id", "sim\(sequence)"), ("x-endpoint-monthly-call-limit", "1000"),
            ("x-trial-endpoint-call-limit", "40"), ("x-trial-endpoint-call-remaining", status == 429 ? "0" : "39"),
        ]
    }

    func failure(_ problem: Problem) -> APIFailure {
        switch problem {
        case .missingKey: return CohereErrors.missingKey
        case .wrongKey: return CohereErrors.wrongKey
        case .unknownModel(let model): return CohereErrors.unknownModel(model)
        case .unknownPath(let method, let path): return APIFailure(404, "\(method) \(path) not found")
        case .wrongMethod(let method, _): return APIFailure(405, "method \(method) not allowed")
        case .noModel: return CohereErrors.invalid("missing required field 'model'")
        case .modelOfWrongType: return CohereErrors.invalid("model must be a string")
        case .notJSON(let why): return CohereErrors.invalid("the body is no JSON: \(why)")
        case .notObject(let value): return CohereErrors.invalid("the body is \(value.kindWithArticle), not an object")
        case .badOption(let why): return APIFailure(400, why)
        case .promptTooLong(let tokens, let limit):
            return CohereErrors.invalid(
                "too many tokens: size limit exceeded by \(tokens - limit) tokens. Try using shorter or fewer inputs."
                    + " The limit for this model is \(limit) tokens"
            )
        case .bodyTooLarge: return APIFailure(413, "the request is too large")
        }
    }

    func failure(status: Int) -> APIFailure { CohereErrors.usual(status) }

    func errorBody(_ failure: APIFailure, sequence: Int) -> ErrorBody {
        let body = JSONValue.object([
            .init("id", .string("sim-\(sequence)")), .init("message", .string(failure.message)),
        ])
        return ErrorBody(bytes: Array(body.text.utf8))
    }
}

/// The models that the simulator lists in Cohere's API.
enum CohereModels {
    private static let models: [(name: String, endpoints: [String])] = [
        ("sim", ["chat"]), ("sim-mini", ["chat"]), ("sim-reasoner", ["chat"]), ("sim-embedding", ["embed"]),
        ("sim-rerank", ["rerank"]),
    ]

    /// A page of the list, for one endpoint if one is named.
    ///
    /// - Throws: `APIFailure` if the page makes no sense.
    static func page(_ target: Target) throws(APIFailure) -> JSONValue {
        let endpoint = target.parameter("endpoint")
        let known = Self.models.filter { model in endpoint.map { model.endpoints.contains($0) } ?? true }
        let size = target.parameter("page_size").map { Double($0).flatMap { Int(exactly: $0) } } ?? 20
        let start = target.parameter("page_token").map { Int($0) } ?? 0
        guard let size, 1...1000 ~= size else { throw CohereErrors.invalid("page_size must be from 1 to 1000") }
        guard let start, 0...known.count ~= start else {
            throw CohereErrors.invalid("page_token is not one that was given")
        }
        let end = min(known.count, start + size)
        let entries = known[start..<end].map { Self.entry($0.name, $0.endpoints) }
        var members: [JSONValue.Member] = [.init("models", .array(entries))]
        if end < known.count { members.append(.init("next_page_token", .string("\(end)"))) }
        return .object(members)
    }

    /// One model, by any name.
    static func one(_ name: String) -> JSONValue {
        Self.entry(name, Self.models.first { $0.name == name }?.endpoints ?? ["chat"])
    }

    private static func entry(_ name: String, _ endpoints: [String]) -> JSONValue {
        .object([
            .init("name", .string(name)), .init("is_deprecated", .bool(false)),
            .init("endpoints", .array(endpoints.map { .string($0) })), .init("finetuned", .bool(false)),
            .init("context_length", .integer(256_000)), .init("tokenizer_url", .null),
            .init("default_endpoints", .array([])), .init("features", .array([])),
        ])
    }
}
