package import Core
package import NIOCore

/// What a provider says of its own limits in the head of an answer.
///
/// Understands OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` with its durations (`6m0s`, `120ms`),
/// the variants of others (no kind, `-minute` behind it, plain seconds, seconds or milliseconds since 1970), and
/// Anthropic's `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}` with RFC 3339
/// times. Pure; what makes no sense is as if it were not there.
package struct ProviderLimits: Sendable, Equatable {
    /// One of the provider's limits.
    package struct Figures: Sendable, Equatable {
        package var limit: Int?
        package var remaining: Int?
        /// From now; 24 hours at most.
        package var reset: TimeAmount?

        package init(limit: Int? = nil, remaining: Int? = nil, reset: TimeAmount? = nil) {
            self.limit = limit
            self.remaining = remaining
            self.reset = reset
        }
    }

    package var requests = Figures()
    /// Input and output together.
    package var tokens = Figures()
    package var inputTokens = Figures()
    package var outputTokens = Figures()

    package init() {}

    /// Whether nothing was said of what is left.
    package var isEmpty: Bool {
        self.requests.remaining == nil && self.tokens.remaining == nil && self.inputTokens.remaining == nil
            && self.outputTokens.remaining == nil
    }

    /// The longest value that is read.
    private static let valueBytesMax = 40
    private static let resetMax = TimeAmount.hours(24)

    /// Takes one field of a head.
    ///
    /// - Parameters:
    ///   - name: As it came, in any case.
    ///   - value: Without white space around it.
    /// - Returns: Whether it is one of those that are about limits, readable or not.
    @discardableResult
    package mutating func note(name: some Collection<UInt8>, value: some Collection<UInt8>, now: UnixTime) -> Bool {
        guard name.count >= 15, name.count <= 50, let first = name.first.map({ $0 | 0x20 }),
            first == UInt8(ascii: "x") || first == UInt8(ascii: "a")
        else { return false }
        let text = String(decoding: name.lazy.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
        let words: (kind: Substring, what: Substring)
        if text.hasPrefix("x-ratelimit-") {
            words = Self.openAIWords(text.dropFirst("x-ratelimit-".count))
        } else if text.hasPrefix("anthropic-ratelimit-") {
            let rest = text.dropFirst("anthropic-ratelimit-".count)
            guard let dash = rest.lastIndex(of: "-") else { return true }
            words = (rest[..<dash], rest[rest.index(after: dash)...])
        } else {
            return false
        }
        guard value.count <= Self.valueBytesMax else { return true }
        let written = String(decoding: value, as: UTF8.self)
        switch words.kind {
        case "requests", "": Self.set(&self.requests, words.what, written, now)
        case "tokens": Self.set(&self.tokens, words.what, written, now)
        case "input-tokens": Self.set(&self.inputTokens, words.what, written, now)
        case "output-tokens": Self.set(&self.outputTokens, words.what, written, now)
        default: break
        }
        return true
    }

    private static func openAIWords(_ text: Substring) -> (kind: Substring, what: Substring) {
        let what = text.prefix { $0 != "-" }
        var kind = text.dropFirst(what.count).drop { $0 == "-" }
        if kind.hasSuffix("-minute") { kind = kind.dropLast("-minute".count) }
        if kind == "minute" { kind = "" }
        return (kind, what)
    }

    private static func set(_ figures: inout Figures, _ what: Substring, _ value: String, _ now: UnixTime) {
        switch what {
        case "limit": figures.limit = Self.count(value) ?? figures.limit
        case "remaining": figures.remaining = Self.count(value) ?? figures.remaining
        case "reset": figures.reset = Self.reset(value, now: now) ?? figures.reset
        default: break
        }
    }

    // MARK: - Values

    /// A whole number; a fraction behind it is cut off.
    static func count(_ text: String) -> Int? {
        guard let number = Self.number(text[...]), number < 1e15 else { return nil }
        return Int(number)
    }

    /// How long from now: a duration, a number of seconds, or a time.
    static func reset(_ text: String, now: UnixTime) -> TimeAmount? {
        if let number = Self.number(text[...]) {
            // Nobody means thirty years: numbers this large are times, in seconds or in milliseconds.
            if number >= 1e11 { return Self.amount(seconds: number / 1000 - Double(now.milliseconds) / 1000) }
            if number >= 1e9 { return Self.amount(seconds: number - Double(now.milliseconds) / 1000) }
            return Self.amount(seconds: number)
        }
        if let time = UnixTime(rfc3339: text) {
            return Self.amount(seconds: Double(time.milliseconds - now.milliseconds) / 1000)
        }
        return Self.duration(text)
    }

    private static let units: [(name: String, seconds: Double)] = [
        ("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
    ]

    /// As Go writes durations: `1h30m`, `6m0s`, `8.64s`, `120ms`.
    private static func duration(_ text: String) -> TimeAmount? {
        var rest = text[...]
        var seconds = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            guard let number = Self.number(digits), let unit = Self.units.first(where: { rest.hasPrefix($0.name) })
            else { return nil }
            seconds += number * unit.seconds
            rest = rest.dropFirst(unit.name.count)
        }
        return Self.amount(seconds: seconds)
    }

    /// What is past is now.
    private static func amount(seconds: Double) -> TimeAmount {
        .nanoseconds(Int64(min(max(seconds, 0), Double(Self.resetMax.nanoseconds) / 1e9) * 1e9))
    }

    /// Digits with at most one point: no sign, exponent, `inf` or `nan`.
    private static func number(_ text: Substring) -> Double? {
        guard (1...24).contains(text.utf8.count), text.utf8.contains(where: { $0 != UInt8(ascii: ".") }) else {
            return nil
        }
        var points = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") { points += 1 } else if !(0x30...0x39).contains(byte) { return nil }
        }
        return points <= 1 ? Double(text) : nil
    }
}
