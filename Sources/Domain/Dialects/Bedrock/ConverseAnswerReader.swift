package import Chat
internal import Core
package import NIOCore

/// Reads a whole answer of Bedrock's `Converse`.
///
/// Calls of the tool that stands for the answer's form become text again.
package enum ConverseAnswerReader {
    /// Reads an answer with status 200.
    ///
    /// - Throws: `AnswerUnreadable.garbled` if there is no message or no reason for its end in it, `.failure` for an
    ///   error.
    package static func read(_ body: ByteBuffer) throws(AnswerUnreadable) -> ChatAnswer {
        try BodyReader.read(body) { (reader) throws(AnswerUnreadable) -> ChatAnswer in
            var answer = ConverseAnswer()
            try answer.read(reader.root, reader)
            guard let finish = answer.finish, answer.hasMessage else {
                if answer.isError { throw .failure(body: body) }
                throw .garbled
            }
            var choice = AnswerChoice(parts: answer.parts, finish: finish, stopSequence: answer.stopSequence)
            if answer.isForm, finish == .toolCalls, !answer.hasCalls { choice.finish = .stop }
            var whole = ChatAnswer(choices: [choice], usage: answer.usage)
            whole.serviceTier = answer.serviceTier
            whole.rest = answer.rest
            return whole
        }
    }
}

/// One answer while it is read.
private struct ConverseAnswer {
    var parts: [ContentPart] = []
    var finish: FinishReason?
    var stopSequence: JSONString?
    var usage = TokenUsage()
    var serviceTier: JSONString?
    var rest: [RestMember] = []
    var hasMessage = false
    /// Whether tools are to be called, and whether the answer came as arguments of the tool that stands for its form.
    var hasCalls = false
    var isForm = false
    /// Whether it has a member that only errors have.
    var isError = false

    mutating func read(_ root: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        guard reader.kind(root) == .object else { throw .garbled }
        try reader.members(of: root) { (key, value) throws(AnswerUnreadable) in
            if key.equals("output") {
                try self.readOutput(value, reader)
            } else if key.equals("stopReason") {
                self.finish = ConverseWords.finish(value, reader)
            } else if key.equals("usage") {
                self.usage = try ConverseWords.usage(value, reader)
            } else if key.equals("serviceTier") {
                self.serviceTier = try self.member("type", of: value, reader).flatMap { reader.string($0) }
            } else {
                if key.equals("additionalModelResponseFields") {
                    self.stopSequence = try ConverseWords.stopSequence(value, reader)
                }
                if key.equals("message") || key.equals("Message") || key.equals("__type") { self.isError = true }
                self.rest.append(reader.rest(key, value))
            }
        }
    }

    private mutating func readOutput(_ output: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        guard let message = try self.member("message", of: output, reader),
            let content = try self.member("content", of: message, reader), reader.kind(content) == .array
        else { return }
        self.hasMessage = true
        try reader.elements(of: content) { (block) throws(AnswerUnreadable) in
            guard reader.kind(block) == .object else { throw .garbled }
            try reader.members(of: block) { (key, value) throws(AnswerUnreadable) in
                if let part = try self.part(key, value, block, reader) { self.parts.append(part) }
            }
        }
    }

    /// The one member of a block of content as a part.
    private mutating func part(
        _ key: JSONKey,
        _ value: JSONSlice,
        _ block: JSONSlice,
        _ reader: BodyReader
    ) throws(AnswerUnreadable) -> ContentPart? {
        if key.equals("text") {
            guard let text = reader.string(value) else { throw .garbled }
            return ContentPart(.text(text))
        }
        if key.equals("toolUse") { return try self.toolCall(value, reader) }
        if key.equals("reasoningContent") { return try self.thinking(value, reader).map { ContentPart(.thinking($0)) } }
        if key.equals("citationsContent") { return try self.citedText(value, reader) }
        if key.equals("image") {
            guard let source = try self.member("source", of: value, reader),
                let bytes = try self.member("bytes", of: source, reader)
                    .flatMap({ reader.string($0).flatMap { DataURL.base64($0) } }),
                let format = try self.member("format", of: value, reader).flatMap({ reader.string($0)?.text })
            else { return ContentPart(.other(reader.fragment(block))) }
            return ContentPart(.image(Media(.data(bytes), mediaType: JSONString("image/\(format)"))))
        }
        return ContentPart(.other(reader.fragment(block)))
    }

    private mutating func toolCall(_ object: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> ContentPart {
        guard let id = try self.member("toolUseId", of: object, reader).flatMap({ reader.string($0) }),
            let name = try self.member("name", of: object, reader).flatMap({ reader.string($0) })
        else { throw .garbled }
        let input = try self.member("input", of: object, reader).map { reader.fragment($0) }
        if name.equals(AnthropicOutputForm.toolName) {
            self.isForm = true
            return ContentPart(.text(JSONString(utf8: input?.bytes ?? ByteBuffer(string: "{}"))))
        }
        self.hasCalls = true
        let arguments: ToolArguments =
            if let text = input?.string { .encoded(text) } else { .object(input ?? JSONFragment(literal: "{}")) }
        return ContentPart(.toolCall(ToolCall(id: id, name: name, arguments: arguments)))
    }

    private func thinking(_ object: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> Thinking? {
        if let redacted = try self.member("redactedContent", of: object, reader).flatMap({ reader.string($0) }) {
            return Thinking(text: .empty, redacted: redacted, format: .bedrock)
        }
        guard let said = try self.member("reasoningText", of: object, reader) else { return nil }
        let text = try self.member("text", of: said, reader).flatMap { reader.string($0) }
        let signature = try self.member("signature", of: said, reader).flatMap { reader.string($0) }
        return Thinking(text: text ?? .empty, signature: signature, format: .bedrock)
    }

    /// Text with its sources.
    private func citedText(_ object: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> ContentPart? {
        var text = ByteBuffer()
        text.writeStaticString("\"")
        if let content = try self.member("content", of: object, reader), reader.kind(content) == .array {
            try reader.elements(of: content) { (element) throws(AnswerUnreadable) in
                try self.member("text", of: element, reader).flatMap { reader.string($0) }?.writeContent(into: &text)
            }
        }
        text.writeStaticString("\"")
        var part = ContentPart(.text(JSONString(checked: text)))
        if let citations = try self.member("citations", of: object, reader), reader.kind(citations) == .array {
            try reader.elements(of: citations) { (element) throws(AnswerUnreadable) in
                part.citations.append(reader.fragment(element))
            }
        }
        return part
    }

    /// A member of an object; nil if it has none of that name, or is no object.
    private func member(
        _ name: StaticString,
        of object: JSONSlice,
        _ reader: BodyReader
    ) throws(AnswerUnreadable) -> JSONSlice? {
        guard reader.kind(object) == .object else { return nil }
        var found: JSONSlice?
        try reader.members(of: object) { (key, value) throws(AnswerUnreadable) in
            if key.equals(name), !reader.isNull(value) { found = value }
        }
        return found
    }
}
