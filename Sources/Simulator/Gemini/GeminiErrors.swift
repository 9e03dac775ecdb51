/// Errors in the form that Google's APIs give them (google.rpc.Status and its details).
enum GeminiErrors {
    /// What says, in `APIFailure.code`, that a key is wrong.
    static let invalidKey = "API_KEY_INVALID"

    /// The status word of an HTTP status.
    static func word(_ status: Int) -> String {
        switch status {
        case 400: return "INVALID_ARGUMENT"
        case 401: return "UNAUTHENTICATED"
        case 403: return "PERMISSION_DENIED"
        case 404: return "NOT_FOUND"
        case 409: return "ABORTED"
        case 412: return "FAILED_PRECONDITION"
        case 429: return "RESOURCE_EXHAUSTED"
        case 499: return "CANCELLED"
        case 500: return "INTERNAL"
        case 501: return "UNIMPLEMENTED"
        case 503, 529: return "UNAVAILABLE"
        case 504: return "DEADLINE_EXCEEDED"
        default: return "UNKNOWN"
        }
    }

    /// A failure whose type is the word of its status.
    static func failure(
        _ status: Int,
        _ message: String,
        param: String? = nil,
        code: String? = nil
    ) -> APIFailure {
        APIFailure(status, message, type: Self.word(status), param: param, code: code)
    }

    /// The error object, without the `{"error":…}` around it.
    static func object(_ failure: APIFailure) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("code", .integer(failure.status)), .init("message", .string(failure.message)),
            .init("status", .string(failure.type)),
        ]
        let details = Self.details(failure)
        if !details.isEmpty { members.append(.init("details", .array(details))) }
        return .object(members)
    }

    private static func details(_ failure: APIFailure) -> [JSONValue] {
        if failure.status == 429 {
            let quota = JSONValue.object([
                .init("quotaMetric", .string("generativelanguage.googleapis.com/generate_content_requests")),
                .init("quotaId", .string("GenerateRequestsPerMinutePerProjectPerModel")),
            ])
            return [
                Self.detail("QuotaFailure", [.init("violations", .array([quota]))]),
                Self.detail("RetryInfo", [.init("retryDelay", .string("\(failure.retryAfter ?? "7")s"))]),
            ]
        }
        if failure.param != nil {
            let violations = failure.message.split(separator: "\n").map { line in
                // Each line says in quotes where it is wrong.
                let field = line.firstRange(of: " at '").map { line[$0.upperBound...].prefix { $0 != "'" } } ?? ""
                return JSONValue.object([
                    .init("field", .string(String(field))), .init("description", .string(String(line))),
                ])
            }
            return [Self.detail("BadRequest", [.init("fieldViolations", .array(violations))])]
        }
        if let reason = failure.code {
            let service = JSONValue.object([.init("service", .string("generativelanguage.googleapis.com"))])
            return [
                Self.detail(
                    "ErrorInfo",
                    [
                        .init("reason", .string(reason)), .init("domain", .string("googleapis.com")),
                        .init("metadata", service),
                    ]
                )
            ]
        }
        return []
    }

    private static func detail(_ type: String, _ members: [JSONValue.Member]) -> JSONValue {
        .object([.init("@type", .string("type.googleapis.com/google.rpc.\(type)"))] + members)
    }

    // MARK: - The errors the API is known for

    static func invalid(_ violations: [String]) -> APIFailure {
        Self.failure(
            400,
            violations.joined(separator: "\n"),
            param: ""
        )
    }

    /// A request that is well formed and makes no sense.
    static func invalid(_ message: String) -> APIFailure { Self.failure(400, message) }

    /// A field of the request that breaks a rule, in the words of the API's own validator.
    static func invalid(_ field: String, _ rule: String) -> APIFailure {
        Self.failure(400, "* GenerateContentRequest.\(field): \(rule)\n")
    }

    static let missingKey = Self.failure(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or"
            + " other form of API consumer identity to call this API."
    )

    static let wrongKey = Self.failure(
        400,
        "API key not valid. Please pass a valid API key.",
        code: Self.invalidKey
    )

    /// A key where only an OAuth token may stand.
    static let wrongToken = Self.failure(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
            + " authentication credential.",
        code: "ACCESS_TOKEN_TYPE_UNSUPPORTED"
    )

    static func unknownModel(_ model: String, method: String) -> APIFailure {
        Self.failure(
            404,
            "models/\(model) is not found for API version v1beta, or is not supported for \(method). Call ListModels"
                + " to see the list of available models and their supported methods."
        )
    }
}
