/// Why a token was not taken.
package enum TokenError: Error, Sendable, Equatable {
    /// The token is no good. The caller hears one same sentence for all reasons; the reason is for logs (row 41).
    case refused(TokenRefusal)
    /// The issuer's keys are not known and cannot be had now: 503, never 401 (an outage is not the caller's fault).
    ///
    /// The text is the operator's name for the issuer.
    case keysUnavailable(issuer: String)
}

/// What is wrong with a token; for logs and metrics only, a fixed set without any part of the token.
package enum TokenRefusal: String, Error, Sendable, CaseIterable {
    case tooLong = "too_long"
    case malformed
    case badHeader = "bad_header"
    case algorithmNotAllowed = "algorithm_not_allowed"
    case wrongType = "wrong_type"
    case critical = "critical_extension"
    case noKeyID = "no_key_id"
    case unknownKey = "unknown_key"
    case unknownIssuer = "unknown_issuer"
    case wrongAudience = "wrong_audience"
    case expired
    case notYetValid = "not_yet_valid"
    case badClaims = "bad_claims"
    case badSignature = "bad_signature"
}
