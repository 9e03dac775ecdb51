import Agents
import Core
import Testing

/// Whatever is written as a pattern, and whatever is asked: reading and matching come to an end, and nothing traps.
@Suite struct IntentPropertyTests {
    /// SplitMix64, so that a failure can be had again.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var z = self.state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let pieces = [
        "add", "task", "tomorrow", "in 3 days", "7", "-7", "#7", "2027-01-31", "by", "on", "(", ")", "[", "]", "<",
        ">", "{", "}", "|", " | ", "{title}", "{id:int}", "{due:date}", "{w:word}", ":", " ", "  ", "\n", "\u{0}",
        "\u{202E}", "\u{200B}", "é", "e\u{301}", "\u{301}", "ß", "İ", "ﬁ", "添加", "タスク", "ไทย", "🎂", "👩‍👩‍👧‍👦",
        "\"", "'", "“", "…", "-", "٤", "𝟘", "99999999999999999999", "(a|b)", "[on|by {x:date}]", "task(s)",
    ]

    private static func text(_ dice: inout Dice, most: Int) -> String {
        (0..<Int.random(in: 0...most, using: &dice)).map { _ in
            Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &dice)]
                + (Bool.random(using: &dice) ? " " : "")
        }.joined()
    }

    @Test(arguments: 0..<8)
    func `any text is a pattern or a fault, and any request is answered`(seed: Int) throws {
        var dice = Dice(state: UInt64(seed))
        let tool = try #require(ToolName(parsing: "a/b"))
        var rules: [IntentRule] = []
        var faults = 0
        for _ in 0..<1_000 {
            do throws(ValueFault) {
                let rule = try IntentRule(tool: tool, patterns: [Self.text(&dice, most: 10)])
                if rules.count < 100 { rules.append(rule) }
            } catch {
                faults += 1
                #expect(error.field.hasPrefix("intents[0].patterns[0]"))
            }
        }
        #expect(faults > 0)
        #expect(rules.count > 10)
        let matcher = try IntentMatcher(rules)
        let now = UnixTime(rfc3339: "2027-01-29T15:00:00Z")
        for _ in 0..<300 {
            let request = Self.text(&dice, most: 60)
            guard let match = matcher.match(request, now: now) else { continue }
            // What is found was there: no argument is longer than the request, days apart.
            for (_, value) in match.arguments {
                if let text = value.stringValue, text.utf8.count != 10 {
                    #expect(text.utf8.count <= request.utf8.count)
                    #expect(request.contains(text))
                }
            }
        }
    }

    @Test(arguments: 0..<4)
    func `a request made of a pattern matches it`(seed: Int) throws {
        var dice = Dice(state: UInt64(seed) &+ 77)
        let tool = try #require(ToolName(parsing: "a/b"))
        let words = ["add", "my", "task", "list", "of", "die", "купи", "任"]
        for _ in 0..<300 {
            var pattern: [String] = ["begin"]
            var request: [String] = ["Begin,"]
            var expected: [String: String] = [:]
            for place in 0..<Int.random(in: 1...8, using: &dice) {
                let word = words[Int.random(in: 0..<words.count, using: &dice)]
                switch Int.random(in: 0..<5, using: &dice) {
                case 0:
                    pattern.append("(\(word))")
                    if Bool.random(using: &dice) { request.append(word.uppercased()) }
                case 1:
                    pattern.append("<\(word) | x\(place)>")
                    request.append(Bool.random(using: &dice) ? word : "X\(place)!")
                case 2:
                    // Between words of its own, so that there is one way to read it.
                    pattern.append("q\(place) {s\(place)} z\(place)")
                    request.append("q\(place) Some  Words z\(place)")
                    expected["s\(place)"] = "Some  Words"
                case 3:
                    pattern.append("n\(place) {s\(place):int}")
                    request.append("n\(place) \(place)")
                default:
                    pattern.append(word)
                    request.append(word)
                }
            }
            let text = request.joined(separator: " ")
            let matcher = try IntentMatcher([
                try IntentRule(tool: tool, patterns: [pattern.joined(separator: " ")])
            ])
            let match = matcher.match(text)
            #expect(match != nil, "\(pattern) on \(text)")
            for (name, value) in expected {
                #expect(match?.arguments.first { $0.0 == name }?.1.stringValue == value)
            }
        }
    }

    @Test func `the worst of patterns on the worst of requests takes work that is bounded by both`() throws {
        // For a matcher that backtracks this is 2^60 ways.
        let tool = try #require(ToolName(parsing: "a/b"))
        let pattern = "a " + (0..<30).map { "(a) {x\($0)}" }.joined(separator: " ")
        let matcher = try IntentMatcher([try IntentRule(tool: tool, patterns: [pattern + " b"])])
        let request = Array(repeating: "a", count: IntentMatcher.wordsMax).joined(separator: " ")
        #expect(matcher.match(request) == nil)
        #expect(matcher.match(request.dropLast(1) + "b") != nil)
    }
}
