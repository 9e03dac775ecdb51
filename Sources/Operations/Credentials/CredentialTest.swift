package import Vault

/// Tries a key against its provider, with a request that costs nothing.
///
/// - Parameters:
///   - provider: The name of a configured provider.
///   - key: The provider's key, in guarded memory; not to be copied.
package typealias LiveTest = @Sendable (_ provider: String, _ key: GuardedBytes) async -> CredentialTest

/// What came of trying a provider's key.
package enum CredentialTest: Sendable, Equatable {
    /// The provider took it.
    case accepted(after: Duration)
    /// The provider refused it, with 401 or 403.
    case refused(status: Int)
    /// Nothing can be said: the provider was not reached, or answered something else; the text is safe to show.
    case unknown(String)
    /// The provider is not configured, or has nothing to try a key with.
    case skipped

    /// The word for it in answers and in the audit log.
    package var name: String {
        switch self {
        case .accepted: "accepted"
        case .refused: "refused"
        case .unknown: "unknown"
        case .skipped: "skipped"
        }
    }
}
