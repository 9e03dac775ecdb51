import Glibc

/// Standard output or standard error: whole texts, in order, with colours only where a person is looking.
struct Terminal: Sendable {
    static let output = Terminal(descriptor: STDOUT_FILENO)
    static let error = Terminal(descriptor: STDERR_FILENO)

    let descriptor: Int32
    /// Whether a person is looking.
    let isInteractive: Bool
    private let hasColours: Bool

    init(descriptor: Int32) {
        self.descriptor = descriptor
        self.isInteractive = isatty(descriptor) == 1
        self.hasColours = self.isInteractive && SettingsEnvironment.allowsColours
    }

    enum Style: String {
        case bold = "1", dim = "2", red = "31", green = "32", yellow = "33", cyan = "36"
    }

    /// `text` in a style, or as it is where there are no colours.
    func styled(_ text: String, _ style: Style) -> String {
        self.hasColours ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Writes all of `text`; false if nobody reads any more.
    @discardableResult
    func write(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.write(self.descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// Writes `text` and a new line.
    @discardableResult
    func line(_ text: String = "") -> Bool { self.write(text + "\n") }
}
