/// The errors of Anthropic's API.
extension AnthropicDialect {
    func failure(_ problem: Problem) -> APIFailure {
        switch problem {
        case .missingKey: return .anthropic("x-api-key header is required", status: 401)
        case .wrongKey: return .anthropic("invalid x-api-key", status: 401)
        case .unknownModel(let model): return .anthropic("model: \(model)", status: 404)
        case .unknownPath: return .anthropic("Not Found", status: 404)
        case .wrongMethod: return .anthropic("Method Not Allowed", status: 405)
        case .noModel: return .anthropic("model: Field required")
        case .modelOfWrongType: return .anthropic("model: Input should be a valid string")
        case .notJSON(let why): return .anthropic("The request body is not valid JSON: \(why)")
        case .notObject: return .anthropic("Input should be a valid dictionary or object to extract fields from")
        case .badOption(let why): return .anthropic("model: \(why)")
        case .bodyTooLarge: return .anthropic("Request exceeds the maximum size", status: 413)
        case .promptTooLong(let tokens, let limit):
            return .anthropic("prompt is too long: \(tokens) tokens > \(limit) maximum")
        }
    }

    func failure(status: Int) -> APIFailure {
        let text = AnthropicErrorKind(status)?.message ?? "The simulator was told to answer \(status)."
        return .anthropic(text, status: status)
    }

    func errorBody(_ failure: APIFailure, sequence: Int) -> ErrorBody {
        ErrorBody(bytes: Array(Self.errorObject(failure, sequence: sequence).text.utf8))
    }

    /// The whole error, as it is a body of its own or the data of an `error` event.
    static func errorObject(_ failure: APIFailure, sequence: Int) -> JSONValue {
        .object([
            .init("type", .string("error")),
            .init(
                "error",
                .object([.init("type", .string(failure.type)), .init("message", .string(failure.message))])
            ),
            .init("request_id", .string(Self.requestID(sequence))),
        ])
    }
}

/// What a status is called, and what is said with it.
///
/// Source: docs.anthropic.com/en/api/errors.
private struct AnthropicErrorKind {
    let type: String
    let message: String

    /// Nil for a status that the API does not have.
    init?(_ status: Int) {
        switch status {
        case 401: self.init("authentication_error", "invalid x-api-key")
        case 402: self.init("billing_error", "Your account has a billing problem.")
        case 403:
            self.init("permission_error", "Your API key does not have permission to use the specified resource.")
        case 404: self.init("not_found_error", "The requested resource could not be found.")
        case 413: self.init("request_too_large", "Request exceeds the maximum size")
        case 429:
            let message = "This request would exceed your organization's rate limit of 4,000 requests per minute."
            self.init("rate_limit_error", message)
        case 500: self.init("api_error", "Internal server error")
        case 504: self.init("timeout_error", "The request timed out.")
        case 529: self.init("overloaded_error", "Overloaded")
        default: return nil
        }
    }

    private init(_ type: String, _ message: String) {
        self.type = type
        self.message = message
    }
}

extension APIFailure {
    /// An error in Anthropic's words: its type follows from the status.
    static func anthropic(_ message: String, status: Int = 400) -> APIFailure {
        let type = AnthropicErrorKind(status)?.type ?? (status >= 500 ? "api_error" : "invalid_request_error")
        return APIFailure(status, message, type: type)
    }
}
