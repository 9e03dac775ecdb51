package import Chat
internal import Core
internal import NIOCore
package import Wire

/// Reads the stream of Bedrock's `ConverseStream`, message by message.
///
/// Each message of the event stream comes as an event whose type is the message's name. Only tools are announced before
/// their first piece; figures come after the end of the message. Calls of the tool that stands for the answer's form
/// become text again. Confined to its loop.
package final class ConverseStreamReader: AnswerStreamReader {
    private var hasBegun = false
    private var open: Part?
    private var partsOpened = 0
    /// Whether tools are to be called, and whether the answer comes as arguments of the tool that stands for its form.
    private var hasCalls = false
    private var isForm = false
    /// Whether the message has ended, and whether nothing more can come.
    private var hasStopped = false
    private var hasEnded = false

    private struct Part {
        enum Kind { case text, thinking, toolCall, form }
        /// Bedrock's number of the block, and ours.
        var block: Int
        var number: Int
        var kind: Kind
    }

    package init() {}

    package func read(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasEnded else { return }
        guard let type = event.type?.readableBytesView else { throw AnswerUnreadable.garbled }
        if type.elementsEqual("contentBlockDelta".utf8) {
            try self.readDelta(event, emit)
        } else if type.elementsEqual("contentBlockStart".utf8) {
            try self.readStart(event, emit)
        } else if type.elementsEqual("contentBlockStop".utf8) {
            try self.close(emit)
        } else if type.elementsEqual("messageStart".utf8) {
            try self.begin(emit)
        } else if type.elementsEqual("messageStop".utf8) {
            try self.readStop(event, emit)
        } else if type.elementsEqual("metadata".utf8) {
            try self.readMetadata(event, emit)
        } else if type.suffix(9).elementsEqual("Exception".utf8) || event.data.readableBytes == 0 {
            self.hasEnded = true
            try emit(.failure(body: event.data, type: String(buffer: event.type ?? event.data)))
        }
    }

    package func finish(_ emit: (AnswerEvent) throws -> Void) throws {
        // Figures may be missing; an answer whose reason to end was told is whole.
        guard self.hasStopped, !self.hasEnded else { return }
        self.hasEnded = true
        try emit(.end)
    }

    // MARK: - Parts

    private func begin(_ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        try emit(.begin(AnswerHead()))
    }

    /// The open part if it is the one that a piece is for; else a new one.
    private func part(_ block: Int, _ kind: Part.Kind, _ emit: (AnswerEvent) throws -> Void) throws -> Int {
        if let open = self.open, open.block == block, open.kind == kind { return open.number }
        try self.open(block, kind, kind == .thinking ? .thinking : .text, emit)
        return self.partsOpened - 1
    }

    private func open(
        _ block: Int,
        _ kind: Part.Kind,
        _ opening: AnswerEvent.Opening,
        _ emit: (AnswerEvent) throws -> Void
    ) throws {
        // Nothing more can be said once the reason for the end was.
        guard !self.hasStopped else { throw AnswerUnreadable.garbled }
        try self.begin(emit)
        try self.close(emit)
        let part = Part(block: block, number: self.partsOpened, kind: kind)
        self.partsOpened += 1
        self.open = part
        try emit(.open(part: part.number, opening))
    }

    private func close(_ emit: (AnswerEvent) throws -> Void) throws {
        guard let open = self.open else { return }
        self.open = nil
        try emit(.close(part: open.number))
    }

    // MARK: - Events

    /// What one event says, without what only pads it.
    private struct Block {
        var number = 0
        var value: JSONFragment?
    }

    /// `contentBlockIndex` and the member beside it.
    private static func block(_ event: ServerSentEvent, _ name: StaticString) throws(AnswerUnreadable) -> Block {
        try BodyReader.read(event.data) { (reader) throws(AnswerUnreadable) -> Block in
            var block = Block()
            guard reader.kind(reader.root) == .object else { throw .garbled }
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                if key.equals("contentBlockIndex") {
                    block.number = reader.scanner.int(value) ?? 0
                } else if key.equals(name), reader.kind(value) == .object {
                    block.value = reader.fragment(value)
                }
            }
            return block
        }
    }

    private func readStart(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        let block = try Self.block(event, "start")
        guard let call = block.value?.value(of: "toolUse") else {
            // The result of a tool that Bedrock ran, or a picture.
            if block.value?.saysNothing == false, !self.hasStopped {
                try self.begin(emit)
                try emit(.unsaid(block.value?.value(of: "image") == nil ? .content : .images))
            }
            return
        }
        guard let id = call.value(of: "toolUseId")?.string, let name = call.value(of: "name")?.string else {
            throw AnswerUnreadable.garbled
        }
        if name.equals(AnthropicOutputForm.toolName) {
            self.isForm = true
            try self.open(block.number, .form, .text, emit)
        } else {
            self.hasCalls = true
            try self.open(block.number, .toolCall, .toolCall(id: id, name: name, signature: nil), emit)
        }
    }

    private func readDelta(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        let block = try Self.block(event, "delta")
        guard let delta = block.value else { return }
        if let text = delta.value(of: "text")?.string {
            guard !text.isEmpty else { return }
            let part = try self.part(block.number, .text, emit)
            try emit(.text(part: part, text))
        } else if let call = delta.value(of: "toolUse") {
            guard let piece = call.value(of: "input")?.string, !piece.isEmpty else { return }
            guard let open = self.open, open.block == block.number, open.kind == .toolCall || open.kind == .form
            else {
                throw AnswerUnreadable.garbled
            }
            try emit(
                open.kind == .form ? .text(part: open.number, piece) : .arguments(part: open.number, piece)
            )
        } else if let thoughts = delta.value(of: "reasoningContent") {
            try self.read(thoughts, block.number, emit)
        } else if let citation = delta.value(of: "citation") {
            let part = try self.part(block.number, .text, emit)
            try emit(.citation(part: part, citation))
        } else if !delta.saysNothing, !self.hasStopped {
            try self.begin(emit)
            try emit(.unsaid(delta.value(of: "image") == nil ? .content : .images))
        }
    }

    private func read(_ thoughts: JSONFragment, _ block: Int, _ emit: (AnswerEvent) throws -> Void) throws {
        if let redacted = thoughts.value(of: "redactedContent")?.string {
            try self.open(block, .thinking, .redactedThinking(redacted), emit)
            return try self.close(emit)
        }
        if let text = thoughts.value(of: "text")?.string, !text.isEmpty {
            let part = try self.part(block, .thinking, emit)
            try emit(.thinking(part: part, text))
        }
        if let signature = thoughts.value(of: "signature")?.string, !signature.isEmpty {
            let part = try self.part(block, .thinking, emit)
            try emit(.signature(part: part, signature))
        }
    }

    private func readStop(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        var reason: FinishReason?
        var stopSequence: JSONString?
        try BodyReader.read(event.data) { (reader) throws(AnswerUnreadable) in
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                if key.equals("stopReason") {
                    reason = ConverseWords.finish(value, reader)
                } else if key.equals("additionalModelResponseFields") {
                    stopSequence = try ConverseWords.stopSequence(value, reader)
                }
            }
        }
        guard var reason, !self.hasStopped else { throw AnswerUnreadable.garbled }
        if reason == .toolCalls, self.isForm, !self.hasCalls { reason = .stop }
        self.hasStopped = true
        try self.begin(emit)
        try self.close(emit)
        try emit(.finish(reason, stopSequence: stopSequence))
    }

    private func readMetadata(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        var usage = TokenUsage()
        try BodyReader.read(event.data) { (reader) throws(AnswerUnreadable) in
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                if key.equals("usage") { usage = try ConverseWords.usage(value, reader) }
            }
        }
        if !usage.isEmpty { try emit(.usage(usage)) }
        guard self.hasStopped else { return }
        self.hasEnded = true
        try emit(.end)
    }
}
