/// What a provider's failure means for whether, and where, the request may be tried again.
extension ProviderFault {
    package enum Kind: Sendable, Equatable {
        /// It refused the group's credential.
        case credential
        /// It wants fewer calls.
        case rateLimited
        /// Its account has nothing left to pay with.
        case spent
        /// It does not have the model.
        case modelMissing
        /// The request is longer than the model takes.
        case tooLong
        /// Its rules do not let the request pass.
        case contentRefused
        /// Something else about the request is wrong.
        case complaint
        /// Two calls were in each other's way.
        case conflict
        /// It failed.
        case failed
        /// It is overloaded, closed, or its origin cannot be reached.
        case unavailable
        /// It ran out of time by itself.
        case timedOut
        /// It is not an answer of a provider of this kind.
        case garbled
    }

    /// The kind of failure at a provider of a family: the same status does not mean the same everywhere.
    package func kind(at family: Family) -> Kind {
        switch self {
        case .credentialRejected: return .credential
        case .modelNotFound: return .modelMissing
        case .rateLimited(_, let type): return type.map(Self.meansSpent) ?? false ? .spent : .rateLimited
        case .complaint(let status, let complaint): return Self.kind(of: complaint, status, at: family)
        case .failed(let status): return Self.kind(ofStatus: status)
        case .unavailable: return .unavailable
        case .timedOut: return .timedOut
        case .redirected, .encoded, .unreadable: return .garbled
        }
    }

    /// Cloudflare, which many providers stand behind, tells where on the way to its origin it failed (521 to 524).
    private static func kind(ofStatus status: Int) -> Kind {
        switch status {
        case 521, 523: .unavailable
        case 522, 524: .timedOut
        default: .failed
        }
    }

    private static func kind(of complaint: Complaint, _ status: Int, at family: Family) -> Kind {
        for row in Self.oddStatuses where row.status == status && row.family == family.name { return row.kind }
        let code = complaint.code ?? complaint.type ?? ""
        if status == 402 || Self.meansSpent(code) || Self.meansSpent(complaint.type ?? "") { return .spent }
        if status == 409 { return .conflict }
        if status == 413 || Self.tooLongCodes.contains(code) { return .tooLong }
        if Self.refusalCodes.contains(code) || status == 403 { return .contentRefused }
        // Where there is no code, the words are all there is; each is of one provider's documented messages.
        let words = complaint.message.prefix(2_000).lowercased()
        if Self.tooLongWords.contains(where: words.contains) { return .tooLong }
        if Self.spentWords.contains(where: words.contains) { return .spent }
        if Self.refusedWords.contains(where: words.contains) { return .contentRefused }
        return .complaint
    }

    /// Statuses that mean something else at one provider than elsewhere.
    private static let oddStatuses: [(family: String, status: Int, kind: Kind)] = [
        // The flex tier has no room now (console.groq.com/docs/errors).
        ("groq", 498, .unavailable),
        // The account is suspended, mostly over its bills (docs.fireworks.ai).
        ("fireworks", 412, .spent),
        // The prompt or the answer was blocked (docs.cohere.com/reference/errors).
        ("cohere", 498, .contentRefused),
    ]

    private static let tooLongCodes: Set<String> = [
        "context_length_exceeded", "string_above_max_length", "request_too_large", "model_max_prompt_tokens_exceeded",
    ]

    private static let refusalCodes: Set<String> = [
        "content_filter", "content_policy_violation", "moderation_blocked",
        "ResponsibleAIPolicyViolation",
    ]

    private static let tooLongWords = [
        "maximum context length", "prompt is too long", "context window", "exceeds the maximum number of tokens",
        "input is too long", "too large for model", "context length is only", "too many tokens",
        "total number of tokens", "input length and `max_tokens` exceed",
    ]

    private static let refusedWords = ["content filtering policy", "blocked by our content", "blocked output"]

    private static let spentWords = [
        "credit balance is too low", "insufficient balance", "insufficient credits", "update your payment method",
    ]

    private static func meansSpent(_ code: String) -> Bool {
        code == "insufficient_quota" || code == "billing_error" || code == "billing_hard_limit_reached"
    }
}
