/// How a provider wants its key on the wire.
package enum AuthStyle: String, Sendable, CaseIterable {
    /// `authorization: Bearer <key>`.
    case bearer
    /// `api-key: <key>`, as Azure has it.
    case apiKey = "api-key"
    /// `x-api-key: <key>`.
    case xAPIKey = "x-api-key"
    /// `x-goog-api-key: <key>`, as Gemini has it.
    case xGoogAPIKey = "x-goog-api-key"
    /// A Bedrock API key as a bearer, or a signature made with `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`.
    case aws
    /// No key at all: the provider needs no credential.
    case none

    /// What stands before the key in its header line, in lower case; nil where there is no key.
    package var linePrefix: StaticString? {
        switch self {
        case .bearer: "authorization: Bearer "
        case .apiKey: "api-key: "
        case .xAPIKey: "x-api-key: "
        case .xGoogAPIKey: "x-goog-api-key: "
        // Only for keys that are not signed with.
        case .aws: "authorization: Bearer "
        case .none: nil
        }
    }
}
