internal import Chat
internal import Core

extension OpenAIChatRequestReading {
    private static let messageNames = JSONNames(
        "role",
        "content",
        "name",
        "refusal",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "cache_control",
        "annotations"
    )

    /// Where the members of one message are.
    private struct Fields {
        var content: JSONSlice?
        var refusal: JSONSlice?
        var toolCalls: JSONSlice?
        var toolCallID: JSONSlice?
        var functionCall: JSONSlice?
        var reasoning: JSONSlice?
        var details: JSONSlice?
        var mark: JSONSlice?
    }

    private enum Speaker { case system, developer, user, assistant, tool, function }

    mutating func readMessages(_ value: JSONSlice) throws(RequestUnreadable) {
        try self.reader.elements(of: self.list(value)) { (element) throws(RequestUnreadable) in
            try self.readMessage(element)
        }
    }

    private mutating func readMessage(_ slice: JSONSlice) throws(RequestUnreadable) {
        var fields = Fields()
        var speaker: Speaker?
        var message = ChatMessage(.user, [], place: slice.start)
        try self.reader.members(of: self.object(slice)) { (key, value) throws(RequestUnreadable) in
            guard !self.reader.isNull(value) else { return }
            switch Self.messageNames.position(of: key) {
            case 0: speaker = try self.speaker(value)
            case 1: fields.content = value
            case 2: message.name = try self.string(value)
            case 3: fields.refusal = value
            case 4: fields.toolCalls = value
            case 5: fields.toolCallID = value
            case 6:
                fields.functionCall = value
                message.own.append(self.reader.rest(key, value))
            case 7, 8:
                fields.reasoning = value
                message.own.append(self.reader.rest(key, value))
            case 9:
                fields.details = value
                message.own.append(self.reader.rest(key, value))
            case 10: fields.mark = value
            case 11 where value.count == 2:
                // Clients send answers back as they got them, with an empty list of sources.
                break
            default: message.rest.append(self.reader.rest(key, value))
            }
        }
        guard let speaker else {
            throw RequestUnreadable(at: slice.start, "The message has no role.", expected: "an object with a role")
        }
        try self.fill(&message, speaker, fields)
        if let mark = fields.mark, let last = message.parts.indices.last, message.parts[last].cacheMark == nil {
            message.parts[last].cacheMark = self.reader.given(mark)
        }
        self.request.messages.append(message)
    }

    private func speaker(_ value: JSONSlice) throws(RequestUnreadable) -> Speaker {
        if self.reader.equals(value, "user") { return .user }
        if self.reader.equals(value, "assistant") { return .assistant }
        if self.reader.equals(value, "tool") { return .tool }
        if self.reader.equals(value, "system") { return .system }
        if self.reader.equals(value, "developer") { return .developer }
        if self.reader.equals(value, "function") { return .function }
        throw RequestUnreadable(
            at: value.start,
            "This role is not known.",
            expected: "system, developer, user, assistant, tool or function"
        )
    }

    private mutating func fill(
        _ message: inout ChatMessage,
        _ speaker: Speaker,
        _ fields: Fields
    ) throws(RequestUnreadable) {
        switch speaker {
        case .user: message.parts = try self.parts(fields.content)
        case .system:
            message.role = .system
            message.parts = try self.parts(fields.content)
        case .developer:
            message.role = .developer
            message.parts = try self.parts(fields.content)
        case .assistant:
            message.role = .assistant
            try self.fillAssistant(&message, fields)
        case .tool:
            guard let id = fields.toolCallID else {
                throw RequestUnreadable(
                    at: message.place,
                    "The result of a tool does not say which call it answers.",
                    expected: "an object with tool_call_id"
                )
            }
            let callID = SignedCallID.open(try self.string(id).value).id
            let result = ToolResult(callID: callID, parts: try self.parts(fields.content))
            message.parts = [ContentPart(.toolResult(result), place: message.place)]
        case .function:
            let result = ToolResult(
                callID: self.legacyCallID ?? LegacyCallID.make(0),
                parts: try self.parts(fields.content)
            )
            message.parts = [ContentPart(.toolResult(result), place: message.place)]
        }
    }

    private mutating func fillAssistant(
        _ message: inout ChatMessage,
        _ fields: Fields
    ) throws(RequestUnreadable) {
        var thoughts = ReasoningDetails.Thoughts()
        if let details = fields.details { thoughts = ReasoningDetails.read(details, self.reader) }
        // The same text again, unless the list has none.
        if !thoughts.hasText, let reasoning = fields.reasoning, let text = self.reader.string(reasoning), !text.isEmpty
        {
            let thinking = Thinking(text: text, format: .openAIChat)
            message.parts.append(ContentPart(.thinking(thinking), place: reasoning.start))
        }
        message.parts += thoughts.parts
        // An empty text beside calls is what some clients have for none.
        let texts = try self.parts(fields.content)
        if fields.toolCalls == nil || texts.contains(where: { !$0.isEmptyText }) { message.parts += texts }
        if let refusal = fields.refusal {
            message.parts.append(ContentPart(.refusal(try self.string(refusal).value), place: refusal.start))
        }
        if let calls = fields.toolCalls {
            try self.reader.elements(of: self.list(calls)) { (call) throws(RequestUnreadable) in
                message.parts.append(try self.toolCall(call))
            }
        }
        if let function = fields.functionCall {
            let id = LegacyCallID.make(function.start)
            self.legacyCallID = id
            let (name, arguments) = try self.call(function, argumentsName: "arguments")
            let call = ToolCall(id: id, name: name, arguments: arguments)
            message.parts.append(ContentPart(.toolCall(call), place: function.start))
        }
    }

    private func toolCall(_ slice: JSONSlice) throws(RequestUnreadable) -> ContentPart {
        var part = ContentPart(.refusal(.empty), place: slice.start)
        var id: JSONString?
        var function: JSONSlice?
        var custom: JSONSlice?
        var signature: JSONString?
        try self.reader.members(of: self.object(slice)) { (key, value) throws(RequestUnreadable) in
            guard !self.reader.isNull(value) else { return }
            if key.equals("id") {
                id = try self.string(value).value
            } else if key.equals("function") {
                function = value
            } else if key.equals("custom") {
                custom = value
            } else if key.equals("extra_content") {
                signature = ThoughtSignature.read(value, self.reader)
                part.own.append(self.reader.rest(key, value))
            } else if !key.equals("type"), !key.equals("index") {
                part.rest.append(self.reader.rest(key, value))
            }
        }
        guard let id, let inner = function ?? custom else {
            throw RequestUnreadable(
                at: slice.start,
                "The call of a tool has no id or no function.",
                expected: "an object with id and function"
            )
        }
        let opened = SignedCallID.open(id)
        let isCustom = function == nil
        let (name, arguments) = try self.call(inner, argumentsName: isCustom ? "input" : "arguments")
        var call = ToolCall(
            id: opened.id,
            name: name,
            arguments: arguments,
            signature: signature ?? opened.signature
        )
        call.isCustom = isCustom
        part.content = .toolCall(call)
        return part
    }

    private func call(
        _ slice: JSONSlice,
        argumentsName: StaticString
    ) throws(RequestUnreadable) -> (JSONString, ToolArguments) {
        var name: JSONString?
        var arguments = ToolArguments.encoded(.empty)
        try self.reader.members(of: self.object(slice)) { (key, value) throws(RequestUnreadable) in
            guard !self.reader.isNull(value) else { return }
            if key.equals("name") {
                name = try self.string(value).value
            } else if key.equals(argumentsName) {
                // An object is against the rules, and sent by some all the same.
                if self.reader.kind(value) == .object {
                    arguments = .object(self.reader.fragment(value))
                } else {
                    arguments = .encoded(try self.string(value).value)
                }
            }
        }
        guard let name else {
            throw RequestUnreadable(at: slice.start, "The call has no name.", expected: "an object with a name")
        }
        return (name, arguments)
    }
}

extension ContentPart {
    /// Whether it is a text with nothing in it.
    var isEmptyText: Bool {
        if case .text(let text) = self.content { text.isEmpty } else { false }
    }
}
