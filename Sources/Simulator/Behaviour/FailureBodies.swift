/// The bodies of answers that a fault makes fail.
enum FailureBodies {
    /// What a provider says with `status`, unless the behaviour puts other words in.
    static func failure(
        _ status: Int,
        behaviour: Behaviour,
        dialect: any Dialect,
        instead message: String? = nil
    ) -> APIFailure {
        var failure = dialect.failure(status: status)
        if let message { failure.message = message }
        failure.retryAfter = behaviour.retryAfter
        if let text = behaviour.errorMessage { failure.message = text }
        if let type = behaviour.errorType { failure.type = type }
        if let code = behaviour.errorCode {
            failure.code = code
            // OpenAI gives the same word twice here.
            if code == "insufficient_quota", behaviour.errorType == nil { failure.type = code }
        }
        return failure
    }

    /// The body in the form that the behaviour asks for.
    static func body(
        _ status: Int,
        behaviour: Behaviour,
        dialect: any Dialect,
        sequence: Int,
        key: String
    ) -> ErrorBody {
        let failure = Self.failure(status, behaviour: behaviour, dialect: dialect)
        func whole(_ dialect: any Dialect) -> ErrorBody { dialect.errorBody(failure, sequence: sequence) }
        switch behaviour.errorBody {
        case nil: return whole(dialect)
        case .openai: return whole(OpenAIDialect(.openAI))
        case .openrouter: return whole(OpenAIDialect(.openRouter))
        case .azure: return whole(OpenAIDialect(.azure))
        case .html:
            let page = """
                <!DOCTYPE html>
                <html><head><title>\(status) Bad Gateway</title></head>
                <body><h1>Bad Gateway</h1><p>Host sim-internal-7.example at 10.0.0.7</p></body></html>
                """
            return ErrorBody(contentType: "text/html; charset=utf-8", bytes: Array(page.utf8))
        case .empty: return ErrorBody(contentType: "application/json", bytes: [])
        case .cut:
            var body = whole(dialect)
            body.bytes = Array(body.bytes.prefix(body.bytes.count / 2))
            return body
        case .notJSON:
            let text = "upstream connect error or disconnect/reset before headers. reset reason: overflow"
            return ErrorBody(contentType: "text/plain", bytes: Array(text.utf8))
        case .echoKey:
            var echo = failure
            echo.message = "The key \(key) in Authorization: Bearer \(key) is wrong."
            var body = dialect.errorBody(echo, sequence: sequence)
            body.fields += [("x-sim-echo", "Bearer \(key)"), ("x-request-id", key)]
            body.reason = "Wrong key \(key)"
            return body
        }
    }
}
