internal import Core
package import NIOCore

/// What a request asks a model to read, as far as it takes to guess how many tokens that makes.
package struct PromptMeasure: Sendable, Equatable {
    /// All that is text: messages, prompts, definitions of tools.
    package var text = TextMeasure()
    /// Messages, each of which costs a few tokens by itself.
    package var messages = 0
    /// Definitions of tools.
    package var tools = 0
    package var images = 0
    /// Sound that comes within the request.
    package var audios = 0
    /// Files, and parts of a kind that is not known.
    package var files = 0
    /// Tokens that came as numbers, as embeddings take them.
    package var tokens = 0

    package init() {}

    /// Measures the body of a request, whatever dialect a client wrote it in.
    ///
    /// What is not read by name does not count, such as settings. A body that turns out broken is measured up to there.
    package init(_ body: ByteBuffer) {
        self.init()
        var measure = PromptMeasure()
        body.withUnsafeReadableBytes { bytes in
            do throws(JSONError) {
                var members = JSONScanner(bytes)
                try members.members(of: Self.names) { (name, member) throws(JSONError) in
                    try measure.note(name, member.value, bytes)
                }
            } catch {
                // The reader of requests has refused what is no JSON before.
            }
        }
        self = measure
    }

    /// Whether anything is asked for that has no text to count.
    package var hasMedia: Bool { self.images > 0 || self.audios > 0 || self.files > 0 }

    private static let names = JSONNames(
        "messages",
        "tools",
        "functions",
        "response_format",
        "input",
        "prompt",
        "suffix",
        "system",
        "instructions"
    )

    private mutating func note(_ name: Int, _ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        let reader = JSONScanner(bytes)
        switch name {
        case 0:
            guard reader.kind(value) == .array else { return }
            var list = JSONScanner(bytes, at: value)
            try list.elements { (message) throws(JSONError) in try self.add(message: message, bytes, reader) }
        case 1, 2:
            guard reader.kind(value) == .array else { return }
            var list = JSONScanner(bytes, at: value)
            try list.elements { _ in self.tools += 1 }
            self.text.add(UnsafeRawBufferPointer(rebasing: bytes[value.range]))
        case 3: self.text.add(UnsafeRawBufferPointer(rebasing: bytes[value.range]))
        // Instructions beside the conversation: Anthropic's, as a text or in parts; those of OpenAI's `/responses`.
        case 7, 8: try self.add(content: value, bytes, reader)
        default: try self.add(input: value, depth: 0, bytes, reader)
        }
    }

    private static let messageNames = JSONNames(
        "content",
        "name",
        "tool_calls",
        "function_call",
        "reasoning_content",
        "refusal",
        // Items of OpenAI's `/responses` that are no messages.
        "arguments",
        "output",
        "summary"
    )

    private mutating func add(
        message: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        self.messages += 1
        guard reader.kind(message) == .object else { return }
        var members = JSONScanner(bytes, at: message)
        try members.members(of: Self.messageNames) { (name, member) throws(JSONError) in
            if name == 2 || name == 3 {
                // Calls of tools go to the model in much this form.
                return self.text.add(jsonString: UnsafeRawBufferPointer(rebasing: bytes[member.value.range]))
            }
            try self.add(content: member.value, bytes, reader)
        }
    }

    /// A text, or a list of parts.
    private mutating func add(
        content: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        guard reader.kind(content) == .array else { return self.add(reader, content) }
        var parts = JSONScanner(bytes, at: content)
        try parts.elements { (part) throws(JSONError) in try self.add(part: part, bytes, reader) }
    }

    private static let partNames = JSONNames(
        "type",
        "text",
        "refusal",
        "thinking",
        // What a tool gave, in Anthropic's dialect.
        "content",
        // What a tool is to do, in Anthropic's dialect.
        "input",
        "image_url",
        "image",
        "input_audio",
        "file",
        "source",
        "file_data",
        "file_id",
        "file_url"
    )

    private mutating func add(
        part: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        guard reader.kind(part) == .object else { return self.add(reader, part) }
        var isText = false
        var isImage = false
        var isAudio = false
        var members = JSONScanner(bytes, at: part)
        try members.members(of: Self.partNames) { (name, member) throws(JSONError) in
            switch name {
            case 0: isImage = isImage || reader.equals(member.value, "image")
            case 1, 2, 3:
                self.add(reader, member.value)
                isText = true
            case 4:
                try self.add(content: member.value, bytes, reader)
                isText = true
            case 5:
                self.text.add(UnsafeRawBufferPointer(rebasing: bytes[member.value.range]))
                isText = true
            case 6, 7: isImage = true
            case 8: isAudio = true
            default: break
            }
        }
        // What is none of these is a file, or of a kind that is not known.
        if isImage {
            self.images += 1
        } else if isAudio {
            self.audios += 1
        } else if !isText {
            self.files += 1
        }
    }

    /// A text, tokens as numbers, or a list of either.
    private mutating func add(
        input value: JSONSlice,
        depth: Int,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        switch reader.kind(value) {
        case .string: self.add(reader, value)
        case .number: self.tokens += 1
        case .array where depth < 2:
            var list = JSONScanner(bytes, at: value)
            try list.elements { (element) throws(JSONError) in
                try self.add(input: element, depth: depth + 1, bytes, reader)
            }
        case .object:
            let before = self
            try self.add(message: value, bytes, reader)
            self.messages = before.messages
            // Nothing in it that is known.
            if self == before { self.files += 1 }
            self.messages += 1
        default: self.files += 1
        }
    }

    private mutating func add(_ reader: JSONScanner, _ value: JSONSlice) {
        if let content = reader.content(value) { self.text.add(jsonString: content) }
    }
}
