import NIOCore
import NIOHTTP1

/// Amazon Bedrock's runtime: Converse, ConverseStream and InvokeModel, signed or with a bearer key.
struct BedrockDialect: Dialect {
    // MARK: - Routes

    var keyPlaces: [CallKey.Place] { [.awsCredential, .bearer] }

    func endpoint(of target: Target) -> Endpoint? {
        if target.path == "/foundation-models" { return self.models() }
        if let id = target.path(after: "/foundation-models/") { return self.model(URLText.decoded(id)) }
        guard let rest = target.path(after: "/model/") else { return nil }
        guard let slash = rest.lastIndex(of: "/") else { return .nowhere(self) }
        let model = URLText.decoded(rest[..<slash])
        var endpoint: Endpoint
        switch rest[rest.index(after: slash)...] {
        case "converse": endpoint = self.converse()
        case "converse-stream":
            endpoint = self.converseStream()
            endpoint.isStream = { _ in true }
        case "invoke": endpoint = self.invoke()
        case "count-tokens": endpoint = self.count()
        default: return .nowhere(self)
        }
        if endpoint.body == .object, rest.hasSuffix("/converse") || rest.hasSuffix("/invoke") {
            endpoint.isStream = { _ in false }
        }
        endpoint.model = { _ in Self.name(model) }
        return endpoint
    }

    /// The name of a model as the simulator understands it: that of an ARN stands behind its last slash.
    private static func name(_ id: String) -> String {
        guard id.hasPrefix("arn:"), let slash = id.prefix(while: { $0 != "?" }).lastIndex(of: "/") else { return id }
        return String(id[id.index(after: slash)...])
    }

    // MARK: - Endpoints

    private func converse() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try self.answer(to: asked)
            return asked.builder.whole(answer.completion) { Array(answer.whole.text.utf8) }
        }
    }

    private func converseStream() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            asked.builder.stream(
                ConverseEvents(try self.answer(to: asked)),
                type: "application/vnd.amazon.eventstream"
            )
        }
    }

    private func answer(to asked: Asked) throws(APIFailure) -> ConverseAnswer {
        var request = try ConverseRequest.read(
            asked.body,
            model: asked.model,
            strict: asked.behaviour.refusesUnknownFields
        )
        let cache = asked.memory.prompts.use(request.places, owner: "\(asked.builder.key) \(asked.model)")
        request.prompt.cacheReadTokens = cache.read
        request.prompt.cacheWriteTokens = cache.written
        return ConverseAnswer(
            completion: try asked.completion(for: request.prompt),
            behaviour: asked.behaviour,
            responsePaths: request.responsePaths,
            longCacheWrite: cache.writtenLong
        )
    }

    private func invoke() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try BedrockEmbeddings.answer(asked.body, sequence: asked.call.sequence)
            asked.note(prompt: answer.inputTokens)
            var builder = asked.builder
            builder.behaviour.rawHeaders.append("x-amzn-bedrock-input-token-count: \(answer.inputTokens)")
            builder.behaviour.rawHeaders.append("x-amzn-bedrock-invocation-latency: 7")
            let delay = asked.behaviour.firstEventMilliseconds ?? 0
            return builder.json(Array(answer.body.text.utf8), mark: Mark(hasUsage: true), delay: delay)
        }
    }

    private func count() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            guard let converse = asked.body["input"]?["converse"] else {
                throw BedrockErrors.validation("Only the input of a Converse call is counted here.")
            }
            let request = try ConverseRequest.read(converse, model: asked.model, strict: false)
            let body = JSONValue.object([.init("inputTokens", .integer(request.prompt.tokens))])
            return asked.builder.json(Array(body.text.utf8))
        }
    }

    private func models() -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let body = JSONValue.object([.init("modelSummaries", .array(BedrockModels.all))])
            return asked.builder.json(Array(body.text.utf8))
        }
    }

    private func model(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, model: { _ in id }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let body = JSONValue.object([.init("modelDetails", BedrockModels.one(asked.model))])
            return asked.builder.json(Array(body.text.utf8))
        }
    }

    // MARK: - Keys

    /// A bearer key is compared; a signature is made again with the secret, if one of the keys the simulator was
    /// started with has the form `AKID:SECRET` or `AKID:SECRET:TOKEN`.
    func authenticate(_ call: CallService.Call, key: String, acceptedKeys: Set<String>) throws(APIFailure) {
        let header = call.head.headers.first(name: "authorization") ?? ""
        guard header.hasPrefix(RequestSignature.algorithm) else {
            let isSecret = RequestSignature.Credential(key) != nil
            if acceptedKeys.isEmpty || (acceptedKeys.contains(key) && !isSecret) { return }
            throw BedrockErrors.wrongBearer
        }
        let request = RequestSignature.Request(
            method: call.head.method.rawValue,
            target: call.head.uri,
            headers: call.head.headers.map { ($0.name, $0.value) },
            body: Array(call.body.readableBytesView)
        )
        do throws(RequestSignature.Problem) {
            try RequestSignature(request).check(
                request,
                credentials: acceptedKeys.compactMap { RequestSignature.Credential($0) },
                acceptsAny: acceptedKeys.isEmpty,
                service: "bedrock",
                now: call.now
            )
        } catch {
            throw BedrockErrors.signature(error)
        }
    }

    // MARK: - Manners

    var textFrame: (opening: String, closing: String) {
        (#"{"output":{"message":{"role":"assistant","content":[{"text":""#, #""}]}},"stopReason":"end_turn"}"#)
    }

    func headFields(status: Int, sequence: Int) -> [(name: String, value: String)] {
        let digits = String(sequence)
        let padded = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        return [("x-amzn-requestid", "00000000-0000-4000-8000-\(padded)")]
    }

    func failure(_ problem: Problem) -> APIFailure {
        switch problem {
        case .missingKey: return BedrockErrors.missingKey
        case .wrongKey: return BedrockErrors.wrongBearer
        case .unknownModel:
            return BedrockErrors.validation("The provided model identifier is invalid.")
        case .unknownPath, .wrongMethod:
            return APIFailure(
                404,
                "Unable to determine service/operation name to be authorized",
                type: "UnknownOperationException"
            )
        case .noModel, .modelOfWrongType: return BedrockErrors.missing("modelId")
        case .notJSON(let why): return BedrockErrors.serialization("The body is no JSON: \(why).")
        case .notObject(let value):
            return BedrockErrors.serialization(
                "Start of structure or map found where not expected: \(value.kindWithArticle)"
            )
        case .badOption(let why): return BedrockErrors.validation(why)
        case .promptTooLong(let tokens, let limit):
            return BedrockErrors.validation(
                "The model returned the following errors: Input is too long for requested model: \(tokens) tokens >"
                    + " \(limit) maximum."
            )
        case .bodyTooLarge: return BedrockErrors.usual(413)
        }
    }

    func failure(status: Int) -> APIFailure { BedrockErrors.usual(status) }

    func errorBody(_ failure: APIFailure, sequence: Int) -> ErrorBody {
        let body = JSONValue.object([.init("message", .string(failure.message))])
        let type = "\(failure.type):http://internal.amazon.com/coral/com.amazon.bedrock/"
        return ErrorBody(bytes: Array(body.text.utf8), fields: [("x-amzn-errortype", type)])
    }
}

/// The models that the simulator lists in Bedrock's API.
enum BedrockModels {
    static let all: [JSONValue] = [
        Self.entry("sim", makes: "TEXT"), Self.entry("sim-reasoner", makes: "TEXT"),
        Self.entry("sim-embedding", makes: "EMBEDDING"),
    ]

    /// One model, by any name.
    static func one(_ id: String) -> JSONValue { Self.entry(id, makes: id.contains("embed") ? "EMBEDDING" : "TEXT") }

    private static func entry(_ id: String, makes: String) -> JSONValue {
        .object([
            .init("modelArn", .string("arn:aws:bedrock:us-east-1::foundation-model/\(id)")),
            .init("modelId", .string(id)), .init("modelName", .string("Simulator")),
            .init("providerName", .string("Simulator")), .init("inputModalities", .array([.string("TEXT")])),
            .init("outputModalities", .array([.string(makes)])),
            .init("responseStreamingSupported", .bool(makes == "TEXT")),
            .init("customizationsSupported", .array([])),
            .init("inferenceTypesSupported", .array([.string("ON_DEMAND")])),
            .init("modelLifecycle", .object([.init("status", .string("ACTIVE"))])),
        ])
    }
}
