package import Core

/// What somebody did, on its way into the audit log.
package struct AuditEntry: Sendable {
    /// How it ended.
    package enum Outcome: String, Sendable, CaseIterable {
        case done
        /// Refused by a rule: not permitted, not found, a conflict.
        case refused
        /// Tried and not achieved.
        case failed
    }

    /// Who: the name of a user, of a gateway key, or `command` for the machine's operator.
    package var actor: String
    /// The group the actor belongs to; nil for the operator.
    package var actorGroup: GroupID?
    /// What, as `credential.create`: the kind of object and a verb.
    package var action: String
    package var objectKind: String
    package var objectID: String
    /// The group whose object it is; nil for what belongs to none.
    package var group: GroupID?
    package var outcome: Outcome
    package var requestID: String?
    /// More about it, as a JSON object; never a secret.
    ///
    /// At most `AuditLog.detailsBytesMax` as text.
    package var details: JSONValue

    package init(
        actor: String,
        actorGroup: GroupID? = nil,
        action: String,
        objectKind: String,
        objectID: String,
        group: GroupID? = nil,
        outcome: Outcome = .done,
        requestID: String? = nil,
        details: JSONValue = .object([])
    ) {
        self.actor = actor
        self.actorGroup = actorGroup
        self.action = action
        self.objectKind = objectKind
        self.objectID = objectID
        self.group = group
        self.outcome = outcome
        self.requestID = requestID
        self.details = details
    }
}

/// Why nothing was recorded; what was to be recorded must not happen then (row 54).
package enum AuditError: Error, Sendable, Equatable {
    /// The log cannot be written or read.
    case unavailable(String)
    /// The details are longer than a record may have.
    case detailsTooLong(bytes: Int)
    case badCursor
}

extension AuditError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unavailable(let reason): "the audit log is not available: \(reason)"
        case .detailsTooLong(let bytes): "\(bytes) bytes of details are more than a record takes"
        case .badCursor: "not a place in the audit log"
        }
    }
}
