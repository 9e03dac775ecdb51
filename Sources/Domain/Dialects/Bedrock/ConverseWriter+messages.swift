internal import Chat
internal import Core
internal import NIOCore

extension ConverseWriter {
    /// `messages`: turns alternate, beginning with the user; no text is blank; results of tools stand first in a turn.
    mutating func writeMessages() throws(RequestUnwritable) {
        let messages = self.request.messages.filter { $0.role == .user || $0.role == .assistant }
        self.body.writeKey("messages")
        self.body.beginArray()
        var index = 0
        while index < messages.count {
            guard messages[index].role == .user else {
                self.writeAssistant(messages[index], isLast: index == messages.count - 1)
                index += 1
                continue
            }
            let end = messages[index...].firstIndex { $0.role != .user } ?? messages.count
            // Whatever else was said since the tools were called comes behind all that they gave.
            for message in messages[index..<end] { self.writeUser(message, results: true) }
            for message in messages[index..<end] { self.writeUser(message, results: false) }
            index = end
        }
        guard self.turn != nil else { throw RequestUnwritable(at: -1, "The request has no message with content.") }
        self.closeTurn()
        self.body.endArray()
    }

    // MARK: - Turns

    /// Begins a block of content, in a turn of its own if the open one is the other side's.
    mutating func beginBlock(isUser: Bool) {
        if self.turn?.isUser != isUser {
            if self.turn == nil, !isUser {
                self.openTurn(isUser: true)
                self.writeFiller()
            }
            self.closeTurn()
            self.openTurn(isUser: isUser)
        }
        self.body.separate()
        self.body.beginObject()
    }

    private mutating func openTurn(isUser: Bool) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("role", word: isUser ? "user" : "assistant")
        self.body.writeKey("content")
        self.body.beginArray()
        self.turn = Turn(isUser: isUser)
    }

    private mutating func closeTurn() {
        guard let turn = self.turn else { return }
        // A document must not stand alone.
        if turn.hasDocument, !turn.hasText { self.writeFiller() }
        self.body.endArray()
        self.body.endObject()
    }

    private mutating func writeFiller() {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("text", word: Self.filler)
        self.body.endObject()
    }

    // MARK: - Messages

    /// Writes the results of tools in a message, or everything else in it.
    private mutating func writeUser(_ message: ChatMessage, results: Bool) {
        if !results { self.noteUnsaid(message) }
        for part in message.parts {
            if case .toolResult(let result) = part.content {
                if results {
                    self.write(result, of: part)
                    self.finish(part, isUser: true)
                }
            } else if !results {
                self.writeUser(part)
                self.finish(part, isUser: true)
            }
        }
    }

    private mutating func writeUser(_ part: ContentPart) {
        switch part.content {
        case .text(let text), .refusal(let text):
            self.write(text, isUser: true)
        case .image(let media), .audio(let media), .file(let media):
            guard let block = self.block(for: media, part) else { return }
            self.beginBlock(isUser: true)
            self.write(block, media, part)
            if block.kind == .document { self.turn?.hasDocument = true }
            self.body.endObject()
        case .thinking, .toolCall, .other, .toolResult:
            self.losses.drop(at: part.place)
        }
    }

    private mutating func writeAssistant(_ message: ChatMessage, isLast: Bool) {
        self.noteUnsaid(message)
        for (index, part) in message.parts.enumerated() {
            switch part.content {
            case .text(let text), .refusal(let text):
                // What the model is to go on with must not end in white space.
                let isEnd = isLast && index == message.parts.count - 1
                self.write(isEnd ? text.withoutTrailingSpace : text, isUser: false)
                if !part.citations.isEmpty { self.losses.drop(at: part.place) }
            case .thinking(let thinking):
                self.write(thinking, of: part)
            case .toolCall(let call):
                self.write(call, of: part)
            case .image, .audio, .file, .toolResult, .other:
                self.losses.drop(at: part.place)
            }
            self.finish(part, isUser: false)
        }
    }

    mutating func noteUnsaid(_ message: ChatMessage) {
        self.losses.drop(message.name)
        self.losses.dropWishes(in: message.rest)
    }

    /// What comes behind a part: its cache mark, and the losses of its remainder.
    private mutating func finish(_ part: ContentPart, isUser: Bool) {
        var rest = part.rest
        if case .file = part.content {
            _ = rest.take("citations")
            _ = rest.take("context")
        }
        self.losses.dropWishes(in: rest)
        guard let mark = part.cacheMark else { return }
        // A mark says where the prefix ends that is kept: there must be one.
        guard self.model.takesCachePoints, self.turn?.isUser == isUser else { return self.losses.drop(mark) }
        self.body.separate()
        self.writeCachePoint(mark)
    }

    /// A mark up to which the prompt is kept, as an element of a list.
    mutating func writeCachePoint(_ mark: Given<JSONFragment>) {
        self.body.beginObject()
        self.body.writeKey("cachePoint")
        self.body.beginObject()
        self.body.writeMember("type", word: "default")
        if let ttl = mark.value.value(of: "ttl") {
            if ttl.equals("1h"), self.model.isClaude {
                self.body.writeMember("ttl", word: "1h")
            } else if !ttl.equals("5m") {
                self.losses.drop(mark)
            }
        }
        self.body.endObject()
        self.body.endObject()
    }

    // MARK: - Parts

    /// A text, unless it is blank, which Bedrock refuses and which says nothing.
    private mutating func write(_ text: JSONString, isUser: Bool) {
        guard !text.isBlank else { return }
        self.beginBlock(isUser: isUser)
        self.body.writeMember("text", text)
        self.body.endObject()
        self.turn?.hasText = true
    }

    /// Thoughts, if they are signed by Claude, wherever it ran: all its hosts take them.
    private mutating func write(_ thinking: Thinking, of part: ContentPart) {
        let isClaudes = thinking.format == .bedrock || (thinking.format == .anthropic && self.model.isClaude)
        guard isClaudes, thinking.signature != nil || thinking.redacted != nil else {
            return self.losses.drop(at: part.place)
        }
        self.beginBlock(isUser: false)
        self.body.writeKey("reasoningContent")
        self.body.beginObject()
        if let redacted = thinking.redacted {
            self.body.writeMember("redactedContent", redacted)
        } else {
            self.body.writeKey("reasoningText")
            self.body.beginObject()
            self.body.writeMember("text", thinking.text)
            if let signature = thinking.signature { self.body.writeMember("signature", signature) }
            self.body.endObject()
        }
        self.body.endObject()
        self.body.endObject()
    }

    private mutating func write(_ call: ToolCall, of part: ContentPart) {
        self.beginBlock(isUser: false)
        self.body.writeKey("toolUse")
        self.body.beginObject()
        self.body.writeKey("toolUseId")
        ConverseToolID.write(call.id, into: &self.body)
        self.body.writeMember("name", call.name)
        if !call.isCustom, let object = call.arguments.asObject {
            self.body.writeMember("input", object)
        } else {
            // Free text, or what a model got wrong: the text is kept, in the only form there is.
            self.body.writeKey("input")
            self.body.beginObject()
            self.body.writeMember("input", call.arguments.asString)
            self.body.endObject()
            self.losses.emulate(at: part.place)
        }
        self.body.endObject()
        self.body.endObject()
    }

    private mutating func write(_ result: ToolResult, of part: ContentPart) {
        self.beginBlock(isUser: true)
        self.body.writeKey("toolResult")
        self.body.beginObject()
        self.body.writeKey("toolUseId")
        ConverseToolID.write(result.callID, into: &self.body)
        self.body.writeKey("content")
        self.body.beginArray()
        let empty = self.body.writerIndex
        for inner in result.parts { self.writeResult(inner) }
        if self.body.writerIndex == empty { self.writeFiller() }
        self.body.endArray()
        if result.isError?.value == true { self.body.writeMember("status", word: "error") }
        self.body.endObject()
        self.body.endObject()
    }

    private mutating func writeResult(_ part: ContentPart) {
        switch part.content {
        case .text(let text), .refusal(let text):
            if !text.isBlank {
                self.body.separate()
                self.body.beginObject()
                self.body.writeMember("text", text)
                self.body.endObject()
            }
        case .image(let media), .file(let media):
            guard let block = self.block(for: media, part) else { break }
            self.body.separate()
            self.body.beginObject()
            self.write(block, media, part)
            self.body.endObject()
        case .audio, .thinking, .toolCall, .toolResult, .other:
            self.losses.drop(at: part.place)
        }
        self.losses.dropWishes(in: part.rest)
        // Inside of a result there is no place for a mark.
        self.losses.drop(part.cacheMark)
    }
}

extension JSONString {
    /// The same without white space at its end, written plainly or as an escape.
    var withoutTrailingSpace: JSONString {
        let view = self.content.readableBytesView
        var end = view.endIndex
        while end > view.startIndex {
            let last = view[end - 1]
            if last == UInt8(ascii: " ") {
                end -= 1
                continue
            }
            guard last == UInt8(ascii: "n") || last == UInt8(ascii: "t") || last == UInt8(ascii: "r"),
                end - 1 > view.startIndex, view[end - 2] == UInt8(ascii: "\\")
            else { break }
            // An escape, unless its backslash is itself escaped.
            let backslashes = view[..<(end - 1)].reversed().prefix { $0 == UInt8(ascii: "\\") }.count
            guard backslashes % 2 == 1 else { break }
            end -= 2
        }
        guard end < view.endIndex else { return self }
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt8(ascii: "\""))
        bytes.writeBytes(view[..<end])
        bytes.writeInteger(UInt8(ascii: "\""))
        return JSONString(checked: bytes)
    }
}
