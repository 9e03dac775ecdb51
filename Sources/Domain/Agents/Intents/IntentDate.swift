internal import Core

/// Days as people write them.
///
/// `2027-01-31`, `2027/1/31` and `31.1.2027` in any language; in English also `today`, `tomorrow`, `friday`, `next
/// week`, `in 3 days`, where the day is known. A weekday is the next one after today.
enum IntentDate {
    /// The most words that a day takes.
    static let wordsMax = 4

    /// The day as `2027-01-31`; nil if it is none.
    ///
    /// - Parameters:
    ///   - words: In lower case, without punctuation.
    ///   - written: The same as it was written.
    ///   - today: What relative days count from, in UTC; nil: they are none.
    static func read(_ words: [String], written: String, today: UnixTime?) -> String? {
        if words.count == 1, let day = Self.absolute(written) { return day }
        guard let today, let days = Self.offset(words, from: today) else { return nil }
        return String(today.adding(days: Int64(days)).rfc3339.prefix(10))
    }

    private static func absolute(_ text: String) -> String? {
        for (separator, isYearFirst) in [("-", true), ("/", true), (".", false)] as [(Character, Bool)] {
            var parts = text.split(separator: separator, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            if !isYearFirst { parts.reverse() }
            guard parts[0].utf8.count == 4, parts.allSatisfy({ (1...4).contains($0.utf8.count) }),
                parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
                parts[1].utf8.count <= 2, parts[2].utf8.count <= 2
            else { continue }
            let padded = parts.map { $0.utf8.count == 1 ? "0\($0)" : String($0) }.joined(separator: "-")
            // The calendar is that of the parser of times.
            if UnixTime(rfc3339: padded + "T00:00:00Z") != nil { return padded }
        }
        return nil
    }

    private static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    private static let fillers: Set<String> = ["on", "next", "this", "the", "coming"]

    private static func offset(_ words: [String], from today: UnixTime) -> Int? {
        switch words {
        case ["today"], ["tonight"]: return 0
        case ["tomorrow"]: return 1
        case ["day", "after", "tomorrow"], ["the", "day", "after", "tomorrow"]: return 2
        case ["next", "week"], ["in", "a", "week"]: return 7
        case ["in", "a", "day"]: return 1
        default: break
        }
        if words.count == 3, words[0] == "in", let count = Int(words[1]), (0...3650).contains(count) {
            switch words[2] {
            case "day", "days": return count
            case "week", "weeks": return count * 7
            default: return nil
            }
        }
        guard let last = words.last, words.count <= 2, words.dropLast().allSatisfy(Self.fillers.contains) else {
            return nil
        }
        let index = Self.weekdays.firstIndex { $0 == last || (last.utf8.count == 3 && $0.hasPrefix(last)) }
        guard let index else { return nil }
        let since = today.startOfDay.milliseconds - today.startOfWeek.milliseconds
        let now = Int(since / 86_400_000)
        return (index - now + 6) % 7 + 1
    }
}
