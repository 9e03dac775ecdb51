/// How a provider wants its key on the wire.
package enum AuthStyle: String, Sendable, CaseIterable {
    /// `authorization: Bearer <key>`.
    case bearer
    /// `api-key: <key>`, as Azure has it.
    case apiKey = "api-key"
    /// `x-api-key: <key>`.
    case xAPIKey = "x-api-key"
    /// No key at all: the provider needs no credential.
    case none

    /// What stands before the key in its header line, in lower case; nil where there is no key.
    package var linePrefix: StaticString? {
        switch self {
        case .bearer: "authorization: Bearer "
        case .apiKey: "api-key: "
        case .xAPIKey: "x-api-key: "
        case .none: nil
        }
    }
}
