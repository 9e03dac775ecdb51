internal import Chat
internal import Core
internal import NIOCore

/// What Anthropic says a call used: `input_tokens` leaves out what the cache gave and took.
struct AnthropicUsage: Equatable {
    private var input: Int?
    private var cacheRead: Int?
    private var cacheWrite: Int?
    /// Of `cacheWrite`, for five minutes and for an hour; each is priced by itself.
    private var cacheWriteShort: Int?
    private var cacheWriteLong: Int?
    private var output: Int?
    private var thinking: Int?
    /// `service_tier`, as it stands beside the figures.
    private(set) var serviceTier: JSONString?

    init() {}

    private static let names = JSONNames(
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
        "output_tokens_details",
        "service_tier",
        "cache_creation"
    )

    /// Takes in a `usage` object; figures are cumulative, so that later ones take the place of earlier ones.
    mutating func take(_ usage: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        guard reader.kind(usage) == .object else { return }
        try reader.members(of: usage) { (key, value) throws(AnswerUnreadable) in
            switch Self.names.position(of: key) {
            case 0: self.input = Self.count(value, reader) ?? self.input
            case 1: self.cacheRead = Self.count(value, reader) ?? self.cacheRead
            case 2: self.cacheWrite = Self.count(value, reader) ?? self.cacheWrite
            case 3: self.output = Self.count(value, reader) ?? self.output
            case 4:
                guard reader.kind(value) == .object else { return }
                try reader.members(of: value) { (key, value) throws(AnswerUnreadable) in
                    if key.equals("thinking_tokens") { self.thinking = Self.count(value, reader) ?? self.thinking }
                }
            case 5: self.serviceTier = reader.string(value)
            case 6:
                guard reader.kind(value) == .object else { return }
                try reader.members(of: value) { (key, value) throws(AnswerUnreadable) in
                    if key.equals("ephemeral_5m_input_tokens") {
                        self.cacheWriteShort = Self.count(value, reader) ?? self.cacheWriteShort
                    } else if key.equals("ephemeral_1h_input_tokens") {
                        self.cacheWriteLong = Self.count(value, reader) ?? self.cacheWriteLong
                    }
                }
            default: break
            }
        }
    }

    private static func count(_ value: JSONSlice, _ reader: BodyReader) -> Int? {
        guard let number = reader.scanner.int(value), number >= 0 else { return nil }
        return number
    }

    /// The same with cached tokens inside of the input, as everyone else counts.
    var total: TokenUsage {
        let written = self.cacheWrite ?? self.writtenInParts
        var usage = TokenUsage(cachedInput: self.cacheRead, cacheWrite: written, reasoning: self.thinking)
        usage.cacheWriteLong = self.cacheWriteLong
        usage.output = self.output
        if let input {
            let sum = [self.cacheRead ?? 0, written ?? 0].reduce(input) { sum, tokens in
                let (next, overflow) = sum.addingReportingOverflow(tokens)
                return overflow ? .max : next
            }
            usage.input = sum
        }
        return usage
    }

    /// What was written into the cache, of an answer that only says for how long.
    private var writtenInParts: Int? {
        guard self.cacheWriteShort != nil || self.cacheWriteLong != nil else { return nil }
        let (sum, overflow) = (self.cacheWriteShort ?? 0).addingReportingOverflow(self.cacheWriteLong ?? 0)
        return overflow ? .max : sum
    }

    /// Appends `"usage":{…}`; both totals are there always, as the dialect demands them.
    static func write(_ usage: TokenUsage, into body: inout ByteBuffer) {
        let cached = max(0, usage.cachedInput ?? 0)
        let written = max(0, usage.cacheWrite ?? 0)
        let uncached = max(0, (usage.input ?? 0).subtractingSaturated(cached).subtractingSaturated(written))
        body.writeKey("usage")
        body.beginObject()
        body.writeMember("input_tokens", uncached)
        if usage.cacheWrite != nil { body.writeMember("cache_creation_input_tokens", written) }
        if let long = usage.cacheWriteLong {
            let long = min(max(0, long), written)
            body.writeKey("cache_creation")
            body.beginObject()
            body.writeMember("ephemeral_5m_input_tokens", written - long)
            body.writeMember("ephemeral_1h_input_tokens", long)
            body.endObject()
        }
        if usage.cachedInput != nil { body.writeMember("cache_read_input_tokens", cached) }
        body.writeMember("output_tokens", max(0, usage.output ?? 0))
        if let reasoning = usage.reasoning {
            body.writeKey("output_tokens_details")
            body.beginObject()
            body.writeMember("thinking_tokens", max(0, reasoning))
            body.endObject()
        }
        body.endObject()
    }
}

extension Int {
    fileprivate func subtractingSaturated(_ other: Int) -> Int {
        let (difference, overflow) = self.subtractingReportingOverflow(other)
        return overflow ? 0 : difference
    }
}

/// Anthropic's words for why an answer ended.
enum AnthropicStop {
    /// What a provider's word means; one that nobody here knows is an end like any other.
    static func finish(_ reason: JSONString) -> FinishReason {
        if reason.equals("end_turn") { return .stop }
        if reason.equals("tool_use") { return .toolCalls }
        if reason.equals("max_tokens") { return .length }
        if reason.equals("stop_sequence") { return .stopSequence }
        if reason.equals("refusal") { return .contentFilter }
        if reason.equals("pause_turn") { return .pause }
        if reason.equals("model_context_window_exceeded") { return .contextFull }
        return .stop
    }

    /// The word for a client.
    static func word(_ finish: FinishReason) -> StaticString {
        switch finish {
        case .stop: "end_turn"
        case .stopSequence: "stop_sequence"
        // The dialect has no word for a provider that failed halfway; this one says that the answer is not whole.
        case .length, .error: "max_tokens"
        case .contextFull: "model_context_window_exceeded"
        case .toolCalls: "tool_use"
        case .contentFilter: "refusal"
        case .pause: "pause_turn"
        }
    }
}
