internal import Core
package import NIOCore

/// What is wrong with a provider's answer.
package enum ProviderFault: Error, Sendable, Equatable {
    /// It refused the group's key: 401, 403.
    case credentialRejected
    /// It wants fewer calls: 429.
    case rateLimited(retryAfter: Duration?, type: String?)
    /// It does not know the model.
    case modelNotFound
    /// It complains about the request; its status and words are kept.
    case complaint(status: Int, Complaint)
    /// It failed: 500, 502 and everything of that kind.
    case failed(status: Int)
    /// It cannot answer now: 503, 529.
    case unavailable(status: Int, retryAfter: Duration?)
    /// It ran out of time: 408, 504.
    case timedOut(status: Int)
    /// It sent the call elsewhere, which is never followed (row 29).
    case redirected(status: Int)
    /// Its answer is coded although no coding was asked for (row 33).
    case encoded
    /// Its answer is not what a provider of this kind sends: HTML, nothing, cut or not JSON, another protocol.
    case unreadable

    /// A provider's own words about a request, not yet scrubbed.
    package struct Complaint: Sendable, Equatable {
        package var message: String
        package var type: String?
        package var code: String?
        package var param: String?
    }
}

extension ProviderFault {
    /// Whether the provider certainly did not work for the request.
    package var isRefusal: Bool {
        switch self {
        case .credentialRejected, .rateLimited, .modelNotFound, .complaint, .redirected: true
        case .failed, .unavailable, .timedOut, .encoded, .unreadable: false
        }
    }
}

extension ProviderFault: CustomStringConvertible {
    /// The kind and the status, and nothing that the provider wrote: safe in any log.
    package var description: String {
        switch self {
        case .credentialRejected: "credential rejected"
        case .rateLimited: "rate limited"
        case .modelNotFound: "model not found"
        case .complaint(let status, _): "complaint \(status)"
        case .failed(let status): "failed \(status)"
        case .unavailable(let status, _): "unavailable \(status)"
        case .timedOut(let status): "timed out \(status)"
        case .redirected(let status): "redirected \(status)"
        case .encoded: "encoded"
        case .unreadable: "unreadable"
        }
    }
}

extension ProviderFault {
    /// What a failed answer means.
    ///
    /// - Parameters:
    ///   - status: The HTTP status, or the one that an error inside a 200 names; nil for an exception that ends a
    ///     stream of Amazon's, whose name stands for it.
    ///   - body: The whole body, whatever it is.
    ///   - retryAfter: What the answer's own fields say.
    ///   - exception: Where Amazon says what the body does not: the field `x-amzn-errortype`, or the exception's name.
    package init(status: Int?, body: ByteBuffer, retryAfter: Duration?, exception: String? = nil) {
        var complaint = Complaint(in: body)
        let exception = exception.map(AmazonException.init)
        let status = status ?? exception?.status ?? 500
        if let exception {
            if let fault = exception.fault(status, complaint, retryAfter) {
                self = fault
                return
            }
            if complaint?.type == nil { complaint?.type = exception.name }
        }
        let retryAfter = retryAfter ?? Complaint.retryDelay(in: body)
        switch status {
        case 300..<400:
            self = .redirected(status: status)
        case 408, 504:
            self = .timedOut(status: status)
        case 503, 529:
            self = .unavailable(status: status, retryAfter: retryAfter)
        case 499:
            // Cohere's word for a call that it gave up itself.
            self = .failed(status: status)
        case 500...:
            self = .failed(status: status)
        case 429:
            self = .rateLimited(retryAfter: retryAfter, type: complaint?.type)
        case 401, 407:
            self = .credentialRejected
        case 403:
            // OpenRouter answers 403 for a prompt that its moderation flagged: that is about the request.
            self = Complaint.isFlagged(body) ? .orUnreadable(403, complaint) : .credentialRejected
        case 404:
            self = complaint.map { $0.isAboutModel ? .modelNotFound : .complaint(status: 404, $0) } ?? .unreadable
        case 405:
            self = .unreadable
        case 400 where Complaint.isBadKey(body):
            self = .credentialRejected
        case 400 where complaint?.type == "invalid_model":
            // Mistral's status for a model that it does not have.
            self = .modelNotFound
        case 400..<500:
            self = .orUnreadable(status, complaint)
        default:
            self = .unreadable
        }
    }

    /// What an error object inside an answer with status 200, or inside a stream, means.
    ///
    /// - Parameter body: The whole JSON text that holds `error`.
    package init(inSuccess body: ByteBuffer) {
        if let status = Complaint.numericCode(in: body), (400..<600).contains(status) {
            self.init(status: status, body: body, retryAfter: nil)
        } else if let status = Complaint(in: body)?.impliedStatus {
            self.init(status: status, body: body, retryAfter: nil)
        } else {
            self = .failed(status: 200)
        }
    }

    private static func orUnreadable(_ status: Int, _ complaint: Complaint?) -> ProviderFault {
        complaint.map { .complaint(status: status, $0) } ?? .unreadable
    }
}

extension ProviderFault.Complaint {
    /// Reads the shapes that providers use: `{"error":{…}}`, `{"error":"…"}`, `{"message":…}`, `{"detail":…}`.
    ///
    /// Nil if there is no text in any of these places.
    init?(in body: ByteBuffer) {
        guard let root = Self.tree(body) else { return nil }
        let error = root["error"] ?? root
        if case .string(let text) = error {
            self.init(message: text)
            return
        }
        guard let message = Self.text(error["message"]) ?? Self.text(error["detail"]) ?? Self.text(root["detail"])
        else {
            return nil
        }
        self.init(
            message: message,
            // An event of OpenAI's `/responses` has its own name there.
            type: error["type"]?.stringValue.flatMap { $0 == "error" ? nil : $0 },
            code: error["code"]?.stringValue,
            param: error["param"]?.stringValue
        )
    }

    /// Whether a 404 is about the model and not about the URL.
    var isAboutModel: Bool {
        if let code = self.code, ["model_not_found", "DeploymentNotFound", "model_not_available"].contains(code) {
            return true
        }
        let message = self.message.lowercased()
        // OpenRouter names the model and does not call it one.
        return message.contains("model") || message.hasPrefix("no endpoints found for ")
    }

    /// Whether the provider's moderation refused the prompt.
    static func isFlagged(_ body: ByteBuffer) -> Bool {
        Self.tree(body)?["error"]?["metadata"]?["reasons"] != nil
    }

    /// The `error.code` that some providers set to an HTTP status.
    static func numericCode(in body: ByteBuffer) -> Int? {
        guard let code = Self.tree(body)?["error"]?["code"] else { return nil }
        if let number = code.intValue { return number }
        return code.stringValue.flatMap { Int($0) }
    }

    /// Whether a 400 is about the key: Google says it in a detail and in no status of its own.
    static func isBadKey(_ body: ByteBuffer) -> Bool {
        Self.details(in: body).contains { $0["reason"]?.stringValue == "API_KEY_INVALID" }
    }

    /// How long Google wants to be left alone: `google.rpc.RetryInfo` among the details of the error, as `"7s"` or
    /// `"0.512s"` (JSON of `google.protobuf.Duration`).
    ///
    /// - Returns: Nil if none says anything sane; rounded up to whole milliseconds, `RetryAfter.longest` at most.
    static func retryDelay(in body: ByteBuffer) -> Duration? {
        for detail in Self.details(in: body) {
            guard let type = detail["@type"]?.stringValue, type.hasSuffix("google.rpc.RetryInfo"),
                let text = detail["retryDelay"]?.stringValue, text.hasSuffix("s")
            else { continue }
            if let wait = RetryAfter.parse(
                milliseconds: Optional<String.UTF8View>.none,
                seconds: text.dropLast().utf8,
                now: UnixTime(seconds: 0)
            ) {
                return wait
            }
        }
        return nil
    }

    private static func details(in body: ByteBuffer) -> [JSONValue] {
        guard let error = Self.tree(body)?["error"], case .array(let details)? = error["details"] else { return [] }
        return Array(details.prefix(16))
    }

    /// An error body is small; what is larger is not read.
    ///
    /// Google's OpenAI surface puts it into a list.
    private static func tree(_ body: ByteBuffer) -> JSONValue? {
        guard body.readableBytes > 0, body.readableBytes <= 1 << 20 else { return nil }
        let value = try? JSONValue.parse(body)
        if case .array(let list)? = value { return list.first }
        return value
    }

    /// A message as text, or the first text inside it: Mistral and FastAPI put lists of objects here.
    private static func text(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text): text
        case .array(let list): list.lazy.compactMap { Self.text($0) }.first
        case .object: Self.text(value?["msg"]) ?? Self.text(value?["message"]) ?? Self.text(value?["detail"])
        default: nil
        }
    }
}
