internal import Chat
internal import Core
internal import NIOCore

/// One element of a content that is a list, as Mistral has it, in whole answers and in deltas.
enum ContentPiece {
    case text(JSONString)
    case thinking(JSONString)
    case refusal(JSONString)
    case other

    private static let names = JSONNames("type", "text", "thinking", "refusal")

    init(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        if let text = reader.string(slice) {
            self = .text(text)
            return
        }
        var piece = ContentPiece.other
        try reader.members(of: slice) { (key, value) throws(AnswerUnreadable) in
            switch Self.names.position(of: key) {
            case 1: if let text = reader.string(value) { piece = .text(text) }
            case 2: if let text = ReasoningDetails.mistralText(value, reader) { piece = .thinking(text) }
            case 3: if let text = reader.string(value) { piece = .refusal(text) }
            default: break
            }
        }
        self = piece
    }
}

/// One tool call, or a piece of one, as an answer has it.
struct ToolCallPiece {
    var index: Int?
    /// Nil for an empty one too.
    var id: JSONString?
    var name: JSONString?
    var arguments: JSONString?
    var signature: JSONString?
    var isCustom = false

    private static let names = JSONNames("index", "id", "function", "custom", "extra_content", "type")

    init(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        try reader.members(of: slice) { (key, value) throws(AnswerUnreadable) in
            guard !reader.isNull(value) else { return }
            switch Self.names.position(of: key) {
            case 0: self.index = reader.scanner.int(value)
            case 1: self.id = reader.string(value).flatMap { $0.isEmpty ? nil : $0 }
            case 2: try self.readFunction(value, reader)
            case 3:
                self.isCustom = true
                try self.readFunction(value, reader)
            case 4: self.signature = ThoughtSignature.read(value, reader)
            default: break
            }
        }
    }

    /// The older `function_call`.
    init(function: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        self.index = 0
        try self.readFunction(function, reader)
    }

    private mutating func readFunction(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        try reader.members(of: slice) { (key, value) throws(AnswerUnreadable) in
            guard !reader.isNull(value) else { return }
            if key.equals("name") {
                self.name = reader.string(value).flatMap { $0.isEmpty ? nil : $0 }
            } else if key.equals("arguments") || key.equals("input") {
                // Some send the object itself.
                self.arguments = reader.string(value) ?? JSONString(utf8: reader.fragment(value).bytes)
            }
        }
    }
}

/// Why an answer ended, in chat's words.
enum ChatFinish {
    /// Nil if it is no text.
    static func read(_ value: JSONSlice, _ reader: BodyReader) -> FinishReason? {
        guard reader.kind(value) == .string else { return nil }
        if reader.equals(value, "stop") { return .stop }
        if reader.equals(value, "tool_calls") || reader.equals(value, "function_call") { return .toolCalls }
        if reader.equals(value, "length") { return .length }
        if reader.equals(value, "content_filter") { return .contentFilter }
        // OpenRouter; DeepSeek, when it gives up.
        if reader.equals(value, "error") || reader.equals(value, "insufficient_system_resource") { return .error }
        // Mistral.
        if reader.equals(value, "model_length") { return .contextFull }
        return .stop
    }

    /// - Parameter isLegacy: Whether the client spoke of functions, not of tools.
    static func word(_ finish: FinishReason, isLegacy: Bool) -> StaticString {
        switch finish {
        case .stop, .stopSequence, .pause: "stop"
        case .length, .contextFull: "length"
        case .toolCalls: isLegacy ? "function_call" : "tool_calls"
        case .contentFilter: "content_filter"
        // Not one of OpenAI's, but OpenRouter's: an answer that broke off must not look whole.
        case .error: "error"
        }
    }
}

/// `usage`, read and written.
enum ChatUsage {
    /// Nil if it is no object.
    static func read(_ value: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> TokenUsage? {
        guard reader.kind(value) == .object else { return nil }
        do throws(JSONError) {
            return try reader.body.withBytes { (bytes) throws(JSONError) -> TokenUsage in
                try TokenUsage(openAI: value, in: bytes)
            }
        } catch {
            throw .garbled
        }
    }

    /// Groq's, inside of `x_groq`.
    static func readNested(_ outer: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> TokenUsage? {
        guard reader.kind(outer) == .object else { return nil }
        var found: TokenUsage?
        try reader.members(of: outer) { (key, value) throws(AnswerUnreadable) in
            if key.equals("usage") { found = try Self.read(value, reader) }
        }
        return found
    }

    /// Whether there is enough to write one: clients read input and output without a check.
    static func isSayable(_ usage: TokenUsage) -> Bool { usage.input != nil && usage.output != nil }

    /// Appends the object.
    static func write(_ usage: TokenUsage, into body: inout ByteBuffer) {
        let input = usage.input ?? 0
        let output = usage.output ?? 0
        body.beginObject()
        body.writeMember("prompt_tokens", input)
        body.writeMember("completion_tokens", output)
        let (total, overflow) = input.addingReportingOverflow(output)
        body.writeMember("total_tokens", overflow ? .max : total)
        if usage.cachedInput != nil || usage.cacheWrite != nil || usage.audioInput != nil {
            body.writeKey("prompt_tokens_details")
            body.beginObject()
            if let cached = usage.cachedInput { body.writeMember("cached_tokens", cached) }
            if let written = usage.cacheWrite { body.writeMember("cache_write_tokens", written) }
            if let audio = usage.audioInput { body.writeMember("audio_tokens", audio) }
            body.endObject()
        }
        if usage.reasoning != nil || usage.audioOutput != nil {
            body.writeKey("completion_tokens_details")
            body.beginObject()
            if let reasoning = usage.reasoning { body.writeMember("reasoning_tokens", reasoning) }
            if let audio = usage.audioOutput { body.writeMember("audio_tokens", audio) }
            body.endObject()
        }
        body.endObject()
    }
}
