package import Chat
package import Core
package import NIOCore

/// What an answer of any provider says it used, whatever the operation.
///
/// Reads the words of OpenAI's chat, its other APIs, Anthropic, Cohere, Gemini, Bedrock and Jina. For conversations the
/// codecs know more; this is for what goes on as it came.
package struct UsageScan: Sendable, Equatable {
    /// Whether there is an `error` that is not null.
    package private(set) var hasError = false
    /// What it says it used.
    package private(set) var usage: TokenUsage?
    /// Elements of `data`, which are pictures where pictures were asked for.
    package private(set) var dataCount = 0
    /// Whether `type` says that this is the last event, as in `transcript.text.done`.
    package private(set) var isLast = false

    private static let names = JSONNames(
        "error",
        "data",
        "type",
        "usage",
        "usageMetadata",
        "meta",
        "response",
        "message",
        "duration"
    )

    /// Scans one JSON object.
    ///
    /// - Throws: `JSONError` if the bytes are not one JSON object.
    package init(_ data: ByteBuffer) throws(JSONError) {
        self = try data.withBytes { (bytes) throws(JSONError) -> UsageScan in try UsageScan(bytes) }
        // OpenAI's chat has forms of its own in many flavours, and a reader that knows them.
        if var usage = try AnswerScan(data, inChoices: false).usage, usage.input != nil {
            usage.soundMilliseconds = self.usage?.soundMilliseconds
            usage.searches = self.usage?.searches
            self.usage = usage
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var said = Said()
        let reader = JSONScanner(bytes)
        var hasError = false
        var count = 0
        var isLast = false
        var duration: Int?
        var members = JSONScanner(bytes)
        try members.members(of: Self.names) { (name, member) throws(JSONError) in
            let value = member.value
            switch (name, reader.kind(value)) {
            case (0, let kind): hasError = kind != .null
            case (1, .array):
                var list = JSONScanner(bytes, at: value)
                try list.elements { _ in count += 1 }
            case (2, .string): isLast = Self.endsStream(reader.content(value))
            case (3, .object), (4, .object): try said.read(value, bytes)
            case (8, .number), (8, .string): duration = Self.milliseconds(value, bytes)
            case (5, .object), (6, .object), (7, .object): try Self.readNested(value, bytes, &said)
            default: break
            }
        }
        self.hasError = hasError
        self.dataCount = count
        self.isLast = isLast
        self.usage = said.usage
        // Transcripts with their times say how long the sound was; what is billed, where that is said, counts more.
        if let duration, self.usage?.soundMilliseconds == nil {
            self.usage = self.usage ?? TokenUsage()
            self.usage?.soundMilliseconds = duration
        }
    }

    /// Seconds as a number with up to three places, or as a text that is one, in milliseconds; a part of one is one.
    ///
    /// Nil for what no sound can have: less than none, or more than eleven days.
    private static func milliseconds(_ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) -> Int? {
        let reader = JSONScanner(bytes)
        let digits: UnsafeRawBufferPointer
        switch reader.kind(value) {
        case .number: digits = UnsafeRawBufferPointer(rebasing: bytes[value.range])
        case .string: digits = reader.content(value) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        default: return nil
        }
        // Digit by digit, as amounts of money are read: millionths of a second here.
        guard let micros = MicroDollars(dollars: digits)?.value, (0...1_000_000_000_000).contains(micros) else {
            return nil
        }
        return Int((micros + 999) / 1000)
    }

    /// Cohere's `meta` has what it bills at its top, OpenAI's and Anthropic's events have `usage` one level down.
    private static func readNested(
        _ value: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ said: inout Said
    ) throws(JSONError) {
        let reader = JSONScanner(bytes)
        var members = JSONScanner(bytes, at: value)
        try members.members(of: JSONNames("usage", "tokens", "billed_units")) { (_, member) throws(JSONError) in
            if reader.kind(member.value) == .object { try said.read(member.value, bytes) }
        }
    }

    private static func endsStream(_ type: UnsafeRawBufferPointer?) -> Bool {
        guard let type else { return false }
        return [".done", ".completed"].contains { type.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }

    /// What usage objects say, before it is known what their whole numbers include.
    private struct Said {
        private var input: Int?
        private var output: Int?
        private var total: Int?
        private var thoughts: Int?
        private var cachedInside: Int?
        private var cachedBeside: Int?
        private var writtenBeside: Int?
        /// Of those, for how long: Anthropic's figures, or Bedrock's.
        private var writtenShort: Int?
        private var writtenLong: Int?
        private var reasoning: Int?
        private var audioInput: Int?
        private var audioOutput: Int?
        private var soundMilliseconds: Int?
        private var searches: Int?

        private static let names = JSONNames(
            "input_tokens",
            "inputTokens",
            "promptTokenCount",
            "prompt_tokens",
            "output_tokens",
            "outputTokens",
            "candidatesTokenCount",
            "completion_tokens",
            "total_tokens",
            "totalTokens",
            "totalTokenCount",
            "thoughtsTokenCount",
            "cachedContentTokenCount",
            "cache_read_input_tokens",
            "cacheReadInputTokens",
            "cache_creation_input_tokens",
            "cacheWriteInputTokens",
            "input_tokens_details",
            "input_token_details",
            "output_tokens_details",
            "output_token_details",
            "tokens",
            "billed_units",
            "cache_creation",
            "cacheDetails",
            "seconds",
            "search_units"
        )
        private static let anthropicWrites = JSONNames("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
        private static let bedrockWrites = JSONNames("ttl", "inputTokens")

        mutating func read(_ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) {
            let reader = JSONScanner(bytes)
            var members = JSONScanner(bytes, at: value)
            try members.members(of: Self.names) { (name, member) throws(JSONError) in
                guard name < 17 else { return try self.readMore(name, member.value, bytes) }
                guard let count = reader.int(member.value), (0...1_000_000_000).contains(count) else { return }
                switch name {
                case 0...3: self.input = count
                case 4...7: self.output = count
                case 8...10: self.total = count
                case 11: self.thoughts = count
                case 12: self.cachedInside = count
                case 13, 14: self.cachedBeside = count
                default: self.writtenBeside = count
                }
            }
        }

        private mutating func readMore(
            _ name: Int,
            _ value: JSONSlice,
            _ bytes: UnsafeRawBufferPointer
        ) throws(JSONError) {
            switch name {
            case 23: try self.readAnthropicWrites(value, bytes)
            case 24: try self.readBedrockWrites(value, bytes)
            case 25: self.soundMilliseconds = UsageScan.milliseconds(value, bytes) ?? self.soundMilliseconds
            case 26: self.searches = Self.count(value, JSONScanner(bytes)) ?? self.searches
            default: try self.readDetails(name, value, bytes)
            }
        }

        private static func count(_ value: JSONSlice, _ reader: JSONScanner) -> Int? {
            reader.int(value).flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
        }

        /// `cache_creation`: for how long what was cached is to stay there.
        private mutating func readAnthropicWrites(
            _ value: JSONSlice,
            _ bytes: UnsafeRawBufferPointer
        ) throws(JSONError) {
            let reader = JSONScanner(bytes)
            guard reader.kind(value) == .object else { return }
            var members = JSONScanner(bytes, at: value)
            try members.members(of: Self.anthropicWrites) { (name, member) throws(JSONError) in
                guard let count = Self.count(member.value, reader) else { return }
                if name == 0 { self.writtenShort = count } else { self.writtenLong = count }
            }
        }

        /// `cacheDetails`: the same at Bedrock, as a list of `{ttl, inputTokens}`.
        private mutating func readBedrockWrites(
            _ value: JSONSlice,
            _ bytes: UnsafeRawBufferPointer
        ) throws(JSONError) {
            let reader = JSONScanner(bytes)
            guard reader.kind(value) == .array else { return }
            var long: Int?
            var list = JSONScanner(bytes, at: value)
            try list.elements { (element) throws(JSONError) in
                guard reader.kind(element) == .object else { return }
                var isLong = false
                var count: Int?
                var members = JSONScanner(bytes, at: element)
                try members.members(of: Self.bedrockWrites) { (name, member) throws(JSONError) in
                    if name == 0 { isLong = reader.equals(member.value, "1h") }
                    if name == 1 { count = Self.count(member.value, reader) }
                }
                if isLong, let count { long = min((long ?? 0) + count, 1_000_000_000) }
            }
            self.writtenLong = long ?? self.writtenLong
        }

        private mutating func readDetails(
            _ name: Int,
            _ value: JSONSlice,
            _ bytes: UnsafeRawBufferPointer
        ) throws(JSONError) {
            let reader = JSONScanner(bytes)
            guard reader.kind(value) == .object else { return }
            // Cohere says what it billed and what it read; the latter, which comes as `tokens`, has the preamble in it.
            if name == 21 || (name == 22 && self.input == nil) { return try self.read(value, bytes) }
            guard name < 21 else { return }
            let isInput = name < 19
            var members = JSONScanner(bytes, at: value)
            try members.members(of: JSONNames("cached_tokens", "audio_tokens", "reasoning_tokens")) {
                (detail, member) throws(JSONError) in
                guard let count = reader.int(member.value), (0...1_000_000_000).contains(count) else { return }
                switch (detail, isInput) {
                case (0, true): self.cachedInside = count
                case (1, true): self.audioInput = count
                case (1, false): self.audioOutput = count
                case (2, false): self.reasoning = count
                default: break
                }
            }
        }

        /// Nil where nothing was said.
        var usage: TokenUsage? {
            var usage = TokenUsage()
            // Anthropic and Bedrock count what the cache gave beside the rest of the input, Gemini its thoughts beside
            // the rest of the output. Jina has a sum alone, which is of what it read.
            let parts = [self.writtenShort, self.writtenLong].compactMap(\.self)
            let written = self.writtenBeside ?? (parts.isEmpty ? nil : parts.reduce(0, +))
            usage.input = self.input.map { $0 + (self.cachedBeside ?? 0) + (written ?? 0) }
            usage.output = self.output.map { $0 + (self.thoughts ?? 0) }
            if usage.input == nil { usage.input = self.total.map { max(0, $0 - (usage.output ?? 0)) } }
            usage.cachedInput = self.cachedBeside ?? self.cachedInside
            usage.cacheWrite = written
            usage.cacheWriteLong = self.writtenLong
            usage.reasoning = self.reasoning ?? self.thoughts
            usage.audioInput = self.audioInput
            usage.audioOutput = self.audioOutput
            usage.soundMilliseconds = self.soundMilliseconds
            usage.searches = self.searches
            return usage.isEmpty ? nil : usage
        }
    }
}
