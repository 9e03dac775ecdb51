internal import Chat
internal import Core
internal import NIOCore

/// The conversation: turns that alternate and begin with the user's, results of tools first in them.
extension AnthropicRequestWriter {
    /// Stands where the API demands a message or a text and the client has none.
    private static let emptyText: StaticString = "(empty)"

    /// How many instructions the conversation begins with.
    private var leadingCount: Int {
        self.request.messages.firstIndex { !$0.role.isInstruction } ?? self.request.messages.count
    }

    /// Writes `messages` as the client wrote them.
    ///
    /// - Returns: No instructions that stand elsewhere.
    mutating func writeOwnMessages() -> [Int] {
        self.body.writeKey("messages")
        self.body.beginArray()
        for message in self.request.messages[self.ownLeadingCount...] {
            self.body.separate()
            self.body.beginObject()
            self.writeRole(message.role)
            if !message.parts.isEmpty || message.role != .system {
                self.body.writeKey("content")
                self.writeContent(message.parts)
            }
            self.body.write(message.rest)
            self.body.endObject()
        }
        self.body.endArray()
        return []
    }

    /// In this dialect instructions stand before the conversation only if they are the first message, without more to
    /// them than parts.
    private var ownLeadingCount: Int { self.request.messages.first?.role == .system ? 1 : 0 }

    private mutating func writeRole(_ role: ChatMessage.Role) {
        switch role {
        case .system, .developer: self.body.writeMember("role", word: "system")
        case .user: self.body.writeMember("role", word: "user")
        case .assistant: self.body.writeMember("role", word: "assistant")
        }
    }

    /// Parts as a string where that says all, else as a list.
    private mutating func writeContent(_ parts: [ContentPart]) {
        if parts.count == 1, case .text(let text) = parts[0].content, parts[0].isPlain {
            text.write(into: &self.body)
            return
        }
        self.body.beginArray()
        for part in parts { self.writeBlock(part, of: nil) }
        self.body.endArray()
    }

    // MARK: - From other dialects

    /// Writes `messages` by Anthropic's rules.
    ///
    /// - Returns: Which instructions from the middle of the conversation have to stand before it.
    mutating func writeMessages() -> [Int] {
        let messages = self.request.messages
        var hoisted: [Int] = []
        var waiting: [Int] = []
        var index = self.leadingCount
        var isFirst = true
        self.body.writeKey("messages")
        self.body.beginArray()
        while index < messages.count {
            let run = self.run(from: index)
            let instructions = run.range.filter { messages[$0].role.isInstruction }
            index = run.range.upperBound
            guard let role = run.role else {
                waiting += instructions
                for index in run.range where !messages[index].role.isInstruction {
                    self.writeLossesOnly(messages[index])
                }
                break
            }
            if isFirst, role == .assistant { self.writePlaceholder() }
            isFirst = false
            if role == .user {
                self.writeUserTurn(run.range)
                waiting = self.writeInstructions(waiting + instructions, isAfterUser: true, &hoisted)
            } else {
                self.writeAssistantTurn(run.range, isLast: !self.hasTurn(after: index))
                waiting += instructions
            }
        }
        hoisted += waiting
        if isFirst { hoisted = self.writeInstructionsAsUser() + hoisted }
        self.body.endArray()
        for index in hoisted where index >= self.leadingCount { self.losses.drop(at: messages[index].place) }
        return hoisted
    }

    /// The messages from one on that make one turn, with the instructions between them, and whose turn it is.
    private func run(from start: Int) -> (range: Range<Int>, role: ChatMessage.Role?) {
        var role: ChatMessage.Role?
        var end = start
        while end < self.request.messages.count {
            let message = self.request.messages[end]
            if !message.role.isInstruction, !self.isSilent(message) {
                if let role, role != message.role { break }
                role = message.role
            }
            end += 1
        }
        return (start..<end, role)
    }

    private func hasTurn(after index: Int) -> Bool {
        self.request.messages[index...].contains { !$0.role.isInstruction && !self.isSilent($0) }
    }

    /// Whether nothing of a message of the model's can be said, so that it would be empty.
    private func isSilent(_ message: ChatMessage) -> Bool {
        guard message.role == .assistant else { return false }
        return !message.parts.contains { part in
            switch part.content {
            case .text(let text), .refusal(let text): !text.isBlank
            case .toolCall: true
            case .thinking(let thinking): thinking.isSigned
            case .image, .audio, .file, .toolResult, .other: false
            }
        }
    }

    private mutating func writePlaceholder() {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("role", word: "user")
        self.body.writeMember("content", word: Self.emptyText)
        self.body.endObject()
    }

    private mutating func beginTurn(_ role: ChatMessage.Role) {
        self.body.separate()
        self.body.beginObject()
        self.writeRole(role)
        self.body.writeKey("content")
    }

    /// Writes a user's turn; results of tools go first, as the API wants them right behind their calls.
    private mutating func writeUserTurn(_ range: Range<Int>) {
        self.beginTurn(.user)
        if range.count == 1, self.writePlainText(self.request.messages[range.lowerBound]) {
            return self.body.endObject()
        }
        self.body.beginArray()
        let start = self.body.writerIndex
        for index in range where self.request.messages[index].role == .user {
            for part in self.request.messages[index].parts {
                if case .toolResult = part.content { self.writeBlock(part, of: .user) }
            }
        }
        for index in range {
            let message = self.request.messages[index]
            self.noteLosses(message)
            for part in message.parts {
                if message.role == .assistant {
                    self.losses.dropUnlessBlank(part)
                } else if message.role == .user {
                    if case .toolResult = part.content { continue }
                    self.writeBlock(part, of: .user)
                }
            }
        }
        if self.body.writerIndex == start { self.writeTextBlock(JSONString(Self.emptyText.description)) }
        self.body.endArray()
        self.body.endObject()
    }

    private mutating func writeAssistantTurn(_ range: Range<Int>, isLast: Bool) {
        self.beginTurn(.assistant)
        let indices = range.filter { self.request.messages[$0].role == .assistant }
        if indices.count == 1, !isLast, self.writePlainText(self.request.messages[indices[0]]) {
            return self.body.endObject()
        }
        self.body.beginArray()
        for index in indices {
            let message = self.request.messages[index]
            self.noteLosses(message)
            for (position, part) in message.parts.enumerated() {
                let isEnd = isLast && index == indices.last && position == message.parts.count - 1
                if isEnd, case .text(let text) = part.content, let trimmed = AnthropicText.trimmedEnd(text) {
                    // The API refuses white space at the end of what the model is to go on with.
                    self.losses.drop(at: part.place)
                    var copy = part
                    copy.content = .text(trimmed)
                    self.writeBlock(copy, of: .assistant)
                } else {
                    self.writeBlock(part, of: .assistant)
                }
            }
        }
        self.body.endArray()
        self.body.endObject()
    }

    /// Writes the content of a message that is one text and nothing else.
    ///
    /// - Returns: Whether it is.
    private mutating func writePlainText(_ message: ChatMessage) -> Bool {
        guard message.parts.count == 1, case .text(let text) = message.parts[0].content, message.parts[0].isPlain,
            !text.isBlank
        else { return false }
        self.noteLosses(message)
        text.write(into: &self.body)
        return true
    }

    private mutating func noteLosses(_ message: ChatMessage) {
        self.losses.drop(message.name)
        self.losses.drop(message.rest)
    }

    // MARK: - Instructions

    /// Writes instructions that came in the middle of the conversation, or notes them to stand before it.
    ///
    /// - Returns: None, as all have found their place.
    private mutating func writeInstructions(_ indices: [Int], isAfterUser: Bool, _ hoisted: inout [Int]) -> [Int] {
        guard !indices.isEmpty else { return [] }
        guard self.model.takesSystemMessages, isAfterUser else {
            hoisted += indices
            return []
        }
        self.beginTurn(.system)
        self.body.beginArray()
        for index in indices { self.writeInstructionBlocks(self.request.messages[index]) }
        self.body.endArray()
        self.body.endObject()
        return []
    }

    /// Writes instructions that are all there is as the user's, since there has to be a turn.
    ///
    /// - Returns: Those that stand before the conversation after all: none.
    private mutating func writeInstructionsAsUser() -> [Int] {
        let messages = self.request.messages.filter { $0.role.isInstruction }
        guard messages.contains(where: { $0.parts.contains { $0.isWritableText } }) else {
            self.writePlaceholder()
            return []
        }
        self.beginTurn(.user)
        self.body.beginArray()
        for message in messages {
            self.losses.drop(at: message.place)
            self.writeInstructionBlocks(message)
        }
        self.body.endArray()
        self.body.endObject()
        return []
    }

    private mutating func writeInstructionBlocks(_ message: ChatMessage) {
        self.noteLosses(message)
        for part in message.parts {
            if case .text = part.content {
                self.writeBlock(part, of: .system)
            } else {
                self.losses.dropUnlessBlank(part)
            }
        }
    }

    /// Writes `system`: the instructions before the conversation, and those that have to stand there.
    mutating func writeSystem(_ hoisted: [Int]) {
        let messages = self.request.messages
        let count = self.isOwn ? self.ownLeadingCount : self.leadingCount
        let hasTurns = self.isOwn || messages.contains { !$0.role.isInstruction && !self.isSilent($0) }
        let indices = hasTurns ? Array(0..<count) + hoisted : []
        let words = self.form.words
        if self.isOwn {
            guard count == 1 else { return }
            self.body.writeKey("system")
            return self.writeContent(messages[0].parts)
        }
        guard words != nil || indices.contains(where: { messages[$0].parts.contains { $0.isWritableText } }) else {
            return indices.forEach { self.writeLossesOnly(messages[$0]) }
        }
        self.body.writeKey("system")
        if indices.count == 1, words == nil, self.writePlainText(messages[indices[0]]) { return }
        self.body.beginArray()
        for index in indices { self.writeInstructionBlocks(messages[index]) }
        if let words { self.writeTextBlock(JSONString(words.description)) }
        self.body.endArray()
    }

    private mutating func writeLossesOnly(_ message: ChatMessage) {
        self.noteLosses(message)
        for part in message.parts { self.losses.dropUnlessBlank(part) }
    }
}

extension ChatMessage.Role {
    /// Whether it speaks for the application.
    var isInstruction: Bool { self == .system || self == .developer }
}

extension ContentPart {
    /// Whether there is nothing to it but its content.
    var isPlain: Bool { self.cacheMark == nil && self.citations.isEmpty && self.rest.isEmpty }

    /// Whether it is a text with something in it.
    var isWritableText: Bool { if case .text(let text) = self.content { !text.isBlank } else { false } }
}

extension Losses {
    /// Notes a part that cannot be said; a text of nothing is no loss.
    mutating func dropUnlessBlank(_ part: ContentPart) {
        switch part.content {
        case .text(let text) where text.isBlank, .refusal(let text) where text.isBlank: break
        default: self.drop(at: part.place)
        }
    }
}
