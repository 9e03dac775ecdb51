internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Reads Anthropic's streams.
///
/// Events that nobody here knows are passed over, and of unknown blocks only that they began is told: they say nothing
/// that another dialect could, and where the client speaks this one their bytes go on untouched.
final class AnthropicStreamReader: AnswerStreamReader {
    /// The block that is open.
    private struct Block {
        enum Kind { case text, thinking, redacted, toolCall, answer }
        /// The provider's number of it.
        var index: Int
        /// Ours.
        var part: Int
        var kind: Kind
        /// Arguments that came whole with the opening, as some compatible servers send them.
        var input: JSONString?
        var hasArguments = false
    }

    private var block: Block?
    private var partCount = 0
    private var usage = AnthropicUsage()
    private var hasBegun = false
    private var hasFinished = false
    /// Whether all was said, or the provider failed.
    private var hasEnded = false
    private var hasCalls = false
    private var hasAnswer = false

    init() {}

    func read(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        // `[DONE]` comes from compatible servers that know OpenAI's streams.
        guard !event.isComment, event.data.readableBytes > 0, !Self.isDone(event.data) else { return }
        if let type = event.type, !Self.isKnown(type) { return }
        try BodyReader.read(event.data) { (reader) throws(any Error) in
            var members = Members()
            try members.read(reader)
            try self.take(members, reader, emit)
        }
    }

    /// Whether the data of such an event is looked at; of others, such as `ping`, it may be anything.
    private static func isKnown(_ type: ByteBuffer) -> Bool {
        let name = type.readableBytesView
        return name.starts(with: "content_block_".utf8) || name.starts(with: "message_".utf8)
            || name.elementsEqual("error".utf8)
    }

    func finish(_ emit: (AnswerEvent) throws -> Void) throws {
        // Only `message_stop` makes an answer whole.
    }

    private static func isDone(_ data: ByteBuffer) -> Bool {
        data.readableBytes == 6 && data.readableBytesView.elementsEqual("[DONE]".utf8)
    }

    // MARK: - Events

    /// The members of an event that mean something.
    private struct Members {
        var type: JSONSlice?
        var index: JSONSlice?
        var delta: JSONSlice?
        var message: JSONSlice?
        var block: JSONSlice?
        var usage: JSONSlice?

        private static let names = JSONNames("type", "index", "delta", "message", "content_block", "usage")

        mutating func read(_ reader: BodyReader) throws(AnswerUnreadable) {
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                switch Self.names.position(of: key) {
                case 0: self.type = value
                case 1: self.index = value
                case 2: self.delta = value
                case 3: self.message = value
                case 4: self.block = value
                case 5: self.usage = value
                default: break
                }
            }
        }
    }

    private func take(_ event: Members, _ reader: BodyReader, _ emit: (AnswerEvent) throws -> Void) throws {
        guard let type = event.type, !self.hasEnded else { return }
        if reader.equals(type, "content_block_delta") {
            guard let delta = event.delta, let block = self.block(event.index, reader) else { return }
            try self.takeDelta(delta, block, reader, emit)
        } else if reader.equals(type, "content_block_start") {
            try self.close(emit)
            // Nothing more can be said once the reason for the end was.
            guard !self.hasFinished else { throw AnswerUnreadable.garbled }
            try self.begin(nil, reader, emit)
            if let start = event.block { try self.open(start, event.index, reader, emit) }
        } else if reader.equals(type, "content_block_stop") {
            if self.block(event.index, reader) != nil { try self.close(emit) }
        } else if reader.equals(type, "message_start") {
            try self.begin(event.message, reader, emit)
        } else if reader.equals(type, "message_delta") {
            try self.takeEnd(event, reader, emit)
        } else if reader.equals(type, "message_stop") {
            try self.close(emit)
            self.hasEnded = self.hasFinished
            if self.hasFinished { try emit(.end) }
        } else if reader.equals(type, "error") {
            self.hasEnded = true
            try emit(.failure(body: reader.body, type: nil))
        }
    }

    /// The open block, if the event is about it.
    private func block(_ index: JSONSlice?, _ reader: BodyReader) -> Block? {
        guard let block = self.block, let index, reader.scanner.int(index) == block.index else { return nil }
        return block
    }

    private func begin(_ message: JSONSlice?, _ reader: BodyReader, _ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        var head = AnswerHead()
        if let message, reader.kind(message) == .object {
            try reader.members(of: message) { (key, value) throws(AnswerUnreadable) in
                if key.equals("id") {
                    head.id = reader.string(value)
                } else if key.equals("model") {
                    head.model = reader.string(value)
                } else if key.equals("usage") {
                    try self.usage.take(value, reader)
                }
            }
        }
        try emit(.begin(head))
        let usage = self.usage.total
        if !usage.isEmpty { try emit(.usage(usage)) }
    }

    private func takeEnd(_ event: Members, _ reader: BodyReader, _ emit: (AnswerEvent) throws -> Void) throws {
        var reason: JSONString?
        var sequence: JSONString?
        if let delta = event.delta, reader.kind(delta) == .object {
            try reader.members(of: delta) { (key, value) throws(AnswerUnreadable) in
                if key.equals("stop_reason") {
                    reason = reader.string(value)
                } else if key.equals("stop_sequence") {
                    sequence = reader.string(value)
                }
            }
        }
        if let usage = event.usage { try self.usage.take(usage, reader) }
        if let reason, !self.hasFinished {
            try self.begin(nil, reader, emit)
            try self.close(emit)
            self.hasFinished = true
            var finish = AnthropicStop.finish(reason)
            if finish == .toolCalls, self.hasAnswer, !self.hasCalls { finish = .stop }
            try emit(.finish(finish, stopSequence: sequence))
        }
        let usage = self.usage.total
        if !usage.isEmpty { try emit(.usage(usage)) }
    }

    // MARK: - Blocks

    private func open(
        _ start: JSONSlice,
        _ index: JSONSlice?,
        _ reader: BodyReader,
        _ emit: (AnswerEvent) throws -> Void
    ) throws {
        guard reader.kind(start) == .object else { return }
        var opening = Opening()
        try opening.read(start, reader)
        guard let index = index.flatMap({ reader.scanner.int($0) }), let type = opening.type else { return }
        let part = self.partCount
        var block = Block(index: index, part: part, kind: .text)
        if reader.equals(type, "text") {
            try emit(.open(part: part, .text))
            if let text = opening.text, !text.isEmpty { try emit(.text(part: part, text)) }
        } else if reader.equals(type, "tool_use") {
            try self.openCall(opening, &block, emit)
        } else if reader.equals(type, "thinking") {
            block.kind = .thinking
            try emit(.open(part: part, .thinking))
            if let text = opening.thinking, !text.isEmpty { try emit(.thinking(part: part, text)) }
            if let proof = opening.signature, !proof.isEmpty { try emit(.signature(part: part, proof)) }
        } else if reader.equals(type, "redacted_thinking") {
            block.kind = .redacted
            try emit(.open(part: part, .redactedThinking(opening.data ?? .empty)))
        } else {
            // What the provider does by itself, such as a search.
            return try emit(.unsaid(.content))
        }
        self.partCount += 1
        self.block = block
    }

    private func openCall(
        _ opening: Opening,
        _ block: inout Block,
        _ emit: (AnswerEvent) throws -> Void
    ) throws {
        let id = opening.id ?? .empty
        let name = opening.name ?? .empty
        if let input = opening.input, input.bytes.readableBytes > 2 { block.input = JSONString(utf8: input.bytes) }
        if name.equals(AnthropicOutputForm.toolName) {
            block.kind = .answer
            self.hasAnswer = true
            try emit(.open(part: block.part, .text))
        } else {
            block.kind = .toolCall
            self.hasCalls = true
            try emit(.open(part: block.part, .toolCall(id: id, name: name, signature: nil)))
        }
    }

    /// What a block begins with.
    private struct Opening {
        var type: JSONSlice?
        var id: JSONString?
        var name: JSONString?
        var text: JSONString?
        var thinking: JSONString?
        var signature: JSONString?
        var data: JSONString?
        var input: JSONFragment?

        mutating func read(_ block: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
            try reader.members(of: block) { (key, value) throws(AnswerUnreadable) in
                if key.equals("type") {
                    self.type = value
                } else if key.equals("id") {
                    self.id = reader.string(value)
                } else if key.equals("name") {
                    self.name = reader.string(value)
                } else if key.equals("text") {
                    self.text = reader.string(value)
                } else if key.equals("thinking") {
                    self.thinking = reader.string(value)
                } else if key.equals("signature") {
                    self.signature = reader.string(value)
                } else if key.equals("data") {
                    self.data = reader.string(value)
                } else if key.equals("input"), reader.kind(value) == .object {
                    self.input = reader.fragment(value)
                }
            }
        }
    }

    private static let deltaNames = JSONNames("text", "thinking", "partial_json", "signature", "citation")

    private func takeDelta(
        _ delta: JSONSlice,
        _ block: Block,
        _ reader: BodyReader,
        _ emit: (AnswerEvent) throws -> Void
    ) throws {
        guard reader.kind(delta) == .object else { return }
        var name: Int?
        var value: JSONSlice?
        // The type says the same as the member that comes with it.
        try reader.members(of: delta) { (key, slice) throws(AnswerUnreadable) in
            guard let position = Self.deltaNames.position(of: key) else { return }
            (name, value) = (position, slice)
        }
        guard let name, let value else { return }
        let part = block.part
        if name == 4 {
            if block.kind == .text { try emit(.citation(part: part, reader.fragment(value))) }
            return
        }
        guard let text = reader.string(value), !text.isEmpty else { return }
        switch (name, block.kind) {
        case (0, .text): try emit(.text(part: part, text))
        case (1, .thinking): try emit(.thinking(part: part, text))
        case (2, .toolCall):
            self.block?.hasArguments = true
            try emit(.arguments(part: part, text))
        case (2, .answer):
            self.block?.hasArguments = true
            try emit(.text(part: part, text))
        case (3, .thinking): try emit(.signature(part: part, text))
        default: break
        }
    }

    private func close(_ emit: (AnswerEvent) throws -> Void) throws {
        guard let block = self.block else { return }
        self.block = nil
        if !block.hasArguments {
            if block.kind == .answer {
                try emit(.text(part: block.part, block.input ?? JSONString("{}")))
            } else if block.kind == .toolCall, let input = block.input {
                try emit(.arguments(part: block.part, input))
            }
        }
        try emit(.close(part: block.part))
    }
}
