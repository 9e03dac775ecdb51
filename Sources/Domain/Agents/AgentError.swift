package import Core
package import Database

/// Why something about agents cannot be done; safe to show to whoever may administer them.
package enum AgentError: Error, Sendable, Equatable {
    /// A value breaks a rule; it says which and where.
    case invalid(ValueFault)
    /// The group has an agent of this id.
    case duplicateID(String)
    /// The group has as many as it may.
    case tooMany(limit: Int)
    case notFound
    case groupNotFound
    /// Somebody else changed it since the caller looked.
    case changed(version: Int)
    /// The store did not answer.
    case store(DatabaseError)

    /// Says what a store's refusal means; `id` is what the caller wanted to add.
    init(_ error: DatabaseError, naming id: String) {
        switch error {
        case .uniqueViolation: self = .duplicateID(id)
        case .foreignKeyViolation: self = .groupNotFound
        default: self = .store(error)
        }
    }
}

extension AgentError: CustomStringConvertible {
    /// One sentence for whoever asked.
    package var description: String {
        switch self {
        case .invalid(let fault): fault.description
        case .duplicateID(let id): "there is an agent \(id) in this group already"
        case .tooMany(let limit): "there are \(limit) agents in this group already, which is the most; delete one first"
        case .notFound: "there is no such agent"
        case .groupNotFound: "there is no such group"
        case .changed(let version): "the agent was changed meanwhile: it is at version \(version) now"
        case .store(let error): "the store did not answer: \(error)"
        }
    }
}
