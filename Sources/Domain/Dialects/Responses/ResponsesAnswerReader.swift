package import Chat
internal import Core
package import NIOCore

/// Reads the answer of OpenAI's `POST /v1/responses`, and of providers that took it over.
///
/// Items become parts of one choice. Thoughts carry OpenAI's `encrypted_content` as their signature, or as hidden
/// thoughts where there is no summary; steps of tools that the provider ran are kept whole.
package enum ResponsesAnswerReader {
    /// Reads an answer.
    ///
    /// - Throws: `AnswerUnreadable.failure` with the provider's words if the response says that it failed.
    package static func read(_ body: ByteBuffer) throws(AnswerUnreadable) -> ChatAnswer {
        try BodyReader.read(body) { (reader) throws(AnswerUnreadable) -> ChatAnswer in
            var response = ResponsesResponse()
            try response.read(reader, reader.root)
            if let error = response.error { throw .failure(body: ResponsesError.body(of: error)) }
            guard let status = response.outcome, response.hasOutput else { throw .garbled }
            var answer = ChatAnswer(
                choices: [AnswerChoice(parts: response.parts, finish: response.finish(status))],
                usage: response.usage
            )
            answer.choices[0].logprobs = response.logprobs
            answer.id = response.id
            answer.model = response.model
            answer.serviceTier = response.serviceTier
            answer.rest = response.rest
            return answer
        }
    }
}

/// What a response object holds.
struct ResponsesResponse {
    private static let names = JSONNames(
        "id",
        "object",
        "created_at",
        "model",
        "status",
        "error",
        "incomplete_details",
        "output",
        "usage",
        "service_tier"
    )

    enum Outcome {
        case completed, outOfTokens, filtered, broken
    }

    var id: JSONString?
    var model: JSONString?
    var serviceTier: JSONString?
    /// Nil for a response that is not done, as those in the background are.
    var outcome: Outcome? = .completed
    var error: JSONFragment?
    var usage = TokenUsage()
    var hasOutput = false
    /// The items, each as the parts that it holds.
    var items: [[ContentPart]] = []
    var rest: [RestMember] = []
    private var logprobsTexts: [JSONFragment] = []
    private var reason: JSONString?

    var parts: [ContentPart] { self.items.flatMap { $0 } }

    mutating func read(_ reader: BodyReader, _ value: JSONSlice) throws(AnswerUnreadable) {
        var response = self
        try reader.members(of: value) { (key, value) throws(AnswerUnreadable) in
            guard !reader.isNull(value) else { return }
            try response.take(key, value, reader)
        }
        self = response
        if self.outcome == .outOfTokens, let reason {
            if reason.equals("content_filter") { self.outcome = .filtered }
        }
    }

    private mutating func take(_ key: JSONKey, _ value: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        switch Self.names.position(of: key) {
        case 0: self.id = reader.string(value)
        case 1, 2: break
        case 3: self.model = reader.string(value)
        case 4: self.takeStatus(value, reader)
        case 5: self.error = reader.fragment(value)
        case 6:
            guard reader.kind(value) == .object else { return }
            var reason: JSONString?
            try reader.members(of: value) { (key, value) throws(AnswerUnreadable) in
                if key.equals("reason") { reason = reader.string(value) }
            }
            self.reason = reason
        case 7:
            self.hasOutput = true
            var items: [[ContentPart]] = []
            var itemReader = ResponsesOutputReader(reader: reader)
            try reader.elements(of: value) { (item) throws(AnswerUnreadable) in
                items.append(try itemReader.parts(item))
            }
            self.items = items
            self.logprobsTexts = itemReader.logprobs
        case 8: self.usage = try TokenUsage(responses: value, reader)
        case 9: self.serviceTier = reader.string(value)
        default: self.rest.append(reader.rest(key, value))
        }
    }

    private mutating func takeStatus(_ value: JSONSlice, _ reader: BodyReader) {
        if reader.equals(value, "completed") {
            self.outcome = .completed
        } else if reader.equals(value, "incomplete") {
            self.outcome = .outOfTokens
        } else if reader.equals(value, "queued") || reader.equals(value, "in_progress") {
            self.outcome = nil
        } else {
            self.outcome = .broken
        }
    }

    /// Log probabilities in the form that chat has them.
    var logprobs: JSONFragment? {
        guard !self.logprobsTexts.isEmpty else { return nil }
        var body = ByteBuffer()
        body.writeStaticString(#"{"content":["#)
        for list in self.logprobsTexts {
            list.visitElements { element in
                body.separate()
                element.write(into: &body)
            }
        }
        body.writeStaticString("]}")
        return JSONFragment(checked: body)
    }

    func finish(_ outcome: Outcome) -> FinishReason {
        switch outcome {
        case .outOfTokens: return .length
        case .filtered: return .contentFilter
        case .broken: return .error
        case .completed: return self.callsTools ? .toolCalls : .stop
        }
    }

    private var callsTools: Bool {
        self.items.contains { parts in
            parts.contains { part in
                if case .toolCall = part.content { return true }
                return false
            }
        }
    }
}

/// The errors of this dialect in OpenAI's one form.
enum ResponsesError {
    /// `{"error": …}` around the words of a response or of an event.
    static func body(of error: JSONFragment) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeStaticString(#"{"error":"#)
        error.write(into: &body)
        body.writeStaticString("}")
        return body
    }
}

/// Reads the items of a response's `output`.
struct ResponsesOutputReader {
    private static let names = JSONNames(
        "type",
        "id",
        "content",
        "call_id",
        "name",
        "arguments",
        "input",
        "summary",
        "encrypted_content",
        "result",
        "output_format"
    )

    let reader: BodyReader
    /// The lists of log probabilities met so far, one for each text that has some.
    var logprobs: [JSONFragment] = []

    init(reader: BodyReader) { self.reader = reader }

    /// What stands in an item.
    private struct Fields {
        var slices = [JSONSlice?](repeating: nil, count: 11)
        var rest: [RestMember] = []

        subscript(index: Int) -> JSONSlice? { self.slices[index] }
    }

    /// The parts of one item.
    mutating func parts(_ item: JSONSlice) throws(AnswerUnreadable) -> [ContentPart] {
        guard self.reader.kind(item) == .object else { throw .garbled }
        var fields = Fields()
        try self.reader.members(of: item) { (key, value) throws(AnswerUnreadable) in
            guard !self.reader.isNull(value) else { return }
            if let name = Self.names.position(of: key) { fields.slices[name] = value }
        }
        guard let type = fields[0] else { throw .garbled }
        if self.reader.equals(type, "message") { return try self.message(fields) }
        if self.reader.equals(type, "function_call") || self.reader.equals(type, "custom_tool_call") {
            return [ContentPart(.toolCall(try self.call(fields)))]
        }
        if self.reader.equals(type, "reasoning") { return [ContentPart(.thinking(try self.reasoning(fields)))] }
        if self.reader.equals(type, "image_generation_call"), let image = self.image(fields) {
            return [ContentPart(.image(image))]
        }
        return [ContentPart(.other(self.reader.fragment(item)))]
    }

    private mutating func message(_ fields: Fields) throws(AnswerUnreadable) -> [ContentPart] {
        guard let content = fields[2], self.reader.kind(content) == .array else { return [] }
        var parts: [ContentPart] = []
        var logprobs: [JSONFragment] = []
        try self.reader.elements(of: content) { (element) throws(AnswerUnreadable) in
            var text: JSONString?
            var refusal: JSONString?
            var citations: [JSONFragment] = []
            guard self.reader.kind(element) == .object else { return }
            try self.reader.members(of: element) { (key, value) throws(AnswerUnreadable) in
                if key.equals("text") { text = self.reader.string(value) }
                if key.equals("refusal") { refusal = self.reader.string(value) }
                if key.equals("annotations"), self.reader.kind(value) == .array {
                    self.reader.fragment(value).visitElements { citations.append($0) }
                }
                if key.equals("logprobs"), self.reader.kind(value) == .array {
                    let list = self.reader.fragment(value)
                    if list.bytes.readableBytes > 2 { logprobs.append(list) }
                }
            }
            var part: ContentPart
            if let refusal {
                part = ContentPart(.refusal(refusal))
            } else if let text {
                part = ContentPart(.text(text))
            } else {
                part = ContentPart(.other(self.reader.fragment(element)))
            }
            part.citations = citations
            parts.append(part)
        }
        self.logprobs.append(contentsOf: logprobs)
        return parts
    }

    private func call(_ fields: Fields) throws(AnswerUnreadable) -> ToolCall {
        // Some providers know but the item's own id.
        guard let id = fields[3] ?? fields[1], let callID = self.reader.string(id),
            let nameSlice = fields[4], let name = self.reader.string(nameSlice)
        else { throw .garbled }
        var call = ToolCall(id: callID, name: name, arguments: .encoded(.empty))
        if let input = fields[6].flatMap({ self.reader.string($0) }) {
            call.arguments = .encoded(input)
            call.isCustom = true
        } else if let arguments = fields[5] {
            call.arguments =
                self.reader.string(arguments).map { .encoded($0) } ?? .object(self.reader.fragment(arguments))
        }
        return call
    }

    private func reasoning(_ fields: Fields) throws(AnswerUnreadable) -> Thinking {
        var thinking = Thinking(text: .empty, format: .openAIResponses)
        thinking.id = fields[1].flatMap { self.reader.string($0) }
        for list in [fields[7], fields[2]] {
            var texts: [JSONString] = []
            guard let list, self.reader.kind(list) == .array else { continue }
            self.reader.fragment(list).visitElements { element in
                element.visitMembers { key, value in
                    if key.equals("text"), let text = value.string { texts.append(text) }
                }
            }
            if !texts.isEmpty { thinking.text = JSONString(paragraphs: texts) }
        }
        if let encrypted = fields[8].flatMap({ self.reader.string($0) }) {
            if thinking.text.isEmpty { thinking.redacted = encrypted } else { thinking.signature = encrypted }
        }
        return thinking
    }

    private func image(_ fields: Fields) -> Media? {
        guard let text = fields[9].flatMap({ self.reader.string($0) }), let data = DataURL.base64(text),
            data.readableBytes > 0
        else { return nil }
        let format = fields[10].flatMap { self.reader.string($0) }
        return Media(.data(data), mediaType: JSONString(prefix: "image/", format ?? JSONString("png")))
    }
}
