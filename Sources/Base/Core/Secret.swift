/// A value that must not be printed: it has no string form, no mirror and no encoding.
///
/// Reading it has a name that a reviewer can search for.
package struct Secret<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let value: Value

    /// Wraps `value`; from here on only `reveal` shows it.
    package init(_ value: Value) { self.value = value }

    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }

    /// Lends the value to `use`, and only there.
    package func reveal<Result, Failure: Error>(_ use: (Value) throws(Failure) -> Result) throws(Failure) -> Result {
        try use(self.value)
    }
}
