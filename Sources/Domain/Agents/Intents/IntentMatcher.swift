package import Core

/// A request that is a call of a tool in plain words.
package struct IntentMatch: Sendable {
    package let tool: ToolName
    /// What the tool is to get: the rule's own arguments, and what the placeholders found.
    package let arguments: [(String, JSONValue)]
    /// The rule's place in its list.
    package let rule: Int
    /// What to answer; nil: the tool's own text.
    package let reply: IntentReply?
}

/// Finds the intent that a request fits best.
///
/// Pure, and always quick: a text of `bytesMax` bytes and `wordsMax` words at most is held against all patterns, whose
/// states are `statesMax` at most in one pass each, so that the work is bounded by words × states. Patterns never
/// backtrack.
///
/// The best fit is the one with most words that its pattern names; then the one with more numbers, days and single
/// words; then the one with fewer placeholders for any text; then the first. Of several ways through one pattern the
/// best counts, and among equals the one whose earlier placeholders take more.
package struct IntentMatcher: Sendable {
    /// Longer requests are not plain ones.
    package static let bytesMax = 2_000
    package static let wordsMax = 200
    /// States of all patterns together; about one for each word and bracket.
    package static let statesMax = 8_192

    private struct Entry: Sendable {
        let rule: Int
        let program: IntentProgram
        /// Words that must be there.
        let demanded: [Int32]
    }

    private let rules: [IntentRule]
    private let entries: [Entry]
    private let vocabulary: [String: Int32]

    /// - Throws: `ValueFault` for a pattern that cannot be read, or where there are too many of them.
    package init(_ rules: [IntentRule]) throws(ValueFault) {
        var vocabulary: [String: Int32] = [:]
        func number(_ word: String) -> Int32 {
            if let known = vocabulary[word] { return known }
            let number = Int32(clamping: vocabulary.count)
            vocabulary[word] = number
            return number
        }
        var entries: [Entry] = []
        var states = 0
        for (index, rule) in rules.enumerated() {
            for (place, text) in rule.patterns.enumerated() {
                let pattern = try IntentPattern(text, at: "intents[\(index)].patterns[\(place)]")
                let program = IntentProgram(pattern.root, number)
                states += program.count
                guard states <= Self.statesMax else {
                    throw ValueFault("intents", expected: "patterns of fewer than \(Self.statesMax) words together")
                }
                let demanded = IntentPattern.demanded(pattern.root).map(number)
                entries.append(Entry(rule: index, program: program, demanded: demanded))
            }
        }
        self.rules = rules
        self.entries = entries
        self.vocabulary = vocabulary
    }

    /// Whether there is nothing to match.
    package var isEmpty: Bool { self.entries.isEmpty }

    /// Finds what a request asks for; nil if it is no request that a rule knows, or too long for one.
    ///
    /// - Parameter now: What days such as `tomorrow` count from, in UTC; nil: only full dates are days.
    package func match(_ text: String, now: UnixTime? = nil) -> IntentMatch? {
        guard !self.entries.isEmpty, text.utf8.count <= Self.bytesMax,
            let request = IntentWords(text, wordsMax: Self.wordsMax), !request.words.isEmpty
        else { return nil }
        let numbers = request.words.map { self.vocabulary[$0.folded] ?? -1 }
        let present = Set(numbers)
        var reading = IntentReading(request, numbers, today: now)
        var best: (score: Int, rule: Int, slots: [IntentReading.Found])?
        for entry in self.entries where entry.demanded.allSatisfy(present.contains) {
            guard let score = reading.score(of: entry.program), score > best?.score ?? .min else { continue }
            best = (score, entry.rule, reading.slots(of: entry.program))
        }
        guard let best else { return nil }
        let rule = self.rules[best.rule]
        var arguments = rule.arguments
        for slot in best.slots {
            arguments.removeAll { $0.0 == slot.name }
            arguments.append((slot.name, slot.value))
        }
        return IntentMatch(tool: rule.tool, arguments: arguments, rule: best.rule, reply: rule.reply)
    }
}
