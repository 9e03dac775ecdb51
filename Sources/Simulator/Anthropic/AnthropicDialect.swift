import NIOHTTP1

/// Anthropic's Messages API (docs.anthropic.com, "API reference"), in the two versions that clients send.
struct AnthropicDialect: Dialect {
    /// What `anthropic-version` names.
    enum Version: String, Sendable {
        case old = "2023-06-01"
        /// No sampling parameters, no documents from the assistant, no citations from the user.
        case new = "2026-10-21"
    }

    // MARK: - Routes

    var keyPlaces: [CallKey.Place] { [.header("x-api-key"), .bearer] }

    func endpoint(of target: Target) -> Endpoint? {
        if let rest = target.path(after: "/anthropic/v1/") { return self.endpoint(rest) }
        guard let rest = target.path(after: "/v1/") else { return nil }
        if rest == "messages" || rest.hasPrefix("messages/") { return self.endpoint(rest) }
        // OpenAI has models at the same place; only Anthropic's clients send these fields.
        let isOurs = ["anthropic-version", "x-api-key"].contains { target.headers.contains(name: $0) }
        guard isOurs, rest == "models" || rest.hasPrefix("models/") else { return nil }
        return self.endpoint(rest)
    }

    private func endpoint(_ rest: String) -> Endpoint {
        switch rest {
        case "messages": return self.messages()
        case "messages/count_tokens": return self.countTokens()
        case "models": return self.models()
        default:
            guard rest.hasPrefix("models/") else { return .nowhere(self) }
            return self.model(URLText.decoded(rest.dropFirst("models/".count)))
        }
    }

    // MARK: - Endpoints

    private func messages() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            var request = try MessagesReader.request(asked, version: try Self.version(asked), isCount: false)
            // What is refused leaves nothing in the cache.
            try asked.checkContext(request.prompt)
            let cache = asked.memory.prompts.use(
                request.breakpoints,
                owner: "\(asked.builder.key) \(asked.model)"
            )
            request.prompt.cacheReadTokens = cache.read
            request.prompt.cacheWriteTokens = cache.written
            let completion = try asked.completion(for: request.prompt)
            let answer = MessageAnswer(completion, request, longCacheWrite: cache.writtenLong, asked.behaviour)
            guard request.isStream else { return asked.builder.whole(completion) { answer.body } }
            return asked.builder.stream(MessageEvents(answer))
        }
    }

    private func countTokens() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let request = try MessagesReader.request(asked, version: try Self.version(asked), isCount: true)
            let delay = asked.behaviour.firstEventMilliseconds ?? 0
            return asked.builder.json(Array("{\"input_tokens\":\(request.prompt.tokens)}".utf8), delay: delay)
        }
    }

    private func models() -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            _ = try Self.version(asked)
            let ids = ModelList.ids
            let list = JSONValue.object([
                .init("data", .array(ids.map { Self.model($0) })),
                .init("has_more", .bool(false)),
                .init("first_id", ids.first.map { .string($0) } ?? .null),
                .init("last_id", ids.last.map { .string($0) } ?? .null),
            ])
            return asked.builder.json(Array(list.text.utf8))
        }
    }

    private func model(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: true, model: { _ in id }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            _ = try Self.version(asked)
            return asked.builder.json(Array(Self.model(id).text.utf8))
        }
    }

    private static func model(_ id: String) -> JSONValue {
        .object([
            .init("type", .string("model")),
            .init("id", .string(id)),
            .init("display_name", .string("Simulator: \(id)")),
            .init("created_at", .string("2026-01-01T00:00:00Z")),
            .init("lifecycle", .string("active")),
            .init("max_input_tokens", .integer(1_000_000)),
            .init("max_tokens", .integer(128_000)),
        ])
    }

    private static func version(_ asked: Asked) throws(APIFailure) -> Version {
        guard let text = asked.target.headers.first(name: "anthropic-version") else {
            throw .anthropic("anthropic-version: header is required")
        }
        guard let version = Version(rawValue: text) else {
            throw .anthropic("anthropic-version: \"\(text)\" is not a valid version")
        }
        return version
    }

    // MARK: - Manners

    var textFrame: (opening: String, closing: String) {
        let opening = """
            {"id":"msg_sim","type":"message","role":"assistant","model":"sim","stop_reason":"end_turn",\
            "stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1},"content":[{"type":"text","text":"
            """
        return (opening, "\"}]}")
    }

    func headFields(status: Int, sequence: Int) -> [(name: String, value: String)] {
        let isLimited = status == 429
        return [
            ("request-id", Self.requestID(sequence)),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000001"),
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", isLimited ? "0" : "3999"),
            ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z"),
            ("anthropic-ratelimit-tokens-limit", "480000"),
            ("anthropic-ratelimit-tokens-remaining", isLimited ? "0" : "480000"),
            ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z"),
        ]
    }

    static func requestID(_ sequence: Int) -> String { "req_sim\(sequence)" }
}
