import NIOHTTP1

/// Mistral's API, which looks like OpenAI's chat and is stricter: under `/mistral/v1/`.
struct MistralDialect: Dialect {
    // MARK: - Routes

    func endpoint(of target: Target) -> Endpoint? {
        guard let rest = target.path(after: "/mistral/v1/") else { return nil }
        switch rest {
        case "chat/completions": return self.chat()
        case "embeddings": return self.embeddings()
        case "models": return self.models()
        default:
            guard rest.hasPrefix("models/") else { return .nowhere(self) }
            return self.model(URLText.decoded(rest.dropFirst("models/".count)))
        }
    }

    private func chat() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let request = try MistralReader.request(in: asked.body, model: asked.model)
            let completion = try asked.completion(for: request.prompt)
            let answer = MistralAnswer(completion, asked.behaviour)
            guard request.isStream else { return asked.builder.whole(completion) { answer.body } }
            return asked.builder.stream(MistralEvents(answer))
        }
    }

    private func embeddings() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try Embeddings.answer(asked.body, model: asked.model)
            asked.note(prompt: answer.promptTokens)
            let body = Array("{\"id\":\"\(Self.id(asked.call.sequence))\",".utf8) + answer.body.dropFirst()
            let delay = asked.behaviour.firstEventMilliseconds ?? 0
            return asked.builder.json(body, mark: Mark(hasUsage: true), delay: delay)
        }
    }

    private func models() -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let list = JSONValue.object([
                .init("object", .string("list")),
                .init("data", .array((ModelList.ids + ["sim-magistral"]).map { Self.card($0) })),
            ])
            return asked.builder.json(Array(list.text.utf8))
        }
    }

    private func model(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: true, model: { _ in id }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            asked.builder.json(Array(Self.card(id).text.utf8))
        }
    }

    private static func card(_ id: String) -> JSONValue {
        let abilities = ["completion_chat", "function_calling", "vision"].map { JSONValue.Member($0, .bool(true)) }
        let inabilities = ["completion_fim", "fine_tuning"].map { JSONValue.Member($0, .bool(false)) }
        return .object([
            .init("id", .string(id)), .init("object", .string("model")), .init("created", .integer(1_767_225_600)),
            .init("owned_by", .string("simulator")), .init("capabilities", .object(abilities + inabilities)),
            .init("type", .string("base")), .init("max_context_length", .integer(131_072)),
        ])
    }

    // MARK: - Manners

    static func id(_ sequence: Int) -> String { "cmpl-sim\(sequence)" }

    func headFields(status: Int, sequence: Int) -> [(name: String, value: String)] {
        [
            ("mistral-correlation-id", "sim-\(sequence)"), ("x-kong-request-id", "sim\(sequence)"),
            ("x-ratelimit-limit-req-minute", "600"),
            ("x-ratelimit-remaining-req-minute", status == 429 ? "0" : "599"),
            ("x-ratelimit-limit-tokens-minute", "2000000"), ("x-ratelimit-remaining-tokens-minute", "1999000"),
        ]
    }

    var textFrame: (opening: String, closing: String) {
        let opening = """
            {"id":"cmpl-sim","object":"chat.completion","created":0,"model":"sim","usage":{"prompt_tokens":1,\
            "completion_tokens":1,"total_tokens":2},"choices":[{"index":0,"finish_reason":"stop",\
            "message":{"role":"assistant","content":"
            """
        return (opening, "\"}}]}")
    }

    func failure(_ problem: Problem) -> APIFailure {
        switch problem {
        case .missingKey, .wrongKey: return APIFailure(401, "Unauthorized", code: "unauthorized")
        case .unknownModel(let model):
            return APIFailure(400, "Invalid model: \(model)", type: "invalid_model", code: "1500")
        case .unknownPath: return APIFailure(404, "no Route matched with those values", code: "not_found")
        case .wrongMethod: return APIFailure(405, "Method Not Allowed", code: "method_not_allowed")
        case .noModel: return .mistral(.missing, ["model"])
        case .modelOfWrongType: return .mistral(.notText, ["model"])
        case .notJSON(let why): return APIFailure(400, "The body is no JSON: \(why)", code: "3000")
        case .notObject: return .mistral(.notObject, [])
        case .badOption(let why): return APIFailure(400, why, type: "invalid_model", code: "1500")
        case .bodyTooLarge: return APIFailure(413, "Request size limit exceeded", code: "413")
        case .promptTooLong(let tokens, let limit):
            return APIFailure(
                400,
                "Prompt contains \(tokens) tokens and 0 draft tokens, too large for model with \(limit) maximum"
                    + " context length",
                code: "3051"
            )
        }
    }

    func failure(status: Int) -> APIFailure {
        switch status {
        case 401: return self.failure(.missingKey)
        case 429: return APIFailure(429, "Rate limit exceeded", type: "rate_limited", code: "1300")
        case 500...:
            return APIFailure(status, "Service unavailable.", type: "internal_server_error", code: "3700")
        default: return APIFailure(status, APIFailure.usual(status).message, code: "3000")
        }
    }

    func errorBody(_ failure: APIFailure, sequence: Int) -> ErrorBody {
        // The door and the house answer differently.
        if failure.status == 401 { return ErrorBody(bytes: Array("{\"detail\":\"Unauthorized\"}".utf8)) }
        if failure.status == 404 || failure.status == 405 {
            return ErrorBody(
                bytes: Array(JSONValue.object([.init("message", .string(failure.message))]).text.utf8)
            )
        }
        return ErrorBody(bytes: Array(Self.errorObject(failure).text.utf8))
    }

    static func errorObject(_ failure: APIFailure) -> JSONValue {
        var message = JSONValue.string(failure.message)
        if failure.code == MistralDetail.code, let detail = try? JSONParser.parse(failure.message) {
            message = .object([.init("detail", .array([detail]))])
        }
        let hasCode = failure.code != nil && failure.code != MistralDetail.code
        return .object([
            .init("object", .string("error")), .init("message", message), .init("type", .string(failure.type)),
            .init("param", .null), .init("code", hasCode ? .string(failure.code ?? "") : .null),
            .init("raw_status_code", .integer(failure.status)),
        ])
    }
}

/// What Mistral's validation, which is pydantic's, says is wrong with a place in the body.
enum MistralDetail {
    case missing, extra, notText, notObject, notList, notFlag
    case other(String)

    /// Marks a failure whose message is the JSON of a detail.
    static let code = "detail"

    var words: (type: String, message: String) {
        switch self {
        case .missing: return ("missing", "Field required")
        case .extra: return ("extra_forbidden", "Extra inputs are not permitted")
        case .notText: return ("string_type", "Input should be a valid string")
        case .notObject: return ("model_attributes_type", "Input should be a valid dictionary")
        case .notList: return ("list_type", "Input should be a valid list")
        case .notFlag: return ("bool_parsing", "Input should be a valid boolean")
        case .other(let message): return ("value_error", message)
        }
    }
}

extension APIFailure {
    /// An error 422 about a place in the body: keys and indices from the top.
    static func mistral(_ detail: MistralDetail, _ place: [any CustomStringConvertible]) -> APIFailure {
        let words = detail.words
        let location = place.map { step -> JSONValue in
            (step as? Int).map { .integer($0) } ?? .string(step.description)
        }
        let json = JSONValue.object([
            .init("type", .string(words.type)), .init("loc", .array([.string("body")] + location)),
            .init("msg", .string(words.message)), .init("input", .null),
        ])
        return APIFailure(422, json.text, code: MistralDetail.code)
    }
}
