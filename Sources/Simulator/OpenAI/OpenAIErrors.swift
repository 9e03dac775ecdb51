/// The errors of OpenAI's API and its relatives.
extension OpenAIDialect {
    func failure(_ problem: Problem) -> APIFailure {
        switch problem {
        case .missingKey: return self.missingKey
        case .wrongKey(let key): return self.wrongKey(key)
        case .unknownModel(let model): return self.unknownModel(model)
        case .unknownPath(let method, let path):
            return APIFailure(404, self.flavour == .azure ? "Resource not found" : "Invalid URL (\(method) \(path))")
        case .wrongMethod(let method, let path):
            return APIFailure(405, "Not allowed to \(method) on \(path).", code: "method_not_allowed")
        case .noModel: return APIFailure(400, "you must provide a model parameter", param: "model")
        case .modelOfWrongType(let value): return .wrongType("model", wants: "a string", got: value)
        case .notJSON(let why):
            return APIFailure(400, "We could not parse the JSON body of your request: \(why).")
        case .notObject(let value):
            return APIFailure(400, "The JSON body of your request is \(value.kindWithArticle), not an object.")
        case .badOption(let why): return .invalid("model", why, code: "unknown_simulator_option")
        case .bodyTooLarge: return APIFailure(413, "The body is too large.")
        case .promptTooLong(let tokens, let limit):
            return APIFailure(
                400,
                "This model's maximum context length is \(limit) tokens. However, your messages resulted in"
                    + " \(tokens) tokens. Please reduce the length of the messages.",
                param: "messages",
                code: "context_length_exceeded"
            )
        }
    }

    func errorBody(_ failure: APIFailure, sequence: Int) -> ErrorBody {
        ErrorBody(bytes: Array(JSONValue.object([.init("error", self.errorObject(failure))]).text.utf8))
    }

    /// The error object without the `{"error":…}` around it.
    func errorObject(_ failure: APIFailure) -> JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        switch self.flavour {
        case .openAI:
            return .object([
                .init("message", .string(failure.message)),
                .init("type", .string(failure.type)),
                .init("param", text(failure.param)),
                .init("code", text(failure.code)),
            ])
        case .openRouter:
            return .object([
                .init("message", .string(failure.message)),
                .init("code", .integer(failure.status)),
                .init("metadata", .object([.init("provider_name", .string("Simulator"))])),
            ])
        case .azure:
            // Azure's gateway answers with a bare status as the code; the model behind it answers as OpenAI does.
            let isGateway = failure.status == 401 || failure.status == 429
            var members: [JSONValue.Member] = [
                .init("code", .string(isGateway ? String(failure.status) : failure.code ?? String(failure.status))),
                .init("message", .string(failure.message)),
            ]
            if !isGateway, failure.status != 404 {
                members.append(.init("type", .string(failure.type)))
                members.append(.init("param", text(failure.param)))
            }
            return .object(members)
        }
    }

    // MARK: - Words

    private var missingKey: APIFailure {
        switch self.flavour {
        case .openAI:
            return APIFailure(
                401,
                "You didn't provide an API key. Provide it in an Authorization header using Bearer auth"
                    + " (i.e. Authorization: Bearer YOUR_KEY).",
                code: "invalid_api_key"
            )
        case .openRouter: return APIFailure(401, "No auth credentials found")
        case .azure: return APIFailure(401, "Access denied due to missing subscription key.")
        }
    }

    private func wrongKey(_ key: String) -> APIFailure {
        switch self.flavour {
        case .openAI:
            let shown = key.count > 8 ? "\(key.prefix(3))***\(key.suffix(4))" : "***"
            return APIFailure(401, "Incorrect API key provided: \(shown).", code: "invalid_api_key")
        case .openRouter: return APIFailure(401, "User not found.")
        case .azure:
            return APIFailure(401, "Access denied due to invalid subscription key or wrong API endpoint.")
        }
    }

    private func unknownModel(_ model: String) -> APIFailure {
        switch self.flavour {
        case .openAI:
            return APIFailure(
                404,
                "The model `\(model)` does not exist or you do not have access to it.",
                code: "model_not_found"
            )
        case .openRouter: return APIFailure(404, "No endpoints found for \(model).")
        case .azure:
            return APIFailure(
                404,
                "The API deployment for this resource does not exist.",
                code: "DeploymentNotFound"
            )
        }
    }
}
