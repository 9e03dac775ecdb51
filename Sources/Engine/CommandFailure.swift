/// Why a command did not do what was asked, in words for the person at the terminal.
package struct CommandFailure: Error, CustomStringConvertible {
    /// Empty where everything has been said already.
    package let message: String
    /// Whether the command was called in a wrong way, which is exit code 2 instead of 1.
    package let isMisuse: Bool

    package init(_ message: String, isMisuse: Bool = false) {
        self.message = message
        self.isMisuse = isMisuse
    }

    package var description: String { self.message }
}
