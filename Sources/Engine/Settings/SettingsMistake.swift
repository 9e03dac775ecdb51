/// One thing wrong with the settings, in words for the operator.
package struct SettingsMistake: Sendable, Equatable, CustomStringConvertible {
    /// Where it was said.
    package let origin: SettingOrigin
    /// Which key it is about, if it is about one.
    package let path: SettingPath
    /// What is wrong, and what to write instead.
    ///
    /// Never shows a secret.
    package let text: String

    package var description: String {
        switch self.origin {
        case .standard: self.path.segments.isEmpty ? self.text : "\(self.path): \(self.text)"
        case .file where self.path.segments.isEmpty: "\(self.origin): \(self.text)"
        case .file: "\(self.origin): \(self.path): \(self.text)"
        case .environment, .flag: "\(self.origin): \(self.text)"
        }
    }
}

/// Everything that is wrong with the settings, at once.
package struct SettingsMistakes: Error, CustomStringConvertible {
    package let all: [SettingsMistake]

    package var description: String { self.all.map(\.description).joined(separator: "\n") }

    /// Whether the command line is to blame, which makes it misuse.
    package var isMisuse: Bool {
        self.all.contains { if case .flag = $0.origin { true } else { false } }
    }
}
