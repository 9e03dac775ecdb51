internal import Chat
internal import Core
internal import NIOCore

/// What answers and streams of Converse have in common.
enum ConverseWords {
    /// Why an answer ended; words that nobody here knows are a plain end.
    static func finish(_ value: JSONSlice, _ reader: BodyReader) -> FinishReason {
        if reader.equals(value, "end_turn") { return .stop }
        if reader.equals(value, "tool_use") { return .toolCalls }
        if reader.equals(value, "max_tokens") { return .length }
        if reader.equals(value, "stop_sequence") { return .stopSequence }
        if reader.equals(value, "guardrail_intervened") || reader.equals(value, "content_filtered") {
            return .contentFilter
        }
        if reader.equals(value, "model_context_window_exceeded") { return .contextFull }
        if reader.equals(value, "malformed_model_output") || reader.equals(value, "malformed_tool_use") {
            return .error
        }
        return .stop
    }

    /// `usage`; what was read from or written to the cache is not in its `inputTokens`, and is in ours.
    static func usage(_ object: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> TokenUsage {
        var usage = TokenUsage()
        guard reader.kind(object) == .object else { return usage }
        try reader.members(of: object) { (key, value) throws(AnswerUnreadable) in
            if key.equals("cacheDetails") {
                usage.cacheWriteLong = try Self.longWrites(value, reader)
                return
            }
            guard let count = reader.scanner.int(value), count >= 0 else { return }
            if key.equals("inputTokens") {
                usage.input = count
            } else if key.equals("outputTokens") {
                usage.output = count
            } else if key.equals("cacheReadInputTokens") {
                usage.cachedInput = count
            } else if key.equals("cacheWriteInputTokens") {
                usage.cacheWrite = count
            }
        }
        if let input = usage.input {
            let cached = (usage.cachedInput ?? 0).addingClamped(usage.cacheWrite ?? 0)
            usage.input = input.addingClamped(cached)
        }
        return usage
    }

    /// What was written into the cache for an hour, of a list of `{ttl, inputTokens}`.
    private static func longWrites(_ list: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> Int? {
        guard reader.kind(list) == .array else { return nil }
        var sum: Int?
        try reader.elements(of: list) { (detail) throws(AnswerUnreadable) in
            guard reader.kind(detail) == .object else { return }
            var isLong = false
            var count: Int?
            try reader.members(of: detail) { (key, value) throws(AnswerUnreadable) in
                if key.equals("ttl") { isLong = reader.equals(value, "1h") }
                if key.equals("inputTokens") { count = reader.scanner.int(value) }
            }
            if isLong, let count, count >= 0 { sum = (sum ?? 0).addingClamped(count) }
        }
        return sum
    }

    /// The stop text that came, if the model told it among its own fields.
    static func stopSequence(_ fields: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> JSONString? {
        guard reader.kind(fields) == .object else { return nil }
        var found: JSONString?
        try reader.members(of: fields) { (key, value) throws(AnswerUnreadable) in
            if key.equals("stop_sequence") { found = reader.string(value) }
        }
        return found
    }
}

extension Int {
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
