/// Why a command did not do what was asked, in words for the person at the terminal.
struct CommandFailure: Error, CustomStringConvertible {
    /// Empty where everything has been said already.
    let message: String
    /// Whether the command was called in a wrong way, which is exit code 2 instead of 1.
    let isMisuse: Bool

    init(_ message: String, isMisuse: Bool = false) {
        self.message = message
        self.isMisuse = isMisuse
    }

    var description: String { self.message }
}

extension SettingsMistakes {
    /// All mistakes and how many they are.
    var summary: String {
        let count = self.all.count == 1 ? "1 mistake" : "\(self.all.count) mistakes"
        return "\(self.description)\nturnpike: \(count) in the settings; nothing was started\n"
    }
}
