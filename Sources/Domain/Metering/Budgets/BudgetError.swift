package import Database

/// Why something about budgets cannot be done; safe to show to whoever may administer them.
package enum BudgetError: Error, Sendable, Equatable {
    /// A value breaks a rule; `expected` says which.
    case invalid(field: String, expected: String)
    /// The group, or the gateway as a whole, has a budget of this name.
    case duplicateName(String)
    /// The group, or the gateway as a whole, has as many as it may.
    case tooMany(limit: Int)
    case notFound
    case groupNotFound
    /// The store did not answer.
    case store(DatabaseError)

    /// Says what a store's refusal means; `name` is what the caller wanted to add.
    init(_ error: DatabaseError, naming name: String) {
        switch error {
        case .uniqueViolation: self = .duplicateName(name)
        case .foreignKeyViolation: self = .groupNotFound
        default: self = .store(error)
        }
    }
}

extension BudgetError: CustomStringConvertible {
    /// One sentence for whoever asked.
    package var description: String {
        switch self {
        case .invalid(let field, let expected): "\(field) must be \(expected)"
        case .duplicateName(let name): "there is a budget named \(name) already"
        case .tooMany(let limit): "there are \(limit) budgets already, which is the most; delete one first"
        case .notFound: "there is no such budget"
        case .groupNotFound: "there is no such group"
        case .store(let error): "the store did not answer: \(error)"
        }
    }
}
