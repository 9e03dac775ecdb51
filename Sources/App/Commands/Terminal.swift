import Engine
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

extension Terminal {
    /// `text` without control characters other than new lines and tabs, so that what a model or a client wrote cannot
    /// take over the terminal.
    static func printable(_ text: String) -> String {
        let isSafe = text.unicodeScalars.allSatisfy(Self.isPrintable)
        if isSafe { return text }
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: text.unicodeScalars.lazy.filter(Self.isPrintable))
        return String(scalars)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: true
        case 0..<0x20, 0x7F..<0xA0: false
        case 0x202A...0x202E, 0x2066...0x2069: false  // They turn the reading direction around.
        default: true
        }
    }
}
