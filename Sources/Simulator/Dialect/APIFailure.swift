/// An error as a provider's API gives it: a status, and words that each dialect puts into its own form.
struct APIFailure: Error, Sendable {
    var status: Int
    var message: String
    var type: String
    var param: String?
    var code: String?
    /// How long to wait before the next attempt, as the `retry_after` option has it: seconds, or any nonsense.
    ///
    /// For dialects that say it in the body; the header field is written elsewhere.
    var retryAfter: String?

    init(
        _ status: Int,
        _ message: String,
        type: String = "invalid_request_error",
        param: String? = nil,
        code: String? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
    }
}

// MARK: - The errors OpenAI is known for

extension APIFailure {
    static func missing(_ field: String) -> APIFailure {
        APIFailure(
            400,
            "Missing required parameter: '\(field)'.",
            param: field,
            code: "missing_required_parameter"
        )
    }

    static func wrongType(_ field: String, wants: String, got value: JSONValue) -> APIFailure {
        APIFailure(
            400,
            "Invalid type for '\(field)': expected \(wants), but got \(value.kindWithArticle) instead.",
            param: field,
            code: "invalid_type"
        )
    }

    static func invalid(_ field: String, _ message: String, code: String = "invalid_value") -> APIFailure {
        APIFailure(400, message, param: field, code: code)
    }

    static func emptyArray(_ field: String) -> APIFailure {
        APIFailure(
            400,
            "Invalid '\(field)': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param: field,
            code: "empty_array"
        )
    }

    /// What OpenAI says with `status`.
    static func usual(_ status: Int) -> APIFailure {
        switch status {
        case 400: return APIFailure(400, "The request is not valid.")
        case 401: return APIFailure(401, "Incorrect API key provided.", code: "invalid_api_key")
        case 402:
            return APIFailure(402, "Insufficient credits.", type: "insufficient_quota", code: "insufficient_quota")
        case 403:
            return APIFailure(403, "You are not allowed to do this.", type: "permission_error", code: "forbidden")
        case 404: return APIFailure(404, "The model does not exist.", code: "model_not_found")
        case 409: return APIFailure(409, "The request conflicts with another.", type: "conflict_error")
        case 413: return APIFailure(413, "The request is too large.", code: "request_too_large")
        case 422: return APIFailure(422, "The request cannot be processed.")
        case 429:
            return APIFailure(429, "Rate limit reached for requests.", type: "requests", code: "rate_limit_exceeded")
        case 500:
            return APIFailure(500, "The server had an error while processing your request.", type: "server_error")
        case 503, 529:
            return APIFailure(
                status,
                "The engine is currently overloaded.",
                type: "overloaded_error",
                code: "overloaded"
            )
        default:
            let type = status >= 500 ? "server_error" : "invalid_request_error"
            return APIFailure(status, "The simulator was told to answer \(status).", type: type)
        }
    }
}
