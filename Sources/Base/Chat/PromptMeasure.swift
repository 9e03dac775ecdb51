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

    /// Measures the body of a request in OpenAI's dialect.
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
        "suffix"
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
        default: try self.add(input: value, depth: 0, bytes, reader)
        }
    }

    private static let messageNames = JSONNames(
        "content",
        "name",
        "tool_calls",
        "function_call",
        "reasoning_content",
        "refusal"
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
            guard reader.kind(member.value) == .array else { return self.add(reader, member.value) }
            var parts = JSONScanner(bytes, at: member.value)
            try parts.elements { (part) throws(JSONError) in try self.add(part: part, bytes, reader) }
        }
    }

    private static let partNames = JSONNames(
        "text",
        "refusal",
        "thinking",
        "image_url",
        "image",
        "input_audio",
        "file",
        "type"
    )

    private mutating func add(
        part: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        guard reader.kind(part) == .object else { return self.add(reader, part) }
        var isKnown = false
        var members = JSONScanner(bytes, at: part)
        try members.members(of: Self.partNames) { (name, member) throws(JSONError) in
            switch name {
            case 0, 1, 2: self.add(reader, member.value)
            case 3, 4: self.images += 1
            case 5: self.audios += 1
            case 6: self.files += 1
            default: return
            }
            isKnown = true
        }
        if !isKnown { self.files += 1 }
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
        default: self.files += 1
        }
    }

    private mutating func add(_ reader: JSONScanner, _ value: JSONSlice) {
        if let content = reader.content(value) { self.text.add(jsonString: content) }
    }
}
