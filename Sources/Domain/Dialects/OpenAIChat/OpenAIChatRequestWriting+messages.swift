internal import Chat
internal import Core
internal import NIOCore

extension OpenAIChatRequestWriting {
    mutating func writeMessages() {
        self.body.writeKey("messages")
        self.body.beginArray()
        let messages = self.request.messages
        var index = 0
        while index < messages.count {
            let end = self.turnEnd(messages, index)
            switch messages[index].role {
            case .system, .developer: self.writeInstructions(messages[index])
            case .user: self.writeUserTurn(messages[index..<end])
            case .assistant: self.writeAssistant(messages[index..<end])
            }
            index = end
        }
        self.body.endArray()
    }

    /// Where the messages end that belong together.
    ///
    /// Calls of one turn and their results are told in one go each: other dialects may have them in messages of their
    /// own, between which chat allows nothing.
    private func turnEnd(_ messages: [ChatMessage], _ start: Int) -> Int {
        let role = messages[start].role
        guard !self.isOwn, role == .user || role == .assistant else { return start + 1 }
        let end = messages[start...].firstIndex { $0.role != role } ?? messages.endIndex
        guard end > start + 1 else { return end }
        let isToolTurn = messages[start..<end].contains { message in
            message.parts.contains { part in
                switch part.content {
                case .toolCall, .toolResult: true
                default: false
                }
            }
        }
        return isToolTurn ? end : start + 1
    }

    private mutating func beginMessage(_ role: StaticString, _ name: Given<JSONString>? = nil) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("role", word: role)
        if let name { self.body.writeMember("name", name.value) }
    }

    private mutating func endMessage(_ message: ChatMessage?) {
        if self.isOwn, let message { self.body.write(message.own) }
        if let message, !message.rest.isEmpty {
            if self.takesUnknown { self.body.write(message.rest) } else { self.losses.drop(message.rest) }
        }
        self.body.endObject()
    }

    // MARK: - System and user

    private mutating func writeInstructions(_ message: ChatMessage) {
        // Most of chat's kin know `system` alone, which OpenAI's own models take as well.
        self.beginMessage(self.isOwn && message.role == .developer ? "developer" : "system", message.name)
        self.body.writeKey("content")
        let keepsMarks = self.takesUnknown && message.parts.contains { $0.cacheMark != nil }
        let texts = message.parts.compactMap { part in
            if case .text(let text) = part.content { text } else { nil }
        }
        if self.isOwn || keepsMarks || texts.count != message.parts.count {
            self.writeContent(message.parts[...])
        } else {
            // Not every server takes a list for instructions.
            for part in message.parts {
                self.losses.drop(part.cacheMark)
                self.losses.drop(part.rest)
            }
            JSONString(joining: texts, separator: "\\n\\n").write(into: &self.body)
        }
        self.endMessage(message)
    }

    /// Writes the results of tools, which come first, and then what else is said.
    private mutating func writeUserTurn(_ messages: ArraySlice<ChatMessage>) {
        var media: [ContentPart] = []
        for message in messages {
            for part in message.parts {
                guard case .toolResult(let result) = part.content else { continue }
                self.write(result, part, message, &media)
            }
        }
        if !media.isEmpty {
            self.beginMessage("user")
            self.body.writeKey("content")
            self.writeContent(media[...], isList: true)
            self.endMessage(nil)
        }
        for message in messages {
            let others = message.parts.filter { part in
                if case .toolResult = part.content { false } else { true }
            }
            if others.isEmpty, !message.parts.isEmpty { continue }
            self.beginMessage("user", message.name)
            self.body.writeKey("content")
            self.writeContent(others[...])
            self.endMessage(message)
        }
    }

    private mutating func write(
        _ result: ToolResult,
        _ part: ContentPart,
        _ message: ChatMessage,
        _ media: inout [ContentPart]
    ) {
        let isLegacy = self.isOwn && LegacyCallID.isOne(result.callID)
        self.beginMessage(isLegacy ? "function" : "tool", message.name)
        let id = self.fit(result.callID)
        if !isLegacy { self.body.writeMember("tool_call_id", id) }
        self.body.writeKey("content")
        if self.isOwn {
            self.writeContent(result.parts[...])
        } else {
            var others: [ContentPart] = []
            let texts = result.parts.filter { part in
                if case .text = part.content { return true }
                others.append(part)
                return false
            }
            self.writeContent(texts[...])
            if !others.isEmpty {
                // Only text may stand in a result; a picture follows in the user's name.
                var text = ByteBuffer(string: "\"Result of the tool call ")
                id.writeContent(into: &text)
                text.writeStaticString(":\"")
                media.append(ContentPart(.text(JSONString(checked: text))))
                media += others
            }
        }
        if result.isError?.value == true { self.losses.drop(result.isError) }
        self.losses.drop(at: self.takesUnknown ? nil : part.cacheMark?.place)
        if !self.isOwn {
            self.losses.drop(part.rest)
            self.body.endObject()
            return
        }
        self.endMessage(message)
    }

    private func fit(_ id: JSONString) -> JSONString { self.isOwn ? id : ToolCallID.fit(id) }

    // MARK: - Assistant

    private mutating func writeAssistant(_ messages: ArraySlice<ChatMessage>) {
        guard let first = messages.first else { return }
        self.beginMessage("assistant", first.name)
        var texts: [ContentPart] = []
        var calls: [ContentPart] = []
        var refusals: [JSONString] = []
        var thoughts: [ContentPart] = []
        for part in messages.lazy.flatMap(\.parts) {
            switch part.content {
            case .toolCall: calls.append(part)
            case .refusal(let text): refusals.append(text)
            case .thinking where !self.isInContent(part, first): thoughts.append(part)
            default: texts.append(part)
            }
        }
        self.body.writeKey("content")
        if texts.isEmpty, !calls.isEmpty || !refusals.isEmpty {
            self.body.writeStaticString("null")
        } else {
            self.writeSpoken(texts)
        }
        if !refusals.isEmpty { self.body.writeMember("refusal", JSONString(joining: refusals)) }
        self.write(thoughts: thoughts)
        self.write(calls: calls, first)
        for message in messages.dropFirst() { self.losses.drop(message.rest) }
        self.endMessage(first)
    }

    /// Whether a thought stands among the parts of the content, as Mistral has it and wants it back.
    private func isInContent(_ part: ContentPart, _ message: ChatMessage) -> Bool {
        guard self.isOwn, case .thinking = part.content else { return false }
        // One of an answer, and not of what the client wrote.
        if part.place < 0 { return self.target.thinksInContent }
        return message.own["reasoning_content"] == nil && message.own["reasoning"] == nil
            && message.own["reasoning_details"] == nil
    }

    /// What an assistant said: one string, since many servers take no list here, and pieces of one text are one text.
    private mutating func writeSpoken(_ parts: [ContentPart]) {
        let texts = parts.compactMap { part in
            if case .text(let text) = part.content { text } else { nil }
        }
        let hasMarks = self.takesUnknown && parts.contains { $0.cacheMark != nil }
        guard !self.isOwn, !hasMarks, texts.count == parts.count else { return self.writeContent(parts[...]) }
        for part in parts {
            self.losses.drop(part.cacheMark)
            self.losses.drop(part.rest)
        }
        JSONString(joining: texts).write(into: &self.body)
    }

    private mutating func write(thoughts: [ContentPart]) {
        // As the client wrote them they stand in `own`; those of an answer do not.
        let thoughts = self.isOwn ? thoughts.filter { $0.place < 0 } : thoughts
        guard !thoughts.isEmpty else { return }
        guard self.target.takesUnknownMembers else {
            for thought in thoughts { self.losses.drop(at: thought.place) }
            return
        }
        let all = thoughts.compactMap { part in
            if case .thinking(let thinking) = part.content { thinking } else { nil }
        }
        let texts = all.map(\.text).filter { !$0.isEmpty }
        if !texts.isEmpty {
            self.body.writeMember("reasoning_content", JSONString(joining: texts, separator: "\\n\\n"))
        }
        // Not every server of this dialect takes more than a text that is worth something without a proof.
        guard !self.isOwn || all.contains(where: { $0.signature != nil || $0.redacted != nil }) else { return }
        self.body.writeKey("reasoning_details")
        self.body.beginArray()
        for (index, thinking) in all.enumerated() { ReasoningDetails.write(thinking, index: index, into: &self.body) }
        self.body.endArray()
    }

    private mutating func write(calls: [ContentPart], _ message: ChatMessage) {
        let isLegacy = self.isOwn && message.own["function_call"] != nil
        guard !calls.isEmpty, !isLegacy else { return }
        self.body.writeKey("tool_calls")
        self.body.beginArray()
        for part in calls {
            guard case .toolCall(let call) = part.content else { continue }
            self.body.separate()
            self.body.beginObject()
            self.body.writeMember("id", self.fit(call.id))
            self.body.writeMember("type", word: call.isCustom ? "custom" : "function")
            self.body.writeKey(call.isCustom ? "custom" : "function")
            self.body.beginObject()
            self.body.writeMember("name", call.name)
            if call.isCustom, case .encoded(let text) = call.arguments {
                self.body.writeMember("input", text)
            } else {
                self.body.writeMember(call.isCustom ? "input" : "arguments", call.arguments.asString)
            }
            self.body.endObject()
            // Worth something to the provider that gave it, which is behind those that take it; nothing to others.
            if let signature = call.signature, self.takesUnknown, part.own["extra_content"] == nil {
                ThoughtSignature.write(signature, into: &self.body)
            }
            self.writeRest(of: part)
            self.body.endObject()
            if !self.isOwn { self.losses.drop(part.cacheMark) }
        }
        self.body.endArray()
    }
}
