internal import NIOCore

/// What a program writes to standard error, made fit for the log: some lines a second, cut, and without what looks like
/// a secret.
struct ErrorLines: Sendable {
    private var splitter = LineSplitter(lineBytesMax: StdioLink.errorLineBytesMax, overflow: .cut)
    private var second = NIODeadline.uptimeNanoseconds(0)
    private var count = 0

    mutating func take(_ piece: ByteBuffer, now: NIODeadline) -> [String] {
        self.splitter.take(piece).compactMap { line in
            if now - self.second >= .seconds(1) {
                self.second = now
                self.count = 0
            }
            self.count += 1
            guard self.count <= StdioLink.errorLinesMax else { return nil }
            return Self.scrubbed(SafeText.line(String(buffer: line), max: StdioLink.errorLineBytesMax))
        }
    }

    /// Puts stars in the place of words that are long and look made by chance, or that follow `Bearer`.
    static func scrubbed(_ line: String) -> String {
        var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        for index in words.indices {
            let word = words[index]
            let isBearer = index > 0 && words[index - 1].lowercased().hasSuffix("bearer")
            let hasDigits = word.utf8.contains { (0x30...0x39).contains($0) }
            let isOneToken = !word.utf8.contains(UInt8(ascii: "/"))
            if isBearer || (word.utf8.count >= 20 && hasDigits && isOneToken) { words[index] = "***" }
        }
        return words.joined(separator: " ")
    }
}
