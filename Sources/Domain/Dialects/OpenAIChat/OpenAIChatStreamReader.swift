package import Chat
internal import Core
internal import NIOCore
package import Wire

/// Reads streams of OpenAI's chat dialect, in all the flavours that its kin have.
///
/// Of several answers the first is read; whoever asks for more in chat gets chat's own stream. The reason why an answer
/// ended is held until the stream says more or ends: some give one with every chunk.
package final class OpenAIChatStreamReader: AnswerStreamReader {
    private var parts = ChatParts()
    private var hasBegun = false
    private var head = AnswerHead()
    private var reason: FinishReason?
    private var hasFinished = false
    private var isOver = false
    private var hasSources = false
    private var lastUsage = TokenUsage()

    package init() {}

    package func read(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        let data = event.data
        guard !self.isOver, data.readableBytes > 0 else { return }
        if data.readableBytesView.starts(with: "[DONE]".utf8) {
            guard self.hasBegun else { throw AnswerUnreadable.garbled }
            try self.end(emit)
            return
        }
        try BodyReader.read(data) { (reader) throws(any Error) -> Void in
            let chunk = try Chunk(reader)
            if chunk.hasError {
                self.isOver = true
                return try emit(.failure(body: data, type: nil))
            }
            try self.take(chunk, reader, emit)
        }
    }

    package func finish(_ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.isOver, self.reason != nil else { return }
        try self.end(emit)
    }

    private func take(_ chunk: Chunk, _ reader: BodyReader, _ emit: (AnswerEvent) throws -> Void) throws {
        if chunk.hasChoices {
            if !self.hasBegun { try self.begin(chunk, emit) }
            if !self.hasFinished { try self.parts.take(chunk.delta, reader, emit) }
            if let reason = chunk.reason { self.reason = reason }
            if chunk.hasSources, !self.hasSources, !self.hasFinished {
                self.hasSources = true
                try emit(.unsaid(.sources))
            }
        } else if self.reason != nil {
            try self.settle(emit)
        } else if !self.hasBegun {
            // Azure's first chunk has neither choices nor a model; a later one has.
            self.head.id = chunk.id ?? self.head.id
            self.head.model = chunk.model ?? self.head.model
        }
        if let usage = chunk.usage, usage != self.lastUsage {
            self.lastUsage = usage
            if !self.hasBegun { try self.begin(chunk, emit) }
            try emit(.usage(usage))
        }
    }

    private func begin(_ chunk: Chunk, _ emit: (AnswerEvent) throws -> Void) throws {
        self.hasBegun = true
        let head = AnswerHead(id: chunk.id ?? self.head.id, model: chunk.model ?? self.head.model)
        self.head = AnswerHead()
        try emit(.begin(head))
    }

    /// Hands out what was held back, and why the answer ended.
    private func settle(_ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasFinished else { return }
        self.hasFinished = true
        try self.parts.closeAll(emit)
        var reason = self.reason ?? .stop
        // Some say `stop`, or nothing before [DONE], although tools are to be called.
        if reason == .stop, self.parts.hasCalls { reason = .toolCalls }
        try emit(.finish(reason, stopSequence: nil))
    }

    private func end(_ emit: (AnswerEvent) throws -> Void) throws {
        try self.settle(emit)
        self.isOver = true
        try emit(.end)
    }
}

/// One chunk of a stream, as places.
struct Chunk {
    var id: JSONString?
    var model: JSONString?
    var usage: TokenUsage?
    var hasChoices = false
    var hasError = false
    /// Whether it says what was found for the answer as a whole.
    var hasSources = false
    var reason: FinishReason?
    var delta = Delta()

    /// What of the first answer is new.
    struct Delta {
        var content: JSONSlice?
        var refusal: JSONSlice?
        var toolCalls: JSONSlice?
        var functionCall: JSONSlice?
        var reasoning: JSONSlice?
        var details: JSONSlice?
        var annotations: JSONSlice?
        var audio: JSONSlice?
        var images: JSONSlice?
        var logprobs: JSONSlice?
    }

    private static let names = JSONNames(
        "id",
        "model",
        "choices",
        "usage",
        "error",
        "x_groq",
        "citations",
        "search_results"
    )
    private static let choiceNames = JSONNames("index", "delta", "finish_reason", "logprobs")
    private static let deltaNames = JSONNames(
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

    init(_ reader: BodyReader) throws(AnswerUnreadable) {
        var groq: JSONSlice?
        try reader.members(of: reader.root, named: Self.names) { (name, value) throws(AnswerUnreadable) in
            switch name {
            case 0: self.id = Self.text(value, reader)
            case 1: self.model = Self.text(value, reader)
            case 2:
                guard reader.kind(value) == .array else { return }
                try reader.elements(of: value) { (choice) throws(AnswerUnreadable) in
                    self.hasChoices = true
                    try self.read(choice, reader)
                }
            case 3: self.usage = try ChatUsage.read(value, reader)
            case 4: self.hasError = !reader.isNull(value)
            case 5: groq = value
            // Perplexity's, the same with every chunk.
            default: if !reader.fragment(value).saysNothing { self.hasSources = true }
            }
        }
        if self.usage == nil, let groq { self.usage = try ChatUsage.readNested(groq, reader) }
    }

    /// A text that is not empty.
    private static func text(_ value: JSONSlice, _ reader: BodyReader) -> JSONString? {
        value.count > 2 ? reader.string(value) : nil
    }

    private mutating func read(_ choice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        var isFirst = true
        var delta: JSONSlice?
        var reason: FinishReason?
        var logprobs: JSONSlice?
        try reader.members(of: choice, named: Self.choiceNames) { (name, value) throws(AnswerUnreadable) in
            switch name {
            case 0: isFirst = (reader.scanner.int(value) ?? 0) == 0
            case 1: delta = value
            case 2: reason = ChatFinish.read(value, reader)
            default: logprobs = reader.kind(value) == .object ? value : nil
            }
        }
        guard isFirst else { return }
        self.reason = reason
        self.delta.logprobs = logprobs
        guard let delta, reader.kind(delta) == .object else { return }
        try reader.members(of: delta, named: Self.deltaNames) { (name, value) throws(AnswerUnreadable) in
            guard !reader.isNull(value) else { return }
            switch name {
            case 0: self.delta.content = value
            case 1: self.delta.refusal = value
            case 2: self.delta.toolCalls = value
            case 3: self.delta.functionCall = value
            case 4, 5: self.delta.reasoning = value
            case 6: self.delta.details = value
            case 7: self.delta.annotations = value
            case 8: self.delta.audio = value
            default: self.delta.images = value
            }
        }
    }
}
