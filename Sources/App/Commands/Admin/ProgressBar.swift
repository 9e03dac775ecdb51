import NIOConcurrencyHelpers

/// How far something is, in one line on standard error; nothing where nobody looks.
final class ProgressBar: Sendable {
    private static let width = 40

    private let isShown: Bool
    private let drawn = NIOLockedValueBox(-1)

    init(isShown: Bool) { self.isShown = isShown && Terminal.error.isInteractive }

    func show(_ done: Int, of total: Int) {
        guard self.isShown, total > 0 else { return }
        let percent = min(100, done * 100 / total)
        let isNew = self.drawn.withLockedValue { drawn in
            defer { drawn = percent }
            return drawn != percent
        }
        guard isNew else { return }
        let full = percent * Self.width / 100
        let bar = String(repeating: "█", count: full) + String(repeating: "·", count: Self.width - full)
        Terminal.error.write("\r\(bar) \(percent) %  \(done) of \(total)")
    }

    /// Ends the line, if there is one.
    func finish() {
        let hasDrawn = self.drawn.withLockedValue { $0 >= 0 }
        if self.isShown, hasDrawn { Terminal.error.line() }
    }
}
