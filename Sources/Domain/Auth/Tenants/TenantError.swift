package import Database

/// Why something about groups, people or gateway keys cannot be done.
///
/// Safe to show to whoever may administer the group: no secret, no SQL.
package enum TenantError: Error, Sendable, Equatable {
    /// A value breaks a rule; `expected` says which.
    case invalid(field: String, expected: String)
    /// There is a group, user or key with this id.
    case duplicateID(String)
    /// Another user has this issuer and subject.
    case duplicateIdentity
    /// Another key has this very secret.
    case duplicateSecret
    case groupNotFound
    case userNotFound
    case keyNotFound
    /// Without this person nobody could administer the gateway any more.
    case lastSystemAdmin
    /// The key was revoked or has expired, or was rotated before.
    case keyNotActive
    /// The key belongs to nobody who could have this right.
    case scopeNeedsUser
    /// The store did not answer.
    case store(DatabaseError)

    /// Says what a store's refusal means; `id` is what the caller wanted to add.
    init(_ error: DatabaseError, adding id: String) {
        switch error {
        case .uniqueViolation("users.issuer, users.subject"): self = .duplicateIdentity
        case .uniqueViolation("gateway_keys.digest"): self = .duplicateSecret
        case .uniqueViolation: self = .duplicateID(id)
        case .foreignKeyViolation: self = .groupNotFound
        default: self = .store(error)
        }
    }
}

extension TenantError: CustomStringConvertible {
    /// One sentence for whoever asked.
    package var description: String {
        switch self {
        case .invalid(let field, let expected): "\(field) must be \(expected)"
        case .duplicateID(let id): "\(id) exists already"
        case .duplicateIdentity: "another user has this issuer and subject"
        case .duplicateSecret: "another key has this secret"
        case .groupNotFound: "there is no such group"
        case .userNotFound: "there is no such user"
        case .keyNotFound: "there is no such key"
        case .lastSystemAdmin: "this is the last system administrator who can sign in; make another one first"
        case .keyNotActive: "the key is revoked, expired or already replaced"
        case .scopeNeedsUser: "a key with the scope admin must belong to a user"
        case .store(let error): "the store did not answer: \(error)"
        }
    }
}

/// Runs statements, and turns what the database says into what it means for tenants.
func stored<Result>(
    adding id: String = "",
    _ body: () throws(DatabaseError) -> Result
) throws(TenantError) -> Result {
    do { return try body() } catch { throw TenantError(error, adding: id) }
}
