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
        "message"
    )

    /// Scans one JSON object.
    ///
    /// - Throws: `JSONError` if the bytes are not one JSON object.
    package init(_ data: ByteBuffer) throws(JSONError) {
        self = try data.withBytes { (bytes) throws(JSONError) -> UsageScan in try UsageScan(bytes) }
        // OpenAI's chat has forms of its own in many flavours, and a reader that knows them.
        if let usage = try AnswerScan(data, inChoices: false).usage, usage.input != nil { self.usage = usage }
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var said = Said()
        let reader = JSONScanner(bytes)
        var hasError = false
        var count = 0
        var isLast = false
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
            case (5, .object), (6, .object), (7, .object): try Self.readNested(value, bytes, &said)
            default: break
            }
        }
        self.hasError = hasError
        self.dataCount = count
        self.isLast = isLast
        self.usage = said.usage
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
        private var reasoning: Int?
        private var audioInput: Int?
        private var audioOutput: Int?

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
            "billed_units"
        )

        mutating func read(_ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) {
            let reader = JSONScanner(bytes)
            var members = JSONScanner(bytes, at: value)
            try members.members(of: Self.names) { (name, member) throws(JSONError) in
                guard name < 17 else { return try self.readDetails(name, member.value, bytes) }
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
            usage.input = self.input.map { $0 + (self.cachedBeside ?? 0) + (self.writtenBeside ?? 0) }
            usage.output = self.output.map { $0 + (self.thoughts ?? 0) }
            if usage.input == nil { usage.input = self.total.map { max(0, $0 - (usage.output ?? 0)) } }
            usage.cachedInput = self.cachedBeside ?? self.cachedInside
            usage.cacheWrite = self.writtenBeside
            usage.reasoning = self.reasoning ?? self.thoughts
            usage.audioInput = self.audioInput
            usage.audioOutput = self.audioOutput
            return usage.isEmpty ? nil : usage
        }
    }
}
