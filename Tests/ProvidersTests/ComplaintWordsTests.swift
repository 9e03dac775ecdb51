import Core
import NIOCore
import Providers
import Testing

/// What clients of each dialect learn of what providers of each dialect complain about.
@Suite struct ComplaintWordsTests {
    /// A provider's answer, and the names that it gets.
    struct Row: Sendable, CustomTestStringConvertible {
        var family: String
        var status: Int
        var body: String
        var exception: String?
        var kind: ProviderFault.Kind
        /// For clients of OpenAI's dialects.
        var type: String?
        var code: String?
        /// For clients of Anthropic's; nil: what the status says.
        var anthropic: String?

        init(
            _ family: String,
            _ status: Int,
            _ body: String,
            exception: String? = nil,
            _ kind: ProviderFault.Kind,
            _ type: String?,
            _ code: String?,
            anthropic: String? = nil
        ) {
            self.family = family
            self.status = status
            self.body = body
            self.exception = exception
            self.kind = kind
            self.type = type
            self.code = code
            self.anthropic = anthropic
        }

        var testDescription: String { "\(self.family) \(self.status) \(self.body)" }
    }

    private static func anthropic(_ type: String, _ message: String) -> String {
        #"{"type":"error","error":{"type":"\#(type)","message":"\#(message)"},"request_id":"r"}"#
    }

    private static func gemini(_ code: Int, _ status: String, _ message: String) -> String {
        #"{"error":{"code":\#(code),"message":"\#(message)","status":"\#(status)"}}"#
    }

    private static let invalid = "invalid_request_error"
    private static let tooLong = "context_length_exceeded"
    private static let spent = "insufficient_quota"
    private static let limited = "rate_limit_exceeded"

    static let rows: [Row] = [
        Row(
            "openai",
            400,
            #"{"error":{"message":"m","type":"t","code":"unknown_parameter"}}"#,
            .complaint,
            "t",
            "unknown_parameter"
        ),
        Row("openai", 400, #"{"error":{"message":"maximum context length is 8"}}"#, .tooLong, nil, tooLong),
        Row(
            "azure",
            400,
            #"{"error":{"message":"m","code":"content_filter"}}"#,
            .contentRefused,
            nil,
            "content_filter"
        ),
        Row("mistral", 422, #"{"message":{"detail":[{"msg":"m"}]}}"#, .complaint, nil, nil),
        // Codes that are numbers give way to those that clients know, where there is one.
        Row(
            "mistral",
            400,
            #"{"message":"Prompt contains 9 tokens, too large for model with 8 maximum context length","code":"3051"}"#,
            .tooLong,
            nil,
            tooLong
        ),
        Row("mistral", 400, #"{"message":"m","code":"3280"}"#, .complaint, nil, "3280"),
        Row("openrouter", 402, #"{"error":{"code":402,"message":"m"}}"#, .spent, nil, spent),

        Row(
            "anthropic",
            400,
            anthropic(invalid, "prompt is too long: 9 tokens > 8 maximum"),
            .tooLong,
            invalid,
            tooLong,
            anthropic: invalid
        ),
        Row(
            "anthropic",
            400,
            anthropic(invalid, "Your credit balance is too low to access the API."),
            .spent,
            spent,
            spent,
            anthropic: invalid
        ),
        Row(
            "anthropic",
            400,
            anthropic(invalid, "max_tokens: Field required"),
            .complaint,
            invalid,
            nil,
            anthropic: invalid
        ),
        Row("anthropic", 402, anthropic("billing_error", "m"), .spent, spent, spent, anthropic: "billing_error"),
        Row(
            "anthropic",
            413,
            anthropic("request_too_large", "m"),
            .tooLong,
            invalid,
            tooLong,
            anthropic: "request_too_large"
        ),
        Row(
            "anthropic",
            429,
            anthropic("rate_limit_error", "m"),
            .rateLimited,
            nil,
            "rate_limit_exceeded",
            anthropic: "rate_limit_error"
        ),

        Row(
            "cohere",
            400,
            #"{"id":"i","message":"too many tokens: the total number of tokens exceeds 8"}"#,
            .tooLong,
            invalid,
            tooLong
        ),
        Row("cohere", 422, #"{"id":"i","message":"m"}"#, .complaint, invalid, nil),
        Row("cohere", 498, #"{"id":"i","message":"blocked output"}"#, .contentRefused, invalid, "content_filter"),
        Row("cohere", 402, #"{"message":"please add or update your payment method"}"#, .spent, spent, spent),
        Row("cohere", 429, #"{"message":"m"}"#, .rateLimited, nil, limited),

        Row(
            "gemini",
            400,
            gemini(400, "INVALID_ARGUMENT", "Unknown name x: Cannot find field."),
            .complaint,
            invalid,
            nil
        ),
        Row(
            "gemini",
            400,
            gemini(400, "INVALID_ARGUMENT", "It exceeds the maximum number of tokens allowed (8)."),
            .tooLong,
            invalid,
            tooLong
        ),
        Row("gemini", 429, gemini(429, "RESOURCE_EXHAUSTED", "m"), .rateLimited, nil, limited),

        Row(
            "bedrock",
            400,
            #"{"message":"Malformed input request"}"#,
            exception: "ValidationException:http://internal.amazon.com/",
            .complaint,
            invalid,
            nil
        ),
        Row(
            "bedrock",
            400,
            #"{"message":"Input is too long for requested model."}"#,
            exception: "ValidationException",
            .tooLong,
            invalid,
            tooLong
        ),
        Row(
            "bedrock",
            429,
            #"{"message":"Too many tokens, please wait before trying again."}"#,
            exception: "ThrottlingException",
            .rateLimited,
            nil,
            limited
        ),
        Row(
            "bedrock",
            400,
            #"{"message":"quota"}"#,
            exception: "com.amazon#ServiceQuotaExceededException",
            .rateLimited,
            nil,
            limited
        ),
    ]

    @Test(arguments: rows)
    func `a complaint has the names that the client's dialect knows`(row: Row) throws {
        let fault = ProviderFault(
            status: row.status,
            body: ByteBuffer(string: row.body),
            retryAfter: nil,
            exception: row.exception
        )
        let family = Family.row(kind: Family.kind(named: row.family), named: row.family, host: nil)
        #expect(fault.kind(at: family) == row.kind)
        let (type, code): (String?, String?) =
            switch fault {
            case .complaint(_, let complaint): (complaint.type, complaint.code)
            case .rateLimited(_, let type): (type, nil)
            default: (nil, nil)
            }
        let words = ComplaintWords.translate(
            GatewayError.ProviderComplaint(status: row.status, type: type, code: code),
            meaning: fault.kind(at: family),
            from: family.kind
        )
        #expect(words.type == row.type)
        #expect(words.code == row.code)
        #expect(words.anthropicType == row.anthropic)
        #expect(words.status == (row.status == 498 ? 400 : row.status))
    }

    @Test(
        arguments: [
            ("AccessDeniedException", 403, "You don't have access to the model.", ProviderFault.modelNotFound),
            ("AccessDeniedException", 403, "no", .credentialRejected),
            ("ValidationException", 400, "The provided model identifier is invalid.", .modelNotFound),
            ("ResourceNotFoundException", 404, "Could not resolve the foundation model", .modelNotFound),
            ("UnrecognizedClientException", 403, "The security token is invalid.", .credentialRejected),
            ("ExpiredTokenException", 400, "expired", .credentialRejected),
            ("ModelNotReadyException", 429, "m", .unavailable(status: 429, retryAfter: nil)),
            ("ModelErrorException", 424, "m", .failed(status: 424)),
            ("ModelTimeoutException", 408, "m", .timedOut(status: 408)),
            ("ServiceUnavailableException", 503, "m", .unavailable(status: 503, retryAfter: nil)),
            ("InternalServerException", 500, "m", .failed(status: 500)),
        ]
    )
    func `Amazon says in a field what the body does not`(name: String, status: Int, words: String, fault: ProviderFault)
    {
        let body = ByteBuffer(string: #"{"message":"\#(words)"}"#)
        #expect(ProviderFault(status: status, body: body, retryAfter: nil, exception: name) == fault)
        #expect(ProviderFault(status: status, body: body, retryAfter: nil, exception: name + ":http://x/") == fault)
    }

    @Test(
        arguments: [
            ("throttlingException", ProviderFault.rateLimited(retryAfter: nil, type: nil)),
            ("modelStreamErrorException", .failed(status: 424)), ("internalServerException", .failed(status: 500)),
            ("serviceUnavailableException", .unavailable(status: 503, retryAfter: nil)),
            ("heardOfLaterException", .failed(status: 500)),
        ]
    )
    func `an exception that ends a stream means what it would have meant before`(name: String, fault: ProviderFault) {
        let body = ByteBuffer(string: #"{"message":"m"}"#)
        #expect(ProviderFault(status: nil, body: body, retryAfter: nil, exception: name) == fault)
        let complaint = ProviderFault(status: nil, body: body, retryAfter: nil, exception: "validationException")
        guard case .complaint(400, let words) = complaint else { return #expect(Bool(false)) }
        #expect(words.type == "validationException")
    }

    @Test(
        arguments: [
            ("overloaded_error", ProviderFault.unavailable(status: 529, retryAfter: nil)),
            ("rate_limit_error", .rateLimited(retryAfter: nil, type: "rate_limit_error")),
            ("api_error", .failed(status: 500)), ("timeout_error", .timedOut(status: 504)),
            ("authentication_error", .credentialRejected),
            ("heard_of_later", .failed(status: 200)),
        ]
    )
    func `an error inside of a stream is known by its name`(type: String, fault: ProviderFault) {
        let body = ByteBuffer(string: Self.anthropic(type, "m"))
        #expect(ProviderFault(inSuccess: body) == fault)
    }

    @Test func `an error inside of a stream is known by its code too`() {
        let body = ByteBuffer(string: #"{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}"#)
        #expect(ProviderFault(inSuccess: body) == .rateLimited(retryAfter: nil, type: nil))
    }
}
