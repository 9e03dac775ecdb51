package import NIOCore

/// Failures that say by a word what they are, and not, or not only, by a status.
extension ProviderFault {
    /// What a failure means that a stream of Amazon's ends with.
    ///
    /// - Parameter type: The name of the exception, such as `throttlingException`.
    package init(exception type: String, body: ByteBuffer) {
        let status =
            switch type.lowercased() {
            case "throttlingexception": 429
            case "serviceunavailableexception": 503
            case "modeltimeoutexception": 408
            case "modelstreamerrorexception", "modelerrorexception": 424
            case "validationexception": 400
            case "accessdeniedexception": 403
            case "resourcenotfoundexception": 404
            default: 500
            }
        self.init(status: status, body: body, retryAfter: nil, exception: type)
    }

    /// The name alone, of `ValidationException:http://internal.amazon.com/…` or `com.amazon#ValidationException`.
    static func exceptionName(_ field: String) -> String {
        let name = field.prefix { $0 != ":" }.split(separator: "#").last.map(String.init) ?? ""
        return String(name.filter { $0.isASCII && $0.isLetter }.prefix(64))
    }

    /// What one of Amazon's exceptions means where its status does not say it.
    ///
    /// By the errors that the operations Converse and ConverseStream of Amazon Bedrock document, and those that all of
    /// Amazon's services have in common.
    static func named(
        _ exception: String,
        status: Int,
        _ complaint: Complaint?,
        _ retryAfter: Duration?
    ) -> ProviderFault? {
        let words = complaint?.message.lowercased() ?? ""
        switch exception.lowercased() {
        case "throttlingexception", "servicequotaexceededexception", "toomanyrequestsexception":
            return .rateLimited(retryAfter: retryAfter, type: nil)
        case "modelnotreadyexception":
            return .unavailable(status: status, retryAfter: retryAfter)
        case "modelerrorexception", "modelstreamerrorexception", "internalserverexception":
            return .failed(status: status)
        case "accessdeniedexception" where words.contains("access to the model"):
            return .modelNotFound
        case "validationexception" where words.contains("model identifier is invalid"):
            return .modelNotFound
        case "unrecognizedclientexception", "invalidsignatureexception", "incompletesignatureexception",
            "expiredtokenexception", "missingauthenticationtokenexception", "invalidclienttokenid":
            return .credentialRejected
        default:
            return nil
        }
    }
}

extension ProviderFault.Complaint {
    /// The status that would have come with it, had it not come inside of an answer with status 200.
    ///
    /// By Anthropic's table of errors, and the codes that OpenAI's streams name.
    var impliedStatus: Int? {
        switch self.code ?? "" {
        case "context_length_exceeded", "invalid_prompt", "content_filter", "content_policy_violation": return 400
        case "rate_limit_exceeded", "insufficient_quota": return 429
        default: break
        }
        switch self.type ?? "" {
        case "invalid_request_error": return 400
        case "authentication_error": return 401
        case "billing_error": return 402
        case "permission_error": return 403
        case "not_found_error": return 404
        case "request_too_large": return 413
        case "rate_limit_error": return 429
        case "api_error": return 500
        case "timeout_error": return 504
        case "overloaded_error": return 529
        default: return nil
        }
    }
}
