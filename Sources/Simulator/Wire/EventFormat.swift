/// How server-sent events are written: line ends, comments and the other liberties that the format allows.
struct EventFormat {
    enum LineEnd { case lf, crlf }

    private let variants: Set<Behaviour.EventVariant>
    private let usual: (open: [UInt8], close: [UInt8])

    /// - Parameter lineEnd: How the dialect ends its lines unless a fault says otherwise.
    init(_ variants: Set<Behaviour.EventVariant>, lineEnd: LineEnd = .lf) {
        var variants = variants
        if lineEnd == .crlf, variants.isDisjoint(with: [.cr, .lf, .mixed]) { variants.insert(.crlf) }
        self.variants = variants
        self.usual = Self.frame(variants, lineEnd: Self.lineEnd(variants))
    }

    /// What stands before the first event of a stream.
    var preamble: [UInt8] { self.variants.contains(.bom) ? [0xEF, 0xBB, 0xBF] : [] }

    /// The bytes before an event's JSON, its first brace included.
    ///
    /// `number` counts events from 0. `event` is the event's name, where a dialect gives it one.
    func open(_ number: Int, event: String? = nil) -> [UInt8] {
        guard event != nil || self.variants.contains(.mixed) else { return self.usual.open }
        return Self.frame(self.variants, lineEnd: self.lineEnd(number), event: event).open
    }

    /// The bytes behind an event's JSON.
    func close(_ number: Int) -> [UInt8] {
        self.variants.contains(.mixed)
            ? Self.frame(self.variants, lineEnd: self.lineEnd(number)).close : self.usual.close
    }

    /// An event whose data is no JSON object.
    func plain(_ data: String, isLast: Bool = false) -> [UInt8] {
        let end = Self.lineEnd(self.variants)
        let colon = self.variants.contains(.nospace) ? "data:" : "data: "
        let blank = isLast && self.variants.contains(.nofinal) ? "" : end + end
        return Array("\(colon)\(data)\(blank)".utf8)
    }

    func comment(_ text: String) -> [UInt8] {
        let end = Self.lineEnd(self.variants)
        return Array(": \(text)\(end)\(end)".utf8)
    }

    private func lineEnd(_ number: Int) -> String {
        self.variants.contains(.mixed) ? ["\n", "\r\n", "\r"][number % 3] : Self.lineEnd(self.variants)
    }

    private static func lineEnd(_ variants: Set<Behaviour.EventVariant>) -> String {
        if variants.contains(.crlf) { return "\r\n" }
        return variants.contains(.cr) ? "\r" : "\n"
    }

    private static func frame(
        _ variants: Set<Behaviour.EventVariant>,
        lineEnd: String,
        event: String? = nil
    ) -> (open: [UInt8], close: [UInt8]) {
        let colon = variants.contains(.nospace) ? "data:" : "data: "
        var open = ""
        if variants.contains(.comments) { open += ": a comment\(lineEnd):\(lineEnd)" }
        if variants.contains(.nul) { open += ": nul \0 in a comment\(lineEnd)id: nul\0nul\(lineEnd)" }
        if variants.contains(.fields) { open += "id: 7\(lineEnd)retry: 10\(lineEnd)event: message\(lineEnd)" }
        if variants.contains(.spoof) { open += "event: error\(lineEnd)x-unknown: [DONE]\(lineEnd)" }
        // Of two names of one event the last counts.
        if let event { open += "event:\(variants.contains(.nospace) ? "" : " ")\(event)\(lineEnd)" }
        open += "\(colon){"
        // White space between JSON tokens may be a line end, and lines of data are joined by one.
        if variants.contains(.multiline) { open += "\(lineEnd)\(colon)" }
        return (Array(open.utf8), Array("\(lineEnd)\(lineEnd)".utf8))
    }
}
