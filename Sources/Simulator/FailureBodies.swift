/// The bodies of answers that a fault makes fail.
enum FailureBodies {
    struct Body {
        var contentType: String
        var bytes: [UInt8]
        var fields: [(name: String, value: String)] = []
        var reason: String?
    }

    /// What a provider says with `status`, unless the behaviour puts other words in.
    static func failure(_ status: Int, behaviour: Behaviour, instead message: String? = nil) -> APIFailure {
        var failure = Self.usual(status)
        if let message { failure.message = message }
        if let text = behaviour.errorMessage { failure.message = text }
        if let type = behaviour.errorType { failure.type = type }
        if let code = behaviour.errorCode {
            failure.code = code
            // OpenAI gives the same word twice here.
            if code == "insufficient_quota", behaviour.errorType == nil { failure.type = code }
        }
        return failure
    }

    private static func usual(_ status: Int) -> APIFailure {
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

    /// The body in the form that the behaviour asks for.
    static func body(_ status: Int, behaviour: Behaviour, flavour: Flavour, key: String) -> Body {
        let failure = Self.failure(status, behaviour: behaviour)
        switch behaviour.errorBody {
        case nil: return Body(contentType: "application/json", bytes: failure.body(flavour))
        case .openai: return Body(contentType: "application/json", bytes: failure.body(.openAI))
        case .openrouter: return Body(contentType: "application/json", bytes: failure.body(.openRouter))
        case .azure: return Body(contentType: "application/json", bytes: failure.body(.azure))
        case .html:
            let page = """
                <!DOCTYPE html>
                <html><head><title>\(status) Bad Gateway</title></head>
                <body><h1>Bad Gateway</h1><p>Host sim-internal-7.example at 10.0.0.7</p></body></html>
                """
            return Body(contentType: "text/html; charset=utf-8", bytes: Array(page.utf8))
        case .empty: return Body(contentType: "application/json", bytes: [])
        case .cut:
            let whole = failure.body(flavour)
            return Body(contentType: "application/json", bytes: Array(whole.prefix(whole.count / 2)))
        case .notJSON:
            let text = "upstream connect error or disconnect/reset before headers. reset reason: overflow"
            return Body(contentType: "text/plain", bytes: Array(text.utf8))
        case .echoKey:
            var echo = failure
            echo.message = "The key \(key) in Authorization: Bearer \(key) is wrong."
            return Body(
                contentType: "application/json",
                bytes: echo.body(flavour),
                fields: [("x-sim-echo", "Bearer \(key)"), ("x-request-id", key)],
                reason: "Wrong key \(key)"
            )
        }
    }
}
