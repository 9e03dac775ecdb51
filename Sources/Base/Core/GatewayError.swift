/// Why a call was not answered, in words that any caller may read.
///
/// Everything that fails on the road becomes one of these at the edge of its module; `ErrorBodies` turns the code
/// into a status and a body in the client's dialect.
package struct GatewayError: Error, Sendable {
    /// Names the failure in bodies, metrics and logs.
    ///
    /// A fixed set, so it is safe as a metric label.
    ///
    /// The names are part of the contract with users; add to them, never change one.
    package enum Code: String, Sendable, CaseIterable {
        case invalidJSON = "INVALID_JSON"
        case invalidRequest = "INVALID_REQUEST"
        case unauthenticated = "UNAUTHENTICATED"
        case identityUnavailable = "IDENTITY_UNAVAILABLE"
        case forbidden = "FORBIDDEN"
        case modelNotAllowed = "MODEL_NOT_ALLOWED"
        case modelUnpriced = "MODEL_UNPRICED"
        case budgetExceeded = "BUDGET_EXCEEDED"
        case notFound = "NOT_FOUND"
        case modelNotFound = "MODEL_NOT_FOUND"
        case credentialNotFound = "CREDENTIAL_NOT_FOUND"
        case methodNotAllowed = "METHOD_NOT_ALLOWED"
        case conflict = "CONFLICT"
        case duplicateCredential = "DUPLICATE_CREDENTIAL"
        /// What was there is no longer kept.
        case gone = "GONE"
        case idempotencyConflict = "IDEMPOTENCY_CONFLICT"
        case requestTimeout = "REQUEST_TIMEOUT"
        case payloadTooLarge = "PAYLOAD_TOO_LARGE"
        case unsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
        case headersTooLarge = "HEADERS_TOO_LARGE"
        case notConfigured = "AI_NOT_CONFIGURED"
        case credentialRejected = "CREDENTIAL_REJECTED"
        case credentialUnreadable = "CREDENTIAL_UNREADABLE"
        case rateLimited = "RATE_LIMITED"
        case providerRateLimited = "PROVIDER_RATE_LIMITED"
        case providerRefused = "PROVIDER_REFUSED"
        case providerError = "PROVIDER_ERROR"
        case providerUnavailable = "PROVIDER_UNAVAILABLE"
        case providerTimeout = "PROVIDER_TIMEOUT"
        case toolChanged = "TOOL_CHANGED"
        case toolNotApproved = "TOOL_NOT_APPROVED"
        case toolUnavailable = "TOOL_UNAVAILABLE"
        case toolTimeout = "TOOL_TIMEOUT"
        case auditUnavailable = "AUDIT_UNAVAILABLE"
        case storeUnavailable = "STORE_UNAVAILABLE"
        case storageFull = "STORAGE_FULL"
        case overloaded = "OVERLOADED"
        case shuttingDown = "SHUTTING_DOWN"
        case clientGone = "CLIENT_GONE"
        case notImplemented = "NOT_IMPLEMENTED"
        case internalFailure = "INTERNAL"
    }

    package let code: Code
    /// Safe for any caller to read: no keys, prompts, host names or SQL.
    package let message: String
    /// The field of the request that is to blame, as a path (`messages[0].role`).
    package var param: String?
    /// More for the reader: what was expected, which field, where to mend it.
    package var details: [(key: String, value: String)] = []
    /// How long to wait before trying again.
    ///
    /// Nil if waiting cannot help or the time is not known.
    package var retryAfter: Duration?
    /// A provider's own complaint about the request, already scrubbed, whose status and words are kept.
    package var provider: ProviderComplaint?
    /// What really happened, for logs only.
    package var cause: (any Error)?

    package init(
        _ code: Code,
        _ message: String,
        param: String? = nil,
        retryAfter: Duration? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.param = param
        self.retryAfter = retryAfter
        self.cause = cause
    }

    /// A provider's 400-class answer about the caller's request: the caller has to know it to mend the request.
    package struct ProviderComplaint: Sendable {
        /// The provider's HTTP status, 400 to 499.
        package var status: Int
        /// The provider's own error type (`invalid_request_error`), or nil.
        package var type: String?
        /// The provider's own error code (`context_length_exceeded`), or nil.
        package var code: String?
        /// What Anthropic's API calls such an error, where that is known better than by the status.
        package var anthropicType: String?

        package init(status: Int, type: String?, code: String?) {
            self.status = status
            self.type = type
            self.code = code
        }
    }
}
