package import Core
package import Database

/// Why something about a session cannot be done.
///
/// Safe to show to whoever asked.
package enum SessionError: Error, Sendable, Equatable {
    /// There is none, or none that the caller may see: both are told alike (row 44).
    case notFound
    /// The session has no message with this number.
    case noSuchMessage
    /// A value breaks a rule; `expected` says which.
    case invalid(field: String, expected: String)
    /// What is said is longer than that.
    case tooLong(bytesMax: Int)
    /// Somebody has as many sessions as they can have.
    case tooManySessions
    /// The session has as many messages as it can have.
    case tooManyMessages
    /// An answer is under way in the session; the number is its message's.
    case busy(seq: Int)
    case groupNotFound
    /// The store did not answer.
    case store(DatabaseError)
}

extension GatewayError {
    /// Says what the caller may know.
    package init(_ error: SessionError) {
        switch error {
        case .notFound:
            self.init(.notFound, "There is no such session.", cause: error)
        case .noSuchMessage:
            self.init(.notFound, "The session has no message with this number.", param: "seq", cause: error)
        case .invalid(let field, let expected):
            self.init(.invalidRequest, "'\(field)' must be \(expected).", param: field, cause: error)
            self.details = [(key: "field", value: field), (key: "expected", value: expected)]
        case .tooLong(let bytesMax):
            self.init(.payloadTooLarge, "A message may have \(bytesMax) bytes as JSON.", param: "content", cause: error)
        case .tooManySessions:
            let text = "There are \(SessionRule.sessionsMax) sessions, the most that one can have. Delete some first."
            self.init(.conflict, text, cause: error)
        case .tooManyMessages:
            let text = """
                The session has \(SessionRule.messagesMax) messages, the most that one can have. Fork it from an \
                earlier message, or begin a new one.
                """
            self.init(.conflict, text, cause: error)
        case .busy:
            self.init(.conflict, "An answer is under way in this session.", retryAfter: .seconds(1), cause: error)
        case .groupNotFound:
            self.init(.notFound, "There is no such group.", cause: error)
        case .store(.busy), .store(.interrupted):
            self.init(.storeUnavailable, "The store is busy. Try again.", retryAfter: .seconds(1), cause: error)
        case .store(.full):
            self.init(.storageFull, "The store is full, so nothing was kept.", cause: error)
        case .store:
            self.init(.storeUnavailable, "The store did not answer.", cause: error)
        }
    }
}

/// Runs statements, and turns what the database says into what it means for sessions.
func kept<Result>(_ body: () throws(DatabaseError) -> Result) throws(SessionError) -> Result {
    do { return try body() } catch {
        throw error == .foreignKeyViolation ? .groupNotFound : .store(error)
    }
}
