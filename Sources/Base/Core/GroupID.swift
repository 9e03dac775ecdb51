/// Names a group, the tenant that owns keys, credentials and usage.
///
/// Set by the operator; safe to log.
package struct GroupID: Sendable, Hashable, CustomStringConvertible {
    /// The group that credentials from the environment belong to.
    package static let defaultGroup = GroupID("default")

    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { self.text }
}
