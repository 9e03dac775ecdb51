/// A Swift source as the checks see it: its lines, and the same lines with comments and string literals blanked out,
/// so that a rule about code is not broken by a sentence about it.
struct SourceText: Sendable {
    /// Path from the root of the repository, as in `Sources/Net/Dialer.swift`.
    let path: String
    /// The file as it is, line by line.
    let lines: [String]
    /// The same lines; what stood in comments and string literals is spaces.
    ///
    /// Interpolations stay: they are code.
    let code: [[UInt8]]

    init(path: String, text: String) {
        self.path = path
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var blanker = Blanker(bytes: Array(text.utf8))
        self.code = blanker.blanked().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(
            Array.init
        )
    }

    /// Whether the line, the one below it, or the run of comment and attribute lines right above it holds `note`.
    func hasNote(_ note: String, at lineIndex: Int) -> Bool {
        if self.lines[lineIndex].contains(note) { return true }
        if lineIndex + 1 < self.lines.count, self.lines[lineIndex + 1].contains(note) { return true }
        var index = lineIndex - 1
        while index >= 0 {
            let line = self.lines[index].drop { $0 == " " }
            guard line.hasPrefix("//") || line.hasPrefix("@") else { return false }
            if line.contains(note) { return true }
            index -= 1
        }
        return false
    }
}

/// Replaces comments and string literals by spaces, keeping every line break where it is.
///
/// Knows nested block comments, escapes, multi-line and raw strings, and code inside interpolations. It does not know
/// regular expression literals: the sources have none, and a slash alone is left as it is.
private struct Blanker {
    private let bytes: [UInt8]
    private var output: [UInt8]
    private var index = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
        self.output = bytes
    }

    mutating func blanked() -> [UInt8] {
        self.skipCode(untilClosingParenthesis: false)
        return self.output
    }

    /// Walks code; inside an interpolation it stops after the parenthesis that ends it.
    private mutating func skipCode(untilClosingParenthesis: Bool) {
        var depth = 0
        while self.index < self.bytes.count {
            if self.starts(with: "//") {
                while self.index < self.bytes.count, self.bytes[self.index] != UInt8(ascii: "\n") { self.blank(1) }
            } else if self.starts(with: "/*") {
                self.skipBlockComment()
            } else if let hashes = self.stringStart() {
                self.skipString(hashes: hashes)
            } else {
                switch self.bytes[self.index] {
                case UInt8(ascii: "("): depth += 1
                case UInt8(ascii: ")"):
                    depth -= 1
                    if untilClosingParenthesis, depth < 0 {
                        self.index += 1
                        return
                    }
                default: break
                }
                self.index += 1
            }
        }
    }

    private mutating func skipBlockComment() {
        var depth = 0
        while self.index < self.bytes.count {
            if self.starts(with: "/*") {
                depth += 1
                self.blank(2)
            } else if self.starts(with: "*/") {
                depth -= 1
                self.blank(2)
                if depth == 0 { return }
            } else {
                self.blank(1)
            }
        }
    }

    /// The number of `#` before a quote that starts here; nil if no string starts here.
    private func stringStart() -> Int? {
        var position = self.index
        while position < self.bytes.count, self.bytes[position] == UInt8(ascii: "#") { position += 1 }
        guard position < self.bytes.count, self.bytes[position] == UInt8(ascii: "\"") else { return nil }
        return position - self.index
    }

    private mutating func skipString(hashes: Int) {
        let fence = [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
        self.index += hashes
        let isMultiline = self.starts(with: "\"\"\"")
        let quotes = [UInt8](repeating: UInt8(ascii: "\""), count: isMultiline ? 3 : 1)
        self.index += quotes.count
        while self.index < self.bytes.count {
            if self.starts(with: [UInt8(ascii: "\\")] + fence + [UInt8(ascii: "(")]) {
                self.blank(1 + hashes)
                self.index += 1
                self.skipCode(untilClosingParenthesis: true)
            } else if self.starts(with: [UInt8(ascii: "\\")] + fence) {
                self.blank(2 + hashes)
            } else if self.starts(with: quotes + fence) {
                self.index += quotes.count + hashes
                return
            } else if !isMultiline, self.bytes[self.index] == UInt8(ascii: "\n") {
                return  // Not a string after all, or a source that does not compile.
            } else {
                self.blank(1)
            }
        }
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where self.index < self.bytes.count {
            if self.bytes[self.index] != UInt8(ascii: "\n") { self.output[self.index] = UInt8(ascii: " ") }
            self.index += 1
        }
    }

    private func starts(with text: StaticString) -> Bool {
        guard self.index + text.utf8CodeUnitCount <= self.bytes.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where self.bytes[self.index + offset] != text.utf8Start[offset] {
            return false
        }
        return true
    }

    private func starts(with text: [UInt8]) -> Bool {
        guard self.index + text.count <= self.bytes.count else { return false }
        return self.bytes[self.index..<(self.index + text.count)].elementsEqual(text)
    }
}
