/// What is wrong with a value somebody wrote: where it stands, and what was expected there.
package struct ValueFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// A path such as `history.messages` or `intents[0].patterns[2]`.
    package let field: String
    /// Completes "must be …".
    package let expected: String

    package init(_ field: String, expected: String) {
        self.field = field
        self.expected = expected
    }

    package var description: String { "\(self.field) must be \(self.expected)" }
}
