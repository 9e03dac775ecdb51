/// What the simulator says when it is free to say anything.
enum Wording {
    /// A few friendly sentences that say who speaks and repeat what was asked.
    static func answer(to prompt: Prompt, choice: Int) -> String {
        if prompt.lastRole == .tool { return Self.afterTool(prompt) }
        let asked = prompt.lastText(.user)
        let quoted = Self.shortened(asked)
        let start = Self.fingerprint(asked) &+ UInt64(choice)
        let opening = Self.openings[Int(start % UInt64(Self.openings.count))]
        let closing = Self.closings[Int(start / 7 % UInt64(Self.closings.count))]
        guard !quoted.isEmpty else { return "\(opening) You sent no text. \(closing)" }
        return "\(opening) You asked: “\(quoted)” \(closing)"
    }

    private static func afterTool(_ prompt: Prompt) -> String {
        let result = Self.shortened(prompt.lastText(.tool))
        let asked = Self.shortened(prompt.lastText(.user))
        return "Thank you, the tool has answered: “\(result)” That settles what you asked: “\(asked)”"
            + " A real model would now put this into its own words; I am the simulator and only pass it on."
    }

    private static let openings = [
        "Hello! I am the simulator, a stand-in for a real model.",
        "Hi there! This is the simulator speaking, not a real model.",
        "Good to hear from you! I am only the simulator, so I work offline and cost nothing.",
        "Greetings from the simulator, which answers in place of a real model.",
    ]

    private static let closings = [
        "I cannot think about it, but my answer takes the same road, in the same shape and at the same pace, as a"
            + " provider's would. So if you can read this, your application works from end to end.",
        "I have no opinion on that, yet everything between us is real: the request, the stream, the token counts."
            + " Connect a provider and the same call will bring a real answer.",
        "That deserves a better mind than mine. What you see proves that the whole path works; give it a real"
            + " model when you are ready.",
    ]

    /// At most 200 characters, on one line.
    private static func shortened(_ text: String) -> String {
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.count > 200 ? "\(words.prefix(200))…" : words
    }

    /// FNV-1a: the same text always gets the same answer, on every machine.
    static func fingerprint(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// Text that careless programs break: line separators that are not line ends in SSE, a NUL, characters of four
    /// bytes, joined and combining ones, two writing directions, and what looks like markup or a field name.
    static let unicode =
        "Unicode: é e\u{301} 漢字 🙂 👩\u{200D}🚀 \u{5E9}\u{5DC}\u{5D5}\u{5DD} line\u{2028}paragraph\u{2029}"
        + "next\u{85}nul\u{0}tab\t quote\" backslash\\ newline\n\ndata: not an event\r\n</script> \u{FEFF}end"
}
