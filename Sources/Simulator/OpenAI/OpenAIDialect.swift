import NIOHTTP1

/// Whose manners an answer in OpenAI's API has.
enum Flavour: Sendable {
    case openAI, openRouter, azure
}

/// OpenAI's API, and those of OpenRouter and Azure, which differ in manners only.
struct OpenAIDialect: Dialect {
    let flavour: Flavour

    init(_ flavour: Flavour) {
        self.flavour = flavour
    }

    // MARK: - Routes

    var keyPlaces: [CallKey.Place] { [.bearer, .header("api-key")] }

    func endpoint(of target: Target) -> Endpoint? {
        switch self.flavour {
        case .openAI:
            return target.path(after: "/v1/").map { self.standard($0) }
        case .openRouter:
            return target.path(after: "/api/v1/").map { self.standard($0) }
        case .azure:
            if let rest = target.path(after: "/openai/v1/") { return self.standard(rest) }
            return target.path(after: "/openai/deployments/").map { self.deployment($0, target) }
        }
    }

    private func standard(_ rest: String) -> Endpoint {
        switch rest {
        case "chat/completions": return self.chat()
        case "embeddings": return self.embeddings()
        case "models": return self.models()
        default:
            if let endpoint = self.responses(rest) ?? self.media(rest) { return endpoint }
            guard rest.hasPrefix("models/") else { return .nowhere(self) }
            return self.model(URLText.decoded(rest.dropFirst("models/".count)))
        }
    }

    /// Azure names the model in the path, and the version of its API in the query.
    private func deployment(_ rest: String, _ target: Target) -> Endpoint {
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard target.parameter("api-version")?.isEmpty == false, parts.count == 2 else { return .nowhere(self) }
        let name = URLText.decoded(parts[0])
        var endpoint: Endpoint
        switch parts[1] {
        case "chat/completions": endpoint = self.chat()
        case "embeddings": endpoint = self.embeddings()
        default:
            guard let media = self.media(String(parts[1])) else { return .nowhere(self) }
            endpoint = media
        }
        endpoint.model = { body in
            if let named = body["model"]?.string, named.contains("?"), !name.contains("?") { return named }
            return name
        }
        return endpoint
    }

    // MARK: - Endpoints

    private func chat() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let request = try ChatValidation.request(
                in: asked.body,
                model: asked.model,
                strict: asked.behaviour.refusesUnknownFields
            )
            let completion = try asked.completion(for: request.prompt)
            let builder = asked.builder
            guard request.isStream else {
                return builder.whole(completion) {
                    ChatBody.bytes(completion, flavour: self.flavour, behaviour: builder.behaviour)
                }
            }
            let events = ChatEvents(
                completion,
                flavour: self.flavour,
                behaviour: builder.behaviour,
                includesUsage: request.includesUsage
            )
            let comment = EventFormat(builder.behaviour.sse).comment("OPENROUTER PROCESSING")
            return builder.stream(events, warmUp: self.flavour == .openRouter ? comment : [])
        }
    }

    private func embeddings() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try Embeddings.answer(asked.body, model: asked.model)
            asked.note(prompt: answer.promptTokens)
            let delay = asked.behaviour.firstEventMilliseconds ?? 0
            return asked.builder.json(answer.body, mark: Mark(hasUsage: true), delay: delay)
        }
    }

    private func models() -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            asked.builder.json(ModelList.list(self.flavour))
        }
    }

    private func model(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false, model: { _ in id }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            guard let bytes = ModelList.one(id, self.flavour) else { throw self.failure(.unknownModel(id)) }
            return asked.builder.json(bytes)
        }
    }

    // MARK: - Manners

    var sendsHeadAtOnce: Bool { self.flavour == .openRouter }

    var textFrame: (opening: String, closing: String) {
        let opening = """
            {"id":"chatcmpl-sim","object":"chat.completion","created":0,"model":"sim","choices":[{"index":0,\
            "finish_reason":"stop","message":{"role":"assistant","content":"
            """
        return (opening, "\"}}]}")
    }

    func headFields(status: Int, sequence: Int) -> [(name: String, value: String)] {
        let isLimited = status == 429
        switch self.flavour {
        case .openAI:
            return [
                ("x-request-id", "req_sim\(sequence)"), ("openai-processing-ms", "7"),
                ("openai-version", "2020-10-01"), ("openai-organization", "simulator"),
                ("x-ratelimit-limit-requests", "10000"),
                ("x-ratelimit-remaining-requests", isLimited ? "0" : "9999"),
                ("x-ratelimit-reset-requests", isLimited ? "1s" : "6ms"),
                ("x-ratelimit-limit-tokens", "2000000"), ("x-ratelimit-remaining-tokens", "1999000"),
                ("x-ratelimit-reset-tokens", "30ms"),
            ]
        case .openRouter:
            return [("x-generation-id", "gen-sim\(sequence)")]
        case .azure:
            return [
                ("apim-request-id", "sim-\(sequence)"), ("x-ms-region", "Simulated"),
                ("x-ratelimit-remaining-requests", isLimited ? "0" : "9999"),
                ("x-ratelimit-remaining-tokens", "1999000"),
            ]
        }
    }
}
