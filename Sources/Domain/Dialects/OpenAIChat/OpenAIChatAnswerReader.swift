package import Chat
internal import Core
package import NIOCore

/// Reads whole answers of OpenAI's chat dialect, in all the flavours that its kin have.
package enum OpenAIChatAnswerReader {
    /// Reads an answer.
    ///
    /// - Throws: `AnswerUnreadable.failure` for an `error` in it, `.garbled` for what is no answer.
    package static func read(_ body: ByteBuffer) throws(AnswerUnreadable) -> ChatAnswer {
        try BodyReader.read(body) { (reader) throws(AnswerUnreadable) -> ChatAnswer in
            try OpenAIChatAnswerReading(reader: reader).read()
        }
    }
}

/// Reading one answer.
struct OpenAIChatAnswerReading {
    let reader: BodyReader

    private static let names = JSONNames(
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "service_tier",
        "error",
        "x_groq"
    )

    func read() throws(AnswerUnreadable) -> ChatAnswer {
        var answer = ChatAnswer(choices: [], usage: TokenUsage())
        var groq: JSONSlice?
        var hasChoices = false
        try self.reader.members(of: self.reader.root) { (key, value) throws(AnswerUnreadable) in
            guard !self.reader.isNull(value) else { return }
            switch Self.names.position(of: key) {
            case 0: answer.id = self.reader.string(value)
            case 1, 2: break
            case 3: answer.model = self.reader.string(value)
            case 4:
                hasChoices = true
                try self.reader.elements(of: value) { (choice) throws(AnswerUnreadable) in
                    answer.choices.append(try self.choice(choice))
                }
            case 5: answer.usage = try ChatUsage.read(value, self.reader) ?? answer.usage
            case 6: answer.serviceTier = self.reader.string(value)
            case 7: throw .failure(body: self.reader.body)
            case 8: groq = value
            default: answer.rest.append(self.reader.rest(key, value))
            }
        }
        guard hasChoices, !answer.choices.isEmpty else { throw .garbled }
        if answer.usage.isEmpty, let groq { answer.usage = try ChatUsage.readNested(groq, self.reader) ?? answer.usage }
        return answer
    }

    private static let choiceNames = JSONNames("index", "message", "finish_reason", "logprobs")

    private func choice(_ slice: JSONSlice) throws(AnswerUnreadable) -> AnswerChoice {
        var choice = AnswerChoice(parts: [], finish: .stop)
        var finish: FinishReason?
        try self.reader.members(of: slice) { (key, value) throws(AnswerUnreadable) in
            guard !self.reader.isNull(value) else { return }
            switch Self.choiceNames.position(of: key) {
            case 0: break
            case 1: try self.readMessage(value, into: &choice)
            case 2: finish = ChatFinish.read(value, self.reader)
            case 3: choice.logprobs = self.reader.fragment(value)
            default: choice.rest.append(self.reader.rest(key, value))
            }
        }
        let hasCalls = choice.parts.contains { if case .toolCall = $0.content { true } else { false } }
        // Some say `stop`, or nothing, although tools are to be called.
        choice.finish = finish.map { $0 == .stop && hasCalls ? .toolCalls : $0 } ?? (hasCalls ? .toolCalls : .stop)
        return choice
    }

    private static let messageNames = JSONNames(
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "annotations",
        "audio",
        "images"
    )

    /// Where the members of the message are.
    private struct Fields {
        var content: JSONSlice?
        var refusal: JSONSlice?
        var toolCalls: JSONSlice?
        var functionCall: JSONSlice?
        var reasoning: JSONSlice?
        var details: JSONSlice?
        var annotations: JSONSlice?
        var audio: JSONSlice?
        var images: JSONSlice?
    }

    private func readMessage(_ slice: JSONSlice, into choice: inout AnswerChoice) throws(AnswerUnreadable) {
        var fields = Fields()
        try self.reader.members(of: slice) { (key, value) throws(AnswerUnreadable) in
            guard !self.reader.isNull(value) else { return }
            switch Self.messageNames.position(of: key) {
            case 0: break
            case 1: fields.content = value
            case 2: fields.refusal = value
            case 3: fields.toolCalls = value
            case 4: fields.functionCall = value
            case 5, 6: fields.reasoning = value
            case 7: fields.details = value
            case 8: fields.annotations = value
            case 9: fields.audio = value
            case 10: fields.images = value
            default: choice.rest.append(self.reader.rest(key, value))
            }
        }
        var thoughts = ReasoningDetails.Thoughts()
        if let details = fields.details { thoughts = ReasoningDetails.read(details, self.reader) }
        if !thoughts.hasText, let slice = fields.reasoning, let text = self.reader.string(slice), !text.isEmpty {
            choice.parts.append(ContentPart(.thinking(Thinking(text: text, format: .openAIChat))))
        }
        choice.parts += thoughts.parts.map { ContentPart($0.content) }
        if let content = fields.content { try self.readContent(content, into: &choice) }
        if let annotations = fields.annotations, self.reader.kind(annotations) == .array {
            try self.readAnnotations(annotations, into: &choice)
        }
        if let refusal = fields.refusal, let text = self.reader.string(refusal), !text.isEmpty {
            choice.parts.append(ContentPart(.refusal(text)))
        }
        if let audio = fields.audio { try self.readAudio(audio, into: &choice) }
        if let images = fields.images {
            choice.parts += try ChatImages.read(images, self.reader).map { ContentPart(.image($0)) }
        }
        try self.readCalls(fields, into: &choice)
    }

    /// A text, or Mistral's list of thoughts and texts.
    private func readContent(_ content: JSONSlice, into choice: inout AnswerChoice) throws(AnswerUnreadable) {
        if let text = self.reader.string(content) {
            if !text.isEmpty { choice.parts.append(ContentPart(.text(text))) }
            return
        }
        try self.reader.elements(of: content) { (element) throws(AnswerUnreadable) in
            switch try ContentPiece(element, self.reader) {
            case .text(let text): choice.parts.append(ContentPart(.text(text)))
            case .thinking(let text):
                choice.parts.append(ContentPart(.thinking(Thinking(text: text, format: .openAIChat))))
            case .refusal(let text): choice.parts.append(ContentPart(.refusal(text)))
            case .other: choice.parts.append(ContentPart(.other(self.reader.fragment(element))))
            }
        }
    }

    private func readAnnotations(_ list: JSONSlice, into choice: inout AnswerChoice) throws(AnswerUnreadable) {
        var citations: [JSONFragment] = []
        try self.reader.elements(of: list) { (element) throws(AnswerUnreadable) in
            citations.append(self.reader.fragment(element))
        }
        let text = choice.parts.lastIndex { if case .text = $0.content { true } else { false } }
        if let text, !citations.isEmpty { choice.parts[text].citations = citations }
    }

    /// Speech: its words are a text, where nothing else is, and its sound is a part of its own.
    private func readAudio(_ audio: JSONSlice, into choice: inout AnswerChoice) throws(AnswerUnreadable) {
        var rest: [RestMember] = []
        var data: JSONString?
        var words: JSONString?
        try self.reader.members(of: audio) { (key, value) throws(AnswerUnreadable) in
            if key.equals("data") {
                data = self.reader.string(value)
                return
            }
            if key.equals("transcript") { words = self.reader.string(value) }
            rest.append(self.reader.rest(key, value))
        }
        let hasText = choice.parts.contains { if case .text = $0.content { true } else { false } }
        if let words, !words.isEmpty, !hasText { choice.parts.append(ContentPart(.text(words))) }
        guard let data, let bytes = DataURL.base64(data) else { return }
        var part = ContentPart(.audio(Media(.data(bytes))))
        part.rest = rest
        choice.parts.append(part)
    }

    private func readCalls(_ fields: Fields, into choice: inout AnswerChoice) throws(AnswerUnreadable) {
        if let calls = fields.toolCalls {
            var index = 0
            try self.reader.elements(of: calls) { (slice) throws(AnswerUnreadable) in
                let piece = try ToolCallPiece(slice, self.reader)
                guard let name = piece.name else { throw .garbled }
                var call = ToolCall(
                    id: piece.id ?? LegacyCallID.make(index),
                    name: name,
                    arguments: .encoded(piece.arguments ?? .empty),
                    signature: piece.signature
                )
                call.isCustom = piece.isCustom
                choice.parts.append(ContentPart(.toolCall(call)))
                index += 1
            }
        }
        if let function = fields.functionCall {
            let piece = try ToolCallPiece(function: function, self.reader)
            guard let name = piece.name else { throw .garbled }
            let arguments = ToolArguments.encoded(piece.arguments ?? .empty)
            let call = ToolCall(id: LegacyCallID.make(0), name: name, arguments: arguments)
            choice.parts.append(ContentPart(.toolCall(call)))
        }
    }
}
