/// One of Amazon's exceptions: the field `x-amzn-errortype` of a failed answer, or the name of what a stream ends with.
///
/// By the errors that the operations Converse and ConverseStream of Amazon Bedrock document, and those that all of
/// Amazon's services have in common.
struct AmazonException {
    /// The name alone, of `ValidationException:http://internal.amazon.com/…` or `com.amazon#ValidationException`.
    let name: String

    init(_ field: String) {
        let name = field.prefix { $0 != ":" }.split(separator: "#").last.map(String.init) ?? ""
        self.name = String(name.filter { $0.isASCII && $0.isLetter }.prefix(64))
    }

    /// The status that comes with it, where it ends a stream and so has none.
    var status: Int {
        switch self.name.lowercased() {
        case "throttlingexception": 429
        case "serviceunavailableexception": 503
        case "modeltimeoutexception": 408
        case "modelstreamerrorexception", "modelerrorexception": 424
        case "validationexception": 400
        case "accessdeniedexception": 403
        case "resourcenotfoundexception": 404
        default: 500
        }
    }

    /// What it means where the status does not say it; nil where that says enough.
    func fault(_ status: Int, _ complaint: ProviderFault.Complaint?, _ retryAfter: Duration?) -> ProviderFault? {
        let words = complaint?.message.lowercased() ?? ""
        switch self.name.lowercased() {
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
