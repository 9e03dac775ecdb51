internal import Chat
internal import Core
internal import NIOCore

/// One part of what Gemini answers.
struct GeminiPart {
    var text: JSONString?
    var isThought = false
    var signature: JSONString?
    var call: Call?
    /// A picture or a sound that it made.
    var media: Media?
    /// Something that nobody else knows, such as code it ran.
    var isOther = false

    struct Call {
        var id: JSONString?
        var name: JSONString = .empty
        /// Nil where there are none.
        var arguments: JSONFragment?
    }

    private static let names = JSONNames("text", "thought", "thoughtSignature", "functionCall", "inlineData")
    private static let callNames = JSONNames("id", "name", "args")
    private static let dataNames = JSONNames("mimeType", "data")

    init(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        var call: JSONSlice?
        var data: JSONSlice?
        try reader.members(of: slice, named: Self.names) { position, value in
            switch position {
            case 0: self.text = reader.string(value)
            case 1: self.isThought = reader.scanner.bool(value) == true
            case 2: self.signature = reader.string(value).map(Self.plain)
            case 3: call = reader.isNull(value) ? nil : value
            default: data = reader.isNull(value) ? nil : value
            }
        }
        if let call { self.call = try Self.call(call, reader) }
        if let data { self.media = try Self.media(data, reader) }
        self.isOther = self.text == nil && self.call == nil && self.media == nil && self.signature == nil
    }

    /// Google writes the `=` at the end of base64 as an escape, which no signature needs.
    private static func plain(_ text: JSONString) -> JSONString {
        text.hasEscapes ? JSONString(utf8: text.utf8) : text
    }

    private static func call(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> Call {
        var call = Call()
        try reader.members(of: slice, named: Self.callNames) { position, value in
            switch position {
            case 0: call.id = reader.string(value)
            case 1: call.name = reader.string(value) ?? .empty
            default: call.arguments = reader.kind(value) == .object ? reader.fragment(value) : nil
            }
        }
        if call.id?.isEmpty == true { call.id = nil }
        if call.name.isEmpty { throw .garbled }
        return call
    }

    private static func media(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> Media? {
        var type: JSONString?
        var data: JSONString?
        try reader.members(of: slice, named: Self.dataNames) { position, value in
            if position == 0 { type = reader.string(value) } else { data = reader.string(value) }
        }
        // Google writes the `=` at the end as an escape.
        return data.flatMap { DataURL.base64($0) }.map { Media(.data($0), mediaType: type) }
    }
}

/// What all of Gemini's answers have, whole ones and those of a stream.
struct GeminiBody {
    var id: JSONString?
    var model: JSONString?
    var usage: TokenUsage?
    /// Whether the prompt was refused.
    var isBlocked = false
    var candidates: JSONSlice?
    var promptFeedback: JSONSlice?
    var isError = false

    private static let names = JSONNames(
        "candidates",
        "usageMetadata",
        "responseId",
        "modelVersion",
        "promptFeedback",
        "error"
    )
    private static let feedbackNames = JSONNames("blockReason")

    init(_ reader: BodyReader) throws(AnswerUnreadable) {
        var usage: JSONSlice?
        try reader.members(of: reader.root, named: Self.names) { position, value in
            if reader.isNull(value) { return }
            switch position {
            case 0: self.candidates = value
            case 1: usage = value
            case 2: self.id = reader.string(value)
            case 3: self.model = reader.string(value)
            case 4: self.promptFeedback = value
            default: self.isError = true
            }
        }
        if let usage { self.usage = try GeminiUsage.read(usage, reader) }
        if let feedback = self.promptFeedback, reader.kind(feedback) == .object {
            var isBlocked = false
            try reader.members(of: feedback, named: Self.feedbackNames) { _, value in
                isBlocked = reader.kind(value) == .string
            }
            self.isBlocked = isBlocked
        }
    }
}

/// Gemini's `usageMetadata`.
enum GeminiUsage {
    private static let names = JSONNames(
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "cachedContentTokenCount",
        "totalTokenCount",
        "promptTokensDetails",
        "candidatesTokensDetails"
    )
    private static let detailNames = JSONNames("modality", "tokenCount")

    /// Output is what was said and what was thought; input includes what came out of the cache.
    ///
    /// Zeros are left out by Gemini, so that a missing count is told from the sum where there is one.
    static func read(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> TokenUsage {
        guard reader.kind(slice) == .object else { return TokenUsage() }
        var counts = [Int?](repeating: nil, count: 6)
        var details: (input: JSONSlice?, output: JSONSlice?)
        try reader.members(of: slice, named: Self.names) { position, value in
            switch position {
            case 0...5: counts[position] = reader.scanner.int(value).flatMap { $0 >= 0 ? $0 : nil }
            case 6: details.input = value
            default: details.output = value
            }
        }
        var usage = TokenUsage()
        usage.input = Self.sum(counts[0], counts[3])
        usage.output = Self.sum(counts[1], counts[2])
        if usage.output == nil, let total = counts[5], let input = usage.input { usage.output = max(0, total - input) }
        usage.cachedInput = counts[4]
        usage.reasoning = counts[2]
        if let input = details.input { usage.audioInput = try Self.audio(input, reader) }
        if let output = details.output { usage.audioOutput = try Self.audio(output, reader) }
        return usage
    }

    private static func sum(_ one: Int?, _ other: Int?) -> Int? {
        guard one != nil || other != nil else { return nil }
        let (sum, overflow) = (one ?? 0).addingReportingOverflow(other ?? 0)
        return overflow ? Int.max : sum
    }

    private static func audio(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> Int? {
        guard reader.kind(slice) == .array else { return nil }
        var found: Int?
        try reader.elements(of: slice) { (element) throws(AnswerUnreadable) in
            guard reader.kind(element) == .object else { return }
            var isAudio = false
            var count: Int?
            try reader.members(of: element, named: Self.detailNames) { position, value in
                if position == 0 { isAudio = reader.equals(value, "AUDIO") } else { count = reader.scanner.int(value) }
            }
            if isAudio, let count, count >= 0 { found = count }
        }
        return found
    }
}

extension FinishReason {
    /// What Gemini's word for it means; nil if there is none.
    static func gemini(_ slice: JSONSlice, _ reader: BodyReader) -> FinishReason? {
        guard reader.kind(slice) == .string else { return nil }
        // `OTHER`, malformed calls and what comes to be called something else: the model failed.
        guard let known = self.geminiWords.first(where: { reader.equals(slice, $0.word) }) else { return .error }
        return known.reason
    }

    private static let geminiWords: [(word: StaticString, reason: FinishReason?)] = [
        ("STOP", .stop), ("MAX_TOKENS", .length), ("SAFETY", .contentFilter), ("RECITATION", .contentFilter),
        ("BLOCKLIST", .contentFilter), ("PROHIBITED_CONTENT", .contentFilter), ("SPII", .contentFilter),
        ("LANGUAGE", .contentFilter), ("IMAGE_SAFETY", .contentFilter),
        ("IMAGE_PROHIBITED_CONTENT", .contentFilter), ("IMAGE_RECITATION", .contentFilter),
        ("ESCALATION", .contentFilter), ("PUP_LIMITED_DISABLED", .contentFilter),
        ("MODEL_ARMOR", .contentFilter), ("CONTINUATION", .length), ("FINISH_REASON_UNSPECIFIED", nil),
    ]
}
