package import Chat
internal import Core
package import NIOCore

/// Reads a whole answer of Cohere's `/v2/chat`.
package enum CohereAnswerReader {
    /// Takes an answer apart.
    ///
    /// A `tool_plan` is text: what the model says before it calls tools. Log probabilities come out in OpenAI's form.
    ///
    /// - Throws: `AnswerUnreadable.failure` if the body is an error, `garbled` if it is nothing of Cohere's.
    package static func read(_ body: ByteBuffer) throws(AnswerUnreadable) -> ChatAnswer {
        try BodyReader.read(body) { (reader) throws(AnswerUnreadable) in
            var id: JSONString?
            var message: JSONSlice?
            var finish: FinishReason?
            var usage = TokenUsage()
            var logprobs: JSONFragment?
            var rest: [RestMember] = []
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                if reader.isNull(value) { return }
                if key.equals("id") {
                    id = reader.string(value)
                } else if key.equals("message") {
                    message = value
                } else if key.equals("finish_reason") {
                    finish = .cohere(value, reader)
                } else if key.equals("usage") {
                    usage = try CohereUsage.read(value, reader)
                } else if key.equals("logprobs") {
                    logprobs = try CohereLogprobs.whole(value, reader)
                } else {
                    rest.append(reader.rest(key, value))
                }
            }
            guard let message else { throw .garbled }
            // An error has a sentence where an answer has its message.
            if reader.kind(message) == .string { throw .failure(body: body) }
            guard let finish else { throw .garbled }
            var choice = AnswerChoice(parts: try Self.parts(message, reader), finish: finish)
            choice.logprobs = logprobs
            var answer = ChatAnswer(choices: [choice], usage: usage)
            answer.id = id
            answer.rest = rest
            return answer
        }
    }

    private static func parts(_ message: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> [ContentPart] {
        var content: [ContentPart] = []
        var plan: [ContentPart] = []
        var calls: [ContentPart] = []
        var citations: [JSONFragment] = []
        try reader.members(of: message) { (key, value) throws(AnswerUnreadable) in
            if reader.isNull(value) { return }
            if key.equals("content") {
                content = try Self.content(value, reader)
            } else if key.equals("tool_plan") {
                if let text = reader.string(value), !text.isEmpty { plan = [ContentPart(.text(text))] }
            } else if key.equals("tool_calls") {
                try reader.elements(of: value) { (element) throws(AnswerUnreadable) in
                    let call = try CohereCall(element, reader)
                    guard let id = call.id, let name = call.name else { throw .garbled }
                    let arguments = ToolArguments.encoded(call.arguments ?? .empty)
                    calls.append(ContentPart(.toolCall(ToolCall(id: id, name: name, arguments: arguments))))
                }
            } else if key.equals("citations") {
                try reader.elements(of: value) { (element) throws(AnswerUnreadable) in
                    citations.append(reader.fragment(element))
                }
            }
        }
        var parts = content + plan + calls
        let firstText = parts.firstIndex(where: \.isText)
        for citation in citations {
            let wanted = citation.value(of: "content_index")?.int ?? -1
            let isText = parts.indices.contains(wanted) && parts[wanted].isText
            guard let index = isText ? wanted : firstText else { break }
            parts[index].citations.append(citation)
        }
        return parts
    }

    private static let contentNames = JSONNames("type", "text", "thinking")

    private static func content(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> [ContentPart] {
        if let text = reader.string(slice) { return [ContentPart(.text(text))] }
        var parts: [ContentPart] = []
        try reader.elements(of: slice) { (element) throws(AnswerUnreadable) in
            var type: JSONSlice?
            var text: JSONString?
            var thinking: JSONString?
            try reader.members(of: element, named: Self.contentNames) { position, value in
                switch position {
                case 0: type = value
                case 1: text = reader.string(value)
                default: thinking = reader.string(value)
                }
            }
            if let thinking {
                parts.append(ContentPart(.thinking(Thinking(text: thinking, format: .cohere))))
            } else if let text, type.map({ reader.equals($0, "text") }) ?? true {
                parts.append(ContentPart(.text(text)))
            } else {
                parts.append(ContentPart(.other(reader.fragment(element))))
            }
        }
        return parts
    }
}

extension ContentPart {
    fileprivate var isText: Bool { if case .text = self.content { true } else { false } }
}

/// A tool call, or the part of one that an event of a stream brings.
struct CohereCall {
    var id: JSONString?
    var name: JSONString?
    var arguments: JSONString?

    private static let names = JSONNames("id", "function")
    private static let functionNames = JSONNames("name", "arguments")

    init(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        var function: JSONSlice?
        try reader.members(of: slice, named: Self.names) { position, value in
            if position == 0 { self.id = reader.string(value) } else { function = value }
        }
        guard let function, reader.kind(function) == .object else { return }
        try reader.members(of: function, named: Self.functionNames) { position, value in
            if position == 0 { self.name = reader.string(value) } else { self.arguments = reader.string(value) }
        }
    }
}

/// Cohere's `usage`.
enum CohereUsage {
    private static let names = JSONNames("tokens", "billed_units", "cached_tokens")
    private static let countNames = JSONNames("input_tokens", "output_tokens", "search_units")

    /// What was read and written (`tokens`), else what is billed.
    ///
    /// Billed units leave out what Cohere puts into the prompt by itself.
    static func read(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> TokenUsage {
        guard reader.kind(slice) == .object else { return TokenUsage() }
        var tokens: JSONSlice?
        var billed: JSONSlice?
        var usage = TokenUsage()
        try reader.members(of: slice, named: Self.names) { position, value in
            switch position {
            case 0: tokens = value
            case 1: billed = value
            default: usage.cachedInput = Self.count(value, reader)
            }
        }
        for pair in [tokens, billed] {
            guard let pair, reader.kind(pair) == .object else { continue }
            try reader.members(of: pair, named: Self.countNames) { position, value in
                let count = Self.count(value, reader)
                switch position {
                case 0: usage.input = usage.input ?? count
                case 1: usage.output = usage.output ?? count
                default: usage.searches = usage.searches ?? count
                }
            }
        }
        return usage
    }

    private static func count(_ slice: JSONSlice, _ reader: BodyReader) -> Int? {
        reader.scanner.int(slice).flatMap { $0 >= 0 ? $0 : nil }
    }
}

extension FinishReason {
    /// What Cohere's word for it means; nil if there is none.
    static func cohere(_ slice: JSONSlice, _ reader: BodyReader) -> FinishReason? {
        guard reader.kind(slice) == .string else { return nil }
        // `ERROR`, `TIMEOUT` and what comes to be called something else: the model failed.
        return self.cohereWords.first { reader.equals(slice, $0.word) }?.reason ?? .error
    }

    private static let cohereWords: [(word: StaticString, reason: FinishReason)] = [
        ("COMPLETE", .stop), ("STOP_SEQUENCE", .stopSequence), ("MAX_TOKENS", .length), ("TOOL_CALL", .toolCalls),
        ("ERROR_TOXIC", .contentFilter), ("ERROR_LIMIT", .contextFull),
    ]
}
