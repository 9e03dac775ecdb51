/// The list prices that come with the gateway.
///
/// The text of each part begins with a line `@provider <its price page> <the day the prices were taken>`. A line below
/// is a model: its name, then words as `Rates.text` has them, and `context` and `most` for the tokens it can hold and
/// write. `scripts/prices.py` makes the parts.
enum PriceTable {
    /// When the prices were taken, as their source says.
    static let date = "2026-11-21"

    private static let parts: [StaticString] = [
        Self.openai, Self.anthropic, Self.gemini, Self.mistral, Self.cohere, Self.deepseek, Self.xai, Self.groq,
        Self.together, Self.fireworks, Self.fireworks2, Self.perplexity, Self.cerebras, Self.moonshot, Self.vercel,
        Self.azure, Self.bedrock, Self.bedrock2,
    ]

    /// A provider's models and where their prices stand.
    struct List: Sendable {
        /// The provider's own price page.
        var page = ""
        var models: [String: ModelFacts] = [:]
    }

    /// All models, by the name of the provider's row in the table of families; read once, at the first use.
    static let lists: [String: List] = {
        var lists: [String: List] = [:]
        let source = "built-in \(Self.date)"
        for part in Self.parts { Self.read(part, source: source, into: &lists) }
        return lists
    }()

    private static func read(_ part: StaticString, source: String, into lists: inout [String: List]) {
        let bytes = UnsafeBufferPointer(start: part.utf8Start, count: part.utf8CodeUnitCount)
        var provider = ""
        var list = List()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            var words = line.split(separator: UInt8(ascii: " ")).makeIterator()
            guard let first = words.next() else { continue }
            if first.first == UInt8(ascii: "@") {
                provider = String(decoding: first.dropFirst(), as: UTF8.self)
                list = lists[provider] ?? List()
                list.page = words.next().map { String(decoding: $0, as: UTF8.self) } ?? ""
                continue
            }
            var facts = ModelFacts(rates: Rates(input: 0, output: 0, source: source))
            while let word = words.next() { Self.read(word, into: &facts) }
            list.models[String(decoding: first, as: UTF8.self)] = facts
        }
        lists[provider] = list
    }

    private static func read(_ word: Slice<UnsafeBufferPointer<UInt8>>, into facts: inout ModelFacts) {
        guard let sign = word.firstIndex(of: UInt8(ascii: "=")) else { return }
        let value = word[(sign + 1)...]
        switch String(decoding: word[..<sign], as: UTF8.self) {
        case "in": facts.rates.input = Self.number(value)
        case "out": facts.rates.output = Self.number(value)
        case "cached": facts.rates.cachedInput = Self.number(value)
        case "write": facts.rates.cacheWrite = Self.number(value)
        case "write_1h": facts.rates.cacheWriteLong = Self.number(value)
        case "reasoning": facts.rates.reasoning = Self.number(value)
        case "audio_in": facts.rates.audioInput = Self.number(value)
        case "audio_out": facts.rates.audioOutput = Self.number(value)
        case "image": facts.rates.image = Self.number(value)
        case "request": facts.rates.request = Self.number(value)
        case "characters": facts.rates.characters = Self.number(value)
        case "minute": facts.rates.minute = Self.number(value)
        case "searches": facts.rates.searches = Self.number(value)
        case "context": facts.contextMax = Int(Self.number(value))
        case "most": facts.outputMax = Int(Self.number(value))
        case "long": facts.rates.long = Rates.LongRequests(text: String(decoding: value, as: UTF8.self)[...])
        default: precondition(word.isEmpty, "the price table has \(String(decoding: word, as: UTF8.self))")
        }
    }

    /// The table's own digits; a test reads all of them back.
    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int64 {
        digits.reduce(0) { $0 &* 10 &+ Int64($1 &- UInt8(ascii: "0")) }
    }
}
