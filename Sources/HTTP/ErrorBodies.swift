package import Chat
package import Core
package import NIOCore
internal import Wire

/// The one place where failures become HTTP: a status, a body in the client's dialect, and the fields beside it.
package enum ErrorBodies {
    /// The HTTP status of a failure.
    package static func status(of error: GatewayError) -> Int {
        switch error.code {
        case .invalidJSON, .invalidRequest: 400
        case .unauthenticated: 401
        case .budgetExceeded: 402
        case .forbidden, .modelNotAllowed, .modelUnpriced, .toolChanged, .toolNotApproved: 403
        case .notFound, .modelNotFound, .credentialNotFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .conflict, .duplicateCredential, .idempotencyConflict: 409
        case .gone: 410
        case .payloadTooLarge: 413
        case .unsupportedMediaType: 415
        case .notConfigured, .credentialRejected: 424
        case .rateLimited, .providerRateLimited: 429
        case .headersTooLarge: 431
        case .clientGone: 499
        case .internalFailure, .credentialUnreadable: 500
        case .notImplemented: 501
        case .providerError, .toolUnavailable: 502
        case .providerUnavailable, .identityUnavailable, .auditUnavailable, .storeUnavailable, .storageFull,
            .overloaded, .shuttingDown:
            503
        case .providerTimeout, .toolTimeout: 504
        case .providerRefused: error.provider?.status ?? 400
        }
    }

    /// The HTTP status of a failure, for a client of one dialect.
    package static func status(of error: GatewayError, dialect: Dialect) -> Int {
        // The only dialect that has a status of its own for it.
        let isOverloaded = dialect == .anthropic && error.provider?.status == 529
        return isOverloaded && error.code == .providerUnavailable ? 529 : Self.status(of: error)
    }

    /// The JSON body of a failure.
    package static func body(of error: GatewayError, dialect: Dialect, requestID: RequestID) -> ByteBuffer {
        var body = ByteBuffer()
        switch dialect {
        case .native: Self.writeNative(error, requestID, into: &body)
        case .openAI: Self.writeOpenAI(error, requestID, into: &body)
        case .anthropic: Self.writeAnthropic(error, requestID, into: &body)
        }
        return body
    }

    /// Appends the header lines that a failure brings along: when to try again, whether that can help, how to log in.
    ///
    /// - Parameter attempts: Attempts that the gateway has made itself; after more than one the client's SDK need not
    ///   add its own.
    package static func writeFields(of error: GatewayError, attempts: Int, into fields: inout ByteBuffer) {
        if let seconds = Self.retryAfterSeconds(error) { fields.writeField("retry-after", decimal: seconds) }
        // Trying again within seconds cannot help, unless it is other calls under way that hold the rest.
        let isSpent = (error.code == .budgetExceeded || error.code == .rateLimited) && error.retryAfter == nil
        if error.code == .rateLimited, let wait = error.retryAfter {
            fields.writeField("retry-after-ms", decimal: Self.milliseconds(wait))
        }
        // Nor does it where a key is used up: the same request would meet the same refusal.
        let isTaken = [.conflict, .idempotencyConflict].contains(error.code) && error.retryAfter == nil
        if attempts > 1 || isSpent || isTaken { fields.writeField("x-should-retry", "false") }
        if error.code == .unauthenticated { fields.writeField("www-authenticate", "Bearer") }
    }

    /// Whole seconds, rounded up.
    ///
    /// Every 429 and 503 names a time (a guess where nobody knows it); others only if known.
    private static func retryAfterSeconds(_ error: GatewayError) -> Int? {
        if let wait = error.retryAfter {
            let (seconds, rest) = wait.components
            return max(0, Int(seconds)) + (rest > 0 ? 1 : 0)
        }
        switch error.code {
        case .overloaded, .shuttingDown: return 1
        // A request that is larger than its whole limit; by then at least that may have been changed.
        case .rateLimited: return 60
        case .providerUnavailable, .providerRateLimited, .auditUnavailable, .storeUnavailable,
            .storageFull, .identityUnavailable:
            return 5
        default: return nil
        }
    }

    /// Whole milliseconds, rounded up.
    private static func milliseconds(_ wait: Duration) -> Int {
        let (seconds, attoseconds) = wait.components
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int(clamping: max(0, min(seconds, 1_000_000_000)) * 1000 + max(0, rest))
    }

    // MARK: - The three shapes

    private static func writeNative(_ error: GatewayError, _ id: RequestID, into body: inout ByteBuffer) {
        body.writeStaticString("{\"error\":")
        appendJSONString(Self.message(error), into: &body)
        body.writeStaticString(",\"code\":\"")
        body.writeString(error.code.rawValue)
        body.writeStaticString("\",\"statusCode\":")
        body.writeDecimal(Self.status(of: error))
        body.writeStaticString(",\"requestId\":\"")
        id.write(into: &body)
        body.writeStaticString("\"")
        Self.writeDetails(error, into: &body)
        body.writeStaticString("}")
    }

    private static func writeOpenAI(_ error: GatewayError, _ id: RequestID, into body: inout ByteBuffer) {
        body.writeStaticString("{\"error\":{\"message\":")
        appendJSONString(Self.message(error), into: &body)
        body.writeStaticString(",\"type\":")
        appendJSONString(error.provider?.type ?? Self.openAIType(error), into: &body)
        body.writeStaticString(",\"param\":")
        Self.writeOptional(error.param, into: &body)
        body.writeStaticString(",\"code\":")
        if error.code == .providerRefused {
            Self.writeOptional(error.provider?.code, into: &body)
        } else {
            appendJSONString(error.code.rawValue.lowercased(), into: &body)
        }
        Self.writeDetails(error, into: &body)
        body.writeStaticString("}}")
    }

    private static func writeAnthropic(_ error: GatewayError, _ id: RequestID, into body: inout ByteBuffer) {
        body.writeStaticString("{\"type\":\"error\",\"error\":{\"type\":")
        appendJSONString(Self.anthropicType(error), into: &body)
        body.writeStaticString(",\"message\":")
        appendJSONString(Self.message(error), into: &body)
        body.writeStaticString("},\"request_id\":\"")
        id.write(into: &body)
        body.writeStaticString("\"}")
    }

    /// An internal failure says nothing but that it was one; the request id leads to the rest.
    private static func message(_ error: GatewayError) -> String {
        error.code == .internalFailure ? "Something went wrong inside the gateway." : error.message
    }

    private static func writeOptional(_ text: String?, into body: inout ByteBuffer) {
        if let text {
            appendJSONString(text, into: &body)
        } else {
            body.writeStaticString("null")
        }
    }

    private static func writeDetails(_ error: GatewayError, into body: inout ByteBuffer) {
        guard !error.details.isEmpty, error.code != .internalFailure else { return }
        body.writeStaticString(",\"details\":{")
        for (position, detail) in error.details.enumerated() {
            if position > 0 { body.writeStaticString(",") }
            appendJSONString(detail.key, into: &body)
            body.writeStaticString(":")
            appendJSONString(detail.value, into: &body)
        }
        body.writeStaticString("}")
    }

    private static func openAIType(_ error: GatewayError) -> String {
        switch Self.status(of: error) {
        case 401: "authentication_error"
        case 402: "insufficient_quota"
        case 403: "permission_error"
        case 404: error.code == .modelNotFound ? "invalid_request_error" : "not_found_error"
        case 424: "configuration_error"
        case 429: "rate_limit_error"
        case 408, 504: "timeout_error"
        case 503: "overloaded_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }

    private static func anthropicType(_ error: GatewayError) -> String {
        if let type = error.provider?.anthropicType { return type }
        return switch Self.status(of: error) {
        case 401: "authentication_error"
        case 402: "billing_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 503: error.code == .overloaded ? "overloaded_error" : "api_error"
        case 504: "timeout_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }
}
