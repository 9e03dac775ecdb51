import Core

/// What one check of `doctor` found.
struct Finding: Sendable, Equatable {
    enum Verdict: String, Sendable { case ok, warn, fail }

    /// What was looked at: `settings`, `provider openrouter`.
    let subject: String
    let verdict: Verdict
    /// What is the case.
    let text: String
    /// What to do about it; nil if nothing has to be done.
    var mend: String?

    static func ok(_ subject: String, _ text: String) -> Finding {
        Finding(subject: subject, verdict: .ok, text: text)
    }

    static func warn(_ subject: String, _ text: String, mend: String? = nil) -> Finding {
        Finding(subject: subject, verdict: .warn, text: text, mend: mend)
    }

    static func fail(_ subject: String, _ text: String, mend: String? = nil) -> Finding {
        Finding(subject: subject, verdict: .fail, text: text, mend: mend)
    }

    func line(_ terminal: Terminal) -> String {
        let mark =
            switch self.verdict {
            case .ok: terminal.styled("ok  ", .green)
            case .warn: terminal.styled("warn", .yellow)
            case .fail: terminal.styled("FAIL", .red)
            }
        let padding = String(repeating: " ", count: max(1, 22 - self.subject.count))
        var line = "\(mark)  \(Terminal.printable(self.subject))\(padding)\(Terminal.printable(self.text))\n"
        if let mend = self.mend {
            line += String(repeating: " ", count: 28) + "→ " + Terminal.printable(mend) + "\n"
        }
        return line
    }

    var json: JSONValue {
        .object([
            ("check", .string(self.subject)), ("verdict", .string(self.verdict.rawValue)),
            ("text", .string(self.text)), ("mend", self.mend.map { .string($0) } ?? .null),
        ])
    }
}
