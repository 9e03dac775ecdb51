package import Auth
package import Core

/// Who asks for something administrative.
package struct Actor: Sendable, Equatable {
    /// As the audit log names them: a user's id, a gateway key's id, or `command`.
    package let name: String
    /// How far they reach.
    ///
    /// A key without the scope `admin` reaches no further than a member, whoever it belongs to.
    package let role: Role
    /// Their own group; nil for the operator.
    package let group: GroupID?
    /// The person, where the credential belongs to one.
    package let user: UserID?
    /// The gateway key, or the kind of token, they came with; nil for the operator.
    package let keyID: String?
    /// The request that this is part of, as its answer and the log name it.
    package let requestID: String?

    package init(
        name: String,
        role: Role,
        group: GroupID?,
        user: UserID? = nil,
        keyID: String? = nil,
        requestID: String? = nil
    ) {
        self.name = name
        self.role = role
        self.group = group
        self.user = user
        self.keyID = keyID
        self.requestID = requestID
    }

    /// Whoever a request acts for.
    package init(_ principal: Principal, requestID: String?) {
        self.init(
            name: principal.user?.text ?? principal.keyID,
            role: principal.scopes.contains(.admin) ? principal.role : .member,
            group: principal.group,
            user: principal.user,
            keyID: principal.keyID,
            requestID: requestID
        )
    }

    /// The machine's operator at a command line: whoever can write the store may do everything anyway.
    package static func command(requestID: String? = nil) -> Actor {
        Actor(name: "command", role: .systemAdmin, group: nil, requestID: requestID)
    }
}
