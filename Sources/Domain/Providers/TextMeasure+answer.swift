package import Chat
internal import Core
package import NIOCore

extension TextMeasure {
    /// What the model wrote in an answer of OpenAI's dialect, whole or one chunk of a stream.
    ///
    /// Text, refusals, reasoning that is shown, names and arguments of tool calls, the words of spoken answers; of
    /// every choice. Nothing for what is not JSON, has no choices or is an error.
    package init(answer: ByteBuffer) {
        self = answer.withUnsafeReadableBytes { TextMeasure(answer: $0) }
    }

    private static let answerNames = JSONNames("choices")
    private static let choiceNames = JSONNames("delta", "message", "text")
    private static let messageNames = JSONNames(
        "content",
        "refusal",
        "reasoning",
        "reasoning_content",
        "tool_calls",
        "function_call",
        "audio"
    )

    init(answer bytes: UnsafeRawBufferPointer) {
        self.init()
        var measure = TextMeasure()
        let reader = JSONScanner(bytes)
        do throws(JSONError) {
            var members = JSONScanner(bytes)
            try members.members(of: Self.answerNames) { (_, member) throws(JSONError) in
                guard reader.kind(member.value) == .array else { return }
                var choices = JSONScanner(bytes, at: member.value)
                try choices.elements { (choice) throws(JSONError) in
                    try measure.addChoice(choice, bytes, reader)
                }
            }
        } catch {
            // It was checked before it came here; what has turned out broken is counted up to there.
        }
        self = measure
    }

    private mutating func addChoice(
        _ choice: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        guard reader.kind(choice) == .object else { return }
        var members = JSONScanner(bytes, at: choice)
        try members.members(of: Self.choiceNames) { (name, member) throws(JSONError) in
            if name == 2 { return self.add(reader, member.value) }
            try self.add(message: member.value, of: bytes)
        }
    }

    /// Adds what a message or a delta says, of an answer or of a request.
    private mutating func add(message: JSONSlice, of bytes: UnsafeRawBufferPointer) throws(JSONError) {
        let reader = JSONScanner(bytes)
        guard reader.kind(message) == .object else { return }
        var reasoning: [TextMeasure] = []
        var members = JSONScanner(bytes, at: message)
        try members.members(of: Self.messageNames) { (name, member) throws(JSONError) in
            switch name {
            case 0: try self.add(content: member.value, bytes, reader)
            case 1: self.add(reader, member.value)
            case 2, 3:
                var measure = TextMeasure()
                measure.add(reader, member.value)
                reasoning.append(measure)
            case 4:
                guard reader.kind(member.value) == .array else { return }
                var calls = JSONScanner(bytes, at: member.value)
                try calls.elements { (call) throws(JSONError) in
                    try self.add(strings: Self.toolNames, in: call, bytes, reader)
                }
            case 5: try self.add(strings: Self.functionNames, in: member.value, bytes, reader)
            default: try self.add(strings: Self.audioNames, in: member.value, bytes, reader)
            }
        }
        // Some send their reasoning under both names.
        if let said = reasoning.first(where: { !$0.isEmpty }) { self += said }
    }

    private static let toolNames = JSONNames("function", "custom")
    private static let functionNames = JSONNames("name", "arguments", "input")
    private static let audioNames = JSONNames("transcript")
    private static let partNames = JSONNames("text", "refusal", "thinking")

    /// A text, or Mistral's list of parts, of which one may hold such a list again.
    private mutating func add(
        content: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        guard reader.kind(content) == .array else { return self.add(reader, content) }
        var parts = JSONScanner(bytes, at: content)
        try parts.elements { (part) throws(JSONError) in
            guard reader.kind(part) == .object else { return }
            var members = JSONScanner(bytes, at: part)
            try members.members(of: Self.partNames) { (_, member) throws(JSONError) in
                try self.add(content: member.value, bytes, reader)
            }
        }
    }

    /// The members of an object that are strings, and those of objects in it.
    private mutating func add(
        strings names: JSONNames,
        in value: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(JSONError) {
        guard reader.kind(value) == .object else { return }
        var members = JSONScanner(bytes, at: value)
        try members.members(of: names) { (_, member) throws(JSONError) in
            self.add(reader, member.value)
            try self.add(strings: Self.functionNames, in: member.value, bytes, reader)
        }
    }

    private mutating func add(_ reader: JSONScanner, _ value: JSONSlice) {
        if let content = reader.content(value) { self.add(jsonString: content) }
    }
}
