internal import Chat
internal import Core
internal import NIOCore

/// Reads the items of a request's `input`: messages, tool calls, their results, thoughts, and what else there is.
struct ResponsesItemReader {
    private static let names = JSONNames(
        "type",
        "role",
        "content",
        "id",
        "status",
        "call_id",
        "name",
        "arguments",
        "output",
        "input",
        "summary",
        "encrypted_content"
    )

    let reader: BodyReader
    /// The signature of the tool call that comes next, carried in a reasoning item of its own.
    private var callSignature: JSONString?

    init(reader: BodyReader) { self.reader = reader }

    /// What stands in an item.
    private struct Fields {
        var type: JSONSlice?
        var role: JSONSlice?
        var content: JSONSlice?
        var callID: JSONSlice?
        var name: JSONSlice?
        var arguments: JSONSlice?
        var output: JSONSlice?
        var input: JSONSlice?
        var summary: JSONSlice?
        var encrypted: JSONSlice?
        var id: JSONSlice?
        /// Type, id and status as members.
        var own: [RestMember] = []
        var rest: [RestMember] = []
    }

    /// Reads one item as a message.
    ///
    /// - Returns: Nil for an item that says nothing by itself.
    mutating func message(_ item: JSONSlice) throws(RequestUnreadable) -> ChatMessage? {
        let fields = try self.fields(item)
        guard let type = fields.type else {
            return fields.role == nil && fields.id != nil ? self.other(item) : try self.message(item, fields)
        }
        if self.reader.equals(type, "message") { return try self.message(item, fields) }
        if self.reader.equals(type, "function_call") || self.reader.equals(type, "custom_tool_call") {
            return try self.call(item, fields)
        }
        if self.reader.equals(type, "function_call_output") || self.reader.equals(type, "custom_tool_call_output") {
            return try self.result(item, fields)
        }
        if self.reader.equals(type, "reasoning") { return try self.reasoning(item, fields) }
        guard self.reader.kind(type) == .string else {
            throw RequestUnreadable(at: type.start, "The item's type is no string.", expected: "a string")
        }
        return self.other(item)
    }

    private func fields(_ item: JSONSlice) throws(RequestUnreadable) -> Fields {
        var fields = Fields()
        try self.reader.fields(of: item, "an item: an object with a `type`, or with `role` and `content`") {
            (key, value) throws(RequestUnreadable) in
            switch Self.names.position(of: key) {
            case 0: fields.type = value
            case 1: fields.role = value
            case 2: fields.content = value
            case 3: fields.id = value
            case 4: break
            case 5: fields.callID = value
            case 6: fields.name = value
            case 7: fields.arguments = value
            case 8: fields.output = value
            case 9: fields.input = value
            case 10: fields.summary = value
            case 11: fields.encrypted = value
            default: fields.rest.append(self.reader.rest(key, value))
            }
            if let position = Self.names.position(of: key), position == 0 || position == 3 || position == 4 {
                fields.own.append(self.reader.rest(key, value))
            }
        }
        return fields
    }

    /// An item that only this dialect knows, such as a web search that the provider made.
    private func other(_ item: JSONSlice) -> ChatMessage {
        let part = ContentPart(.other(self.reader.fragment(item)), place: item.start)
        return ChatMessage(.assistant, [part], place: item.start)
    }

    private func message(_ item: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> ChatMessage {
        guard let content = fields.content else {
            throw RequestUnreadable(
                at: item.start,
                "The message has no content.",
                expected: "a string or a list of parts"
            )
        }
        let role = try self.role(item, fields)
        let parts = try ResponsesPartReader(reader: self.reader).parts(content)
        var message = ChatMessage(role, parts, place: item.start)
        message.own = fields.own
        message.rest = fields.rest
        return message
    }

    private func role(_ item: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> ChatMessage.Role {
        guard let role = fields.role else {
            throw RequestUnreadable(at: item.start, "The message has no role.", expected: Self.roles)
        }
        if self.reader.equals(role, "user") { return .user }
        if self.reader.equals(role, "assistant") { return .assistant }
        if self.reader.equals(role, "developer") { return .developer }
        if self.reader.equals(role, "system") { return .system }
        throw RequestUnreadable(at: role.start, "The message's role is not known.", expected: Self.roles)
    }

    private static let roles = "the role `user`, `assistant`, `system` or `developer`"

    private mutating func call(_ item: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> ChatMessage {
        let id = try self.string(fields.callID, of: item, "`call_id`")
        let name = try self.string(fields.name, of: item, "`name`")
        var call = ToolCall(id: id, name: name, arguments: .encoded(.empty))
        if let input = fields.input {
            call.arguments = .encoded(try self.reader.text(input).value)
            call.isCustom = true
        } else if let arguments = fields.arguments {
            // Some clients send the object itself.
            let isObject = self.reader.kind(arguments) == .object
            call.arguments =
                isObject
                ? .object(self.reader.fragment(arguments)) : .encoded(try self.reader.text(arguments).value)
        } else {
            throw RequestUnreadable(at: item.start, "The call has no arguments.", expected: "`arguments`, a string")
        }
        call.signature = self.callSignature
        self.callSignature = nil
        return self.message(.assistant, .toolCall(call), item, fields)
    }

    private func result(_ item: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> ChatMessage {
        let id = try self.string(fields.callID, of: item, "`call_id`")
        guard let output = fields.output else {
            throw RequestUnreadable(
                at: item.start,
                "The result has no output.",
                expected: "a string or a list of parts"
            )
        }
        let parts = try ResponsesPartReader(reader: self.reader).parts(output)
        return self.message(.user, .toolResult(ToolResult(callID: id, parts: parts)), item, fields)
    }

    private mutating func reasoning(_ item: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> ChatMessage? {
        var thinking = Thinking(text: .empty, format: .openAIResponses)
        var own = fields.own
        if let summary = fields.summary {
            thinking.text = try self.joined(summary)
            own.append(RestMember(name: JSONString("summary"), value: self.reader.fragment(summary)))
        }
        if let content = fields.content {
            let thoughts = try self.joined(content)
            if !thoughts.isEmpty { thinking.text = thoughts }
            own.append(RestMember(name: JSONString("content"), value: self.reader.fragment(content)))
        }
        thinking.id = fields.id.flatMap { self.reader.string($0) }
        if let encrypted = fields.encrypted {
            let text = try self.reader.text(encrypted).value
            if let carried = ResponsesCarrier(text) {
                thinking.format = carried.format
                switch carried.kind {
                case .signature: thinking.signature = carried.value
                case .redacted: thinking.redacted = carried.value
                case .call:
                    self.callSignature = carried.value
                    if thinking.text.isEmpty { return nil }
                }
            } else if thinking.text.isEmpty {
                thinking.redacted = text
            } else {
                thinking.signature = text
            }
        }
        var fields = fields
        fields.own = own
        return self.message(.assistant, .thinking(thinking), item, fields)
    }

    /// The texts of a list of summaries or thoughts as one.
    private func joined(_ list: JSONSlice) throws(RequestUnreadable) -> JSONString {
        guard self.reader.kind(list) == .array else {
            throw RequestUnreadable(at: list.start, "The value is no list.", expected: "a list of texts")
        }
        var texts: [JSONString] = []
        try self.reader.elements(of: list) { (element) throws(RequestUnreadable) in
            try self.reader.fields(of: element, "an object with `text`") { (key, value) throws(RequestUnreadable) in
                if key.equals("text") { texts.append(try self.reader.text(value).value) }
            }
        }
        return JSONString(paragraphs: texts)
    }

    private func message(
        _ role: ChatMessage.Role,
        _ content: ContentPart.Content,
        _ item: JSONSlice,
        _ fields: Fields
    ) -> ChatMessage {
        var part = ContentPart(content, place: item.start)
        part.own = fields.own
        part.rest = fields.rest
        return ChatMessage(role, [part], place: item.start)
    }

    private func string(_ value: JSONSlice?, of item: JSONSlice, _ name: String) throws(RequestUnreadable) -> JSONString
    {
        guard let value else {
            throw RequestUnreadable(at: item.start, "The item has no \(name).", expected: "\(name), a string")
        }
        return try self.reader.text(value).value
    }
}

extension JSONString {
    /// Texts with an empty line between each two.
    init(paragraphs texts: [JSONString]) {
        if texts.count == 1 {
            self = texts[0]
            return
        }
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt8(ascii: "\""))
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.writeStaticString("\\n\\n") }
            text.writeContent(into: &bytes)
        }
        bytes.writeInteger(UInt8(ascii: "\""))
        self.init(checked: bytes)
    }
}
