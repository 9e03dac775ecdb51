/// Names a user, a person in a group.
///
/// Safe to log.
package struct UserID: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { self.text }
}

/// Names a gateway key: the public part of it, or the name the operator gave.
///
/// Safe to log.
package struct GatewayKeyID: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { self.text }
}
